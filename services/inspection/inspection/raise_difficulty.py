"""Use case: a village's cadre says what the village cannot solve alone."""

from inspection import difficulty_rules, difficulty_store
from qingdan.ids import DifficultyId, ShareId
from qingdan.inspection_events import DifficultyRaised
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.ids import new_id


async def raise_difficulty(
    pool: Pool, actor: Actor, category: str, text: str, share_id: ShareId | None
) -> DifficultyRaised:
    """Raises Forbidden, NotOfAVillage, and NotFound for a share that is not the village's."""
    actor.require(Role.VILLAGE_CADRE)
    async with transaction(pool, actor) as tx:
        event = difficulty_rules.raise_difficulty(
            DifficultyId(new_id()),
            actor.division,
            await difficulty_store.level_of_actor(tx),
            category,
            share_id,
            today=business_date(utcnow()),
        )
        await difficulty_store.insert_difficulty(tx, event, text)
        await outbox.append(tx, event)
        await audit.append(tx, actor, event)
    return event
