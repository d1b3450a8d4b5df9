"""Every SQL statement on payments, their batches and instructions; whole runs of messages at a time."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg

from qingdan.bank_events import BatchDeclared, PaymentInstructed
from qingdan.ids import BankCode, BatchId, PaymentId, PersonId, ProgrammeCode, RunId
from qingdan.money import Fen
from qingdan.sealed import Sealed
from qingdan.subsidy_events import Outcome
from runtime.db import Tx
from subsidy.payment_rules import FINAL, STOPPED, Payment
from subsidy.run_rules import Standing

# Of an obligation o: whether an open hold keeps it from being paid. One of a single item is that item's alone; one of a
# person is of all that the person is entitled to, and of all that the person would receive for others.
ON_HOLD = """EXISTS (
    SELECT 1 FROM hold h WHERE h.lifted_at IS NULL AND h.beneficiary IN (o.beneficiary, o.payee)
    AND (h.beneficiary = o.beneficiary OR h.programme IS NULL)
    AND (h.programme IS NULL OR h.programme = o.programme) AND (h.occurrence IS NULL OR h.occurrence = o.occurrence)
)"""
# Of an obligation o: whether it was decided that it is not paid.
IS_STOPPED = """EXISTS (
    SELECT 1 FROM stopped_item s
    WHERE s.programme = o.programme AND s.beneficiary = o.beneficiary AND s.occurrence = o.occurrence
)"""

# Of each obligation of the run that no payment is alive for: the first attempt, or the next one; never of what is
# stopped.
_PREPARE = f"""
WITH prepared AS (
    INSERT INTO payment (obligation_id, run_id, division_id, department, programme, payee, amount_fen, attempt)
    SELECT o.id, o.run_id, o.division_id, o.department, o.programme, o.payee, o.amount_fen,
           1 + coalesce((SELECT max(p.attempt) FROM payment p WHERE p.obligation_id = o.id), 0)
    FROM obligation o
    WHERE o.run_id = $1 AND NOT EXISTS (
        SELECT 1 FROM payment p WHERE p.obligation_id = o.id AND p.state NOT IN ('rejected', 'returned', 'reversed')
    ) AND NOT {IS_STOPPED}
    ORDER BY o.programme, o.beneficiary, o.occurrence RETURNING amount_fen
)
SELECT count(*) AS payments, coalesce(sum(amount_fen), 0)::bigint AS total_fen FROM prepared
"""  # noqa: S608

_PREPARE_FIRST = """
INSERT INTO payment (obligation_id, run_id, division_id, department, programme, payee, amount_fen, attempt)
SELECT id, run_id, division_id, department, programme, payee, amount_fen, 1
FROM obligation WHERE id = ANY($1::uuid[]) ORDER BY programme, beneficiary, occurrence
"""

# The account in force is held as well, in the order of persons. It waits: something is under way about the payee's
# account, and there is none in force, or one that the bank has said is closed. Holds are looked at here and not when a
# payment is prepared: whoever places one needs no lock against what is being prepared meanwhile. OFFSET 0: each
# obligation is looked up by its key; a join would read all of them for each batch once there are many.
_TAKE_PREPARED = f"""
WITH next AS MATERIALIZED (
    SELECT id, obligation_id, programme, payee, amount_fen FROM payment
    WHERE run_id = $1 AND state = 'prepared' AND waits_for IS NULL ORDER BY id, attempt LIMIT $2
    FOR UPDATE
), held AS MATERIALIZED (
    SELECT id, person_id, in_force_from FROM account
    WHERE state = 'in_force' AND person_id IN (SELECT payee FROM next) ORDER BY person_id FOR SHARE
)
SELECT n.id, n.programme, n.payee, n.amount_fen,
       CASE WHEN NOT i.unreadable THEN s.keys::text END AS keys,
       CASE WHEN NOT i.unreadable THEN s.sealed::text END AS sealed,
       CASE WHEN i.unreadable THEN 'identity_unreadable' WHEN h.id IS NOT NULL THEN NULL
            WHEN EXISTS (SELECT 1 FROM account m WHERE m.person_id = n.payee AND m.state = 'mismatched')
                THEN 'account_mismatched' ELSE 'no_account' END AS unpayable,
       CASE WHEN {ON_HOLD} OR {IS_STOPPED} THEN 'held'
            WHEN (i.unread OR c.id IS NOT NULL) AND (
                h.id IS NULL OR i.unreadable OR EXISTS (
                    SELECT 1 FROM payment p
                    WHERE p.payee = n.payee AND p.reason = 'account_closed' AND p.sent_at >= h.in_force_from
                )
            ) THEN 'account_not_verified' END AS waits_for
