"""A share from claim to completion, in the database and in the events that tell of it."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from qingdan.gate import Ask
from qingdan.ids import ShareId
from qingdan.tasks_events import ShareClaimed, ShareCompleted, ShareReportedDone
from runtime.db import Version
from runtime.ids import new_id
from runtime.problems import Forbidden, NotFound, Refusal, StaleVersion
from tasks.claim_task import claim_task
from tasks.list_refused_asks import list_refused_asks
from tasks.list_shares import list_shares
from tasks.refuse_share import refuse_share
from tasks.report_done import report_done
from tasks.report_progress import report_progress
from tasks.share_rules import ShareAlreadyClaimed, ShareAlreadyDone
from tasks.show_share import show_share
from tasks.show_statistics import show_statistics
from tests.integration.tasks.conftest import ROAD, VILLAGE, VISITS

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene

PHOTO = "ab" * 32


async def claim(scene: "Scene", share: ShareId) -> ShareClaimed:
    return await claim_task(scene.pool, scene.cadre, share, 10, expected=Version(1))


async def test_a_claim_is_stored_told_and_audited_together(scene: "Scene") -> None:
    share = await scene.share()
    event = await claim(scene, share)
    seen = await scene.look(share)
    assert (seen.state, seen.limit_working_days, seen.claimed_on, seen.due_on, seen.version) == (
        "claimed",
        10,
        scene.today,
        event.due_on,
        2,
    )
    assert await scene.told("share.claimed.v1") == [event.model_dump(mode="json")]
    entries = await scene.rows("SELECT actor FROM audit_entry WHERE action = 'share.claimed.v1'")
    assert entries == [{"actor": scene.cadre.subject}]


async def test_a_share_is_claimed_once(scene: "Scene") -> None:
    share = await scene.share()
    await claim(scene, share)
    with pytest.raises(ShareAlreadyClaimed):
        await claim_task(scene.pool, scene.cadre, share, 5, expected=Version(2))


async def test_who_has_not_seen_the_latest_version_changes_nothing(scene: "Scene") -> None:
    share = await scene.share()
    await claim(scene, share)
    with pytest.raises(StaleVersion) as refused:
        await claim(scene, share)
    assert refused.value.details == {"share": str(share), "version": 2}


async def test_of_many_claims_at_once_one_succeeds(scene: "Scene") -> None:
    share = await scene.share()
    answers = await asyncio.gather(*(claim(scene, share) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(answer, ShareClaimed) for answer in answers) == 1
    assert sum(isinstance(answer, StaleVersion) for answer in answers) == 19
    assert len(await scene.told("share.claimed.v1")) == 1


async def test_a_report_completes_the_share_unless_its_item_asks_for_a_visit(scene: "Scene") -> None:
    share = await scene.share()
    await claim(scene, share)
    progressed = await report_progress(
        scene.pool, scene.cadre, share, 40, note="已走访12户", photo_sha256=[PHOTO], expected=Version(2)
    )
    assert progressed.percent == 40
    done = await report_done(scene.pool, scene.cadre, share, [], expected=Version(3))
    assert isinstance(done, ShareCompleted)
    assert (done.used_working_days, done.on_time, done.completed_on) == (0, True, scene.today)
    shown = await show_share(scene.pool, scene.cadre, share)
    assert (shown.state, shown.percent, shown.version) == ("completed", 100, 4)
    assert [(r.percent, r.done, r.note, r.photo_sha256) for r in shown.reports] == [
        (40, False, "已走访12户", [PHOTO]),
        (100, True, "", []),
    ]
    told = [body["type"] for body in await scene.told() if body["type"].startswith("share.")]
    assert told == ["share.claimed.v1", "share.progressed.v1", "share.reported-done.v1", "share.completed.v1"]
    assert "走访12户" not in str(await scene.told("share.progressed.v1"))


async def test_a_closed_visit_completes_what_waits_for_it(scene: "Scene") -> None:
    share = await scene.share(ROAD)
    await claim(scene, share)
    await scene.close_visit(share, findings=2, failed=1)
    early = await scene.look(share)
    assert (early.state, early.findings, early.passed_first_recheck) == ("claimed", 2, 1)
    done = await report_done(scene.pool, scene.cadre, share, [], expected=Version(early.version))
    assert isinstance(done, ShareReportedDone)
    await scene.close_visit(share, findings=1)
    late = await scene.look(share)
    assert (late.state, late.findings, late.passed_first_recheck, late.used_working_days) == ("completed", 3, 2, 0)
    assert len(await scene.told("share.completed.v1")) == 1


async def test_a_visit_that_is_not_passed_gives_the_share_back(scene: "Scene") -> None:
    share = await scene.share(ROAD)
    await claim(scene, share)
    await report_done(scene.pool, scene.cadre, share, [], expected=Version(2))
    await scene.close_visit(share, passed=False, findings=1, failed=1)
    back = await scene.look(share)
    assert (back.state, back.reported_on) == ("claimed", None)
    await report_done(scene.pool, scene.cadre, share, [], expected=Version(back.version))
    await scene.close_visit(share)
    assert (await scene.look(share)).state == "completed"


@pytest.mark.parametrize("ask", [ROAD, VISITS])
async def test_a_hundred_percent_without_the_report_of_being_done_completes_nothing(scene: "Scene", ask: Ask) -> None:
    share = await scene.share(ask)
    await claim(scene, share)
    await report_progress(scene.pool, scene.cadre, share, 100, note="", photo_sha256=[], expected=Version(2))
    assert ((await scene.look(share)).state, (await scene.look(share)).percent) == ("claimed", 100)
    assert await scene.told("share.reported-done.v1", "share.completed.v1") == []


async def test_what_was_given_back_goes_on_with_progress(scene: "Scene") -> None:
    share = await scene.share(ROAD)
    await claim(scene, share)
    await report_done(scene.pool, scene.cadre, share, [], expected=Version(2))
    with pytest.raises(ShareAlreadyDone):
        await report_progress(scene.pool, scene.cadre, share, 90, note="", photo_sha256=[], expected=Version(3))
    await scene.close_visit(share, passed=False, findings=1, failed=1)
    back = await scene.look(share)
    await report_progress(
        scene.pool, scene.cadre, share, 90, note="返工", photo_sha256=[], expected=Version(back.version)
    )
    assert ((await scene.look(share)).state, (await scene.look(share)).percent) == ("claimed", 90)


async def test_a_visit_of_a_share_never_published_here_is_not_swallowed(scene: "Scene") -> None:
    known = await scene.share(ROAD)
    with pytest.raises(NotFound):
        await scene.close_visit(known, of=ShareId(new_id()))


async def test_a_village_says_no_and_it_is_counted_with_its_department(scene: "Scene") -> None:
    share = await scene.share(ROAD)
    event = await refuse_share(scene.pool, scene.cadre, share, "no_means", "没有经费", expected=Version(1))
    assert event.list_version == 1
    assert (await scene.look(share)).state == "refused"
    told = [body["type"] for body in await scene.told() if body["type"] != "list.version-took-effect.v1"]
    assert told == ["task.published.v1", "ask.refused.v1", "share.refused.v1"]
    (row,) = await list_refused_asks(scene.pool, scene.town, department="JTJ", code=None, after=None, limit=5)
    assert (row.decided_by, row.reason, row.share, row.division) == ("village", "没有经费", share, VILLAGE)
    figures = await show_statistics(scene.pool, scene.town)
    assert (figures.asks_refused_by_villages, figures.shares_refused, figures.shares_claimed) == (1, 1, 0)


async def test_another_village_does_not_know_of_it(scene: "Scene") -> None:
    share = await scene.share()
    for command in (
        claim_task(scene.pool, scene.neighbour, share, 5, expected=Version(1)),
        refuse_share(scene.pool, scene.neighbour, share, "off_list", "", expected=Version(1)),
        report_done(scene.pool, scene.neighbour, share, [], expected=Version(1)),
    ):
        with pytest.raises(NotFound):
            await command
    assert (await scene.look(share)).state == "published"


async def test_only_the_villages_cadre_acts_on_its_share(scene: "Scene") -> None:
    share = await scene.share()
    with pytest.raises(Forbidden):
        await claim_task(scene.pool, scene.town, share, 5, expected=Version(1))


async def test_shares_are_found_by_state_task_and_due_day(scene: "Scene") -> None:
    waiting, claimed = await scene.share(), await scene.share()
    event = await claim(scene, claimed)
    pool, cadre = scene.pool, scene.cadre
    assert [s.share for s in await list_shares(pool, cadre, state="claimed", limit=5)] == [claimed]
    assert [s.share for s in await list_shares(pool, cadre, task=event.task, limit=5)] == [claimed]
    due = event.due_on
    assert await list_shares(pool, cadre, due_before=due, limit=5) == []
    assert [s.share for s in await list_shares(pool, cadre, due_before=due + timedelta(days=1), limit=5)] == [claimed]
    first = (await list_shares(pool, scene.town, village=VILLAGE, limit=1))[0]
    rest = await list_shares(pool, scene.town, village=VILLAGE, after=first.position, limit=5)
    assert [first.share, *(s.share for s in rest)] == [waiting, claimed]


async def test_no_command_in_any_state_ends_in_anything_but_an_answer_or_a_refusal(scene: "Scene") -> None:
    share = await scene.share()
    for _ in range(2):
        for n in range(4):
            version = Version((await scene.look(share)).version)
            try:
                match n:
                    case 0:
                        await report_progress(
                            scene.pool, scene.cadre, share, 10, note="", photo_sha256=[], expected=version
                        )
                    case 1:
                        await claim_task(scene.pool, scene.cadre, share, 3, expected=version)
                    case 2:
                        await refuse_share(scene.pool, scene.cadre, share, "duplicate", "", expected=version)
                    case _:
                        await report_done(scene.pool, scene.cadre, share, [], expected=version)
            except Refusal:
                continue
            assert (await scene.look(share)).version == version + 1
    assert (await scene.look(share)).state == "completed"
