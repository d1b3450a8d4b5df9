"""A whole county: what SQL computes of facts that came in is what CEL computes of each person, one by one."""

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

import pytest

from devkit.records.county import people_of_anji
from devkit.records.people import ANJI, Population
from devkit.records.player import facts_of
from devkit.story.county import all_divisions, subtree
from runtime.db import transaction
from runtime.divisions import DivisionRow, import_divisions
from subsidy.record_facts import record_facts
from tests.unit.devkit.entitlements import entitled

if TYPE_CHECKING:
    from tests.integration.subsidy.conftest import Scene

PEOPLE = 6_000
AT_ONCE = 1_000
MONTHS = (date(2025, 12, 1), date(2026, 6, 1), date(2026, 7, 1), date(2026, 10, 1))


@pytest.fixture
async def anji(bare: "Scene") -> tuple["Scene", Population]:
    """People of the county, whose registers came in, and the seventy programmes."""
    divisions = [DivisionRow.model_validate(row.model_dump()) for row in subtree(ANJI, all_divisions())]
    await import_divisions(bare.pool, bare.operator, divisions)
    population = people_of_anji(PEOPLE)
    told = datetime.combine(population.as_of, time(12), UTC)
    events = [facts_of(state, told) for state in (*population.states, *population.county)]
    for at in range(0, len(events), AT_ONCE):
        async with transaction(bare.pool, bare.service) as tx:
            await record_facts(tx, events[at : at + AT_ONCE])
    await bare.publish(effective_on=date(2025, 1, 1))
    return bare, population


async def test_the_county_comes_to_what_each_person_comes_to_by_cel(anji: tuple["Scene", Population]) -> None:
    scene, population = anji
    assert await scene.rows("SELECT * FROM fact_ignored") == []
    assert (await scene.rows("SELECT count(*) AS people FROM person WHERE division_id > 1"))[0]["people"] == PEOPLE
    for month in MONTHS:
        run = await scene.preview(f"{month:%Y-%m}")
        rows = await scene.rows(
            "SELECT programme, beneficiary, occurrence, amount_fen FROM entitlement"
            " WHERE run_id = $1 AND status = 'entitled'",
            run,
        )
        expected = {
            (code, each.subject[2:], each.about and each.about[2:], each.amount_fen)
            for code, those in entitled(population, month).items()
            for each in those
        }
        computed = {
            (
                row["programme"],
                str(row["beneficiary"]),
                row["occurrence"] if row["programme"] == "B20" else None,
                row["amount_fen"],
            )
            for row in rows
        }
        assert computed - expected == set()
        assert expected - computed == set()
        assert len(rows) == len(computed) > PEOPLE / 6
