"""Use case: finance takes a bank's statement of a day, which is compared with our books at once."""

import asyncio
from hashlib import sha256

from qingdan.divisions import DivisionCode
from qingdan.ids import BankCode
from runtime import audit
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.divisions import id_in_scope
from runtime.ids import new_id
from subsidy import bank_profile_store, camt053_rules, daily_rules, daily_store, run_rules
from subsidy.daily_rules import DailyStatementId
from subsidy.list_daily_statements import DailyStatementView


async def take_daily_statement(
    pool: Pool, actor: Actor, division: DivisionCode, bank: BankCode, body: bytes
) -> DailyStatementView:
    """Raises Forbidden, WholeCountyNeeded, DivisionUnknown and the refusals of camt053_rules.read_statement and
    daily_rules.take."""
    actor.require(Role.FINANCE_PREPARER)
    run_rules.require_whole_county(actor.department)
    statement = await asyncio.to_thread(camt053_rules.read_statement, body)
    async with transaction(pool, actor) as tx:
        division_id = await id_in_scope(tx, division)
        await daily_store.hold_account(tx, division_id, bank)
        profile = await bank_profile_store.profile_of(tx, division_id, bank)
        before = await daily_store.newest(tx, division_id, bank, statement.account)
        account = profile.debtor_account if profile is not None else None
        daily_rules.take(statement, before, debtor_account=account, today=business_date(utcnow()))
        taken, digest = DailyStatementId(new_id()), sha256(body)
        await daily_store.insert_statement(
            tx, taken, division_id, bank, statement, sha256=digest.digest(), taken_by=actor.subject
        )
        await daily_store.compare(tx, taken)
        view = DailyStatementView(**dict(await daily_store.find_statement(tx, taken)))
        told = {"bank": bank, "on": str(statement.on), "entries": len(statement.entries), "open": view.open}
        audit.note(tx, "daily-statement.taken", str(taken), {**told, "sha256": digest.hexdigest()})
        tx.answer_with(view)
    return view
