"""Use case: the town or the supervision team answers a difficulty: resolves it, explains, or passes it on."""

from inspection import difficulty_rules, difficulty_store
from inspection.difficulty_rules import AnswerOutcome
from qingdan.ids import DifficultyId
from qingdan.inspection_events import DifficultyAnswered
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction


async def answer_difficulty(
    pool: Pool, actor: Actor, difficulty_id: DifficultyId, outcome: AnswerOutcome, text: str, *, expected: Version
) -> DifficultyAnswered:
    """Raises Forbidden, NotFound, StaleVersion, AnsweredAlready."""
    actor.require(Role.TOWN_STAFF, Role.SUPERVISOR)
    async with transaction(pool, actor) as tx:
        difficulty = await difficulty_store.lock_difficulty(tx, difficulty_id, expected)
        event = difficulty_rules.answer(difficulty, outcome, today=business_date(utcnow()))
        await difficulty_store.save_answer(tx, event, difficulty_rules.state_after(outcome), text)
        await outbox.append(tx, event)
        await audit.append(tx, actor, event, before={"state": difficulty.state, "version": difficulty.version})
    return event
