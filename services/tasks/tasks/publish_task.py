"""Use case: an ask of a work meeting, or of an emergency; the gate lets it through, merges or refuses it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from qingdan import gate
from qingdan.access_events import ListItem, ListVersionTookEffect
from qingdan.divisions import DivisionCode
from qingdan.gate import DUPLICATE_WINDOW_DAYS, Ask, TurnedDown
from qingdan.ids import ApplicationId, AskId, MeetingId, ShareId, TaskId
from qingdan.tasks_events import AskMerged, AskRefused, TaskPublished
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Tx, transaction
from runtime.divisions import id_in_scope
from runtime.ids import new_id
from runtime.workday_calendar import calendar
from tasks import (
    budget_rules,
    budget_store,
    division_store,
    emergency_rules,
    emergency_store,
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
from tasks.task_rules import Occasion, OpenTo, Villages


@dataclass(frozen=True, slots=True)
class Terms:
    """How an ask is put on the table.

    To whom it is open, what becomes of it if it was asked before, and why it must be although it takes villages beyond
    their budget of hours.
    """

    open_to: OpenTo = "each"
    if_duplicate: IfDuplicate = "refuse"
    duplicate_window: timedelta = timedelta(days=DUPLICATE_WINDOW_DAYS)
    beyond_budget_reason: str | None = None


AS_USUAL = Terms()


async def publish_task(
    pool: Pool, actor: Actor, meeting_id: MeetingId, ask: Ask, villages: Villages, terms: Terms = AS_USUAL
) -> TaskPublished | AskMerged:
    """Publish with a share for each village, under the list in force today; or merge with the task asked earlier.

    Raises Forbidden unless the actor is town staff, NotFound, MeetingIsClosed, NoListInForce, VillagesNotInMeeting,
    NoVillages, BeyondBudget, NotOnTheList and AskedAlready: the last two are committed and published before they are
    raised, to be counted.
    """
    actor.require(Role.TOWN_STAFF)
    async with transaction(pool, actor) as tx:
        meeting, division_id = await meeting_store.find_meeting(tx, meeting_id)
        meeting_rules.require_open(meeting)
        event = await _put_on_the_table(tx, task_rules.at(meeting), division_id, ask, villages, terms)
    assert not isinstance(event, AskRefused)  # the transaction has raised it
    return event


async def publish_emergency_task(
    pool: Pool, actor: Actor, application: ApplicationId, ask: Ask, villages: Villages, terms: Terms = AS_USUAL
) -> TaskPublished | AskMerged:
    """The same without a meeting, of villages of the actor's own division, under an emergency's item.

    Raises what `publish_task` raises but for the meeting, and NotFound, EmergencyIsOver.
    """
    actor.require(Role.TOWN_STAFF)
    async with transaction(pool, actor) as tx:
        emergency = await emergency_store.find_emergency(tx, application)
        own = emergency_rules.under(emergency, ask)
        occasion = emergency_rules.because_of(emergency, actor.division)
        event = await _put_on_the_table(tx, occasion, await id_in_scope(tx, actor.division), own, villages, terms)
    assert not isinstance(event, AskRefused)  # the transaction has raised it
    return event


async def _put_on_the_table(
    tx: Tx, occasion: Occasion, division_id: int, ask: Ask, villages: Villages, terms: Terms
) -> TaskPublished | AskMerged | AskRefused:
    today = business_date(utcnow())
    event: TaskPublished | AskMerged | AskRefused
    chosen = task_rules.choose_villages(villages, await division_store.villages_of(tx, occasion.division))
    standing = await list_store.standing_list(tx, VILLAGE_LIST, today)
    verdict = await _verdict(tx, ask, chosen, standing, today=today, since=today - terms.duplicate_window)
    if isinstance(verdict, ListItem):
        months = await budget_store.bound_months_of(tx, chosen, budget_rules.month_of(today))
        budgeted = budget_rules.with_ask(months, verdict.hours_estimate)
        beyond = budget_rules.beyond(budgeted, terms.beyond_budget_reason)
        published = task_rules.publish(
            ask,
            verdict,
            standing.version,
            occasion,
            open_to=terms.open_to,
            task=TaskId(new_id()),
            shares={village: ShareId(new_id()) for village in chosen},
            calendar=await calendar(tx),
            today=today,
        )
        event = budget_rules.told(published, budgeted, beyond)
        reason = terms.beyond_budget_reason if beyond else None
        await task_store.insert_task(tx, event, standing.list_code, division_id, chosen, beyond=beyond, reason=reason)
    elif terms.if_duplicate == "merge" and gate_rules.can_merge(verdict, chosen):
        event = gate_rules.merge(ask, verdict, AskId(new_id()), occasion.division, today=today)
        await merged_ask_store.insert_merged(tx, event, ask, occasion.meeting, division_id, standing.version)
    else:
        event = gate_rules.refuse(ask, verdict, standing.version, AskId(new_id()), occasion.division, today=today)
        earlier = verdict.earlier.task if verdict.earlier else None
        await refused_ask_store.insert_refused_at_gate(tx, event, ask, occasion.meeting, division_id, earlier)
        tx.refuse_after_commit(gate_rules.answer(event, verdict, chosen))
    await outbox.append(tx, event)
    await audit.append(tx, tx.actor, event)
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
