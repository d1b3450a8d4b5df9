"""Use case: the rules on signs as they stood on a day."""

from datetime import date
from typing import Self

from pydantic import BaseModel

from runtime.actor import Actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from signage import version_store
from signage.version_rules import RuleVersion, SignRule


class RulesView(BaseModel):
    """One version of the rules; each that permits a sign is a slot at every village."""

    version: int
    effective_on: date
    legal_basis: str
    rules: list[SignRule]

    @classmethod
    def of(cls, rules: RuleVersion) -> Self:
        return cls(
            version=rules.version,
            effective_on=rules.effective_on,
            legal_basis=rules.legal_basis,
            rules=list(rules.rules),
        )


async def show_rule_version(pool: Pool, actor: Actor, as_of: date | None) -> RulesView:
    """The version in force on that day (today, unless given). Raises NoRulesInForce."""
    async with transaction(pool, actor) as tx:
        return RulesView.of(await version_store.rules_in_force(tx, as_of or business_date(utcnow())))
