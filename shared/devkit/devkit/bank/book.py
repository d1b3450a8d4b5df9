"""The bank's book in SQLite: batches, payments and the answers still to be sent, changed in whole transactions only."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

import orjson

from qingdan.envelope import KafkaRecord

FILE: Final = "book.sqlite3"
KEYS_MAX: Final = 1_000

# A payment's id is its primary key; `transfer` is the money itself, out as a positive amount and back as a negative
# one, and has no such key: whoever looks for what was paid twice must be able to find it. Its day is the one in China.
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS batch (
    id TEXT PRIMARY KEY, count INTEGER NOT NULL, total_fen INTEGER NOT NULL, key TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS payment (
    id TEXT PRIMARY KEY, batch TEXT NOT NULL, seq INTEGER NOT NULL, amount_fen INTEGER, account TEXT,
    status TEXT NOT NULL CHECK (status IN ('in_progress', 'settled', 'rejected', 'returned', 'reversed')),
    reason TEXT, times_instructed INTEGER NOT NULL DEFAULT 1, next_status TEXT, next_reason TEXT, next_ms INTEGER
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS payment_due ON payment (next_ms) WHERE next_ms IS NOT NULL;
CREATE INDEX IF NOT EXISTS payment_batch ON payment (batch);
CREATE TABLE IF NOT EXISTS transfer (
    number INTEGER PRIMARY KEY, payment TEXT NOT NULL REFERENCES payment, amount_fen INTEGER NOT NULL,
    on_day TEXT NOT NULL DEFAULT (date('now', '+8 hours'))
);
CREATE INDEX IF NOT EXISTS transfer_day ON transfer (on_day);
CREATE INDEX IF NOT EXISTS transfer_payment ON transfer (payment);
CREATE TABLE IF NOT EXISTS waiting (payment TEXT, batch TEXT NOT NULL, event_id TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS waiting_batch ON waiting (batch);
CREATE INDEX IF NOT EXISTS waiting_payment ON waiting (payment);
CREATE TABLE IF NOT EXISTS heard (event_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answer (
    number INTEGER PRIMARY KEY, due_ms INTEGER, key TEXT NOT NULL, value TEXT NOT NULL, headers TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS answer_due ON answer (due_ms) WHERE due_ms IS NOT NULL;
CREATE TABLE IF NOT EXISTS tally (name TEXT PRIMARY KEY, times INTEGER NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment as booked. `next` is what it becomes at `next_ms`, when that is decided already.

    `amount_fen` and the masked account are None when the order could not be read.
    """

    id: UUID
    batch: UUID
    seq: int
    amount_fen: int | None
    account: str | None
    status: str
    reason: str | None = None
    times_instructed: int = 1
    next_status: str | None = None
    next_reason: str | None = None
    next_ms: int | None = None


class Answer(NamedTuple):
    """A record for the bank's topic, queued."""

    number: int
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


@dataclass(slots=True)
class _Page:
    """What a transaction has added and not written yet."""

    payments: dict[UUID, Payment] = field(default_factory=dict)
    transfers: list[tuple[str, int]] = field(default_factory=list)
    answers: list[tuple[int, str, str, str]] = field(default_factory=list)


