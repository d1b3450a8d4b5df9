"""Objections in the database: by the ranked, decided by whoever ranks, and the places that follow from what is true."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import pytest
from pydantic import TypeAdapter

from devkit.browser import Client, application, everything
from devkit.issuer import Issuer
from qingdan.access_events import ListVersionTookEffect
from qingdan.assessment import rank
from qingdan.assessment_events import AssessmentEvent, Correction
from qingdan.assessment_from_events import facts_from_events
from qingdan.divisions import DivisionCode
from qingdan.event import EventBody
from qingdan.ids import AssessmentId, ShareId
from qingdan.tasks_events import TasksEvent
from runtime.actor import Actor, Role
from runtime.db import Version
from runtime.problems import Forbidden, NotFound, Refusal, StaleVersion
from runtime.workdays import Calendar
from tasks.app import service
from tasks.assess_divisions import assess_divisions
from tasks.assessment_rules import DepartmentsSeeTooLittle
from tasks.claim_task import claim_task
from tasks.decide_objection import ObjectionAnswered, decide_objection
from tasks.hold_meeting import hold_meeting
from tasks.list_assessments import list_assessments
from tasks.list_objections import list_objections
from tasks.object_to_place import ObjectionMade, object_to_place
from tasks.objection_rules import (
    AlreadyObjected,
    AssessmentReplaced,
    CorrectionsUnfit,
    NotTheRanked,
    ObjectionClosed,
    ObjectionTooLate,
    OwnObjection,
    RankerDecides,
    SharesDoNotCount,
    SharesNotOfDivision,
)
from tasks.publish_task import publish_task
from tasks.report_done import report_done
from tasks.show_assessment import AssessmentView, RankView, show_assessment
from tasks.show_objection import show_objection
from tests.integration.service_scene import person
from tests.integration.tasks.conftest import (
    COUNTY,
    NEIGHBOUR,
    OTHER_TOWN,
    ROAD,
    TOWN,
    VILLAGE,
    VISITS,
    sample_divisions,
)
from tests.integration.tasks.test_assessment_from_events import VILLAGES

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene

FAR_VILLAGE = next(row.code for row in sample_divisions() if row.parent_code == OTHER_TOWN)
COLLEAGUE, COUNTYS_COLLEAGUE = (person(Role.TOWN_STAFF, place, name="colleague") for place in (TOWN, COUNTY))
REASON = "电力中断三天，不应计为逾期"


def later(day: date, working_days: int) -> date:
    """By the calendar in force."""
    return Calendar().add_working_days(day, working_days).on


@dataclass(slots=True)
class Ranked:
    """What villages did, a week later: the village was late with two of six, its neighbour with one."""

    scene: "Scene"
    patch: pytest.MonkeyPatch
    today: date
    start: date
    late: list[ShareId]
    far: list[ShareId]

    def pass_days(self, days: int) -> None:
        self.today += timedelta(days=days)
        noon = datetime.combine(self.today, time(4), UTC)
        for name, module in list(sys.modules.items()):
            if name.startswith("tasks.") and hasattr(module, "utcnow"):
                self.patch.setattr(module, "utcnow", lambda: noon)

    async def assess(self, *, by: Actor | None = None, townships: bool = False) -> AssessmentView:
        below, level = (COUNTY, "township") if townships else (TOWN, "village")
        return await assess_divisions(
            self.scene.pool,
            by or (self.scene.county if townships else self.scene.town),
            below,
            "township" if level == "township" else "village",
            period_from=self.start,
            period_to=self.start + timedelta(days=7),
        )

    async def objects(
        self,
        assessment: AssessmentId,
        *,
        by: Actor | None = None,
        division: DivisionCode = VILLAGE,
        shares: Sequence[ShareId] = (),
    ) -> ObjectionMade:
        actor = by or self.scene.cadre
        return await object_to_place(self.scene.pool, actor, assessment, division, REASON, frozenset(shares))

    async def decide(
        self,
        made: ObjectionMade,
        *shares: ShareId,
        by: Actor = COLLEAGUE,
        upheld: bool = False,
        counts_as: str = "on_time",
        version: int = 1,
    ) -> ObjectionAnswered:
        corrections = [Correction(share=share, counts_as=counts_as) for share in shares]
        return await decide_objection(
            self.scene.pool, by, made.objection, upheld, "核实停电记录", corrections, expected=Version(version)
        )

    async def place(self, assessment: AssessmentId | None, division: DivisionCode = VILLAGE) -> RankView:
        assert assessment is not None
        view = await show_assessment(self.scene.pool, self.scene.county, assessment)
        return next(each for each in view.ranks if each.division == division)


async def work(scene: "Scene", town: DivisionCode, village: DivisionCode, *, late: int) -> list[ShareId]:
    """Six shares claimed for a day; the first ones are never done. Returns those."""
    staff, cadre = person(Role.TOWN_STAFF, town), person(Role.VILLAGE_CADRE, village)
    shares = []
    for at in range(6):
        meeting = (await hold_meeting(scene.pool, staff, town, scene.today, "工作部署会")).meeting
        event = await publish_task(scene.pool, staff, meeting, VISITS if at else ROAD, [village])
        share = event.shares[0].share  # type: ignore[union-attr] # nobody was asked the same before
        await claim_task(scene.pool, cadre, share, 1, expected=Version(1))
        if at >= late:
            await report_done(scene.pool, cadre, share, [], expected=Version(2))
        shares.append(share)
    return shares[:late]


@pytest.fixture
async def ranked(scene: "Scene", monkeypatch: pytest.MonkeyPatch) -> Ranked:
    late = await work(scene, TOWN, VILLAGE, late=2)
    await work(scene, TOWN, NEIGHBOUR, late=1)
    far = await work(scene, OTHER_TOWN, FAR_VILLAGE, late=1)
    then = Ranked(scene, monkeypatch, scene.today, scene.today, late, far)
    then.pass_days(7)
    return then


async def test_a_village_that_was_right_is_ranked_anew_and_its_place_follows(ranked: Ranked) -> None:
    scene, first = ranked.scene, await ranked.assess()
    assert ((await ranked.place(first.assessment)).rank, first.replaced_by, first.replaces) == (2, None, None)
    made = await ranked.objects(first.assessment, shares=ranked.late)
    assert (await ranked.place(first.assessment)).contested
    assert not (await ranked.place(first.assessment, NEIGHBOUR)).contested
    ranked.pass_days(2)
    answered = await ranked.decide(made, *ranked.late)
    after = await ranked.place(answered.corrected_by)
    assert (after.rank, after.facts["finished"], after.facts["on_time"], after.contested) == (1, 6, 6, False)
    for actor in (scene.town, scene.cadre):
        old = await show_assessment(scene.pool, actor, first.assessment)
        new = await show_assessment(scene.pool, actor, answered.corrected_by or first.assessment)
        assert (old.replaced_by, new.replaces, new.replaced_by) == (new.assessment, old.assessment, None)
        assert (new.assessed_on, new.published_on) == (first.assessed_on, ranked.today)
    assert (await ranked.place(first.assessment)).rank == 2
    newest, oldest = await list_assessments(scene.pool, scene.cadre, after=None, limit=5)
    assert (newest.replaces, oldest.replaced_by) == (first.assessment, answered.corrected_by)
    view = await show_objection(scene.pool, scene.cadre, made.objection)
    assert (view.state, view.version, view.corrected_by, view.overdue) == ("granted", 2, answered.corrected_by, False)
    assert {each.share for each in view.corrections} == set(ranked.late)


async def test_a_township_that_was_right_is_ranked_anew_by_the_county(ranked: Ranked) -> None:
    first = await ranked.assess(townships=True)
    before = await ranked.place(first.assessment, OTHER_TOWN)
    staff = person(Role.TOWN_STAFF, OTHER_TOWN, name="other")
    made = await ranked.objects(first.assessment, by=staff, division=OTHER_TOWN, shares=ranked.far)
    answered = await ranked.decide(made, *ranked.far, by=COUNTYS_COLLEAGUE, counts_as="left_out")
    after = await ranked.place(answered.corrected_by, OTHER_TOWN)
    assert (before.facts["finished"], after.facts["finished"], after.facts["on_time"]) == (6, 5, 5)
    assert await ranked.place(answered.corrected_by, TOWN) != await ranked.place(first.assessment, TOWN)


async def test_what_is_told_is_in_order_and_has_no_words_in_it(ranked: Ranked) -> None:
    first = await ranked.assess()
    made = await ranked.objects(first.assessment, shares=ranked.late)
    answered = await ranked.decide(made, ranked.late[0])
    told = [body for body in await ranked.scene.told() if body["type"].startswith("assessment.")]
    assert [body["type"].split(".")[1] for body in told] == [
        *("published", "published", "objected", "objection-decided", "published", "published"),
    ]
    assert {body["replaces"] for body in told[-2:]} == {str(first.assessment)}
    assert {body["assessment"] for body in told[-2:]} == {str(answered.corrected_by)}
    assert told[3]["corrections"] == [{"share": str(ranked.late[0]), "counts_as": "on_time"}]
    assert (told[3]["upheld"], told[2]["decide_by"]) == (False, str(made.decide_by))
    assert REASON not in str(told)
    assert "核实停电记录" not in str(told)


async def test_a_place_that_stands_stays_and_is_no_longer_contested(ranked: Ranked) -> None:
    first = await ranked.assess()
    before = await ranked.place(first.assessment)
    made = await ranked.objects(first.assessment)
    answered = await ranked.decide(made, upheld=True)
    assert answered.corrected_by is None
    assert await ranked.place(first.assessment) == before
    assert len(await ranked.scene.told("assessment.published.v1")) == 2
    with pytest.raises(AlreadyObjected):
        await ranked.objects(first.assessment)
    with pytest.raises(ObjectionClosed):
        await ranked.decide(made, upheld=True, version=2)


async def test_only_the_ranked_object_and_only_to_a_place_they_have(ranked: Ranked) -> None:
    scene, first = ranked.scene, await ranked.assess()
    with pytest.raises(NotTheRanked):
        await ranked.objects(first.assessment, by=scene.town)
    with pytest.raises(NotTheRanked):
        await ranked.objects(first.assessment, by=person(Role.TOWN_STAFF, VILLAGE))
    with pytest.raises(NotFound):
        await ranked.objects(first.assessment, by=scene.neighbour)
    with pytest.raises(Forbidden):
        await ranked.objects(first.assessment, by=person(Role.DEPARTMENT_STAFF, VILLAGE, "MZJ"))
    with pytest.raises(NotFound):
        await ranked.objects(first.assessment, by=scene.town, division=TOWN)
    with pytest.raises(SharesNotOfDivision):
        await ranked.objects(first.assessment, shares=[*ranked.late, *ranked.far])
    assert await scene.told("assessment.objected.v1") == []


async def test_once_and_within_ten_working_days(ranked: Ranked) -> None:
    first = await ranked.assess()
    last = later(ranked.today, 10)
    made = await asyncio.gather(*(ranked.objects(first.assessment) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(each, ObjectionMade) for each in made) == 1
    assert sum(isinstance(each, AlreadyObjected) for each in made) == 4
    ranked.pass_days((last - ranked.today).days)
    await ranked.objects(first.assessment, by=ranked.scene.neighbour, division=NEIGHBOUR)
    again = await ranked.assess()
    ranked.pass_days((later(last, 11) - last).days)
    with pytest.raises(ObjectionTooLate):
        await ranked.objects(again.assessment)


async def told_by(scene: "Scene") -> list[EventBody]:
    """The service's own events, as an auditor reads them."""
    known = TypeAdapter[EventBody](TasksEvent | ListVersionTookEffect | AssessmentEvent)
    return [known.validate_python(body) for body in await scene.told()]


