"""Use case: a whole new version of the programmes, every rule of it checked before it stands."""

import asyncio
from collections.abc import Sequence
from datetime import date

from pydantic import BaseModel, Field

from runtime import audit
from runtime.actor import Actor, Role
from runtime.db import Pool, transaction
from subsidy import check_rules, example_store, programme_store
from subsidy.check_rules import Finding
from subsidy.programme_rules import Example, Programme


class ProgrammesPublished(BaseModel):
    """A version that stands."""

    version: int
    effective_on: date
    programmes: int
    examples: int = Field(description="that came to what they said")
    kept: int = Field(description="examples of earlier versions that came to what they said again")
    warnings: list[Finding]


async def publish_programmes(
    pool: Pool, actor: Actor, *, effective_on: date, programmes: Sequence[Programme], examples: Sequence[Example]
) -> ProgrammesPublished:
    """Check every expression and every example, those of earlier versions too; number the version and store it.

    Raises Forbidden unless the actor is an operator or prepares for finance, Invalid naming each place that is unfit,
    ProgrammesNotLater, ProgrammeFails.
    """
    actor.require(Role.OPERATOR, Role.FINANCE_PREPARER)
    async with transaction(pool, actor) as tx:
        newest = await programme_store.lock_versions(tx)
        version, before = (newest["version"] + 1, newest["effective_on"]) if newest else (1, None)
        kept = await example_store.newest_of(tx, [each.code for each in programmes])
        checked = await asyncio.to_thread(
            check_rules.check, programmes, examples, kept, effective_on=effective_on, before=before
        )
        so_far = await programme_store.programmes_of(tx, version - 1) if newest else []
        await programme_store.insert_version(tx, version, effective_on, programmes)
        await example_store.insert_examples(tx, version, check_rules.by_name(examples))
        published = ProgrammesPublished(
            version=version,
            effective_on=effective_on,
            programmes=len(programmes),
            examples=len(examples),
            kept=checked.kept,
            warnings=[*checked.warnings, *check_rules.named_now(programmes, so_far)],
        )
        noted = published.model_dump(mode="json", exclude={"warnings"})
        audit.note(tx, "programmes.published", "programmes", noted)
        tx.answer_with(published)
    return published
