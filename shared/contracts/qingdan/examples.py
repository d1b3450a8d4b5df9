"""One fixed example of every event and of every clear payload: what the golden vectors and the documents show."""

import hashlib

from qingdan import audit_events as audit
from qingdan import bank_events as bank
from qingdan import inspection_events as inspection
from qingdan import records_events as records
from qingdan import signage_events as signage
from qingdan import subsidy_events as subsidy
from qingdan.envelope import Envelope, party_source, service_source
from qingdan.event import ContractModel, EventBody
from qingdan.example_values import (
    BATCH,
    DIFFICULTY,
    DOUBT,
    FINDING,
    LATER,
    MEETING,
    ORDER,
    PAYMENT,
    PERSON,
    RUN,
    SHARE,
    SIGN,
    TASK,
    TODAY,
    TOWNSHIP,
    VILLAGE,
    VISIT,
    WHEN,
    fixed_uuid,
)
from qingdan.examples_of_asks import ASKS
from qingdan.identity import BankAccount, PersonName, PhoneNumber, ResidentId, check_character
from qingdan.ids import (
    AccountCheckId,
    AdjustmentId,
    KeyId,
    ObjectionId,
    RecheckId,
    SuggestionId,
)
from qingdan.money import Fen
from qingdan.sealed import Sealed, WrappedKey
from qingdan.topics import SERVICES, topic_of

KEY = WrappedKey(
    key=KeyId(fixed_uuid("content key")),
    recipient="bank:ABC",
    recipient_key="bank-abc-2021",
    algorithm="RSA-OAEP-256",
    wrapped="d3JhcHBlZA",
)
SEALED = Sealed(
    key=KEY.key, cipher="A256GCM", nonce="AAAAAAAAAAAAAAAB", ciphertext="c2VhbGVk", tag="AAAAAAAAAAAAAAAAAAAAAA"
)
ACCOUNT_CHECK = AccountCheckId(fixed_uuid("account check"))
TOTALS = (subsidy.ProgrammeTotal(programme="B01", payments=2, total_fen=Fen(699_600)),)
ALL_PAID = subsidy.Outcome(payments=2, total_fen=Fen(699_600))
NONE_PAID = subsidy.Outcome(payments=0, total_fen=Fen(0))


def _inspection() -> tuple[EventBody, ...]:
    return (
        inspection.VisitPlanned(visit=VISIT, task=TASK, share=SHARE, village=VILLAGE, planned_on=TODAY, origin=MEETING),
        inspection.VisitDone(
            visit=VISIT, task=TASK, share=SHARE, village=VILLAGE, done_on=TODAY, findings=1, origin=MEETING
        ),
        inspection.FindingRaised(
            visit=VISIT, finding=FINDING, village=VILLAGE, category="work_quality", raised_on=TODAY, origin=MEETING
        ),
        inspection.SuggestionMade(
            visit=VISIT,
            finding=FINDING,
            suggestion=SuggestionId(fixed_uuid("suggestion")),
            village=VILLAGE,
            made_on=TODAY,
            origin=MEETING,
        ),
        inspection.FindingRectified(visit=VISIT, finding=FINDING, village=VILLAGE, rectified_on=LATER, origin=MEETING),
        inspection.RecheckPassed(
            visit=VISIT,
            finding=FINDING,
            recheck=RecheckId(fixed_uuid("second recheck")),
            village=VILLAGE,
            checked_on=LATER,
            origin=MEETING,
        ),
        inspection.RecheckFailed(
            visit=VISIT,
            finding=FINDING,
            recheck=RecheckId(fixed_uuid("first recheck")),
            village=VILLAGE,
            checked_on=TODAY,
            origin=MEETING,
        ),
        inspection.VisitClosed(
            visit=VISIT,
            task=TASK,
            share=SHARE,
            village=VILLAGE,
            origin=MEETING,
            passed=True,
            findings=1,
            failed_rechecks=1,
            closed_on=LATER,
        ),
        inspection.BeneficiaryDoubted(doubt=DOUBT, person=PERSON, reason="moved_away"),
        inspection.DoubtCleared(doubt=DOUBT, person=PERSON),
        inspection.DifficultyRaised(
            difficulty=DIFFICULTY, village=VILLAGE, category="means", share=None, raised_on=TODAY
        ),
        inspection.DifficultyAnswered(
            difficulty=DIFFICULTY, village=VILLAGE, outcome="means_granted", answered_on=LATER
        ),
    )


