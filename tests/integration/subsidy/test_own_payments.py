"""What was owed before: facts that follow from it, and what is paid once for ever."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import pytest

from runtime.db import transaction
from subsidy.preview_rules import RunIsFrozen
from tests.integration.subsidy.conftest import DIBAO_LINE_FEN, programme

if TYPE_CHECKING:
    from tests.integration.subsidy.conftest import Family, Scene

UNATTENDED: dict[str, Any] = {"birth_date": "2014-01-05", "de_facto_unattended_child": True}
POOR: dict[str, Any] = {
    "dibao_household": True,
    "household_property_ok": True,
    "household_income_per_capita_fen_month": 16_600,
}
IN_NEED: dict[str, Any] = {"emergency_cause": "fire", "household_income_per_capita_fen_month": 50_000}
START_UP: dict[str, Any] = {
    "first_business_registration": True,
    "business_registered_on": "2025-01-01",
    "business_entity_code": "91330523MA00000001",
    "employment_status": "registered_unemployed",
}


async def owe(scene: "Scene", code: str, whom: UUID, occurrence: str, amount_fen: int = 1) -> None:
    """An obligation of an earlier run."""
    async with transaction(scene.pool, scene.service) as tx:
        await tx.execute(
            "INSERT INTO obligation (programme, beneficiary, occurrence, run_id, kind, division_id, department,"
            " amount_fen) SELECT $1, $2, $3, r.id, 'person', r.division_id, 'MZJ', $4 FROM run r LIMIT 1",
            code,
            whom,
            occurrence,
            amount_fen,
        )


async def of(scene: "Scene", code: str, period: str = "2026-07") -> list[tuple[str, int | None, str]]:
    """Occurrence, amount and status of what the programme comes to."""
    found = await scene.entitlements(await scene.preview(period), programme=code)
    return [(each.occurrence, each.amount_fen, each.status) for each in found]


async def family_in(scene: "Scene", *members: dict[str, Any], **household: Any) -> "Family":
    """A family, all registers complete, and an earlier run for obligations to belong to."""
    family = await scene.family(*members, **household)
    await scene.declare_complete()
    await scene.preview("2026-03")
    return family


async def test_what_a_child_got_in_the_month_before_is_taken_off(scene: "Scene") -> None:
    family = await family_in(scene, {}, UNATTENDED)
    assert await of(scene, "B14") == [("2026-07", 140_000, "entitled")]
    await owe(scene, "B01", family.household, "2026-06", 80_000)  # 40,000 a head
    await owe(scene, "B17", family.people[1], "2026-06", 50_000)
    assert await of(scene, "B14") == [("2026-07", 50_000, "entitled")]
    assert await of(scene, "B14", "2026-08") == [("2026-08", 140_000, "entitled")]


async def test_a_household_is_helped_in_need_twice_a_year(scene: "Scene") -> None:
    family = await family_in(scene, {}, **IN_NEED)
    amount = DIBAO_LINE_FEN * 3
    assert await of(scene, "B07") == [("2026/1", amount, "entitled")]
    await owe(scene, "B07", family.household, "2026/1")
    assert await of(scene, "B07") == [("2026/2", amount, "entitled")]
    await owe(scene, "B07", family.household, "2026/2")
    assert await of(scene, "B07") == []
    assert await of(scene, "B07", "2027-01") == [("2027/1", amount, "entitled")]


async def test_resettlers_are_supported_for_twenty_years(scene: "Scene") -> None:
    family = await family_in(scene, {"reservoir_migrant": True})
    for year in range(19):
        await owe(scene, "B60", family.people[0], f"{2000 + year}-12")
    assert await of(scene, "B60", "2026-12") == [("2026-12", 60_000, "entitled")]
    await owe(scene, "B60", family.people[0], "2025-12")
    assert await of(scene, "B60", "2026-12") == []


async def test_a_month_that_is_owed_already_is_not_in_another_run(scene: "Scene") -> None:
    family = await family_in(scene, {"birth_date": "1941-07-01"})
    await owe(scene, "B08", family.people[0], "2026-07", 5_000)
    assert await of(scene, "B08") == []
    assert await of(scene, "B08", "2026-08") == [("2026-08", 5_000, "entitled")]


async def test_a_business_starts_once(scene: "Scene") -> None:
    family = await family_in(scene, START_UP)
    assert await of(scene, "B67") == [("91330523MA00000001", 500_000, "entitled")]
    await owe(scene, "B67", family.people[0], "91330523MA00000001")
    assert await of(scene, "B67", "2027-03") == []


async def test_a_business_of_unknown_code_is_undetermined(scene: "Scene") -> None:
    await family_in(scene, START_UP | {"business_entity_code": None})
    (found,) = await scene.entitlements(await scene.preview(), programme="B67")
    assert (found.status, found.missing) == ("undetermined", ["business_entity_code"])


async def test_what_is_paid_once_a_year_comes_again_the_next(scene: "Scene") -> None:
    family = await family_in(scene, {}, machinery_subsidy_assessed_fen=700)
    assert await of(scene, "B48") == [("2026", 700, "entitled")]
    await owe(scene, "B48", family.household, "2026")
    assert await of(scene, "B48", "2026-12") == []
    assert await of(scene, "B48", "2027-01") == [("2027", 700, "entitled")]


async def test_what_is_paid_once_for_ever_never_comes_again(scene: "Scene") -> None:
    family = await family_in(scene, {}, toilet_retrofit_accepted=True)
    assert await of(scene, "B55") == [("ever", 80_000, "entitled")]
    await owe(scene, "B55", family.household, "ever")
    assert await of(scene, "B55", "2030-01") == []


async def test_a_frozen_run_is_not_computed_anew(scene: "Scene") -> None:
    await family_in(scene, {"birth_date": "1941-07-01"})
    run = await scene.preview()
    await freeze(scene)
    with pytest.raises(RunIsFrozen):
        await scene.preview()
    assert len(await scene.entitlements(run)) == 1


async def freeze(scene: "Scene") -> None:
    """All runs, behind the back of the code."""
    await scene.rows(
        "UPDATE run SET state = 'frozen', frozen_by = 'x', frozen_hash = sha256('x'), notice_until = previewed_on,"
        " frozen_on = previewed_on RETURNING id"
    )


CHANGES = [
    "DELETE FROM entitlement",
    "UPDATE entitlement SET status = 'entitled'",
    "INSERT INTO entitlement SELECT run_id, 'B99', beneficiary, occurrence, kind, payee, division_id, department,"
    " amount_fen, status, excluded_by, missing FROM entitlement",
]


@pytest.mark.parametrize("change", CHANGES)
async def test_in_a_frozen_run_nobody_changes_anything(scene: "Scene", change: str) -> None:
    await scene.publish(programme("B08", excludes=[]))
    await family_in(scene, {"birth_date": "1941-07-01"})
    async with transaction(scene.pool, scene.service) as tx:
        await tx.execute(change)  # while it is a preview it may
    await scene.preview("2026-04")
    await freeze(scene)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        async with transaction(scene.pool, scene.service) as tx:
            await tx.execute(change)


async def test_what_was_entitled_never_gets_another_amount(scene: "Scene") -> None:
    await family_in(scene, {"birth_date": "1941-07-01"})
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await scene.rows("UPDATE entitlement SET amount_fen = 1 RETURNING 1")
