"""Random expressions, how CEL would write them with every parenthesis, and what they come to when facts are unknown."""

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from subsidy.expression_rules import Binary, Constant, FactRef, Holds, Negative, Node, Not, OneOf

INTS = ("age_years", "disability_level", "household_size")
BOOLS = ("is_alive", "hukou_local", "dibao_household")
WORDS = ("self", "partial", "full")
TYPES = ("vision", "physical", "mental")

_WHOLE = st.integers(-4, 4)


def _join(parts: st.SearchStrategy[str], signs: list[str]) -> st.SearchStrategy[str]:
    rest = st.lists(st.tuples(st.sampled_from(signs), parts), max_size=3)
    return st.builds(lambda first, more: " ".join([first, *(f"{sign} {part}" for sign, part in more)]), parts, rest)


def _numbers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operand = st.sampled_from(INTS) | st.integers(0, 9).map(str) | inner.map("({})".format) | inner.map("-({})".format)
    divided = st.builds("{} / {}".format, operand, st.sampled_from(["2", "3", "-3", "10"]))
    return _join(_join(operand | divided, ["*"]), ["+", "-"])


def _short(text: str) -> bool:
    return len(text) < 400  # within the limit of an expression's parts


numbers = _numbers(st.sampled_from(INTS)).filter(_short)

_texts = st.sampled_from(WORDS).map('"{}"'.format)
_membership = (
    st.builds("care_dependency in [{}]".format, st.lists(_texts, min_size=1, max_size=3).map(", ".join))
    | st.builds("{} in [{}, 7]".format, st.sampled_from(INTS), st.integers(0, 5))
    | st.builds('"{}" in disability_types'.format, st.sampled_from(TYPES))
)
_comparison = (
    st.builds("{} {} {}".format, numbers, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), numbers)
    | st.builds("care_dependency {} {}".format, st.sampled_from(["==", "!="]), _texts)
    | st.builds("{} {} {}".format, st.sampled_from(BOOLS), st.sampled_from(["==", "!="]), st.sampled_from(BOOLS))
    | _membership
)


def _conditions(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    atom = st.sampled_from([*BOOLS, "true", "false"]) | inner.map("({})".format) | inner.map("!({})".format)
    return _join(atom | _comparison, ["&&", "||"])


conditions = st.recursive(_comparison | st.sampled_from(BOOLS), _conditions, max_leaves=6).filter(_short)

values = st.fixed_dictionaries(
    {
        **dict.fromkeys(INTS, _WHOLE),
        **{name: st.booleans() for name in BOOLS},
        "care_dependency": st.sampled_from(WORDS),
        "disability_types": st.lists(st.sampled_from(TYPES), unique=True, max_size=3).map(tuple),
    }
)
"""A value for each fact that the expressions name."""

some_unknown = st.builds(
    lambda known, unknown: {name: None if name in unknown else value for name, value in known.items()},
    values,
    st.sets(st.sampled_from([*INTS, *BOOLS, "care_dependency", "disability_types"])),
)
"""The same, some of them unknown."""


def render(node: Node) -> str:
    """The expression in CEL with all parentheses, so that nothing depends on what binds stronger."""
    match node:
        case Constant(bool() as truth):
            return str(truth).lower()
        case Constant(int() as number):
            return str(number)
        case Constant(text):
            return f'"{text}"'
        case FactRef(fact):
            return fact.name
        case Not(operand):
            return f"(!{render(operand)})"
        case Negative(operand):
            return f"(-{render(operand)})"
        case Binary(operator, left, right):
            return f"({render(left)} {operator} {render(right)})"
        case OneOf(item, options):
            return f"({render(item)} in [{', '.join(map(render, options))}])"
        case Holds(item, fact):
            return f"({render(item)} in {render(fact)})"


def _divided(left: int, right: int) -> int:
    quotient = abs(left) // abs(right)  # CEL truncates towards zero
    return quotient if (left < 0) == (right < 0) else -quotient


_COMPUTED: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": _divided,
}


def kleene(node: Node, facts: Mapping[str, Any]) -> Any:
    """What the expression comes to; None is unknown, and decides nothing that the rest decides without it."""
    match node:
        case Constant(value):
            return value
        case FactRef(fact):
            return facts[fact.name]
        case Not(operand):
            return None if (value := kleene(operand, facts)) is None else not value
        case Negative(operand):
            return None if (value := kleene(operand, facts)) is None else -value
        case Binary("&&" | "||" as operator, left, right):
            parts, decides = (kleene(left, facts), kleene(right, facts)), operator == "||"
            if any(part is decides for part in parts):
                return decides
            return None if None in parts else not decides
        case Binary(operator, left, right):
            first, second = kleene(left, facts), kleene(right, facts)
            return None if first is None or second is None else _COMPUTED[operator](first, second)
        case OneOf(item, options):
            value = kleene(item, facts)
            return None if value is None else value in [option.value for option in options]
        case Holds(item, fact):
            value, held = kleene(item, facts), kleene(fact, facts)
            return None if value is None or held is None else value in held
