"""Every SQL statement that an explanation needs: one case's facts and who told them, and what runs came to for it."""

from collections.abc import Sequence
from datetime import date
from typing import Final, Literal, NamedTuple
from uuid import UUID

import asyncpg

from qingdan.divisions import DivisionCode
from qingdan.ids import RunId
from qingdan.subsidy_events import Period
from runtime.db import Tx
from subsidy.why_facts_rules import Paid, ParameterInForce, Subject, Told


class Place(NamedTuple):
    """Whom the question is about, and where they lie; county: None outside every county."""

    person: UUID | None
    household: UUID | None
    division: DivisionCode
    county_id: int | None
    county: DivisionCode | None


_COUNTY: Final = """
LEFT JOIN LATERAL (
    SELECT a.id, a.code FROM division_closure c JOIN division a ON a.id = c.ancestor_id
    WHERE c.descendant_id = it.division_id AND a.level = 'county'
) AS county ON true
JOIN division d ON d.id = it.division_id
"""

# Row-level security hides whom the asker may not see: a household that lies elsewhere is not there, either.
_PERSON: Final = f"""
SELECT it.id AS person, h.id AS household, d.code AS division, county.id AS county_id, county.code AS county
FROM person it LEFT JOIN household h ON h.household_code = it.member_of_household {_COUNTY} WHERE it.id = $1
"""  # noqa: S608
_HOUSEHOLD: Final = f"""
SELECT NULL::uuid AS person, it.id AS household, d.code AS division, county.id AS county_id, county.code AS county
FROM household it {_COUNTY} WHERE it.id = $1
"""  # noqa: S608

_MEMBERS: Final = """
SELECT p.id FROM person p JOIN household h ON h.household_code = p.member_of_household
WHERE h.id = $1 {only} ORDER BY {order} LIMIT {many}
"""
Members = Literal["head", "any", "deceased"]
MEMBERS_MAX: Final = 100
_WHICH: Final[dict[Members, str]] = {
    "head": _MEMBERS.format(only="AND p.relation_to_head = 'head'", order="p.is_alive IS FALSE, p.id", many=1),
    "any": _MEMBERS.format(only="", order="p.id", many=MEMBERS_MAX),
    "deceased": _MEMBERS.format(only="AND NOT p.is_alive", order="p.id", many=MEMBERS_MAX),
}

_PAID: Final = """
SELECT coalesce((SELECT amount_fen FROM obligation
                 WHERE programme = 'B01' AND beneficiary = $2 AND occurrence = $3), 0) AS subsistence_fen,
       coalesce((SELECT amount_fen FROM obligation
                 WHERE programme = 'B17' AND beneficiary = $1 AND occurrence = $3), 0) AS hardship_disability_fen,
       (SELECT count(*) FROM obligation
        WHERE programme = 'B07' AND beneficiary = $2 AND starts_with(occurrence, $4)) AS temporary_aid_times,
       (SELECT count(*) FROM obligation WHERE programme = 'B60' AND beneficiary = $1) AS resettler_times
"""

_IN_RUN: Final = """
SELECT e.occurrence, e.status, e.amount_fen, e.excluded_by, e.missing, e.payee IS NOT NULL AS has_payee,
       (SELECT max(w.amount_fen) FROM entitlement w
        WHERE w.run_id = e.run_id AND w.programme = e.excluded_by AND w.status = 'entitled'
          AND w.beneficiary = ANY($4::uuid[])) AS winner_fen
FROM entitlement e WHERE e.run_id = $1 AND e.programme = $2 AND e.beneficiary = $3
UNION ALL
SELECT u.occurrence, 'undetermined', NULL, NULL, u.missing, u.payee IS NOT NULL, NULL
FROM undetermined_of($1, ARRAY[$3]) AS u WHERE u.programme = $2
ORDER BY occurrence LIMIT 50
"""

_OWED: Final = """
SELECT o.occurrence, o.run_id AS run, r.period, o.amount_fen,
       CASE WHEN p.waits_for IS NOT NULL THEN 'waiting' ELSE p.state END AS payment, p.reason, p.attempt, p.ended_on
FROM obligation o JOIN run r ON r.id = o.run_id
LEFT JOIN LATERAL (
    SELECT state, waits_for, reason, attempt, ended_on FROM payment WHERE obligation_id = o.id
    ORDER BY attempt DESC LIMIT 1
) AS p ON true
WHERE o.programme = $1 AND o.beneficiary = $2 AND (o.occurrence = ANY($3::text[]) OR o.run_id = $4)
ORDER BY o.occurrence
"""


