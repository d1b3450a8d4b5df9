"""The SQL form of programmes: one pass over people or households computes all programmes that read the same facts.

Statements are made of typed expressions and our own vocabulary only; texts and codes of programmes are parameters.
Unknown facts are NULL, and SQL's three-valued logic is the one that CEL needs here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Literal

import asyncpg

from qingdan.ids import RunId
from qingdan.subsidy_events import Period
from runtime.db import Tx
from subsidy.expression_rules import Binary, Constant, FactRef, Holds, Negative, Node, Not, OneOf
from subsidy.fact_rules import LIST_SEPARATOR
from subsidy.programme_rules import Compiled, Computed, Example, ProgrammeFails
from subsidy.vocabulary_rules import BY_NAME, FactDefinition

Source = Literal["person", "household", "head", "any", "deceased"]
"""Over whom a pass goes, and whose facts of a person it reads."""

_TYPES: Final[Mapping[str, str]] = {"bool": "boolean", "int": "bigint", "string": "text", "list": "text[]"}
_OPERATORS: Final[Mapping[str, str]] = {"||": "OR", "&&": "AND", "==": "=", "!=": "<>"}


@dataclass(frozen=True, slots=True)
class Ground:
    """What a run is computed from beside people and households."""

    run: RunId
    division_id: int
    period: Period
    period_before: Period
    reference_on: date
    complete: frozenset[str]
    """Registers in which no row means no."""
    parameters: Mapping[str, bool | int | str | None]


@dataclass(slots=True)
class _Statement:
    """The parameters of a statement under way: `bind` gives the place of a value in it."""

    values: list[Any] = field(default_factory=list)

    def bind(self, value: Any, kind: str) -> str:
        self.values.append(value)
        return f"${len(self.values)}::{kind}"


# -- expressions -------------------------------------------------------------------------------------------------------


def _sql(node: Node, statement: _Statement) -> str:
    """The expression over the columns of `f`. Whole numbers are bigint, whose division truncates as CEL's does."""
    match node:
        case Constant(bool() as truth):
            text = "true" if truth else "false"
        case Constant(int() as number):
            text = f"{number:d}::bigint"
        case Constant(word):
            text = statement.bind(word, "text")
        case FactRef(fact):
            text = f"f.{fact.name}"
        case Not(operand):
            text = f"(NOT {_sql(operand, statement)})"
        case Negative(operand):
            text = f"(- {_sql(operand, statement)})"
        case Binary(operator, left, right):
            sign = _OPERATORS.get(operator, operator)
            text = f"({_sql(left, statement)} {sign} {_sql(right, statement)})"
        case OneOf(item, options):
            text = f"({_sql(item, statement)} IN ({', '.join(_sql(option, statement) for option in options)}))"
        case Holds(item, fact):
            text = f"({_sql(item, statement)} = ANY({_sql(fact, statement)}))"
    return text


def _missing(facts: Sequence[FactDefinition]) -> str:
    names = ", ".join(f"CASE WHEN f.{fact.name} IS NULL THEN '{fact.name}' END" for fact in facts)
    return f"array_remove(ARRAY[{names}], NULL)"


# -- facts -------------------------------------------------------------------------------------------------------------

_PERSON: Final = "p"
_HOUSEHOLD: Final = "h"

# Dates that time has been counted from, in whole months or years at the reference day; -1: still to come.
_YEARS: Final = frozenset({"age_years", "graduation_years_ago", "party_years"})


def _column(fact: FactDefinition, ground: Ground, statement: _Statement) -> str:
    """A fact as a column, NULL where it is unknown."""
    if fact.entity == "county":
        return statement.bind(ground.parameters.get(fact.name), _TYPES[fact.type])
    alias = _PERSON if fact.entity == "person" else _HOUSEHOLD
    value = _PAID.get(fact.name, f"{alias}.{fact.name}")
    if fact.derived_from in BY_NAME:
        value = _counted(f"{alias}.{fact.derived_from}", ground, years=fact.name in _YEARS)
        if fact.name == "months_since_death":
            value = f"CASE WHEN p.is_alive THEN -1::bigint WHEN NOT p.is_alive THEN {value} END"
    if fact.absent is None or fact.register not in ground.complete:
        return value
    absent = f"string_to_array('', '{LIST_SEPARATOR}')" if fact.type == "list" else _constant(fact.absent)
    return f"CASE WHEN '{fact.register}' <> ALL({alias}.registers) THEN {absent} ELSE {value} END"


