"""Use case: a bank said whose accounts are that it was asked about; whole runs of answers at a time, in any order."""

from collections import Counter

from qingdan.bank_events import AccountChecked
from runtime import audit
from runtime.db import Tx
from runtime.runs import Run
from subsidy import account_oddity_store, account_rules, account_store


async def record_checks(tx: Tx, run: Run[AccountChecked]) -> None:
    """Weigh each answer against its question. A first account that is the person's is in force from now on.

    What waited for an answer goes on. Raises nothing for what is odd: it is entered and counted.
    """
    accounts = await account_store.lock_asked(tx, sorted({event.check for event in run}))
    heard = account_rules.hear(accounts, run)
    if heard.changed:
        await account_store.save_heard(tx, heard.changed)
        await account_store.wake_payments(tx, sorted({account.person for account in heard.changed}))
        states = Counter(account.state for account in heard.changed)
        audit.note(tx, "accounts.checked", run[0].bank, {"accounts": dict(states), "sha256": heard.digest()})
    if heard.odd:
        await account_oddity_store.enter_oddities(tx, heard.odd)
