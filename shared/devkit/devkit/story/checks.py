"""The invariants: what must hold when the story is told; each names what is wrong and where to look."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from devkit.story.answers import (
    Appeal,
    Application,
    AuditVerdict,
    BankBook,
    InspectionStatistics,
    Invariants,
    ListVersion,
    MergedAsk,
    Order,
    RefusedAsk,
    RefusedSign,
    Share,
    SignageStatistics,
    SubsidyStatistics,
    TasksStatistics,
)
from devkit.story.stream import Window
from devkit.story.subscriber import STAGES_OF_AN_ORDER, Heard
from devkit.story.telling import Ledger
from qingdan.access_events import AccessApproved, AccessReceived, AccessRefused, AccessReturned, EmergencyEntered
from qingdan.event import EventBody
from qingdan.signage_events import SignRefused
from qingdan.tasks_events import AskMerged, RefusalDecided, ShareWithdrawn


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the story was promised, what the services say now, and what the subscriber heard."""

    ledger: Ledger
    tasks: TasksStatistics
    """Of Jize, as the next one."""
    inspection: InspectionStatistics
    signage: SignageStatistics
    """Of Dafang."""
    xiedu: SignageStatistics
    """Of Xiedu Village alone."""
    subsidy: SubsidyStatistics
    """Of Anji."""
    orders: Sequence[Order]
    """Every removal order that signage lists."""
    signs_refused: Sequence[RefusedSign]
    """Every sign that was asked for in vain, as signage lists it."""
    bank: BankBook
    services: Mapping[str, Invariants]
    audits: Mapping[str, AuditVerdict]
    claimed: Mapping[str, Sequence[UUID]]
    """Shares that each service lists as claimed at some time."""
    shares: Sequence[Share]
    """Every share that tasks lists."""
    dafang: TasksStatistics
    applications: Sequence[Application]
    list_versions: Sequence[ListVersion]
    merged: Sequence[MergedAsk]
    appeals: Sequence[Appeal]
    refused: Sequence[RefusedAsk]
    heard: Heard
    window: Window
    """What a township saw that looked at the changes of its division."""
    records: Mapping[str, int]
    """Records in each topic, the public ones and those that a service consumes."""
    private_records: int
    """How many of them are addressed to a bank, so that no subscriber hears them."""
    consumed_topics: Mapping[str, Sequence[str]]
    """The topics that each service consumes."""


Fault = str


@dataclass(frozen=True, slots=True)
class Check:
    """One invariant: its name in demo.json, what it says, and what speaks against it (nothing, when it holds)."""

    name: str
    zh: str
    en: str
    faults: Callable[[Evidence], Iterable[Fault]]


def broken(evidence: Evidence) -> dict[str, list[Fault]]:
    """Every invariant by name, with what speaks against it."""
    return {check.name: list(check.faults(evidence)) for check in CHECKS}


def _unpublished(evidence: Evidence) -> Iterable[Fault]:
    for name, said in evidence.services.items():
        if said.outbox_unpublished:
            yield f"{said.outbox_unpublished} events wait in the outbox of {name}: is its relay running? see its log"


def _parked(evidence: Evidence) -> Iterable[Fault]:
    for name, said in evidence.services.items():
        if said.events_parked:
            yield f"{said.events_parked} records are parked in {name}: `python -m {name} parked list` says why"


def _unread(evidence: Evidence) -> Iterable[Fault]:
    for name, said in evidence.services.items():
        for topic in evidence.consumed_topics[name]:
            there = evidence.records.get(topic, 0)
            taken = sum(books.records for books in said.consumed if books.topic.endswith(topic))
            if taken < there:
                yield f"{name} has accounted for {taken} of {there} records of {topic}"


def _claims(evidence: Evidence) -> Iterable[Fault]:
    promised = Counter(evidence.ledger.claims)
    for name, listed in evidence.claimed.items():
        there = Counter(listed)
        for share in promised - there:
            yield f"{name} does not list share {share} as claimed, which was acknowledged"
        for share in there - promised:
            yield f"{name} lists share {share} as claimed, or lists it twice; that was never acknowledged"


def _unheard(evidence: Evidence) -> Iterable[Fault]:
    published = sum(said.events_published for said in evidence.services.values()) - evidence.private_records
    if len(evidence.heard.events) != published:
        yield f"{len(evidence.heard.events)} different events reached the subscriber, {published} were published"
    yield from evidence.heard.faults


