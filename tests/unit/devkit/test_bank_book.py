"""The bank's teller and book, without Kafka: what is paid, how often, what is answered, and what is kept."""

import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from devkit.bank.book import FILE, Book
from devkit.bank.failpoints import Failpoints
from devkit.bank.settings import Behaviour
from devkit.bank.statement import FUNDS_FEN, camt053, statement, totals, wrong_batches
from devkit.bank.teller import Teller, now_ms
from devkit.keys import BANK, Keys
from qingdan.bank_events import (
    PaymentRejected,
    PaymentReturned,
    PaymentReversed,
    PaymentSettled,
    PaymentStatusAnswered,
)
from qingdan.envelope import Envelope, EventBody, from_record
from qingdan.ids import BatchId, PaymentId
from qingdan.money import Fen
from qingdan.topics import in_bank
from runtime.clock import business_date, utcnow
from runtime.ids import new_id
from runtime.sealing import PrivateKeys
from subsidy.camt053_rules import read_statement
from tests.unit.devkit.orders import CLOSED, FEN, Batch, sent

LATER_MS = 10**13


class Bank:
    """A teller at work on a book of its own."""

    def __init__(self, directory: Path, keys: Keys, behaviour: Behaviour) -> None:
        self.directory = directory
        self.book = Book(directory)
        self.teller = Teller(self.book, BANK, PrivateKeys.read(keys.bank_private), behaviour)

    def take(self, *events: Envelope[EventBody]) -> None:
        with self.book.transaction():
            for event in events:
                self.teller.take(event)

    def answers(self, *, until_ms: int = LATER_MS) -> list[EventBody]:
        """What is queued, taken off as if it had been sent."""
        queued = self.book.answers_due(until_ms, 10_000)
        self.book.mark_sent([answer.number for answer in queued])
        topic = in_bank(BANK).name
        return [from_record(topic, answer.key, answer.value, answer.headers).data for answer in queued]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys.of(tmp_path_factory.mktemp("keys"))


def take_and_fail(bank: Bank, batch: Batch) -> None:
    with bank.book.transaction():
        for event in batch.events():
            bank.teller.take(event)
        raise RuntimeError("power")


def bank_of(tmp_path: Path, keys: Keys, **behaviour: float) -> Bank:
    return Bank(tmp_path / "bank", keys, Behaviour(**behaviour))  # type: ignore[arg-type]


def test_an_instructed_payment_is_settled_once_and_told(tmp_path: Path, keys: Keys) -> None:
    bank, batch = bank_of(tmp_path, keys), Batch.of(keys.bank, 3)
    bank.take(*batch.events())
    told = bank.answers()
    assert [type(answer) for answer in told] == [PaymentSettled] * 3
    assert {answer.payment for answer in told if isinstance(answer, PaymentSettled)} == set(batch.payments)
    assert (totals(bank.directory).payments, totals(bank.directory).paid_fen) == ({"settled": 3}, 3 * FEN)


def test_a_closed_account_is_rejected(tmp_path: Path, keys: Keys) -> None:
    bank, batch = bank_of(tmp_path, keys), Batch.of(keys.bank, 2, closed=[1])
    bank.take(*batch.events())
    settled, rejected = bank.answers()
    assert isinstance(settled, PaymentSettled)
    assert isinstance(rejected, PaymentRejected)
    assert (rejected.payment, rejected.reason) == (batch.payments[1], "account_closed")
    assert totals(bank.directory).paid_fen == FEN


def test_a_payment_instructed_twice_is_paid_once_and_its_result_repeated(tmp_path: Path, keys: Keys) -> None:
    bank, batch = bank_of(tmp_path, keys), Batch.of(keys.bank, 1)
    bank.take(*batch.events())
    bank.take(sent(batch.instructed(0)))
    assert [type(answer) for answer in bank.answers()] == [PaymentSettled] * 2
    counted = totals(bank.directory)
    assert (counted.paid_fen, counted.paid_twice, counted.instructed_again) == (FEN, 0, 1)


def test_a_redelivered_event_is_heard_once(tmp_path: Path, keys: Keys) -> None:
    bank, batch = bank_of(tmp_path, keys), Batch.of(keys.bank, 2)
    events = batch.events()
    bank.take(*events)
    bank.take(*events)
    assert len(bank.answers()) == 2
    assert totals(bank.directory).instructed_again == 0


def test_another_amount_under_a_known_payment_changes_nothing(tmp_path: Path, keys: Keys) -> None:
    bank, batch = bank_of(tmp_path, keys), Batch.of(keys.bank, 1)
    bank.take(*batch.events())
    bank.take(sent(batch.instructed(0, fen=Fen(9_999))))
    counted = totals(bank.directory)
    assert (counted.paid_fen, counted.tally) == (FEN, {"instructed_otherwise": 1})


