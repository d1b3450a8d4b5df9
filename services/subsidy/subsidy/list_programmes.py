"""Use case: the programmes in force on a day."""

from datetime import date

from pydantic import BaseModel

from runtime.actor import Actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from subsidy import programme_store
from subsidy.programme_rules import Programme


class ProgrammesView(BaseModel):
    """A whole version."""

    version: int
    effective_on: date
    programmes: list[Programme]


async def list_programmes(pool: Pool, actor: Actor, as_of: date | None) -> ProgrammesView:
    """By priority; today's unless a day is named. Raises NoProgrammesInForce."""
    async with transaction(pool, actor) as tx:
        in_force = await programme_store.version_in_force(tx, as_of or business_date(utcnow()))
        programmes = await programme_store.programmes_of(tx, in_force["version"])
    return ProgrammesView(**dict(in_force), programmes=programmes)
