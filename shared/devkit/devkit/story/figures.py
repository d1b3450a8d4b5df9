"""The figures of the story, counted from what the services answered."""

from typing import Final

from devkit.story.checks import Evidence
from qingdan.divisions import DivisionCode

NAMES: Final = {
    "villages_claimed": ("认领任务的村", "villages that claimed"),
    "tasks_published": ("发布的任务", "tasks published"),
    "shares_claimed": ("认领的份额", "shares claimed"),
    "shares_completed": ("完成的份额", "shares completed"),
    "asks_refused_at_gate": ("关口拒绝的事项", "asks refused at the gate"),
    "asks_refused_by_villages": ("村里拒绝的事项", "asks refused by villages"),
    "letters_signed": ("签订的责任状", "letters of responsibility signed"),
    "visits": ("现场检查", "visits"),
    "findings": ("发现的问题", "findings"),
    "rechecks_failed": ("复查未通过", "re-checks failed"),
    "rechecks_passed": ("复查通过", "re-checks passed"),
    "difficulties_answered": ("答复的困难", "difficulties answered"),
    "history_rows": ("导入的历史任务（合成）", "finished tasks taken over (synthetic)"),
    "townships_ranked": ("参加排名的乡镇", "townships ranked"),
    "wuguanying_rank": ("吴官营镇名次", "rank of Wuguanying"),
    "events_published": ("发布的事件", "events published"),
    "events_heard": ("订阅方收到的事件", "events that reached the subscriber"),
    "events_parked": ("滞留的消息", "records parked"),
    "audit_entries": ("审计记录", "audit entries"),
    "memory_mb_peak": ("内存峰值（兆字节）", "memory at its peak, MB, all processes"),
}
"""Every figure, in the order in which it is shown."""


def count(evidence: Evidence, town: DivisionCode, *, memory_mb_peak: int) -> dict[str, int]:
    """Every figure by name; only a rank that the town does not have is left out."""
    tasks, inspection, services = evidence.tasks, evidence.inspection, evidence.services.values()
    assessment = evidence.ledger.assessment
    counted: dict[str, int | None] = {
        "villages_claimed": tasks.villages_claimed,
        "tasks_published": tasks.tasks,
        "shares_claimed": tasks.shares_claimed,
        "shares_completed": tasks.shares_completed,
        "asks_refused_at_gate": tasks.asks_refused_at_gate,
        "asks_refused_by_villages": tasks.asks_refused_by_villages,
        "letters_signed": tasks.letters_signed,
        "visits": inspection.visits,
        "findings": inspection.findings,
        "rechecks_failed": inspection.rechecks_failed,
        "rechecks_passed": inspection.rechecks_passed,
        "difficulties_answered": inspection.difficulties_answered,
        "history_rows": tasks.history_rows,
        "townships_ranked": assessment.of if assessment else 0,
        "wuguanying_rank": assessment.rank_of(town) if assessment else None,
        "events_published": sum(said.events_published for said in services),
        "events_heard": len(evidence.heard.events),
        "events_parked": sum(said.events_parked for said in services),
        "audit_entries": sum(said.audit_entries for said in services),
        "memory_mb_peak": memory_mb_peak,
    }
    assert counted.keys() == NAMES.keys()
    return {name: value for name, value in counted.items() if value is not None}
