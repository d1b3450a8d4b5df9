"""Use case: somebody of finance has looked at an account that waits for people; with the second it can be in force."""

from qingdan.ids import AccountCheckId
from runtime import audit
from runtime.actor import Actor, Role
from runtime.db import Pool, Version, transaction
from subsidy import account_list_store, account_rules, account_store
from subsidy.list_accounts import AccountView


async def confirm_account(pool: Pool, actor: Actor, account: AccountCheckId, *, expected: Version) -> AccountView:
    """It comes into force by itself once it has cooled off.

    Raises Forbidden, NotFound, StaleVersion and the refusals of account_rules.confirm.
    """
    actor.require(Role.FINANCE_PREPARER, Role.FINANCE_APPROVER)
    async with transaction(pool, actor) as tx:
        candidate = await account_store.lock_candidate(tx, account, expected)
        confirmed = account_rules.confirm(candidate, actor.subject)
        await account_store.save_confirmed(tx, confirmed)
        view = AccountView.of(await account_list_store.find_account(tx, account))
        seen = {
            "person": str(view.person),
            "account": view.account,
            "eyes_missing": account_rules.eyes_missing(confirmed),
        }
        audit.note(tx, "account.confirmed", str(account), seen)
        tx.answer_with(view, version=expected + 1)
    return view
