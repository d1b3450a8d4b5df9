"""Every SQL statement on files for banks, the batches in them, and the results that were taken in."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from qingdan.divisions import DivisionCode
from qingdan.ids import BankCode, BatchId, PaymentId, RunId
from qingdan.money import Fen
from qingdan.sealed import WrappedKey
from runtime.db import Tx, Version
from runtime.problems import NotFound, StaleVersion
from subsidy.bank_file_rules import BankFile, BankFileId, FileUnderWay
from subsidy.bank_profile_rules import BankProfile

_FILE = """
SELECT f.id, f.run_id, d.code AS division, r.period, f.bank, f.profile::text AS profile, f.state, f.payments_max,
       f.payments, f.total_fen, f.batches, f.ordered_at, f.file_name, f.version
FROM bank_file f JOIN run r ON r.id = f.run_id JOIN division d ON d.id = f.division_id
"""

_VIEW = """
SELECT f.id AS file, f.run_id AS run, d.code AS division, f.bank, f.format, f.state, f.payments, f.total_fen,
       f.batches, encode(f.sha256, 'hex') AS sha256, f.content_bytes, f.file_name, f.ordered_by, f.ordered_at, f.version
FROM bank_file f JOIN division d ON d.id = f.division_id
"""

# Nobody is asked by events for what went out in a file: it is never silent for so long.
_SEND = """
UPDATE payment p SET state = 'sent', bank = $2, batch_id = $3, sent_at = clock_timestamp(), quiet_since = 'infinity',
       version = p.version + 1
