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
    "signs_before": ("谢都村原有牌子", "signs at Xiedu's door before"),
    "signs_horizontal": ("谢都村现有横牌", "signs there now, horizontal"),
    "signs_vertical": ("谢都村现有竖牌", "signs there now, vertical"),
    "signs_removed": ("全县拆除的牌子（示例）", "signs removed in the county (sample)"),
    "programmes": ("有应发的补贴项目", "programmes with an entitlement"),
    "people": ("数据中的人（合成）", "people in the data (synthetic)"),
    "entitlements": ("应发", "entitlements"),
    "payments_settled": ("到账的支付", "payments settled"),
    "payments_rejected_first": ("先退后付的支付", "payments rejected first, then paid"),
    "payments_unknown_resolved": ("曾经不明、已查清的支付", "payments once unknown, resolved"),
    "paid_fen": ("已付（分）", "paid, fen"),
    "bank_paid_fen": ("银行账上已付（分）", "paid by the bank's own book, fen"),
    "ledger_sum_fen": ("账本合计（分）", "sum of the ledger, fen"),
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
    assessment, xiedu, subsidy = evidence.ledger.assessment, evidence.xiedu, evidence.subsidy
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
        "signs_before": xiedu.signs_before,
        "signs_horizontal": xiedu.signs_horizontal,
        "signs_vertical": xiedu.signs_vertical,
        "signs_removed": evidence.signage.signs_removed,
        "programmes": subsidy.programmes_entitled,
        "people": subsidy.people,
        "entitlements": subsidy.entitlements,
        "payments_settled": subsidy.payments_by_state.get("settled", 0),
        "payments_rejected_first": subsidy.payments_rejected_first,
        "payments_unknown_resolved": subsidy.payments_unknown_resolved,
        "paid_fen": subsidy.paid_fen,
        "bank_paid_fen": evidence.bank.paid_fen,
        "ledger_sum_fen": subsidy.ledger_sum_fen,
        "events_published": sum(said.events_published for said in services),
        "events_heard": len(evidence.heard.events),
        "events_parked": sum(said.events_parked for said in services),
        "audit_entries": sum(said.audit_entries for said in services),
        "memory_mb_peak": memory_mb_peak,
    }
    assert counted.keys() == NAMES.keys()
    return {name: value for name, value in counted.items() if value is not None}