FROM next n CROSS JOIN LATERAL (SELECT * FROM obligation WHERE id = n.obligation_id OFFSET 0) AS o
LEFT JOIN identity i ON i.person_id = n.payee
LEFT JOIN held h ON h.person_id = n.payee LEFT JOIN account_identity s ON s.account_id = h.id
LEFT JOIN account c ON c.person_id = n.payee
    AND c.state IN ('proposed', 'asked', 'verified', 'unverifiable')
ORDER BY n.id
"""  # noqa: S608

# What waited for a decision and waits for none any more; and whether no word of a bank can move the obligation's money:
# a bank may still pay what it refused, and moves nothing more of what came back.
_TAKE_DECIDED = f"""
SELECT p.id, {IS_STOPPED} AS stopped,
       NOT EXISTS (SELECT 1 FROM payment b WHERE b.obligation_id = o.id AND b.batch_id IS NOT NULL
                   AND b.state = 'rejected') AS ours_for_good
FROM payment p JOIN obligation o ON o.id = p.obligation_id
WHERE p.waits_for = 'held' AND NOT {ON_HOLD} ORDER BY p.id LIMIT $1 FOR UPDATE OF p SKIP LOCKED
"""  # noqa: S608

_SEND = """
WITH sent AS (
    UPDATE payment p SET state = 'sent', bank = $2, batch_id = $3, sent_at = clock_timestamp(),
           quiet_since = clock_timestamp(), version = p.version + 1
    WHERE p.id = ANY($1::uuid[])
)
INSERT INTO instruction (payment_id, seq, sealed) SELECT * FROM unnest($1::uuid[], $4::int[], $5::text[])
"""

# Locks first, in one order for all; what they stand for is read by the next statement, which sees what was committed
# while this one waited: another attempt in the payment's place, or the end of its run.
_LOCK = "SELECT id FROM payment WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE"
_MET_BY_WORDS = """
SELECT p.id, p.run_id, p.state, p.amount_fen, p.bank, p.batch_id, p.bank_reference, p.reason, p.ended_on, p.disputed,
       p.was_unknown, r.state = 'closed' AS run_closed,
       p.state = 'rejected' AND EXISTS (
           SELECT 1 FROM payment other WHERE other.obligation_id = p.obligation_id AND other.id <> p.id
           AND other.state NOT IN ('rejected', 'returned', 'reversed')) AS replaced
FROM payment p JOIN run r ON r.id = p.run_id WHERE p.id = ANY($1::uuid[])
"""

_SAVE_HEARD = """
UPDATE payment p SET
    state = e.state, reason = e.reason, bank_reference = e.bank_reference, disputed = e.disputed,
    ended_on = e.ended_on, version = p.version + 1,
    quiet_since = CASE WHEN e.ended_on IS NOT NULL THEN NULL WHEN e.state <> p.state THEN clock_timestamp()
                       ELSE p.quiet_since END
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::date[])
    AS e(id, state, reason, bank_reference, disputed, ended_on)
WHERE p.id = e.id
"""

# statement_timestamp() is the same for every row, so that the index finds who is silent and nobody else is looked at.
_FALL_SILENT = """
UPDATE payment SET state = 'unknown', was_unknown = true, quiet_since = clock_timestamp(), version = version + 1
WHERE id IN (
    SELECT id FROM payment WHERE quiet_since <= statement_timestamp() - $1::interval
    ORDER BY quiet_since LIMIT $2 FOR UPDATE SKIP LOCKED
) RETURNING id, bank, batch_id
"""

_STANDING = """
SELECT count(*) FILTER (WHERE state <> ALL($2::text[])) AS open,
       count(*) FILTER (WHERE batch_id IS NOT NULL) AS sent,
       coalesce(sum(amount_fen) FILTER (WHERE batch_id IS NOT NULL), 0)::bigint AS sent_fen,
       count(*) FILTER (WHERE state = 'settled') AS settled,
       coalesce(sum(amount_fen) FILTER (WHERE state = 'settled'), 0)::bigint AS settled_fen,
       count(*) FILTER (WHERE state = 'rejected' AND batch_id IS NOT NULL) AS rejected,
       coalesce(sum(amount_fen) FILTER (WHERE state = 'rejected' AND batch_id IS NOT NULL), 0)::bigint AS rejected_fen,
       count(*) FILTER (WHERE state IN ('returned', 'reversed')) AS returned,
       coalesce(sum(amount_fen) FILTER (WHERE state IN ('returned', 'reversed')), 0)::bigint AS returned_fen,
       count(*) FILTER (WHERE state = 'reversed') AS reversed,
       coalesce(sum(amount_fen) FILTER (WHERE state = 'reversed'), 0)::bigint AS reversed_fen
