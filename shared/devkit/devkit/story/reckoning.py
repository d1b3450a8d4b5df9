"""The reckoning: wait until all is told and heard, then ask the services for what they know."""

import contextlib
from typing import Final

from devkit.eventually import NeverTrueError, eventually
from devkit.story.answers import (
    AuditVerdict,
    InspectionStatistics,
    Invariants,
    RefusedAsk,
    Share,
    TasksStatistics,
)
from devkit.story.checks import Evidence
from devkit.story.client import Person, together
from devkit.story.subscriber import Subscriber
from devkit.story.telling import Telling
from qingdan.topics import INSPECTION, TASKS

CONSUMED: Final = {"tasks": INSPECTION.name, "inspection": TASKS.name}
SETTLED_TIMEOUT_S: Final = 45.0


async def reckon(telling: Telling, subscriber: Subscriber, *, timeout_s: float = SETTLED_TIMEOUT_S) -> Evidence:
    """Everything there is to be checked; what has not come to rest within `timeout_s` is checked as it is."""
    auditor, narrator = telling.people.auditor, telling.narrator
    narrator.say(
        "等到发件箱清空、各方读完，再逐项向两个服务核对。",
        "Wait until outboxes are empty and everybody has read to the end; then ask both services, item by item.",
    )
    with narrator.step("等待送达", "wait for the last one", 1) as advance:
        with contextlib.suppress(NeverTrueError):
            await eventually(lambda: _at_rest(auditor, subscriber), timeout_s=timeout_s, every_s=0.2)
        advance()
    services = {name: await auditor.get(name, "/v1/invariants", Invariants) for name in CONSUMED}
    with narrator.step("核验审计链", "verify the audit chains", len(CONSUMED)) as advance:
        audits = {}
        for name in CONSUMED:
            audits[name] = await auditor.get(name, "/v1/audit/verification", AuditVerdict)
            advance()
    with narrator.step("逐份核对认领", "compare the claims", len(telling.ledger.claims) * len(CONSUMED)) as advance:
        claimed = {}
        for name in CONSUMED:
            shares = await auditor.pages(name, "/v1/shares", Share)
            claimed[name] = [share.share for share in shares if share.claimed_on is not None]
            for _ in claimed[name]:
                advance()
    return Evidence(
        ledger=telling.ledger,
        tasks=await auditor.get("tasks", "/v1/statistics", TasksStatistics),
        inspection=await auditor.get("inspection", "/v1/statistics", InspectionStatistics),
        services=services,
        audits=audits,
        claimed=claimed,
        refused=await auditor.pages("tasks", "/v1/asks/refused", RefusedAsk),
        heard=subscriber.heard,
        records=await subscriber.records_in_topics(),
        consumed_topics=CONSUMED,
    )


async def _at_rest(auditor: Person, subscriber: Subscriber) -> bool:
    """Nothing waits in an outbox, every record is read, every audit entry is in its chain."""
    said = await together(auditor.get(name, "/v1/invariants", Invariants) for name in CONSUMED)
    records = await subscriber.records_in_topics()
    read = all(
        sum(books.records for books in one.consumed if books.topic.endswith(CONSUMED[one.service]))
        >= records[CONSUMED[one.service]]
        for one in said
    )
    told = not any(one.outbox_unpublished or one.audit_unsealed for one in said)
    return told and read and subscriber.heard.records >= sum(records.values())