def _constant(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:d}::bigint" if isinstance(value, int) else f"'{value}'"  # a word of our own vocabulary


def _counted(column: str, ground: Ground, *, years: bool) -> str:
    on = ground.reference_on
    months = (
        f"({on.year * 12 + on.month:d} - date_part('year', {column})::bigint * 12"
        f" - date_part('month', {column})::bigint - (date_part('day', {column}) > {on.day:d})::int)"
    )
    return f"({months} / 12)" if years else months


# What we ourselves paid, by our own obligations. Nothing paid is 0, never unknown.
_PAID: Final[Mapping[str, str]] = {
    "dibao_paid_per_capita_fen_month": (
        "CASE WHEN b01.amount_fen IS NULL THEN 0::bigint ELSE b01.amount_fen / nullif(h.household_size, 0) END"
    ),
    "hardship_disability_paid_fen_month": "coalesce(b17.amount_fen, 0::bigint)",
    "temporary_aid_count_year": "coalesce(b07.times, 0::bigint)",
    "migrant_support_years_used": "coalesce(b60.times, 0::bigint)",
}


def _paid_before(facts: Sequence[FactDefinition], ground: Ground, statement: _Statement) -> str:
    """The joins to our own obligations that these facts need."""
    names, joins = {fact.name for fact in facts}, list[str]()
    if "dibao_paid_per_capita_fen_month" in names:
        joins.append(
            "LEFT JOIN obligation b01 ON b01.programme = 'B01' AND b01.beneficiary = h.id"
            f" AND b01.occurrence = {statement.bind(ground.period_before, 'text')}"
        )
    if "hardship_disability_paid_fen_month" in names:
        joins.append(
            "LEFT JOIN obligation b17 ON b17.programme = 'B17' AND b17.beneficiary = p.id"
            f" AND b17.occurrence = {statement.bind(ground.period_before, 'text')}"
        )
    if "temporary_aid_count_year" in names:
        joins.append(
            "LEFT JOIN (SELECT beneficiary, count(*) AS times FROM obligation WHERE programme = 'B07'"  # noqa: S608
            f" AND starts_with(occurrence, {statement.bind(ground.period[:4] + '/', 'text')})"
            " GROUP BY beneficiary) AS b07 ON b07.beneficiary = h.id"
        )
    if "migrant_support_years_used" in names:
        joins.append(
            "LEFT JOIN (SELECT beneficiary, count(*) AS times FROM obligation WHERE programme = 'B60'"
            " GROUP BY beneficiary) AS b60 ON b60.beneficiary = p.id"
        )
    return " ".join(joins)


# -- one pass ----------------------------------------------------------------------------------------------------------

# Who receives for a household, and for its children: its living head, else the spouse, else the eldest.
_PAYEES: Final = """
payee AS MATERIALIZED (
    SELECT DISTINCT ON (member_of_household) member_of_household AS code, id FROM person
    WHERE is_alive IS NOT FALSE AND member_of_household IS NOT NULL
    ORDER BY member_of_household, coalesce(array_position(ARRAY['head', 'spouse'], relation_to_head), 3), birth_date, id
)
"""
_HEADS: Final = """
head AS MATERIALIZED (
    SELECT DISTINCT ON (member_of_household) * FROM person WHERE relation_to_head = 'head'
    ORDER BY member_of_household, is_alive IS FALSE, id
)
"""

_OF_AGE_MONTHS: Final = 18 * 12

_FROM: Final[Mapping[Source, str]] = {
    "person": "person p LEFT JOIN household h ON h.household_code = p.member_of_household"
    " LEFT JOIN payee y ON y.code = p.member_of_household",
    "household": "household h LEFT JOIN payee y ON y.code = h.household_code",
    "head": "household h LEFT JOIN payee y ON y.code = h.household_code"
    " LEFT JOIN head p ON p.member_of_household = h.household_code",
    "any": "household h LEFT JOIN payee y ON y.code = h.household_code"
    " LEFT JOIN person p ON p.member_of_household = h.household_code",
    "deceased": "household h LEFT JOIN payee y ON y.code = h.household_code"
    " JOIN person p ON p.member_of_household = h.household_code AND NOT p.is_alive",
}