FROM (SELECT state, amount_fen, batch_id FROM payment WHERE run_id = $1 {held}) AS p
"""

_VIEW = """
SELECT p.id AS payment, p.run_id AS run, p.programme, o.beneficiary, o.occurrence, d.code AS division, p.department,
       p.amount_fen, p.attempt, p.state, p.reason, p.bank, p.batch_id AS batch, p.bank_reference, p.disputed,
       p.was_unknown, p.sent_at, p.ended_on, p.waits_for, p.version
FROM payment p JOIN obligation o ON o.id = p.obligation_id JOIN division d ON d.id = p.division_id
"""


class Prepared(NamedTuple):
    """A payment that waits to be sent, with its payee's identity as it rests, sealed: the one that the account in force
    is in. Or both are None, and `unpayable` says why."""

    id: PaymentId
    programme: ProgrammeCode
    payee: PersonId | None
    amount_fen: Fen
    keys: str | None
    sealed: str | None
    unpayable: str | None = None


class Decided(NamedTuple):
    """A payment that waits for no decision any more. ours_for_good: no bank can still pay another attempt of it."""

    id: PaymentId
    stopped: bool
    ours_for_good: bool


class Asked(NamedTuple):
    """A payment that the bank is silent about."""

    payment: PaymentId
    bank: BankCode
    batch: BatchId


async def prepare_payments(tx: Tx, run: RunId) -> Outcome:
    """A payment for each obligation of the run that has none alive."""
    row = await tx.fetchrow(_PREPARE, run)
    assert row is not None  # an aggregate always has a row
    return Outcome(payments=row["payments"], total_fen=Fen(row["total_fen"]))


async def prepare_first_payments(tx: Tx, obligations: Sequence[UUID]) -> None:
    """A payment for each of these, which nobody has tried to pay yet."""
    await tx.execute(_PREPARE_FIRST, obligations)


async def hold_unpaid(tx: Tx, run: RunId) -> None:
    """Nothing that a bank says changes the run's payments that may be paid again until the transaction ends."""
    await tx.execute(
        "SELECT id FROM payment WHERE run_id = $1 AND state IN ('rejected', 'returned', 'reversed')"
        " ORDER BY id FOR UPDATE",
        run,
    )


async def take_prepared(tx: Tx, run: RunId, *, limit: int) -> list[Prepared]:
    """The next payments of the run to be sent, held until the transaction ends; none: there is nothing to send now.

    Each with the account in force, which nobody changes until then. Those whose account is being verified or looked at,
    and those that are held or were stopped, are passed over from now on, until something has become of it.
    """
    while True:
        rows = await tx.fetch(_TAKE_PREPARED, run, limit)
        if waiting := [row for row in rows if row["waits_for"]]:
            await tx.execute(
                "UPDATE payment p SET waits_for = e.waits_for, version = p.version + 1"
                " FROM unnest($1::uuid[], $2::text[]) AS e(id, waits_for) WHERE p.id = e.id",
                [row["id"] for row in waiting],
                [row["waits_for"] for row in waiting],
            )
        ready = [Prepared(*row[:-1]) for row in rows if not row["waits_for"]]
        if ready or not rows:
            return ready


async def insert_batch(tx: Tx, run: RunId, declared: BatchDeclared) -> None:
    await tx.execute(
        "INSERT INTO batch (id, run_id, division_id, bank, payments, total_fen, declared_on)"
        " SELECT $1, id, division_id, $3, $4, $5, $6 FROM run WHERE id = $2",
        *(declared.batch, run, declared.bank, declared.count, declared.total_fen, declared.declared_on),
    )


async def save_sent(tx: Tx, batch: BatchDeclared, instructed: Sequence[PaymentInstructed]) -> None:
    """These payments are on their way; what was sent is kept as it was sent."""
    await tx.execute(
        _SEND,
        [each.payment for each in instructed],
        batch.bank,
        batch.batch,
        [each.seq for each in instructed],
        [each.sealed.model_dump_json() for each in instructed],
    )


async def save_given_up(tx: Tx, reasons: Mapping[PaymentId, str], *, today: date) -> None:
    """These payments are never sent, each for the reason given with it."""
    await tx.execute(
        "UPDATE payment p SET state = 'rejected', reason = e.reason, ended_on = $3, version = p.version + 1"
        " FROM unnest($1::uuid[], $2::text[]) AS e(id, reason) WHERE p.id = e.id",
        *(list(reasons), list(reasons.values()), today),
    )


