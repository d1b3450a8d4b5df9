"""Use case: registers say what they know of people, households and counties."""

from collections import defaultdict
from collections.abc import Sequence

from qingdan.records_events import FactsRecorded
from runtime.clock import business_date
from runtime.db import Tx
from subsidy import county_store, fact_rules, fact_store
from subsidy.fact_rules import DatasetState
from subsidy.vocabulary_rules import Entity


async def record_facts(tx: Tx, events: Sequence[FactsRecorded]) -> None:
    """Write what is newer than what is known, register by register.

    Raises FactUnfit, and DivisionUnknown when the tree lacks a county that speaks of itself.
    """
    heard = fact_rules.sort_out(events, business_date)
    by_register: dict[tuple[Entity, str], list[DatasetState]] = defaultdict(list)
    for state in await fact_store.enter_states(tx, heard.states.values()):
        by_register[state.entity, state.dataset].append(state)
    for (entity, dataset), states in sorted(by_register.items()):
        await fact_store.save_states(tx, entity, dataset, states)
    if moved := fact_rules.households_named(by_register):
        await fact_store.place_households(tx, moved)
    if heard.declarations:
        await county_store.save_declarations(tx, list(heard.declarations.values()))
    if heard.parameters:
        await county_store.save_parameters(tx, list(heard.parameters.values()))
    if heard.ignored:
        await fact_store.count_ignored(tx, heard.ignored)
