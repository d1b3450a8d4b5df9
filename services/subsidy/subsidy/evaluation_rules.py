"""What a month comes to: every programme due, over every case of the county, with exclusions and totals.

Whoever is eligible and whose amount and occurrence are known is entitled; who might be is undetermined; all others have
nothing here, and neither have those to whom the same occurrence is owed already.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from qingdan.money import FEN_MAX
from qingdan.subsidy_events import Period
from subsidy.case_rules import Cases, County, Source, cases_of, payees, receivers
from subsidy.column_rules import NOWHERE, Bools, Places, Table
from subsidy.condition_rules import Number, Truth, number, reason_of, truth
from subsidy.exclusion_rules import exclude
from subsidy.outcome_rules import STANDS, Evaluation, Outcome, ids_of
from subsidy.programme_rules import AmountBeyondCap, Compiled, Programme, ProgrammeFails


@dataclass(frozen=True, slots=True)
class Owed:
    """What is owed already, from this and other runs, as far as a programme due could come to it again.

    always: by programme, those to whom its occurrence of this period is owed. serials: by programme, how often in this
    year. others: (programme, beneficiary, occurrence) where the occurrence is not the same for everybody.
    """

    always: Mapping[str, Places] = field(default_factory=dict)
    serials: Mapping[str, tuple[Places, NDArray[np.int64]]] = field(default_factory=dict)
    others: frozenset[tuple[str, UUID, str]] = frozenset()


def evaluate(
    county: County, due: Sequence[Compiled], period: Period, owed: Owed, *, one_more: Callable[[], None] | None = None
) -> Evaluation:
    """Compute every programme for everybody, then who stands back for what; `one_more` is called after each programme.
    Raises ProgrammeFails for a programme that divides by zero, or comes to too large a number or an amount that nobody
    can be paid, for somebody.
    """
    cases = dict[Source, Cases]()
    outcomes = []
    for compiled in sorted(due, key=lambda each: each.programme.priority):
        source: Source = compiled.programme.person_facts_of or compiled.programme.beneficiary
        if source not in cases:
            cases[source] = cases_of(county, source)
        outcomes.append(_outcome(cases[source], compiled, period, owed))
        if one_more is not None:
            one_more()
    exclude(county, outcomes)
    payee = payees(county)
    return Evaluation(county, period, outcomes, payee, receivers(county, payee))


# -- one programme -----------------------------------------------------------------------------------------------------


def _outcome(cases: Cases, compiled: Compiled, period: Period, owed: Owed) -> Outcome:
    programme = compiled.programme
    eligible = truth(compiled.eligibility.root, cases)
    ours, beneficiary = _ours(cases, programme)
    _refuse_faults(compiled, eligible, cases, ours)
    yes = np.flatnonzero(np.broadcast_to(eligible.yes, ours.shape) & ours)
    unknown = np.flatnonzero(~np.broadcast_to(eligible.yes | eligible.no, ours.shape) & ours)
    if cases.source == "any":
        yes, unknown = _one_each(cases, yes, unknown)
    hits = cases.of(yes)
    amount = number(compiled.amount.root, hits)
    _refuse_amounts(programme, amount)
    certain = np.ones(len(yes), bool) if amount.known is None else np.broadcast_to(amount.known, yes.shape).copy()
    amount_fen = np.broadcast_to(amount.values, yes.shape).astype(np.int64)
    of_hits = beneficiary[yes]
    occurrence, occurrences = _occurrence(hits, compiled, period, owed, of_hits)
    if occurrences is not None:
        certain &= np.fromiter((each is not None for each in occurrences), bool, len(yes))
    keep = certain & (amount_fen != 0) & ~_owed_already(programme, hits, of_hits, occurrences, owed)
    unknown = np.concatenate([unknown, yes[~certain]])
    _, might_be = _occurrence(cases.of(unknown), compiled, period, owed, beneficiary[unknown])
    unknown = unknown[~_owed_already(programme, cases.of(unknown), beneficiary[unknown], might_be, owed)]
    ranks = _table(cases, programme).rank
    order = np.argsort(ranks[of_hits[keep]], kind="stable")
    undetermined = unknown[np.argsort(ranks[beneficiary[unknown]], kind="stable")]
    kept = np.flatnonzero(keep)[order]
    return Outcome(
        compiled=compiled,
        occurrence=occurrence,
        beneficiaries=of_hits[kept],
        amount_fen=amount_fen[kept],
        undetermined=beneficiary[undetermined],
        undetermined_about=np.full(len(undetermined), NOWHERE, np.int32)
        if cases.person is None
        else cases.person[undetermined],
        occurrences=None if occurrences is None else [str(occurrences[at]) for at in kept],
        excluded_by=np.full(len(kept), STANDS, np.int16),
    )


def _table(cases: Cases, programme: Programme) -> Table:
    return cases.county.people if programme.beneficiary == "person" else cases.county.homes


def _ours(cases: Cases, programme: Programme) -> tuple[Bools, Places]:
    """Which cases are about the county's own, and the place of each case's beneficiary."""
    if programme.beneficiary == "person":
        assert cases.person is not None
        return cases.county.inhabitants[cases.person], cases.person
    assert cases.home is not None
    return cases.county.own_homes[cases.home], cases.home


def _refuse_faults(compiled: Compiled, eligible: Truth, cases: Cases, ours: Bools) -> None:
    if eligible.fault is not None and (np.broadcast_to(eligible.fault, ours.shape) & ours).any():
        raise ProgrammeFails(programme=compiled.programme.code, reason=reason_of(compiled.eligibility.root, cases))


def _refuse_amounts(programme: Programme, amount: Number) -> None:
    known = np.ones((), bool) if amount.known is None else amount.known
    for fault, reason in ((amount.zero_divided, "division_by_zero"), (amount.too_large, "number_too_large")):
        if fault is not None and (fault & known).any():
            raise ProgrammeFails(programme=programme.code, reason=reason)
    if amount.lowest < 0 or amount.highest > FEN_MAX:
        out = (amount.values < 0) | (amount.values > FEN_MAX)
        if (out & known).any():
            raise ProgrammeFails(programme=programme.code, reason="amount_out_of_range")
    cap_fen = programme.cap_fen
    if cap_fen is not None and amount.highest > cap_fen and ((amount.values > cap_fen) & known).any():
        raise AmountBeyondCap(programme=programme.code, reason="amount_beyond_cap", cap_fen=cap_fen)


def _one_each(cases: Cases, yes: NDArray[Any], unknown: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Of each household one case: the member of the lowest id who makes it eligible, else who might."""
    assert cases.home is not None
    assert cases.person is not None
    ranks = np.append(cases.county.people.rank, np.iinfo(np.int32).max)  # nobody comes last
    chosen = []
    taken = np.zeros(len(cases.county.homes), bool)
    for those in (yes, unknown):
        open_cases = those[~taken[cases.home[those]]]
        order = np.lexsort((ranks[cases.person[open_cases]], cases.home[open_cases]))
        homes = cases.home[open_cases][order]
        first = np.ones(len(order), bool)
        first[1:] = homes[1:] != homes[:-1]
        chosen.append(open_cases[order[first]])
        taken[homes] = True
    return chosen[0], chosen[1]


