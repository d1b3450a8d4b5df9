"""Every SQL statement on identities, which stay sealed at rest; and how one is opened."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import TypeAdapter

from qingdan.bank_events import PaymentOrder
from qingdan.identity import PersonName
from qingdan.ids import BatchId, PersonId
from qingdan.records_events import Identity, IdentityRecorded
from qingdan.sealed import Cipher, Sealed, WrappedKey
from qingdan.subsidy_events import Period
from runtime import sealing
from runtime.db import Tx
from runtime.sealing import ContentKey, PrivateKeys, Unsealable
from subsidy.payment_rules import IDENTITY_UNREADABLE, NO_ACCOUNT
from subsidy.payment_store import Prepared

RECIPIENT: Final = "service:subsidy"
_KEYS = TypeAdapter(tuple[WrappedKey, ...])


class SealedIdentity(NamedTuple):
    """An identity as it rests."""

    person: PersonId
    keys: str
    sealed: str


def open_identity(identity: SealedIdentity, keys: PrivateKeys) -> Identity:
    """What is in it, in the clear. Raises Unsealable: the key was destroyed to forget the person, or is not ours."""
    sealed = Sealed.model_validate_json(identity.sealed)
    clear = sealing.unseal(
        _content_key(identity, keys, sealed.cipher),
        sealed,
        Identity,
        event_type=IdentityRecorded.event_type(),
        event_key=str(identity.person),
    )
    if clear.person != identity.person:
        raise Unsealable()
    return clear


def open_names(identities: Sequence[SealedIdentity], key_file: Path) -> dict[PersonId, PersonName]:
    """The names of those who can be read; who was forgotten, or is another's, is left out. Raises OSError and
    ValueError for a key file that is not there or not one."""
    keys, names = PrivateKeys.read(key_file), dict[PersonId, PersonName]()
    for each in identities:
        with suppress(Unsealable):
            names[each.person] = open_identity(each, keys).name
    return names


def kept_together(identities: Sequence[SealedIdentity], keys: PrivateKeys) -> list[SealedIdentity]:
    """The same identities with their content keys wrapped to our own key, and to it alone, under one ephemeral key.

    A payday opens them all: where each has an ephemeral key of its own, every payment takes a key agreement. Raises
    Unsealable, ValueError when we have no key.
    """
    content = [_content_key(each, keys, Sealed.model_validate_json(each.sealed).cipher) for each in identities]
    wrapped = sealing.wrap_together(content, keys.newest(RECIPIENT))
    return [each._replace(keys=_KEYS.dump_json((key,)).decode()) for each, key in zip(identities, wrapped, strict=True)]


def _content_key(identity: SealedIdentity, keys: PrivateKeys, cipher: Cipher) -> ContentKey:
    ours = [each for each in _KEYS.validate_json(identity.keys) if each.recipient_key in keys.by_kid]
    if not ours:
        raise Unsealable()
    return sealing.unwrap(ours[0], keys, cipher)


def order_of(payment: Prepared, keys: PrivateKeys, batch: BatchId, seq: int, *, period: Period) -> PaymentOrder | str:
    """The order in the clear, to be sealed at once; or why there can be none."""
    if payment.keys is None or payment.sealed is None or payment.payee is None:
        return payment.unpayable or NO_ACCOUNT
    try:
        identity = open_identity(SealedIdentity(payment.payee, payment.keys, payment.sealed), keys)
    except Unsealable:
        return IDENTITY_UNREADABLE
    if identity.account is None:
        return NO_ACCOUNT
    return PaymentOrder(
        payment=payment.id,
        batch=batch,
        seq=seq,
        programme=payment.programme,
        period=period,
        amount_fen=payment.amount_fen,
        payee=identity.name,
        account=identity.account,
    )


async def save_identities(tx: Tx, recorded: Sequence[tuple[IdentityRecorded, datetime]]) -> None:
    """Keep the last identity of each person, with the time of its event; it is to be read, unless it came before."""
    last = {event.person: (event, at) for event, at in recorded}
    people = sorted(last)
    await tx.execute(
        "INSERT INTO identity AS i (person_id, keys, sealed, recorded_at)"
        " SELECT * FROM unnest($1::uuid[], $2::jsonb[], $3::jsonb[], $4::timestamptz[])"
        " ON CONFLICT (person_id) DO UPDATE SET keys = excluded.keys, sealed = excluded.sealed,"
        " recorded_at = excluded.recorded_at, unread = i.unread OR excluded.sealed <> i.sealed"
        " WHERE excluded.recorded_at >= i.recorded_at",
        people,
        [_KEYS.dump_json(last[person][0].keys).decode() for person in people],
        [last[person][0].sealed.model_dump_json() for person in people],
        [last[person][1] for person in people],
    )


async def take_unread(tx: Tx, *, limit: int) -> list[SealedIdentity]:
    """Identities that nobody has read and marked yet, held until the transaction ends; those that another replica holds
    are not among them."""
    rows = await tx.fetch(
        "SELECT person_id, keys::text, sealed::text FROM identity WHERE unread OR NOT marked"
        " ORDER BY person_id LIMIT $1 FOR UPDATE SKIP LOCKED",
        limit,
    )
    return [SealedIdentity(*row) for row in rows]


async def save_read(tx: Tx, people: Sequence[PersonId], residents: Mapping[PersonId, bytes]) -> None:
    """These identities were read; `residents`: the keyed hash of the resident ID of each that could be."""
    await tx.execute(
        "UPDATE identity SET unread = false, marked = true, unreadable = NOT person_id = ANY($2::uuid[])"
        " WHERE person_id = ANY($1::uuid[])",
        people,
        list(residents),
    )
    await tx.execute(
        "INSERT INTO person_mark AS m (person_id, resident_hash) SELECT * FROM unnest($1::uuid[], $2::bytea[])"
        " ON CONFLICT (person_id) DO UPDATE SET resident_hash = excluded.resident_hash"
        " WHERE m.resident_hash <> excluded.resident_hash",
        list(residents),
        list(residents.values()),
    )


async def save_unread(tx: Tx, people: Sequence[PersonId]) -> None:
    """These identities are to be read again."""
    await tx.execute("UPDATE identity SET unread = true WHERE person_id = ANY($1::uuid[])", people)


async def forget_identities(tx: Tx, people: Sequence[PersonId]) -> None:
    """What was made of them goes with them."""
    await tx.execute("DELETE FROM identity WHERE person_id = ANY($1::uuid[])", people)
    await tx.execute("DELETE FROM person_mark WHERE person_id = ANY($1::uuid[])", people)
