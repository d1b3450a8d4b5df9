"""Expressions over columns: what a rule comes to for everybody at once, as CEL would come to it for each of them.

A condition is true, false, unknown, or a fault (a division by zero, a number too large). As in CEL, what decides an
`&&` or `||` decides it whatever the other side is (https://github.com/google/cel-spec/blob/master/doc/langdef.md,
logical operators); an unknown side that would decide makes the whole unknown before a fault makes it one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from subsidy.column_rules import Bools, Column
from subsidy.expression_rules import (
    INTEGER_MAX,
    Binary,
    Constant,
    FactRef,
    Holds,
    Negative,
    Node,
    Not,
    OneOf,
    children,
)

_INTEGER_MIN: Final = -INTEGER_MAX - 1
_EVERYWHERE: Final = np.ones((), bool)
_NOWHERE: Final = np.zeros((), bool)

_COMPARED: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


_EXACT: Final[Mapping[str, Callable[[Any, Any], Any]]] = {"+": np.add, "-": np.subtract, "*": np.multiply}


@dataclass(frozen=True, slots=True)
class Truth:
    """A condition: where it is true, where false; where neither it is unknown, or `fault` says that it is one."""

    yes: Bools
    no: Bools
    fault: Bools | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number; None for known: everywhere, for fault: nowhere. lowest, highest bound what is known."""

    values: NDArray[Any]
    known: Bools | None
    lowest: int
    highest: int
    zero_divided: Bools | None = None
    too_large: Bools | None = None

    @property
    def fault(self) -> Bools | None:
        """Where there is no number, though all facts are known."""
        return _either(self.zero_divided, self.too_large)


def truth(node: Node, columns: Mapping[str, Column]) -> Truth:  # noqa: PLR0911  # a line for each kind of node
    """What a condition comes to. KeyError for a fact that has no column; the types were checked when it was parsed."""
    match node:
        case Constant(value):
            return Truth(_EVERYWHERE, _NOWHERE) if value else Truth(_NOWHERE, _EVERYWHERE)
        case FactRef(fact):
            column = columns[fact.name]
            return _known_truth(column.values, column.known, None)
        case Not(operand):
            it = truth(operand, columns)
            return Truth(it.no, it.yes, it.fault)
        case Binary("&&", left, right):
            return _both(truth(left, columns), truth(right, columns))
        case Binary("||", left, right):
            return _denied(_both(_denied(truth(left, columns)), _denied(truth(right, columns))))
        case Binary("==" | "!=" as operator, left, right) if _is_truth(left):
            return _same_truth(truth(left, columns), truth(right, columns), same=operator == "==")
        case Binary(operator, left, right) if _is_text(left):
            return _compared_texts(operator, _text(left, columns), _text(right, columns))
        case Binary(operator, left, right):
            return _compared(operator, number(left, columns), number(right, columns))
        case OneOf(item, options):
            return _one_of(item, options, columns)
        case Holds(item, fact):
            return _holds(_text(item, columns), columns[fact.fact.name])
        case Negative():
            raise TypeError("a number is no condition")


def number(node: Node, columns: Mapping[str, Column]) -> Number:
    """What a number comes to. KeyError for a fact that has no column."""
    match node:
        case Constant(int() as value):
            return Number(np.asarray(value, np.int64), None, value, value)
        case FactRef(fact):
            column = columns[fact.name]
            return Number(column.values, column.known, column.lowest, column.highest)
        case Negative(operand):
            zero = Number(np.asarray(0, np.int64), None, 0, 0)
            return _computed("-", zero, number(operand, columns))
        case Binary("+" | "-" | "*" | "/" as operator, left, right):
            return _computed(operator, number(left, columns), number(right, columns))
        case _:
            raise TypeError("a condition is no number")


def reason_of(node: Node, columns: Mapping[str, Column]) -> str:
    """Why an expression that has a fault somewhere has it: the first part that divides by zero, or gets too large."""
    for child in children(node):
        if reason := reason_of(child, columns):
            return reason
    if isinstance(node, Negative) or (isinstance(node, Binary) and node.operator in "+-*/"):
        it = number(node, columns)
        known = _EVERYWHERE if it.known is None else it.known
        if it.zero_divided is not None and (it.zero_divided & known).any():
            return "division_by_zero"
        if it.too_large is not None and (it.too_large & known).any():
            return "number_too_large"
    return ""


# -- conditions --------------------------------------------------------------------------------------------------------


def _denied(it: Truth) -> Truth:
    return Truth(it.no, it.yes, it.fault)


def _both(left: Truth, right: Truth) -> Truth:
    fault = None
    if left.fault is not None or right.fault is not None:
        ours = _NOWHERE if left.fault is None else left.fault
        theirs = _NOWHERE if right.fault is None else right.fault
        fault = (ours & (theirs | right.yes)) | (theirs & left.yes)
    return Truth(left.yes & right.yes, left.no | right.no, fault)


def _same_truth(left: Truth, right: Truth, *, same: bool) -> Truth:
    alike = (left.yes & right.yes) | (left.no & right.no)
    different = (left.yes & right.no) | (left.no & right.yes)
    fault = None
    if left.fault is not None or right.fault is not None:
        ours = _NOWHERE if left.fault is None else left.fault
        theirs = _NOWHERE if right.fault is None else right.fault
        fault = (ours & (theirs | right.yes | right.no)) | (theirs & (left.yes | left.no))
    return Truth(alike, different, fault) if same else Truth(different, alike, fault)


