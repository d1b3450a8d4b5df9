"""By which facts a month is explained, by whose it was decided then, and who told them as far as that is known."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from qingdan.ids import RunId
from runtime.ids import new_id
from subsidy.retention_rules import Keeping
from subsidy.run_rules import RunState
from subsidy.snapshot_row_rules import KeptRow
from subsidy.why_basis_rules import NotFrozen, deciding_members, not_kept, today_basis, told_of
from subsidy.why_facts_rules import Told
from subsidy.why_run_rules import NowStatus, Run, run_view
from tests.unit.subsidy.test_why_words_rules import CHINESE
from tests.unit.subsidy.why_cases import TOLD, known

PREVIEW = Run(RunId(new_id()), "previewed", 1, None, date(2026, 7, 2), None)
FROZEN = replace(PREVIEW, state="frozen", frozen_on=date(2026, 7, 5))
KEPT_AT = TOLD.source_time + timedelta(days=1)
KEPT = Keeping(True, KEPT_AT)


@pytest.mark.parametrize(
    ("run", "keeping", "due", "why"),
    [
        (None, None, True, "no_run"),
        (PREVIEW, KEPT, True, "previewed"),
        (FROZEN, KEPT, False, "not_due"),
        (FROZEN, Keeping(False), True, "not_kept"),
        (FROZEN, Keeping(False, None, date(2057, 1, 1), 30), True, "removed"),
    ],
)
def test_todays_facts_answer_where_those_of_then_do_not(
    run: Run | None, keeping: Keeping | None, due: bool, why: NotFrozen
) -> None:
    basis = not_kept(run, keeping, due=due)
    assert basis is not None
    assert (basis.facts, basis.why_today) == ("today", why)


def test_those_of_then_are_looked_for_once_it_is_frozen() -> None:
    assert not_kept(FROZEN, KEPT, due=True) is None


def test_every_reason_is_said_in_both_languages() -> None:
    reasons: tuple[NotFrozen, ...] = (
        *("no_run", "previewed", "not_due", "not_kept"),
        *("removed", "not_there", "household_elsewhere", "unreadable"),
    )
    words = [today_basis(why, FROZEN, removed_on=date(2057, 1, 1), kept_years=30).said for why in reasons]
    assert len({each.zh for each in words}) == len({each.en for each in words}) == len(reasons) - 1
    assert all(CHINESE.search(each.zh) and each.zh.endswith("。") for each in words)
    assert not any(CHINESE.search(each.en) or "{" in each.en + each.zh for each in words)
    removed = words[reasons.index("removed")]
    assert ("2057-01-01" in removed.en, "满30年" in removed.zh) == (True, True)


# -- by whose facts ----------------------------------------------------------------------------------------------------


def member(number: int, relation: str | None = "other", alive: bool | None = True) -> KeptRow:
    return KeptRow(number, UUID(int=number), {"relation_to_head": relation, "is_alive": alive}, frozenset(), 0)


def test_the_head_is_the_living_one_of_the_lowest_id() -> None:
    family = [member(1), member(2, "head", alive=False), member(4, "head"), member(3, "head", alive=None)]
    assert deciding_members(family, "head", None) == [family[3]]
    assert deciding_members(family[:2], "head", None) == [family[1]]
    assert deciding_members(family[:1], "head", None) == [None]


def test_any_member_or_each_of_the_dead_decides() -> None:
    family = [member(1), member(2, alive=False), member(3, alive=None)]
    assert deciding_members(family, "any", None) == family
    assert deciding_members([], "any", None) == [None]
    assert deciding_members(family, "deceased", None) == [family[1]]
    assert deciding_members([], "deceased", None) == []
    assert deciding_members(family, None, family[2]) == [family[2]]


# -- who told ----------------------------------------------------------------------------------------------------------


def told(then: Any, today: Any, told_at: datetime = TOLD.source_time, name: str = "age_years") -> Any:
    """The fact of then, when today it is the other, told at that time."""
    now = replace(known(name, today), told=Told("another_system", told_at))
    return told_of({name: replace(known(name, then), told=None)}, {name: now}, KEPT_AT)[name]


def test_what_is_as_it_was_was_told_by_whom_it_is_told_today() -> None:
    fact = told(79, 79)
    assert (fact.value, fact.told.system, fact.later) == (79, "another_system", None)


def test_what_was_told_again_is_said_to_be() -> None:
    assert told(79, 79, KEPT_AT).later is None
    fact = told(79, 79, KEPT_AT + timedelta(microseconds=1))
    assert (fact.later, fact.told.source_time > KEPT_AT) == ("told_again", True)


@pytest.mark.parametrize(("then", "today"), [(79, 80), (79, None), (None, 79)])
def test_of_what_has_changed_nobody_knows_who_told_it(then: int | None, today: int | None) -> None:
    fact = told(then, today)
    assert (fact.value, fact.told, fact.later) == (then, None, "changed")


def test_a_date_behind_the_same_number_of_years_that_was_corrected_is_a_change() -> None:
    now = replace(known("age_years", 79), since=date(1946, 9, 9))
    fact = told_of({"age_years": known("age_years", 79)}, {"age_years": now}, KEPT_AT)["age_years"]
    assert (fact.later, fact.told) == ("changed", None)


def test_what_no_row_meant_and_what_we_paid_has_no_source() -> None:
    nothing = replace(known("disability_level", 0), origin="no_row", told=None)
    again = told_of({"x": nothing}, {"x": replace(known("disability_level", 0), told=TOLD)}, KEPT_AT)["x"]
    assert (again.told, again.later) == (None, None)
    paid = replace(known("temporary_aid_count_year", 1), told=None)
    assert told_of({"x": paid}, {"x": known("temporary_aid_count_year", 2)}, KEPT_AT)["x"] is paid


# -- what differs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "now", "zh", "en"),
    [
        ("previewed", "entitled", "应发12.00元。结果以批次为准，直至重新试算。", "until it is computed anew."),
        ("frozen", "entitled", "开始支付后，可就差额提出调整（补发或追回）。", "an adjustment would be proposed."),
        ("closed", "entitled", "将就差额提出调整（补发或追回）。", "an adjustment is proposed."),
        ("paying", "undetermined", "尚不能确定的不予追回。", "never asked back."),
    ],
)
def test_what_becomes_of_a_difference_is_said(state: RunState, now: NowStatus, zh: str, en: str) -> None:
    run = replace(FROZEN, state=state, frozen_on=None if state == "previewed" else FROZEN.frozen_on)
    view = run_view(run, [], [], {}, code="B08", now=now, now_fen=1_200)
    assert view.differs_said is not None
    assert view.differs_said.zh.endswith(zh)
    assert view.differs_said.en.endswith(en)
    assert run_view(run, [], [], {}, code="B08", now="not_in_run", now_fen=None).differs_said is None
