"""Use case: finance takes the bank's statement of a run, in as many parts as it needs."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from pydantic import BaseModel, Field, TypeAdapter

from qingdan.ids import RunId
from runtime import audit
from runtime.actor import Actor, Role
from runtime.db import Pool, Version, transaction
from runtime.ids import new_id
from subsidy import run_rules, run_store, statement_store
from subsidy.statement_rules import StatementLine

_LINES: Final = TypeAdapter(Sequence[StatementLine])


class StatementTaken(BaseModel):
    """How much of the statement is there."""

    run: RunId
    lines: int = Field(description="of the whole statement so far; what was there already counts once")


async def take_statement(
    pool: Pool, actor: Actor, run_id: RunId, lines: Sequence[StatementLine], *, anew: bool, expected: Version
) -> StatementTaken:
    """Add lines to the run's statement; `anew` begins another, which counts from now on instead.

    Raises Forbidden, NotFound, StaleVersion, RunNotThere.
    """
    actor.require(Role.FINANCE_PREPARER)
    async with transaction(pool, actor) as tx:
        run = await run_store.lock_run(tx, run_id, expected)
        run_rules.take_statement(run)
        statement = await statement_store.newest(tx, run.id)
        if statement is None or anew:
            statement = new_id()
            await statement_store.insert_statement(tx, statement, run.id, taken_by=actor.subject)
        stands = await statement_store.insert_lines(tx, statement, lines)
        await run_store.save_changed(tx, run.id)
        said = sha256(_LINES.dump_json(lines)).hexdigest()
        taken = {"statement": str(statement), "lines": len(lines), "sha256": said}
        audit.note(tx, "statement.taken", str(run.id), taken)
        answer = StatementTaken(run=run.id, lines=stands)
        tx.answer_with(answer, version=expected + 1)
    return answer