def _facts_of(source: Source, facts: Sequence[FactDefinition], ground: Ground, statement: _Statement) -> str:
    """A row for each case: whom it is about, who would receive, and its facts. OFFSET 0 computes each fact once."""
    alias = _PERSON if source == "person" else _HOUSEHOLD
    payee = "y.id"
    if source == "person":
        of_age = f"{_counted('p.birth_date', ground, years=False)} < {_OF_AGE_MONTHS}"
        payee = f"CASE WHEN {of_age} THEN coalesce(y.id, p.id) ELSE p.id END"
    member = "p.id" if source in ("any", "deceased") else "NULL::uuid"
    columns = "".join(f", {_column(fact, ground, statement)} AS {fact.name}" for fact in facts)
    return (
        f"SELECT {alias}.id AS beneficiary, {alias}.division_id, {payee} AS payee, {member} AS member{columns}"  # noqa: S608
        f" FROM {_FROM[source]} {_paid_before(facts, ground, statement)}"
        f" JOIN division_closure c ON c.descendant_id = {alias}.division_id"
        f" AND c.ancestor_id = {statement.bind(ground.division_id, 'integer')} OFFSET 0"
    )


def _occurrence(compiled: Compiled, at: int, ground: Ground, statement: _Statement) -> str:
    """What the programme is paid once for; NULL when that is unknown."""
    year = ground.period[:4]
    match compiled.programme.once_per:
        case "period":
            value = statement.bind(ground.period, "text")
        case "year":
            value = statement.bind(year, "text")
        case "ever":
            value = "'ever'"
        case "deceased":
            value = "f.member::text"
        case "business_entity_code":
            value = "f.business_entity_code"
        case "year_serial":
            value = (
                f"(SELECT {statement.bind(year + '/', 'text')} || (count(*) + 1) FROM obligation o"  # noqa: S608
                f" WHERE o.programme = {statement.bind(compiled.programme.code, 'text')}"
                f" AND o.beneficiary = f.beneficiary AND starts_with(o.occurrence,"
                f" {statement.bind(year + '/', 'text')}))"
            )
    return f"WHEN {at} THEN {value}"


def _pass(source: Source, programmes: Sequence[Compiled], ground: Ground) -> tuple[str, list[Any]]:
    """The statement that enters what these programmes come to.

    A hit is a programme's place in the list, negative where it is unknown whether somebody is eligible; who is not
    has none, so that most people leave the pass after the conditions.
    """
    statement = _Statement()
    facts = tuple(dict.fromkeys(fact for each in programmes for fact in each.facts))
    hits = [
        f"nullif(coalesce({_sql(each.eligibility.root, statement)}::int * {at}, -{at}), 0)"
        for at, each in enumerate(programmes, 1)
    ]
    amounts = " ".join(f"WHEN {at} THEN {_sql(each.amount.root, statement)}" for at, each in enumerate(programmes, 1))
    occurrences = " ".join(_occurrence(each, at, ground, statement) for at, each in enumerate(programmes, 1))
    missing = " ".join(f"WHEN {at} THEN {_missing(each.facts)}" for at, each in enumerate(programmes, 1))
    codes = statement.bind([each.programme.code for each in programmes], "text[]")
    departments = statement.bind([each.programme.department for each in programmes], "text[]")
    once_a_case = "DISTINCT ON (f.beneficiary, abs(hit))" if source == "any" else ""
    in_order = "ORDER BY f.beneficiary, abs(hit), hit DESC, f.member" if source == "any" else ""
    text = f"""
WITH {_PAYEES}{", " + _HEADS if source == "head" else ""}, hit AS (
    SELECT {once_a_case} f.beneficiary, f.division_id, f.payee, abs(hit) AS at, hit > 0 AS eligible,
           CASE hit {amounts} END AS amount_fen, CASE abs(hit) {occurrences} END AS occurrence,
           CASE abs(hit) {missing} END AS missing
    FROM ({_facts_of(source, facts, ground, statement)}) AS f,
         unnest(array_remove(ARRAY[{", ".join(hits)}], NULL)) AS hit
    {in_order}
), decided AS (
    SELECT *, eligible AND amount_fen IS NOT NULL AND occurrence IS NOT NULL AS certain FROM hit
)
INSERT INTO entitlement (run_id, programme, beneficiary, occurrence, kind, payee, division_id, department, amount_fen,
                         status, missing)
SELECT {statement.bind(ground.run, "uuid")}, ({codes})[at], beneficiary,
       coalesce(occurrence, {statement.bind(ground.period, "text")}),
       '{"person" if source == "person" else "household"}', payee, division_id, ({departments})[at],
       CASE WHEN certain THEN amount_fen END,
       CASE WHEN certain THEN 'entitled' ELSE 'undetermined' END, CASE WHEN NOT certain THEN missing END
FROM decided
WHERE NOT (certain AND amount_fen = 0) AND NOT EXISTS (
    SELECT 1 FROM obligation o WHERE o.programme = ({codes})[at] AND o.beneficiary = decided.beneficiary
    AND o.occurrence = decided.occurrence
)
"""  # noqa: S608
    return text, statement.values


