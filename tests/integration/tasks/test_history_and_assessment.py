"""A finished past is taken over once, and townships and villages are ranked by it and by what ran here."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from devkit.story.county import jize
from qingdan.divisions import DivisionCode
from runtime.db import Version
from runtime.divisions import DivisionUnknown
from runtime.problems import Forbidden, Invalid, NotFound
from tasks.assess_divisions import assess_divisions
from tasks.assessment_rules import NothingToAssess, PeriodUnfit
from tasks.claim_task import claim_task
from tasks.history_rules import FinishedShare
from tasks.import_history import import_history
from tasks.list_assessments import list_assessments
from tasks.refuse_share import refuse_share
from tasks.report_done import report_done
from tasks.show_assessment import AssessmentView, show_assessment
from tests.integration.tasks.conftest import COUNTY, OTHER_TOWN, TOWN, VILLAGE

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene

HISTORY = [FinishedShare.model_validate(row.model_dump()) for row in jize().history]
BATCH = "jize-2021-h1"


async def assess_townships(scene: "Scene") -> AssessmentView:
    return await assess_divisions(
        scene.pool, scene.county, COUNTY, "township", period_from=date(2021, 1, 1), period_to=date(2021, 6, 30)
    )


async def assess_villages(scene: "Scene") -> AssessmentView:
    """By what ran here, this year."""
    return await assess_divisions(
        scene.pool,
        scene.town,
        TOWN,
        "village",
        period_from=scene.today - timedelta(days=30),
        period_to=scene.today,
    )


def place_of(view: AssessmentView, division: DivisionCode) -> int | None:
    return next(rank.rank for rank in view.ranks if rank.division == division)


async def test_a_past_is_imported_once_however_often_it_is_sent(bare: "Scene") -> None:
    first = await import_history(bare.pool, bare.operator, BATCH, HISTORY)
    again = await import_history(bare.pool, bare.operator, BATCH, HISTORY[:100])
    assert (first.added, first.already_there, again.added, again.already_there) == (1400, 0, 0, 100)
    assert await bare.rows("SELECT count(*)::int AS n FROM finished_share") == [{"n": 1400}]


def pointers(refusal: Invalid) -> Sequence[tuple[str, str]]:
    errors = refusal.details["errors"]
    assert isinstance(errors, list)
    return [(error["pointer"], error["code"]) for error in errors]


async def test_every_row_that_does_not_fit_is_named_and_none_is_kept(bare: "Scene") -> None:
    await import_history(bare.pool, bare.operator, BATCH, HISTORY[:1])
    rows = [
        HISTORY[0].model_copy(update={"used_working_days": 99}),
        HISTORY[1].model_copy(update={"village_code": DivisionCode("999999999999")}),
        HISTORY[2].model_copy(update={"village_code": TOWN}),
        HISTORY[3],
    ]
    with pytest.raises(Invalid) as refused:
        await import_history(bare.pool, bare.operator, BATCH, rows)
    assert pointers(refused.value) == [
        ("/rows/0/task_code", "differs"),
        ("/rows/1/village_code", "unknown_village"),
        ("/rows/2/village_code", "unknown_village"),
    ]
    assert await bare.rows("SELECT count(*)::int AS n FROM finished_share") == [{"n": 1}]


async def test_only_an_operator_imports(bare: "Scene") -> None:
    with pytest.raises(Forbidden):
        await import_history(bare.pool, bare.county, BATCH, HISTORY[:1])


async def test_wuguanying_is_second_of_seven_and_the_rank_explains_itself(bare: "Scene") -> None:
    await import_history(bare.pool, bare.operator, BATCH, HISTORY)
    view = await assess_townships(bare)
    assert (view.of, place_of(view, TOWN)) == (7, 2)
    second = view.ranks[1]
    assert (second.facts["finished"], second.facts["on_time"]) == (168, 161)
    assert second.explanation_en.startswith("Place 2 of 7")
    assert second.explanation_zh.startswith("吴官营镇在7个中列第2位")
    told = await bare.told("assessment.published.v1")
    assert [(body["division"], body["rank"]) for body in told] == [(r.division, r.rank) for r in view.ranks]
    assert await show_assessment(bare.pool, bare.county, view.assessment) == view


def of_town(town: DivisionCode) -> list[FinishedShare]:
    return [row for row in HISTORY if row.village_code[:9] == town[:9]]


def moved(rows: Sequence[FinishedShare], town: DivisionCode) -> list[FinishedShare]:
    """The rows as if the villages of `town` had done that work, in turn."""
    villages = sorted({row.village_code for row in of_town(town)})
    return [
        row.model_copy(update={"village_code": villages[at % len(villages)], "task_code": f"{row.task_code}-{at}"})
        for at, row in enumerate(rows)
    ]


async def test_other_data_gives_other_places(bare: "Scene") -> None:
    """Wuguanying and Jize Town exchange their past: now Jize Town is second."""
    others = [row for row in HISTORY if row not in of_town(TOWN) + of_town(OTHER_TOWN)]
    exchanged = moved(of_town(TOWN), OTHER_TOWN) + moved(of_town(OTHER_TOWN), TOWN)
    await import_history(bare.pool, bare.operator, BATCH, others + exchanged)
    view = await assess_townships(bare)
    assert place_of(view, OTHER_TOWN) == 2
    assert place_of(view, TOWN) != 2


async def test_what_ran_here_counts_beside_the_past_and_a_refusal_changes_nothing(scene: "Scene") -> None:
    for _ in range(6):
        share = await scene.share()
        await claim_task(scene.pool, scene.cadre, share, 5, expected=Version(1))
        await report_done(scene.pool, scene.cadre, share, [], expected=Version(2))
    before = await assess_villages(scene)
    assert (before.of, place_of(before, VILLAGE)) == (1, 1)
    for code in ("off_list", "beyond_item", "duplicate", "no_means", "already_supplied"):
        await refuse_share(scene.pool, scene.cadre, await scene.share(), code, "", expected=Version(1))
        assert (await assess_villages(scene)).ranks == before.ranks


async def test_a_share_past_its_own_limit_counts_as_late_and_one_within_it_not_yet(scene: "Scene") -> None:
    late, running = await scene.share(), await scene.share()
    for share in (late, running):
        await claim_task(scene.pool, scene.cadre, share, 5, expected=Version(1))
    yesterday = scene.today - timedelta(days=1)
    await scene.rows("UPDATE share SET claimed_on = $2, due_on = $2 WHERE id = $1", late, yesterday)
    facts = next(rank.facts for rank in (await assess_villages(scene)).ranks if rank.division == VILLAGE)
    assert (facts["finished"], facts["on_time"]) == (1, 0)


async def test_a_township_sees_its_own_place_with_its_facts_and_no_others(bare: "Scene") -> None:
    await import_history(bare.pool, bare.operator, BATCH, HISTORY)
    view = await assess_townships(bare)
    own = await show_assessment(bare.pool, bare.town, view.assessment)
    assert [(rank.division, rank.rank) for rank in own.ranks] == [(TOWN, 2)]
    assert own.of == 7
    with pytest.raises(NotFound):
        await show_assessment(bare.pool, bare.cadre, view.assessment)


async def test_the_period_before_stands_beside_the_place_and_the_list_has_both(bare: "Scene") -> None:
    await import_history(bare.pool, bare.operator, BATCH, HISTORY)
    quarters = [(date(2021, 1, 1), date(2021, 3, 31)), (date(2021, 4, 1), date(2021, 6, 30))]
    first, second = [
        await assess_divisions(bare.pool, bare.county, COUNTY, "township", period_from=start, period_to=end)
        for start, end in quarters
    ]
    assert {rank.previous for rank in first.ranks} == {None}
    earlier = {rank.division: rank for rank in first.ranks}
    for rank in second.ranks:
        assert rank.previous is not None
        assert (rank.previous.assessment, rank.previous.rank) == (first.assessment, earlier[rank.division].rank)
    for actor in (bare.county, bare.town):
        newest, oldest = await list_assessments(bare.pool, actor, after=None, limit=5)
        assert [newest.assessment, oldest.assessment] == [second.assessment, first.assessment]
        assert [newest] == await list_assessments(bare.pool, actor, after=None, limit=1)
        assert [oldest] == await list_assessments(bare.pool, actor, after=newest.assessment, limit=5)
    assert await list_assessments(bare.pool, bare.cadre, after=None, limit=5) == []


async def test_a_place_says_what_would_have_changed_it_most(bare: "Scene") -> None:
    await import_history(bare.pool, bare.operator, BATCH, HISTORY)
    for rank in (await assess_townships(bare)).ranks:
        first, second = rank.would_change
        assert first.gain_milli >= second.gain_milli > 0
        assert f"the {first.cases} " in first.explanation_en


async def test_who_may_assess_what(bare: "Scene") -> None:
    period = {"period_from": date(2021, 1, 1), "period_to": date(2021, 6, 30)}
    with pytest.raises(DivisionUnknown):
        await assess_divisions(bare.pool, bare.town, COUNTY, "township", **period)
    with pytest.raises(Forbidden):
        await assess_divisions(bare.pool, bare.cadre, VILLAGE, "village", **period)
    with pytest.raises(NothingToAssess):
        await assess_divisions(bare.pool, bare.county, VILLAGE, "township", **period)
    with pytest.raises(PeriodUnfit):
        await assess_divisions(
            bare.pool, bare.town, TOWN, "village", period_from=date(2021, 6, 30), period_to=date(2021, 1, 1)
        )
