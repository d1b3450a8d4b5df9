"""Divisions: the administrative tree that every scope hangs on; imported by the operator, the same in each service."""

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from qingdan.divisions import COUNTRY, DivisionCode, DivisionLevel
from runtime import audit
from runtime.actor import Actor, Role
from runtime.db import Pool, Tx, transaction
from runtime.http import CommandModel, CreatingCommand, Query
from runtime.problems import Invalid, NotFound

ROWS_MAX = 5_000


class DivisionUnknown(NotFound):
    """There is no such division in the tree, or it has been abolished. 区划不存在或已撤销。"""


class DivisionRow(CommandModel):
    """One node of the tree; a province has no parent."""

    code: DivisionCode
    name_zh: str = Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")
    parent_code: DivisionCode | None = None


class ImportDivisions(CommandModel):
    """Nodes to add or rename; parents may stand in the same import, in any order."""

    divisions: list[DivisionRow] = Field(min_length=1, max_length=ROWS_MAX)


class DivisionsImported(BaseModel):
    """How many nodes the import added, and how many the tree has now (the country's root included)."""

    added: int
    known: int


async def division_id(tx: Tx, code: DivisionCode) -> int:
    """The id of the division that has `code` today. Raises DivisionUnknown."""
    found: int | None = await tx.fetchval("SELECT id FROM division WHERE code = $1 AND valid_to IS NULL", str(code))
    if found is None:
        raise DivisionUnknown(division=str(code))
    return found


async def id_in_scope(tx: Tx, code: DivisionCode) -> int:
    """The id of a division in the actor's subtree; one outside is as unknown as one that does not exist.

    Raises DivisionUnknown.
    """
    found: int | None = await tx.fetchval(
        "SELECT d.id FROM division d JOIN division_closure c ON c.descendant_id = d.id"
        " WHERE c.ancestor_id = app_division() AND d.code = $1 AND d.valid_to IS NULL",
        str(code),
    )
    if found is None:
        raise DivisionUnknown(division=str(code))
    return found


async def import_divisions(pool: Pool, actor: Actor, rows: list[DivisionRow]) -> DivisionsImported:
    """Add the nodes that are missing and rename those whose name changed.

    Raises Forbidden unless the actor is an operator, Invalid naming each row whose parent is nowhere, or not above it.
    """
    actor.require(Role.OPERATOR)
    async with transaction(pool, actor) as tx:
        # One import at a time: two that name the same nodes in different orders would wait for each other's rows.
        await tx.execute("SELECT 1 FROM division WHERE code = $1 FOR NO KEY UPDATE", str(COUNTRY))
        known = {row["code"] for row in await tx.fetch("SELECT code FROM division WHERE valid_to IS NULL")}
        _refuse_orphans(rows, known | {str(row.code) for row in rows})
        added = 0
        for level in list(DivisionLevel)[1:]:  # from the top down, so that every parent is there
            added += await _add(tx, [row for row in rows if row.code.level == level])
        imported = DivisionsImported(added=added, known=await tx.fetchval("SELECT count(*) FROM division"))
        audit.note(tx, "divisions.imported", "divisions", imported.model_dump())
        tx.answer_with(imported)
    return imported


def _refuse_orphans(rows: list[DivisionRow], known: set[str]) -> None:
    errors = [
        {
            "pointer": f"/divisions/{position}/parent_code",
            "message": "this parent is neither known nor in this import, or it is not of a higher level",
            "message_zh": "上级区划不存在，也不在本次导入中，或其级别不高于本区划",
        }
        for position, row in enumerate(rows)
        if row.parent_code is not None
        and (str(row.parent_code) not in known or not _is_above(row.parent_code, row.code))
    ]
    if errors:
        raise Invalid(errors=errors[:100])


def _is_above(parent: DivisionCode, child: DivisionCode) -> bool:
    levels = list(DivisionLevel)
    return levels.index(parent.level) < levels.index(child.level)


async def _add(tx: Tx, rows: list[DivisionRow]) -> int:
    codes = [str(row.code) for row in rows]
    await tx.execute(
        "UPDATE division d SET name_zh = r.name_zh FROM unnest($1::text[], $2::text[]) AS r(code, name_zh)"
        " WHERE d.code = r.code AND d.valid_to IS NULL AND d.name_zh <> r.name_zh",
        codes,
        [row.name_zh for row in rows],
    )
    added = await tx.fetch(
        "INSERT INTO division (code, level, name_zh, parent_id)"
        " SELECT r.code, r.level, r.name_zh, p.id FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])"
        " AS r(code, level, name_zh, parent_code) JOIN division p ON p.code = r.parent_code AND p.valid_to IS NULL"
        " ON CONFLICT (code) WHERE valid_to IS NULL DO NOTHING RETURNING id",
        codes,
        [row.code.level for row in rows],
        [row.name_zh for row in rows],
        [str(row.parent_code or COUNTRY) for row in rows],
    )
    await tx.execute(
        "INSERT INTO division_closure (ancestor_id, descendant_id, depth)"
        " SELECT d.id, d.id, 0 FROM division d WHERE d.id = ANY($1::int[])"
        " UNION ALL SELECT c.ancestor_id, d.id, c.depth + 1 FROM division d"
        " JOIN division_closure c ON c.descendant_id = d.parent_id WHERE d.id = ANY($1::int[])",
        [row["id"] for row in added],
    )
    return len(added)


class DivisionView(BaseModel):
    """A node and its place."""

    code: DivisionCode
    level: str
    name_zh: str
    parent_code: DivisionCode | None


router = APIRouter(prefix="/v1/divisions", tags=["divisions"])


@router.post("/import", response_model=DivisionsImported, summary="Import the division tree (operator) 导入区划树")
async def import_tree(body: ImportDivisions, command: CreatingCommand) -> Response:
    return command.answer(await import_divisions(command.pool, command.actor, body.divisions))


@router.get("/{code}", summary="A division and its parent 查询区划")
async def show(code: DivisionCode, query: Query) -> DivisionView:
    async with transaction(query.pool, query.actor) as tx:
        row = await tx.fetchrow(
            "SELECT d.code, d.level, d.name_zh, p.code AS parent_code FROM division d"
            " LEFT JOIN division p ON p.id = d.parent_id WHERE d.code = $1 AND d.valid_to IS NULL",
            str(code),
        )
    if row is None:
        raise DivisionUnknown(division=str(code))
    return DivisionView(**dict(row))