def test_an_instruction_waits_for_its_batch(tmp_path: Path, keys: Keys) -> None:
    bank, batch = bank_of(tmp_path, keys), Batch.of(keys.bank, 1)
    bank.take(sent(batch.instructed(0)), sent(batch.asked(0)))
    (status,) = bank.answers()
    assert isinstance(status, PaymentStatusAnswered)
    assert (status.status, totals(bank.directory).waiting) == ("in_progress", 1)
    bank.take(sent(batch.declared()))
    assert [type(answer) for answer in bank.answers()] == [PaymentSettled]
    assert totals(bank.directory).waiting == 0


def test_an_order_that_cannot_be_read_is_rejected(tmp_path: Path, keys: Keys) -> None:
    """Moved to another payment, the seal does not open: it is bound to its event."""
    bank, batch = bank_of(tmp_path, keys), Batch.of(keys.bank, 1)
    moved = batch.instructed(0).model_copy(update={"payment": PaymentId(new_id())})
    bank.take(sent(batch.declared()), sent(moved))
    (rejected,) = bank.answers()
    assert isinstance(rejected, PaymentRejected)
    assert (rejected.reason, totals(bank.directory).paid_fen) == ("unreadable", 0)


def test_an_order_that_says_another_number_in_the_batch_is_rejected(tmp_path: Path, keys: Keys) -> None:
    bank, batch = bank_of(tmp_path, keys), Batch.of(keys.bank, 1)
    bank.take(sent(batch.declared()), sent(batch.instructed(0).model_copy(update={"seq": 7})))
    (rejected,) = bank.answers()
    assert isinstance(rejected, PaymentRejected)
    assert rejected.reason == "inconsistent"


def test_a_status_is_answered_after_the_result_is_repeated(tmp_path: Path, keys: Keys) -> None:
    bank, batch = bank_of(tmp_path, keys), Batch.of(keys.bank, 1)
    bank.take(*batch.events(), sent(batch.asked(0)))
    *_, again, status = bank.answers()
    assert isinstance(again, PaymentSettled)
    assert isinstance(status, PaymentStatusAnswered)
    assert status.status == "settled"


def test_of_a_payment_nobody_instructed_it_has_never_heard(tmp_path: Path, keys: Keys) -> None:
    bank, batch = bank_of(tmp_path, keys), Batch.of(keys.bank, 1)
    bank.take(sent(batch.asked(0)))
    (status,) = bank.answers()
    assert isinstance(status, PaymentStatusAnswered)
    assert status.status == "never_received"


def test_a_swallowed_instruction_is_not_in_the_book_until_it_comes_again(tmp_path: Path, keys: Keys) -> None:
    bank, batch = bank_of(tmp_path, keys, swallows_per_mille=1000), Batch.of(keys.bank, 1)
    bank.take(*batch.events(), sent(batch.asked(0)))
    (status,) = bank.answers()
    assert isinstance(status, PaymentStatusAnswered)
    assert (status.status, totals(bank.directory).tally["swallowed"]) == ("never_received", 1)
    recovered = bank_of(tmp_path, keys)
    recovered.take(sent(batch.instructed(0)))
    assert [type(answer) for answer in recovered.answers()] == [PaymentSettled]


def test_a_silent_bank_pays_and_tells_when_asked(tmp_path: Path, keys: Keys) -> None:
    bank, batch = bank_of(tmp_path, keys, silent_per_mille=1000), Batch.of(keys.bank, 1)
    bank.take(*batch.events())
    assert (bank.answers(), totals(bank.directory).paid_fen) == ([], FEN)
    bank.take(sent(batch.asked(0)))
    assert [type(answer) for answer in bank.answers()] == [PaymentSettled, PaymentStatusAnswered]


def test_a_delayed_payment_is_in_progress_until_it_is_worked(tmp_path: Path, keys: Keys) -> None:
    bank, batch = bank_of(tmp_path, keys, delays_per_mille=1000, delay_s=0.2), Batch.of(keys.bank, 1)
    bank.take(*batch.events(), sent(batch.asked(0)))
    (status,) = bank.answers()
    assert isinstance(status, PaymentStatusAnswered)
    assert (status.status, totals(bank.directory).paid_fen) == ("in_progress", 0)
    (delayed,) = bank.book.payments_due(now_ms() + 1_000, 10)
    assert (delayed.next_status, bank.book.payments_due(now_ms() - 1_000, 10)) == ("settled", [])


def test_a_result_is_told_twice_in_two_events(tmp_path: Path, keys: Keys) -> None:
    bank, batch = bank_of(tmp_path, keys, repeats_per_mille=1000), Batch.of(keys.bank, 1)
    bank.take(*batch.events())
    queued = bank.book.answers_due(LATER_MS, 10)
    assert len({dict(answer.headers)["ce_id"] for answer in queued}) == 2
    assert len({answer.value for answer in queued}) == 1