def _audit(evidence: Evidence) -> Iterable[Fault]:
    for name, verdict in evidence.audits.items():
        said = evidence.services[name]
        if not verdict.holds:
            yield f"{name}: {verdict.broken}; `python -m {name} audit verify` repeats it"
        if said.audit_unsealed:
            yield f"{name}: {said.audit_unsealed} audit entries are in no chain yet"


def _findings(evidence: Evidence) -> Iterable[Fault]:
    said = evidence.inspection
    if not said.findings == said.findings_passed == said.rechecks_passed:
        yield f"{said.findings} findings, {said.findings_passed} passed, {said.rechecks_passed} re-checks passed"
    if said.visits_closed != said.visits:
        yield f"{said.visits - said.visits_closed} of {said.visits} visits are not closed"


def _difficulties(evidence: Evidence) -> Iterable[Fault]:
    said = evidence.inspection
    if said.difficulties_answered != said.difficulties_raised:
        yield f"{said.difficulties_answered} of {said.difficulties_raised} difficulties are answered"


def _shares(evidence: Evidence) -> Iterable[Fault]:
    said, other = evidence.tasks, evidence.inspection
    if said.shares_completed + said.shares_refused != said.shares:
        yield f"of {said.shares} shares {said.shares_completed} are complete and {said.shares_refused} refused"
    if (said.shares, said.shares_completed) != (other.shares, other.shares_completed):
        yield (
            f"inspection knows {other.shares} shares, {other.shares_completed} of them complete; tasks knows "
            f"{said.shares}, {said.shares_completed} complete"
        )


def _letters(evidence: Evidence) -> Iterable[Fault]:
    if signed := evidence.tasks.letters_signed + evidence.dafang.letters_signed:
        yield f"{signed} letters of responsibility were accepted"


def _refusals(evidence: Evidence) -> Iterable[Fault]:
    ledger, counted = evidence.ledger, (evidence.tasks, evidence.dafang)
    at_gate_counted = sum(said.asks_refused_at_gate for said in counted)
    by_village_counted = sum(said.asks_refused_by_villages for said in counted)
    at_gate = Counter(ask.ask for ask in evidence.refused if ask.decided_by == "gate")
    by_village = Counter(ask.share for ask in evidence.refused if ask.decided_by == "village")
    seen = Counter(ask for asks in ledger.seen_by_departments.values() for ask in asks)
    if at_gate != Counter(ledger.refused_at_gate) or at_gate_counted != at_gate.total():
        yield (
            f"{len(ledger.refused_at_gate)} refusals at the gate, {at_gate.total()} listed, {at_gate_counted} counted"
        )
    if by_village != Counter(ledger.refused_by_villages) or by_village_counted != by_village.total():
        yield (
            f"{len(ledger.refused_by_villages)} refusals by villages, {by_village.total()} listed, "
            f"{by_village_counted} counted"
        )
    everything = {ask.ask for ask in evidence.refused}
    if evidence.heard.asks_refused != everything:
        yield f"{len(evidence.heard.asks_refused)} refusals were told on the topic, {len(everything)} are listed"
    if seen != Counter(everything):
        yield f"the departments see {seen.total()} refusals between them, {len(everything)} are listed"


def _orders(evidence: Evidence) -> Iterable[Fault]:
    said, ordered = evidence.signage, Counter(evidence.ledger.orders)
    if Counter(order.order for order in evidence.orders) != ordered or said.orders != ordered.total():
        yield f"{ordered.total()} removal orders were given, {len(evidence.orders)} are listed, {said.orders} counted"
    for order in evidence.orders:
        if order.state != "removed":
            yield f"order {order.order} in {order.village} is {order.state}: see the log of tasks, then of inspection"
        for stage in STAGES_OF_AN_ORDER:
            if (times := evidence.heard.orders[order.order][stage]) != 1:
                yield f"{stage} of order {order.order} was told {times} times"
    if not said.orders == said.orders_removed == said.signs_removed:
        yield f"{said.orders} orders, {said.orders_removed} of them carried out, {said.signs_removed} signs removed"


