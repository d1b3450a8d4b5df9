"""Outcomes: what programmes come to in a month, as arrays of beneficiaries and amounts."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from qingdan.subsidy_events import Period
from subsidy.case_rules import County
from subsidy.column_rules import Bools, Places, Table
from subsidy.programme_rules import Compiled, Programme

STANDS: Final = -1
"""In `excluded_by`: for nothing."""


@dataclass(slots=True)
class Outcome:
    """What one programme comes to, beneficiary by beneficiary in the order of their ids.

    beneficiaries, undetermined: places among the people or the households. member: of each entitled case the person
    whom it is about, where a household has several cases. occurrences: None: the same for all, in `occurrence`.
    """

    compiled: Compiled
    occurrence: str
    beneficiaries: Places
    amount_fen: NDArray[np.int64]
    undetermined: Places
    undetermined_about: Places
    occurrences: list[str] | None = None
    excluded_by: NDArray[np.int16] = field(default_factory=lambda: np.empty(0, np.int16))

    @property
    def programme(self) -> Programme:
        return self.compiled.programme

    @property
    def stands(self) -> Bools:
        """Who is entitled and does not stand back for another programme."""
        entitled: Bools = self.excluded_by == STANDS
        return entitled

    def leaving_open(self, cases: NDArray[np.intp]) -> "Outcome":
        """The same, with these of its undetermined cases alone."""
        return replace(self, undetermined=self.undetermined[cases], undetermined_about=self.undetermined_about[cases])


@dataclass(slots=True)
class Evaluation:
    """What all programmes due come to, by priority. payee, receiver: who receives for each household and person."""

    county: County
    period: Period
    outcomes: list[Outcome]
    payee: Places
    receiver: Places

    def table(self, outcome: Outcome) -> Table:
        """Where the places of an outcome's beneficiaries are."""
        return self.county.people if outcome.programme.beneficiary == "person" else self.county.homes

    def receivers_of(self, outcome: Outcome, beneficiaries: Places) -> Places:
        """Who receives for each of these beneficiaries of the outcome; nowhere when nobody is known."""
        receivers: Places = (self.receiver if outcome.programme.beneficiary == "person" else self.payee)[beneficiaries]
        return receivers

    def totals(self, outcome: Outcome, place_of: NDArray[np.int32], places: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """How many are entitled and to how many fen, in each of so many places; `place_of` each division's number."""
        stands = outcome.stands
        where = place_of[self.table(outcome).division[outcome.beneficiaries[stands]]]
        payments = np.bincount(where, minlength=places)
        total_fen = np.zeros(places, np.int64)
        np.add.at(total_fen, where, outcome.amount_fen[stands])
        return payments, total_fen


def ids_of(table: Table, places: NDArray[Any]) -> list[UUID]:
    """The ids at these places."""
    halves = zip(table.high[places].tolist(), table.low[places].tolist(), strict=True)
    return [UUID(int=high << 64 | low) for high, low in halves]


def excluded(outcomes: Sequence[Outcome]) -> int:
    """How many claims stand back."""
    return sum(int((~outcome.stands).sum()) for outcome in outcomes)


def undetermined(outcomes: Sequence[Outcome]) -> int:
    """Of how many cases it is not known."""
    return sum(len(outcome.undetermined) for outcome in outcomes)
