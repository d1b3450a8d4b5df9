"""Use case: somebody of finance has looked at an account that waits for people, and says no."""

from qingdan.ids import AccountCheckId, OpenCode
from runtime import audit
from runtime.actor import Actor, Role
from runtime.db import Pool, Version, transaction
from subsidy import account_list_store, account_rules, account_store
from subsidy.list_accounts import AccountView


async def refuse_account(
    pool: Pool, actor: Actor, account: AccountCheckId, reason: OpenCode, *, expected: Version
) -> AccountView:
    """Whoever was paid to another account still is; the same identity again proposes nothing.

    Raises Forbidden, NotFound, StaleVersion and the refusals of account_rules.refuse.
    """
    actor.require(Role.FINANCE_PREPARER, Role.FINANCE_APPROVER)
    async with transaction(pool, actor) as tx:
        candidate = await account_store.lock_candidate(tx, account, expected)
        refused = account_rules.refuse(candidate, actor.subject)
        await account_store.save_refused(tx, refused.id, refused_by=actor.subject, reason=reason)
        await account_store.wake_payments(tx, [refused.person])
        view = AccountView.of(await account_list_store.find_account(tx, account))
        said = {"person": str(view.person), "account": view.account, "reason": reason}
        audit.note(tx, "account.refused", str(account), said)
        tx.answer_with(view, version=expected + 1)
    return view
