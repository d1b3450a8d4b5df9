"""The registry of topics: owner, key, partitions, retention, data class, event types, writers and readers of each.

Kafka's topics, users and access rules, the AsyncAPI document and the devkit's topics are generated from it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from qingdan import access_events as access
from qingdan import assessment_events as assessment
from qingdan import audit_events as audit
from qingdan import bank_events as bank
from qingdan import burden_events as burden
from qingdan import inspection_events as inspection
from qingdan import records_events as records
from qingdan import signage_events as signage
from qingdan import subsidy_events as subsidy
from qingdan import tasks_events as tasks
from qingdan.event import EventBody

DAY_MS = 86_400_000
DLT_SUFFIX = ".dlt"
DLT_RETENTION_MS = 90 * DAY_MS


class DataClass(StrEnum):
    """Who may see what a topic carries; `personal` also when the bodies are encrypted."""

    PUBLIC = "public"
    INTERNAL = "internal"
    PERSONAL = "personal"


class UnknownTopic(LookupError):
    """The registry knows no topic of this name, or no topic for this event."""


@dataclass(frozen=True, slots=True)
class Party:
    """The one outside party that writes an `in` topic or reads a `to` topic.

    `field` names the member of the event that repeats it, so that nobody can speak for somebody else.
    """

    kind: str
    field: str
    slug: str

    @property
    def principal(self) -> str:
        """How writers, readers and the CloudEvents source name the party, as in `department:mzj`."""
        return f"{self.kind}:{self.slug}"


@dataclass(frozen=True, slots=True)
class Topic:
    """One Kafka topic. `key` says in words what the record key is; `readers` and `writers` name principals:
    a service (`tasks`), `integrators`, or an outside party (`bank:abc`)."""

    name: str
    owner: str
    key: str
    partitions: int
    retention_ms: int | None
    """None: kept for ever (compacted topics keep the last record of each key)."""
    compacted: bool
    data_class: DataClass
    events: tuple[type[EventBody], ...]
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    party: Party | None = None

    @property
    def dlt(self) -> str:
        """Name of the topic for records that a consumer had to park."""
        return self.name + DLT_SUFFIX

    @property
    def consumed(self) -> bool:
        """True when a service of ours reads it, so that it needs a `.dlt`."""
        return any(reader in SERVICES for reader in self.readers)

    @property
    def types(self) -> Mapping[str, type[EventBody]]:
        """The event types of the topic, by CloudEvents type."""
        return {event.event_type(): event for event in self.events}


@dataclass(frozen=True, slots=True, eq=False)
class TopicFamily:
    """One topic per sender or receiver, all alike."""

    template: Topic
    placeholder: str
    kind: str
    field: str

    def topic(self, code: str) -> Topic:
        """The member for a department, system or bank; its code in lower case, with `-` for `_`.

        Raises UnknownTopic for a code that cannot stand in a topic's name.
        """
        slug = code.lower().replace("_", "-")
        if not re.fullmatch(r"[a-z][a-z0-9-]{1,39}", slug):
            raise UnknownTopic("not a code that can stand in a topic's name")
        party = Party(self.kind, self.field, slug)

        def named(principals: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(party.principal if p == self.kind else p for p in principals)

        template = self.template
        return replace(
            template,
            name=template.name.replace(self.placeholder, slug),
            writers=named(template.writers),
            readers=named(template.readers),
            party=party,
        )

    def slug_in(self, name: str) -> str | None:
        """The sender's or receiver's part of a topic's name, or None when the name is of another family."""
        before, after = self.template.name.split(self.placeholder)
        match = re.fullmatch(f"{re.escape(before)}([a-z][a-z0-9-]{{1,39}}){re.escape(after)}", name)
        return match[1] if match else None


SERVICES = frozenset({"tasks", "inspection", "subsidy", "signage", "records", "console"})

