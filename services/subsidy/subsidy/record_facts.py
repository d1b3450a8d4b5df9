"""Use case: registers say what they know of people, households and counties."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from qingdan.records_events import FactsRecorded
from runtime import audit
from runtime.clock import business_date
from runtime.db import Tx
from runtime.ids import new_id
from subsidy import county_store, fact_rules, fact_store, hold_store
from subsidy.fact_rules import DatasetState, LifeTold
from subsidy.hold_rules import HoldId
from subsidy.vocabulary_rules import Entity


async def record_facts(tx: Tx, events: Sequence[FactsRecorded]) -> None:
    """Write what is newer than what is known, register by register.

    Everything of somebody who has died waits from then on, what they would receive for others too, until a second
    person has looked: what is still due, a funeral's for one, is others' and goes on. Who lives after all is let go,
    unless that was decided on already. What was paid is for an adjustment of its month.

    Raises FactUnfit, and DivisionUnknown when the tree lacks a county that speaks of itself.
    """
    heard = fact_rules.sort_out(events, business_date)
    by_register: dict[tuple[Entity, str], list[DatasetState]] = defaultdict(list)
    for state in await fact_store.enter_states(tx, heard.states.values()):
        by_register[state.entity, state.dataset].append(state)
    told = fact_rules.life_told(by_register)
    dead_before = await hold_store.dead_already(tx, told.dead) if told.dead else []
    for (entity, dataset), states in sorted(by_register.items()):
        await fact_store.save_states(tx, entity, dataset, states)
    if moved := fact_rules.households_named(by_register):
        await fact_store.place_households(tx, moved)
    await _hold_the_dead(tx, told, dead_before)
    if heard.declarations:
        await county_store.save_declarations(tx, list(heard.declarations.values()))
    if heard.parameters:
        await county_store.save_parameters(tx, list(heard.parameters.values()))
    if heard.ignored:
        await fact_store.count_ignored(tx, heard.ignored)


async def _hold_the_dead(tx: Tx, told: LifeTold, dead_before: Sequence[UUID]) -> None:
    """Place and lift what is held because of a death, now that all that these registers say is entered."""
    service = tx.actor.subject
    if told.dead:
        deaths = {HoldId(new_id()): person for person in told.dead}
        for hold in await hold_store.insert_deaths(tx, deaths, dead_before, placed_by=service):
            audit.note(tx, "hold.placed", str(hold), {"cause": "death"})
    everybody = [*told.dead, *told.others]
    if everybody and (held := await hold_store.held_as_dead(tx, everybody)):
        for hold in await hold_store.lift_of_the_living(tx, held, placed_by=service):
            audit.note(tx, "hold.lifted", str(hold), {"cause": "death", "outcome": "resume"})
        await hold_store.place_deaths(tx, held)
