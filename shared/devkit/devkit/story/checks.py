"""The invariants: what must hold when the story is told; each names what is wrong and where to look."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from devkit.story.answers import (
    AuditVerdict,
    BankBook,
    InspectionStatistics,
    Invariants,
    Order,
    RefusedAsk,
    RefusedSign,
    SignageStatistics,
    SubsidyStatistics,
    TasksStatistics,
)
from devkit.story.subscriber import STAGES_OF_AN_ORDER, Heard
from devkit.story.telling import Ledger
from qingdan.signage_events import SignRefused


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
    refused: Sequence[RefusedAsk]
    heard: Heard
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
    if evidence.tasks.letters_signed:
        yield f"{evidence.tasks.letters_signed} letters of responsibility were accepted"


def _refusals(evidence: Evidence) -> Iterable[Fault]:
    ledger, said = evidence.ledger, evidence.tasks
    at_gate = Counter(ask.ask for ask in evidence.refused if ask.decided_by == "gate")
    by_village = Counter(ask.share for ask in evidence.refused if ask.decided_by == "village")
    seen = Counter(ask for asks in ledger.seen_by_departments.values() for ask in asks)
    if at_gate != Counter(ledger.refused_at_gate) or said.asks_refused_at_gate != at_gate.total():
        yield (
            f"{len(ledger.refused_at_gate)} refusals at the gate, {at_gate.total()} listed, "
            f"{said.asks_refused_at_gate} counted"
        )
    if by_village != Counter(ledger.refused_by_villages) or said.asks_refused_by_villages != by_village.total():
        yield (
            f"{len(ledger.refused_by_villages)} refusals by villages, {by_village.total()} listed, "
            f"{said.asks_refused_by_villages} counted"
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


def _others(evidence: Evidence) -> Iterable[Fault]:
    return evidence.ledger.seen_of_others


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
        "nobody_saw_others_data",
        "谁也看不到别处的数据",
        "nobody saw what is not theirs",
        _others,
    ),
)
