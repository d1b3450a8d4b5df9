"""A frozen list that is wrong comes back before it is approved; whoever approves approves what was frozen anew."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from qingdan.ids import OpenCode, RunId
from qingdan.money import FEN_MAX
from qingdan.subsidy_events import RunReturned
from runtime.actor import Actor, Role
from runtime.db import Version, transaction
from runtime.problems import Forbidden, NotFound, StaleVersion
from subsidy.approve_run import approve_run
from subsidy.freeze_run import FrozenRun, freeze_run
from subsidy.list_objections import ObjectionView, list_objections
from subsidy.notice_rules import NoNoticeYet
from subsidy.raise_objection import raise_objection
from subsidy.return_run import return_run
from subsidy.run_rules import ApprovedAlready, HashDiffers, RunNotThere, WholeCountyNeeded
from subsidy.show_notice import NoticeItem, show_notice
from subsidy.show_progress import show_progress
from subsidy.show_run import show_run
from tests.integration.service_scene import person
from tests.integration.subsidy.conftest import COUNTY, OTHER_COUNTY, Scene
from tests.integration.subsidy.frozen_run import AMOUNT_FEN, Payday

WRONG: OpenCode = "wrong_rule"
SECOND = Actor("chen", frozenset({Role.FINANCE_APPROVER}), COUNTY)


@pytest.fixture
async def payday(bare: Scene, tmp_path: Path) -> Payday:
    day = Payday(bare, tmp_path)
    await day.open()
    return day


async def freeze(payday: Payday, run: RunId, *, third_person_from_fen: int = FEN_MAX) -> FrozenRun:
    scene, expected = payday.scene, await payday.version(run)
    return await freeze_run(
        scene.pool, scene.preparer, run, scene.today, third_person_from_fen=third_person_from_fen, expected=expected
    )


async def back(
    payday: Payday, run: RunId, frozen: FrozenRun, by: Actor | None = None, *, version: Version | None = None
) -> RunReturned:
    scene, seen = payday.scene, bytes.fromhex(frozen.frozen_hash)
    expected = version or await payday.version(run)
    return await return_run(scene.pool, by or scene.approver, run, seen, WRONG, expected=expected)


async def approve(payday: Payday, run: RunId, frozen: FrozenRun, by: Actor | None = None) -> str:
    """The state that the run is in then."""
    scene, seen = payday.scene, bytes.fromhex(frozen.frozen_hash)
    expected = await payday.version(run)
    return (await approve_run(scene.pool, by or scene.approver, run, seen, expected=expected)).state


async def without_one(payday: Payday, run: RunId) -> None:
    """The list is another one now."""
    await payday.scene.rows(
        "DELETE FROM entitlement WHERE run_id = $1 AND beneficiary ="
        " (SELECT min(beneficiary::text)::uuid FROM entitlement WHERE run_id = $1) RETURNING 1",
        run,
    )


async def notice(payday: Payday, run: RunId) -> list[NoticeItem]:
    key, scene = payday.directory / "service.json", payday.scene
    return await show_notice(scene.pool, scene.preparer, run, key, programme=None, division=None, after=None, limit=10)


async def test_what_came_back_is_frozen_anew_and_paid_as_it_is_then(payday: Payday) -> None:
    run, scene = await payday.previewed(await payday.people(3)), payday.scene
    first = await freeze(payday, run)
    event = await back(payday, run, first)
    assert (event.frozen_hash, event.reason, event.returned_on) == (first.frozen_hash, WRONG, scene.today)
    seen = await show_run(scene.pool, scene.approver, run)
    assert (seen.state, seen.frozen_hash, seen.notice_until, seen.returns) == ("previewed", None, None, 1)
    [entry] = seen.returned
    assert (entry.number, entry.frozen_hash, entry.frozen_by) == (1, first.frozen_hash, scene.preparer.subject)
    assert (entry.returned_by, entry.reason, entry.approvals) == (scene.approver.subject, WRONG, 0)
    with pytest.raises(NoNoticeYet):
        await notice(payday, run)
    await without_one(payday, run)
    second = await freeze(payday, run)
    with pytest.raises(HashDiffers):
        await approve(payday, run, first)
    assert await approve(payday, run, second) == "approved"
    assert (await payday.oblige(run)).total_fen == 2 * AMOUNT_FEN
    assert await payday.books() == {"budget": -2 * AMOUNT_FEN, "payable": 2 * AMOUNT_FEN}
    types = ("run.frozen.v1", "run.returned.v1", "run.approved.v1")
    assert [body["type"] for body in await scene.told(*types)] == [types[0], types[1], types[0], types[2]]
    [audited] = await scene.rows("SELECT before FROM audit_entry WHERE action = 'run.returned.v1'")
    assert '"frozen"' in audited["before"]


async def test_it_may_come_back_again_and_each_time_stays_in_the_record(payday: Payday) -> None:
    run, scene = await payday.previewed(await payday.people(1)), payday.scene
    for _ in range(2):
        await back(payday, run, await freeze(payday, run), scene.preparer)  # who prepares withdraws it
    assert [each.number for each in (await show_run(scene.pool, scene.preparer, run)).returned] == [2, 1]
    assert await approve(payday, run, await freeze(payday, run)) == "approved"


async def test_approvals_of_before_count_no_more_even_of_the_same_list(payday: Payday) -> None:
    run, scene = await payday.previewed(await payday.people(1)), payday.scene
    first = await freeze(payday, run, third_person_from_fen=1)
    assert await approve(payday, run, first) == "frozen"
    await back(payday, run, first, SECOND)
    again = await freeze(payday, run, third_person_from_fen=1)
    assert again.frozen_hash == first.frozen_hash
    progress = await show_progress(scene.pool, scene.preparer, run)
    assert [(each.code, each.many) for each in progress.waits_for] == [("approval", 2)]
    seen = await show_run(scene.pool, scene.preparer, run)
    assert (seen.approvals, seen.returned[0].approvals) == ([], 1)
    assert await approve(payday, run, again, SECOND) == "frozen"
    with pytest.raises(ApprovedAlready):
        await approve(payday, run, again, SECOND)
    assert await approve(payday, run, again) == "approved"
    seen = await show_run(scene.pool, scene.preparer, run)
    assert seen.approvals == sorted([SECOND.subject, scene.approver.subject])


async def test_what_was_objected_to_still_waits(payday: Payday) -> None:
    run, scene = await payday.previewed(await payday.people(2)), payday.scene
    first = await freeze(payday, run)
    item = (await notice(payday, run))[0]
    await raise_objection(scene.pool, scene.preparer, run, item.programme, item.item, "not_here")
    await back(payday, run, first)
    await approve(payday, run, await freeze(payday, run))
    await payday.oblige(run)
    await payday.instruct()
    assert sorted(each.state for each in await payday.payments(run)) == ["prepared", "sent"]
    [waits] = await objections(payday, run)
    assert (waits.programme, waits.amount_fen) == (item.programme, AMOUNT_FEN)


async def test_an_objection_to_what_the_run_comes_to_no_more_is_still_seen(payday: Payday) -> None:
    run, scene = await payday.previewed(await payday.people(1)), payday.scene
    first = await freeze(payday, run)
    [item] = await notice(payday, run)
    await raise_objection(scene.pool, scene.preparer, run, item.programme, item.item, "not_here")
    await back(payday, run, first)
    await without_one(payday, run)
    [waits] = await objections(payday, run)
    assert waits.amount_fen is None


async def objections(payday: Payday, run: RunId) -> list[ObjectionView]:
    scene = payday.scene
    return await list_objections(scene.pool, scene.preparer, state="raised", run=run, after=None, limit=10)


async def test_two_who_take_it_back_at_once_take_it_back_once(payday: Payday) -> None:
    run, scene = await payday.previewed(await payday.people(1)), payday.scene
    frozen, version = await freeze(payday, run), await payday.version(run)
    answers = await asyncio.gather(
        *(back(payday, run, frozen, by, version=version) for by in (scene.approver, scene.preparer)),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in answers) == sorted(["RunReturned", StaleVersion.__name__])
    assert (await show_run(scene.pool, scene.preparer, run)).returns == 1


async def test_only_finance_of_the_whole_county_takes_back_what_it_saw(payday: Payday) -> None:
    run, scene = await payday.previewed(await payday.people(1)), payday.scene
    with pytest.raises(RunNotThere):
        await return_run(scene.pool, scene.approver, run, b"x" * 32, WRONG, expected=await payday.version(run))
    frozen = await freeze(payday, run)
    for role in set(Role) - {Role.FINANCE_APPROVER, Role.FINANCE_PREPARER, Role.SERVICE}:
        with pytest.raises(Forbidden):
            await back(payday, run, frozen, person(role, COUNTY, "MZJ"))
    with pytest.raises(NotFound):
        await back(payday, run, frozen, person(Role.FINANCE_APPROVER, OTHER_COUNTY))
    with pytest.raises(WholeCountyNeeded):
        await back(payday, run, frozen, Actor("ma", frozenset({Role.FINANCE_APPROVER}), COUNTY, "MZJ"))
    with pytest.raises(HashDiffers):
        await return_run(scene.pool, scene.approver, run, b"x" * 32, WRONG, expected=await payday.version(run))
    with pytest.raises(StaleVersion):
        await back(payday, run, frozen, version=Version(99))
    await approve(payday, run, frozen)
    with pytest.raises(RunNotThere):
        await back(payday, run, frozen)
    assert (await show_run(scene.pool, scene.preparer, run)).returned == []


BACK = "frozen_by = NULL, frozen_hash = NULL, frozen_on = NULL, notice_until = NULL"
CHANGES = {
    "without an entry": f"UPDATE run SET state = 'previewed', {BACK} WHERE id = $1",
    "counted without an entry": f"UPDATE run SET state = 'previewed', returns = 1, {BACK} WHERE id = $1",
    "another hash": "UPDATE run SET frozen_hash = sha256('x') WHERE id = $1",
    "a count": "UPDATE run SET returns = 1 WHERE id = $1",
}


@pytest.mark.parametrize("change", CHANGES)
async def test_not_even_the_database_lets_a_frozen_run_come_back_alone(payday: Payday, change: str) -> None:
    run = await payday.previewed(await payday.people(1))
    await freeze(payday, run)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="entered why"):
        async with transaction(payday.scene.pool, payday.scene.service) as tx:
            await tx.execute(CHANGES[change], run)


async def test_what_was_approved_never_comes_back_and_entries_stay(payday: Payday) -> None:
    run, scene = await payday.previewed(await payday.people(1)), payday.scene
    await back(payday, run, await freeze(payday, run))
    for removal in ("DELETE FROM run_return", "UPDATE run_return SET reason = 'other'"):
        with pytest.raises(asyncpg.PostgresError):
            async with transaction(scene.pool, scene.service) as tx:
                await tx.execute(removal)
    await payday.approve(run)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="entered why"):
        async with transaction(scene.pool, scene.service) as tx:
            await tx.execute(
                "UPDATE run SET state = 'frozen', approved_by = NULL, approved_on = NULL WHERE id = $1", run
            )
