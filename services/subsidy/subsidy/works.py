"""Time in: what the service goes on with by itself."""

from datetime import timedelta
from typing import cast

from runtime.works import Working, every
from subsidy.ask_silent_payments import ask_silent_payments as ask
from subsidy.check_accounts import Enquiry
from subsidy.check_accounts import check_accounts as check
from subsidy.compare_open_days import compare_open_days as compare
from subsidy.instruct_payments import Desk
from subsidy.instruct_payments import instruct_payments as instruct
from subsidy.make_bank_files import make_bank_files as make
from subsidy.map_accounts import Mapping
from subsidy.map_accounts import map_accounts as read_identities
from subsidy.oblige_run import oblige_run as oblige
from subsidy.remove_snapshot import remove_snapshot
from subsidy.settings import Settings
from subsidy.settle_accounts import settle_accounts as settle
from subsidy.settle_holds import settle_holds as settle_held


@every(1.0)
async def map_accounts(work: Working) -> bool:
    """Whoever names an account has it proposed within a second, long before a payday."""
    settings = cast(Settings, work.settings)
    mapping = Mapping(
        service_key_file=settings.service_key_file,
        account_key_file=settings.account_key_file,
        cooling=timedelta(hours=settings.account_cooling_h),
    )
    return await read_identities(work.pool, work.actor, mapping)


@every(1.0)
async def check_accounts(work: Working) -> bool:
    """The bank that pays is asked about each account within a second, and again when it is silent."""
    settings = cast(Settings, work.settings)
    enquiry = Enquiry(
        bank=settings.paying_bank,
        can_check=settings.paying_bank not in settings.banks_without_checks,
        service_key_file=settings.service_key_file,
        bank_keys_file=settings.bank_keys_file,
        silent=timedelta(seconds=settings.account_silent_s),
    )
    return await check(work.pool, work.actor, enquiry)


@every(1.0)
async def settle_accounts(work: Working) -> bool:
    """An account that nothing stands against any more is in force within a second."""
    settings = cast(Settings, work.settings)
    return await settle(work.pool, work.actor, timedelta(days=settings.account_expires_days))


@every(1.0)
async def settle_holds(work: Working) -> bool:
    """What nothing holds any more goes with the next turn, and what was stopped ends, within a second."""
    return await settle_held(work.pool, work.actor)


@every(0.5)
async def oblige_run(work: Working) -> bool:
    """What was approved begins to be owed within half a second, and goes on from where it was after a kill."""
    settings = cast(Settings, work.settings)
    return await oblige(work.pool, work.actor, settings.obligations_per_turn)


@every(1.0)
async def instruct_payments(work: Working) -> bool:
    """Approved payments are on their way within a second or two."""
    settings = cast(Settings, work.settings)
    desk = Desk(
        bank=settings.paying_bank,
        service_key_file=settings.service_key_file,
        bank_keys_file=settings.bank_keys_file,
        payments_per_batch=settings.payments_per_batch,
        batches_per_turn=settings.batches_per_turn,
    )
    return await instruct(work.pool, work.actor, desk)


@every(1.0)
async def ask_silent_payments(work: Working) -> bool:
    """Whoever is silent is asked within a second of the time that the settings give."""
    settings = cast(Settings, work.settings)
    return await ask(work.pool, work.actor, timedelta(seconds=settings.payment_silent_s))


@every(1.0)
async def make_bank_files(work: Working) -> bool:
    """A file that was ordered is begun within a second, and made batch by batch."""
    settings = cast(Settings, work.settings)
    return await make(work.pool, work.actor, settings.service_key_file)


@every(60.0)
async def compare_open_days(work: Working) -> bool:
    """What is late settles a day's differences within six minutes of its result."""
    return await compare(work.pool, work.actor, timedelta(minutes=5))


@every(3600.0)
async def remove_snapshots(work: Working) -> bool:
    """What has been kept for as long as the law asks goes within the first hours of a year, run by run."""
    settings = cast(Settings, work.settings)
    return await remove_snapshot(work.pool, work.actor, settings.snapshots_kept_years)
