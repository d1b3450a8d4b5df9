"""What would change a verdict: the smallest sets of facts that, were they otherwise, would turn it, each tried out.

First which conditions would have to turn, then which facts turn them: time that passes turns what counts time, what is
unknown waits for a department, what is measured has a threshold. A set is told only when the rule was evaluated with it
and came to the verdict wanted.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from itertools import islice, product
from typing import Any, Final, Literal

from subsidy.expression_rules import Binary, Constant, FactRef, Holds, Negative, Node, children
from subsidy.vocabulary_rules import FactDefinition
from subsidy.why_facts_rules import KnownFact, at, month_when, values
from subsidy.why_rules import Condition, compute, facts_in, judge, leaves, verdict_of

Wanted = Literal["true", "false"]
ChangeKind = Literal["time", "told", "measured", "said", "paid", "policy", "past"]
"""time: it comes by itself. told: unknown, and a department owes it. measured: a number. said: what a register says.
paid: what we ourselves paid. policy: a parameter of the county. past: it would have to be earlier than it is."""

SETS_MAX: Final = 12
_FLIPS_MAX: Final = 48
_COMBINED_MAX: Final = 4_096
_TRIED_MAX: Final = 256
_YEARS_AHEAD: Final = 120
_SAID_ANYTHING: Final = 10**12
_RANK: Final[Mapping[ChangeKind, int]] = {
    "time": 0,
    "told": 1,
    "measured": 2,
    "said": 3,
    "paid": 4,
    "policy": 5,
    "past": 6,
}


@dataclass(frozen=True, slots=True)
class Change:
    """A fact that would be otherwise. now: None is unknown. from_month: the month from which time has made it so."""

    fact: KnownFact
    now: Any
    then: Any
    kind: ChangeKind
    from_month: date | None = None


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """All of these together turn the verdict, and none of them is needless."""

    changes: tuple[Change, ...]

    @property
    def possible(self) -> bool:
        """Whether no time would have to go backwards."""
        return all(change.kind != "past" for change in self.changes)


def applied(changes: ChangeSet, facts: Mapping[str, KnownFact]) -> dict[str, Any]:
    """The values of the facts after these changes."""
    month = next((change.from_month for change in changes.changes if change.from_month is not None), None)
    said = {change.fact.name: change.then for change in changes.changes if change.from_month is None}
    return _otherwise(facts, month, [said])


def _otherwise(facts: Mapping[str, KnownFact], month: date | None, said: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    after = values(facts if month is None else at(facts, month))
    for each in said:
        after.update(each)
    return after


Flip = frozenset[tuple[int, bool]]
"""Leaves by number, and whether each would have to be true."""


def changes_to(
    wanted: Wanted, root: Node, facts: Mapping[str, KnownFact], reference_on: date, *, limit: int = SETS_MAX
) -> list[ChangeSet]:
    """The sets that would make the condition come to what is wanted, what can happen first and the smallest first.

    Empty where it comes to that already, or where nothing that is known here would.
    """
    condition = judge(root, values(facts))
    if condition.verdict == wanted:
        return []
    trial = _Trial(root, wanted, facts, reference_on)
    numbered = list(leaves(condition))
    found: dict[frozenset[tuple[str, str]], ChangeSet] = {}
    for flip in _needed(condition, wanted == "true", {id(leaf): place for place, leaf in enumerate(numbered)}):
        for made in trial.realise([(numbered[place], truth) for place, truth in sorted(flip)]):
            found.setdefault(frozenset((change.fact.name, str(change.then)) for change in made.changes), made)
    return sorted(found.values(), key=_soonest)[:limit]


def _soonest(changes: ChangeSet) -> tuple[bool, int, int]:
    """What can happen before what cannot, few changes before many, what comes by itself before what others decide."""
    return not changes.possible, len(changes.changes), max(_RANK[change.kind] for change in changes.changes)


# -- which conditions would have to turn -------------------------------------------------------------------------------


def _needed(condition: Condition, want: bool, place: Mapping[int, int]) -> list[Flip]:
    """The smallest sets of leaves that would have to be true or false."""
    if condition.verdict == ("true" if want else "false"):
        return [frozenset()]
    match condition.kind:
        case "leaf":
            return [frozenset({(place[id(condition)], want)})]
        case "not":
            return _needed(condition.parts[0], not want, place)
        case "same" | "different":
            alike = want == (condition.kind == "same")
            left, right = condition.parts
            return _smallest(
                both
                for truth in (True, False)
                for both in _every([_needed(left, truth, place), _needed(right, truth == alike, place)])
            )
        case kind:
            parts = [_needed(part, want, place) for part in condition.parts]
            return _smallest(_every(parts) if want == (kind == "all") else (each for part in parts for each in part))


def _every(parts: Sequence[list[Flip]]) -> Iterator[Flip]:
    """One of each part, together."""
    joined = reduce(lambda done, part: _smallest(one | other for one in done for other in part), parts, [Flip()])
    return iter(joined)


def _smallest(flips: Iterator[Flip]) -> list[Flip]:
    """The smallest of them, without those that contain another or contradict themselves."""
    kept: list[Flip] = []
    for flip in sorted(set(islice(flips, _FLIPS_MAX * _FLIPS_MAX)), key=lambda each: (len(each), sorted(each))):
        if len({place for place, _ in flip}) == len(flip) and not any(other <= flip for other in kept):
            kept.append(flip)
    return kept[:_FLIPS_MAX]


# -- which facts turn them ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Step:
    """One way in which something would be otherwise: facts and their new values; or a month, and what it turns."""

    to: Mapping[str, Any]
    kind: ChangeKind | None = None
    month: date | None = None
    timed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Trial:
    """Tries changes out on the whole condition."""

    root: Node
    wanted: Wanted
    facts: Mapping[str, KnownFact]
    reference_on: date

    def realise(self, turned: Sequence[tuple[Condition, bool]]) -> list[ChangeSet]:
        """The nearest changes of facts that turn these leaves and with them the whole; none where there is none here.

        What time does by itself comes before what would have to be another date.
        """
        nodes = [leaf.node for leaf, _ in turned]
        changing = [self.facts[name] for name in dict.fromkeys(fact.name for leaf, _ in turned for fact in leaf.facts)]
        timed = [fact for fact in changing if fact.counts_time]
        ways = [self._ways(fact, nodes) for fact in changing if not fact.counts_time]
        if timed and (made := self._nearest([*ways, [_Step({}), *self._months(timed, nodes)]], turned)):
            return made
        return self._nearest([*ways, *(self._ways(fact, nodes) for fact in timed)], turned)

    def _nearest(self, choices: Sequence[list[_Step]], turned: Sequence[tuple[Condition, bool]]) -> list[ChangeSet]:
        """One set for each group of facts that do it, the smallest groups first."""
        combined = [
            tuple(step for step in steps if step.to or step.month is not None)
            for steps in islice(product(*choices), _COMBINED_MAX)
        ]
        made: dict[frozenset[str], ChangeSet] = {}
        for steps in sorted(combined, key=len)[:_TRIED_MAX]:
            group = frozenset(name for step in steps for name in (*step.to, *step.timed))
            if not any(smaller <= group for smaller in made) and self._turns(steps, turned):
                made[group] = self._set(steps)
        return list(made.values())

    def _turns(self, steps: Sequence[_Step], turned: Sequence[tuple[Condition, bool]] = ()) -> bool:
        after = self._after(steps)
        if any(verdict_of(leaf.node, after) != ("true" if truth else "false") for leaf, truth in turned):
            return False
        return verdict_of(self.root, after) == self.wanted

    def _after(self, steps: Sequence[_Step]) -> dict[str, Any]:
        month = next((step.month for step in steps if step.month is not None), None)
        return _otherwise(self.facts, month, [step.to for step in steps])

    def _set(self, steps: Sequence[_Step]) -> ChangeSet:
        """Without what turned out not to be needed; what was needed beside another may not be without it."""
        needed, tried = list(steps), -1
        while tried != len(needed):
            tried = len(needed)
            for step in tuple(needed):
                fewer = [each for each in needed if each is not step]
                if self._turns(fewer):
                    needed = fewer
        before, after = values(self.facts), self._after(needed)
        changes = []
        for step in needed:
            if step.month is not None:
                changes += [
                    Change(self.facts[name], before[name], after[name], "time", step.month)
                    for name in step.timed
                    if before[name] != after[name]
                ]
            changes += [
                Change(self.facts[name], before[name], then, step.kind or _kind(self.facts[name]))
                for name, then in step.to.items()
            ]
        return ChangeSet(tuple(changes))

    def _ways(self, fact: KnownFact, turned: Sequence[Node]) -> list[_Step]:
        """As it is, and otherwise: the nearest value first; of words those that the leaves to be turned name."""
        kind: ChangeKind | None = "past" if fact.counts_time else None
        everywhere = [leaf.node for leaf in leaves(judge(self.root, values(self.facts)))]
        concerned = [node for node in (*turned, *everywhere) if fact.definition in facts_in(node)]
        found = dict.fromkeys(
            other
            for node in concerned
            for other in candidates(node, fact, values(self.facts))
            if other != fact.value or fact.value is None
        )
        if isinstance(fact.value, int) and not isinstance(fact.value, bool):
            now = fact.value
            return [_Step({}), *(_Step({fact.name: each}, kind) for each in sorted(found, key=lambda v: abs(v - now)))]
        return [_Step({}), *(_Step({fact.name: each}, kind) for each in found)]

    def _months(self, timed: Sequence[KnownFact], turned: Sequence[Node]) -> list[_Step]:
        """The months to come at whose beginning one of these facts reaches a threshold."""
        months = set[date]()
        for fact in timed:
            assert fact.since is not None  # that is what counts time
            for node in turned:
                if fact.definition in facts_in(node):
                    for many in candidates(node, fact, values(self.facts)):
                        if isinstance(many, int) and -12 <= many <= _YEARS_AHEAD * 12:
                            months.add(month_when(fact.since, fact.name, many))
        last = self.reference_on.replace(year=self.reference_on.year + _YEARS_AHEAD)
        names = tuple(fact.name for fact in timed)
        return [_Step({}, month=month, timed=names) for month in sorted(months) if self.reference_on < month <= last]


def _kind(fact: KnownFact) -> ChangeKind:
    if fact.value is None:
        return "told"
    if fact.entity == "county":
        return "policy"
    if fact.origin == "own_payments":
        return "paid"
    return "measured" if fact.definition.type == "int" else "said"


# -- what a fact could be ----------------------------------------------------------------------------------------------


def candidates(leaf: Node, fact: KnownFact, now: Mapping[str, Any]) -> list[Any]:
    """Values of one fact at which the leaf may turn, while the others stay."""
    definition = fact.definition
    match definition.type:
        case "bool":
            return [True, False] if fact.value is None else [not fact.value]
        case "list":
            return _lists(leaf, fact)
        case "string":
            return _texts(leaf, definition, now)
        case _:
            return _thresholds(leaf, fact, now)


def _lists(leaf: Node, fact: KnownFact) -> list[tuple[str, ...]]:
    if not (isinstance(leaf, Holds) and isinstance(leaf.item, Constant)):
        return []
    word, held = str(leaf.item.value), tuple(fact.value or ())
    without = tuple(each for each in held if each != word)
    return [without] if word in held else [(*held, word), without]


def _texts(leaf: Node, definition: FactDefinition, now: Mapping[str, Any]) -> list[str]:
    named = [str(node.value) for node in _parts(leaf) if isinstance(node, Constant) and isinstance(node.value, str)]
    named += [str(now[each.name]) for each in facts_in(leaf) if each.type == "string" and now[each.name] is not None]
    return list(dict.fromkeys([*named, *definition.values, *(["-"] if not definition.values else [])]))


def _thresholds(leaf: Node, fact: KnownFact, now: Mapping[str, Any]) -> list[int]:
    """Numbers named in the leaf, their neighbours, and where its two sides meet."""
    found = set[int]()
    for node in _parts(leaf):
        if isinstance(node, Constant) and isinstance(node.value, int) and not isinstance(node.value, bool):
            found |= {node.value - 1, node.value, node.value + 1}
    computed = isinstance(leaf, Binary) and not all(isinstance(side, Constant | FactRef) for side in children(leaf))
    if computed or len(list(facts_in(leaf))) > 1:
        found |= _meetings(leaf, fact, now)
    return sorted(found)


def _meetings(leaf: Node, fact: KnownFact, now: Mapping[str, Any]) -> set[int]:
    """Where the difference of the two sides passes zero, above and below what the fact is; found by halving."""
    if not isinstance(leaf, Binary):
        return set()
    left, right = leaf.left, leaf.right

    def sign(value: int) -> int | None:
        facts = {**now, fact.name: value}
        one, other = compute(left, facts), compute(right, facts)
        if one.value is None or other.value is None:
            return None
        return (one.value > other.value) - (one.value < other.value)

    here = fact.value if isinstance(fact.value, int) else 0
    found = set[int]()
    for far in (_SAID_ANYTHING, -_SAID_ANYTHING):
        found |= _turning(sign, here, far)
    return found


def _turning(sign: Callable[[int], int | None], near: int, far: int) -> set[int]:
    """The values about the place between `near` and `far` at which the sign changes; none where it does not."""
    first, last = sign(near), sign(far)
    if first is None or last is None or first == last:
        return {near}
    while abs(far - near) > 1:
        middle = (near + far) // 2
        if sign(middle) == first:
            near = middle
        else:
            far = middle
    return {far + step for step in (-1, 0, 1)} | {near + step for step in (-1, 0, 1)}


def _parts(node: Node) -> Iterator[Node]:
    yield node
    for child in children(node):
        yield from _parts(child)
    if isinstance(node, Negative) and isinstance(node.operand, Constant) and isinstance(node.operand.value, int):
        yield Constant(-node.operand.value, node.at)
