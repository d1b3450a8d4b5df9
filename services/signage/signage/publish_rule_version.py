"""Use case: an operator puts a whole new version of the rules on signs in force."""

from collections.abc import Sequence
from datetime import date

from qingdan.ids import Reference
from runtime import audit
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from signage import version_rules, version_store
from signage.show_rule_version import RulesView
from signage.version_rules import RuleVersion, SignRule


async def publish_rule_version(
    pool: Pool, actor: Actor, rules: Sequence[SignRule], *, effective_on: date, legal_basis: Reference
) -> RulesView:
    """Number and store the version. What hangs is judged by it when removals are ordered next.

    Raises Forbidden unless the actor is an operator, and what `version_rules.take_effect` raises.
    """
    actor.require(Role.OPERATOR)
    async with transaction(pool, actor) as tx:
        newest = await version_store.lock_rules(tx)
        version, before = (newest["version"] + 1, newest["effective_on"]) if newest else (1, None)
        proposed = RuleVersion(version, effective_on, legal_basis, tuple(rules))
        version_rules.take_effect(proposed, before, today=business_date(utcnow()))
        await version_store.insert_version(tx, proposed)
        view = RulesView.of(proposed)
        audit.note(tx, "rules.took-effect", str(version), view.model_dump(mode="json"))
        tx.answer_with(view)
    return view
