"""Difficulties: heard, passed on, answered, and nobody starved."""

from typing import TYPE_CHECKING

import pytest

from inspection.answer_difficulty import answer_difficulty
from inspection.difficulty_rules import AnsweredAlready, AnswerOutcome, NotOfAVillage
from inspection.list_difficulties import list_difficulties
from inspection.raise_difficulty import raise_difficulty
from inspection.show_statistics import show_statistics
from qingdan.ids import DifficultyId
from runtime.actor import Role
from runtime.db import Version
from runtime.problems import Forbidden, NotFound, StaleVersion
from tests.integration.inspection.conftest import NEIGHBOUR, TOWN
from tests.integration.service_scene import person

if TYPE_CHECKING:
    from tests.integration.inspection.conftest import Scene


async def raised(scene: "Scene", text: str = "缺少资金") -> DifficultyId:
    return (await raise_difficulty(scene.pool, scene.cadre, "funding", text, None)).difficulty


async def answer(scene: "Scene", difficulty: DifficultyId, outcome: AnswerOutcome, *, version: int = 1) -> None:
    await answer_difficulty(scene.pool, scene.town, difficulty, outcome, "已联系财政所", expected=Version(version))


async def test_a_difficulty_keeps_its_words_here_and_tells_only_its_category(scene: "Scene") -> None:
    difficulty = await raised(scene)
    (view,) = await list_difficulties(scene.pool, scene.town, state=None, after=None, limit=10)
    assert (view.difficulty, view.village, view.text, view.state) == (
        difficulty,
        scene.cadre.division,
        "缺少资金",
        "open",
    )
    (row,) = await scene.rows("SELECT convert_from(value, 'UTF8') AS body, key FROM outbox")
    assert row["key"] == str(difficulty)
    assert "缺少资金" not in row["body"]


async def test_a_difficulty_can_name_the_share_it_is_about(scene: "Scene") -> None:
    told = await scene.tell_of_reported_share()
    event = await raise_difficulty(scene.pool, scene.cadre, "funding", "缺少资金", told.share)
    assert event.share == told.share
    (view,) = await list_difficulties(scene.pool, scene.cadre, state=None, after=None, limit=10)
    assert (view.share, view.department) == (told.share, "JTJ")


async def test_a_difficulty_cannot_name_another_villages_share(scene: "Scene") -> None:
    told = await scene.tell_of_reported_share(NEIGHBOUR)
    with pytest.raises(NotFound):
        await raise_difficulty(scene.pool, scene.cadre, "funding", "缺少资金", told.share)
    assert await scene.told_keys() == []


async def test_a_cadre_whose_token_names_no_village_raises_nothing(scene: "Scene") -> None:
    with pytest.raises(NotOfAVillage):
        await raise_difficulty(scene.pool, person(Role.VILLAGE_CADRE, TOWN), "funding", "缺少资金", None)


async def test_who_waits_longest_comes_first_and_who_was_answered_last(scene: "Scene") -> None:
    first, second, third, fourth = [await raised(scene, f"困难{n}") for n in range(4)]
    await answer(scene, first, "resolved")
    await answer(scene, second, "forwarded")
    order = [
        view.difficulty for view in await list_difficulties(scene.pool, scene.town, state=None, after=None, limit=10)
    ]
    assert order == [third, fourth, second, first]


async def test_pages_of_difficulties_leave_nobody_out(scene: "Scene") -> None:
    everybody = {await raised(scene, f"困难{n}") for n in range(5)}
    await answer(scene, min(everybody), "explained")
    seen, after = set(), None
    while page := await list_difficulties(scene.pool, scene.town, state=None, after=after, limit=2):
        seen |= {view.difficulty for view in page}
        after = page[-1].position
    assert seen == everybody


async def test_a_forwarded_difficulty_still_waits_and_both_answers_are_kept(scene: "Scene") -> None:
    difficulty = await raised(scene)
    await answer(scene, difficulty, "forwarded")
    waiting = await show_statistics(scene.pool, scene.town)
    assert (waiting.difficulties_answered, waiting.difficulties_forwarded) == (0, 1)
    await answer(scene, difficulty, "resolved", version=2)
    (view,) = await list_difficulties(scene.pool, scene.cadre, state="answered", after=None, limit=10)
    assert [given.outcome for given in view.answers] == ["forwarded", "resolved"]
    assert [kind for kind, _ in await scene.told_keys()] == ["difficulty.raised.v1", *["difficulty.answered.v1"] * 2]


async def test_an_answered_difficulty_is_not_answered_again(scene: "Scene") -> None:
    difficulty = await raised(scene)
    await answer(scene, difficulty, "explained")
    with pytest.raises(StaleVersion):
        await answer(scene, difficulty, "resolved")
    with pytest.raises(AnsweredAlready):
        await answer(scene, difficulty, "resolved", version=2)


async def test_a_village_does_not_answer_itself(scene: "Scene") -> None:
    difficulty = await raised(scene)
    with pytest.raises(Forbidden):
        await answer_difficulty(scene.pool, scene.cadre, difficulty, "resolved", "好", expected=Version(1))