def _records() -> tuple[EventBody, ...]:
    facts = (
        records.Fact(name="is_alive", value=True),
        records.Fact(name="age_years", value=71),
        records.Fact(name="tekun_mode", value="dispersed"),
        records.Fact(name="disabilities", value=("hearing",)),
        records.Fact(name="employment_status", value=None),
    )
    return (
        records.RowReported(
            system="pop_registry",
            dataset="person_registration",
            source_key="r-000001",
            source_time=WHEN,
            removed=False,
            facts=facts,
            identity_keys=(KEY.model_copy(update={"recipient": "service:records"}),),
            identity=SEALED,
        ),
        records.FactsRecorded(
            subject=f"p:{PERSON}",
            dataset="person_registration",
            system="pop_registry",
            source_time=WHEN,
            facts=facts,
        ),
        records.IdentityRecorded(
            person=PERSON, keys=(KEY.model_copy(update={"recipient": "service:subsidy"}),), sealed=SEALED
        ),
        records.FormCancelled(
            form="FM001",
            department="GAJ",
            title_zh="常住人口基本情况表",
            title_en="Resident population table",
            replaced_by_system="pop_registry",
            cancelled_on=TODAY,
        ),
        records.CertificateCancelled(
            certificate="CT01",
            department="GAJ",
            title_zh="亲属关系证明",
            title_en="Kinship proof",
            replaced_by_system="pop_registry",
            cancelled_on=TODAY,
        ),
        records.VolumeCounted(system="pop_registry", department="GAJ", records=1_280_000, counted_at=WHEN),
    )


def _bank() -> tuple[EventBody, ...]:
    return (
        bank.PaymentSettled(
            bank="ABC",
            payment=PAYMENT,
            batch=BATCH,
            amount_fen=Fen(349_800),
            settled_on=TODAY,
            bank_reference="2021081100000001",
        ),
        bank.PaymentRejected(bank="ABC", payment=PAYMENT, batch=BATCH, reason="name_mismatch", rejected_on=TODAY),
        bank.PaymentReturned(
            bank="ABC",
            payment=PAYMENT,
            batch=BATCH,
            amount_fen=Fen(349_800),
            reason="account_closed",
            returned_on=LATER,
            bank_reference="2021082500000001",
        ),
        bank.PaymentReversed(
            bank="ABC",
            payment=PAYMENT,
            batch=BATCH,
            amount_fen=Fen(349_800),
            reason="booked_twice",
            reversed_on=LATER,
            bank_reference="2021082500000002",
        ),
        bank.PaymentStatusAnswered(bank="ABC", payment=PAYMENT, batch=BATCH, status="in_progress", answered_at=WHEN),
        bank.AccountChecked(
            bank="ABC", check=ACCOUNT_CHECK, owner_matches=False, reason="name_differs", checked_on=TODAY
        ),
        bank.BatchDeclared(bank="ABC", batch=BATCH, count=2, total_fen=Fen(699_600), key=KEY, declared_on=TODAY),
        bank.PaymentInstructed(bank="ABC", payment=PAYMENT, batch=BATCH, seq=1, sealed=SEALED),
        bank.PaymentStatusRequested(bank="ABC", payment=PAYMENT, batch=BATCH, requested_at=WHEN),
        bank.AccountCheckRequested(bank="ABC", check=ACCOUNT_CHECK, key=KEY, sealed=SEALED, requested_at=WHEN),
    )


def _subsidy() -> tuple[EventBody, ...]:
    month = "2021-08"
    return (
        subsidy.RunPreviewed(
            run=RUN,
            division=TOWNSHIP,
            period=month,
            programmes=TOTALS,
            previewed_on=TODAY,
            programme_version=3,
            excluded=1,
            undetermined=4,
        ),
        subsidy.RunFrozen(
            run=RUN,
            division=TOWNSHIP,
            period=month,
            programmes=TOTALS,
            frozen_on=TODAY,
            notice_until=LATER,
            frozen_hash="5a" * 32,
        ),
        subsidy.RunReturned(
            run=RUN, division=TOWNSHIP, period=month, frozen_hash="5a" * 32, reason="wrong_rule", returned_on=TODAY
        ),
        subsidy.RunApproved(run=RUN, division=TOWNSHIP, period=month, approved_on=LATER, approvals=2),
        subsidy.RunPaying(run=RUN, division=TOWNSHIP, period=month, instructed=ALL_PAID, paying_on=LATER),
        subsidy.RunClosed(
            run=RUN,
            division=TOWNSHIP,
            period=month,
            totals=subsidy.RunTotals(
                instructed=ALL_PAID, settled=ALL_PAID, rejected=NONE_PAID, returned=NONE_PAID, reversed=NONE_PAID
            ),
            closed_on=LATER,
        ),
        subsidy.ObjectionRaised(
            objection=ObjectionId(fixed_uuid("objection")),
            run=RUN,
            division=TOWNSHIP,
            programme=TOTALS[0].programme,
            raised_on=TODAY,
        ),
        subsidy.ObjectionDecided(
            objection=ObjectionId(fixed_uuid("objection")),
            run=RUN,
            division=TOWNSHIP,
            programme=TOTALS[0].programme,
            upheld=False,
            decided_on=LATER,
        ),
        subsidy.PeriodAdjusted(
            adjustment=AdjustmentId(fixed_uuid("adjustment")),
            division=TOWNSHIP,
            period=month,
            arrears=ALL_PAID,
            recoveries=NONE_PAID,
            adjusted_on=LATER,
        ),
    )