def _known_truth(values: Bools, known: Bools | None, fault: Bools | None) -> Truth:
    yes, no = (values, ~values) if known is None else (values & known, ~values & known)
    if fault is not None:
        yes, no = yes & ~fault, no & ~fault
    return Truth(yes, no, fault)


def _compared(operator: str, left: Number, right: Number) -> Truth:
    known, fault = _all(left.known, right.known), _either(left.fault, right.fault)
    if fault is not None and known is not None:
        fault = fault & known
    return _known_truth(_COMPARED[operator](left.values, right.values), known, fault)


def _one_of(item: Node, options: tuple[Constant, ...], columns: Mapping[str, Column]) -> Truth:
    if _is_text(item):
        text = _text(item, columns)
        wanted = [text.words.index(str(option.value)) for option in options if option.value in text.words]
        return _known_truth(np.isin(text.values, wanted), text.known, None)
    it = number(item, columns)
    fault = it.fault if it.known is None or it.fault is None else it.fault & it.known
    return _known_truth(np.isin(it.values, [option.value for option in options]), it.known, fault)


# -- texts and lists ---------------------------------------------------------------------------------------------------


def _is_truth(node: Node) -> bool:
    match node:
        case Constant(value):
            return isinstance(value, bool)
        case FactRef(fact):
            return fact.type == "bool"
        case Negative() | Binary("+" | "-" | "*" | "/"):
            return False
        case _:
            return True


def _is_text(node: Node) -> bool:
    match node:
        case Constant(value):
            return isinstance(value, str)
        case FactRef(fact):
            return fact.type == "string"
        case _:
            return False


def _text(node: Node, columns: Mapping[str, Column]) -> Column:
    if isinstance(node, FactRef):
        return columns[node.fact.name]
    assert isinstance(node, Constant)  # nothing else is a text
    return Column(np.zeros((), np.int64), None, (str(node.value),))


def _compared_texts(operator: str, left: Column, right: Column) -> Truth:
    """Two columns number their words differently: those of the right one are looked up among those of the left."""
    places = {word: place for place, word in enumerate(left.words)}
    among = np.array([places.get(word, -1) for word in right.words] or [-1], np.int64)
    same = left.values == among[right.values]
    return _known_truth(same if operator == "==" else ~same, _all(left.known, right.known), None)


def _holds(item: Column, listed: Column) -> Truth:
    bits = {word: 1 << place for place, word in enumerate(listed.words)}
    wanted = np.array([bits.get(word, 0) for word in item.words] or [0], np.int64)
    return _known_truth((listed.values & wanted[item.values]) != 0, _all(item.known, listed.known), None)


# -- numbers -----------------------------------------------------------------------------------------------------------


def _all(left: Bools | None, right: Bools | None) -> Bools | None:
    if left is None or right is None:
        return right if left is None else left
    both: Bools = left & right
    return both


def _either(left: Bools | None, right: Bools | None) -> Bools | None:
    if left is None or right is None:
        return right if left is None else left
    any_of_them: Bools = left | right
    return any_of_them


def _computed(operator: str, left: Number, right: Number) -> Number:
    known = _all(left.known, right.known)
    zero_divided = _either(left.zero_divided, right.zero_divided)
    too_large = _either(left.too_large, right.too_large)
    if operator == "/":
        return _divided(left, right, known, zero_divided, too_large)
    lowest, highest = _bounds(operator, left, right)
    with np.errstate(over="ignore"):
        if operator == "+":
            values = left.values + right.values
        elif operator == "-":
            values = left.values - right.values
        else:
            values = left.values * right.values
    if lowest < _INTEGER_MIN or highest > INTEGER_MAX:
        too_large = _either(too_large, _overflowed(operator, left.values, right.values))
        lowest, highest = max(lowest, _INTEGER_MIN), min(highest, INTEGER_MAX)
    return Number(values, known, lowest, highest, zero_divided, too_large)


def _bounds(operator: str, left: Number, right: Number) -> tuple[int, int]:
    if operator == "+":
        return left.lowest + right.lowest, left.highest + right.highest
    if operator == "-":
        return left.lowest - right.highest, left.highest - right.lowest
    corners = [one * other for one in (left.lowest, left.highest) for other in (right.lowest, right.highest)]
    return min(corners), max(corners)


def _overflowed(operator: str, left: NDArray[Any], right: NDArray[Any]) -> Bools:
    """Where the result has no place in 64 bits. Only asked where the bounds allow it at all, so it may be slow."""
    one, other = np.broadcast_arrays(left, right)
    exact = _EXACT[operator](one.astype(object), other.astype(object))
    out: Bools = np.asarray((exact < _INTEGER_MIN) | (exact > INTEGER_MAX), bool)
    return out


def _divided(
    left: Number, right: Number, known: Bools | None, zero_divided: Bools | None, too_large: Bools | None
) -> Number:
    """Truncated towards zero, as CEL divides; numpy rounds down."""
    by = right.values
    if right.lowest <= 0 <= right.highest:
        zero = np.asarray(by == 0)
        by, zero_divided = np.where(zero, 1, by), _either(zero_divided, zero)
    if left.lowest <= _INTEGER_MIN and right.lowest <= -1 <= right.highest:
        out = np.asarray((left.values == _INTEGER_MIN) & (by == -1))
        by, too_large = np.where(out, 1, by), _either(too_large, out)
    with np.errstate(divide="ignore", over="ignore"):  # of what is too large already
        values = left.values // by
    if left.lowest < 0 or right.lowest < 0:
        values = values + ((values * by != left.values) & ((left.values < 0) != (by < 0)))
    widest = max(abs(left.lowest), abs(left.highest))
    return Number(values, known, -widest, widest, zero_divided, too_large)
