"""Time in: what the service goes on with by itself."""

from datetime import timedelta
from typing import cast

from runtime.works import Working, every
from subsidy.ask_silent_payments import ask_silent_payments as ask
from subsidy.instruct_payments import Desk
from subsidy.instruct_payments import instruct_payments as instruct
from subsidy.settings import Settings


@every(1.0)
async def instruct_payments(work: Working) -> bool:
    """Approved payments are on their way within a second or two."""
    settings = cast(Settings, work.settings)
    desk = Desk(
        bank=settings.paying_bank,
        service_key_file=settings.service_key_file,
        bank_keys_file=settings.bank_keys_file,
        payments_per_batch=settings.payments_per_batch,
    )
    return await instruct(work.pool, work.actor, desk)


@every(1.0)
async def ask_silent_payments(work: Working) -> bool:
    """Whoever is silent is asked within a second of the time that the settings give."""
    settings = cast(Settings, work.settings)
    return await ask(work.pool, work.actor, timedelta(seconds=settings.payment_silent_s))
