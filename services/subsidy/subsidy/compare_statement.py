"""Use case: finance compares a day's statement with our books once more."""

from runtime import audit
from runtime.actor import Actor, Role
from runtime.db import Pool, transaction
from subsidy import daily_store
from subsidy.daily_rules import DailyStatementId
from subsidy.list_daily_statements import DailyStatementView


async def compare_statement(pool: Pool, actor: Actor, statement: DailyStatementId) -> DailyStatementView:
    """What later results settled is gone; what was settled and is not any more is open again.

    Raises Forbidden, NotFound.
    """
    actor.require(Role.FINANCE_PREPARER)
    async with transaction(pool, actor) as tx:
        await daily_store.lock_statement(tx, statement)
        await daily_store.compare(tx, statement)
        view = DailyStatementView(**dict(await daily_store.find_statement(tx, statement)))
        audit.note(tx, "daily-statement.compared", str(statement), {"open": view.open, "gone": view.gone})
        tx.answer_with(view)
    return view
