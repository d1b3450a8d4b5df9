"""Before a village sets its limit it sees how long such tasks took others, and its own desk; never whose they were."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from devkit.browser import Client, application
from devkit.issuer import Issuer
from qingdan.divisions import DivisionCode
from runtime.db import Version, transaction
from runtime.problems import NotFound
from tasks import duration_store
from tasks.app import service
from tasks.claim_task import claim_task
from tasks.fold_durations import fold_durations
from tasks.report_done import report_done
from tasks.show_hints import TookView, show_hints
from tests.integration.tasks.conftest import NEIGHBOUR, VILLAGE, VISITS

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene


async def finish_past(scene: "Scene", used: Sequence[int], on: date, item: str = "RA03") -> None:
    """A past of the neighbour's, as an import leaves it."""
    async with transaction(scene.pool, scene.operator) as tx:
        await tx.execute(
            "INSERT INTO finished_share (batch, division_id, task_code, claimed_on, item_code, limit_working_days,"
            " used_working_days, findings, passed_first_recheck, difficulties_raised, origin)"
            " SELECT 'test', d.id, 'T' || at, $3, $4, 30, used, 0, 0, 0, 'test' FROM division d,"
            " unnest($1::integer[]) WITH ORDINALITY AS e(used, at) WHERE d.code = $2 AND d.valid_to IS NULL",
            list(used),
            str(NEIGHBOUR),
            on,
            item,
        )


async def fold(scene: "Scene") -> None:
    while await fold_durations(scene.pool, scene.service):
        pass


async def test_the_past_of_five_says_how_long_it_takes_and_of_four_nothing(scene: "Scene") -> None:
    share = await scene.share()
    await finish_past(scene, [3, 4, 6, 20], scene.today)
    await fold(scene)
    assert (await show_hints(scene.pool, scene.cadre, share)).took is None
    event = await scene.publish(VISITS, (NEIGHBOUR,))
    await claim_task(scene.pool, scene.neighbour, event.shares[0].share, 5, expected=Version(1))
    await report_done(scene.pool, scene.neighbour, event.shares[0].share, (), expected=Version(2))
    await fold(scene)
    await fold(scene)  # counts nothing twice
    took = (await show_hints(scene.pool, scene.cadre, share)).took
    assert took == TookView(like="item", shares=5, median_working_days=4, p80_working_days=6)


async def test_what_is_folded_is_kept_no_longer_and_what_was_marked_before_is_not_counted_again(scene: "Scene") -> None:
    await finish_past(scene, [3, 4, 6], scene.today)
    async with transaction(scene.pool, scene.service) as tx:
        await tx.execute("UPDATE finished_duration SET folded = true WHERE used_working_days = 6")
    await asyncio.gather(*(fold_durations(scene.pool, scene.service) for _ in range(4)))
    assert await scene.rows("SELECT * FROM finished_duration") == []
    counted = await scene.rows("SELECT used_working_days, shares FROM item_duration ORDER BY used_working_days")
    assert counted == [{"used_working_days": 3, "shares": 1}, {"used_working_days": 4, "shares": 1}]


async def test_a_fold_that_fails_leaves_the_queue_as_it_was(scene: "Scene") -> None:
    await finish_past(scene, [3, 4], scene.today)

    async def fail_after_folding() -> None:
        async with transaction(scene.pool, scene.service) as tx:
            assert await duration_store.fold(tx, 9) == 2
            raise NotFound()

    with pytest.raises(NotFound):
        await fail_after_folding()
    assert len(await scene.rows("SELECT * FROM finished_duration")) == 2
    assert await scene.rows("SELECT * FROM item_duration") == []


async def test_what_is_older_than_three_years_says_nothing(scene: "Scene") -> None:
    share = await scene.share()
    await finish_past(scene, [3, 4, 6, 20, 30], scene.today - timedelta(days=3 * 366 + 31))
    await fold(scene)
    assert (await show_hints(scene.pool, scene.cadre, share)).took is None


async def test_an_item_nobody_has_finished_yet_is_like_what_the_department_asks_in_this_form(scene: "Scene") -> None:
    share = await scene.share()
    async with transaction(scene.pool, scene.service) as tx:
        await tx.execute(
            "INSERT INTO item_duration SELECT 'RA99', department, kind, date_trunc('month', published_on), 8, 9"
            " FROM share WHERE id = $1",
            share,
        )
    took = (await show_hints(scene.pool, scene.cadre, share)).took
    assert took == TookView(like="department_and_kind", shares=9, median_working_days=8, p80_working_days=8)


async def test_the_desk_is_the_villages_own(scene: "Scene") -> None:
    share, first, second, third = [await scene.share() for _ in range(4)]
    dues = [
        (await claim_task(scene.pool, scene.cadre, each, limit, expected=Version(1))).due_on
        for each, limit in ((first, 9), (second, 3))
    ]
    theirs = (await scene.publish(VISITS, (NEIGHBOUR,))).shares[0].share
    await claim_task(scene.pool, scene.neighbour, theirs, 1, expected=Version(1))
    desk = (await show_hints(scene.pool, scene.cadre, share)).desk
    assert (desk.unclaimed, desk.claimed, desk.overdue, desk.due_first) == (1, 2, 0, sorted(dues)), third
    with pytest.raises(NotFound):
        await show_hints(scene.pool, scene.cadre, theirs)


async def test_hints_over_http(scene: "Scene", issuer: Issuer) -> None:
    share = await scene.share()
    async with application(service, scene.pool, issuer) as http:
        answer = await Client(http, issuer, scene.cadre).get(f"/shares/{share}/hints")
    desk = {"unclaimed": 0, "claimed": 0, "overdue": 0, "hours_claimed": 0, "due_first": []}
    assert (answer.status_code, answer.json()) == (200, {"share": str(share), "took": None, "desk": desk})


async def test_a_histogram_of_three_full_years_is_read_whole(scene: "Scene") -> None:
    """As many rows as an item can have in three years; how many shares stand behind them makes no difference."""
    share = await scene.share()
    async with transaction(scene.pool, scene.service) as tx:
        await tx.execute(
            "INSERT INTO item_duration SELECT 'RA03', 'MZJ', 'task', date_trunc('month', $1::date)"
            " - make_interval(months => m), used, 1000 FROM generate_series(0, 35) AS m,"
            " generate_series(0, 80) AS used",
            scene.today,
        )
    hints = await show_hints(scene.pool, scene.cadre, share)
    assert hints.took is not None
    assert hints.took.shares == 36 * 81 * 1000
    assert DivisionCode(VILLAGE) not in hints.model_dump_json()
