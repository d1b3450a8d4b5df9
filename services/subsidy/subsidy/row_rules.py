"""Entitlements as rows on their way to the database: arrays written next to each other, never one by one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from runtime.bulk_rows import new_rows
from subsidy.column_rules import Places, Table
from subsidy.outcome_rules import Evaluation, Outcome, ids_of
from subsidy.programme_rules import Programme
from subsidy.undetermined_rules import is_grouped, lacking

ROWS_AT_ONCE: Final = 65_536


@dataclass(slots=True)
class EntitlementRows:
    """What an evaluation comes to, as rows for the database in the order of its key.

    Undetermined cases are in groups (undetermined_rules) and have no rows, but for those that groups cannot say, and of
    the programmes that `looked_at` names those at these places. missing: sets of facts that undetermined rows name by
    number, from 1 on; complete when all blocks were made.
    """

    evaluation: Evaluation
    looked_at: Mapping[str, Places] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)

    @property
    def programmes(self) -> list[Programme]:
        """Those that rows name by number, from 1 on."""
        return [outcome.programme for outcome in self.evaluation.outcomes]

    def blocks(self) -> Iterator[bytes]:
        """The rows, many at a time."""
        numbered = sorted(enumerate(self.evaluation.outcomes, 1), key=lambda each: each[1].programme.code)
        for number, outcome in numbered:
            yield from _entitled(self.evaluation, outcome, number)
            yield from _undetermined(self, outcome, number)


def _entitled(evaluation: Evaluation, outcome: Outcome, number: int) -> Iterator[bytes]:
    """Those entitled, and those who stand back."""
    for part in _parts(len(outcome.beneficiaries)):
        occurrences = None if outcome.occurrences is None else outcome.occurrences[part]
        for rows, at in _rows(outcome.beneficiaries[part], outcome.occurrence, occurrences):
            _fill(rows, evaluation, outcome, number, outcome.beneficiaries[part][at])
            rows["amount_fen"] = outcome.amount_fen[part][at]
            rows["excluded_by"] = outcome.excluded_by[part][at] + 1
            yield rows.tobytes()


def _undetermined(these: EntitlementRows, outcome: Outcome, number: int) -> Iterator[bytes]:
    """Those of whom it is not known, with the facts that are missing."""
    evaluation, looked_at = these.evaluation, these.looked_at.get(outcome.programme.code)
    if is_grouped(outcome):
        if looked_at is None:
            return
        outcome = outcome.leaving_open(np.flatnonzero(np.isin(outcome.undetermined, looked_at)))
    for part in _parts(len(outcome.undetermined)):
        beneficiaries = outcome.undetermined[part]
        numbers = lacking(evaluation, outcome, these.missing, part)
        for rows, at in _rows(beneficiaries, evaluation.period, _of_the_dead(evaluation, outcome, part)):
            _fill(rows, evaluation, outcome, number, beneficiaries[at])
            rows["missing"] = numbers[at]
            yield rows.tobytes()


def _of_the_dead(evaluation: Evaluation, outcome: Outcome, part: slice) -> Sequence[str] | None:
    """A household's dead are told apart by who they are, whatever is not known of them."""
    if is_grouped(outcome):
        return None
    return [str(each) for each in ids_of(evaluation.county.people, outcome.undetermined_about[part])]


def _parts(many: int) -> Iterator[slice]:
    for begin in range(0, many, ROWS_AT_ONCE):
        yield slice(begin, begin + ROWS_AT_ONCE)


def _rows(
    beneficiaries: Places, occurrence: str, occurrences: Sequence[str] | None
) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Empty rows with their occurrence, and which beneficiaries they are for: a block for each length of text."""
    if occurrences is None:
        yield _new(len(beneficiaries), [occurrence.encode()]), np.arange(len(beneficiaries))
        return
    texts = [text.encode() for text in occurrences]
    lengths = np.array([len(text) for text in texts])
    for length in np.unique(lengths):
        at = np.flatnonzero(lengths == length)
        yield _new(len(at), [texts[place] for place in at]), at


def _new(many: int, texts: list[bytes]) -> NDArray[Any]:
    rows = new_rows(
        (
            ("programme", ">i2"),
            ("beneficiary", "uuid"),
            ("occurrence", f"S{len(texts[0])}"),
            ("payee", "uuid"),
            ("division_id", ">i4"),
            ("amount_fen", ">i8"),
            ("excluded_by", ">i2"),
            ("missing", ">i2"),
        ),
        many,
    )
    rows["occurrence"] = texts if len(texts) > 1 else texts[0]
    return rows


def _fill(rows: NDArray[Any], evaluation: Evaluation, outcome: Outcome, number: int, beneficiaries: Places) -> None:
    table = evaluation.table(outcome)
    rows["programme"] = number
    _identify(rows["beneficiary"], table, beneficiaries)
    _identify(rows["payee"], evaluation.county.people, evaluation.receivers_of(outcome, beneficiaries))
    rows["division_id"] = table.division[beneficiaries]


def _identify(ids: NDArray[Any], table: Table, places: Places) -> None:
    """Nobody has the nil UUID."""
    there = places >= 0
    ids[:, 0] = np.where(there, table.high[places], 0) if len(table) else 0
    ids[:, 1] = np.where(there, table.low[places], 0) if len(table) else 0
