"""Entitled and not receiving: every reason, who owes what, in the asker's scope and no further."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from runtime.actor import Actor, Role
from runtime.divisions import DivisionUnknown
from runtime.ids import new_id
from runtime.problems import Forbidden, NotFound
from subsidy.count_unclaimed import count_unclaimed
from subsidy.export_unclaimed import export_unclaimed
from subsidy.list_payments import PaymentView
from subsidy.list_unclaimed import list_unclaimed
from subsidy.pay_again import pay_again
from subsidy.unclaimed_rules import NoRunHere, UnclaimedView
from tests.integration.service_scene import person
from tests.integration.subsidy.conftest import COUNTY, FAR_VILLAGE, OTHER_COUNTY, OTHER_VILLAGE, VILLAGE, programme
from tests.integration.subsidy.frozen_run import Payday, rejected, returned, settled

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.subsidy.conftest import Scene

OLD: dict[str, Any] = {"birth_date": "1941-05-01"}
CADRE = person(Role.VILLAGE_CADRE, VILLAGE)


async def unclaimed(scene: "Scene", actor: Actor | None = None, **asked: Any) -> list[UnclaimedView]:
    return await list_unclaimed(scene.pool, actor or scene.preparer, **{"limit": 200, **asked})


def short(found: list[UnclaimedView]) -> list[tuple[str, UUID, str]]:
    return [(each.programme, each.beneficiary, each.reason) for each in found]


async def proposed(scene: "Scene", *people: UUID) -> None:
    """They have an account of which the bank has not been asked yet, unless they have one already."""
    await scene.rows(
        "INSERT INTO account (person_id, number, is_change, state) SELECT who, 1, false, 'proposed'"
        " FROM unnest($1::uuid[]) AS who"
        " WHERE NOT EXISTS (SELECT 1 FROM account a WHERE a.person_id = who) RETURNING 1",
        people,
    )


async def with_account(scene: "Scene", *people: UUID) -> None:
    """They have an account in force."""
    await proposed(scene, *people)
    for change in (
        "state = 'asked', bank = 'ABC', asked_at = clock_timestamp(), quiet_since = clock_timestamp()",
        "state = 'in_force', quiet_since = NULL, in_force_from = clock_timestamp()",
    ):
        await scene.rows(
            f"UPDATE account SET {change} WHERE person_id = ANY($1::uuid[]) AND state <> 'in_force' RETURNING 1", people
        )


async def on_their_way(payday: Payday, many: int) -> list[PaymentView]:
    """Payments of so many people, whose accounts are in force, with the bank."""
    people, scene = await payday.people(many), payday.scene
    await with_account(scene, *people)
    await scene.rows("UPDATE identity SET unread = false RETURNING 1")
    await scene.rows(
        "INSERT INTO account_identity SELECT a.id, i.keys, i.sealed FROM account a JOIN identity i USING (person_id)"
        " ON CONFLICT DO NOTHING RETURNING 1"
    )
    run = await payday.previewed(people)
    await payday.approve(run)
    await payday.instruct()
    return await payday.payments(run)


# -- reasons -----------------------------------------------------------------------------------------------------------


async def test_who_has_no_account_is_found_before_anything_is_paid(scene: "Scene") -> None:
    without, having, nearly = [await scene.family(OLD) for _ in range(3)]
    await with_account(scene, *having.people)
    await proposed(scene, *nearly.people)
    await scene.declare_complete()
    run = await scene.preview()
    found, waiting = sorted(await unclaimed(scene), key=lambda each: each.reason == "account_not_verified")
    assert (waiting.beneficiary, waiting.reason) == (nearly.people[0], "account_not_verified")
    assert (found.beneficiary, found.reason, found.run, found.amount_fen) == (
        without.people[0],
        "no_account",
        run,
        5_000,
    )
    assert found.said.zh == "没有可用的收款账户。"


async def test_a_household_that_nobody_can_receive_for(scene: "Scene") -> None:
    family = await scene.family({"is_alive": False}, toilet_retrofit_accepted=True)
    await scene.declare_complete()
    await scene.preview()
    assert short(await unclaimed(scene)) == [("B55", family.household, "no_payee")]


async def test_what_could_not_be_decided_names_who_owes_it(scene: "Scene") -> None:
    family = await scene.family(OLD)
    await scene.publish(programme("B16", excludes=[]), effective_on=scene.today.replace(2026, 2, 1))
    await scene.preview()
    (found,) = await unclaimed(scene)
    assert (found.programme, found.beneficiary, found.reason) == ("B16", family.people[0], "undetermined")
    assert found.owed_by == ["CLH", "MZJ", "RSJ"]
    assert "残疾人联合会" in found.said.zh
    counts = await count_unclaimed(scene.pool, scene.preparer)
    assert [(each.department, each.entitlements) for each in counts.owed_by] == [("CLH", 1), ("MZJ", 1), ("RSJ", 1)]
    assert [(each.reason, each.department, each.entitlements) for each in counts.reasons] == [
        ("undetermined", "MZJ", 1)
    ]


async def test_who_stands_back_for_less_is_found(scene: "Scene") -> None:
    both = [
        programme("B08", excludes=["B28"], priority=1, eligibility="is_alive", amount_fen="100"),
        programme("B28", excludes=["B08"], priority=2, eligibility="is_alive", amount_fen="1300", due_months=[7]),
        programme("B29", excludes=["B30"], priority=3, eligibility="is_alive", amount_fen="100"),
        programme("B30", excludes=["B29"], priority=4, eligibility="is_alive", amount_fen="1100", due_months=[7]),
    ]
    await scene.publish(*both, effective_on=scene.today.replace(2026, 2, 1))
    family = await scene.family({})
    await with_account(scene, *family.people)
    await scene.preview()
    (found,) = await unclaimed(scene)  # 1,300 a year against 1,200; 1,100 a year is less than what the other pays
    assert (found.programme, found.reason, found.excluded_by, found.winner_fen) == (
        "B28",
        "excluded_for_less",
        "B08",
        100,
    )
    assert found.said.zh == "因享受金额较低的项目而不发：B08发1.00元，本项为13.00元。"


async def test_what_a_bank_gave_back_stays_until_it_is_paid_again(scene: "Scene", tmp_path: "Path") -> None:
    payday = Payday(scene, tmp_path)
    await payday.open()
    first, second, third = await on_their_way(payday, 3)
    assert await unclaimed(scene) == []
    await payday.says(rejected(first), returned(second), settled(third))
    found = {each.beneficiary: (each.reason, each.bank_reason) for each in await unclaimed(scene)}
    assert {who: reason for who, (reason, _) in found.items()} == {
        first.beneficiary: "rejected",
        second.beneficiary: "returned",
    }
    assert all(bank_reason for _, bank_reason in found.values())
    await pay_again(scene.pool, scene.approver, first.run, expected=await payday.version(first.run))
    assert await unclaimed(scene) == []


# -- scope -------------------------------------------------------------------------------------------------------------


async def test_everybody_sees_their_own_scope_alone(scene: "Scene") -> None:
    here, there = await scene.family(OLD), await scene.family(OLD, village=OTHER_VILLAGE)
    await scene.declare_complete()
    await scene.preview()
    mine, theirs = [("B08", family.people[0], "no_account") for family in (here, there)]
    assert short(await unclaimed(scene)) == sorted([mine, theirs])
    assert short(await unclaimed(scene, division=OTHER_VILLAGE)) == [theirs]
    assert short(await unclaimed(scene, CADRE)) == [mine]
    assert short(await unclaimed(scene, person(Role.AUDITOR, COUNTY))) == sorted([mine, theirs])
    assert short(await unclaimed(scene, person(Role.DEPARTMENT_STAFF, COUNTY, "MZJ"))) == sorted([mine, theirs])
    assert await unclaimed(scene, person(Role.DEPARTMENT_STAFF, COUNTY, "WJJ")) == []
    counts = await count_unclaimed(scene.pool, CADRE)
    assert [(each.reason, each.entitlements, each.amount_fen) for each in counts.reasons] == [("no_account", 1, 5_000)]
    exported = (await export_unclaimed(scene.pool, CADRE)).decode("utf-8-sig").splitlines()
    assert (len(exported), str(here.people[0]) in exported[1]) == (2, True)


async def test_beyond_ones_scope_there_is_nothing(scene: "Scene") -> None:
    await scene.family(OLD)
    await scene.declare_complete()
    run = await scene.preview()
    for find in (
        list_unclaimed(scene.pool, CADRE, division=OTHER_VILLAGE, limit=9),
        count_unclaimed(scene.pool, CADRE, division=OTHER_VILLAGE),
        export_unclaimed(scene.pool, CADRE, division=OTHER_VILLAGE),
    ):
        with pytest.raises(DivisionUnknown):
            await find
    for stranger in (person(Role.FINANCE_PREPARER, OTHER_COUNTY), person(Role.VILLAGE_CADRE, FAR_VILLAGE)):
        with pytest.raises(NoRunHere):
            await unclaimed(scene, stranger, run=run)
        with pytest.raises(NoRunHere):
            await unclaimed(scene, stranger)
    with pytest.raises(NotFound):
        await unclaimed(scene, run=new_id())


@pytest.mark.parametrize("role", [Role.TOWN_STAFF, Role.SUPERVISOR, Role.INTEGRATOR, Role.OPERATOR])
async def test_who_has_no_business_with_it_is_forbidden_to(scene: "Scene", role: Role) -> None:
    actor = person(role, COUNTY)
    for find in (
        list_unclaimed(scene.pool, actor, limit=9),
        count_unclaimed(scene.pool, actor),
        export_unclaimed(scene.pool, actor),
    ):
        with pytest.raises(Forbidden):
            await find


async def test_the_newest_run_counts_unless_one_is_named(scene: "Scene") -> None:
    await scene.family(OLD)
    await scene.declare_complete()
    june, july = await scene.preview("2026-06"), await scene.preview("2026-07")
    assert [each.run for each in await unclaimed(scene)] == [july]
    assert [each.run for each in await unclaimed(scene, run=june)] == [june]


async def test_pages_and_filters(scene: "Scene") -> None:
    for _ in range(3):
        await scene.family(OLD, {"birth_date": "2024-05-01"})
    await scene.declare_complete()
    await scene.preview()
    whole = await unclaimed(scene)
    pages, after = list[UnclaimedView](), None
    while page := await unclaimed(scene, after=after, limit=2):
        pages, after = [*pages, *page], page[-1].position
    assert (len(whole), [each.position for each in pages]) == (6, [each.position for each in whole])
    assert {each.programme for each in await unclaimed(scene, programme="B28")} == {"B28"}
    assert await unclaimed(scene, reason="returned") == []
    assert len(await unclaimed(scene, reason="no_account")) == 6
