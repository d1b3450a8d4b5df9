"""Facts as they come in: what each event says of its subject, which of several is the newest, and what is unfit."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, TypeAlias, TypeVar
from uuid import UUID

from qingdan.divisions import DivisionCode
from qingdan.ids import PersonId
from qingdan.records_events import FactsRecorded, FactValue
from runtime.problems import Refusal
from subsidy.vocabulary_rules import EFFECTIVE_ON, RECORDED, REGISTER_SUBJECTS, REGISTERS, Entity, FactDefinition

_ENTITIES: Final[Mapping[str, Entity]] = {"p": "person", "h": "household", "c": "county"}
_TOMBSTONE: Final = re.compile(
    r"(?P<subject>(?P<kind>[phc]):(?P<id>[0-9]{12}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}))/(?P<dataset>[a-z][a-z0-9_]{1,59})"
)

LIST_SEPARATOR: Final = "\x1f"
"""Lists travel to the database as one text: a fact holds no control character, so nothing else can be this one."""

Value: TypeAlias = bool | int | str | date | None


class FactUnfit(Refusal):
    """A fact is not what the vocabulary says it is. 数据项与词汇表的定义不符。

    Correct it in its register and have it sent again. 请在来源系统中更正后重新发送。
    """

    status = 422


class KeyUnreadable(Refusal):
    """This key names no data set of any subject. 该键未指明任何主体的数据集。"""

    status = 422


@dataclass(frozen=True, slots=True)
class DatasetState:
    """The full state of a data set of one person or household; the values are those of RECORDED, in its order."""

    entity: Entity
    id: UUID
    subject: str
    dataset: str
    system: str
    source_time: datetime
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Declaration:
    """A county says that its register is complete with so many subjects."""

    county: DivisionCode
    dataset: str
    subjects: int
    source_time: datetime


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a county from a day on; None: nobody knows it from that day on."""

    county: DivisionCode
    name: str
    effective_on: date
    dataset: str
    value: bool | int | str | None
    source_time: datetime


@dataclass(slots=True)
class Heard:
    """What a run of events says, each thing once."""

    states: dict[tuple[str, str], DatasetState] = field(default_factory=dict)
    declarations: dict[tuple[DivisionCode, str], Declaration] = field(default_factory=dict)
    parameters: dict[tuple[DivisionCode, str, date], Parameter] = field(default_factory=dict)
    ignored: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By data set and name: unknown to the vocabulary, derived, or not of this register."""


@dataclass(frozen=True, slots=True)
class LifeTold:
    """Of whom a register that tells of life and death spoke: of their death, or of anything else."""

    dead: tuple[UUID, ...]
    others: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Gone:
    """A data set of a subject that a tombstone names; `id` is a person's, a household's, or a county's code."""

    entity: Entity
    id: str
    subject: str
    dataset: str


def sort_out(events: Iterable[FactsRecorded], business_date: Callable[[datetime], date]) -> Heard:
    """Take a run of events apart; of several states of one data set the newest by source time stays.

    A county's parameter that says from which day on it holds does so; else it holds from the `business_date` of its
    source time on. Raises FactUnfit.
    """
    heard = Heard()
    for event in events:
        entity = _ENTITIES[event.subject[0]]
        if entity == "county":
            _hear_of_county(heard, event, business_date)
        elif event.dataset in REGISTERS:
            key = (event.subject, event.dataset)
            state = _state(heard, event, entity)
            if key not in heard.states or heard.states[key].source_time <= state.source_time:
                heard.states[key] = state
        else:
            heard.ignored.update((event.dataset, fact.name) for fact in event.facts)
    return heard


def gone(keys: Sequence[str]) -> list[Gone]:
    """What the keys of tombstones name. Raises KeyUnreadable."""
    matches = [_TOMBSTONE.fullmatch(key) for key in keys]
    found = [Gone(_ENTITIES[m["kind"]], m["id"], m["subject"], m["dataset"]) for m in matches if m is not None]
    if len(found) < len(keys):
        raise KeyUnreadable()
    return found


def people(keys: Sequence[str]) -> list[PersonId]:
    """The people whom the keys of tombstones name. Raises KeyUnreadable."""
    if not all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", key) for key in keys):
        raise KeyUnreadable()
    return [PersonId(UUID(key)) for key in keys]


