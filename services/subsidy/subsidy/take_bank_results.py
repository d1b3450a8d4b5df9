"""Use case: finance takes in what a bank says became of the payments of a file, in a file (回盘)."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import date
from hashlib import sha256

from pydantic import BaseModel, Field

from runtime import audit
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from runtime.ids import new_id
from subsidy import (
    bank_file_rules,
    bank_file_store,
    bank_row_rules,
    bank_sheet_store,
    ledger_store,
    oddity_store,
    payment_rules,
    payment_store,
    run_rules,
    unpaid_store,
)
from subsidy.bank_file_rules import BankFile, BankFileId
from subsidy.bank_row_rules import ResultRow
from subsidy.payment_rules import PaymentState


class ResultsTaken(BaseModel):
    """What a file of results came to."""

    file: BankFileId
    rows: int
    changed: dict[PaymentState, int] = Field(description="payments that are in this state now and were not before")
    odd: int = Field(description="words that do not fit: the list of oddities has them")


async def take_bank_results(
    pool: Pool, actor: Actor, file_id: BankFileId, body: bytes, *, as_workbook: bool, expected: Version
) -> ResultsTaken:
    """All rows or none, weighed as a bank's events are: what comes twice, late, of nobody or of another amount is odd.

    Raises Forbidden, WholeCountyNeeded, NotFound, StaleVersion, FileNotReady and the refusals of
    bank_row_rules.read_results and bank_file_rules.take_results.
    """
    actor.require(Role.FINANCE_PREPARER)
    run_rules.require_whole_county(actor.department)
    today = business_date(utcnow())
    async with transaction(pool, actor) as tx:
        file = await bank_file_store.lock_file(tx, file_id, expected)
        bank_file_rules.require_ready(file)
        rows = await asyncio.to_thread(_read, file, body, today, as_workbook=as_workbook)
        payments = await payment_store.lock_payments(tx, sorted({row.payment for row in rows}))
        files = await bank_file_store.files_of_batches(tx, {each.batch for each in payments if each.batch is not None})
        any_batch = await bank_file_store.first_batch(tx, file.id)
        taken = bank_file_rules.take_results(file, rows, payments, files, any_batch=any_batch)
        heard = payment_rules.hear(payments, taken.messages, today=today)
        odd = [*taken.odd, *heard.odd]
        if heard.changed:
            await payment_store.save_heard(tx, heard.changed)
            await ledger_store.post_payments(tx, heard.postings)
            stopped = await unpaid_store.stopped_of(tx, heard.changed)
            await ledger_store.post_payments(tx, [payment_rules.cancelling(*each) for each in stopped])
        if odd:
            await oddity_store.enter_oddities(tx, odd)
        before = {payment.id: payment.state for payment in payments}
        states = Counter(payment.state for payment in heard.changed if payment.state != before[payment.id])
        digest = sha256(body).digest()
        await bank_file_store.insert_result(
            tx,
            new_id(),
            file.id,
            sha256=digest,
            rows=len(rows),
            changed=states.total(),
            odd=len(odd),
            taken_by=actor.subject,
        )
        await bank_file_store.save_changed(tx, file.id)
        told = {"bank": file.bank, "rows": len(rows), "payments": dict(states), "odd": len(odd), "file": digest.hex()}
        audit.note(tx, "bank-results.taken", str(file.id), {**told, "sha256": payment_rules.digest(heard.changed)})
        answer = ResultsTaken(file=file.id, rows=len(rows), changed=dict(states), odd=len(odd))
        tx.answer_with(answer, version=expected + 1)
    return answer


def _read(file: BankFile, body: bytes, today: date, *, as_workbook: bool) -> Sequence[ResultRow]:
    """The rows of the file in either form. In a thread: the largest takes long enough to keep others waiting."""
    if as_workbook:
        cells = bank_sheet_store.read_sheet(body)
        texts = [[bank_row_rules.cell_text(cell) for cell in row] for row in cells]
        rows = [(number, row) for number, row in enumerate(texts, 1) if any(row)]
    else:
        rows = bank_row_rules.read_csv(file.profile, body)
    return bank_row_rules.read_results(file.profile, file.id, rows, expected=file.payments, today=today)
