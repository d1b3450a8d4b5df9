"""The printed record of a claim: what it says after pauses, of long titles, and that nothing unclaimed is printed."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from qingdan.ids import ShareId
from runtime.db import Version, transaction
from tasks.claim_task import claim_task
from tasks.print_claim import print_claim
from tasks.publish_task import Terms, publish_task
from tasks.record_rules import NothingClaimed
from tasks.withdraw_taken_shares import withdraw_taken_shares
from tests.integration.tasks.conftest import NEIGHBOUR, ROAD, VILLAGE, VISITS

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene


async def claimed(scene: "Scene") -> ShareId:
    share = await scene.share(VISITS)
    await claim_task(scene.pool, scene.cadre, share, 20, expected=Version(1))
    return share


async def test_what_was_taken_by_another_village_is_no_claim_and_has_no_record(scene: "Scene") -> None:
    event = await publish_task(
        scene.pool, scene.town, await scene.meeting(), ROAD, (VILLAGE, NEIGHBOUR), Terms(open_to="first")
    )
    shares = {part.village: part.share for part in getattr(event, "shares", ())}
    await claim_task(scene.pool, scene.cadre, shares[VILLAGE], 5, expected=Version(1))
    await withdraw_taken_shares(scene.pool, scene.service)
    with pytest.raises(NothingClaimed):
        await print_claim(scene.pool, scene.neighbour, shares[NEIGHBOUR])
    assert ROAD.title_zh in await print_claim(scene.pool, scene.cadre, shares[VILLAGE])


async def test_of_sixty_pauses_the_latest_fifty_are_shown_and_the_others_counted(scene: "Scene") -> None:
    share = await claimed(scene)
    async with transaction(scene.pool, scene.service) as tx:
        await tx.execute(
            "INSERT INTO share_pause (share_id, division_id, department, waiting_for, note, paused_on, paused_by,"
            " resumed_on, resumed_by, paused_working_days)"
            " SELECT s.id, s.division_id, s.department, 'weather', 'x', $2::date + n, 'x', $2::date + n, 'x', 0"
            " FROM share s, generate_series(1, 60) AS n WHERE s.id = $1",
            share,
            scene.today,
        )
    page = await print_claim(scene.pool, scene.cadre, share)
    assert page.count("天气") == 50
    assert "10 earlier ones are not shown" in page
    assert str(scene.today + timedelta(days=60)) in page
    assert f">{scene.today + timedelta(days=10)}<" not in page


async def test_the_longest_titles_are_printed_whole(scene: "Scene") -> None:
    share = await claimed(scene)
    async with transaction(scene.pool, scene.service) as tx:
        await tx.execute("UPDATE share SET title_zh = repeat('路', 200) WHERE id = $1", share)
    page = await print_claim(scene.pool, scene.cadre, share)
    assert "路" * 200 in page
    assert '<body class="long">' in page
