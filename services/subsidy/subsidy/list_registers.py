"""Use case: which registers are complete, what is owed by which department, and which programmes wait for it."""

from datetime import date, datetime

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import DatasetCode, DepartmentCode, FactName, ProgrammeCode
from runtime.actor import Actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Tx, transaction
from runtime.divisions import id_in_scope
from subsidy import county_store, programme_rules, programme_store
from subsidy.vocabulary_rules import FACTS, REGISTERS


class RegisterView(BaseModel):
    """A register of the vocabulary."""

    dataset: DatasetCode
    department: DepartmentCode
    complete: bool = Field(description="only then does a missing row mean no")
    declared: int | None = Field(description="subjects that the county says it has; null: it has not said")
    declared_at: datetime | None
    arrived: int = Field(description="subjects that have arrived here")
    needed_by: list[ProgrammeCode] = Field(description="programmes in force that read it")


class ParameterView(BaseModel):
    """A parameter of the county."""

    name: FactName
    department: DepartmentCode
    value: bool | int | str | None = Field(description="in force today; null: unknown")


class IgnoredView(BaseModel):
    """A fact that came in and says nothing to the rules: misspelt, derived, or of another register."""

    dataset: DatasetCode
    name: FactName
    times: int


class RegistersView(BaseModel):
    """What a county's data lack."""

    division: DivisionCode
    registers: list[RegisterView]
    parameters: list[ParameterView]
    ignored: list[IgnoredView] = Field(description="at most 500")


async def list_registers(pool: Pool, actor: Actor, division: DivisionCode | None) -> RegistersView:
    """Those of a county, the actor's own unless another is named. Raises DivisionUnknown."""
    code, today = division or actor.division, business_date(utcnow())
    async with transaction(pool, actor) as tx:
        county = await id_in_scope(tx, code)
        known = {row["register"]: row for row in await county_store.list_registers(tx, county)}
        parameters = await county_store.parameters_of(tx, county, today)
        ignored = [IgnoredView(**dict(row)) for row in await county_store.list_ignored(tx)]
        needed = await _needed(tx, today)
    return RegistersView(
        division=code,
        registers=[
            RegisterView(
                dataset=register,
                department=department,
                complete=register in known and known[register]["complete"],
                declared=known[register]["declared"] if register in known else None,
                declared_at=known[register]["declared_at"] if register in known else None,
                arrived=known[register]["arrived"] if register in known else 0,
                needed_by=needed.get(register, []),
            )
            for register, department in sorted(REGISTERS.items())
        ],
        parameters=[
            ParameterView(name=fact.name, department=fact.department, value=parameters.get(fact.name))
            for fact in FACTS
            if fact.entity == "county"
        ],
        ignored=ignored,
    )


async def _needed(tx: Tx, today: date) -> dict[str, list[str]]:
    """By register, the programmes in force that read it; none before the first version."""
    programmes = await programme_store.programmes_on(tx, today)
    needed: dict[str, list[str]] = {}
    for compiled in programme_rules.compile_stored(programmes):
        for register in {fact.register for fact in compiled.facts}:
            needed.setdefault(register, []).append(compiled.programme.code)
    return needed
