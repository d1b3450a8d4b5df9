"""Expressions: the part of CEL in which programmes are written, parsed and checked against the vocabulary.

What is here means what it means in CEL (https://github.com/google/cel-spec): `||`, `&&`, `!`, comparisons, `in`,
`+ - * /` on whole numbers, parentheses, whole numbers, `true` and `false`, texts in double quotes, lists of literals,
and names of facts. A fact that is unknown makes a part unknown, and the whole only where it would decide.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final, Literal, NoReturn, TypeAlias

from subsidy.vocabulary_rules import BY_NAME, Entity, FactDefinition

LENGTH_MAX: Final = 2_000
DEPTH_MAX: Final = 24
NODES_MAX: Final = 200
INTEGER_MAX: Final = 2**63 - 1

Type = Literal["bool", "int", "string", "list"]
Operator = Literal["||", "&&", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/"]


class ExpressionFault(ValueError):
    """An expression that cannot be used: which rule it breaks, in which column (from 1), and what to do."""

    def __init__(self, code: str, column: int, message: str, message_zh: str) -> None:
        super().__init__(message)
        self.code, self.column, self.message, self.message_zh = code, column, message, message_zh


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal."""

    value: bool | int | str
    at: int


@dataclass(frozen=True, slots=True)
class FactRef:
    """The value of a fact."""

    fact: FactDefinition
    at: int


@dataclass(frozen=True, slots=True)
class Not:
    """`!operand`."""

    operand: "Node"
    at: int


@dataclass(frozen=True, slots=True)
class Negative:
    """`-operand`."""

    operand: "Node"
    at: int


@dataclass(frozen=True, slots=True)
class Binary:
    """`left operator right`; `at` is the operator's place."""

    operator: Operator
    left: "Node"
    right: "Node"
    at: int


