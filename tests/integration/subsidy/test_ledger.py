"""The ledger: double entry that the database itself checks, and that nobody changes."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeAlias

import asyncpg
import pytest

from devkit.postgres import SUPERUSER, Postgres
from runtime.db import transaction
from subsidy import ledger_store
from subsidy.payment_rules import Posting
from tests.integration.subsidy.conftest import Scene
from tests.integration.subsidy.frozen_run import AMOUNT_FEN, Payday, rejected, returned, settled

Session: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

UNBALANCED = "two lines that sum to nothing"
NOT_ITS_AMOUNT = "and of their amount"


@pytest.fixture
async def payday(bare: Scene, tmp_path: Path) -> Payday:
    day = Payday(bare, tmp_path)
    await day.open()
    return day


@pytest.fixture
async def owner(payday: Payday, postgres: Postgres) -> AsyncIterator[Session]:
    """A session with every right there is: no policy and no grant holds for it."""
    (here,) = await payday.scene.rows("SELECT current_database() AS name")
    session = await asyncpg.connect(postgres.url(SUPERUSER, here["name"]))
    yield session
    await session.close()


async def refused(payday: Payday, owner: Session, error: type[Exception], match: str, statement: str) -> None:
    """By the database, whoever writes it."""
    with pytest.raises(error, match=match):
        await owner.execute(statement)
    with pytest.raises(error, match=match):
        async with transaction(payday.scene.pool, payday.scene.service) as tx:
            await tx.execute(statement)


MOVE = (
    "INSERT INTO ledger_entry (obligation_id, payment_id, kind, leaves, enters, amount_fen, division_id, department)"
    " SELECT obligation_id, id, 'returned', {}, division_id, department FROM payment LIMIT 1"
)


@pytest.mark.parametrize("amount", [AMOUNT_FEN - 1, AMOUNT_FEN + 1])
async def test_an_entry_moves_what_its_payment_comes_to(payday: Payday, owner: Session, amount: int) -> None:
    await payday.sent(1)
    statement = MOVE.format(f"'paid', 'returned', {amount}")
    await refused(payday, owner, asyncpg.ForeignKeyViolationError, NOT_ITS_AMOUNT, statement)
    await owner.execute(MOVE.format(f"'paid', 'returned', {AMOUNT_FEN}"))  # it was the amount that was refused


@pytest.mark.parametrize("amount", [AMOUNT_FEN - 1, AMOUNT_FEN + 1])
async def test_what_becomes_owed_is_what_its_obligation_comes_to(payday: Payday, owner: Session, amount: int) -> None:
    await payday.sent(1)
    await owner.execute("ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_once")
    statement = (
        "INSERT INTO ledger_entry (obligation_id, kind, leaves, enters, amount_fen, division_id, department)"
        f" SELECT id, 'approved', 'budget', 'payable', {amount}, division_id, department FROM obligation"
    )
    await refused(payday, owner, asyncpg.ForeignKeyViolationError, NOT_ITS_AMOUNT, statement)


@pytest.mark.parametrize(
    "sides",
    [
        f"'paid', 'paid', {AMOUNT_FEN}",
        f"'paid', NULL, {AMOUNT_FEN}",
        "'paid', 'returned', NULL",
        f"'paid', 'mattress', {AMOUNT_FEN}",
        "'paid', 'returned', 0",
        f"'returned', 'paid', -{AMOUNT_FEN}",
    ],
)
async def test_an_entry_has_two_accounts_and_an_amount(payday: Payday, owner: Session, sides: str) -> None:
    await payday.sent(1)
    await refused(
        payday, owner, asyncpg.IntegrityConstraintViolationError, "ledger_entry|their amount", MOVE.format(sides)
    )


# As an older version enters it, which runs beside this one while it is upgraded: its lines are a table's of their own.
# $1: what the second line says; the last part is one more line, or none.
ENTER = """
WITH entry AS (
    INSERT INTO ledger_entry (obligation_id, payment_id, kind, division_id, department)
    SELECT obligation_id, id, 'returned', division_id, department FROM payment LIMIT 1
    RETURNING id, division_id, department
)
INSERT INTO ledger_line (entry_id, account, amount_fen, division_id, department)
SELECT entry.id, side.account, side.fen, entry.division_id, entry.department
FROM entry CROSS JOIN (VALUES ('paid', -100::bigint), ('payable', $1){more}) AS side(account, fen)
"""


@pytest.mark.parametrize(
    ("second", "more"),
    [(99, ""), (101, ""), (-100, ""), (50, ", ('in_transit', 50::bigint)"), (50, ", ('budget', 60::bigint)")],
)
async def test_an_entry_that_does_not_balance_is_refused_whoever_writes_it(
    payday: Payday, owner: Session, second: int, more: str
) -> None:
    await payday.sent(1)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=UNBALANCED):
        await owner.execute(ENTER.format(more=more), second)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=UNBALANCED):
        async with transaction(payday.scene.pool, payday.scene.service) as tx:
            await tx.execute(ENTER.format(more=more), second)
    await owner.execute(ENTER.format(more=""), 100)  # it was the sum that was refused


async def test_an_entry_comes_with_its_lines_or_not_at_all(payday: Payday, owner: Session) -> None:
    await payday.sent(1)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=UNBALANCED):
        await owner.execute(
            "INSERT INTO ledger_entry (obligation_id, payment_id, kind, division_id, department)"
            " SELECT obligation_id, id, 'returned', division_id, department FROM payment"
        )


async def test_nothing_is_added_to_an_entry_that_stands_even_if_it_balances(payday: Payday, owner: Session) -> None:
    await payday.sent(1)
    await owner.execute(ENTER.format(more=""), 100)
    for kind in ("sent", "returned"):  # entered by this version, and by an older one
        await refused(
            payday,
            owner,
            asyncpg.IntegrityConstraintViolationError,
            UNBALANCED,
            "INSERT INTO ledger_line (entry_id, account, amount_fen, division_id, department)"
            " SELECT e.id, side.account, side.fen, e.division_id, e.department FROM ledger_entry e"
            f" CROSS JOIN (VALUES ('recovery', 5), ('budget', -5)) AS side(account, fen) WHERE e.kind = '{kind}'",
        )


async def test_what_an_older_version_enters_counts_like_all_else(payday: Payday, owner: Session) -> None:
    await payday.sent(2)
    await owner.execute(ENTER.format(more=""), 100)
    assert await payday.books() == {
        "budget": -2 * AMOUNT_FEN,
        "in_transit": 2 * AMOUNT_FEN,
        "paid": -100,
        "payable": 100,
    }


# Balanced in itself, and each time something is not so: of what the entry is, where it is, where its lines are.
MISPLACED = [
    ("gen_random_uuid(), p.id", "p.division_id", "entry.division_id"),
    ("p.obligation_id, gen_random_uuid()", "p.division_id", "entry.division_id"),
    ("(SELECT id FROM obligation WHERE id <> p.obligation_id LIMIT 1), p.id", "p.division_id", "entry.division_id"),
    ("p.obligation_id, p.id", "1", "entry.division_id"),
    ("p.obligation_id, p.id", "p.division_id", "1"),
]


@pytest.mark.parametrize(("of", "where", "lines_where"), MISPLACED)
async def test_an_entry_is_of_an_obligation_and_its_payment_where_they_are(
    payday: Payday, owner: Session, of: str, where: str, lines_where: str
) -> None:
    await payday.sent(2)
    with pytest.raises(asyncpg.ForeignKeyViolationError, match="where"):
        await owner.execute(
            "WITH entry AS (INSERT INTO ledger_entry (obligation_id, payment_id, kind, division_id, department)"
            f" SELECT {of}, 'returned', {where}, p.department FROM payment p LIMIT 1"
            " RETURNING id, division_id, department)"
            " INSERT INTO ledger_line (entry_id, account, amount_fen, division_id, department)"
            f" SELECT entry.id, side.account, side.fen, {lines_where}, entry.department"
            " FROM entry CROSS JOIN (VALUES ('paid', -100::bigint), ('payable', 100)) AS side(account, fen)"
        )


async def test_there_are_no_lines_without_their_entry(payday: Payday, owner: Session) -> None:
    await payday.sent(1)
    with pytest.raises(asyncpg.ForeignKeyViolationError, match="a ledger line is of an entry"):
        await owner.execute(
            "INSERT INTO ledger_line (entry_id, account, amount_fen, division_id, department)"
            " SELECT 1000000, side.account, side.fen, p.division_id, p.department FROM payment p"
            " CROSS JOIN (VALUES ('paid', -100), ('payable', 100)) AS side(account, fen)"
        )


@pytest.mark.parametrize("statement", ["DELETE FROM payment", "TRUNCATE payment CASCADE"])
async def test_a_payment_that_the_books_tell_of_is_removed_by_nobody(
    payday: Payday, owner: Session, statement: str
) -> None:
    await payday.sent(1)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="only ever added to"):
        await owner.execute(statement)


CHANGES = [
    "UPDATE earlier_line SET amount_fen = amount_fen * 2",
    "DELETE FROM earlier_line",
    "DELETE FROM ledger_entry",
    "UPDATE ledger_entry SET amount_fen = amount_fen * 2",
    "UPDATE ledger_entry SET enters = 'paid' WHERE enters = 'in_transit'",
    "UPDATE ledger_entry SET kind = 'settled' WHERE kind = 'sent'",
    "DELETE FROM obligation",
    "TRUNCATE earlier_line",
]


@pytest.mark.parametrize("change", CHANGES)
async def test_what_stands_is_changed_by_nobody(payday: Payday, owner: Session, change: str) -> None:
    await payday.sent(1)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction(payday.scene.pool, payday.scene.service) as tx:
            await tx.execute(change)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="only ever added to"):
        await owner.execute(change)


async def test_what_is_owed_changes_in_nothing_but_its_payee(payday: Payday, owner: Session) -> None:
    await payday.sent(1)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction(payday.scene.pool, payday.scene.service) as tx:
            await tx.execute("UPDATE obligation SET amount_fen = amount_fen * 2")
    for change in ("amount_fen = amount_fen * 2", "payee = gen_random_uuid()"):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="two people stand behind"):
            await owner.execute(f"UPDATE obligation SET {change}")


async def test_a_payment_goes_to_nobody_but_whom_it_is_owed_to(payday: Payday) -> None:
    await payday.sent(1)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="whom its obligation names"):
        async with transaction(payday.scene.pool, payday.scene.service) as tx:
            await tx.execute("UPDATE payment SET payee = gen_random_uuid()")


@pytest.mark.parametrize("change", ["amount_fen = amount_fen * 2", "attempt = 2"])
async def test_what_a_payment_is_for_is_changed_by_no_service(payday: Payday, change: str) -> None:
    await payday.sent(1)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction(payday.scene.pool, payday.scene.service) as tx:
            await tx.execute(f"UPDATE payment SET {change}")


async def test_the_same_money_is_not_moved_twice(payday: Payday) -> None:
    (payment,) = await payday.sent(1)
    await payday.says(settled(payment))
    again = Posting(payment.payment, "settled", "in_transit", "paid")
    with pytest.raises(asyncpg.UniqueViolationError):
        async with transaction(payday.scene.pool, payday.scene.service) as tx:
            await ledger_store.post_payments(tx, [again])


async def test_another_county_sees_nothing_of_our_books(payday: Payday) -> None:
    await payday.sent(2)
    async with transaction(payday.scene.pool, payday.scene.other_preparer) as tx:
        assert await tx.fetchval("SELECT count(*) FROM ledger_line") == 0
        assert await tx.fetchval("SELECT count(*) FROM ledger_entry") == 0


async def test_the_books_say_what_the_states_say(payday: Payday) -> None:
    """Every entry balances, and what lies on each account is what the payments' states come to."""
    one, two, three, four = await payday.sent(4)
    await payday.says(settled(one), settled(two), rejected(three), returned(two))
    assert await payday.books() == {
        "budget": -4 * AMOUNT_FEN,
        "paid": AMOUNT_FEN,
        "payable": AMOUNT_FEN,
        "returned": AMOUNT_FEN,
        "in_transit": AMOUNT_FEN,
    }
    unbalanced = await payday.scene.rows(
        "SELECT e.id FROM ledger_entry e LEFT JOIN ledger_line l ON l.entry_id = e.id GROUP BY e.id"
        " HAVING coalesce(sum(l.amount_fen), 1) <> 0 OR count(*) <> 2"
    )
    assert unbalanced == []
    kinds = await payday.scene.rows("SELECT kind FROM ledger_entry WHERE payment_id = $1 ORDER BY id", two.payment)
    assert [row["kind"] for row in kinds] == ["sent", "settled", "returned"]
    assert four.state == "sent"
