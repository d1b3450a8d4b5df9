"""One fixed example of every event and of every clear payload: what the golden vectors and the documents show."""

import hashlib
from datetime import UTC, date, datetime
from uuid import UUID

from qingdan import access_events as access
from qingdan import assessment_events as assessment
from qingdan import audit_events as audit
from qingdan import bank_events as bank
from qingdan import inspection_events as inspection
from qingdan import records_events as records
from qingdan import signage_events as signage
from qingdan import subsidy_events as subsidy
from qingdan import tasks_events as tasks
from qingdan.divisions import DivisionCode, DivisionLevel
from qingdan.envelope import Envelope, party_source, service_source
from qingdan.event import ContractModel, EventBody
from qingdan.identity import BankAccount, PersonName, PhoneNumber, ResidentId, check_character
from qingdan.ids import (
    ApplicationId,
    AskId,
    BatchId,
    DifficultyId,
    DoubtId,
    FindingId,
    KeyId,
    PaymentId,
    PersonId,
    RecheckId,
    RemovalOrderId,
    RunId,
    ShareId,
    SignId,
    SuggestionId,
    TaskId,
    VisitId,
)
from qingdan.money import Fen
from qingdan.origin import Origin
from qingdan.sealed import Sealed, WrappedKey
from qingdan.topics import SERVICES, topic_of

WHEN = datetime(2021, 8, 11, 1, 30, tzinfo=UTC)
TODAY = date(2021, 8, 11)
LATER = date(2021, 8, 25)


def fixed_uuid(words: str) -> UUID:
    """A version 7 UUID that is always the same for the same words, stamped with the examples' time."""
    stamp = int(WHEN.timestamp() * 1000).to_bytes(6, "big")
    noise = bytearray(hashlib.sha256(words.encode()).digest()[:10])
    noise[0] = noise[0] & 0x0F | 0x70
    noise[2] = noise[2] & 0x3F | 0x80
    return UUID(bytes=stamp + bytes(noise))


VILLAGE = DivisionCode("130431105201")
TOWNSHIP = DivisionCode("130431105000")
TASK = TaskId(fixed_uuid("task"))
SHARE = ShareId(fixed_uuid("share"))
VISIT = VisitId(fixed_uuid("visit"))
FINDING = FindingId(fixed_uuid("finding"))
DIFFICULTY = DifficultyId(fixed_uuid("difficulty"))
DOUBT = DoubtId(fixed_uuid("doubt"))
PERSON = PersonId(fixed_uuid("person"))
RUN = RunId(fixed_uuid("run"))
BATCH = BatchId(fixed_uuid("batch"))
PAYMENT = PaymentId(fixed_uuid("payment"))
SIGN = SignId(fixed_uuid("sign"))
ORDER = RemovalOrderId(fixed_uuid("removal order"))
APPLICATION = ApplicationId(fixed_uuid("application"))
PHOTO = hashlib.sha256(b"a photo").hexdigest()
MEETING = Origin(service="tasks", kind="work_meeting", id=fixed_uuid("work meeting"))
REMOVAL = Origin(service="signage", kind="removal_order", id=ORDER)

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
TOTALS = (subsidy.ProgrammeTotal(programme="B01", payments=2, total_fen=Fen(699_600)),)
ALL_PAID = subsidy.Outcome(payments=2, total_fen=Fen(699_600))
NONE_PAID = subsidy.Outcome(payments=0, total_fen=Fen(0))


def _tasks() -> tuple[EventBody, ...]:
    return (
        tasks.TaskPublished(
            task=TASK,
            origin=MEETING,
            item="RS05",
            list_version=1,
            department="ZJJ",
            kind=tasks.AskKind.TASK,
            title_zh="背街小巷整治(胡同改造)3条",
            title_en="Renovate three back lanes (hutongs)",
            division=TOWNSHIP,
            inspect_on_completion=True,
            published_on=TODAY,
            shares=(tasks.PublishedShare(share=SHARE, village=VILLAGE),),
        ),
        tasks.ShareClaimed(
            task=TASK,
            share=SHARE,
            village=VILLAGE,
            department="ZJJ",
            limit_working_days=10,
            claimed_on=TODAY,
            due_on=LATER,
            provisional=False,
            origin=MEETING,
        ),
        tasks.ShareRefused(
            task=TASK,
            share=SHARE,
            village=VILLAGE,
            department="ZJJ",
            code=tasks.RefusalCode.NO_MEANS,
            list_version=1,
            refused_on=TODAY,
            origin=MEETING,
        ),
        tasks.ShareProgressed(
            task=TASK,
            share=SHARE,
            village=VILLAGE,
            percent=60,
            photo_sha256=(PHOTO,),
            reported_on=TODAY,
            origin=MEETING,
        ),
        tasks.ShareReportedDone(
            task=TASK, share=SHARE, village=VILLAGE, photo_sha256=(PHOTO,), reported_on=LATER, origin=MEETING
        ),
        tasks.ShareCompleted(
            task=TASK,
            share=SHARE,
            village=VILLAGE,
            completed_on=LATER,
            due_on=LATER,
            used_working_days=10,
            on_time=True,
            origin=REMOVAL,
        ),
    )