class Book:
    """The book in `directory`, for its one writer.

    What is new is written at the end of the transaction, all at once: a payment is entered as what became of it within
    the transaction, in one statement.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(directory / FILE, isolation_level=None)
        # Not synchronised at every commit: a killed process loses nothing, and no test turns the power off.
        self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")
        self._db.executescript(_TABLES)
        self._keys: dict[UUID, str] = {}
        self._new = _Page()

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing of what happens inside."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._write()
        except BaseException:
            self._new, self._keys = _Page(), {}
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _write(self) -> None:
        """What is new. Raises sqlite3.IntegrityError for a payment that is in the book already."""
        new, self._new = self._new, _Page()
        if new.payments:
            rows = [_row(payment) for payment in new.payments.values()]
            self._db.executemany("INSERT INTO payment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        if new.transfers:
            self._db.executemany("INSERT INTO transfer (payment, amount_fen) VALUES (?, ?)", new.transfers)
        if new.answers:
            self._db.executemany("INSERT INTO answer VALUES (NULL, ?, ?, ?, ?)", new.answers)

    # -- events -------------------------------------------------------------------------------------------------------

    def hear(self, event_id: str) -> bool:
        """Remember an event; False when it has been heard before."""
        return self._db.execute("INSERT OR IGNORE INTO heard VALUES (?)", (event_id,)).rowcount == 1

    def count(self, what: str) -> None:
        """One more of what the book only counts."""
        self._db.execute("INSERT INTO tally VALUES (?, 1) ON CONFLICT DO UPDATE SET times = times + 1", (what,))

    # -- batches and payments -----------------------------------------------------------------------------------------

    def declare(self, batch: UUID, count: int, total_fen: int, key: str) -> bool:
        """Enter a batch; False when it has been declared before."""
        row = (str(batch), count, total_fen, key)
        return self._db.execute("INSERT OR IGNORE INTO batch VALUES (?, ?, ?, ?)", row).rowcount == 1

    def key_of(self, batch: UUID) -> str | None:
        """The batch's wrapped key; None before it is declared."""
        key = self._keys.get(batch)
        if key is None:
            found = self._db.execute("SELECT key FROM batch WHERE id = ?", (str(batch),)).fetchone()
            if found is None:
                return None
            if len(self._keys) >= KEYS_MAX:
                self._keys.clear()
            key = self._keys[batch] = found[0]
        return key

    def put_aside(self, payment: UUID, batch: UUID, event_id: str, body: str) -> None:
        """Keep an instruction until its batch is declared."""
        self._db.execute("INSERT INTO waiting VALUES (?, ?, ?, ?)", (str(payment), str(batch), event_id, body))

    def take_up(self, batch: UUID) -> list[tuple[str, str]]:
        """Event ids and bodies of the instructions that waited for this batch, which wait no longer."""
        rows = self._db.execute("DELETE FROM waiting WHERE batch = ? RETURNING event_id, body", (str(batch),))
        return rows.fetchall()

    def waits(self, payment: UUID) -> bool:
        return self._db.execute("SELECT 1 FROM waiting WHERE payment = ?", (str(payment),)).fetchone() is not None

    def payment(self, payment: UUID) -> Payment | None:
        if payment in self._new.payments:
            return self._new.payments[payment]
        row = self._db.execute("SELECT * FROM payment WHERE id = ?", (str(payment),)).fetchone()
        return _payment(row) if row else None

    def enter(self, new: Payment) -> None:
        """A payment that is not in the book. Raises sqlite3.IntegrityError, for one that was there before at the end
        of the transaction.
        """
        if new.id in self._new.payments:
            raise sqlite3.IntegrityError("a payment is entered twice")
        self._new.payments[new.id] = new

    def change(self, now: Payment) -> None:
        """Its status and what comes next; the amount never changes."""
        if now.id in self._new.payments:
            self._new.payments[now.id] = now
            return
        self._db.execute(
            "UPDATE payment SET status = ?, reason = ?, times_instructed = ?, next_status = ?, next_reason = ?,"
            " next_ms = ? WHERE id = ?",
            (now.status, now.reason, now.times_instructed, now.next_status, now.next_reason, now.next_ms, str(now.id)),
        )

    def transfer(self, payment: UUID, amount_fen: int) -> None:
        """Money that leaves (positive) or comes back."""
        self._new.transfers.append((str(payment), amount_fen))

    def payments_due(self, now_ms: int, limit: int) -> list[Payment]:
        """Payments whose next step has come, the oldest first."""
        self._write()
        rows = self._db.execute("SELECT * FROM payment WHERE next_ms <= ? ORDER BY next_ms LIMIT ?", (now_ms, limit))
        return [_payment(row) for row in rows]

    # -- answers ------------------------------------------------------------------------------------------------------

    def queue(self, answer: KafkaRecord, due_ms: int) -> None:
        """An answer to be sent, not before that time."""
        headers = orjson.dumps([(name, text.decode()) for name, text in answer.headers]).decode()
        self._new.answers.append((due_ms, (answer.key or b"").decode(), (answer.value or b"").decode(), headers))

    def answers_due(self, now_ms: int, limit: int) -> list[Answer]:
        """As they fall due, and what falls due together in the order in which it was queued."""
        rows = self._db.execute(  # by number alone it would read, at each turn, all that was ever sent
            "SELECT number, key, value, headers FROM answer WHERE due_ms <= ? ORDER BY due_ms, number LIMIT ?",
            (now_ms, limit),
        )
        return [
            Answer(
                number, key.encode(), value.encode(), [(name, text.encode()) for name, text in orjson.loads(headers)]
            )
            for number, key, value, headers in rows
        ]

    def mark_sent(self, numbers: list[int]) -> None:
        self._db.executemany("UPDATE answer SET due_ms = NULL WHERE number = ?", [(number,) for number in numbers])


_Row = tuple[str, str, int, int | None, str | None, str, str | None, int, str | None, str | None, int | None]


def _payment(row: _Row) -> Payment:
    return Payment(UUID(row[0]), UUID(row[1]), *row[2:])


def _row(payment: Payment) -> _Row:
    return (
        *(str(payment.id), str(payment.batch), payment.seq, payment.amount_fen, payment.account, payment.status),
        *(payment.reason, payment.times_instructed, payment.next_status, payment.next_reason, payment.next_ms),
    )