def households_named(by_register: Mapping[tuple[Entity, str], Iterable[DatasetState]]) -> set[str]:
    """The codes of the households whose place may have changed with these states."""
    named = set()
    for (entity, dataset), states in by_register.items():
        code = "member_of_household" if entity == "person" else "household_code"
        if code in (names := list(RECORDED.get((entity, dataset), {}))):
            named |= {value for state in states if isinstance(value := state.values[names.index(code)], str)}
    return named


def life_told(by_register: Mapping[tuple[Entity, str], Iterable[DatasetState]]) -> LifeTold:
    """Who is dead by these states, and of whom else the same registers spoke; each once, by id.

    Somebody is dead who is not alive by one register, or has a date of death by another: whichever says so first is
    enough to pay nothing more before somebody has looked.
    """
    dead, others = set[UUID](), set[UUID]()
    for (entity, dataset), states in by_register.items():
        names = list(RECORDED.get((entity, dataset), {}))
        told = [(names.index(name), name) for name in ("is_alive", "death_date") if name in names]
        if entity == "person" and told:
            for state in states:
                values = {name: state.values[at] for at, name in told}
                died = values.get("is_alive") is False or values.get("death_date") is not None
                (dead if died else others).add(state.id)
    return LifeTold(tuple(sorted(dead)), tuple(sorted(others - dead)))


def _state(heard: Heard, event: FactsRecorded, entity: Entity) -> DatasetState:
    known, values = RECORDED.get((entity, event.dataset), {}), dict[str, Value]()
    for fact in event.facts:
        if (definition := known.get(fact.name)) is None:
            heard.ignored[(event.dataset, fact.name)] += 1
        else:
            values[fact.name] = _possible(definition, fact.value)
    return DatasetState(
        entity,
        UUID(event.subject[2:]),
        event.subject,
        event.dataset,
        event.system,
        event.source_time,
        tuple(values.get(name) for name in known),
    )


def _hear_of_county(heard: Heard, event: FactsRecorded, business_date: Callable[[datetime], date]) -> None:
    county, said = DivisionCode(event.subject[2:]), {fact.name: fact.value for fact in event.facts}
    known = RECORDED.get(("county", event.dataset), {})
    effective_on = business_date(event.source_time)
    if EFFECTIVE_ON in said:
        effective_on = _date(said[EFFECTIVE_ON], event.dataset, EFFECTIVE_ON)
    for name, value in said.items():
        if name == REGISTER_SUBJECTS:
            _keep_newest(heard.declarations, (county, event.dataset), _declaration(event, county, value))
        elif name in known:
            fit = _possible(known[name], value)
            assert not isinstance(fit, date)  # no parameter of a county is a date
            parameter = Parameter(county, name, effective_on, event.dataset, fit, event.source_time)
            _keep_newest(heard.parameters, (county, name, effective_on), parameter)
        elif name != EFFECTIVE_ON:
            heard.ignored[(event.dataset, name)] += 1


K = TypeVar("K")
V = TypeVar("V", Declaration, Parameter)


def _keep_newest(kept: dict[K, V], key: K, new: V) -> None:
    if key not in kept or kept[key].source_time <= new.source_time:
        kept[key] = new


def _declaration(event: FactsRecorded, county: DivisionCode, value: FactValue) -> Declaration:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise FactUnfit(dataset=event.dataset, fact=REGISTER_SUBJECTS)
    return Declaration(county, event.dataset, value, event.source_time)


def _possible(definition: FactDefinition, value: FactValue) -> Value:
    """What the database takes, of a value that the fact can have. A word unknown to the rules would silently pay
    nobody. Raises FactUnfit."""
    words = value if isinstance(value, tuple) else (value,)
    if definition.values and value is not None and not {*words} <= {*definition.values}:
        raise FactUnfit(dataset=definition.register, fact=definition.name)
    return storable(definition, value)


def storable(definition: FactDefinition, value: FactValue) -> Value:
    """What the database takes for a value. Raises FactUnfit for one that is not of the fact's type."""
    if value is None:
        return None
    match definition.type:
        case "bool" if isinstance(value, bool):
            return value
        case "int" if isinstance(value, int) and not isinstance(value, bool):
            return value
        case "string" if isinstance(value, str):
            return value
        case "list" if isinstance(value, tuple):
            return LIST_SEPARATOR.join(value)
        case "date":
            return _date(value, definition.register, definition.name)
    raise FactUnfit(dataset=definition.register, fact=definition.name)


def _date(value: FactValue, dataset: str, name: str) -> date:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise FactUnfit(dataset=dataset, fact=name)
