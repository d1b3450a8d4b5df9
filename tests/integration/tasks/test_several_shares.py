"""Several shares in one command: all of them or none, and each told and audited as if it had come alone."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from devkit.browser import Client, application
from devkit.issuer import Issuer
from qingdan.ids import ShareId
from runtime.db import Version
from runtime.ids import new_id
from runtime.problems import Forbidden, NotFound, Refusal, StaleVersion
from runtime.several import AT_ONCE_MAX
from tasks.app import service
from tasks.claim_task import claim_task
from tasks.claim_tasks import claim_tasks
from tasks.refuse_share import refuse_share
from tasks.report_all_done import report_all_done
from tasks.share_rules import ShareAlreadyClaimed, ShareAlreadyDone, ShareNotClaimed, ShareWasRefused
from tests.integration.held_row import held_row
from tests.integration.tasks.conftest import NEIGHBOUR, ROAD, VISITS

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene

PHOTOS = ("ab" * 32, "cd" * 32)


async def desk(scene: "Scene", count: int = 3) -> list[ShareId]:
    return [await scene.share() for _ in range(count)]


def seen(shares: Sequence[ShareId], version: int = 1) -> dict[ShareId, Version]:
    return dict.fromkeys(shares, Version(version))


async def test_claims_keep_their_order_and_are_told_and_audited_one_by_one(scene: "Scene") -> None:
    shares = await desk(scene)
    wanted = [shares[2], shares[0], shares[1]]
    answer = await claim_tasks(scene.pool, scene.cadre, seen(wanted), 7)
    assert [event.share for event in answer.claimed] == wanted
    assert await scene.told("share.claimed.v1") == [event.model_dump(mode="json") for event in answer.claimed]
    audited = await scene.rows("SELECT subject FROM audit_entry WHERE action = 'share.claimed.v1' ORDER BY seq")
    assert [row["subject"] for row in audited] == [event.event_key for event in answer.claimed]
    for event in answer.claimed:
        view = await scene.look(event.share)
        assert (view.state, view.limit_working_days, view.due_on, view.version) == ("claimed", 7, event.due_on, 2)


async def test_reports_complete_what_needs_no_visit_and_keep_each_ones_photos(scene: "Scene") -> None:
    care, road, bare = await scene.share(VISITS), await scene.share(ROAD), await scene.share(VISITS)
    await claim_tasks(scene.pool, scene.cadre, seen([care, road, bare]), 5)
    photos = {care: PHOTOS[:1], road: PHOTOS, bare: ()}
    answer = await report_all_done(scene.pool, scene.cadre, seen([care, road, bare], 2), photos)
    assert [(event.share, event.type) for event in answer.done] == [
        (care, "share.completed.v1"),
        (road, "share.reported-done.v1"),
        (bare, "share.completed.v1"),
    ]
    told = [(body["share"], body["type"]) for body in await scene.told("share.reported-done.v1", "share.completed.v1")]
    assert told == [
        (str(care), "share.reported-done.v1"),
        (str(care), "share.completed.v1"),
        (str(road), "share.reported-done.v1"),
        (str(bare), "share.reported-done.v1"),
        (str(bare), "share.completed.v1"),
    ]
    kept = await scene.rows("SELECT share_id, photo_sha256, done, percent FROM share_report")
    assert {row["share_id"]: tuple(row["photo_sha256"]) for row in kept} == photos
    assert {(row["done"], row["percent"]) for row in kept} == {(True, 100)}
    assert [(await scene.look(share)).state for share in (care, road, bare)] == [
        "completed",
        "reported_done",
        "completed",
    ]


async def nothing_has_changed(scene: "Scene", shares: Sequence[ShareId], told: int) -> bool:
    return len(await scene.told()) == told and all([(await scene.look(s)).version == 1 for s in shares])


async def test_one_share_that_cannot_be_claimed_keeps_all_unclaimed_and_is_named(scene: "Scene") -> None:
    good, bad = (await desk(scene, 2)), await scene.share()
    await claim_task(scene.pool, scene.cadre, bad, 5, expected=Version(1))
    told = len(await scene.told())
    with pytest.raises(ShareAlreadyClaimed) as refused:
        await claim_tasks(scene.pool, scene.cadre, seen(good) | {bad: Version(2)}, 5)
    assert refused.value.details == {"share": str(bad), "state": "claimed"}
    assert await nothing_has_changed(scene, good, told)


async def test_a_stale_an_unknown_and_a_neighbours_share_are_named(scene: "Scene") -> None:
    good, unknown = await scene.share(), ShareId(new_id())
    (part,) = (await scene.publish(VISITS, [NEIGHBOUR])).shares
    told = len(await scene.told())
    cases: list[tuple[ShareId, int, type[Refusal]]] = [
        (unknown, 1, NotFound),
        (part.share, 1, NotFound),
    ]
    for share, version, kind in cases:
        with pytest.raises(kind) as refused:
            await claim_tasks(scene.pool, scene.cadre, seen([good]) | {share: Version(version)}, 5)
        assert refused.value.details == {"share": str(share)}
    with pytest.raises(StaleVersion) as stale:
        await claim_tasks(scene.pool, scene.cadre, {good: Version(3)}, 5)
    assert stale.value.details == {"share": str(good), "version": 1}
    assert await nothing_has_changed(scene, [good], told)


async def test_what_cannot_be_reported_done_is_named_and_keeps_all_as_they_were(scene: "Scene") -> None:
    claimed, unclaimed, refused, done = await desk(scene, 4)
    for share in (claimed, done):
        await claim_task(scene.pool, scene.cadre, share, 5, expected=Version(1))
    await refuse_share(scene.pool, scene.cadre, refused, "no_means", "", expected=Version(1))
    await report_all_done(scene.pool, scene.cadre, {done: Version(2)}, {done: ()})
    cases: list[tuple[ShareId, int, type[Refusal]]] = [
        (unclaimed, 1, ShareNotClaimed),
        (refused, 2, ShareWasRefused),
        (done, 3, ShareAlreadyDone),
    ]
    for share, version, kind in cases:
        with pytest.raises(kind) as said:
            await report_all_done(
                scene.pool, scene.cadre, {claimed: Version(2), share: Version(version)}, {claimed: (), share: ()}
            )
        assert said.value.details["share"] == str(share)
    assert (await scene.look(claimed)).state == "claimed"


async def test_only_the_villages_cadre_claims_or_reports(scene: "Scene") -> None:
    shares = await desk(scene, 2)
    with pytest.raises(Forbidden):
        await claim_tasks(scene.pool, scene.town, seen(shares), 5)
    with pytest.raises(Forbidden):
        await report_all_done(scene.pool, scene.town, seen(shares), dict.fromkeys(shares, ()))


async def test_two_desks_in_opposite_order_wait_for_each_other_and_do_not_deadlock(scene: "Scene") -> None:
    """Both are held up at the share in the middle: whoever locks in the order given holds what the other needs."""
    shares = await desk(scene, 5)
    async with held_row(scene.pool, scene.service, "share", shares[2]) as held:
        both = [
            asyncio.create_task(claim_tasks(scene.pool, scene.cadre, seen(order), 5))
            for order in (shares, shares[::-1])
        ]
        await held.until_waited_for(by=2)
    answers = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["SharesClaimed", "StaleVersion"], answers
    assert len(await scene.told("share.claimed.v1")) == 5


# -- over HTTP --------------------------------------------------------------------------------------------------------


@pytest.fixture
async def cadre(scene: "Scene", issuer: Issuer) -> AsyncIterator[Client]:
    """The village's own cadre before the application."""
    async with application(service, scene.pool, issuer) as http:
        yield Client(http, issuer, scene.cadre)


