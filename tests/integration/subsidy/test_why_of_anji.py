"""What an explanation says of a case is what the run came to for it: a whole county, every programme."""

from datetime import UTC, date, datetime, time
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from devkit.records.county import people_of_anji
from devkit.records.people import ANJI, Population
from devkit.records.player import facts_of
from devkit.story.county import all_divisions, subtree
from runtime.db import transaction
from runtime.divisions import DivisionRow, import_divisions
from runtime.problems import NotFound
from subsidy.explain_entitlement import explain_entitlement
from subsidy.record_facts import record_facts
from tests.integration.subsidy.conftest import seventy

if TYPE_CHECKING:
    from tests.integration.subsidy.conftest import Scene

PEOPLE = 6_000
AT_ONCE = 1_000
OF_EACH = 5
MONTHS = (date(2026, 7, 1), date(2026, 12, 1))
ROWS = (
    "SELECT programme, beneficiary, occurrence, status, amount_fen, missing FROM entitlement WHERE run_id = $1"
    " UNION ALL SELECT programme, beneficiary, occurrence, 'undetermined', NULL, missing FROM undetermined_case"
    " WHERE run_id = $1"
)
UNDECLARED = ("disability", "social_assistance", "student_status", "veterans", "land_contract")


@pytest.fixture
async def anji(bare: "Scene") -> "Scene":
    """People of the county, whose registers came in, and the seventy programmes."""
    divisions = [DivisionRow.model_validate(row.model_dump()) for row in subtree(ANJI, all_divisions())]
    await import_divisions(bare.pool, bare.operator, divisions)
    population: Population = people_of_anji(PEOPLE)
    told = datetime.combine(population.as_of, time(12), UTC)
    events = [facts_of(state, told) for state in (*population.states, *population.county)]
    for place in range(0, len(events), AT_ONCE):
        async with transaction(bare.pool, bare.service) as tx:
            await record_facts(tx, events[place : place + AT_ONCE])
    await bare.publish(effective_on=date(2025, 1, 1))
    return bare


async def sample(scene: "Scene", run: Any, chosen: Random) -> list[tuple[str, UUID, bool]]:
    """Some whom each programme comes to something for, and some of everybody: programme, who, and whether a person."""
    rows = await scene.rows(ROWS, run)
    people = [row["id"] for row in await scene.rows("SELECT id FROM person WHERE division_id > 1 ORDER BY id")]
    homes = [row["id"] for row in await scene.rows("SELECT id FROM household WHERE division_id > 1 ORDER BY id")]
    asked = []
    for programme in seventy():
        person = programme.beneficiary == "person"
        with_row = sorted({row["beneficiary"] for row in rows if row["programme"] == programme.code})
        who = [
            *chosen.sample(with_row, min(OF_EACH, len(with_row))),
            *chosen.sample(people if person else homes, OF_EACH),
        ]
        asked += [(programme.code, each, person) for each in dict.fromkeys(who)]
    return asked


async def compare(scene: "Scene", month: date, chosen: Random) -> dict[str, int]:
    """Ask of a sample why; what is said must be what the run has. How many came to what."""
    run = await scene.preview(f"{month:%Y-%m}")
    counted: dict[str, int] = {}
    for code, who, person in await sample(scene, run, chosen):
        asked: dict[str, Any] = {"person": who, "household": None} if person else {"person": None, "household": who}
        try:
            explained = await explain_entitlement(
                scene.pool, scene.preparer, **asked, programme=code, period=f"{month:%Y-%m}"
            )
        except NotFound:
            raise AssertionError(f"{code}: nobody") from None
        rows = await scene.rows(
            f"SELECT status, amount_fen, missing FROM ({ROWS}) AS e WHERE programme = $2 AND beneficiary = $3"
            " ORDER BY occurrence",
            *(run, code, who),
        )
        why = explained.why
        found = sorted(
            (
                "undetermined" if case.outcome == "undetermined" else "entitled",
                case.amount.amount_fen if case.outcome == "entitled" and case.amount else None,
            )
            for case in why.cases
            if why.due and case.outcome in ("entitled", "undetermined")
        )
        expected = sorted(
            ("undetermined" if row["status"] == "undetermined" else "entitled", row["amount_fen"]) for row in rows
        )
        assert found == expected, (code, why.model_dump(mode="json"))
        assert not why.run.differs, (code, why.model_dump(mode="json"))
        for row in rows:
            if row["missing"] is not None and len(why.cases) == 1:
                assert {fact.name for fact in why.cases[0].owed} == set(row["missing"]), code
        for case in why.cases:
            counted[case.outcome] = counted.get(case.outcome, 0) + 1
    return counted


async def test_what_is_said_is_what_the_run_has(anji: "Scene") -> None:
    chosen = Random(6)
    for month in MONTHS:
        counted = await compare(anji, month, chosen)
        assert counted["entitled"] > 30, counted
        assert counted["not_entitled"] > 100, counted


async def test_what_is_said_is_what_the_run_has_where_registers_are_not_complete(anji: "Scene") -> None:
    await anji.rows("DELETE FROM register_declared WHERE dataset = ANY($1::text[]) RETURNING 1", UNDECLARED)
    counted = await compare(anji, MONTHS[0], Random(7))
    assert counted["undetermined"] > 50, counted
    assert counted["not_entitled"] > 30, counted
