"""The bank's process on a real Kafka: it pays each payment once and answers it, wherever it is killed."""

from collections.abc import Callable, Iterator

import pytest

from devkit.bank.failpoints import Failpoint
from devkit.bank.settings import Behaviour
from devkit.bank.statement import totals, wrong_batches
from devkit.eventually import eventually_sync
from devkit.kafka import Kafka
from devkit.keys import BANK, Keys
from devkit.own_loop import run_in_own_loop
from devkit.pytest_plugin import MakeBank, MakeTopics
from devkit.run_directory import ProcessFailedError
from qingdan.topics import in_bank, to_bank
from tests.integration.devkit.payer import Payer
from tests.unit.devkit.orders import FEN, Batch, sent

PAYMENTS = 60
TOPICS = (in_bank(BANK), to_bank(BANK))


@pytest.fixture
def payer(kafka: str, topic_prefix: str, make_topics: MakeTopics) -> Iterator[Payer]:
    make_topics(topic_prefix, TOPICS, partitions=3)
    with Payer(kafka, topic_prefix) as payer:
        yield payer


def test_instructed_payments_are_paid_and_answered(payer: Payer, bank_process: MakeBank, keys: Keys) -> None:
    bank, batch = bank_process(), Batch.of(keys.bank, PAYMENTS, closed=[3, 4])
    bank.start()
    payer.send(batch.events())
    payer.wait_for(batch.payments)
    assert payer.hear() == {"payment.settled.v1": PAYMENTS - 2, "payment.rejected.v1": 2}
    book = totals(bank.directory)
    assert (book.paid_fen, book.paid_twice, book.answers_unsent) == ((PAYMENTS - 2) * FEN, 0, 0)
    assert wrong_batches(bank.directory) == []
    assert bank.terminate() == 0
    assert "stopped" in bank.log_tail()


@pytest.mark.parametrize("place", Failpoint)
def test_killed_anywhere_it_pays_once_and_loses_no_answer(
    payer: Payer, bank_process: MakeBank, keys: Keys, place: Failpoint
) -> None:
    bank, batch = bank_process(), Batch.of(keys.bank, PAYMENTS, closed=[3])
    payer.send(batch.events())
    bank.start({"FAILPOINTS": f"{place}=kill"}, wait_ready=False)
    assert bank.wait_ended() == -9
    bank.start()
    payer.wait_for(batch.payments)
    book = totals(bank.directory)
    assert book.payments == {"settled": PAYMENTS - 1, "rejected": 1}
    assert (book.paid_fen, book.paid_twice, book.instructed_again) == ((PAYMENTS - 1) * FEN, 0, 0)
    assert payer.hear() == {"payment.settled.v1": PAYMENTS - 1, "payment.rejected.v1": 1}
    eventually_sync(lambda: totals(bank.directory).answers_unsent == 0, what="every answer is marked")


def test_an_answer_sent_and_not_marked_comes_again_as_the_same_event(
    payer: Payer, bank_process: MakeBank, keys: Keys
) -> None:
    bank, batch = bank_process(), Batch.of(keys.bank, 1)
    payer.send(batch.events())
    bank.start({"FAILPOINTS": f"{Failpoint.AFTER_SEND_BEFORE_MARK}=kill"}, wait_ready=False)
    assert bank.wait_ended() == -9
    bank.start()
    eventually_sync(lambda: payer.hear() and payer.records == 2, what="the answer has come twice")
    assert len(payer.answers) == 1


def test_a_bank_that_misbehaves_ends_right_when_it_is_asked(payer: Payer, bank_process: MakeBank, keys: Keys) -> None:
    behaviour = Behaviour(
        seed=4,
        delays_per_mille=200,
        delay_s=0.1,
        repeats_per_mille=100,
        out_of_order_per_mille=100,
        swallows_per_mille=100,
        silent_per_mille=150,
        unknown_per_mille=50,
        returns_per_mille=100,
        return_after_s=0.1,
    )
    bank, batch = bank_process(behaviour), Batch.of(keys.bank, 300)
    bank.start()
    payer.send(batch.events())
    rounds = 0

    def everything_is_told() -> bool:
        nonlocal rounds
        payer.hear()
        untold = [position for position, payment in enumerate(batch.payments) if payment not in payer.told_of()]
        if untold and rounds < 20:
            rounds += 1
            payer.send(sent(batch.instructed(position)) for position in untold)
        return not untold

    eventually_sync(everything_is_told, timeout_s=60, every_s=0.3, what="a result of each payment")
    book = totals(bank.directory)
    assert set(book.tally) >= {"swallowed", "kept_silent", "told_twice", "told_out_of_order", "told_of_unknown"}
    assert book.paid_twice == 0
    assert sum(book.payments.values()) == len(batch.payments)
    assert book.paid_fen == book.payments["settled"] * FEN
    assert len(payer.told_of() - set(batch.payments)) == book.tally["told_of_unknown"]


def test_a_record_that_is_no_event_is_counted_and_passed(payer: Payer, bank_process: MakeBank, keys: Keys) -> None:
    bank, batch = bank_process(), Batch.of(keys.bank, 1)
    payer.send_raw(b"no event")
    payer.send(batch.events())
    bank.start()
    payer.wait_for(batch.payments)

    def is_counted() -> bool:  # on a partition of its own, so it may be read after the batch
        return totals(bank.directory).tally == {"unreadable_records": 1}

    eventually_sync(is_counted, what="the record that is no event is counted")


def test_it_waits_for_a_broker_that_went_away(
    make_kafka: Callable[[], Kafka], bank_process: MakeBank, keys: Keys, topic_prefix: str
) -> None:
    broker = make_kafka()
    run_in_own_loop(broker.create_topics(TOPICS, topic_prefix, partitions=2))
    bank, first, second = (bank_process(bootstrap=broker.bootstrap), Batch.of(keys.bank, 20), Batch.of(keys.bank, 20))
    bank.start()
    with Payer(broker.bootstrap, topic_prefix) as payer:
        payer.send(first.events())
        broker.kill()
        broker.start()
        payer.send(second.events())
        payer.wait_for([*first.payments, *second.payments], timeout_s=60)
    assert totals(bank.directory).payments == {"settled": 40}


def test_an_answer_that_the_broker_did_not_take_is_sent_until_it_does(
    kafka: str, topic_prefix: str, make_topics: MakeTopics, bank_process: MakeBank, keys: Keys
) -> None:
    make_topics(topic_prefix, [to_bank(BANK)], partitions=2)
    bank, batch = bank_process(), Batch.of(keys.bank, 5)
    Payer(kafka, topic_prefix).send(batch.events())
    bank.start()
    eventually_sync(lambda: totals(bank.directory).payments == {"settled": 5}, what="everything is booked")
    eventually_sync(lambda: totals(bank.directory).tally.get("answers_not_taken"), what="the broker has refused them")
    assert totals(bank.directory).answers_unsent == 5
    make_topics(topic_prefix, [in_bank(BANK)], partitions=2)
    with Payer(kafka, topic_prefix) as payer:
        payer.wait_for(batch.payments)


def test_without_its_topic_it_says_so_and_ends(kafka: str, bank_process: MakeBank) -> None:
    with pytest.raises(ProcessFailedError, match="UNKNOWN_TOPIC"):
        bank_process().start()


def test_no_log_has_an_account_or_a_name(payer: Payer, bank_process: MakeBank, keys: Keys) -> None:
    bank, batch = bank_process(), Batch.of(keys.bank, 3, closed=[1])
    bank.start()
    payer.send(batch.events())
    payer.wait_for(batch.payments)
    assert bank.log_tail() == "ready"