@pytest.mark.parametrize(("out_of_order", "order"), [(0, ["settled", "returned"]), (1000, ["returned", "settled"])])
def test_money_comes_back_in_order_or_not(tmp_path: Path, keys: Keys, out_of_order: int, order: list[str]) -> None:
    bank = bank_of(tmp_path, keys, returns_per_mille=1000, return_after_s=0, out_of_order_per_mille=out_of_order)
    batch = Batch.of(keys.bank, 1)
    bank.take(*batch.events())
    with bank.book.transaction():
        bank.teller.work_due()
    assert [answer.type.split(".")[1] for answer in bank.answers()] == order
    counted = totals(bank.directory)
    assert (counted.payments, counted.paid_fen) == ({"returned": 1}, 0)


def test_asked_about_a_return_the_bank_tells_the_whole_story(tmp_path: Path, keys: Keys) -> None:
    bank = bank_of(tmp_path, keys, returns_per_mille=1000, return_after_s=0, silent_per_mille=1000)
    batch = Batch.of(keys.bank, 1)
    bank.take(*batch.events())
    with bank.book.transaction():
        bank.teller.work_due()
    assert [type(answer) for answer in bank.answers()] == [PaymentSettled, PaymentReturned]
    bank.take(sent(batch.asked(0)))
    assert [type(answer) for answer in bank.answers()] == [PaymentSettled, PaymentReturned, PaymentStatusAnswered]


@pytest.mark.parametrize(("out_of_order", "order"), [(0, ["settled", "reversed"]), (1000, ["reversed", "settled"])])
def test_the_bank_takes_back_what_it_booked_in_error(
    tmp_path: Path, keys: Keys, out_of_order: int, order: list[str]
) -> None:
    """To its statement and to whoever asks, the money came back."""
    bank = bank_of(tmp_path, keys, reverses_per_mille=1000, return_after_s=0, out_of_order_per_mille=out_of_order)
    batch = Batch.of(keys.bank, 1)
    bank.take(*batch.events())
    with bank.book.transaction():
        bank.teller.work_due()
    assert [answer.type.split(".")[1] for answer in bank.answers()] == order
    counted = totals(bank.directory)
    assert (counted.payments, counted.paid_fen) == ({"reversed": 1}, 0)
    assert [line.status for line in statement(bank.directory, BANK)] == ["returned"]
    bank.take(sent(batch.asked(0)))
    told = bank.answers()
    assert [type(answer) for answer in told] == [PaymentSettled, PaymentReversed, PaymentStatusAnswered]
    assert getattr(told[-1], "status", None) == "returned"


def test_a_day_of_the_book_is_a_statement_that_the_service_reads(tmp_path: Path, keys: Keys) -> None:
    bank = bank_of(tmp_path, keys, returns_per_mille=1000, return_after_s=0)
    batch, today = Batch.of(keys.bank, 3, closed=[1]), business_date(utcnow())
    bank.take(*batch.events())
    with bank.book.transaction():
        bank.teller.work_due()
    read = read_statement(camt053(bank.directory, BANK, today).encode())
    paid = {batch.payments[0], batch.payments[2]}
    assert {each.payment for each in read.entries if not each.credit} == paid
    assert {each.payment for each in read.entries if each.credit} == paid
    assert (read.debit_fen, read.credit_fen) == (2 * FEN, 2 * FEN)
    assert (read.opening_fen, read.closing_fen, read.on) == (FUNDS_FEN, FUNDS_FEN, today)


def test_each_days_statement_follows_on_the_one_before(tmp_path: Path, keys: Keys) -> None:
    bank, batch, today = bank_of(tmp_path, keys), Batch.of(keys.bank, 2), business_date(utcnow())
    bank.take(*batch.events())
    days = [today - timedelta(days=1), today, today + timedelta(days=1)]
    before, on_day, after = (read_statement(camt053(bank.directory, BANK, day).encode()) for day in days)
    assert [len(each.entries) for each in (before, on_day, after)] == [0, 2, 0]
    assert (before.closing_fen, on_day.closing_fen) == (on_day.opening_fen, after.opening_fen)
    assert on_day.closing_fen == FUNDS_FEN - 2 * FEN


def test_out_of_order_a_stale_status_follows_the_result(tmp_path: Path, keys: Keys) -> None:
    bank, batch = bank_of(tmp_path, keys, out_of_order_per_mille=1000), Batch.of(keys.bank, 1)
    bank.take(*batch.events())
    settled, stale = bank.answers()
    assert isinstance(settled, PaymentSettled)
    assert isinstance(stale, PaymentStatusAnswered)
    assert stale.status == "in_progress"