def _signs_refused(evidence: Evidence) -> Iterable[Fault]:
    answered, listed = Counter(evidence.ledger.signs_refused), Counter(each.sign for each in evidence.signs_refused)
    counted = evidence.signage.requests_refused
    if listed != answered or counted != answered.total():
        yield f"{answered.total()} signs were refused, {listed.total()} are listed, {counted} counted"
    if (told := evidence.heard.types[SignRefused.event_type()]) != answered.total():
        yield f"{answered.total()} signs were refused, {told} refusals were told on the topic"


def _paid_once(evidence: Evidence) -> Iterable[Fault]:
    said, states = evidence.subsidy, evidence.subsidy.payments_by_state
    if said.obligations_paid_twice:
        yield f"{said.obligations_paid_twice} obligations were paid more than once"
    settled = states.get("settled", 0)
    if settled + said.obligations_unpaid != said.obligations:
        yield f"{said.obligations} obligations: {settled} settled, {said.obligations_unpaid} unpaid; by state {states}"
    if evidence.bank.paid_twice:
        yield f"the bank paid {evidence.bank.paid_twice} payments twice"


def _banks_book(evidence: Evidence) -> Iterable[Fault]:
    ours, bank = evidence.subsidy, evidence.bank
    if ours.paid_fen != bank.paid_fen:
        yield f"we say {ours.paid_fen} fen are paid, the bank's book says {bank.paid_fen}"
    if ours.payments_by_state.get("settled", 0) != bank.settled:
        yield f"we say {ours.payments_by_state.get('settled', 0)} payments are settled, the bank says {bank.settled}"
    for difference in evidence.ledger.differences:
        yield f"a statement differs: {difference}"


def _balanced(evidence: Evidence) -> Iterable[Fault]:
    said = evidence.subsidy
    if said.ledger_sum_fen or sum(said.ledger_fen_by_account.values()):
        yield f"the ledger sums to {said.ledger_sum_fen} fen: {said.ledger_fen_by_account}"
    if said.ledger_fen_by_account.get("in_transit"):
        yield f"money is still under way after every run was closed: {said.ledger_fen_by_account}"
    if said.ledger_fen_by_account.get("paid", 0) != said.paid_fen:
        yield f"{said.paid_fen} fen are settled, the ledger has {said.ledger_fen_by_account} on its accounts"
    if said.runs != said.runs_closed:
        yield f"{said.runs_closed} of {said.runs} runs are closed"


def _computed_again(evidence: Evidence) -> Iterable[Fault]:
    verified = evidence.ledger.verified
    if len(verified) != evidence.subsidy.runs:
        yield f"{len(verified)} of {evidence.subsidy.runs} runs were computed again"
    for run, holds in verified.items():
        if not holds:
            yield f"run {run} does not come out as it was approved: GET /v1/runs/{run}/verification of subsidy says how"


def _others(evidence: Evidence) -> Iterable[Fault]:
    return evidence.ledger.seen_of_others


def _access(evidence: Evidence) -> Iterable[Fault]:
    ledger, heard = evidence.ledger, evidence.heard.types
    listed = {each.application: each.state for each in evidence.applications}
    if listed != ledger.applications:
        yield f"applications are {sorted(listed.values())}, they must be {sorted(ledger.applications.values())}"
    states = Counter(ledger.applications.values())
    told: dict[type[EventBody], int] = {
        AccessReceived: ledger.received,
        AccessReturned: ledger.returned,
        AccessApproved: states["approved"],
        AccessRefused: states["refused"],
        EmergencyEntered: int(ledger.emergency is not None),
    }
    for event, expected in told.items():
        if heard[event.event_type()] != expected:
            yield f"{event.event_type()} was told {heard[event.event_type()]} times, it must be {expected}"


def _list_versions(evidence: Evidence) -> Iterable[Fault]:
    listed, heard = sorted(each.version for each in evidence.list_versions), evidence.heard.list_versions
    if listed != list(range(1, len(listed) + 1)) or heard != listed:
        yield f"the list has had versions {listed}, and {heard} were told"
    came_on = [each.list_version for each in evidence.applications if each.item is not None]
    if sorted(came_on, key=str) != listed[1:]:
        yield f"items came on the list with versions {came_on}, after the first it has {listed[1:]}"


