"""Use case: a file that was ordered is made, a batch at a time; what is in it is on its way from then on.

Each turn is one transaction: payments go from prepared to sent together with the place of the file that holds them, so
that a kill leaves either both or neither. Identities are opened here; what was in them leaves this file sealed.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from qingdan.bank_events import PaymentOrder
from qingdan.ids import BatchId, PaymentId
from qingdan.money import Fen
from runtime import audit, outbox, sealing
from runtime.actor import Actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Tx, transaction
from runtime.ids import new_id
from runtime.sealing import ContentKey, PrivateKeys
from subsidy import (
    bank_file_store,
    bank_part_store,
    bank_row_rules,
    bank_sheet_store,
    identity_store,
    ledger_store,
    pain001_rules,
    payment_rules,
    payment_store,
    run_rules,
    run_store,
)
from subsidy.bank_file_rules import PAYMENTS_PER_BATCH, BankFile
from subsidy.bank_file_store import NewBatch
from subsidy.bank_part_store import Opener, SealedPart
from subsidy.payment_store import Prepared
from subsidy.run_rules import Run

if TYPE_CHECKING:
    from hashlib import _Hash


@dataclass(frozen=True, slots=True)
class _Made:
    """A batch and its place as it rests, and whom it leaves out, for which reason."""

    batch: NewBatch | None
    parts: Sequence[SealedPart]
    given_up: dict[PaymentId, str]


async def make_bank_files(
    pool: Pool, actor: Actor, service_key_file: Path, *, per_batch: int = PAYMENTS_PER_BATCH
) -> bool:
    """Make the next batch of a file, or end the file; True: there may be more to do.

    Who has no account that we know of is rejected and in no file. Raises OSError and ValueError for a key file that is
    not there or not one, Unsealable for one that has lost the file's key.
    """
    now = utcnow()
    today = business_date(now)
    async with transaction(pool, actor) as tx:
        file = await bank_file_store.lock_next_to_make(tx)
        if file is None:
            return False
        keys = PrivateKeys.read(service_key_file)
        run, key = await run_store.lock_run(tx, file.run, None), await _content_key(tx, file, keys)
        limit = min(file.left, per_batch)
        prepared = await payment_store.take_prepared(tx, run.id, limit=limit) if limit else []
        if not prepared:
            await _end(tx, file, key, now)
            await _tell_when_all_went(tx, actor, run, today=today)
            return True
        made = await asyncio.to_thread(_make, file, run, prepared, keys, key, today=today)
        if made.batch is not None:
            await bank_file_store.save_batch(tx, file, made.batch, on=today)
            await bank_part_store.insert_parts(tx, file.id, made.parts)
            postings = [payment_rules.posting(each, "prepared", "sent") for each in made.batch.payments]
            await ledger_store.post_payments(tx, [each for each in postings if each is not None])
            told = {"file": str(file.id), "place": made.batch.place, "payments": len(made.batch.payments)}
            audit.note(tx, "bank-file.batch", str(made.batch.id), {**told, "total_fen": made.batch.total_fen})
        if made.given_up:
            await payment_store.save_given_up(tx, made.given_up, today=today)
            audit.note(tx, "payments.given-up", str(run.id), {"payments": sorted(map(str, made.given_up))})
    return True


async def _content_key(tx: Tx, file: BankFile, keys: PrivateKeys) -> ContentKey:
    """The file's key: made with its first batch, opened with every other."""
    wrapped = await bank_file_store.key_of(tx, file.id)
    if wrapped is not None:
        return bank_part_store.unwrap(wrapped, keys)
    key = sealing.new_content_key()
    await bank_file_store.save_key(tx, file.id, bank_part_store.wrap(key, keys))
    return key


