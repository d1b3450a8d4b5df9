"""Use case: the bank is asked whose accounts are that nobody has been paid by; again, as long as it is silent.

Identities are opened here, and what was in them leaves this file sealed to the bank, under one wrapped key a turn.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from qingdan.bank_events import AccountCheckRequested, AccountToCheck
from qingdan.ids import BankCode
from runtime import audit, outbox, sealing
from runtime.actor import Actor
from runtime.clock import utcnow
from runtime.db import Pool, transaction
from runtime.sealing import PrivateKeys, Unsealable
from subsidy import account_store, identity_store
from subsidy.account_rules import CANNOT_CHECK
from subsidy.account_store import ToAsk

ASKED_AT_ONCE_MAX: Final = 500


class BankKeyUnknown(Exception):
    """The file of the banks' keys has none for the bank that is asked."""


@dataclass(frozen=True, slots=True)
class Enquiry:
    """Which bank is asked, with which keys, and after how long a silence again. can_check: it answers at all."""

    bank: BankCode
    can_check: bool
    service_key_file: Path
    bank_keys_file: Path
    silent: timedelta


async def check_accounts(pool: Pool, actor: Actor, enquiry: Enquiry) -> bool:
    """Ask about the next accounts, each under an id of its own that stays the same; True: there may be more.

    A bank that cannot check is not asked: two people must look instead. Raises BankKeyUnknown, OSError and ValueError
    for a key file that is not there or not one.
    """
    async with transaction(pool, actor) as tx:
        asked = await account_store.take_to_ask(tx, silent=enquiry.silent, limit=ASKED_AT_ONCE_MAX)
        if not asked:
            return False
        if not enquiry.can_check:
            await account_store.save_unverifiable(tx, [each.id for each in asked], CANNOT_CHECK)
        else:
            events = await asyncio.to_thread(_seal, enquiry, asked, utcnow())
            await account_store.save_asked(tx, [event.check for event in events], enquiry.bank)
            for event in events:
                await outbox.append(tx, event)
            if lost := sorted({each.id for each in asked} - {event.check for event in events}):
                await account_store.save_withdrawn(tx, lost)  # it is found unreadable, and said so, when it is read
                await identity_store.save_unread(tx, [each.identity.person for each in asked if each.id in lost])
        audit.note(tx, "accounts.asked", enquiry.bank, {"accounts": sorted(str(each.id) for each in asked)})
    return len(asked) == ASKED_AT_ONCE_MAX


def _seal(enquiry: Enquiry, asked: Sequence[ToAsk], now: datetime) -> list[AccountCheckRequested]:
    keys = PrivateKeys.read(enquiry.service_key_file)
    receiver = sealing.read_public_keys(enquiry.bank_keys_file).get(f"bank:{enquiry.bank}")
    if receiver is None:
        raise BankKeyUnknown(enquiry.bank)
    key = sealing.new_content_key()
    wrapped, events = sealing.wrap(key, receiver), list[AccountCheckRequested]()
    for each in asked:
        try:
            identity = identity_store.open_identity(each.identity, keys)
        except Unsealable:
            continue
        if identity.account is None:
            continue
        to_check = AccountToCheck(check=each.id, owner=identity.name, account=identity.account)
        sealed = sealing.seal(key, to_check, event_type=AccountCheckRequested.event_type(), event_key=str(each.id))
        events.append(
            AccountCheckRequested(bank=enquiry.bank, check=each.id, key=wrapped, sealed=sealed, requested_at=now)
        )
    return events
