"""Use case: a whole new version of the programmes, every rule of it checked before it stands."""

from collections.abc import Sequence
from datetime import date

from pydantic import BaseModel, Field

from runtime import audit
from runtime.actor import Actor, Role
from runtime.db import Pool, transaction
from runtime.problems import Invalid
from subsidy import example_rules, programme_rules, programme_store
from subsidy.programme_rules import Compiled, Example, Programme


class ProgrammesPublished(BaseModel):
    """A version that stands."""

    version: int
    effective_on: date
    programmes: int
    examples: int = Field(description="that came to what they said")


async def publish_programmes(
    pool: Pool, actor: Actor, *, effective_on: date, programmes: Sequence[Programme], examples: Sequence[Example]
) -> ProgrammesPublished:
    """Check every expression and every example, number the version and store it.

    Raises Forbidden unless the actor is an operator or prepares for finance, Invalid naming each place that is unfit,
    ProgrammesNotLater, ProgrammeFails.
    """
    actor.require(Role.OPERATOR, Role.FINANCE_PREPARER)
    async with transaction(pool, actor) as tx:
        newest = await programme_store.lock_versions(tx)
        version, before = (newest["version"] + 1, newest["effective_on"]) if newest else (1, None)
        compiled = programme_rules.take_effect(programmes, examples, effective_on, before)
        _try(compiled, examples)
        await programme_store.insert_version(tx, version, effective_on, programmes)
        published = ProgrammesPublished(
            version=version, effective_on=effective_on, programmes=len(programmes), examples=len(examples)
        )
        audit.note(tx, "programmes.published", "programmes", published.model_dump(mode="json"))
        tx.answer_with(published)
    return published


def _try(compiled: Sequence[Compiled], examples: Sequence[Example]) -> None:
    by_code = {each.programme.code: each for each in compiled}
    computed = example_rules.compute_examples(by_code, examples)
    if differing := programme_rules.disagreements(examples, computed):
        raise Invalid(errors=differing[:100])
