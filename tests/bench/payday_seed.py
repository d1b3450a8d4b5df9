"""A payday of any size: people with sealed identities and accounts, what they are owed, payments that wait."""

import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import asyncpg

from qingdan.identity import BankAccount, PersonName, ResidentId, check_character
from qingdan.ids import PersonId, RunId
from qingdan.records_events import Identity, IdentityRecorded
from qingdan.sealed import WrappedKey
from runtime import sealing
from runtime.actor import service_actor
from runtime.db import Tx
from runtime.ids import new_id
from runtime.sealing import ContentKey, PublicKey
from subsidy import ledger_store, payment_store
from subsidy.map_accounts import READ_AT_ONCE_MAX

WORKERS: Final = 2
AMOUNT_FEN: Final = 80_000
PROGRAMME: Final = "B01"
PERIOD: Final = "2026-07"

_Row = tuple[UUID, str, str, datetime, str]

# Their accounts are in force already, with their keys as the mapper keeps them.
_KEEP = """
WITH kept AS (
    INSERT INTO identity (person_id, keys, sealed, recorded_at, unread, marked)
    SELECT e.*, false, true FROM unnest($1::uuid[], $2::jsonb[], $3::jsonb[], $4::timestamptz[]) AS e
    RETURNING person_id, sealed, recorded_at
), in_force AS (
    INSERT INTO account (person_id, number, is_change, state, in_force_from)
    SELECT person_id, 1, false, 'in_force', recorded_at FROM kept RETURNING id, person_id
)
INSERT INTO account_identity (account_id, keys, sealed)
SELECT f.id, e.keys, k.sealed FROM in_force f JOIN kept k USING (person_id)
JOIN unnest($1::uuid[], $5::jsonb[]) AS e(person_id, keys) USING (person_id)
"""
_OBLIGE = """
INSERT INTO obligation (programme, beneficiary, occurrence, run_id, kind, payee, division_id, department, amount_fen)
SELECT $1, e.payee, $2, $3, 'person', e.payee, v.ids[1 + e.place % cardinality(v.ids)], 'MZJ', $4
FROM unnest($5::uuid[]) WITH ORDINALITY AS e(payee, place),
    (SELECT array_agg(id ORDER BY code) AS ids FROM division WHERE level = 'village') AS v
"""


def identities(public_key: Path, first: int, many: int) -> list[_Row]:
    """So many people's sealed identities, each under a key of its own as the data hub makes them, and that key as the
    mapper keeps it."""
    receiver = sealing.read_public_keys(public_key)["service:subsidy"]
    rows = list[_Row]()
    for at in range(first, first + many, READ_AT_ONCE_MAX):
        numbers = range(at, min(at + READ_AT_ONCE_MAX, first + many))
        content = [sealing.new_content_key() for _ in numbers]
        kept = sealing.wrap_together(content, receiver)
        rows += [_row(*each, receiver) for each in zip(numbers, content, kept, strict=True)]
    return rows


def _row(number: int, key: ContentKey, kept: WrappedKey, receiver: PublicKey) -> _Row:
    person, resident = PersonId(new_id()), f"13043119500101{900 + number % 98}"
    clear = Identity(
        person=person,
        name=PersonName("王甲子"),
        resident_id=ResidentId(resident + check_character(resident)),
        account=BankAccount(f"6299{number:011}7777"),
        phone=None,
    )
    sealed = sealing.seal(key, clear, event_type=IdentityRecorded.event_type(), event_key=str(person))
    came = json.dumps([sealing.wrap(key, receiver).model_dump(mode="json")])
    return person, came, sealed.model_dump_json(), datetime.now(UTC), json.dumps([kept.model_dump(mode="json")])


async def people(connection: "asyncpg.Connection[asyncpg.Record]", public_key: Path, many: int) -> list[UUID]:
    """Enter so many people whose account is in force; their ids."""
    each = -(-many // (WORKERS * 8))
    payees = list[UUID]()
    with ProcessPoolExecutor(WORKERS) as pool:
        parts = [pool.submit(identities, public_key, at, min(each, many - at)) for at in range(0, many, each)]
        for part in parts:
            rows = part.result()
            await connection.execute(_KEEP, *(list(column) for column in zip(*rows, strict=True)))
            payees += [row[0] for row in rows]
    return payees


async def frozen_run(connection: "asyncpg.Connection[asyncpg.Record]", county: str, payees: Sequence[UUID]) -> RunId:
    """A run with everything that an approval writes but the approval itself: `approve` is the word to go."""
    run = RunId(new_id())
    tx = Tx(connection, service_actor("subsidy"), "")
    await tx.execute("SELECT set_config('app.kind', 'operator', false)")  # who publishes programmes
    await tx.execute("INSERT INTO programme_version (version, effective_on) VALUES (1, '2026-01-01')")
    await tx.execute("SELECT set_config('app.kind', 'service', false)")
    await tx.execute(
        "INSERT INTO run (id, division_id, period, state, programme_version, reference_on, prepared_by, previewed_on,"
        " frozen_by, frozen_hash, notice_until, frozen_on)"
        " SELECT $1, id, $2, 'frozen', 1, '2026-07-01', 'preparer',"
        " '2026-07-02', 'preparer', sha256(''), '2026-07-02', '2026-07-02' FROM division WHERE code = $3",
        *(run, PERIOD, county),
    )
    await tx.execute(_OBLIGE, PROGRAMME, PERIOD, run, AMOUNT_FEN, list(payees))
    owed = await tx.fetch("SELECT id FROM obligation WHERE run_id = $1 ORDER BY id", run)
    await ledger_store.post_obligations(tx, [row["id"] for row in owed])
    await payment_store.prepare_payments(tx, run)
    return run


async def approve(connection: "asyncpg.Connection[asyncpg.Record]", run: RunId) -> None:
    """From this commit on the service may send."""
    await connection.execute(
        "UPDATE run SET state = 'approved', approved_by = 'approver', approved_on = '2026-07-03',"
        " version = version + 1 WHERE id = $1",
        run,
    )
