"""What every benchmark stands on: real Kafka and PostgreSQL with fsync on, real divisions, connections for seeding."""

import csv
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from devkit.stack import Stack

DIVISIONS = Path(__file__).parents[2] / "shared/devkit/devkit/data/divisions.csv"


@asynccontextmanager
async def as_service(stack: Stack, service: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection as the owner of the service's tables that acts as the service."""
    connection = await asyncpg.connect(stack.database(service).owner_url)
    try:
        await connection.execute(
            "SELECT set_config('app.kind', 'service', false), set_config('app.actor', 'bench', false)"
        )
        await connection.execute(
            "SELECT set_config('app.department', '*', false), set_config('app.division', '1', false)"
        )
        yield connection
    finally:
        await connection.close()


async def settle(stack: Stack, service: str, *tables: str) -> None:
    """Statistics and a checkpoint after seeding, so that no run pays for the seed."""
    name = stack.postgres.database(service).name
    admin = await asyncpg.connect(stack.postgres.url("postgres", name))
    try:
        for table in tables:
            await admin.execute(f"VACUUM ANALYZE {table}")
        await admin.execute("CHECKPOINT")
    finally:
        await admin.close()


async def seed_divisions(connection: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    """Enter Jize's tree; the codes of its villages."""
    rows = [
        row
        for row in csv.DictReader(DIVISIONS.open(encoding="utf-8"))
        if row["code"][:6] in ("130000", "130400", "130431")
    ]
    for row in rows:
        await connection.execute(
            "INSERT INTO division (code, level, name_zh, parent_id)"
            " SELECT $1, $2, $3, id FROM division WHERE code = $4",
            row["code"],
            row["level"],
            row["name_zh"],
            row["parent_code"] or "000000000000",
        )
    await connection.execute(
        "WITH RECURSIVE up AS (SELECT id AS descendant, id AS ancestor, 0 AS depth FROM division"
        " UNION ALL SELECT up.descendant, d.parent_id, up.depth + 1 FROM up JOIN division d ON d.id = up.ancestor"
        " WHERE d.parent_id IS NOT NULL)"
        " INSERT INTO division_closure SELECT ancestor, descendant, depth FROM up ON CONFLICT DO NOTHING"
    )
    return [row["code"] for row in rows if row["level"] == "village"]