def listed(shares: Sequence[ShareId], version: int = 1) -> list[dict[str, Any]]:
    return [{"share": str(share), "version": version} for share in shares]


async def test_a_desk_is_claimed_and_reported_over_http_and_a_repeated_click_changes_nothing(
    scene: "Scene", cadre: Client
) -> None:
    shares = await desk(scene)
    claim = {"shares": listed(shares), "limit_working_days": 5}
    first, again = [await cadre.post("/shares/claim", claim, key="one-click") for _ in range(2)]
    assert (first.status_code, first.text) == (200, again.text), first.text
    assert again.headers["Idempotency-Replayed"] == "true"
    assert [event["share"] for event in first.json()["claimed"]] == [str(share) for share in shares]
    done = await cadre.post("/shares/report-done", {"shares": listed(shares, 2)})
    assert [event["type"] for event in done.json()["done"]] == ["share.completed.v1"] * 3
    assert len(await scene.told("share.claimed.v1")) == 3


async def test_a_stale_share_is_named_over_http(scene: "Scene", cadre: Client) -> None:
    shares = await desk(scene, 2)
    refused = await cadre.post("/shares/claim", {"shares": listed(shares, 2), "limit_working_days": 5})
    problem = refused.json()
    assert (refused.status_code, problem["type"]) == (412, "urn:qingdan:problem:stale-version")
    assert (problem["share"], problem["version"]) == (str(shares[0]), 1)


async def test_lists_of_another_shape_are_refused(scene: "Scene", cadre: Client) -> None:
    share = await scene.share()
    many = listed([ShareId(new_id()) for _ in range(AT_ONCE_MAX + 1)])
    twice = listed([share, share])
    misshapen: list[tuple[str, dict[str, Any], str]] = [
        ("/shares/claim", {"shares": [], "limit_working_days": 5}, "too_short"),
        ("/shares/claim", {"shares": many, "limit_working_days": 5}, "too_long"),
        ("/shares/claim", {"shares": twice, "limit_working_days": 5}, "each_once"),
        ("/shares/claim", {"shares": listed([share]), "limit_working_days": 0}, "greater_than_equal"),
        ("/shares/claim", {"shares": listed([share], 0), "limit_working_days": 5}, "greater_than_equal"),
        ("/shares/report-done", {"shares": twice}, "each_once"),
        ("/shares/report-done", {"shares": [{"share": str(share)}]}, "missing"),
        ("/shares/report-done", {"shares": [listed([share])[0] | {"photo_sha256": ["x"]}]}, "string_pattern_mismatch"),
    ]
    for path, body, code in misshapen:
        refused = await cadre.post(path, body)
        assert refused.status_code == 422, (path, body)
        assert [error["code"] for error in refused.json()["errors"]] == [code], (path, body)
    assert (await scene.look(share)).version == 1
