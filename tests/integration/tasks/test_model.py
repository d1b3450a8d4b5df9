"""Whatever people, other services and time do in whatever order: the service does what a county as it should be does.

Each step is a command, right or wrong, that the real service on its real PostgreSQL and a model in plain Python both
carry out; then all that the database has is laid beside the model. Of commands sent at once, some order of them must
explain every answer and everything that was left behind. MODEL_TEST_EXAMPLES asks for more counties than the few of
every day, and for others each time.
"""

import os
from contextlib import suppress
from copy import deepcopy
from datetime import date, timedelta
from itertools import permutations
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from devkit.postgres import Postgres
from devkit.pytest_plugin import MakeDatabase
from qingdan.assessment import Facts, score
from runtime.problems import Refusal
from runtime.workdays import Calendar
from tests.integration.tasks import county_commands as wants
from tests.integration.tasks.county_commands import Command
from tests.integration.tasks.county_draws import Draws, NothingThere
from tests.integration.tasks.county_lists import CADRES, COMMITTEE, OPERATOR
from tests.integration.tasks.county_model import County, Made
from tests.integration.tasks.county_picture import (
    Picture,
    Seen,
    difference,
    facts_of,
    not_audited,
    not_told,
    picture_of,
)
from tests.integration.tasks.county_shares import Foreseen, Told, Unforeseen
from tests.integration.tasks.county_stage import Stage

