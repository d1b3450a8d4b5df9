"""What the reference of `eligibility` is to read and compute: our rules in the words of numpy, our queries for ADBC."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from subsidy.column_rules import YEARS
from subsidy.expression_rules import Binary, Constant, FactRef, Holds, Negative, Node, Not, OneOf, children
from subsidy.programme_rules import Compiled
from subsidy.vocabulary_rules import BY_NAME, FACTS, FactDefinition

_SIGNS = {"&&": "&", "||": "|", "/": "//"}
_ALWAYS = ("household_code", "member_of_household", "relation_to_head", "is_alive")


def plan(
    due: Sequence[Compiled], *, url: str, period: str, reference_on: date, parameters: Mapping[str, Any], county: int
) -> dict[str, Any]:
    """Everything as JSON takes it."""
    named = {fact.name for each in due for fact in each.facts}
    recorded = {BY_NAME[name].derived_from or name for name in named} & BY_NAME.keys() | {*_ALWAYS}
    facts = [fact for fact in FACTS if fact.name in named and fact.type != "date" and not _open(fact)]
    return {
        "url": url,
        "period": period,
        "reference_on": str(reference_on),
        "queries": {entity: _query(entity, recorded, county) for entity in ("person", "household")},
        "dates": [fact.name for fact in FACTS if fact.type == "date"],
        "of_people": [fact.name for fact in facts if fact.entity == "person"],
        "facts": [
            {
                "name": fact.name,
                "entity": fact.entity,
                "type": fact.type,
                "derived_from": fact.derived_from,
                "years": fact.name in YEARS,
                "words": _words(fact),
                "default": _default(fact, parameters),
            }
            for fact in facts
        ],
        "rules": [
            {
                "code": each.programme.code,
                "source": each.programme.person_facts_of or each.programme.beneficiary,
                "eligibility": _python(each.eligibility.root)
                + (" & ~f('is_alive')" if each.programme.person_facts_of == "deceased" else ""),
                "amount": _python(each.amount.root),
            }
            for each in due
        ],
    }


def _open(fact: FactDefinition) -> bool:
    return fact.type == "string" and not fact.values


def _query(entity: str, recorded: set[str], county: int) -> str:
    names = [fact.name for fact in FACTS if fact.name in recorded and fact.entity == entity and not fact.derived_from]
    return (
        f"SELECT t.id, t.division_id, {', '.join(f't.{name}' for name in names)} FROM {entity} t"
        f" JOIN division_closure c ON c.descendant_id = t.division_id AND c.ancestor_id = {county}"
    )


def _words(fact: FactDefinition) -> list[str]:
    absent = [fact.absent] if isinstance(fact.absent, str) and fact.absent not in fact.values else []
    return [*fact.values, *absent]


def _default(fact: FactDefinition, parameters: Mapping[str, Any]) -> Any:
    """What is missing has in OpenFisca."""
    if fact.entity == "county":
        return parameters.get(fact.name) or 0
    if fact.type == "string":
        return _words(fact).index(fact.absent) if isinstance(fact.absent, str) else 0
    if fact.type == "bool":
        return bool(fact.absent)
    return fact.absent if isinstance(fact.absent, int) else 0


def _python(node: Node, words: Sequence[str] = ()) -> str:
    match node:
        case Constant(str() as text):
            return str(list(words).index(text))
        case Constant(value):
            return repr(value)
        case FactRef(fact):
            return f"f({fact.name!r})"
        case Not(operand):
            return f"(~{_python(operand)})"
        case Negative(operand):
            return f"(-{_python(operand)})"
        case Binary(operator, left, right):
            known = [*_words_of(left), *_words_of(right)]
            return f"({_python(left, known)} {_SIGNS.get(operator, operator)} {_python(right, known)})"
        case OneOf(item, options):
            known = _words_of(item)
            return f"np.isin({_python(item)}, [{', '.join(_python(option, known) for option in options)}])"
        case Holds(item, listed):
            return f"((f({listed.fact.name!r}) & (1 << {_python(item, listed.fact.values)})) != 0)"


def _words_of(node: Node) -> Sequence[str]:
    if isinstance(node, FactRef) and node.fact.type == "string":
        return _words(node.fact)
    return [word for child in children(node) for word in _words_of(child)] if isinstance(node, FactRef) else []
