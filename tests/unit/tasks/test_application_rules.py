"""Applications for access: who may decide, what an opinion does, and that nobody ever speaks twice."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingdan.ids import ApplicationId
from runtime.problems import Refusal
from runtime.workdays import Calendar
from tasks import admission_rules, application_rules
from tasks.application_rules import (
    Application,
    BasisNotIssuedYet,
    CategoryNotApplicable,
    CategoryOfAnotherList,
    Decided,
    DecidedBefore,
    Delegation,
    Involved,
    MayNotDecide,
    NotYourStage,
    ReviewOver,
    TermOver,
    Verdict,
    Wanted,
)
from tasks.list_rules import ListVersion
from tasks.stage_rules import Stage, StageSet
from tests.unit.tasks.conftest import TODAY

WANTED = Wanted.model_validate(
    {
        "list_code": "village",
        "title_zh": "农村公路桥涵汛前排查",
        "title_en": "Inspect culverts of rural roads before the flood season",
        "category": "assist",
        "kinds": ["task"],
        "law": "农村公路养护管理办法",
        "article": "第七条",
        "issuing_body": "交通运输部",
        "issued_on": "2015-11-11",
        "reason": "汛期前须掌握桥涵隐患",
        "askers": ["JTJ"],
        "hours_estimate": 6,
        "inspect_on_completion": False,
    }
)


def stage(code: str, *departments: str, limit: int = 3) -> Stage:
    return Stage(
        code=code,
        title_zh=code,
        title_en=code,
        departments=departments,
        limit_working_days=limit,
        escalate_to="ZFB",
    )


STAGES = StageSet(
    "ordinary",
    1,
    date(2022, 8, 1),
    None,
    (stage("completeness", "NYJ"), stage("joint_review", "ZZB", "NYJ", "MZJ", limit=5), stage("approval", "ZFB")),
)


def fresh() -> Application:
    place = application_rules.begin(STAGES, "MZJ", Calendar(), today=TODAY)
    return Application(
        id=ApplicationId(UUID(int=1)),
        division_id=1,
        department="MZJ",
        wanted=WANTED,
        origin="http",
        emergency=None,
        state="under_review",
        round=1,
        stage=1,
        waiting_for=place.waiting_for,
        due=place.due,
        review_by=None,
        item=None,
        list_version=None,
        version=1,
    )


def after(application: Application, decided: Decided) -> Application:
    """The application as the decision leaves it."""
    if decided.outcome == "approved":
        return replace(application, state="approved", waiting_for=())
    if decided.outcome == "returned":
        return replace(application, state="returned", waiting_for=())
    if decided.outcome == "refused":
        return replace(application, state="refused", waiting_for=())
    assert decided.place is not None
    return replace(application, stage=decided.place.stage, waiting_for=decided.place.waiting_for, due=decided.place.due)


PEOPLE = [(f"{department}{at}", department) for department in ("NYJ", "ZZB", "MZJ", "ZFB") for at in range(3)]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(PEOPLE),
        st.booleans(),
        st.sampled_from(["approve"] * 8 + ["return", "refuse"]),
    ),
    max_size=60,
)
LINKS = st.lists(
    st.tuples(st.sampled_from(PEOPLE), st.integers(0, 2)).map(
        lambda link: Delegation(link[0][0], f"{link[0][1]}{link[1]}")
    ),
    max_size=6,
)


@given(STEPS, LINKS, st.sampled_from([name for name, _ in PEOPLE]))
def test_nobody_ever_decides_twice_or_on_their_own(
    steps: Sequence[tuple[tuple[str, str], bool, Verdict]], links: Sequence[Delegation], applicant: str
) -> None:
    links = [link for link in links if link.delegator != link.delegate]
    application, spoken, persons = fresh(), list[str](), frozenset[str]()
    given_in: dict[int, list[str]] = {}
    speakers: set[str] = set()
    for (subject, department), approves, verdict in steps:
        linked = [link for link in links if subject in (link.delegator, link.delegate)]
        involved = Involved(frozenset({applicant}), persons)
        try:
            who = application_rules.reviewer(subject, department, approves=approves, linked=linked)
            decided = application_rules.decide(
                application, STAGES, who, involved, verdict, code="x", reason="x", days=Calendar(), today=TODAY
            )
        except Refusal:
            continue
        speakers.add(subject)
        spoken += [subject, *([who.on_behalf_of] if who.on_behalf_of else [])]
        given_in.setdefault(decided.opinion.position, []).append(department)
        persons |= decided.opinion.persons
        application = after(application, decided)
    assert len(spoken) == len(set(spoken))
    assert applicant not in spoken
    assert not any({link.delegator, link.delegate} <= speakers for link in links)  # they count as one person
    assert all(len(set(departments)) == len(departments) for departments in given_in.values())
    assert all("MZJ" not in departments for departments in given_in.values())  # it is their application
    if application.state == "approved":  # everybody else whom the stages name has said yes
        assert {at: set(said) for at, said in given_in.items()} == {
            at: set(each.departments) - {"MZJ"} for at, each in enumerate(STAGES.stages, start=1)
        }


@pytest.mark.parametrize(
    ("departments", "escalate_to", "applicant", "seated"),
    [
        (("ZZB", "NYJ", "MZJ"), "ZFB", "JTJ", ("ZZB", "NYJ", "MZJ")),
        (("ZZB", "NYJ", "MZJ"), "ZFB", "MZJ", ("ZZB", "NYJ")),
        (("NYJ",), "ZFB", "NYJ", ("ZFB",)),
        (("ZFB",), "ZFB", "ZFB", ("ZFB",)),  # nobody stands beside the county's own office
    ],
)
def test_no_department_has_a_seat_before_its_own_application(
    departments: tuple[str, ...], escalate_to: str, applicant: str, seated: tuple[str, ...]
) -> None:
    at = stage("any", *departments).model_copy(update={"escalate_to": escalate_to})
    assert application_rules.seats(at, applicant) == seated


def test_one_person_in_two_departments_speaks_once() -> None:
    waiting = replace(fresh(), stage=2, waiting_for=("ZZB", "NYJ"))
    said = {"code": "x", "reason": "x", "days": Calendar(), "today": TODAY}

    def speak(department: str, before: frozenset[str], linked: Sequence[Delegation] = ()) -> Decided:
        who = application_rules.reviewer("wang", department, approves=True, linked=linked)
        involved = Involved(frozenset({"somebody"}), before)
        return application_rules.decide(waiting, STAGES, who, involved, "approve", **said)  # type: ignore[arg-type] # as it takes them

    first = speak("ZZB", frozenset())
    with pytest.raises(DecidedBefore):
        speak("NYJ", first.opinion.persons)
    by_delegate = speak("ZZB", frozenset(), [Delegation("wang", "li")])
    with pytest.raises(DecidedBefore):  # li has spoken for wang there
        speak("NYJ", by_delegate.opinion.persons - {"wang"}, [Delegation("li", "wang")])


def test_an_emergency_is_decided_on_up_to_its_last_day_and_no_later() -> None:
    emergency = replace(fresh(), origin="emergency", emergency="flood", review_by=TODAY)
    who = application_rules.reviewer("boss", "NYJ", approves=True, linked=[])

    def decide(today: date) -> Decided:
        return application_rules.decide(
            emergency,
            STAGES,
            who,
            Involved(frozenset(), frozenset()),
            "approve",
            code="x",
            reason="x",
            days=Calendar(),
            today=today,
        )

    assert decide(TODAY).outcome == "next_stage"
    with pytest.raises(ReviewOver):
        decide(TODAY + timedelta(days=1))


def test_what_can_never_be_listed_is_said_when_it_is_applied_for_and_not_at_the_end() -> None:
    tomorrow = TODAY + timedelta(days=1)
    for changes, refusal in (
        ({"category": "negative"}, CategoryNotApplicable),
        ({"category": "basic"}, CategoryOfAnotherList),
        ({"list_code": "township"}, CategoryOfAnotherList),
        ({"issued_on": tomorrow}, BasisNotIssuedYet),
        ({"valid_to": TODAY - timedelta(days=1)}, TermOver),
    ):
        with pytest.raises(refusal):
            application_rules.check_wanted(Wanted.model_validate({**WANTED.model_dump(), **changes}), today=TODAY)
    fits = {"issued_on": TODAY, "valid_to": TODAY}
    application_rules.check_wanted(Wanted.model_validate({**WANTED.model_dump(), **fits}), today=TODAY)


def test_a_term_that_ended_during_the_review_is_not_approved() -> None:
    over = WANTED.model_copy(update={"valid_to": TODAY - timedelta(days=1)})
    last = replace(fresh(), stage=3, waiting_for=("ZFB",), wanted=over)
    who = application_rules.reviewer("office", "ZFB", approves=True, linked=[])
    involved = Involved(frozenset(), frozenset())
    said = {"code": "x", "reason": "x", "days": Calendar(), "today": TODAY}
    with pytest.raises(TermOver):
        application_rules.decide(last, STAGES, who, involved, "approve", **said)  # type: ignore[arg-type] # as it takes them
    refused = application_rules.decide(last, STAGES, who, involved, "refuse", **said)  # type: ignore[arg-type] # as it takes them
    assert refused.outcome == "refused"


def test_a_list_has_room_for_what_its_event_can_carry(sample_list: ListVersion) -> None:
    many = tuple(sample_list.items[0].model_copy(update={"code": f"X{at:03}"}) for at in range(500))
    with pytest.raises(admission_rules.ListFull):
        admission_rules.with_item(replace(sample_list, items=many, negative=()), 2, WANTED, "JTJ", "AC01", today=TODAY)
    room = replace(sample_list, items=many[:499], negative=())
    assert len(admission_rules.with_item(room, 2, WANTED, "JTJ", "AC01", today=TODAY).published().items) == 500


def test_a_delegate_without_the_role_acts_on_behalf_and_a_stranger_may_not() -> None:
    linked = [Delegation("boss", "deputy")]
    who = application_rules.reviewer("deputy", "NYJ", approves=False, linked=linked)
    assert (who.on_behalf_of, who.persons) == ("boss", frozenset({"boss", "deputy"}))
    assert application_rules.reviewer("boss", "NYJ", approves=True, linked=linked).persons == {"boss", "deputy"}
    with pytest.raises(MayNotDecide):
        application_rules.reviewer("boss", "NYJ", approves=False, linked=linked)
    with pytest.raises(NotYourStage):
        application_rules.reviewer("boss", None, approves=True, linked=[])


def test_codes_are_counted_on_and_never_given_again() -> None:
    assert admission_rules.next_code([]) == "AC01"
    assert admission_rules.next_code(["AC01", "AC09", "RA03", "ACX"]) == "AC10"
    assert admission_rules.next_code(["AC99"]) == "AC100"


def test_an_admitted_item_comes_on_the_list_and_goes_off_it_again(sample_list: ListVersion) -> None:
    longer = admission_rules.with_item(sample_list, 2, WANTED, "JTJ", "AC01", today=TODAY)
    item = longer.item("AC01")
    assert item is not None
    assert (item.owner_department, item.valid_from, item.hours_estimate) == ("JTJ", TODAY, 6)
    assert (longer.version, longer.effective_on, longer.negative) == (2, TODAY, sample_list.negative)
    shorter = admission_rules.without_item(longer, 3, "AC01", today=TODAY)
    assert shorter is not None
    assert shorter.items == sample_list.items
    assert admission_rules.without_item(sample_list, 2, "AC01", today=TODAY) is None


def test_every_negative_entry_is_recognised_and_no_item_of_the_list_is_taken_for_one(
    sample_list: ListVersion,
) -> None:
    for entry in sample_list.negative:
        wanted = WANTED.model_copy(
            update={"title_zh": entry.title_zh, "title_en": entry.title_en, "kinds": (entry.kind,)}
        )
        assert admission_rules.clash_with_negative(wanted, "JTJ", sample_list) is not None
    assert admission_rules.clash_with_negative(WANTED, "JTJ", sample_list) is None


def test_what_an_application_lacks_is_named() -> None:
    assert WANTED.missing == ()
    assert WANTED.model_copy(update={"reason": None, "issued_on": None}).missing == ("reason", "issued_on")
