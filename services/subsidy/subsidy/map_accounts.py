"""Use case: identities that came in are read; each account that one names, and that is not known yet, is proposed.

Identities are opened here in the clear, and leave this file as keyed hashes and the last four digits. By the hash of
the resident ID somebody who is in the registers twice is seen.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from qingdan.ids import AccountCheckId, PersonId
from qingdan.records_events import Identity
from runtime import audit, sealing
from runtime.actor import Actor
from runtime.db import Pool, Tx, transaction
from runtime.ids import new_id
from runtime.sealing import HashKey, PrivateKeys, Unsealable
from subsidy import account_rules, account_store, identity_store
from subsidy.account_rules import Named, Version
from subsidy.account_store import Proposal
from subsidy.identity_store import SealedIdentity

READ_AT_ONCE_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class Mapping:
    """With which keys identities are opened and hashed, and how long a change cools off."""

    service_key_file: Path
    account_key_file: Path
    cooling: timedelta


@dataclass(slots=True)
class _Read:
    """What identities name, by what they belong to; None: no account. Who is in neither could not be opened.

    residents: the keyed hashes of their resident IDs. kept: the identities of those people as they are kept with their
    accounts.
    """

    people: dict[PersonId, Named | None] = field(default_factory=dict)
    accounts: dict[AccountCheckId, Named] = field(default_factory=dict)
    residents: dict[PersonId, bytes] = field(default_factory=dict)
    kept: dict[PersonId, SealedIdentity] = field(default_factory=dict)


async def map_accounts(pool: Pool, actor: Actor, mapping: Mapping) -> bool:
    """Read the next identities; True: there may be more. Who waited to be paid for it is looked at again.

    Raises OSError and ValueError for a key file that is not there or not one.
    """
    async with transaction(pool, actor) as tx:
        unread = await identity_store.take_unread(tx, limit=READ_AT_ONCE_MAX)
        if not unread:
            return False
        people = [identity.person for identity in unread]
        versions = await account_store.lock_versions(tx, people)
        never_read = [
            each.id
            for person in people
            for each in versions.get(person, [])
            if each.owner_hash is None and each.state == "in_force"
        ]
        seals = await account_store.seals_of(tx, never_read) if never_read else {}
        read = await asyncio.to_thread(_open, mapping, unread, seals)
        if read.accounts:
            await account_store.save_named(tx, read.accounts)
            versions = await account_store.lock_versions(tx, people)
        await _save(tx, unread, versions, read, mapping.cooling)
        await identity_store.save_read(tx, people, read.residents)
        await account_store.wake_payments(tx, people)
    return len(unread) == READ_AT_ONCE_MAX


async def _save(
    tx: Tx,
    unread: Sequence[SealedIdentity],
    versions: dict[PersonId, list[Version]],
    read: _Read,
    cooling: timedelta,
) -> None:
    withdrawn, seals, proposals = list[AccountCheckId](), dict[AccountCheckId, SealedIdentity](), list[Proposal]()
    for identity in unread:
        if identity.person not in read.people:
            continue
        named = read.people[identity.person]
        reading = account_rules.read(versions.get(identity.person, []), named)
        withdrawn += reading.withdrawn
        if reading.same is not None:
            seals[reading.same] = read.kept[identity.person]
        if reading.proposed is not None and named is not None:
            check = AccountCheckId(new_id())
            proposals.append(Proposal(check, reading.proposed, reading.change, named, read.kept[identity.person]))
    if withdrawn:
        await account_store.save_withdrawn(tx, withdrawn)
    if seals:
        await account_store.save_seals(tx, seals)
    if proposals:
        await account_store.insert_proposals(tx, proposals, cooling=cooling)
    changes = {str(each.identity.person): each.named.last_four for each in proposals if each.is_change}
    if withdrawn or proposals:
        after = {"proposed": len(proposals), "withdrawn": sorted(map(str, withdrawn)), "changes": changes}
        audit.note(tx, "accounts.mapped", str(unread[0].person), after)


def _open(mapping: Mapping, unread: Sequence[SealedIdentity], seals: dict[AccountCheckId, SealedIdentity]) -> _Read:
    keys, hash_key = PrivateKeys.read(mapping.service_key_file), HashKey.read(mapping.account_key_file)
    read = _Read()
    for identity in unread:
        try:
            clear = identity_store.open_identity(identity, keys)
        except Unsealable:
            continue
        read.people[identity.person] = _named(clear, hash_key)
        read.residents[identity.person] = sealing.keyed_hash(hash_key, clear.resident_id)
    for account, identity in seals.items():
        try:
            named = _named(identity_store.open_identity(identity, keys), hash_key)
        except Unsealable:
            continue
        if named is not None:
            read.accounts[account] = named
    opened = [identity for identity in unread if identity.person in read.people]
    read.kept = {each.person: each for each in identity_store.kept_together(opened, keys)}
    return read


def _named(clear: Identity, hash_key: HashKey) -> Named | None:
    if clear.account is None:
        return None
    return Named(
        account_hash=sealing.keyed_hash(hash_key, clear.account),
        owner_hash=sealing.keyed_hash(hash_key, clear.account, clear.name),
        last_four=clear.account.masked()[-4:],
    )