def _gate_follows(evidence: Evidence) -> Iterable[Fault]:
    ledger, admitted, passed = evidence.ledger, evidence.ledger.admitted, evidence.ledger.asked_after_access
    if admitted is None or passed is None:
        yield "what was refused at first was not asked again"
        return
    if ledger.refused_before_access not in {ask.ask for ask in evidence.refused if ask.decided_by == "gate"}:
        yield f"ask {ledger.refused_before_access} was not refused before its access"
    if passed.item != admitted.item or (passed.list_version or 0) < (admitted.list_version or 0):
        yield f"task {passed.task} passed as {passed.item} of version {passed.list_version}, not as {admitted.item}"


def _settled_at_fengshan(evidence: Evidence) -> Iterable[Fault]:
    listed = {share.share: share for share in evidence.shares}
    for share, state in evidence.ledger.shares.items():
        if share not in listed or listed[share].state != state:
            yield f"share {share} is not {state}: {listed.get(share)}"
    for share, waits_for in evidence.ledger.waiting.items():
        if share not in listed or listed[share].waiting_for != waits_for:
            yield f"share {share} does not wait for the {waits_for}"
    for share, limit in evidence.ledger.limits.items():
        if share not in listed or listed[share].limit_working_days != limit:
            yield f"share {share} has not the limit of {limit} working days that its village set"


def _one_holder(evidence: Evidence) -> Iterable[Fault]:
    withdrawn = sum(state == "withdrawn" for state in evidence.ledger.shares.values())
    if len(evidence.ledger.holders) != 1:
        yield f"{len(evidence.ledger.holders)} villages hold the task that was open to the first"
    if (told := evidence.heard.types[ShareWithdrawn.event_type()]) != withdrawn:
        yield f"{withdrawn} shares were withdrawn, {told} of them told"


def _asked_once(evidence: Evidence) -> Iterable[Fault]:
    listed, merged = {each.ask: each.into for each in evidence.merged}, evidence.ledger.merged
    if listed != merged or evidence.heard.types[AskMerged.event_type()] != len(merged):
        yield f"{len(merged)} asks were merged, {len(listed)} are listed"


def _no_score_fell(evidence: Evidence) -> Iterable[Fault]:
    if evidence.ledger.scores is None:
        yield "nobody was assessed before and after a village said no"
        return
    before, after = evidence.ledger.scores
    if not any(score is not None for score in before.values()):
        yield "no village had a score to lose"
    for village in before.keys() | after.keys():
        if before.get(village) != after.get(village):
            yield f"{village} had {before.get(village)} thousandths, {after.get(village)} after a village said no"


def _appeals(evidence: Evidence) -> Iterable[Fault]:
    listed, decided = {each.ask: each.state for each in evidence.appeals}, evidence.ledger.appeals
    if listed != decided:
        yield f"appeals are {sorted(listed.values())}, they must be {sorted(decided.values())}"
    if (told := evidence.heard.types[RefusalDecided.event_type()]) != len(decided):
        yield f"{len(decided)} appeals were decided, {told} decisions told"


def _minutes(evidence: Evidence) -> Iterable[Fault]:
    closed, ledger = evidence.ledger.closed, evidence.ledger
    if closed is None:
        yield "the record of the meeting at Fengshan is not closed"
        return
    claims = ledger.claims_at_meeting
    if (closed.claims, closed.objections) != (claims, ledger.objections):
        yield (
            f"the minutes have {closed.claims} claims and {closed.objections} objections, there were {claims} and "
            + (f"{ledger.objections}")
        )


def _emergency(evidence: Evidence) -> Iterable[Fault]:
    entered, task = evidence.ledger.emergency, evidence.ledger.in_emergency
    if entered is None or task is None:
        yield "nothing was asked because of the emergency"
        return
    if (task.origin.kind, task.origin.id, task.item) != ("emergency", entered.application, entered.item):
        yield f"task {task.task} is of origin {task.origin.kind}, under {task.item}, not of the emergency"
    if not task.villages_beyond_budget:
        yield f"task {task.task} took no village beyond its budget, and was turned back for that"


def _burden(evidence: Evidence) -> Iterable[Fault]:
    ledger = evidence.ledger
    asked = sum(hours for share, hours in ledger.hours.items() if ledger.shares[share] not in ("refused", "withdrawn"))
    counted = ledger.burden.totals.hours if ledger.burden else 0
    if counted != asked:
        yield f"the burden of Fengshan's month is {counted} hours, its villages were asked for {asked}"