def test_it_answers_for_a_payment_that_nobody_knows(tmp_path: Path, keys: Keys) -> None:
    bank, batch = bank_of(tmp_path, keys, unknown_per_mille=1000), Batch.of(keys.bank, 1)
    bank.take(*batch.events())
    told = [answer.payment for answer in bank.answers() if isinstance(answer, PaymentSettled)]
    assert len(told) == 2
    assert len(set(told) - set(batch.payments)) == 1
    assert totals(bank.directory).paid_fen == FEN


def test_a_batch_that_is_not_as_declared_is_found(tmp_path: Path, keys: Keys) -> None:
    bank = bank_of(tmp_path, keys)
    right, short = Batch.of(keys.bank, 2), Batch.of(keys.bank, 2)
    bank.take(*right.events(), sent(short.declared(count=3, total_fen=15_000)), sent(short.instructed(0)))
    (wrong,) = wrong_batches(bank.directory)
    assert (wrong.batch, wrong.declared, wrong.arrived) == (short.id, 3, 1)
    assert (wrong.declared_fen, wrong.arrived_fen) == (15_000, FEN)


def test_the_statement_has_a_line_for_every_payment(tmp_path: Path, keys: Keys) -> None:
    bank, batch, other = bank_of(tmp_path, keys), Batch.of(keys.bank, 2, closed=[1]), Batch.of(keys.bank, 1)
    bank.take(*batch.events(), *other.events())
    settled, rejected = statement(bank.directory, BANK, frozenset({batch.id}))
    told = next(answer for answer in bank.answers() if isinstance(answer, PaymentSettled))
    assert (settled.payment, settled.status, settled.amount_fen) == (batch.payments[0], "settled", FEN)
    assert settled.bank_reference == told.bank_reference
    assert (rejected.status, rejected.bank_reference) == ("rejected", None)
    assert len(statement(bank.directory, BANK)) == 3


def test_nothing_is_booked_when_the_transaction_fails(tmp_path: Path, keys: Keys) -> None:
    bank, batch = bank_of(tmp_path, keys), Batch.of(keys.bank, 1)
    with pytest.raises(RuntimeError, match="power"):
        take_and_fail(bank, batch)
    assert totals(bank.directory).payments == {}
    bank.take(*batch.events())
    assert totals(bank.directory).payments == {"settled": 1}


def test_the_book_itself_refuses_a_second_payment_of_the_same_id(tmp_path: Path, keys: Keys) -> None:
    bank, batch = bank_of(tmp_path, keys), Batch.of(keys.bank, 1)
    bank.take(*batch.events())
    booked = bank.book.payment(UUID(str(batch.payments[0])))
    assert booked is not None
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"), bank.book.transaction():
        bank.book.enter(booked)
    new = replace(booked, id=uuid4())
    with bank.book.transaction():
        bank.book.enter(new)
        with pytest.raises(sqlite3.IntegrityError, match="twice"):
            bank.book.enter(new)
    assert totals(bank.directory).payments == {"settled": 2}


def test_the_book_holds_no_account_and_no_name(tmp_path: Path, keys: Keys) -> None:
    bank, batch = bank_of(tmp_path, keys), Batch.of(keys.bank, 1, closed=[0])
    bank.take(*batch.events())
    kept = b"".join(path.read_bytes() for path in bank.directory.glob(f"{FILE}*"))
    assert str(batch.payments[0]).encode() in kept
    assert CLOSED.reveal().encode() not in kept
    assert "王甲子".encode() not in kept


def test_the_same_seed_does_the_same_to_the_same_payments() -> None:
    payments = [str(BatchId(new_id())) for _ in range(2_000)]
    some = Behaviour(seed=7, rejects_per_mille=100)
    hit = [payment for payment in payments if some.happens("rejects", payment)]
    assert 120 < len(hit) < 290
    assert hit == [
        payment for payment in payments if Behaviour(seed=7, rejects_per_mille=100).happens("rejects", payment)
    ]
    assert hit != [
        payment for payment in payments if Behaviour(seed=8, rejects_per_mille=100).happens("rejects", payment)
    ]


def test_behaviour_is_read_from_what_it_writes() -> None:
    behaviour = Behaviour(seed=3, delays_per_mille=20, delay_s=0.5, silent_per_mille=7)
    assert Behaviour.of_environment(behaviour.environment()) == behaviour
    with pytest.raises(ValueError, match="BANK_SEED"):
        Behaviour.of_environment({"BANK_SEED": "many"})


@pytest.mark.parametrize("armed", ["bank.nowhere=kill", "bank.after-book=raise"])
def test_a_fault_that_could_never_happen_is_refused(armed: str) -> None:
    with pytest.raises(ValueError, match=r"nowhere|raise"):
        Failpoints(armed)
