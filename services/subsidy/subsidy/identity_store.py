"""Every SQL statement on identities, which stay sealed at rest."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import TypeAdapter

from qingdan.ids import PersonId
from qingdan.records_events import IdentityRecorded
from qingdan.sealed import WrappedKey
from runtime.db import Tx

_KEYS = TypeAdapter(tuple[WrappedKey, ...])


async def save_identities(tx: Tx, recorded: Sequence[tuple[IdentityRecorded, datetime]]) -> None:
    """Keep the last identity of each person, with the time of its event."""
    last = {event.person: (event, at) for event, at in recorded}
    people = sorted(last)
    await tx.execute(
        "INSERT INTO identity AS i (person_id, keys, sealed, recorded_at)"
        " SELECT * FROM unnest($1::uuid[], $2::jsonb[], $3::jsonb[], $4::timestamptz[])"
        " ON CONFLICT (person_id) DO UPDATE SET keys = excluded.keys, sealed = excluded.sealed,"
        " recorded_at = excluded.recorded_at WHERE excluded.recorded_at >= i.recorded_at",
        people,
        [_KEYS.dump_json(last[person][0].keys).decode() for person in people],
        [last[person][0].sealed.model_dump_json() for person in people],
        [last[person][1] for person in people],
    )


async def forget_identities(tx: Tx, people: Sequence[PersonId]) -> None:
    await tx.execute("DELETE FROM identity WHERE person_id = ANY($1::uuid[])", people)
