"""Examples: what programmes come to for made-up people, computed exactly as for real ones."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from subsidy.column_rules import Column
from subsidy.condition_rules import number, reason_of, truth
from subsidy.programme_rules import Compiled, Computed, Example, ProgrammeFails
from subsidy.vocabulary_rules import FactDefinition


def compute_examples(programmes: Mapping[str, Compiled], examples: Sequence[Example]) -> list[Computed]:
    """What each example comes to; a fact that it leaves out is unknown. Raises ProgrammeFails."""
    return [_computed(programmes[example.programme], example.facts) for example in examples]


def _computed(compiled: Compiled, facts: Mapping[str, Any]) -> Computed:
    columns = {fact.name: column_of(fact, facts.get(fact.name)) for fact in compiled.facts}
    eligible = truth(compiled.eligibility.root, columns)
    if eligible.fault is not None and eligible.fault.any():
        raise ProgrammeFails(programme=compiled.programme.code, reason=reason_of(compiled.eligibility.root, columns))
    if not eligible.yes.any():
        return Computed(False if eligible.no.any() else None, None)
    amount = number(compiled.amount.root, columns)
    known = amount.known is None or bool(amount.known.all())
    for fault, reason in ((amount.zero_divided, "division_by_zero"), (amount.too_large, "number_too_large")):
        if known and fault is not None and fault.any():
            raise ProgrammeFails(programme=compiled.programme.code, reason=reason)
    return Computed(True, int(amount.values.reshape(-1)[0]) if known else None)


def column_of(fact: FactDefinition, value: Any) -> Column:
    """A column with one place; None is unknown."""
    known = np.array([value is not None])
    match fact.type:
        case "bool":
            return Column.truths(np.array([bool(value)]), known)
        case "int":
            return Column.numbers(np.array([value or 0], np.int64), known)
        case "list":
            vocabulary = tuple(dict.fromkeys((*fact.values, *(value or ()))))
            return Column.texts(np.array([sum(1 << vocabulary.index(each) for each in value or ())]), known, vocabulary)
        case _:
            vocabulary = tuple(dict.fromkeys((*fact.values, value or "")))
            return Column.texts(np.array([vocabulary.index(value or "")]), known, vocabulary)