async def find_place(tx: Tx, person: UUID | None, household: UUID | None) -> Place | None:
    """Whom the question is about, as far as the actor sees them; None: there is nobody such, or not for the actor."""
    row = await tx.fetchrow(_PERSON, person) if person is not None else await tx.fetchrow(_HOUSEHOLD, household)
    return None if row is None else Place(*row)


async def sees_household(tx: Tx, household: UUID | None, division: DivisionCode) -> bool:
    """Whether it lies where somebody of that division may look."""
    lies: bool = await tx.fetchval(
        "SELECT EXISTS (SELECT 1 FROM household h JOIN division_closure c ON c.descendant_id = h.division_id"
        " JOIN division a ON a.id = c.ancestor_id WHERE h.id = $1 AND a.code = $2)",
        household,
        division,
    )
    return lies


async def subject_of(tx: Tx, entity: Literal["person", "household"], who: UUID) -> Subject | None:
    """All that was recorded of a person or household, and who told it; None: nothing is."""
    row = await tx.fetchrow(f"SELECT * FROM {entity} WHERE id = $1", who)  # noqa: S608
    if row is None:
        return None
    told = await tx.fetch(
        "SELECT dataset, system, source_time FROM dataset_state WHERE subject = $1 AND present", f"{entity[0]}:{who}"
    )
    return Subject(who, dict(row), {each["dataset"]: Told(each["system"], each["source_time"]) for each in told})


async def members_of(tx: Tx, household: UUID, which: Members) -> list[UUID]:
    """The members whose facts a household's programme reads, by id: the head, any, each of the dead."""
    return [row["id"] for row in await tx.fetch(_WHICH[which], household)]


async def paid_before(tx: Tx, person: UUID | None, household: UUID | None, before: Period, year: str) -> Paid:
    """What we ourselves owed to them in the month before, and how often."""
    row = await tx.fetchrow(_PAID, person, household, before, f"{year}/")
    assert row is not None  # it is one row whatever is there
    return Paid(**dict(row))


async def parameters_in_force(tx: Tx, county_id: int, on: date) -> dict[str, ParameterInForce]:
    """The county's parameters in force on that day, by name."""
    rows = await tx.fetch(
        "SELECT DISTINCT ON (name) name, value_int, value_bool, value_text, effective_on, dataset, source_time"
        " FROM county_parameter WHERE division_id = $1 AND effective_on <= $2 ORDER BY name, effective_on DESC",
        county_id,
        on,
    )
    return {
        row["name"]: ParameterInForce(
            next((row[kind] for kind in ("value_int", "value_bool", "value_text") if row[kind] is not None), None),
            row["effective_on"],
            Told(row["dataset"], row["source_time"]),
        )
        for row in rows
    }


async def run_of(tx: Tx, county_id: int, period: Period) -> asyncpg.Record | None:
    """The county's run of the month (id, state, programme_version, notice_until, previewed_on, frozen_on)."""
    return await tx.fetchrow(
        "SELECT id, state, programme_version, notice_until, previewed_on, frozen_on FROM run"
        " WHERE division_id = $1 AND period = $2",
        county_id,
        period,
    )


async def effective_on(tx: Tx, version: int) -> date:
    """The day from which a version of the programmes holds."""
    on: date = await tx.fetchval("SELECT effective_on FROM programme_version WHERE version = $1", version)
    return on


async def entitlements_in(
    tx: Tx, run: RunId, programme: str, beneficiary: UUID, at_home: Sequence[UUID]
) -> list[asyncpg.Record]:
    """What the run came to for them; `at_home`: all of whom one may have excluded the other."""
    return await tx.fetch(_IN_RUN, run, programme, beneficiary, at_home)


async def owed_to(
    tx: Tx, programme: str, beneficiary: UUID, occurrences: Sequence[str], run: RunId | None
) -> list[asyncpg.Record]:
    """What is owed to them already for these occurrences or by this run, and how far the newest payment of it is."""
    return await tx.fetch(_OWED, programme, beneficiary, occurrences, run)


async def times_owed(tx: Tx, programme: str, beneficiary: UUID, year: str) -> int:
    """How often it was owed to them in the year."""
    many: int = await tx.fetchval(
        "SELECT count(*) FROM obligation WHERE programme = $1 AND beneficiary = $2 AND starts_with(occurrence, $3)",
        *(programme, beneficiary, f"{year}/"),
    )
    return many
