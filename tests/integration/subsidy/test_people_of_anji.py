"""A whole county: what SQL computes of facts that came in is what CEL computes of each person, one by one."""

from datetime import date
from typing import TYPE_CHECKING

from devkit.records.people import Population
from tests.integration.subsidy.conftest import ANJI_PEOPLE
from tests.unit.devkit.entitlements import entitled

if TYPE_CHECKING:
    from tests.integration.subsidy.conftest import Scene

MONTHS = (date(2025, 12, 1), date(2026, 6, 1), date(2026, 7, 1), date(2026, 10, 1))


async def test_the_county_comes_to_what_each_person_comes_to_by_cel(anji: tuple["Scene", Population]) -> None:
    scene, population = anji
    assert await scene.rows("SELECT * FROM fact_ignored") == []
    assert (await scene.rows("SELECT count(*) AS people FROM person WHERE division_id > 1"))[0]["people"] == ANJI_PEOPLE
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
        assert len(rows) == len(computed) > ANJI_PEOPLE / 6
