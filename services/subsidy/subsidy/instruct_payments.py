"""Use case: what waits to be paid goes to the bank, a few batches at a time, sealed so that only the bank reads it.

Nothing leaves before this transaction has committed: the instructions are rows of the outbox beside the state that says
that they are sent. What was in an identity leaves this file sealed to the bank.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from qingdan.bank_events import BatchDeclared, PaymentInstructed, PaymentOrder
from qingdan.ids import BankCode, BatchId, PaymentId
from qingdan.money import Fen
from runtime import audit, outbox, sealing
from runtime.actor import Actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Tx, transaction
from runtime.ids import new_id
from runtime.sealing import PrivateKeys, PublicKey
from subsidy import identity_store, ledger_store, payment_rules, payment_store, run_rules, run_store
from subsidy.payment_store import Prepared
from subsidy.run_rules import Run


class BankKeyMissing(Exception):
    """The file of the banks' keys has none for the paying bank."""


@dataclass(frozen=True, slots=True)
class Desk:
    """With which keys identities are opened, and which bank pays: how many under one key, how many such batches in one
    turn."""

    bank: BankCode
    service_key_file: Path
    bank_keys_file: Path
    payments_per_batch: int
    batches_per_turn: int

    @property
    def payments_per_turn(self) -> int:
        return self.payments_per_batch * self.batches_per_turn


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A batch ready to go, and whom it leaves out, for which reason."""

    declared: BatchDeclared | None
    instructed: Sequence[PaymentInstructed]
    given_up: dict[PaymentId, str]


async def instruct_payments(pool: Pool, actor: Actor, desk: Desk) -> bool:
    """Send the next batches; True: there may be more. Who has no account that we know of is rejected and not sent.

    Raises BankKeyMissing, OSError and ValueError for a key file that is not there or not one.
    """
    today = business_date(utcnow())
    async with transaction(pool, actor) as tx:
        run = await run_store.lock_next_to_instruct(tx, desk.bank)
        if run is None:
            return False
        prepared = await payment_store.take_prepared(tx, run.id, limit=desk.payments_per_turn)
        async for sealed in _sealed_ahead(desk, run, prepared, today=today):
            await _write(tx, actor, run, sealed, today=today)
        if run.state != "approved" or len(prepared) < desk.payments_per_turn:  # else the next turn finds out
            await _tell_when_all_went(tx, actor, run, today=today)
    return True


async def _sealed_ahead(desk: Desk, run: Run, prepared: Sequence[Prepared], *, today: date) -> AsyncIterator[_Sealed]:
    """Batch by batch, the next one being sealed in a thread while one is written: sealing keeps a core busy, writing
    waits for the database, and requests go on being answered meanwhile."""
    size, under_way = desk.payments_per_batch, deque[asyncio.Future[_Sealed]]()
    try:
        for at in range(0, len(prepared), size):
            batch = prepared[at : at + size]
            under_way.append(asyncio.ensure_future(asyncio.to_thread(_seal, desk, run, batch, today=today)))
            if len(under_way) > 1:
                yield await under_way.popleft()
        while under_way:
            yield await under_way.popleft()
    finally:
        for sealing_on in under_way:
            sealing_on.cancel()


async def _write(tx: Tx, actor: Actor, run: Run, sealed: _Sealed, *, today: date) -> None:
    if sealed.declared is not None:
        await payment_store.insert_batch(tx, run.id, sealed.declared)
        await payment_store.save_sent(tx, sealed.declared, sealed.instructed)
        postings = [payment_rules.posting(each.payment, "prepared", "sent") for each in sealed.instructed]
        await ledger_store.post_payments(tx, [each for each in postings if each is not None])
        for event in (sealed.declared, *sealed.instructed):
            await outbox.append(tx, event)
        await audit.append(tx, actor, sealed.declared, before={"run": str(run.id)})
    if sealed.given_up:
        await payment_store.save_given_up(tx, sealed.given_up, today=today)
        audit.note(tx, "payments.given-up", str(run.id), {"payments": sorted(map(str, sealed.given_up))})


async def _tell_when_all_went(tx: Tx, actor: Actor, run: Run, *, today: date) -> None:
    if await payment_store.anything_prepared(tx, run.id):
        return
    standing = await payment_store.standing_of(tx, run.id)
    event = run_rules.paying(run, standing.sent, today=today)
    await run_store.save_paying(tx, run.id)
    await outbox.append(tx, event)
    await audit.append(tx, actor, event, before={"state": run.state})


def _seal(desk: Desk, run: Run, prepared: Sequence[Prepared], *, today: date) -> _Sealed:
    """A batch of those whose account can be read, under one key for the bank; of nobody there is none."""
    keys, receiver = PrivateKeys.read(desk.service_key_file), _key_of(desk)
    key, batch = sealing.new_content_key(), BatchId(new_id())
    orders, given_up = list[PaymentOrder](), dict[PaymentId, str]()
    for payment in prepared:
        order = identity_store.order_of(payment, keys, batch, len(orders) + 1, period=run.period)
        if isinstance(order, str):
            given_up[payment.id] = order
        else:
            orders.append(order)
    if not orders:
        return _Sealed(None, (), given_up)
    sealed = sealing.seal_together(
        key, [(str(order.payment), order) for order in orders], event_type=PaymentInstructed.event_type()
    )
    instructed = [
        PaymentInstructed(bank=desk.bank, payment=order.payment, batch=batch, seq=order.seq, sealed=each)
        for order, each in zip(orders, sealed, strict=True)
    ]
    declared = BatchDeclared(
        bank=desk.bank,
        batch=batch,
        count=len(orders),
        total_fen=sum((order.amount_fen for order in orders), start=Fen(0)),
        key=sealing.wrap(key, receiver),
        declared_on=today,
    )
    return _Sealed(declared, instructed, given_up)


def _key_of(desk: Desk) -> PublicKey:
    receiver = sealing.read_public_keys(desk.bank_keys_file).get(f"bank:{desk.bank}")
    if receiver is None:
        raise BankKeyMissing(desk.bank)
    return receiver
