"""Use case: a bank said what became of payments; whole runs of messages at a time, in whatever order they come."""

from collections import Counter
from typing import Any

from runtime import audit, outbox
from runtime.clock import business_date, utcnow
from runtime.db import Tx
from runtime.runs import Run
from subsidy import ledger_store, oddity_store, payment_rules, payment_store, unpaid_store
from subsidy.payment_rules import BankMessage


async def record_results(tx: Tx, run: Run[Any]) -> None:
    """Weigh each message against its payment, and keep states, books and oddities together.

    A payment that the bank says it never received goes again as it was sent: the same payment, sealed as before, so
    that a bank that received it all the same pays it once. Raises nothing for what is odd: it is entered and counted.
    """
    messages: tuple[BankMessage, ...] = tuple(run)
    payments = await payment_store.lock_payments(tx, sorted({message.payment for message in messages}))
    heard = payment_rules.hear(payments, messages, today=business_date(utcnow()))
    if heard.changed:
        await payment_store.save_heard(tx, heard.changed)
        await ledger_store.post_payments(tx, heard.postings)
        stopped = await unpaid_store.stopped_of(tx, heard.changed)
        await ledger_store.post_payments(tx, [payment_rules.cancelling(*each) for each in stopped])
        states = Counter(payment.state for payment in heard.changed)
        after = {"payments": dict(states), "sha256": payment_rules.digest(heard.changed)}
        audit.note(tx, "payments.heard", messages[0].bank, after)
    if heard.odd:
        await oddity_store.enter_oddities(tx, heard.odd)
    if heard.again:
        for event in await payment_store.instructions_of(tx, heard.again):
            await outbox.append(tx, event)