@dataclass(frozen=True, slots=True)
class OneOf:
    """`item in [options]`."""

    item: "Node"
    options: tuple[Constant, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Holds:
    """`item in fact`, for a fact that is a list."""

    item: "Node"
    fact: FactRef
    at: int


Node: TypeAlias = Constant | FactRef | Not | Negative | Binary | OneOf | Holds


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that passed every check."""

    root: Node
    facts: tuple[FactDefinition, ...]
    """Those it names, each once, in order."""


def parse(text: str, wanted: Type, entities: Collection[Entity]) -> Expression:
    """The expression of `text`, which must come to a `wanted` and may name facts of these entities only.

    Raises ExpressionFault for the first thing in it that is not as it should be.
    """
    if len(text) > LENGTH_MAX:
        raise ExpressionFault(
            "too_long",
            LENGTH_MAX + 1,
            f"An expression has at most {LENGTH_MAX} characters: split the programme.",
            f"表达式最多 {LENGTH_MAX} 个字符：请拆分项目。",
        )
    parser = _Parser(text, frozenset(entities))
    root = parser.whole()
    _expect(root, wanted, _type(root))
    return Expression(root, tuple(dict.fromkeys(_facts(root))))


def children(node: Node) -> tuple[Node, ...]:
    """The parts of a node, from left to right."""
    match node:
        case Not(operand) | Negative(operand):
            return (operand,)
        case Binary(_, left, right):
            return (left, right)
        case OneOf(item, options):
            return (item, *options)
        case Holds(item, fact):
            return (item, fact)
        case _:
            return ()


def _facts(node: Node) -> Iterator[FactDefinition]:
    if isinstance(node, FactRef):
        yield node.fact
    for child in children(node):
        yield from _facts(child)


# -- words -------------------------------------------------------------------------------------------------------------

_WORD = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    |(?P<number>[0-9]+)(?![0-9A-Za-z_.])
    |(?P<text>"[^"\\\x00-\x1f\x7f]*")
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign>\|\||&&|==|!=|<=|>=|[-!<>+*/()\[\],])""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class _Word:
    kind: str  # number, text, name, sign, end
    text: str
    at: int


def _words(text: str) -> Iterator[_Word]:
    at = 0
    while at < len(text):
        match = _WORD.match(text, at)
        if match is None:
            _stranger(text, at)
        kind = match.lastgroup
        if kind is not None and kind != "space":
            yield _Word(kind, match.group(), at)
        at = match.end()
    yield _Word("end", "", len(text))


def _stranger(text: str, at: int) -> NoReturn:
    if text[at].isdigit():
        _fault(
            "number",
            at,
            "Only whole numbers are known here: write 13 / 10 instead of 1.3.",
            "只支持整数：请写 13 / 10，不写 1.3。",
        )
    if text[at] in "\"'":
        _fault(
            "text",
            at,
            'A text stands in double quotes, on one line and without backslashes: "full".',
            '文本须用双引号括起，写在一行内，不含反斜杠："full"。',
        )
    _fault(
        "character",
        at,
        "This character is not part of an expression: use && || ! == != < <= > >= in + - * / ( ) and names of facts.",
        "表达式中不能有此字符：请使用 && || ! == != < <= > >= in + - * / ( ) 和数据项名称。",
    )


def _fault(code: str, at: int, message: str, message_zh: str) -> NoReturn:
    raise ExpressionFault(code, at + 1, message, message_zh)


# -- grammar -----------------------------------------------------------------------------------------------------------

# CEL's own order of binding, the weakest first.
_LEVELS: Final[tuple[tuple[str, ...], ...]] = (
    ("||",),
    ("&&",),
    ("==", "!=", "<", "<=", ">", ">=", "in"),
    ("+", "-"),
    ("*", "/"),
)
_COMPARISON: Final = 2


class _Parser:
    """Recursive descent; every node is checked as it is made."""

    def __init__(self, text: str, entities: frozenset[Entity]) -> None:
        self._words = list(_words(text))
        self._entities = entities
        self._next = self._depth = self._nodes = 0

    def whole(self) -> Node:
        node = self._level(0)
        if (word := self._word).kind != "end":
            _fault(
                "trailing",
                word.at,
                f"The expression is complete before {word.text[:40]}: join the parts with && or ||.",
                f"表达式在 {word.text[:40]} 之前已结束：请用 && 或 || 连接。",
            )
        return node

    @property
    def _word(self) -> _Word:
        return self._words[self._next]

    def _take(self) -> _Word:
        word = self._word
        self._next += word.kind != "end"
        return word

    def _made(self, node: Node) -> Node:
        self._nodes += 1
        if self._nodes > NODES_MAX:
            _fault(
                "too_many_parts",
                node.at,
                f"An expression has at most {NODES_MAX} parts: split the programme.",
                f"表达式最多 {NODES_MAX} 个成分：请拆分项目。",
            )
        _check(node)
        return node

    def _level(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._sign()
        node, compared = self._level(level + 1), False
        while (word := self._word).text in _LEVELS[level] and word.kind in ("sign", "name"):
            if compared:
                _fault(
                    "chained",
                    word.at,
                    "Comparisons do not chain: write a >= 1 && a <= 5.",
                    "比较不能连写：请写 a >= 1 && a <= 5。",
                )
            self._take()
            node = self._made(self._joined(word, node, level))
            compared = level == _COMPARISON
        return node

    def _joined(self, word: _Word, left: Node, level: int) -> Node:
        if word.text == "in":
            return self._membership(left, word.at)
        right = self._level(level + 1)
        return Binary(word.text, left, right, word.at)  # type: ignore[arg-type]  # a sign of _LEVELS

    def _sign(self) -> Node:
        word = self._word
        if word.kind != "sign" or word.text not in ("!", "-", "("):
            return self._operand()
        self._take()
        self._depth += 1
        if self._depth > DEPTH_MAX:
            _fault(
                "too_deep",
                word.at,
                f"Parentheses and signs nest at most {DEPTH_MAX} deep: write it flatter.",
                f"括号和符号最多嵌套 {DEPTH_MAX} 层：请简化写法。",
            )
        if word.text == "(":
            node = self._level(0)
            self._close(")", word.at)
        elif word.text == "!":
            node = self._made(Not(self._sign(), word.at))
        else:
            node = self._made(Negative(self._sign(), word.at))
        self._depth -= 1
        return node

    def _close(self, sign: str, opened_at: int) -> None:
        if self._word.text != sign:
            _fault(
                "unclosed",
                self._word.at,
                f"A {sign} is missing here, for what opens in column {opened_at + 1}.",
                f"此处缺少 {sign}，对应第 {opened_at + 1} 列的开头。",
            )
        self._take()

    def _operand(self) -> Node:
        word = self._word
        if word.kind == "name" and word.text not in ("true", "false", "in"):
            self._take()
            return self._made(self._fact(word))
        return self._made(self._literal())

    def _literal(self) -> Constant:
        word = self._take()
        if word.kind == "number":
            if int(word.text) > INTEGER_MAX:
                _fault("number", word.at, f"A number is at most {INTEGER_MAX}.", f"数字最大为 {INTEGER_MAX}。")
            return Constant(int(word.text), word.at)
        if word.kind == "text":
            return Constant(word.text[1:-1], word.at)
        if word.kind == "name" and word.text in ("true", "false"):
            return Constant(word.text == "true", word.at)
        _fault(
            "operand",
            word.at,
            "A fact, a number, a text in double quotes, true or false is missing here.",
            "此处缺少数据项、数字、双引号文本、true 或 false。",
        )

    def _fact(self, word: _Word) -> FactRef:
        if self._word.text == "(":
            _fault(
                "function",
                word.at,
                "There are no functions here: what has to be computed is a fact of its own.",
                "不支持函数：需要计算的内容应作为单独的数据项。",
            )
        fact = BY_NAME.get(word.text)
        if fact is None:
            _fault(
                "unknown_fact",
                word.at,
                f"{word.text[:60]} is not a fact of the vocabulary: use one of its names, or have it added there.",
                f"词汇表中没有数据项 {word.text[:60]}：请使用已有名称，或先将其加入词汇表。",
            )
        if fact.entity not in self._entities:
            _fault(
                "whose",
                word.at,
                f"{fact.name} is a fact of a person: say in person_facts_of whose it is.",
                f"{fact.name} 是个人的数据项：请在 person_facts_of 中说明是谁的。",
            )
        return FactRef(fact, word.at)

    def _membership(self, item: Node, at: int) -> Node:
        opening = self._word
        if opening.text != "[":
            where = self._level(_COMPARISON + 1)
            if isinstance(where, FactRef) and where.fact.type == "list":
                return Holds(item, where, at)
            _fault(
                "in",
                where.at,
                'After in comes a list, ["a", "b"], or a fact that is a list.',
                'in 之后须为列表 ["a", "b"]，或列表类数据项。',
            )
        self._take()
        options: list[Constant] = []
        while self._word.text != "]":
            if options:
                self._close(",", opening.at)
            option = self._literal()
            self._made(option)
            options.append(option)
        self._take()
        if not options:
            _fault(
                "empty_list",
                opening.at,
                "Nothing is in an empty list: name at least one.",
                "空列表不含任何值：请至少写一个。",
            )
        return OneOf(item, tuple(options), at)


# -- types -------------------------------------------------------------------------------------------------------------


def _type(node: Node) -> Type:
    match node:
        case Constant(bool()):
            return "bool"
        case Constant(int()):
            return "int"
        case Constant():
            return "string"
        case FactRef(fact):
            return fact.type if fact.type != "date" else "string"
        case Negative() | Binary("+" | "-" | "*" | "/"):
            return "int"
        case _:
            return "bool"


def _expect(node: Node, wanted: Type, found: Type) -> None:
    if wanted != found:
        _fault(
            "type",
            node.at,
            f"The type here is {found}, and {wanted} is needed: compare it, or use another fact.",
            f"此处为 {found} 类型，需要 {wanted} 类型：请加上比较，或改用其他数据项。",
        )


def _check(node: Node) -> None:
    """Raise ExpressionFault unless the parts fit together."""
    match node:
        case FactRef(fact) if fact.type == "date":
            _fault(
                "date",
                node.at,
                f"{fact.name} is a date: use the fact that counts years or months from it.",
                f"{fact.name} 是日期：请使用由其推算年数或月数的数据项。",
            )
        case Not(operand):
            _expect(operand, "bool", _type(operand))
        case Negative(operand):
            _expect(operand, "int", _type(operand))
        case Binary(operator, left, right):
            _check_pair(operator, left, right, node.at)
        case OneOf(item, options):
            if _type(item) not in ("string", "int"):
                _expect(item, "string", _type(item))
            for option in options:
                _expect(option, _type(item), _type(option))
                _check_value(item, option)
        case Holds(item, listed):
            _expect(item, "string", _type(item))
            _check_value(listed, item)
        case _:
            pass


def _check_pair(operator: Operator, left: Node, right: Node, at: int) -> None:
    if operator in ("==", "!="):
        if _type(left) == "list":
            _fault("list", left.at, 'Ask a list with in: "a" in list.', '列表请用 in 判断："a" in 列表。')
        _expect(right, _type(left), _type(right))
        _check_value(left, right)
        _check_value(right, left)
        return
    wanted: Type = "bool" if operator in ("||", "&&") else "int"
    for part in (left, right):
        _expect(part, wanted, _type(part))
    if operator == "/" and right == Constant(0, right.at):
        _fault(
            "division_by_zero",
            at,
            "Nothing can be divided by 0: divide by another number.",
            "不能除以 0：请改用其他除数。",
        )


def _check_value(fact: Node, value: Node) -> None:
    """A text that the fact can never be makes a rule that silently pays nobody."""
    if not (isinstance(fact, FactRef) and fact.fact.values and isinstance(value, Constant)):
        return
    if value.value not in fact.fact.values:
        possible = ", ".join(fact.fact.values)
        _fault(
            "never",
            value.at,
            f"{fact.fact.name} is never that: it is one of {possible}.",
            f"{fact.fact.name} 没有此取值，只能是：{possible}。",
        )
