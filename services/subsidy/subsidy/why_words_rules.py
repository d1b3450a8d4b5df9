"""Explanations in words: each condition, what would change it and how an amount was computed, in Chinese and English.

Facts named in `theirs` are another member's of the household: of them it is said that a member has them, never a value.
"""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from runtime.problems import Bilingual
from subsidy.expression_rules import Binary, Constant, FactRef, Holds, Negative, Node, Not, OneOf
from subsidy.why_change_rules import Change, ChangeSet
from subsidy.why_facts_rules import KnownFact, values
from subsidy.why_rules import Computed, Condition, Verdict, compute, facts_in, source
from subsidy.why_titles_rules import NO, YES, department, number, title, value, word, yuan

ReadKind = Literal["leaf", "all", "any", "same", "different"]

_TURNED: Final[Mapping[str, ReadKind]] = {
    "leaf": "leaf",
    "all": "any",
    "any": "all",
    "same": "different",
    "different": "same",
}
_DENIED: Final[Mapping[Verdict, Verdict]] = {"true": "false", "false": "true", "unknown": "unknown", "fault": "fault"}
_MET: Final[Mapping[Verdict, Bilingual]] = {
    "true": Bilingual(en="Met.", zh="符合。"),
    "false": Bilingual(en="Not met.", zh="不符合。"),
    "unknown": Bilingual(en="Cannot be told yet.", zh="尚不能判断。"),
    "fault": Bilingual(en="Cannot be computed.", zh="无法计算。"),
}
_GROUPS: Final[Mapping[ReadKind, Bilingual]] = {
    "all": Bilingual(en="All of these are needed:", zh="以下各项须全部符合："),
    "any": Bilingual(en="One of these is enough:", zh="以下各项符合一项即可："),
    "same": Bilingual(en="Both of these must be met, or neither:", zh="以下两项须同时符合或同时不符合："),
    "different": Bilingual(en="Exactly one of these must be met:", zh="以下两项须恰有一项符合："),
}
_SIGNS: Final[Mapping[str, Bilingual]] = {
    ">=": Bilingual(en="must be at least", zh="须不小于"),
    ">": Bilingual(en="must be more than", zh="须大于"),
    "<=": Bilingual(en="must be at most", zh="须不大于"),
    "<": Bilingual(en="must be less than", zh="须小于"),
    "==": Bilingual(en="must be", zh="须为"),
    "!=": Bilingual(en="must not be", zh="不得为"),
}
_INVERSE: Final[Mapping[str, str]] = {">=": "<", ">": "<=", "<=": ">", "<": ">=", "==": "!=", "!=": "=="}
_MIRRORED: Final[Mapping[str, str]] = {">=": "<=", ">": "<", "<=": ">=", "<": ">", "==": "==", "!=": "!="}
_ARITHMETIC: Final[Mapping[str, str]] = {"+": "+", "-": "−", "*": "×", "/": "÷"}
_FAULTS: Final[Mapping[str, Bilingual]] = {
    "division_by_zero": Bilingual(en="something is divided by zero", zh="除数为零"),
    "number_too_large": Bilingual(en="a number is too large", zh="数值过大"),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """A condition as it is read: `!` is gone, every leaf says what is needed; verdict: whether that is met."""

    kind: ReadKind
    verdict: Verdict
    said: Bilingual
    condition: Condition
    expression: str
    parts: tuple["Reading", ...] = ()


def read(
    condition: Condition, facts: Mapping[str, KnownFact], theirs: Set[str] = frozenset(), *, wanted: bool = True
) -> Reading:
    """The condition in words; `wanted` is what it has to be."""
    if condition.kind == "not":
        return read(condition.parts[0], facts, theirs, wanted=not wanted)
    verdict = condition.verdict if wanted else _DENIED[condition.verdict]
    if condition.kind == "leaf":
        words = _sentence(condition, facts, theirs, verdict, wanted=wanted)
        return Reading("leaf", verdict, words, condition, _expression(condition, wanted=wanted))
    kind: ReadKind = condition.kind if wanted else _TURNED[condition.kind]
    down = wanted if condition.kind in ("all", "any") else True
    parts = tuple(read(part, facts, theirs, wanted=down) for part in condition.parts)
    return Reading(kind, verdict, _GROUPS[kind], condition, _expression(condition, wanted=wanted), parts)


def _expression(condition: Condition, *, wanted: bool) -> str:
    text = source(condition.node)
    return text if wanted else f"!({text})"


def _sentence(
    leaf: Condition, facts: Mapping[str, KnownFact], theirs: Set[str], verdict: Verdict, *, wanted: bool
) -> Bilingual:
    need, state, met = _need(leaf.node, wanted=wanted), _state(leaf, facts, theirs), _MET[verdict]
    member = any(fact.name in theirs for fact in leaf.facts)
    who_en, who_zh = ("A member of the household: ", "户内一名成员：") if member else ("", "")
    said_en = f"{who_en}{need.en}{'; ' if state.en else ''}{state.en}. {met.en}"
    return Bilingual(en=said_en, zh=f"{who_zh}{need.zh}{'，' if state.zh else ''}{state.zh}。{met.zh}")


# -- what is needed ----------------------------------------------------------------------------------------------------


def _need(node: Node, *, wanted: bool) -> Bilingual:
    match node:
        case FactRef(fact):
            name, word_of = title(fact), YES if wanted else NO
            need = Bilingual(en=f"“{name.en}” must be {word_of.en}", zh=f"“{name.zh}”须为{word_of.zh}")
        case Constant():
            need = Bilingual(en="This is the same for everybody", zh="此项对所有人相同")
        case Binary(operator, Constant() as left, right) if not isinstance(right, Constant):
            need = _need(Binary(_MIRRORED[operator], right, left, node.at), wanted=wanted)  # type: ignore[arg-type]
        case Binary(operator, left, right):
            sign = _SIGNS[operator if wanted else _INVERSE[operator]]
            one, other = _side(left, right), _side(right, left)
            need = Bilingual(en=f"{one.en} {sign.en} {other.en}", zh=f"{one.zh}{sign.zh}{other.zh}")
        case OneOf(item, options):
            one, each = _side(item, item), [_side(option, item) for option in options]
            en, zh = ("must be one of", "须为其中之一") if wanted else ("must be none of", "不得为其中任何一项")
            need = Bilingual(
                en=f"{one.en} {en}: {', '.join(option.en for option in each)}",
                zh=f"{one.zh}{zh}：{'、'.join(option.zh for option in each)}",
            )
        case Holds(item, fact):
            one, other = _side(fact, fact), _side(item, fact)
            en, zh = ("must include", "须包含") if wanted else ("must not include", "不得包含")
            need = Bilingual(en=f"{one.en} {en} {other.en}", zh=f"{one.zh}{zh}{other.zh}")
        case Not() | Negative():
            raise TypeError("this is no leaf")
    return need


def _side(node: Node, other: Node) -> Bilingual:
    """One side of a comparison; a literal is said as what it is compared with is."""
    if not isinstance(node, Constant):
        return formula(node)
    fact = other.fact if isinstance(other, FactRef) else None
    if isinstance(node.value, bool):
        return YES if node.value else NO
    if isinstance(node.value, str):
        return word(fact, node.value) if fact is not None else Bilingual(en=node.value, zh=node.value)
    return number(node.value, unit_of(other), fact.name if fact is not None else "")


def formula(node: Node, unit: str = "") -> Bilingual:
    """A number in words: the titles of its facts, joined by × ÷ + −. unit: of a literal that is added."""
    match node:
        case Constant(int() as many):
            return number(many, unit)
        case Constant(text):
            return Bilingual(en=str(text), zh=str(text))
        case FactRef(fact):
            name = title(fact)
            return Bilingual(en=f"“{name.en}”", zh=f"“{name.zh}”")
        case Negative(operand):
            inner = _inside(operand, unit)
            return Bilingual(en=f"−{inner.en}", zh=f"−{inner.zh}")
        case Binary(operator, left, right):
            added = unit_of(node) if operator in ("+", "-") else ""
            one, other, sign = _inside(left, added), _inside(right, added), _ARITHMETIC[operator]
            return Bilingual(en=f"{one.en} {sign} {other.en}", zh=f"{one.zh} {sign} {other.zh}")
        case _:
            raise TypeError("a condition is no number")


def _inside(node: Node, unit: str) -> Bilingual:
    said = formula(node, unit)
    return Bilingual(en=f"({said.en})", zh=f"({said.zh})") if isinstance(node, Binary) else said


def unit_of(node: Node) -> str:
    """The unit of a number: that of its facts; money times a count is money."""
    units = [fact.unit for fact in facts_in(node) if fact.unit]
    return next((unit for unit in units if unit.startswith("fen")), units[0] if units else "")


# -- how it is ---------------------------------------------------------------------------------------------------------


def _state(leaf: Condition, facts: Mapping[str, KnownFact], theirs: Set[str]) -> Bilingual:
    missing = [facts[fact.name] for fact in leaf.facts if facts[fact.name].value is None]
    if missing:
        named = len(leaf.facts) > 1
        said = [owed(fact, named=named) for fact in missing]
        return Bilingual(en="; ".join(each.en for each in said), zh="；".join(each.zh for each in said))
    if not leaf.facts or any(fact.name in theirs for fact in leaf.facts):
        return Bilingual(en="", zh="")
    if leaf.verdict == "fault":
        return _fault(leaf.node, values(facts))
    if len(leaf.facts) == 1 and not _computes(leaf.node):
        (fact,) = leaf.facts
        now = value(fact, facts[fact.name].value)
        return Bilingual(en=f"it is {now.en}", zh=f"现为{now.zh}")
    return _both_sides(leaf.node, facts)


def owed(fact: KnownFact, *, named: bool = True) -> Bilingual:
    """That a fact is unknown, and who has to say it; `named`: by its title, else as what was just spoken of."""
    name, who = title(fact.definition), department(fact.department)
    match fact.gap:
        case "no_subject":
            said = Bilingual(en="nobody is known of whom it could be said", zh="没有可据以判断的人或户")
        case "no_parameter":
            said = Bilingual(en=f"{who.en} has not set it for this month", zh=f"{who.zh}尚未设定本月标准")
        case "no_row":
            said = Bilingual(
                en=f"{who.en} has sent nothing, and its register is not declared complete",
                zh=f"{who.zh}尚未提供，其登记库也未声明完整",
            )
        case _:
            said = Bilingual(en=f"{who.en} has to provide it", zh=f"须由{who.zh}提供")
    it = Bilingual(en=f"“{name.en}” is", zh=f"“{name.zh}”") if named else Bilingual(en="it is", zh="现")
    return Bilingual(en=f"{it.en} unknown: {said.en}", zh=f"{it.zh}未知：{said.zh}")


def _computes(node: Node) -> bool:
    if isinstance(node, Binary) and node.operator not in ("+", "-", "*", "/"):
        return _computes(node.left) or _computes(node.right)
    return isinstance(node, Binary | Negative) or (isinstance(node, OneOf) and _computes(node.item))


def _both_sides(node: Node, facts: Mapping[str, KnownFact]) -> Bilingual:
    sides = [node.left, node.right] if isinstance(node, Binary) else [node.item] if isinstance(node, OneOf) else []
    said = [_said_of(side, facts) for side in sides if list(facts_in(side))]
    return Bilingual(
        en="; ".join(f"{name.en} is {now.en}" for name, now in said),
        zh="，".join(f"{name.zh}现为{now.zh}" for name, now in said),
    )


def _said_of(side: Node, facts: Mapping[str, KnownFact]) -> tuple[Bilingual, Bilingual]:
    if isinstance(side, FactRef):
        return formula(side), value(side.fact, facts[side.fact.name].value)
    return formula(side), number(compute(side, values(facts)).value or 0, unit_of(side))


def _fault(node: Node, now: Mapping[str, Any]) -> Bilingual:
    for side in (node.left, node.right) if isinstance(node, Binary) else ():
        if _computes(side) and (came := compute(side, now)).fault is not None:
            return _FAULTS[came.fault]
    return _FAULTS["number_too_large"]


# -- amounts -----------------------------------------------------------------------------------------------------------


def amount(node: Node, came: Computed, facts: Mapping[str, KnownFact], theirs: Set[str] = frozenset()) -> Bilingual:
    """How the amount is computed, with the numbers put in; in fen, areas in hundredths of a mu, as the rule has it."""
    if isinstance(node, Constant):
        fixed = yuan(int(node.value))
        return Bilingual(en=f"A fixed amount: {fixed} yuan.", zh=f"固定金额：{fixed}元。")
    words = formula(node)
    missing = [facts[fact.name] for fact in dict.fromkeys(facts_in(node)) if facts[fact.name].value is None]
    if missing:
        said = [owed(fact) for fact in missing]
        return Bilingual(
            en=f"Amount in fen: {words.en}. {'; '.join(each.en for each in said)}.",
            zh=f"金额（分）：{words.zh}。{'；'.join(each.zh for each in said)}。",
        )
    if came.fault is not None or came.value is None:
        why = _FAULTS[came.fault or "number_too_large"]
        return Bilingual(
            en=f"Amount in fen: {words.en}. It cannot be computed: {why.en}.",
            zh=f"金额（分）：{words.zh}。无法计算：{why.zh}。",
        )
    if any(fact.name in theirs for fact in facts_in(node)):
        return Bilingual(en=f"Amount: {yuan(came.value)} yuan.", zh=f"金额：{yuan(came.value)}元。")
    put_in = _put_in(node, values(facts))
    return Bilingual(
        en=f"Amount in fen: {words.en} = {put_in} = {came.value}, which is {yuan(came.value)} yuan.",
        zh=f"金额（分）：{words.zh} = {put_in} = {came.value}，即{yuan(came.value)}元。",
    )


def _put_in(node: Node, now: Mapping[str, Any]) -> str:
    match node:
        case FactRef(fact):
            return str(now[fact.name])
        case Negative(operand):
            return f"−{_put_in(operand, now)}"
        case Binary(operator, left, right):
            one, other = (
                f"({_put_in(side, now)})" if isinstance(side, Binary) else _put_in(side, now) for side in (left, right)
            )
            return f"{one} {_ARITHMETIC[operator]} {other}"
        case Constant(many):
            return str(many)
        case _:
            raise TypeError("a condition is no number")


# -- what would change it ----------------------------------------------------------------------------------------------


def change_set(changes: ChangeSet, reference_on: date, theirs: Set[str] = frozenset()) -> Bilingual:
    """All changes of a set in one sentence."""
    said = [change(each, reference_on, each.fact.name in theirs) for each in changes.changes]
    return Bilingual(
        en=f"{'; and '.join(each.en for each in said)}.", zh=f"{'；并且'.join(each.zh for each in said)}。"
    )


def change(it: Change, reference_on: date, of_another: bool = False) -> Bilingual:
    """One change, without a full stop."""
    if of_another:
        return _of_another(it)
    name = title(it.fact.definition)
    now, then = (value(it.fact.definition, each) for each in (it.now, it.then))
    who = department(it.fact.department)
    if it.kind == "time":
        return _in_time(it, reference_on, name, now, then)
    # Of what is true or false there is one value that helps; of a number or a word there may be others.
    some = Bilingual(en="", zh="且须") if isinstance(it.then, bool) else Bilingual(en=", for instance", zh="例如")
    phrases: Mapping[str, Callable[[], Bilingual]] = {
        "told": lambda: Bilingual(
            en=f"“{name.en}” is unknown and owed by {who.en}; it would have to be {then.en}{some.en}",
            zh=f"“{name.zh}”未知，须由{who.zh}提供，{some.zh}为{then.zh}",
        ),
        "measured": lambda: Bilingual(
            en=f"“{name.en}” changes from {now.en} to {then.en}", zh=f"“{name.zh}”由{now.zh}变为{then.zh}"
        ),
        "said": lambda: Bilingual(
            en=f"the register of {who.en} says {then.en} instead of {now.en} for “{name.en}”",
            zh=f"{who.zh}登记的“{name.zh}”由“{now.zh}”变为“{then.zh}”",
        ),
        "paid": lambda: Bilingual(
            en=f"“{name.en}”, known from our own payments, is {then.en} instead of {now.en}",
            zh=f"“{name.zh}”（由本系统的发放记录得出）由{now.zh}变为{then.zh}",
        ),
        "policy": lambda: Bilingual(
            en=f"the county sets “{name.en}” at {then.en} instead of {now.en}",
            zh=f"本县的“{name.zh}”由{now.zh}调整为{then.zh}",
        ),
        "past": lambda: Bilingual(
            en=f"“{name.en}” would have to be {then.en} and is {now.en}; time does not go back, so this does not come",
            zh=f"“{name.zh}”须为{then.zh}而现为{now.zh}；时间不会倒退，此项不会再实现",
        ),
    }
    return phrases[it.kind]()


def _in_time(it: Change, reference_on: date, name: Bilingual, now: Bilingual, then: Bilingual) -> Bilingual:
    assert it.from_month is not None  # time has a day
    months = it.from_month.year * 12 + it.from_month.month - reference_on.year * 12 - reference_on.month
    wait = number(months, "months")
    return Bilingual(
        en=f"“{name.en}”: {now.en} → {then.en} in {wait.en} (from {it.from_month:%Y-%m} on)",
        zh=f"“{name.zh}”由{now.zh}变为{then.zh}，再过{wait.zh}（自{it.from_month:%Y-%m}起）",
    )


def _of_another(it: Change) -> Bilingual:
    name, who = title(it.fact.definition), department(it.fact.department)
    if it.kind == "told":
        return Bilingual(
            en=f"“{name.en}” of a member of the household is unknown and owed by {who.en}",
            zh=f"户内一名成员的“{name.zh}”未知，须由{who.zh}提供",
        )
    if it.kind == "past":
        return Bilingual(
            en=f"“{name.en}” of a member of the household would have to be what it no longer can be",
            zh=f"户内一名成员的“{name.zh}”须为已不可能再有的情形",
        )
    when_en, when_zh = (
        (f", from {it.from_month:%Y-%m} on", f"（自{it.from_month:%Y-%m}起）") if it.from_month else ("", "")
    )
    return Bilingual(
        en=f"“{name.en}” of a member of the household changes{when_en}",
        zh=f"户内一名成员的“{name.zh}”发生变化{when_zh}",
    )