async def _end(tx: Tx, file: BankFile, key: ContentKey, now: datetime) -> None:
    """What stands before and behind the batches is known only now; the whole is hashed as it will be read."""
    if not file.payments:
        await bank_file_store.save_empty(tx, file.id)
        audit.note(tx, "bank-file.empty", str(file.id), {"run": str(file.run)})
        return
    before, behind = _frame(file, now)
    for place, content in ((0, before), (file.batches + 1, behind)):
        if content:
            await bank_part_store.insert_parts(tx, file.id, bank_part_store.seal(key, file.id, place, content))
    hashed, content_bytes, opener = sha256(), 0, Opener(key, file.id)
    parts = await bank_part_store.parts_of(tx, file.id, after=None)
    while parts:
        content_bytes += await asyncio.to_thread(_hash, hashed, opener, parts)
        parts = await bank_part_store.parts_of(tx, file.id, after=parts[-1].at)
    await bank_file_store.save_ready(tx, file.id, hashed.digest(), content_bytes)
    made = {"payments": file.payments, "total_fen": file.total_fen, "sha256": hashed.hexdigest()}
    audit.note(tx, "bank-file.made", str(file.id), {"run": str(file.run), "bank": file.bank, **made})


def _hash(hashed: "_Hash", opener: Opener, parts: Sequence[SealedPart]) -> int:
    """Add these parts; how many bytes they are."""
    count = 0
    for piece in opener.opened(parts):
        hashed.update(piece)
        count += len(piece)
    return count


async def _tell_when_all_went(tx: Tx, actor: Actor, run: Run, *, today: date) -> None:
    if await payment_store.anything_prepared(tx, run.id):
        return
    standing = await payment_store.standing_of(tx, run.id)
    event = run_rules.paying(run, standing.sent, today=today)
    await run_store.save_paying(tx, run.id)
    await outbox.append(tx, event)
    await audit.append(tx, actor, event, before={"state": run.state})


def _make(
    file: BankFile, run: Run, prepared: Sequence[Prepared], keys: PrivateKeys, key: ContentKey, *, today: date
) -> _Made:
    """A batch of those whose account can be read; of nobody there is none."""
    batch, place = BatchId(new_id()), file.batches + 1
    orders, given_up = list[PaymentOrder](), dict[PaymentId, str]()
    for payment in prepared:
        order = identity_store.order_of(payment, keys, batch, len(orders) + 1, period=run.period)
        if isinstance(order, str):
            given_up[payment.id] = order
        else:
            orders.append(order)
    if not orders:
        return _Made(None, (), given_up)
    total_fen = Fen(sum(order.amount_fen for order in orders))
    content = _content(file, batch, orders, on=today)
    parts = bank_part_store.seal(key, file.id, place, content)
    return _Made(NewBatch(batch, place, [order.payment for order in orders], total_fen), parts, given_up)


def _content(file: BankFile, batch: BatchId, orders: Sequence[PaymentOrder], *, on: date) -> bytes:
    """A batch as it stands in the file, in the clear."""
    profile, first = file.profile, file.payments + 1
    match profile.format:
        case "pain.001":
            return pain001_rules.payment_information(profile, file.bank, batch, orders, on=on).encode()
        case "csv":
            rows = bank_row_rules.order_rows(profile, orders, first=first)
            return bank_row_rules.csv_bytes(profile, rows, begins=False)
        case "xlsx":  # of one batch, so that its totals are known by now
            rows = _sheet_rows(file, orders)
            return bank_sheet_store.write_sheet(rows, on=on)


def _sheet_rows(file: BankFile, orders: Sequence[PaymentOrder]) -> Iterator[list[str]]:
    total_fen = sum(order.amount_fen for order in orders)
    yield from bank_row_rules.opening_rows(file.profile, file.id, count=len(orders), total_fen=total_fen)
    yield from bank_row_rules.order_rows(file.profile, orders, first=1)
    yield from bank_row_rules.closing_rows(file.profile, file.id, count=len(orders), total_fen=total_fen)


def _frame(file: BankFile, now: datetime) -> tuple[bytes, bytes]:
    """What stands before and behind the batches."""
    profile, count, total_fen = file.profile, file.payments, file.total_fen
    match profile.format:
        case "pain.001":
            before = pain001_rules.opening(profile, file.id, made_at=now, count=count, total_fen=total_fen)
            return before.encode(), pain001_rules.closing().encode()
        case "csv":
            above = bank_row_rules.opening_rows(profile, file.id, count=count, total_fen=total_fen)
            below = bank_row_rules.closing_rows(profile, file.id, count=count, total_fen=total_fen)
            return (
                bank_row_rules.csv_bytes(profile, above, begins=True),
                bank_row_rules.csv_bytes(profile, below, begins=False),
            )
        case "xlsx":
            return b"", b""
