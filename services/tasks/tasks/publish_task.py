"""Use case: an ask is put on the table of a work meeting; the gate lets it through, merges or refuses it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from qingdan import gate
from qingdan.access_events import ListItem, ListVersionTookEffect
from qingdan.divisions import DivisionCode
from qingdan.gate import DUPLICATE_WINDOW_DAYS, Ask, TurnedDown
from qingdan.ids import AskId, MeetingId, ShareId, TaskId
from qingdan.tasks_events import AskMerged, AskRefused, TaskPublished
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Tx, transaction
from runtime.ids import new_id
from runtime.workday_calendar import calendar
from tasks import (
    division_store,
    gate_rules,
    list_store,
    meeting_rules,
    meeting_store,
    merged_ask_store,
    refused_ask_store,
    task_rules,
    task_store,
)
from tasks.gate_rules import IfDuplicate
from tasks.list_rules import VILLAGE_LIST
from tasks.task_rules import OpenTo, Villages


@dataclass(frozen=True, slots=True)
class Terms:
    """How an ask is put on the table: to whom it is open, and what becomes of it if it was asked before."""

    open_to: OpenTo = "each"
    if_duplicate: IfDuplicate = "refuse"
    duplicate_window: timedelta = timedelta(days=DUPLICATE_WINDOW_DAYS)


AS_USUAL = Terms()


async def publish_task(
    pool: Pool, actor: Actor, meeting_id: MeetingId, ask: Ask, villages: Villages, terms: Terms = AS_USUAL
) -> TaskPublished | AskMerged:
    """Publish with a share for each village, under the list in force today; or merge with the task asked earlier.

    Raises Forbidden unless the actor is town staff, NotFound, MeetingIsClosed, NoListInForce, VillagesNotInMeeting,
    NoVillages, NotOnTheList and AskedAlready: these two are committed and published before they are raised, to be
    counted.
    """
    actor.require(Role.TOWN_STAFF)
    today = business_date(utcnow())
    event: TaskPublished | AskMerged | AskRefused
    async with transaction(pool, actor) as tx:
        meeting, division_id = await meeting_store.find_meeting(tx, meeting_id)
        meeting_rules.require_open(meeting)
        chosen = task_rules.choose_villages(villages, await division_store.villages_of(tx, meeting.division))
        standing = (await list_store.list_in_force(tx, VILLAGE_LIST, today)).published()
        verdict = await _verdict(tx, ask, chosen, standing, today=today, since=today - terms.duplicate_window)
        if isinstance(verdict, ListItem):
            event = task_rules.publish(
                ask,
                verdict,
                standing.version,
                meeting,
                open_to=terms.open_to,
                task=TaskId(new_id()),
                shares={village: ShareId(new_id()) for village in chosen},
                calendar=await calendar(tx),
                today=today,
            )
            await task_store.insert_task(tx, event, standing.list_code, division_id, chosen)
        elif terms.if_duplicate == "merge" and gate_rules.can_merge(verdict, chosen):
            event = gate_rules.merge(ask, verdict, AskId(new_id()), meeting.division, today=today)
            await merged_ask_store.insert_merged(tx, event, ask, meeting_id, division_id, standing.version)
        else:
            event = gate_rules.refuse(ask, verdict, standing.version, AskId(new_id()), meeting.division, today=today)
            earlier = verdict.earlier.task if verdict.earlier else None
            await refused_ask_store.insert_refused_at_gate(tx, event, ask, meeting_id, division_id, earlier)
            tx.refuse_after_commit(gate_rules.answer(event, verdict, chosen))
        await outbox.append(tx, event)
        await audit.append(tx, actor, event)
    assert not isinstance(event, AskRefused)  # the transaction has raised it
    return event


async def _verdict(
    tx: Tx,
    ask: Ask,
    villages: Mapping[DivisionCode, int],
    standing: ListVersionTookEffect,
    *,
    today: date,
    since: date,
) -> ListItem | TurnedDown:
    """What the gate says, with what it must know of the villages; from here on nobody else asks anything of them."""
    item = gate.decide(ask, standing, today)
    if isinstance(item, TurnedDown):
        return item
    await task_store.lock_asked_villages(tx, villages.values())
    scope = await division_store.villages_of(tx, item.division) if item.division else None
    limited = item.asks_per_village_year_max is not None
    asked = await task_store.count_asks_of_year(tx, item.code, villages, today.year) if limited else {}
    earlier = await task_store.list_earlier_asks(tx, ask, villages, since)
    return (
        gate.within_item(item, villages, asked, scope)
        or gate.duplicate_of(ask, item, villages, earlier, standing)
        or item
    )
