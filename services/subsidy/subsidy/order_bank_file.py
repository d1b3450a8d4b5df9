"""Use case: finance has a file made of what a run still has to pay, for a bank that takes files."""

from datetime import datetime

from pydantic import BaseModel

from qingdan.ids import BankCode, RunId
from runtime import audit
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from runtime.ids import new_id
from subsidy import bank_file_rules, bank_file_store, bank_profile_store, payment_store, run_rules, run_store
from subsidy.bank_file_rules import BankFileId
from subsidy.bank_profile_rules import FileFormat


class FileOrdered(BaseModel):
    """A file that is being made; nothing has left yet."""

    file: BankFileId
    run: RunId
    bank: BankCode
    format: FileFormat
    file_name: str
    payments_max: int
    ordered_at: datetime


async def order_bank_file(
    pool: Pool, actor: Actor, run_id: RunId, bank: BankCode, *, payments_max: int | None, expected: Version
) -> FileOrdered:
    """The service makes it, a batch at a time, of at most `payments_max` payments (None: as many as a file holds).

    Raises Forbidden, WholeCountyNeeded, NotFound, StaleVersion, FileUnderWay and the refusals of bank_file_rules.order.
    """
    actor.require(Role.FINANCE_PREPARER)
    run_rules.require_whole_county(actor.department)
    now = utcnow()
    async with transaction(pool, actor) as tx:
        run = await run_store.lock_run(tx, run_id, expected)
        kept = await bank_profile_store.profile_of(tx, run.division_id, bank)
        waits = await payment_store.anything_prepared(tx, run.id)
        profile = bank_file_rules.order(run, kept, anything_prepared=waits)
        file, limit = BankFileId(new_id()), bank_file_rules.payments_max(profile, payments_max)
        name = bank_file_rules.name_of(profile, bank, run.period, file, on=business_date(now))
        await bank_file_store.insert_file(
            tx, file, run.id, bank, profile, payments_max=limit, file_name=name, ordered_by=actor.subject, at=now
        )
        await run_store.save_changed(tx, run.id)
        ordered = FileOrdered(
            file=file,
            run=run.id,
            bank=bank,
            format=profile.format,
            file_name=name,
            payments_max=limit,
            ordered_at=now,
        )
        audit.note(tx, "bank-file.ordered", str(run.id), ordered.model_dump(mode="json"))
        tx.answer_with(ordered, version=expected + 1)
    return ordered
