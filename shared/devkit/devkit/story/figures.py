"""The figures of the story, counted from what the services answered."""

from collections import Counter
from typing import Final

from devkit.story.checks import Evidence
from qingdan.access_events import AccessReturned, EmergencyEntered
from qingdan.divisions import DivisionCode
from qingdan.tasks_events import ShareLimitChanged

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
    "list_versions": ("清单版本", "versions that the list has had"),
    "access_approved": ("批准的准入申请", "applications for access approved"),
    "access_returned": ("退回补正的准入申请", "applications returned, then completed"),
    "access_refused": ("不予批准的准入申请", "applications for access refused"),
    "emergencies_entered": ("应急准入", "emergencies that took effect at once"),
    "asks_merged": ("并入在前任务的事项", "asks merged with an earlier one"),
    "shares_withdrawn": ("先到先得而撤回的份额", "shares withdrawn, another village was first"),
    "dafang_asks_refused": ("大方县被拒事项", "asks refused in Dafang"),
    "refusals_appealed": ("部门申诉", "appeals against a village's no"),
    "refusals_upheld": ("县里支持村里", "decided for the village"),
    "scores_changed_by_a_no": ("因拒绝变动的得分", "scores that changed by a no"),
    "clocks_standing_still": ("等部门而暂停计时", "clocks that stand still for a department"),
    "limits_changed": ("村里变更的时限", "limits changed, with the reason"),
    "minutes_claims": ("会议记录中的认领", "claims in the minutes of Fengshan"),
    "burden_hours": ("凤山乡本月工时", "hours asked of Fengshan's villages this month"),
    "villages_beyond_budget": ("超额并写明理由的村", "villages beyond their budget, with the reason"),
    "labour_days": ("出工（天）", "days that people worked"),
    "households_taking_part": ("出工户数", "households that sent a labourer"),
    "material_reused_kg": ("再用的材料（公斤）", "material reused, kg"),
    "money_saved_fen": ("节约（分）", "money saved, fen"),
    "stream_events": ("数据流事件", "events of the township's stream"),
    "stream_connections": ("数据流连接", "connections of that stream"),
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
        **_of_the_list(evidence),
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


def _of_the_list(evidence: Evidence) -> dict[str, int | None]:
    """What became of Dafang's list, and of what was asked under it."""
    states = Counter(each.state for each in evidence.applications)
    before, after = evidence.ledger.scores or ({}, {})
    dafang, ledger, works = evidence.dafang, evidence.ledger, evidence.heard.works
    return {
        "list_versions": len(evidence.list_versions),
        "access_approved": states["approved"],
        "access_returned": evidence.heard.types[AccessReturned.event_type()],
        "access_refused": states["refused"],
        "emergencies_entered": evidence.heard.types[EmergencyEntered.event_type()],
        "asks_merged": len(evidence.merged),
        "shares_withdrawn": sum(share.state == "withdrawn" for share in evidence.shares),
        "dafang_asks_refused": dafang.asks_refused_at_gate + dafang.asks_refused_by_villages,
        "refusals_appealed": len(evidence.appeals),
        "refusals_upheld": sum(each.state == "upheld" for each in evidence.appeals),
        "scores_changed_by_a_no": sum(before.get(village) != score for village, score in after.items()),
        "clocks_standing_still": sum(share.waiting_for == "department" for share in evidence.shares),
        "limits_changed": evidence.heard.types[ShareLimitChanged.event_type()],
        "minutes_claims": ledger.closed.claims if ledger.closed else None,
        "burden_hours": ledger.burden.totals.hours if ledger.burden else None,
        "villages_beyond_budget": ledger.in_emergency.villages_beyond_budget if ledger.in_emergency else None,
        "labour_days": works["labour_days"],
        "households_taking_part": works["households_taking_part"],
        "material_reused_kg": works["material_reused_kg"],
        "money_saved_fen": works["money_saved_fen"],
        "stream_events": len(evidence.window.seen),
        "stream_connections": evidence.window.connections,
    }
