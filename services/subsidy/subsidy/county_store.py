"""Every SQL statement on what a county says of itself: which registers are complete, and its parameters."""

from collections.abc import Collection, Sequence
from datetime import date

import asyncpg

from qingdan.divisions import DivisionCode
from runtime.db import Tx
from runtime.divisions import DivisionUnknown
from subsidy.column_store import Ground
from subsidy.fact_rules import Declaration, Parameter
from subsidy.preview_rules import Month


async def save_declarations(tx: Tx, declarations: Sequence[Declaration]) -> None:
    """Keep the newest that each county says of each register. Raises DivisionUnknown."""
    ids = await _ids(tx, [declaration.county for declaration in declarations])
    await tx.executemany(
        "INSERT INTO register_declared AS r (division_id, dataset, subjects, source_time) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (division_id, dataset) DO UPDATE SET subjects = excluded.subjects,"
        " source_time = excluded.source_time WHERE excluded.source_time >= r.source_time",
        [(ids[each.county], each.dataset, each.subjects, each.source_time) for each in declarations],
    )
    await _count_declared(tx, sorted({declaration.dataset for declaration in declarations}))


async def save_parameters(tx: Tx, parameters: Sequence[Parameter]) -> None:
    """Keep the newest value of each parameter for each day from which one holds. Raises DivisionUnknown."""
    ids = await _ids(tx, [parameter.county for parameter in parameters])
    await tx.executemany(
        "INSERT INTO county_parameter AS p (division_id, name, effective_on, dataset, source_time, value_int,"
        " value_bool, value_text) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        " ON CONFLICT (division_id, name, effective_on) DO UPDATE SET value_int = excluded.value_int,"
        " value_bool = excluded.value_bool, value_text = excluded.value_text, source_time = excluded.source_time"
        " WHERE excluded.source_time >= p.source_time",
        [
            (*(ids[each.county], each.name, each.effective_on, each.dataset, each.source_time), *_columns(each.value))
            for each in parameters
        ],
    )


def _columns(value: bool | int | str | None) -> tuple[int | None, bool | None, str | None]:
    if isinstance(value, bool):
        return None, value, None
    return (value, None, None) if isinstance(value, int) else (None, None, value)


async def clear(tx: Tx, county: str, dataset: str) -> None:
    """Take away what a county said of a register, and the parameters that came with it."""
    for table in ("register_declared", "county_parameter"):
        await tx.execute(
            f"DELETE FROM {table} t USING division d WHERE d.id = t.division_id AND d.code = $1 AND t.dataset = $2",  # noqa: S608
            county,
            dataset,
        )
    await _count_declared(tx, [dataset])


async def _count_declared(tx: Tx, datasets: Sequence[str]) -> None:
    """Sum up anew what all counties declared. The first statement locks the rows, the second sees what others did."""
    await tx.execute(
        "INSERT INTO register_count AS c (dataset) SELECT unnest($1::text[])"
        " ON CONFLICT (dataset) DO UPDATE SET declared = c.declared",
        datasets,
    )
    await tx.execute(
        "UPDATE register_count c SET declared ="
        " (SELECT coalesce(sum(subjects), 0) FROM register_declared r WHERE r.dataset = c.dataset)"
        " WHERE dataset = ANY($1::text[])",
        datasets,
    )


async def parameters_of(tx: Tx, division_id: int, on: date) -> dict[str, bool | int | str | None]:
    """The county's parameters in force on that day, by name."""
    rows = await tx.fetch(
        "SELECT DISTINCT ON (name) name, value_int, value_bool, value_text FROM county_parameter"
        " WHERE division_id = $1 AND effective_on <= $2 ORDER BY name, effective_on DESC",
        division_id,
        on,
    )
    return {row["name"]: _first(row["value_int"], row["value_bool"], row["value_text"]) for row in rows}


def _first(*values: bool | int | str | None) -> bool | int | str | None:
    return next((value for value in values if value is not None), None)


async def complete_registers(tx: Tx, division_id: int) -> frozenset[str]:
    """The registers that the county declared, once as many subjects have arrived as all counties here declared.

    Nothing tells of which county a subject is before its place is known, so counties wait for each other.
    """
    rows = await tx.fetch(
        "SELECT dataset FROM register_declared r JOIN register_count c USING (dataset)"
        " WHERE r.division_id = $1 AND c.arrived >= c.declared",
        division_id,
    )
    return frozenset(row["dataset"] for row in rows)


async def list_registers(tx: Tx, division_id: int) -> list[asyncpg.Record]:
    """What the county declared of each register, and how much has arrived of it."""
    return await tx.fetch(
        "SELECT c.dataset AS register, r.subjects AS declared, r.source_time AS declared_at, c.arrived,"
        " r.subjects IS NOT NULL AND c.arrived >= c.declared AS complete"
        " FROM register_count c LEFT JOIN register_declared r ON r.dataset = c.dataset AND r.division_id = $1"
        " ORDER BY c.dataset",
        division_id,
    )


async def list_ignored(tx: Tx) -> list[asyncpg.Record]:
    """What came in and said nothing to the rules."""
    return await tx.fetch("SELECT dataset, name, times FROM fact_ignored ORDER BY dataset, name LIMIT 500")


async def _ids(tx: Tx, codes: Collection[DivisionCode]) -> dict[DivisionCode, int]:
    rows = await tx.fetch(
        "SELECT code, id FROM division WHERE code = ANY($1::text[]) AND valid_to IS NULL", sorted(set(codes))
    )
    ids = {DivisionCode(row["code"]): row["id"] for row in rows}
    if unknown := sorted(set(codes) - ids.keys()):
        raise DivisionUnknown(division=unknown[0])
    return ids


async def ground_of(tx: Tx, division_id: int, month: Month) -> Ground:
    """The county and the month to compute: what is known of the county itself as of the month's reference day."""
    return Ground(
        division_id=division_id,
        period=month.period,
        period_before=month.before,
        reference_on=month.reference_on,
        complete=await complete_registers(tx, division_id),
        parameters=await parameters_of(tx, division_id, month.reference_on),
    )