def _asks() -> tuple[EventBody, ...]:
    return (
        tasks.AskRefused(
            ask=AskId(fixed_uuid("ask")),
            department="SCJ",
            kind=tasks.AskKind.LETTER,
            code=tasks.RefusalCode.NEGATIVE_LIST,
            decided_by="gate",
            list_version=1,
            nearest_item="RA20",
            division=TOWNSHIP,
            refused_on=TODAY,
        ),
    )


def _access() -> tuple[EventBody, ...]:
    item = access.ListItem(
        code="RS05",
        category=access.ItemCategory.STATUTORY,
        title_zh="办理本村的公共事务和公益事业",
        title_en="Run the village's public affairs and welfare",
        askers=("MZJ", "ZJJ"),
        kinds=(tasks.AskKind.TASK, tasks.AskKind.VISIT),
        inspect_on_completion=True,
    )
    return (
        access.AccessApplied(
            application=APPLICATION,
            department="SLJ",
            list_code="jize-villages",
            title_zh="机井运行巡查",
            title_en="Patrol the wells",
            category=access.ItemCategory.ASSIST,
            kinds=(tasks.AskKind.TASK,),
            legal_basis="中华人民共和国抗旱条例 第三十四条",
            applied_on=TODAY,
        ),
        access.ListVersionTookEffect(list_code="jize-villages", version=1, effective_on=TODAY, items=(item,)),
        access.AccessApproved(
            application=APPLICATION,
            department="SLJ",
            list_code="jize-villages",
            item="RA21",
            version=2,
            approved_on=LATER,
        ),
        access.AccessRefused(
            application=APPLICATION,
            department="SLJ",
            list_code="jize-villages",
            code="no_legal_basis",
            refused_on=LATER,
        ),
    )


def _assessment() -> tuple[EventBody, ...]:
    return (
        assessment.AssessmentPublished(
            period_from=date(2021, 1, 1),
            period_to=date(2021, 6, 30),
            division=TOWNSHIP,
            level=DivisionLevel.TOWNSHIP,
            rank=2,
            of=7,
            score_milli=87_250,
            facts=(assessment.AssessmentFact(name="shares_completed_on_time", value=181),),
            formula="assessment-1",
        ),
    )


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
        bank.PaymentStatusAnswered(bank="ABC", payment=PAYMENT, batch=BATCH, status="in_progress", answered_at=WHEN),
        bank.BatchDeclared(bank="ABC", batch=BATCH, count=2, total_fen=Fen(699_600), key=KEY, declared_on=TODAY),
        bank.PaymentInstructed(bank="ABC", payment=PAYMENT, batch=BATCH, seq=1, sealed=SEALED),
        bank.PaymentStatusRequested(bank="ABC", payment=PAYMENT, batch=BATCH, requested_at=WHEN),
    )


def _subsidy() -> tuple[EventBody, ...]:
    month = "2021-08"
    return (
        subsidy.RunPreviewed(run=RUN, division=TOWNSHIP, period=month, programmes=TOTALS, previewed_on=TODAY),
        subsidy.RunFrozen(
            run=RUN, division=TOWNSHIP, period=month, programmes=TOTALS, frozen_on=TODAY, notice_until=LATER
        ),
        subsidy.RunApproved(run=RUN, division=TOWNSHIP, period=month, approved_on=LATER),
        subsidy.RunPaying(run=RUN, division=TOWNSHIP, period=month, instructed=ALL_PAID, paying_on=LATER),
        subsidy.RunClosed(
            run=RUN,
            division=TOWNSHIP,
            period=month,
            totals=subsidy.RunTotals(instructed=ALL_PAID, settled=ALL_PAID, rejected=NONE_PAID, returned=NONE_PAID),
            closed_on=LATER,
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
        *_access(),
        *_tasks(),
        *_asks(),
        *_assessment(),
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