async def refused(ranked: Ranked, made: ObjectionMade, by: Actor, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        await ranked.decide(made, *ranked.late, by=by)


async def test_neither_the_ranked_nor_who_ranked_nor_strangers_decide(ranked: Ranked) -> None:
    scene, first = ranked.scene, await ranked.assess()
    made = await ranked.objects(first.assessment)
    both = Actor(scene.cadre.subject, frozenset({Role.TOWN_STAFF}), TOWN)
    await refused(ranked, made, both, OwnObjection)
    await refused(ranked, made, scene.town, OwnObjection)
    await refused(ranked, made, scene.cadre, Forbidden)
    await refused(ranked, made, person(Role.TOWN_STAFF, VILLAGE), RankerDecides)
    await refused(ranked, made, scene.other_town, NotFound)
    await refused(ranked, made, person(Role.DEPARTMENT_STAFF, COUNTY, "MZJ"), Forbidden)
    await refused(ranked, made, person(Role.TOWN_STAFF, COUNTY, "MZJ"), DepartmentsSeeTooLittle)
    with pytest.raises(DepartmentsSeeTooLittle):
        await ranked.assess(by=person(Role.TOWN_STAFF, TOWN, "MZJ"))
    assert await scene.told("assessment.objection-decided.v1") == []
    await ranked.decide(made, upheld=True, by=scene.county)


async def test_a_township_decides_nothing_of_its_own_place(ranked: Ranked) -> None:
    first = await ranked.assess(townships=True)
    made = await ranked.objects(first.assessment, by=ranked.scene.town, division=TOWN)
    await refused(ranked, made, COLLEAGUE, RankerDecides)


async def test_only_what_counts_for_the_division_in_the_period_is_corrected(ranked: Ranked) -> None:
    first = await ranked.assess()
    made = await ranked.objects(first.assessment)
    neighbours = (await ranked.scene.publish(VISITS, (NEIGHBOUR,))).shares[0].share
    unclaimed = (await ranked.scene.publish(ROAD)).shares[0].share
    for share in (*ranked.far, neighbours, unclaimed):
        with pytest.raises(SharesDoNotCount):
            await ranked.decide(made, ranked.late[0], share, by=ranked.scene.county)
    with pytest.raises(CorrectionsUnfit):
        await ranked.decide(made)
    with pytest.raises(CorrectionsUnfit):
        await ranked.decide(made, ranked.late[0], upheld=True)
    with pytest.raises(StaleVersion):
        await ranked.decide(made, ranked.late[0], version=2)
    assert await ranked.scene.rows("SELECT * FROM assessment_correction") == []


async def test_of_two_who_decide_at_once_one_does(ranked: Ranked) -> None:
    first = await ranked.assess()
    made = await ranked.objects(first.assessment)
    answers = await asyncio.gather(
        *(ranked.decide(made, ranked.late[0], by=by) for by in (COLLEAGUE, ranked.scene.county)),
        return_exceptions=True,
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["ObjectionAnswered", "StaleVersion"]
    assert len(await ranked.scene.told("assessment.objection-decided.v1")) == 1


async def test_two_objections_granted_at_once_follow_one_another(ranked: Ranked) -> None:
    """Both corrections count in the last one, and the one that was open when the first was replaced stays contested."""
    first = await ranked.assess()
    made = await ranked.objects(first.assessment)
    others = await ranked.objects(first.assessment, by=ranked.scene.neighbour, division=NEIGHBOUR)
    (neighbours,) = await ranked.scene.rows(
        "SELECT s.id FROM share s JOIN division d ON d.id = s.division_id WHERE d.code = $1 AND s.state = 'claimed'",
        NEIGHBOUR,
    )
    one, other = await asyncio.gather(ranked.decide(made, ranked.late[0]), ranked.decide(others, neighbours["id"]))
    views = [
        await show_assessment(ranked.scene.pool, ranked.scene.town, each.corrected_by or first.assessment)
        for each in (one, other)
    ]
    middle, last = sorted(views, key=lambda view: view.replaced_by is None)
    assert (middle.replaces, last.replaces, last.replaced_by) == (first.assessment, middle.assessment, None)
    on_time = {each.division: each.facts["on_time"] for each in last.ranks}
    assert (on_time[VILLAGE], on_time[NEIGHBOUR]) == (5, 6)


async def test_the_corrected_place_can_be_objected_to_and_a_later_correction_replaces_the_earlier(
    ranked: Ranked,
) -> None:
    first = await ranked.assess()
    made = await ranked.objects(first.assessment)
    await ranked.objects(first.assessment, by=ranked.scene.neighbour, division=NEIGHBOUR)
    ranked.pass_days(60)
    answered = await ranked.decide(made, *ranked.late)
    corrected = answered.corrected_by or first.assessment
    assert (await ranked.place(corrected, NEIGHBOUR)).contested
    with pytest.raises(AssessmentReplaced):
        await ranked.objects(first.assessment)
    with pytest.raises(AlreadyObjected):
        await ranked.objects(corrected, by=ranked.scene.neighbour, division=NEIGHBOUR)
    again = await ranked.objects(corrected)
    with pytest.raises(OwnObjection):
        await ranked.decide(again, ranked.late[0], counts_as="left_out")
    second = await ranked.decide(again, ranked.late[0], counts_as="left_out", by=ranked.scene.county)
    facts = (await ranked.place(second.corrected_by)).facts
    assert (facts["finished"], facts["on_time"]) == (5, 5)
    anew = await ranked.assess()
    assert ((await ranked.place(anew.assessment)).facts["finished"], anew.replaces) == (5, None)


async def test_findings_are_taken_out(ranked: Ranked) -> None:
    scene = ranked.scene
    share = ranked.late[0]
    await report_done(scene.pool, scene.cadre, share, [], expected=Version(2))
    visit = await scene.visit_closed(share, findings=3, failed=2)
    await scene.hear(visit)
    first = await ranked.assess()
    before = (await ranked.place(first.assessment)).facts
    answered = await ranked.decide(await ranked.objects(first.assessment), share, counts_as="without_findings")
    after = (await ranked.place(answered.corrected_by)).facts
    assert (before["findings"], before["passed_first_recheck"]) == (3, 1)
    assert (after["findings"], after["passed_first_recheck"]) == (0, 0)
    assert (after["finished"], after["on_time"]) == (before["finished"], before["on_time"])
    dates = {"period_from": ranked.start, "period_to": first.period_to, "assessed_on": first.assessed_on}
    told = await told_by(scene)
    for corrected, findings in ((told, 0), ([each for each in told if each.KEY != "division"], 3)):
        facts = facts_from_events([*corrected, visit], VILLAGES, **dates)
        assert facts[VILLAGE].total.findings == findings


async def test_silence_decides_nothing_and_what_is_overdue_is_first(ranked: Ranked) -> None:
    scene, first = ranked.scene, await ranked.assess()
    made = await ranked.objects(first.assessment)
    ranked.pass_days(5)
    others = await ranked.objects(first.assessment, by=scene.neighbour, division=NEIGHBOUR)
    ranked.pass_days((made.decide_by - ranked.today).days + 1)
    desk = await list_objections(scene.pool, scene.town, state="open", after=None, limit=5)
    assert [(each.objection, each.overdue) for each in desk] == [(made.objection, True), (others.objection, False)]
    assert (await ranked.place(first.assessment)).contested
    await ranked.decide(made, *ranked.late)
    desk = await list_objections(scene.pool, scene.town, state="open", after=None, limit=5)
    assert [each.objection for each in desk] == [others.objection]


async def test_who_sees_an_objection_and_its_words(ranked: Ranked) -> None:
    scene, first = ranked.scene, await ranked.assess()
    made = await ranked.objects(first.assessment)
    seen: dict[Actor, str | None] = {}
    for actor in (scene.cadre, scene.town, scene.county, scene.operator, person(Role.DEPARTMENT_STAFF, COUNTY, "MZJ")):
        (view,) = await list_objections(scene.pool, actor, state=None, after=None, limit=5)
        assert view == await show_objection(scene.pool, actor, made.objection)
        seen[actor] = view.reason
    assert list(seen.values()) == [REASON, REASON, REASON, None, None]
    for stranger in (scene.neighbour, scene.other_town, person(Role.VILLAGE_CADRE, FAR_VILLAGE)):
        assert await list_objections(scene.pool, stranger, state=None, after=None, limit=5) == []
        with pytest.raises(NotFound):
            await show_objection(scene.pool, stranger, made.objection)


async def test_the_corrected_assessment_is_recomputed_from_the_events(ranked: Ranked) -> None:
    first = await ranked.assess()
    made = await ranked.objects(first.assessment)
    answered = await ranked.decide(made, ranked.late[0])
    await ranked.decide(
        await ranked.objects(answered.corrected_by or first.assessment),
        ranked.late[1],
        by=ranked.scene.county,
        counts_as="left_out",
    )
    events = await told_by(ranked.scene)
    facts = facts_from_events(
        events,
        VILLAGES,
        period_from=ranked.start,
        period_to=first.period_to,
        assessed_on=first.assessed_on,
    )
    last = (await list_assessments(ranked.scene.pool, ranked.scene.town, after=None, limit=1))[0]
    places = {place.division: place for place in rank(facts)}
    for shown in (await show_assessment(ranked.scene.pool, ranked.scene.town, last.assessment)).ranks:
        place, total = places[shown.division], facts[shown.division].total
        assert (place.rank, place.score.score_milli if place.score else None) == (shown.rank, shown.score_milli)
        assert (total.finished, total.on_time) == (shown.facts["finished"], shown.facts["on_time"])
    assert (facts[VILLAGE].total.finished, facts[VILLAGE].total.on_time) == (5, 5)


async def test_over_http(ranked: Ranked, issuer: Issuer) -> None:
    scene, first = ranked.scene, await ranked.assess()
    async with application(service, scene.pool, issuer) as http:
        cadre, staff = Client(http, issuer, scene.cadre), Client(http, issuer, COLLEAGUE)
        body = {"division": VILLAGE, "reason": REASON, "shares": [str(each) for each in ranked.late]}
        made = await cadre.post(f"/assessments/{first.assessment}/objections", body)
        assert (made.status_code, made.headers["ETag"]) == (201, '"1"'), made.text
        path = f"/objections/{made.json()['objection']}"
        (listed,) = (await staff.get("/objections", state="open")).json()["items"]
        shown = await staff.get(path)
        assert (shown.json(), shown.headers["ETag"]) == (listed, '"1"')
        corrections = [{"share": str(ranked.late[0]), "counts_as": "on_time"}]
        wrong = {"upheld": False, "reason": "同意", "corrections": [corrections[0] | {"counts_as": "doubled"}]}
        assert (await staff.post(f"{path}/decide", wrong, version=1)).status_code == 422
        right = {"upheld": False, "reason": "同意", "corrections": corrections}
        assert (await staff.post(f"{path}/decide", right)).status_code == 428
        decided = await staff.post(f"{path}/decide", right, version=1)
        assert (decided.status_code, decided.headers["ETag"]) == (200, '"2"'), decided.text
        new = (await cadre.get(f"/assessments/{decided.json()['corrected_by']}")).json()
        assert (new["replaces"], new["ranks"][0]["contested"]) == (str(first.assessment), False)
        assert [each["assessment"] for each in await everything(cadre, "/assessments")] == [
            *(new["assessment"], str(first.assessment)),
        ]