WHERE p.id = ANY($1::uuid[])
"""

_STANDING = """
SELECT p.state, count(*) AS payments, sum(p.amount_fen)::bigint AS total_fen
FROM batch b JOIN payment p ON p.batch_id = b.id WHERE b.file_id = $1 GROUP BY p.state ORDER BY p.state
"""


class NewBatch(NamedTuple):
    """A batch as it takes its place in a file."""

    id: BatchId
    place: int
    payments: Sequence[PaymentId]
    total_fen: Fen


async def insert_file(
    tx: Tx,
    file: BankFileId,
    run: RunId,
    bank: BankCode,
    profile: BankProfile,
    *,
    payments_max: int,
    file_name: str,
    ordered_by: str,
    at: datetime,
) -> None:
    """A file of the run, still without payments. Raises FileUnderWay."""
    inserted = await tx.execute(
        "INSERT INTO bank_file (id, run_id, division_id, bank, profile, payments_max, file_name, ordered_by,"
        " ordered_at) SELECT $1, id, division_id, $3, $4, $5, $6, $7, $8 FROM run WHERE id = $2 ON CONFLICT DO NOTHING",
        *(file, run, bank, profile.model_dump_json(), payments_max, file_name, ordered_by, at),
    )
    if inserted == "INSERT 0 0":
        raise FileUnderWay()


async def lock_next_to_make(tx: Tx) -> BankFile | None:
    """The file that has waited longest, with its run held until the transaction ends; None: there is none.

    One that another replica holds is passed over.
    """
    row = await tx.fetchrow(_FILE + "WHERE f.state = 'making' ORDER BY f.id LIMIT 1 FOR UPDATE OF r, f SKIP LOCKED")
    return None if row is None else _file(row)


async def lock_file(tx: Tx, file: BankFileId, expected: Version | None) -> BankFile:
    """The file, held until the transaction ends, if it still has the version expected (None: any).

    Raises NotFound, StaleVersion.
    """
    row = await tx.fetchrow(_FILE + "WHERE f.id = $1 FOR UPDATE OF f", file)
    if row is None:
        raise NotFound(file=str(file))
    if expected is not None and row["version"] != expected:
        raise StaleVersion(version=row["version"])
    return _file(row)


async def save_changed(tx: Tx, file: BankFileId) -> None:
    """Results of it came in."""
    await tx.execute("UPDATE bank_file SET version = version + 1 WHERE id = $1", file)


async def key_of(tx: Tx, file: BankFileId) -> WrappedKey | None:
    """The content key of its parts, wrapped; None before the first was sealed."""
    key: str | None = await tx.fetchval("SELECT key::text FROM bank_file WHERE id = $1", file)
    return None if key is None else WrappedKey.model_validate_json(key)


async def save_key(tx: Tx, file: BankFileId, key: WrappedKey) -> None:
    await tx.execute("UPDATE bank_file SET key = $2 WHERE id = $1", file, key.model_dump_json())


async def save_batch(tx: Tx, file: BankFile, batch: NewBatch, *, on: date) -> None:
    """These payments are on their way, in this place of the file."""
    await tx.execute(
        "INSERT INTO batch (id, run_id, division_id, bank, payments, total_fen, declared_on, channel, file_id, place)"
        " SELECT $2, run_id, division_id, bank, $3, $4, $5, 'file', id, $6 FROM bank_file WHERE id = $1",
        *(file.id, batch.id, len(batch.payments), batch.total_fen, on, batch.place),
    )
    await tx.execute(_SEND, batch.payments, file.bank, batch.id)
    await tx.execute(
        "UPDATE bank_file SET payments = payments + $2, total_fen = total_fen + $3, batches = batches + 1,"
        " version = version + 1 WHERE id = $1",
        *(file.id, len(batch.payments), batch.total_fen),
    )


async def save_ready(tx: Tx, file: BankFileId, sha256: bytes, content_bytes: int) -> None:
    await tx.execute(
        "UPDATE bank_file SET state = 'ready', sha256 = $2, content_bytes = $3, version = version + 1 WHERE id = $1",
        *(file, sha256, content_bytes),
    )


async def save_empty(tx: Tx, file: BankFileId) -> None:
    await tx.execute("UPDATE bank_file SET state = 'empty', version = version + 1 WHERE id = $1", file)


async def files_of_batches(tx: Tx, batches: Collection[BatchId]) -> dict[BatchId, UUID]:
    """The file of each of these batches that went out in one."""
    rows = await tx.fetch("SELECT id, file_id FROM batch WHERE id = ANY($1::uuid[]) AND file_id IS NOT NULL", batches)
    return {BatchId(row["id"]): row["file_id"] for row in rows}


async def first_batch(tx: Tx, file: BankFileId) -> BatchId:
    """Of a file that is ready."""
    return BatchId(await tx.fetchval("SELECT id FROM batch WHERE file_id = $1 ORDER BY place LIMIT 1", file))


async def insert_result(
    tx: Tx, result: UUID, file: BankFileId, *, sha256: bytes, rows: int, changed: int, odd: int, taken_by: str
) -> None:
    await tx.execute(
        "INSERT INTO bank_result (id, file_id, division_id, sha256, rows, changed, odd, taken_by)"
        " SELECT $1, id, division_id, $3, $4, $5, $6, $7 FROM bank_file WHERE id = $2",
        *(result, file, sha256, rows, changed, odd, taken_by),
    )


async def find_file(tx: Tx, file: BankFileId) -> asyncpg.Record:
    """A file as it is shown. Raises NotFound."""
    row = await tx.fetchrow(_VIEW + "WHERE f.id = $1", file)
    if row is None:
        raise NotFound(file=str(file))
    return row


async def standing_of(tx: Tx, file: BankFileId) -> list[asyncpg.Record]:
    """How many of its payments, and how much, are in each state."""
    return await tx.fetch(_STANDING, file)


async def results_of(tx: Tx, file: BankFileId, *, limit: int) -> list[asyncpg.Record]:
    """The newest results that were taken in of it."""
    return await tx.fetch(
        "SELECT encode(sha256, 'hex') AS sha256, rows, changed, odd, taken_by, taken_at FROM bank_result"
        " WHERE file_id = $1 ORDER BY id DESC LIMIT $2",
        *(file, limit),
    )


async def list_files(tx: Tx, *, run: RunId | None, after: BankFileId | None, limit: int) -> list[asyncpg.Record]:
    """Files by id, after the one that `after` names."""
    return await tx.fetch(
        _VIEW + "WHERE ($1::uuid IS NULL OR f.run_id = $1) AND ($2::uuid IS NULL OR f.id > $2) ORDER BY f.id LIMIT $3",
        *(run, after, limit),
    )


def _file(row: asyncpg.Record) -> BankFile:
    return BankFile(
        id=BankFileId(row["id"]),
        run=RunId(row["run_id"]),
        division=DivisionCode(row["division"]),
        period=row["period"],
        bank=row["bank"],
        profile=BankProfile.model_validate_json(row["profile"]),
        state=row["state"],
        payments_max=row["payments_max"],
        payments=row["payments"],
        total_fen=Fen(row["total_fen"]),
        batches=row["batches"],
        ordered_at=row["ordered_at"],
        file_name=row["file_name"],
        version=row["version"],
    )
