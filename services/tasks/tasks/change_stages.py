"""Use case: an operator puts a whole new set of stages in force; work in flight keeps the set it began with."""

from collections.abc import Sequence
from datetime import date

from pydantic import BaseModel

from runtime import audit
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from tasks import stage_rules, stage_store
from tasks.stage_rules import Stage, StageKind, StageSet


class StageSetView(BaseModel):
    """A set of stages; review_days: calendar days in which an emergency must be approved."""

    kind: StageKind
    version: int
    effective_on: date
    review_days: int | None
    stages: tuple[Stage, ...]

    @classmethod
    def of(cls, stage_set: StageSet) -> "StageSetView":
        return cls(
            kind=stage_set.kind,
            version=stage_set.version,
            effective_on=stage_set.effective_on,
            review_days=stage_set.review_days,
            stages=stage_set.stages,
        )


async def change_stages(
    pool: Pool,
    actor: Actor,
    kind: StageKind,
    stages: Sequence[Stage],
    *,
    review_days: int | None,
    effective_on: date,
) -> StageSetView:
    """Number and store the set. Raises Forbidden unless the actor is an operator, StagesUnfit, StagesNotLater."""
    actor.require(Role.OPERATOR)
    async with transaction(pool, actor) as tx:
        newest = await stage_store.lock_stages(tx, kind)
        changed = stage_rules.change_stages(
            kind, stages, review_days, effective_on, newest, today=business_date(utcnow())
        )
        await stage_store.insert_stages(tx, changed)
        view = StageSetView.of(changed)
        audit.note(tx, "access.stages-changed", kind, view.model_dump(mode="json"))
        tx.answer_with(view)
    return view