def _occurrence(
    hits: Cases, compiled: Compiled, period: Period, owed: Owed, beneficiary: Places
) -> tuple[str, Sequence[str | None] | None]:
    """What the programme is paid once for: one word for all, or one for each, None where that is unknown."""
    programme = compiled.programme
    match programme.once_per:
        case "period":
            return period, None
        case "year":
            return period[:4], None
        case "ever":
            return "ever", None
        case "deceased":
            assert hits.person is not None
            return period, [str(each) for each in ids_of(hits.county.people, hits.person)]
        case "business_entity_code":
            codes = hits["business_entity_code"]
            return period, [codes.value(at) for at in range(hits.many)]
        case "year_serial":
            table = hits.county.people if programme.beneficiary == "person" else hits.county.homes
            times = np.zeros(len(table), np.int64)
            places, values = owed.serials.get(programme.code, (np.empty(0, np.int32), np.empty(0, np.int64)))
            times[places[places >= 0]] = values[places >= 0]
            return period, [f"{period[:4]}/{1 + each}" for each in times[beneficiary].tolist()]


def _owed_already(
    programme: Programme, hits: Cases, beneficiary: Places, occurrences: Sequence[str | None] | None, owed: Owed
) -> Bools:
    if occurrences is None:
        if programme.code not in owed.always:
            return np.zeros(len(beneficiary), bool)
        return np.isin(beneficiary, owed.always[programme.code])
    if not owed.others:
        return np.zeros(len(beneficiary), bool)
    table = hits.county.people if programme.beneficiary == "person" else hits.county.homes
    ids = ids_of(table, beneficiary)
    return np.fromiter(
        (
            text is not None and (programme.code, each, text) in owed.others
            for each, text in zip(ids, occurrences, strict=True)
        ),
        bool,
        len(beneficiary),
    )
