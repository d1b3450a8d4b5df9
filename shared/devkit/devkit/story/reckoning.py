"""The reckoning: wait until all is told and heard, then ask the services for what they know."""

import contextlib
import copy
from typing import Final

from devkit.eventually import NeverTrueError, eventually
from devkit.story.answers import (
    Appeal,
    Application,
    AuditVerdict,
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
from devkit.story.checks import Evidence
from devkit.story.client import together
from devkit.story.county import ANJI, DAFANG
from devkit.story.dafang import XIEDU
from devkit.story.fengshan import BY_EVENT
from devkit.story.subscriber import Heard, Subscriber
from devkit.story.telling import Telling
from devkit.story.volumes import BANK, Volumes
from qingdan.topics import (
    ACCESS,
    INSPECTION,
    RECORDS_FACTS,
    RECORDS_IDENTITIES,
    SIGNAGE,
    TASKS,
    in_access,
    in_bank,
    to_bank,
)

CONSUMED: Final = {
    "tasks": (INSPECTION, SIGNAGE, *map(in_access, BY_EVENT)),
    "inspection": (TASKS,),
    "signage": (TASKS, INSPECTION, ACCESS),
    "subsidy": (RECORDS_FACTS, RECORDS_IDENTITIES, INSPECTION, in_bank(BANK)),
}
SHARES_KNOWN_BY: Final = ("tasks", "inspection")
SETTLED_TIMEOUT_S: Final = 45.0


async def reckon(
    telling: Telling, subscriber: Subscriber, volumes: Volumes, *, timeout_s: float = SETTLED_TIMEOUT_S
) -> Evidence:
    """Everything there is to be checked; what has not come to rest within `timeout_s` is checked as it is."""
    auditor, narrator, county = telling.people.auditor, telling.narrator, telling.plot.county.code
    narrator.say(
        "等到发件箱清空、各方读完，再逐项向四个服务和银行核对。",
        "Wait until outboxes are empty and everybody has read to the end; then ask four services and the bank, item by "
        "item.",
    )
    rest = _Rest(subscriber.heard)
    with narrator.step("等待送达", "wait for the last one", 1) as advance:
        with contextlib.suppress(NeverTrueError):
            await eventually(lambda: rest.is_there(telling, subscriber, volumes), timeout_s=timeout_s, every_s=0.2)
        advance()
    with narrator.step("核验审计链", "verify the audit chains", len(CONSUMED)) as advance:
        audits = {}
        for name in CONSUMED:
            audits[name] = await auditor.get(name, "/v1/audit/verification", AuditVerdict)
            advance()
    in_county, in_dafang, in_anji = (telling.people.auditor_of(code) for code in (county, DAFANG, ANJI))
    records = await subscriber.records_in_topics() | await volumes.records()
    shares = await _shares(telling)
    return Evidence(
        ledger=telling.ledger,
        tasks=await in_county.get("tasks", "/v1/statistics", TasksStatistics),
        inspection=await in_county.get("inspection", "/v1/statistics", InspectionStatistics),
        signage=await in_dafang.get("signage", "/v1/statistics", SignageStatistics),
        xiedu=await in_dafang.get("signage", "/v1/statistics", SignageStatistics, village=XIEDU),
        subsidy=await in_anji.get("subsidy", "/v1/statistics", SubsidyStatistics),
        orders=await auditor.pages("signage", "/v1/orders", Order),
        signs_refused=await auditor.pages("signage", "/v1/signs/requests/refused", RefusedSign),
        bank=telling.people.place.bank_book(),
        services=rest.services,
        audits=audits,
        claimed={name: [share.share for share in each if share.claimed_on] for name, each in shares.items()},
        shares=shares["tasks"],
        dafang=await in_dafang.get("tasks", "/v1/statistics", TasksStatistics),
        applications=await auditor.pages("tasks", "/v1/access/applications", Application),
        list_versions=await auditor.pages("tasks", "/v1/list/versions", ListVersion),
        merged=await auditor.pages("tasks", "/v1/asks/merged", MergedAsk),
        appeals=await auditor.pages("tasks", "/v1/asks/refused/appeals", Appeal),
        refused=await auditor.pages("tasks", "/v1/asks/refused", RefusedAsk),
        heard=rest.heard,
        window=telling.window,
        records=records,
        private_records=records[to_bank(BANK).name],
        consumed_topics={service: [topic.name for topic in topics] for service, topics in CONSUMED.items()},
    )


async def _shares(telling: Telling) -> dict[str, list[Share]]:
    """All shares that each service lists."""
    shares = {}
    expected = len(telling.ledger.claims) * len(SHARES_KNOWN_BY)
    with telling.narrator.step("逐份核对认领", "compare the claims", expected) as advance:
        for name in SHARES_KNOWN_BY:
            shares[name] = await telling.people.auditor.pages(name, "/v1/shares", Share)
            for _ in filter(lambda share: share.claimed_on, shares[name]):
                advance()
    return shares


class _Rest:
    """What the services said and the subscriber had heard at one moment, when nothing was under way between them.

    Services go on by themselves, with a month's report say: what is told afterwards is not compared with what was heard
    before.
    """

    def __init__(self, heard: Heard) -> None:
        self.services: dict[str, Invariants] = {}
        self.heard = heard

    async def is_there(self, telling: Telling, subscriber: Subscriber, volumes: Volumes) -> bool:
        """Nothing waits in an outbox, every record is read, every audit entry chained, the window is up to date."""
        auditor = telling.people.auditor
        said = await together(auditor.get(name, "/v1/invariants", Invariants) for name in CONSUMED)
        records = await subscriber.records_in_topics() | await volumes.records()
        self.services, self.heard = {one.service: one for one in said}, copy.deepcopy(subscriber.heard)
        read = all(
            sum(books.records for books in one.consumed if books.topic.endswith(topic.name)) >= records[topic.name]
            for one in said
            for topic in CONSUMED[one.service]
        )
        told = not any(one.outbox_unpublished or one.audit_unsealed for one in said)
        published = sum(one.events_published for one in said) - records[to_bank(BANK).name]
        shown = telling.window.seen.keys() >= self.heard.at_fengshan_since(telling.window.since)
        return told and read and shown and len(self.heard.events) == published