def _signage() -> tuple[EventBody, ...]:
    return (
        signage.SignPermitted(
            sign=SIGN,
            village=VILLAGE,
            department="MZJ",
            code="SG02",
            position="outside_vertical",
            legal_basis="中华人民共和国村民委员会组织法",
            permitted_on=TODAY,
        ),
        signage.SignRefused(
            sign=SIGN, village=VILLAGE, department="KXX", code=None, reason="not_permitted", refused_on=TODAY
        ),
        signage.RemovalOrdered(
            order=ORDER,
            village=VILLAGE,
            sign=SIGN,
            department="RWB",
            code="SG19",
            ordered_on=TODAY,
            due_on=LATER,
            wording="民兵连部",
            legal_basis="关于规范村级组织工作事务、机制牌子和证明事项的意见（厅字〔2022〕28号）",
        ),
        signage.SignRemoved(order=ORDER, village=VILLAGE, sign=SIGN, removed_on=LATER),
    )


def _audit() -> tuple[EventBody, ...]:
    return (
        audit.AuditAnchored(
            service="tasks",
            lane=3,
            position=1024,
            hash=hashlib.sha256(b"an audit chain's head").hexdigest(),
            signature="eyJhbGciOiJFUzI1NiJ9.eyJzZXJ2aWNlIjoidGFza3MifQ.c2lnbmF0dXJl",
            anchored_at=WHEN,
        ),
    )


EXAMPLES: dict[str, EventBody] = {
    event.type: event
    for event in (
        *ASKS,
        *_inspection(),
        *_records(),
        *_subsidy(),
        *_signage(),
        *_audit(),
        *_bank(),
    )
}
"""By CloudEvents type."""

_NUMBER = "11010519491231002"  # GB 11643-1999 itself shows this number
RESIDENT = ResidentId(_NUMBER + check_character(_NUMBER))

CLEAR_PAYLOADS: dict[str, ContractModel] = {
    "sealed.payment-order.v1": bank.PaymentOrder(
        payment=PAYMENT,
        batch=BATCH,
        seq=1,
        programme="B01",
        period="2021-08",
        amount_fen=Fen(349_800),
        payee=PersonName("王小明"),
        account=BankAccount("6228480000000000000"),
    ),
    "sealed.account-to-check.v1": bank.AccountToCheck(
        check=ACCOUNT_CHECK, owner=PersonName("王小明"), account=BankAccount("6228480000000000000")
    ),
    "sealed.row-identity.v1": records.RowIdentity(resident_id=RESIDENT, name=PersonName("王小明")),
    "sealed.identity.v1": records.Identity(
        person=PERSON,
        name=PersonName("王小明"),
        resident_id=RESIDENT,
        account=BankAccount("6228480000000000000"),
        phone=PhoneNumber("13800000000"),
    ),
}
"""What is inside sealed bodies: contracts too, but never on a topic in the clear."""


def example_envelope(event: EventBody) -> Envelope[EventBody]:
    """The example's envelope, with attributes that depend on the event type only."""
    topic = topic_of(event)
    writer = topic.writers[0]
    return Envelope.of(
        event,
        id=str(fixed_uuid(event.type)),
        source=service_source(writer) if writer in SERVICES else party_source(writer),
        time=WHEN,
        traceparent=f"00-{hashlib.sha256(event.type.encode()).hexdigest()[:32]}-00f067aa0ba902b7-01",
    )
