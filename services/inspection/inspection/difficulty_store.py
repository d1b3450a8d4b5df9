"""Every SQL statement on difficulties and their answers."""

from collections.abc import Sequence

import asyncpg

from inspection.difficulty_rules import Difficulty, DifficultyState
from qingdan.divisions import DivisionCode, DivisionLevel
from qingdan.ids import DifficultyId
from qingdan.inspection_events import DifficultyAnswered, DifficultyRaised
from runtime.db import Tx, Version
from runtime.problems import NotFound, StaleVersion


async def level_of_actor(tx: Tx) -> DivisionLevel:
    """At which level of the tree the actor's own division stands."""
    return DivisionLevel(await tx.fetchval("SELECT level FROM division WHERE id = app_division()"))


async def insert_difficulty(tx: Tx, event: DifficultyRaised, text: str) -> None:
    """Enter a difficulty of the actor's village. Raises NotFound when the share it names is not the village's."""
    inserted = await tx.execute(
        "INSERT INTO difficulty (id, division_id, department, share_id, category, text, raised_on)"
        " SELECT $1, app_division(), s.department, s.id, $3, $4, $5"
        " FROM (VALUES (1)) AS one LEFT JOIN share s ON s.id = $2 WHERE $2::uuid IS NULL OR s.id IS NOT NULL",
        event.difficulty,
        event.share,
        event.category,
        text,
        event.raised_on,
    )
    if inserted != "INSERT 0 1":
        raise NotFound(share=str(event.share))


async def lock_difficulty(tx: Tx, difficulty: DifficultyId, expected: Version) -> Difficulty:
    """The difficulty, if it still has the version expected. Raises NotFound, StaleVersion."""
    row = await tx.fetchrow(
        "SELECT f.*, d.code AS village FROM difficulty f JOIN division d ON d.id = f.division_id"
        " WHERE f.id = $1 FOR UPDATE OF f",
        difficulty,
    )
    if row is None:
        raise NotFound(difficulty=str(difficulty))
    if row["version"] != expected:
        raise StaleVersion(version=row["version"])
    return Difficulty(row["id"], DivisionCode(row["village"]), row["state"], row["version"])


async def save_answer(tx: Tx, event: DifficultyAnswered, state: DifficultyState, text: str) -> None:
    await tx.execute(
        "WITH changed AS (UPDATE difficulty SET state = $2, version = version + 1 WHERE id = $1"
        " RETURNING id, division_id, department)"
        " INSERT INTO difficulty_answer (difficulty_id, division_id, department, outcome, text, answered_on)"
        " SELECT id, division_id, department, $3, $4, $5 FROM changed",
        event.difficulty,
        state,
        event.outcome,
        text,
        event.answered_on,
    )


async def list_difficulties(
    tx: Tx, *, state: str | None, after: tuple[int, DifficultyId] | None, limit: int
) -> list[asyncpg.Record]:
    """Open ones first, then forwarded, then answered; in each the oldest first; from the one behind `after`."""
    return await tx.fetch(
        "SELECT f.id AS difficulty, d.code AS village, f.department, f.share_id AS share, f.category, f.text, f.state,"
        " f.raised_on, f.version, f.place FROM difficulty f JOIN division d ON d.id = f.division_id"
        " WHERE ($1::text IS NULL OR f.state = $1)"
        " AND ($2::int IS NULL OR (f.place, f.id) > ($2, $3::uuid)) ORDER BY f.place, f.id LIMIT $4",
        state,
        *(after or (None, None)),
        limit,
    )


async def list_answers(tx: Tx, difficulties: Sequence[DifficultyId]) -> list[asyncpg.Record]:
    """The answers to these difficulties, in order."""
    return await tx.fetch(
        "SELECT difficulty_id, outcome, text, answered_on FROM difficulty_answer"
        " WHERE difficulty_id = ANY($1::uuid[]) ORDER BY seq",
        list(difficulties),
    )