def _works(evidence: Evidence) -> Iterable[Fault]:
    if evidence.heard.works != evidence.ledger.works:
        yield f"works took and saved {dict(evidence.ledger.works)}, {dict(evidence.heard.works)} were told"


def _stream(evidence: Evidence) -> Iterable[Fault]:
    window, happened = evidence.window, evidence.heard.at_fengshan_since(evidence.window.since)
    if not happened:
        yield "nothing happened while the window was open"
    if missed := happened - window.seen.keys():
        yield f"{len(missed)} of {len(happened)} events at Fengshan were not shown"
    if strange := window.seen.keys() - evidence.heard.at_fengshan.keys():
        yield f"{len(strange)} events were shown that are not Fengshan's"
    if doubled := [event for event, times in window.seen.items() if times > 1]:
        yield f"{len(doubled)} events were shown twice"


CHECKS = (
    Check("no_event_unpublished", "没有未发布的事件", "no event is unpublished", _unpublished),
    Check("nothing_parked", "没有滞留的消息", "nothing is parked", _parked),
    Check("every_record_accounted_for", "每条消息都有着落", "every record is accounted for", _unread),
    Check(
        "every_acknowledged_claim_once_on_both_sides",
        "每次认领在两边各有一次",
        "every claim is there once on both sides",
        _claims,
    ),
    Check(
        "every_event_reached_the_subscriber",
        "订阅方按序收到每个事件",
        "the subscriber got every event in order",
        _unheard,
    ),
    Check("audit_chains_hold", "审计链完整", "the audit chains hold", _audit),
    Check("every_finding_rechecked", "每个问题都复查通过", "every finding passed its re-check", _findings),
    Check("every_difficulty_answered", "每个困难都有答复", "every difficulty was answered", _difficulties),
    Check("every_share_settled", "每份任务都有结果", "every share is complete or refused", _shares),
    Check("no_letter_signed", "没有签一份责任状", "no letter was signed", _letters),
    Check("refusals_all_counted", "每次拒绝都有理由并计数", "every refusal is known and counted", _refusals),
    Check("no_order_lost", "清理令一个不丢", "no removal order is lost between the services", _orders),
    Check(
        "every_refused_sign_counted", "每块被拒的牌子都计数", "every refused sign is known and counted", _signs_refused
    ),
    Check("each_obligation_paid_once", "每笔应发只付一次", "each obligation is paid once", _paid_once),
    Check("the_banks_book_equals_ours", "银行账与我方账一致", "the bank's book equals ours", _banks_book),
    Check("the_ledger_balances", "账本借贷平衡", "the ledger balances to the fen", _balanced),
    Check(
        "each_month_comes_out_again",
        "每月重算与审批一致",
        "each month, computed again, is what was approved",
        _computed_again,
    ),
    Check("every_application_decided", "每项准入申请都有结果", "every application is where it must be", _access),
    Check(
        "every_list_version_told", "清单每一版都已公布", "every version of the list was told, in order", _list_versions
    ),
    Check("the_gate_follows_the_list", "关口随清单而变", "the gate follows the list", _gate_follows),
    Check(
        "fengshan_as_acknowledged",
        "凤山乡份额与应答一致",
        "Fengshan's shares are as acknowledged",
        _settled_at_fengshan,
    ),
    Check("one_holder_of_what_is_open_to_the_first", "先到先得只有一家", "one village holds it", _one_holder),
    Check("asked_once", "同一件事只要一次", "what two departments asked is asked once", _asked_once),
    Check("no_score_fell_by_a_no", "拒绝不减分", "no village's score fell by a no", _no_score_fell),
    Check("every_appeal_decided", "每件申诉都有裁定", "every appeal is decided", _appeals),
    Check("an_emergency_has_its_origin", "应急任务有来源、有理由", "an emergency's task says why", _emergency),
    Check("the_burden_is_the_sum_of_its_asks", "减负台账等于各事项之和", "the burden is the sum of its asks", _burden),
    Check("works_as_reported", "工程用工节支如实", "works took and saved what was reported", _works),
    Check("the_stream_missed_nothing", "数据流断开重连不漏不重", "the stream missed nothing", _stream),
    Check("minutes_as_held", "会议记录与会议一致", "the minutes say what happened", _minutes),
    Check(
        "nobody_saw_others_data",
        "谁也看不到别处的数据",
        "nobody saw what is not theirs",
        _others,
    ),
)