def _source(compiled: Compiled) -> Source:
    programme = compiled.programme
    return programme.person_facts_of or programme.beneficiary


async def enter_entitlements(tx: Tx, ground: Ground, programmes: Sequence[Compiled]) -> None:
    """Compute the programmes for everybody in the county and enter what they come to.

    What was obliged already in another run is left out. Raises ProgrammeFails naming the programme that divides by
    zero, or whose amount is negative or too large, for somebody.
    """
    # Every join here is of everybody with everybody. Right after the registers came in the planner knows nothing of
    # their size: nested loops over 8,000 households took 14.6 s, where a hash takes 0.5 s.
    await tx.execute("SET LOCAL enable_nestloop = off")
    sources = sorted({_source(each) for each in programmes})
    for source in sources:
        together = [each for each in programmes if _source(each) == source]
        await tx.execute("SAVEPOINT pass")
        try:
            text, values = _pass(source, together, ground)
            await tx.execute(text, *values)
        except (asyncpg.DataError, asyncpg.CheckViolationError):
            await tx.execute("ROLLBACK TO SAVEPOINT pass")
            await _name_the_culprit(tx, source, together, ground)
            raise


async def _name_the_culprit(tx: Tx, source: Source, programmes: Sequence[Compiled], ground: Ground) -> None:
    for each in programmes:
        text, values = _pass(source, [each], ground)
        try:
            await tx.execute(text, *values)
        except (asyncpg.DataError, asyncpg.CheckViolationError) as error:
            raise ProgrammeFails(programme=each.programme.code, reason=_reason(error)) from None


def _reason(error: asyncpg.PostgresError) -> str:
    if isinstance(error, asyncpg.DivisionByZeroError):
        return "division_by_zero"
    return "number_too_large" if isinstance(error, asyncpg.NumericValueOutOfRangeError) else "amount_out_of_range"


# -- examples ----------------------------------------------------------------------------------------------------------


async def compute_examples(
    tx: Tx,
    programmes: Mapping[str, Compiled],
    examples: Sequence[Example],
    storable: Callable[[FactDefinition, Any], Any],
) -> list[Computed]:
    """What the programmes come to for made-up people; a fact that an example leaves out is unknown.

    `storable` makes of a fact's value what the database takes. Raises ProgrammeFails.
    """
    return [await _compute(tx, programmes[example.programme], example, storable) for example in examples]


async def _compute(
    tx: Tx, compiled: Compiled, example: Example, storable: Callable[[FactDefinition, Any], Any]
) -> Computed:
    statement = _Statement()
    columns = []
    for fact in compiled.facts:
        value = storable(fact, example.facts.get(fact.name))
        place = statement.bind(value, "text" if fact.type == "list" else _TYPES[fact.type])
        if fact.type == "list":
            place = f"string_to_array({place}, '{LIST_SEPARATOR}')"
        columns.append(f"{place} AS {fact.name}")
    eligible, amount = _sql(compiled.eligibility.root, statement), _sql(compiled.amount.root, statement)
    query = (
        f"SELECT f.eligible, CASE WHEN f.eligible THEN {amount} END AS amount_fen"  # noqa: S608
        f" FROM (SELECT f.*, {eligible} AS eligible FROM (SELECT {', '.join(columns)}) AS f) AS f"
    )
    try:
        row = await tx.fetchrow(query, *statement.values)
    except asyncpg.DataError as error:
        raise ProgrammeFails(programme=compiled.programme.code, reason=_reason(error)) from None
    assert row is not None  # made of one row
    return Computed(row["eligible"], row["amount_fen"])