ACCESS = Topic(
    name="pub.access.v1",
    owner="tasks",
    key="list code",
    partitions=3,
    retention_ms=None,
    compacted=False,
    data_class=DataClass.PUBLIC,
    events=(
        access.ListVersionTookEffect,
        access.AccessReceived,
        access.AccessReturned,
        access.AccessApproved,
        access.AccessRefused,
        access.EmergencyEntered,
        access.EmergencyLapsed,
    ),
    writers=("tasks",),
    readers=("inspection", "signage", "subsidy", "records", "console", "integrators"),
)
TASKS = Topic(
    name="pub.tasks.v1",
    owner="tasks",
    key="task id; ask id for refused and merged asks; meeting id; division code for desks, budgets and reports",
    partitions=12,
    retention_ms=400 * DAY_MS,
    compacted=False,
    data_class=DataClass.PUBLIC,
    events=(
        tasks.TaskPublished,
        tasks.ShareClaimed,
        tasks.ShareRefused,
        tasks.ShareProgressed,
        tasks.ShareReportedDone,
        tasks.ShareCompleted,
        tasks.ShareWithdrawn,
        tasks.ShareLimitChanged,
        tasks.SharePaused,
        tasks.ShareResumed,
        tasks.ExtensionAsked,
        tasks.ExtensionDecided,
        tasks.DeskTransferred,
        tasks.RefusalAppealed,
        tasks.RefusalDecided,
        tasks.MeetingClosed,
        tasks.AskRefused,
        tasks.AskMerged,
        burden.BudgetChanged,
        burden.BurdenReported,
    ),
    writers=("tasks",),
    readers=("inspection", "signage", "console", "integrators"),
)
ASSESSMENT = Topic(
    name="pub.assessment.v1",
    owner="tasks",
    key="division code",
    partitions=3,
    retention_ms=None,
    compacted=False,
    data_class=DataClass.PUBLIC,
    events=(assessment.AssessmentPublished, assessment.AssessmentObjected, assessment.ObjectionDecided),
    writers=("tasks",),
    readers=("console", "integrators"),
)
INSPECTION = Topic(
    name="pub.inspection.v1",
    owner="inspection",
    key="visit id; difficulty id; doubt id",
    partitions=12,
    retention_ms=400 * DAY_MS,
    compacted=False,
    data_class=DataClass.PUBLIC,
    events=(
        inspection.VisitPlanned,
        inspection.VisitDone,
        inspection.FindingRaised,
        inspection.SuggestionMade,
        inspection.FindingRectified,
        inspection.RecheckPassed,
        inspection.RecheckFailed,
        inspection.VisitClosed,
        inspection.BeneficiaryDoubted,
        inspection.DoubtCleared,
        inspection.DifficultyRaised,
        inspection.DifficultyAnswered,
    ),
    writers=("inspection",),
    readers=("tasks", "signage", "subsidy", "console", "integrators"),
)
RECORDS_FACTS = Topic(
    name="int.records.facts.v1",
    owner="records",
    key="{p or h or c}:{id}/{dataset}, partitioned by the part before the slash",
    partitions=12,
    retention_ms=None,
    compacted=True,
    data_class=DataClass.PERSONAL,
    events=(records.FactsRecorded,),
    writers=("records",),
    readers=("subsidy",),
)
RECORDS_IDENTITIES = Topic(
    name="int.records.identities.v1",
    owner="records",
    key="person id",
    partitions=12,
    retention_ms=None,
    compacted=True,
    data_class=DataClass.PERSONAL,
    events=(records.IdentityRecorded,),
    writers=("records",),
    readers=("subsidy",),
)
RECORDS = Topic(
    name="pub.records.v1",
    owner="records",
    key="form code; certificate code; system code",
    partitions=3,
    retention_ms=None,
    compacted=False,
    data_class=DataClass.PUBLIC,
    events=(records.FormCancelled, records.CertificateCancelled, records.VolumeCounted),
    writers=("records",),
    readers=("console", "integrators"),
)
SUBSIDY = Topic(
    name="pub.subsidy.v1",
    owner="subsidy",
    key="run id; objection id; adjustment id",
    partitions=3,
    retention_ms=400 * DAY_MS,
    compacted=False,
    data_class=DataClass.PUBLIC,
    events=(
        subsidy.RunPreviewed,
        subsidy.RunFrozen,
        subsidy.RunReturned,
        subsidy.RunApproved,
        subsidy.RunPaying,
        subsidy.RunClosed,
        subsidy.ObjectionRaised,
        subsidy.ObjectionDecided,
        subsidy.PeriodAdjusted,
    ),
    writers=("subsidy",),
    readers=("console", "integrators"),
)
SIGNAGE = Topic(
    name="pub.signage.v1",
    owner="signage",
    key="village's division code",
    partitions=6,
    retention_ms=400 * DAY_MS,
    compacted=False,
    data_class=DataClass.PUBLIC,
    events=(signage.SignPermitted, signage.SignRefused, signage.RemovalOrdered, signage.SignRemoved),
    writers=("signage",),
    readers=("tasks", "console", "integrators"),
)
AUDIT_ANCHORS = Topic(
    name="pub.audit.anchors.v1",
    owner="every service",
    key="service name",
    partitions=3,
    retention_ms=None,
    compacted=False,
    data_class=DataClass.PUBLIC,
    events=(audit.AuditAnchored,),
    writers=("tasks", "inspection", "subsidy", "signage", "records"),
    readers=("auditors", "integrators"),
)

