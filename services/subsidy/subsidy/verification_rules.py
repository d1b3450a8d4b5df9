"""A run computed again from its snapshot, to the hash that was approved."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from qingdan.subsidy_events import Period
from subsidy.evaluation_rules import evaluate
from subsidy.merkle_rules import leaf_of, root_of
from subsidy.outcome_rules import Evaluation, Outcome, ids_of
from subsidy.preview_rules import due, month_of
from subsidy.programme_rules import Compiled
from subsidy.snapshot_rules import Part, SnapshotUnlike, unpack


class Computed(NamedTuple):
    """What comes out. root: None when what was kept cannot be read; items: entitlements."""

    root: bytes | None
    items: int


def compute(
    parts: Sequence[Part], programmes: Sequence[Compiled], period: Period, codes: Mapping[int, str]
) -> Computed:
    """Everything again. `codes`: of divisions, by our numbers. Raises ProgrammeFails."""
    try:
        county, owed = unpack(parts)
    except SnapshotUnlike:
        return Computed(None, 0)
    evaluation = evaluate(county, due(programmes, month_of(period)), period, owed)
    outcomes = sorted(evaluation.outcomes, key=lambda outcome: outcome.programme.code)
    leaves = [leaf for outcome in outcomes for leaf in _leaves(evaluation, outcome, codes)]
    return Computed(root_of(b"".join(leaves)), len(leaves))


def _leaves(evaluation: Evaluation, outcome: Outcome, codes: Mapping[int, str]) -> Iterator[bytes]:
    """Of one programme, in the order of the ids, then of occurrences: as obligation_store reads them from the rows."""
    stands = outcome.stands.nonzero()[0]
    table, places = evaluation.table(outcome), outcome.beneficiaries[stands]
    receivers = evaluation.receivers_of(outcome, places)
    payees = ids_of(evaluation.county.people, receivers.clip(min=0)) if len(evaluation.county.people) else []
    rows = zip(
        ids_of(table, places),
        [outcome.occurrence] * len(stands)
        if outcome.occurrences is None
        else [outcome.occurrences[at] for at in stands.tolist()],
        [str(payee) if at >= 0 else "" for payee, at in zip(payees, receivers.tolist(), strict=True)],
        table.division[places].tolist(),
        outcome.amount_fen[stands].tolist(),
        strict=True,
    )
    programme = outcome.programme
    for who, occurrence, payee, division, fen in sorted(rows, key=lambda row: (row[0].int, row[1])):
        fields = (programme.code, str(who), occurrence, programme.beneficiary, payee, codes[division], str(fen))
        yield leaf_of("\x1f".join(fields).encode())
