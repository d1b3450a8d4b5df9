"""Why a rule comes to what it comes to for one case: its conditions as a person reads them, each with its verdict.

Leaves (comparisons, memberships, facts that are true or false) are evaluated by the Rust CEL engine where all their
facts are known; `&&`, `||` and `!` join them by CEL's logic of three values, in which a side that decides does so
whatever the other is (https://github.com/google/cel-spec/blob/master/doc/langdef.md, logical operators).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

import cel

from subsidy.expression_rules import Binary, Constant, FactRef, Holds, Negative, Node, Not, OneOf, children
from subsidy.vocabulary_rules import FactDefinition

Verdict = Literal["true", "false", "unknown", "fault"]
Kind = Literal["leaf", "all", "any", "not", "same", "different"]
FaultKind = Literal["division_by_zero", "number_too_large"]

_JOINS: Final[Mapping[str, Kind]] = {"&&": "all", "||": "any", "==": "same", "!=": "different"}
_DENIED: Final[Mapping[Verdict, Verdict]] = {"true": "false", "false": "true", "unknown": "unknown", "fault": "fault"}


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition and what it comes to; a leaf has no parts."""

    kind: Kind
    node: Node
    verdict: Verdict
    parts: tuple["Condition", ...] = ()

    @property
    def facts(self) -> tuple[FactDefinition, ...]:
        """Those it names, each once, in order."""
        return tuple(dict.fromkeys(facts_in(self.node)))


@dataclass(frozen=True, slots=True)
class Computed:
    """What a number comes to: value is None while a fact of it is unknown, or where `fault` says that it has none."""

    value: int | None
    fault: FaultKind | None = None


def judge(node: Node, facts: Mapping[str, Any]) -> Condition:
    """The condition as a tree; `facts` has a value for each that it names, None for one that is unknown."""
    match node:
        case Not(operand):
            part = judge(operand, facts)
            return Condition("not", node, _DENIED[part.verdict], (part,))
        case Binary("&&" | "||" as operator):
            parts = tuple(judge(each, facts) for each in _flat(node, operator))
            kind = _JOINS[operator]
            return Condition(kind, node, _joined(kind, [part.verdict for part in parts]), parts)
        case Binary("==" | "!=" as operator, left, right) if _is_condition(left) and not _both_plain(left, right):
            parts = (judge(left, facts), judge(right, facts))
            return Condition(_JOINS[operator], node, _alike(parts[0].verdict, parts[1].verdict, operator), parts)
        case _:
            return Condition("leaf", node, _leaf(node, facts))


def verdict_of(node: Node, facts: Mapping[str, Any]) -> Verdict:
    """What the condition comes to."""
    return judge(node, facts).verdict


def leaves(condition: Condition) -> Iterator[Condition]:
    """Every leaf, from left to right."""
    if condition.kind == "leaf":
        yield condition
    for part in condition.parts:
        yield from leaves(part)


def compute(node: Node, facts: Mapping[str, Any]) -> Computed:
    """What a number comes to, by CEL: whole numbers of 64 bits, division truncated towards zero."""
    if any(facts[fact.name] is None for fact in facts_in(node)):
        return Computed(None)
    try:
        return Computed(int(_evaluate(node, facts)))
    except ZeroDivisionError:
        return Computed(None, "division_by_zero")
    except OverflowError:
        return Computed(None, "number_too_large")


def facts_in(node: Node) -> Iterator[FactDefinition]:
    """Every fact that the expression names, as often as it does."""
    if isinstance(node, FactRef):
        yield node.fact
    for child in children(node):
        yield from facts_in(child)


def source(node: Node) -> str:
    """The expression in CEL; parentheses stand wherever something joined is part of something else."""
    match node:
        case Constant(bool() as truth):
            text = str(truth).lower()
        case Constant(int() as number):
            text = str(number)
        case Constant(word):
            text = f'"{word}"'
        case FactRef(fact):
            text = fact.name
        case Not(operand):
            text = f"!{_inner(operand)}"
        case Negative(operand):
            text = f"-{_inner(operand)}"
        case Binary("&&" | "||" as operator):
            text = f" {operator} ".join(_inner(each) for each in _flat(node, operator))
        case Binary(operator, left, right):
            text = f"{_inner(left)} {operator} {_inner(right)}"
        case OneOf(item, options):
            text = f"{_inner(item)} in [{', '.join(map(source, options))}]"
        case Holds(item, fact):
            text = f"{_inner(item)} in {source(fact)}"
    return text


def _inner(node: Node) -> str:
    return source(node) if isinstance(node, Constant | FactRef) else f"({source(node)})"


def _flat(node: Node, operator: str) -> Iterator[Node]:
    """The parts of `a && b && c`, which is a tree of pairs."""
    if isinstance(node, Binary) and node.operator == operator:
        yield from _flat(node.left, operator)
        yield from _flat(node.right, operator)
    else:
        yield node


def _is_condition(node: Node) -> bool:
    match node:
        case Constant(value):
            return isinstance(value, bool)
        case FactRef(fact):
            return fact.type == "bool"
        case Negative() | Binary("+" | "-" | "*" | "/"):
            return False
        case _:
            return True


def _both_plain(left: Node, right: Node) -> bool:
    return isinstance(left, Constant | FactRef) and isinstance(right, Constant | FactRef)


def _joined(kind: Kind, verdicts: list[Verdict]) -> Verdict:
    decides: Verdict = "false" if kind == "all" else "true"
    for verdict in (decides, "unknown", "fault"):
        if verdict in verdicts:
            return verdict
    return _DENIED[decides]


def _alike(left: Verdict, right: Verdict, operator: str) -> Verdict:
    if "unknown" in (left, right):
        return "unknown"
    if "fault" in (left, right):
        return "fault"
    return "true" if (left == right) == (operator == "==") else "false"


def _leaf(node: Node, facts: Mapping[str, Any]) -> Verdict:
    if any(facts[fact.name] is None for fact in facts_in(node)):
        return "unknown"
    try:
        return "true" if _evaluate(node, facts) else "false"
    except (ZeroDivisionError, OverflowError):
        return "fault"


@lru_cache(maxsize=8_192)
def _program(text: str) -> Callable[[dict[str, Any]], Any]:
    return cel.compile(text).execute


def _evaluate(node: Node, facts: Mapping[str, Any]) -> Any:
    return _program(source(node))({fact.name: facts[fact.name] for fact in facts_in(node)})