MORE = int(os.environ.get("MODEL_TEST_EXAMPLES", "0"))
EVERY_DAY = settings(
    max_examples=50,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    phases=(Phase.generate,),  # a failure tells its whole history; to shrink it takes minutes, and the night
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
AT_NIGHT = settings(
    EVERY_DAY,
    max_examples=MORE or 1,
    stateful_step_count=80,
    derandomize=False,
    phases=(Phase.generate, Phase.shrink),
)

# Over a long holiday, at the year's end, and where nothing is announced yet.
FIRST_DAYS = (date(2026, 9, 1), date(2026, 9, 24), date(2026, 12, 10), date(2026, 2, 4))


# What may happen next, and how often beside the others. Where there is nothing to do it to, something else happens.
STEPS = {
    "days_pass": 8,
    "the_calendar_is_announced": 2,
    "a_list_version": 3,
    "a_meeting": 3,
    "tasks_on_the_table": 8,
    "attendance": 1,
    "an_objection": 2,
    "the_record_is_closed": 2,
    "claims": 12,
    "a_desk_is_claimed": 3,
    "work": 16,
    "a_limit_is_changed_late": 4,
    "an_extension": 5,
    "an_extension_goes_its_way": 5,
    "a_budget": 5,
    "a_desk_is_handed_over": 2,
    "a_desk_is_accepted": 2,
    "a_clock_runs_again": 3,
    "all_is_done": 4,
    "visits_are_closed": 6,
    "a_sign_must_come_down": 2,
    "a_village_says_no": 6,
    "an_appeal": 5,
    "the_county_decides": 4,
    "a_no_goes_its_way": 4,
    "the_others_shares_are_withdrawn": 2,
    "silence_upholds": 1,
    "silence_grants": 1,
    "due_dates_are_recounted": 2,
    "one_share_at_once": 4,
    "one_task_at_once": 3,
    "one_table_at_once": 2,
    "one_no_at_once": 2,
    "one_extension_at_once": 2,
}
WHAT = [name for name, often in STEPS.items() for _ in range(often)]


class InACounty(RuleBasedStateMachine):
    """Commands of everybody, one after the other or at once."""

    stage: ClassVar[Stage]
    county: County
    seen: Seen
    first_day: date

    # -- what must hold ----------------------------------------------------------------------------------------------

    def do(self, wanted: Command) -> None:
        """Have it done by both, and lay them beside each other."""
        (answer,) = self.stage.send(wanted)
        audited, notes = self.seen.audited, self.county.notes
        self.history.append(f"{self.county.today}: {wanted} -> {answer!r}")
        seen = self._look()
        try:
            told = self._told(self.county, wanted, answer, seen.made)
        except Unforeseen as unlike:
            raise AssertionError("\n".join([*self.history, str(unlike)])) from unlike
        differs = difference(picture_of(self.county), seen.picture) + not_told(told, seen.told)
        differs += not_audited(seen, audited, self.county.notes - notes)
        assert not differs, "\n".join([*self.history, *differs])

    def at_once(self, *wanted: Command) -> None:
        """Some order of them must explain all answers and all that was left behind."""
        answers = self.stage.send(*wanted)
        self.history += [f"at once: {each} -> {answer!r}" for each, answer in zip(wanted, answers, strict=True)]
        audited, notes = self.seen.audited, self.county.notes
        seen, wrong = self._look(), []
        for order in permutations(range(len(wanted))):
            county, told = deepcopy(self.county), list[Told]()
            try:
                for at in order:
                    told += self._told(county, wanted[at], answers[at], seen.made)
            except Unforeseen as unlike:
                wrong.append(f"{order}: {unlike}")
                continue
            differs = difference(picture_of(county), seen.picture) + not_told(told, seen.told)
            differs += not_audited(seen, audited, county.notes - notes)
            if not differs:
                self.county = county
                return
            wrong.append(f"{order}: {differs}")
        raise AssertionError("\n".join([*self.history, "no order of them explains what happened:", *wrong]))

    @staticmethod
    def _told(county: County, wanted: Command, answer: object, made: Made) -> list[Told]:
        """What the command should tell; the county is afterwards as it should be. Raises Unforeseen."""
        try:
            told = county.carry_out(wanted, answer, made)
        except Foreseen as foreseen:
            if type(answer) is not foreseen.refusal:
                raise Unforeseen(f"should be {foreseen.refusal.__name__}", answer) from None
            return foreseen.told
        if isinstance(answer, Refusal):
            raise Unforeseen("should be accepted", answer)
        return told

    def _look(self) -> Seen:
        """What the database has now; with what must hold whatever the model says."""
        before, self.seen = self.seen, self.stage.look(self.seen.last)
        one_holder(self.seen.picture)
        versions_grow(before.picture, self.seen.picture)
        self._claimed += [body["share"] for body in self.seen.told if body["type"] == "share.claimed.v1"]
        assert len(self._claimed) == len(set(self._claimed)), "a share has one holder, for good"
        published = self.seen.picture["tasks"].keys() - before.picture["tasks"].keys()
        in_force = self.seen.picture["lists"][-1:]
        for kind, version, item in (self.seen.picture["tasks"][task] for task in published):
            assert kind == "removal_order" or (item and [version] == [each[0] for each in in_force]), "no item in force"
        return self.seen

    # -- the day begins, and passes ----------------------------------------------------------------------------------

    @initialize(
        today=st.sampled_from(FIRST_DAYS),
        listed=st.sampled_from((0, 3, 0, 2, None)),
        seed=st.binary(min_size=8, max_size=8),
    )
    def begin(self, today: date, listed: int | None, seed: bytes) -> None:
        self.first_day, self.county = today, County(today)
        self._claimed: list[str] = []
        self.history: list[str] = []
        self.seed, self.steps = seed.hex(), 0
        self.stage.begin(today)
        self.seen = self.stage.look(0)
        if listed is not None:
            self.do(wants.PutInForce(OPERATOR, listed, today - timedelta(days=60)))

    @rule(seed=st.integers(0, 2**32 - 1))
    def happens(self, seed: int) -> None:
        """One rule for all: hypothesis is to choose without looking at what is there (see Draws).

        Nor does it choose which: it repeats itself where that finds new paths, and there is but one path here.
        """
        self.steps += 1
        draws = Draws(f"{self.seed} {seed} {self.steps}", self.county)
        for _ in range(3):
            with suppress(NothingThere):
                getattr(self, draws.one(WHAT))(draws)
                return
        self.tasks_on_the_table(draws)

    def days_pass(self, draws: Draws) -> None:
        self.is_on(self.county.today + timedelta(days=draws.one((1, 2, 5, 5, 12, 31, 150))))
        self.the_assessment_is_as_it_should_be()

    def is_on(self, today: date) -> None:
        self.county.today = today
        self.stage.is_on(today)

    def the_calendar_is_announced(self, draws: Draws) -> None:
        self.announce(draws, self.county.today + timedelta(days=draws.one(range(-20, 60))))

    def announce(self, draws: Draws, since: date) -> None:
        worked = draws.one((True, False))
        announced = {since + timedelta(days=n): worked for n in range(draws.one(range(1, 30)))}
        self.stage.announce(announced)
        self.county.days = Calendar({**self.county.days.overrides, **announced})

    @property
    def assessed_since(self) -> date:
        return max(self.first_day, self.county.today - timedelta(days=360))

    def the_assessment_is_as_it_should_be(self) -> dict[Any, Facts]:
        since = self.assessed_since
        found, should = self.stage.facts(since, self.county.today), facts_of(self.county, since)
        assert found == should, "\n".join([*self.history, f"{self.county.today}: should find {should}, finds {found}"])
        return found

    # -- lists and meetings ------------------------------------------------------------------------------------------

    def a_list_version(self, draws: Draws) -> None:
        self.do(draws.list_version())

    def a_meeting(self, draws: Draws) -> None:
        self.do(draws.hold())

    def tasks_on_the_table(self, draws: Draws) -> None:
        if not any(meeting.closed_on is None for meeting in self.county.meetings.values()):
            self.do(draws.hold())
        for _ in range(draws.one((1, 2, 3)) if self.county.meetings else 0):
            self.do(draws.publish(draws.meeting()))

    def attendance(self, draws: Draws) -> None:
        self.do(draws.attend())

    def an_objection(self, draws: Draws) -> None:
        self.do(draws.object())

    def the_record_is_closed(self, draws: Draws) -> None:
        self.do(draws.close(draws.meeting()))

    # -- shares ------------------------------------------------------------------------------------------------------

    def claims(self, draws: Draws) -> None:
        for _ in range(draws.one((1, 2, 3))):
            self.do(draws.on_a_share("claim", "published"))

    def a_desk_is_claimed(self, draws: Draws) -> None:
        by, seen = draws.several("published")
        self.do(wants.ClaimSeveral(by, seen, 5))

    def work(self, draws: Draws) -> None:
        self.do(draws.on_a_share(draws.one(("done", "limit", "pause", "progress", "done")), "claimed"))

    def a_clock_runs_again(self, draws: Draws) -> None:
        self.do(draws.resume())

    def all_is_done(self, draws: Draws) -> None:
        by, seen = draws.several("claimed")
        self.do(wants.ReportAllDone(by, seen))

    def visits_are_closed(self, draws: Draws) -> None:
        self.do(draws.visits())

    def a_sign_must_come_down(self, draws: Draws) -> None:
        self.do(draws.order())

    def a_limit_is_changed_late(self, draws: Draws) -> None:
        """Its date has passed, which an extension forgives, and another calendar makes another date."""
        share = draws.late()
        assert share.due_on is not None
        assert share.claimed_on is not None
        self.is_on(max(self.county.today, share.due_on + timedelta(days=draws.one((0, 1, 4)))))
        self.do(wants.ChangeLimit(CADRES[share.village], share.id, 250, share.version))
        if draws.one((True, False)):
            self.announce(draws, share.claimed_on)
            self.due_dates_are_recounted(draws)
        else:
            self.do(wants.AskExtension(CADRES[share.village], share.id, draws.one((200, 250)), share.version))
            self.do(draws.extension())

    def an_extension(self, draws: Draws) -> None:
        self.do(draws.on_a_share("extension", "claimed") if draws.one((True, False)) else draws.extension())

    def an_extension_goes_its_way(self, draws: Draws) -> None:
        """What was asked for is decided, or silence grants it, with whatever the village does meanwhile."""
        share = draws.share("claimed")
        self.do(wants.AskExtension(CADRES[share.village], share.id, draws.one((60, 200, 250)), share.version))
        if draws.one((True, False)):
            kind = draws.one(("limit", "done", "pause"))
            self.do(draws.of_share(share, kind, CADRES[share.village], share.version))
        if draws.one((True, False)):
            self.do(draws.extension())
        else:
            self.is_on(self.county.today + timedelta(days=draws.one((1, 7, 12))))
            self.silence_grants(draws)

    def a_desk_is_handed_over(self, draws: Draws) -> None:
        """Nothing of the village's work changes, nor when the desk is accepted."""
        self.do(draws.hand_over())

    def a_desk_is_accepted(self, draws: Draws) -> None:
        self.do(draws.accept())

    def a_budget(self, draws: Draws) -> None:
        """And what is asked under it."""
        self.do(draws.budget())
        meeting = draws.meeting()
        for _ in range(draws.one((1, 2))):
            self.do(draws.publish(meeting, ask=draws.one((0, 2, 3, 5))))

    # -- nos ---------------------------------------------------------------------------------------------------------

    def a_village_says_no(self, draws: Draws) -> None:
        """Which lowers no score: of those compared, and of the one that said no."""
        before = self.the_assessment_is_as_it_should_be()
        self.do(draws.on_a_share("refuse", "published"))
        same_scores(before, self.the_assessment_is_as_it_should_be())

    def an_appeal(self, draws: Draws) -> None:
        self.do(draws.appeal())

    def the_county_decides(self, draws: Draws) -> None:
        self.do(draws.decide())

    def a_no_goes_its_way(self, draws: Draws) -> None:
        """Said, appealed against and decided on; and said once more, where it did not stand."""
        share = draws.share("published")
        for _ in range(2):
            self.do(draws.of_share(share, "refuse", CADRES[share.village], share.version))
            self.do(draws.appeal())
            self.do(draws.decide())

    # -- what the service does by itself -----------------------------------------------------------------------------

    def the_others_shares_are_withdrawn(self, _: Draws) -> None:
        self.do(wants.WithdrawTaken(COMMITTEE))

    def silence_upholds(self, _: Draws) -> None:
        self.do(wants.UpholdSilent(COMMITTEE))

    def silence_grants(self, _: Draws) -> None:
        self.do(wants.GrantSilent(COMMITTEE))

    def due_dates_are_recounted(self, _: Draws) -> None:
        self.do(wants.Recount(COMMITTEE))

    # -- at once -----------------------------------------------------------------------------------------------------

    def one_share_at_once(self, draws: Draws) -> None:
        """All have seen the same version: one of them at most is in time."""
        share = draws.share("published", "claimed")
        under_way = ("done", "limit", "progress", "pause", "extension")
        kinds = ("claim", "refuse") if share.state == "published" else under_way
        cadre = CADRES[share.village]
        self.at_once(
            *(draws.of_share(share, draws.one(kinds), cadre, share.version) for _ in range(draws.one((2, 3, 4))))
        )

    def one_task_at_once(self, draws: Draws) -> None:
        """Open to the first: every village tries, one of them with its desk, and others are withdrawn meanwhile."""
        shares = draws.of_a_task_for_one()
        first = shares[0]
        desk = wants.ClaimSeveral(CADRES[first.village], {first.id: first.version}, 5)
        others = [wants.Claim(CADRES[share.village], share.id, 5, share.version) for share in shares[1:3]]
        claims = [*others, desk] if draws.one((True, False)) else [desk, *others]
        self.at_once(*claims, wants.WithdrawTaken(COMMITTEE))

    def one_table_at_once(self, draws: Draws) -> None:
        """The same asks by two departments, or too many under one item; and the record may be closed under them."""
        meeting = draws.meeting()
        tries = [draws.publish(meeting, ask=number) for number in draws.one(((0, 1), (2, 2, 2)))]
        self.at_once(*tries, *([draws.close(meeting)] if draws.one((True, False)) else []))

    def one_no_at_once(self, draws: Draws) -> None:
        self.at_once(*[draws.appeal()] * 2)
        self.at_once(draws.decide(), draws.decide())

    def one_extension_at_once(self, draws: Draws) -> None:
        """Decided twice, while the village changes what it is about."""
        decision = draws.extension()
        assert isinstance(decision, wants.DecideExtension)
        share = self.county.extensions[decision.extension].share
        kind = draws.one(("limit", "done", "extension"))
        self.at_once(decision, draws.extension(), draws.of_share(share, kind, CADRES[share.village], share.version))

    def teardown(self) -> None:
        """Had no village ever said no, every score would be the same."""
        if hasattr(self, "seen") and any(share.refused_on for share in self.county.shares.values()):
            without = self.stage.facts(self.assessed_since, self.county.today, without_refusals=True)
            same_scores(without, self.stage.facts(self.assessed_since, self.county.today))


def one_holder(picture: Picture) -> None:
    """Of the shares of a task that is open to the first, one at most is anybody's, and it is the holder's."""
    of_task: dict[str, list[str]] = {}
    for id_, share in picture["shares"].items():
        if share["open_to"] == "first" and share["claimed_on"] is not None:
            of_task.setdefault(share["task_id"], []).append(id_)
    assert of_task == {task: [held[0]] for task, held in picture["holders"].items()}


def versions_grow(before: Picture, after: Picture) -> None:
    """Nothing changes under the same version, and no version comes back."""
    for id_, share in after["shares"].items():
        earlier = before["shares"].get(id_, share)
        assert share == earlier or share["version"] > earlier["version"], (earlier, share)
    assert before["shares"].keys() <= after["shares"].keys()
    for appeal, (state, version, _) in after["appeals"].items():
        earlier_state, earlier_version, _ = before["appeals"].get(appeal, ("open", 0, ""))
        assert (state, version) == (earlier_state, earlier_version) or version > earlier_version
    for extension, (_, state, version, *_) in after["extensions"].items():
        was = before["extensions"].get(extension, (None, "open", 0))
        assert (state, version) == (was[1], was[2]) or (was[1] == "open" and version == was[2] + 1)
    for meeting, (version, closed_on, attended, _) in after["meetings"].items():
        seen = before["meetings"].get(meeting, (0, None, 0, 0))
        assert (version, closed_on, attended) == (seen[0], seen[1], seen[2]) or version > seen[0]
    assert [version for version, _ in after["lists"]] == list(range(1, len(after["lists"]) + 1))


def same_scores(one: dict[Any, Facts], other: dict[Any, Facts]) -> None:
    assert scores(one) == scores(other)


def scores(facts: dict[Any, Facts]) -> dict[Any, object]:
    """Each village's score beside the others', however little there is to compare."""
    together = Facts(0, {})
    for each in facts.values():
        together = together + each
    return {village: score(own, together - own) for village, own in facts.items()}


@pytest.mark.timeout(0 if MORE else 180)
def test_the_service_does_what_the_model_does(
    make_database: MakeDatabase, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Stage(postgres, make_database("tasks"), monkeypatch) as stage:
        InACounty.stage = stage
        run_state_machine_as_test(InACounty, settings=AT_NIGHT if MORE else EVERY_DAY)