IN_ACCESS = TopicFamily(
    placeholder="<department>",
    kind="department",
    field="department",
    template=Topic(
        name="in.access.<department>.v1",
        owner="tasks",
        key="application id",
        partitions=3,
        retention_ms=90 * DAY_MS,
        compacted=False,
        data_class=DataClass.INTERNAL,
        events=(access.AccessApplied,),
        writers=("department",),
        readers=("tasks",),
    ),
)
IN_RECORDS = TopicFamily(
    placeholder="<system>",
    kind="system",
    field="system",
    template=Topic(
        name="in.records.<system>.v1",
        owner="records",
        key="source key",
        partitions=6,
        retention_ms=30 * DAY_MS,
        compacted=False,
        data_class=DataClass.PERSONAL,
        events=(records.RowReported,),
        writers=("system",),
        readers=("records",),
    ),
)
IN_BANK = TopicFamily(
    placeholder="<bank>",
    kind="bank",
    field="bank",
    template=Topic(
        name="in.bank.<bank>.v1",
        owner="subsidy",
        key="payment id; check id for answers about accounts",
        partitions=12,
        retention_ms=400 * DAY_MS,
        compacted=False,
        data_class=DataClass.PERSONAL,
        events=(
            bank.PaymentSettled,
            bank.PaymentRejected,
            bank.PaymentReturned,
            bank.PaymentReversed,
            bank.PaymentStatusAnswered,
            bank.AccountChecked,
        ),
        writers=("bank",),
        readers=("subsidy",),
    ),
)
TO_BANK = TopicFamily(
    placeholder="<bank>",
    kind="bank",
    field="bank",
    template=Topic(
        name="to.bank.<bank>.v1",
        owner="subsidy",
        key="payment id; batch id for declared batches, check id for questions about accounts",
        partitions=12,
        retention_ms=90 * DAY_MS,
        compacted=False,
        data_class=DataClass.PERSONAL,
        events=(
            bank.BatchDeclared,
            bank.PaymentInstructed,
            bank.PaymentStatusRequested,
            bank.AccountCheckRequested,
        ),
        writers=("subsidy",),
        readers=("bank",),
    ),
)

ALL: tuple[Topic, ...] = (
    ACCESS,
    TASKS,
    ASSESSMENT,
    INSPECTION,
    RECORDS_FACTS,
    RECORDS_IDENTITIES,
    RECORDS,
    SUBSIDY,
    SIGNAGE,
    AUDIT_ANCHORS,
)
"""The topics that exist once. `FAMILIES` has those that exist once per sender or receiver."""

FAMILIES: tuple[TopicFamily, ...] = (IN_ACCESS, IN_RECORDS, IN_BANK, TO_BANK)

EVENTS: tuple[type[EventBody], ...] = tuple(
    event for topic in (*ALL, *(family.template for family in FAMILIES)) for event in topic.events
)
"""Every event there is, in the order of the registry."""

_NAMED = {topic.name: topic for topic in ALL}
_OF_EVENT = {event: topic for topic in ALL for event in topic.events}
_FAMILY_OF_EVENT = {event: family for family in FAMILIES for event in family.template.events}


def in_access(department: str) -> Topic:
    """The topic on which one department applies for access."""
    return IN_ACCESS.topic(department)


def in_records(system: str) -> Topic:
    """The topic on which one system reports its rows."""
    return IN_RECORDS.topic(system)


def in_bank(bank_code: str) -> Topic:
    """The topic on which one bank answers."""
    return IN_BANK.topic(bank_code)


def to_bank(bank_code: str) -> Topic:
    """The topic that only one bank reads."""
    return TO_BANK.topic(bank_code)


@lru_cache(maxsize=4096)
def topic_named(name: str) -> Topic:
    """The topic of this registry name, of a family too. Raises UnknownTopic (also for a `.dlt`)."""
    topic = _NAMED.get(name)
    if topic is not None:
        return topic
    for family in FAMILIES:
        slug = family.slug_in(name)
        if slug is not None:
            return family.topic(slug)
    raise UnknownTopic("the registry has no topic of this name")


def topic_of(event: EventBody) -> Topic:
    """The one topic on which this event is published; for a family, that of the event's own sender or receiver.

    Raises UnknownTopic for an event that no topic lists.
    """
    kind = type(event)
    topic = _OF_EVENT.get(kind)
    if topic is not None:
        return topic
    family = _FAMILY_OF_EVENT.get(kind)
    if family is None:
        raise UnknownTopic(f"no topic lists {kind.__name__}")
    return _member(family, getattr(event, family.field))


@lru_cache(maxsize=4096)
def _member(family: TopicFamily, code: str) -> Topic:
    return family.topic(code)


def dead_letters(topic: Topic) -> Topic:
    """The `.dlt` beside a consumed topic: as many partitions, so that each key keeps its order there too.

    Raises UnknownTopic for a topic that no service consumes.
    """
    if not topic.consumed:
        raise UnknownTopic("no service consumes this topic, so it has no dead letters")
    consumers = tuple(reader for reader in topic.readers if reader in SERVICES)
    return replace(
        topic,
        name=topic.dlt,
        retention_ms=DLT_RETENTION_MS,
        compacted=False,
        data_class=DataClass.PERSONAL if topic.data_class is DataClass.PERSONAL else DataClass.INTERNAL,
        writers=consumers,
        readers=("operators",),
    )
