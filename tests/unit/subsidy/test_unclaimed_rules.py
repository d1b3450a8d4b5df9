"""Every reason has words in both languages, and a file of them is safe to open."""

from typing import Any
from uuid import UUID

import pytest

from qingdan.ids import RunId
from subsidy.run_rules import RunState
from subsidy.unclaimed_rules import COLUMNS, REASONS, RunNamed, departments_owing, unclaimed_view, write_csv

RUN = RunNamed(RunId(UUID(int=1)), "2026-07", "previewed", 1)
ROW: dict[str, Any] = {
    "programme": "B08",
    "beneficiary": UUID(int=2),
    "occurrence": "2026-07",
    "kind": "person",
    "division": "330523100201",
    "department": "MZJ",
    "amount_fen": 123_456,
    "reason": "no_account",
    "bank_reason": None,
    "missing": None,
    "excluded_by": None,
    "winner_fen": None,
}


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_is_said_with_what_helps(reason: str) -> None:
    view = unclaimed_view(RUN, ROW | {"reason": reason})
    assert view.said.zh.endswith("。")
    assert view.said.en.endswith(".")
    assert view.next.zh.endswith("。")
    assert view.next.en.endswith(".")


def test_what_the_bank_said_stands_beside_it() -> None:
    view = unclaimed_view(RUN, ROW | {"reason": "rejected", "bank_reason": "AC04"})
    assert (view.said.zh, view.said.en) == ("银行拒付（AC04）。", "The bank refused the payment (AC04).")


def test_who_owes_a_missing_fact_is_who_keeps_its_source() -> None:
    assert departments_owing(["months_since_death", "age_years", "no_such_fact"]) == ["GAJ", "WJJ"]


@pytest.mark.parametrize(
    ("state", "early"), [("previewed", True), ("frozen", True), ("approved", False), ("closed", False)]
)
def test_a_run_is_early_until_it_is_approved(state: RunState, early: bool) -> None:
    assert RunNamed(RUN.id, "2026-07", state, 1).early is early


def test_a_file_has_a_line_for_each_and_no_formula() -> None:
    views = [unclaimed_view(RUN, ROW), unclaimed_view(RUN, ROW | {"occurrence": "=HYPERLINK(1)", "amount_fen": None})]
    head, first, second = write_csv(views).splitlines()
    assert head == ",".join(COLUMNS)
    assert first.startswith(f"2026-07,330523100201,B08,person,{UUID(int=2)},2026-07,1234.56,no_account,")
    assert ",'=HYPERLINK(1),," in second