async def take_decided(tx: Tx, *, limit: int) -> list[Decided]:
    """Payments that were held and are no more, held until the transaction ends; those that another replica holds are
    left to it."""
    return [Decided(*row) for row in await tx.fetch(_TAKE_DECIDED, limit)]


async def save_resumed(tx: Tx, payments: Sequence[PaymentId]) -> None:
    """These payments go with the next turn."""
    await tx.execute("UPDATE payment SET waits_for = NULL, version = version + 1 WHERE id = ANY($1::uuid[])", payments)


async def save_stopped(tx: Tx, payments: Sequence[PaymentId], *, today: date) -> None:
    """These payments are never sent."""
    await tx.execute(
        "UPDATE payment SET waits_for = NULL, state = 'rejected', reason = $2, ended_on = $3, version = version + 1"
        " WHERE id = ANY($1::uuid[])",
        *(payments, STOPPED, today),
    )


async def anything_prepared(tx: Tx, run: RunId) -> bool:
    """Whether something of the run can still be sent now; what waits for its account is not counted."""
    next_one = await tx.fetchval(
        "SELECT id FROM payment WHERE run_id = $1 AND state = 'prepared' AND waits_for IS NULL"
        " ORDER BY id, attempt LIMIT 1",
        run,
    )
    return next_one is not None


async def lock_payments(tx: Tx, payments: Collection[PaymentId]) -> list[Payment]:
    """Those of them that there are, held until the transaction ends."""
    await tx.execute(_LOCK, payments)
    rows = await tx.fetch(_MET_BY_WORDS, payments)
    return [
        Payment(
            id=row["id"],
            run=row["run_id"],
            state=row["state"],
            amount_fen=Fen(row["amount_fen"]),
            bank=row["bank"],
            batch=row["batch_id"],
            bank_reference=row["bank_reference"],
            reason=row["reason"],
            ended_on=row["ended_on"],
            disputed=row["disputed"],
            asked=row["was_unknown"],
            replaced=row["replaced"],
            run_closed=row["run_closed"],
        )
        for row in rows
    ]


async def save_heard(tx: Tx, payments: Sequence[Payment]) -> None:
    """Payments as the bank's words left them; the wait for the next word begins with every change of state."""
    await tx.execute(
        _SAVE_HEARD,
        [each.id for each in payments],
        [each.state for each in payments],
        [each.reason for each in payments],
        [each.bank_reference for each in payments],
        [each.disputed for each in payments],
        [each.ended_on for each in payments],
    )


async def instructions_of(tx: Tx, payments: Sequence[PaymentId]) -> list[PaymentInstructed]:
    """What was sent for these payments, as it was sent."""
    rows = await tx.fetch(
        "SELECT p.bank, p.id AS payment, p.batch_id AS batch, i.seq, i.sealed"
        " FROM payment p JOIN instruction i ON i.payment_id = p.id WHERE p.id = ANY($1::uuid[]) ORDER BY p.id",
        payments,
    )
    return [
        PaymentInstructed(
            bank=row["bank"],
            payment=row["payment"],
            batch=row["batch"],
            seq=row["seq"],
            sealed=Sealed.model_validate_json(row["sealed"]),
        )
        for row in rows
    ]


async def take_silent(tx: Tx, *, silent: timedelta, limit: int) -> list[Asked]:
    """Payments of which nothing was heard for so long, longest first: unknown from now on, and about to be asked for.

    Those that another replica holds are left to it.
    """
    return [Asked(*row) for row in await tx.fetch(_FALL_SILENT, silent, limit)]


async def standing_of(tx: Tx, run: RunId, *, held: bool = False) -> Standing:
    """How far the run's payments have come; `held`: and no word of a bank changes them until the transaction ends."""
    row = await tx.fetchrow(_STANDING.format(held="FOR SHARE" if held else ""), run, FINAL)
    assert row is not None  # an aggregate always has a row
    outcomes = {
        name: Outcome(payments=row[name], total_fen=Fen(row[f"{name}_fen"]))
        for name in ("sent", "settled", "rejected", "returned", "reversed")
    }
    return Standing(open=row["open"], **outcomes)


async def list_payments(
    tx: Tx, *, run: RunId | None, state: str | None, after: PaymentId | None, limit: int
) -> list[asyncpg.Record]:
    """Payments by id, after the one that `after` names."""
    return await tx.fetch(
        _VIEW + "WHERE ($1::uuid IS NULL OR p.run_id = $1) AND ($2::text IS NULL OR p.state = $2)"
        " AND ($3::uuid IS NULL OR p.id > $3) ORDER BY p.id LIMIT $4",
        *(run, state, after, limit),
    )
