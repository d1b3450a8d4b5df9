"""A payment: every state against everything that can befall it, and any order of a bank's words ends the same."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingdan.bank_events import (
    PaymentRejected,
    PaymentReturned,
    PaymentReversed,
    PaymentSettled,
    PaymentStatusAnswered,
)
from qingdan.ids import BatchId, PaymentId, RunId
from qingdan.money import Fen
from subsidy import payment_rules
from subsidy.payment_rules import (
    ACTS,
    CAME_BACK,
    FINAL,
    HELD_ON,
    STATES,
    TABLE,
    UNPAID,
    WORDS,
    BankMessage,
    Heard,
    Payment,
    PaymentState,
    Step,
)

TODAY = date(2026, 7, 20)
ID, OTHER_ID, BATCH = PaymentId(UUID(int=1)), PaymentId(UUID(int=2)), BatchId(UUID(int=3))
AMOUNT, OTHER_AMOUNT = Fen(80_000), Fen(8_000)
AT = datetime(2026, 7, 20, 4, tzinfo=UTC)


def payment(state: PaymentState = "sent") -> Payment:
    """A payment in that state, sent to the bank ABC unless it is only prepared."""
    went = state != "prepared"
    return Payment(
        id=ID,
        run=RunId(UUID(int=9)),
        state=state,
        amount_fen=AMOUNT,
        bank="ABC" if went else None,
        batch=BATCH if went else None,
        bank_reference="R1" if state == "settled" else None,
        reason="account_closed" if state in UNPAID else None,
        ended_on=TODAY if state in FINAL else None,
        disputed=False,
        asked=False,
        replaced=False,
        run_closed=False,
    )


def settled(reference: str = "R1", **changed: object) -> PaymentSettled:
    said = {"bank": "ABC", "payment": ID, "batch": BATCH, "amount_fen": AMOUNT, "settled_on": TODAY}
    return PaymentSettled.model_validate({**said, "bank_reference": reference, **changed})


def rejected(**changed: object) -> PaymentRejected:
    said = {"bank": "ABC", "payment": ID, "batch": BATCH, "reason": "account_closed", "rejected_on": TODAY}
    return PaymentRejected.model_validate({**said, **changed})


def returned(**changed: object) -> PaymentReturned:
    said = {"bank": "ABC", "payment": ID, "batch": BATCH, "amount_fen": AMOUNT, "reason": "account_closed"}
    return PaymentReturned.model_validate({**said, "returned_on": TODAY, "bank_reference": "R2", **changed})


def reversed_(**changed: object) -> PaymentReversed:
    said = {"bank": "ABC", "payment": ID, "batch": BATCH, "amount_fen": AMOUNT, "reason": "booked_twice"}
    return PaymentReversed.model_validate({**said, "reversed_on": TODAY, "bank_reference": "R3", **changed})


def answered(status: str, **changed: object) -> PaymentStatusAnswered:
    said = {"bank": "ABC", "payment": ID, "batch": BATCH, "status": status, "answered_at": AT}
    return PaymentStatusAnswered.model_validate({**said, **changed})


MESSAGES: Mapping[str, BankMessage] = {
    "settled": settled(),
    "rejected": rejected(),
    "returned": returned(),
    "reversed": reversed_(),
    **{
        f"answered_{status}": answered(status)
        for status in ("settled", "rejected", "returned", "in_progress", "never_received")
    },
}


def hear(before: Payment, *messages: BankMessage) -> tuple[Payment, Heard]:
    """The payment as the messages leave it."""
    heard = payment_rules.hear([before], messages, today=TODAY)
    return (heard.changed[0] if heard.changed else before), heard


# Every cell written out once more, by hand: state after it, what is odd, and * where the payment goes again.
EXPECTED = """
                         prepared           sent               unknown            settled                rejected              returned               reversed
send                     sent               sent               unknown            settled                rejected              returned               reversed
give_up                  rejected           sent               unknown            settled                rejected              returned               reversed
fall_silent              prepared           unknown            unknown            settled                rejected              returned               reversed
settled                  prepared/not_sent  settled            settled            settled/repeated       settled/contradicted  returned/overtaken     reversed/overtaken
rejected                 prepared/not_sent  rejected           rejected           settled/contradicted   rejected/repeated     returned/contradicted  reversed/contradicted
returned                 prepared/not_sent  returned           returned           returned               returned/contradicted returned/repeated      reversed/contradicted
reversed                 prepared/not_sent  reversed           reversed           reversed               reversed/contradicted reversed/contradicted  reversed/repeated
answered_settled         prepared/not_sent  settled            settled            settled                settled/contradicted  returned/overtaken     reversed/overtaken
answered_rejected        prepared/not_sent  rejected           rejected           settled/contradicted   rejected              returned/contradicted  reversed/contradicted
answered_returned        prepared/not_sent  returned           returned           returned               returned/contradicted returned               reversed
answered_in_progress     prepared/not_sent  sent               unknown            settled/overtaken      rejected/overtaken    returned/overtaken     reversed/overtaken
answered_never_received  prepared/not_sent  sent/overtaken     sent*              settled/overtaken      rejected/overtaken    returned/overtaken     reversed/overtaken
"""  # noqa: E501


def written() -> dict[tuple[str, str], str]:
    """EXPECTED by state and what befalls it."""
    header, *lines = (line.split() for line in EXPECTED.strip().splitlines())
    return {(state, line[0]): cell for line in lines for state, cell in zip(header, line[1:], strict=True)}


def shown(step: Step) -> str:
    return step.state + (f"/{step.oddity}" if step.oddity else "") + ("*" if step.again else "")


def test_the_table_is_complete() -> None:
    assert set(TABLE) == set(STATES)
    assert {frozenset(row) for row in TABLE.values()} == {frozenset((*ACTS, *WORDS))}
    assert len(written()) == len(STATES) * (len(ACTS) + len(WORDS))
    assert MESSAGES.keys() == set(WORDS)


@pytest.mark.parametrize("befalls", [*ACTS, *WORDS])
@pytest.mark.parametrize("state", STATES)
def test_every_state_meets_everything_as_written(state: PaymentState, befalls: str) -> None:
    cells: dict[str, str] = {each: shown(step) for each, step in TABLE[state].items()}
    assert cells[befalls] == written()[state, befalls]


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("state", STATES)
def test_a_message_does_what_its_word_does(state: PaymentState, word: str) -> None:
    after, heard = hear(payment(state), MESSAGES[word])
    step = TABLE[state][payment_rules.word_of(MESSAGES[word])]
    assert (after.state, [odd.kind for odd in heard.odd]) == (step.state, [step.oddity] if step.oddity else [])
    assert heard.again == ([ID] if step.again else [])
    moves = HELD_ON[state] != HELD_ON[step.state] and not (state == "rejected" and step.state in CAME_BACK)
    assert [(moved.kind, moved.leaves, moved.enters) for moved in heard.postings] == (
        [(step.state, HELD_ON[state], HELD_ON[step.state])] if moves else []
    )
    assert (after.reason is not None) == (after.state in UNPAID)
    assert (after.ended_on is not None) == (after.state in FINAL)


def test_only_never_received_lets_a_payment_go_again_and_only_while_it_is_unknown() -> None:
    again = {(state, what) for state, row in TABLE.items() for what, step in row.items() if step.again}
    assert again == {("unknown", "answered_never_received")}


def test_a_settled_payment_never_becomes_one_that_could_be_paid_again_but_by_its_return() -> None:
    assert {step.state for step in TABLE["settled"].values()} == {"settled", "returned", "reversed"}
    assert {step.state for step in TABLE["returned"].values()} == {"returned", "reversed"}
    assert {step.state for step in TABLE["reversed"].values()} == {"reversed"}


STRENGTH: dict[PaymentState, int] = {"sent": 0, "unknown": 0, "rejected": 1, "settled": 2, "returned": 3, "reversed": 4}
RESULTS: list[BankMessage] = [
    *(settled(), rejected(), returned(), reversed_()),
    *(answered(status) for status in ("settled", "rejected", "returned", "in_progress", "never_received")),
]
TRUE_STORIES: list[list[BankMessage]] = [
    [rejected(), answered("rejected")],
    [settled(), answered("settled")],
    [settled(), answered("settled"), returned(), answered("returned")],
    [answered("in_progress"), settled(), returned()],
    [settled(), answered("settled"), reversed_(), answered("returned")],
    [answered("never_received"), answered("never_received"), settled()],
]


def books_of(moves: Sequence[payment_rules.Posting], start: str) -> Counter[str]:
    """What lies where, when the money lay on `start`."""
    books = Counter({start: 1})
    for moved in moves:
        books[moved.leaves] -= 1
        books[moved.enters] += 1
    return books


@given(words=st.lists(st.sampled_from(RESULTS), max_size=12), start=st.sampled_from(["sent", "unknown"]))
def test_whatever_the_bank_says_in_whatever_order_the_books_follow_the_state(
    words: list[BankMessage], start: PaymentState
) -> None:
    after, heard = hear(payment(start), *words)
    books = books_of(heard.postings, "in_transit")
    assert books.total() == 1
    never_left = after.state in CAME_BACK and [moved.enters for moved in heard.postings][-1:] == ["payable"]
    assert {account for account, held in books.items() if held} == {"payable" if never_left else HELD_ON[after.state]}
    kinds = Counter(moved.kind for moved in heard.postings)
    assert all(times == 1 for times in kinds.values())  # the database refuses a second entry of a kind
    said = {payment_rules.word_of(word).removeprefix("answered_") for word in words} & STRENGTH.keys()
    strongest = max(said, key=lambda word: STRENGTH[word], default=None)  # type: ignore[index]
    assert after.state == (strongest or after.state)
    assert strongest is not None or after.state in ("sent", "unknown")


@given(data=st.data(), story=st.sampled_from(TRUE_STORIES))
def test_a_true_story_in_any_order_with_repetitions_ends_with_the_banks_last_word(
    data: st.DataObject, story: list[BankMessage]
) -> None:
    """The last word of the bank is the one that was true last, not the one that arrived last."""
    told = data.draw(st.permutations([*story, *data.draw(st.lists(st.sampled_from(story), max_size=6))]))
    after, heard = hear(payment("unknown"), *told)
    truth, _ = hear(payment("unknown"), *story)
    assert after.state == truth.state
    assert not {odd.kind for odd in heard.odd} & {"contradicted", "settled_twice", "wrong_amount", "unknown_payment"}


def test_a_late_rejection_changes_nothing_and_a_return_does() -> None:
    after, heard = hear(payment("settled"), rejected(), returned())
    assert (after.state, after.reason, after.bank_reference) == ("returned", "account_closed", "R2")
    assert [odd.kind for odd in heard.odd] == ["contradicted"]
    assert [(moved.leaves, moved.enters) for moved in heard.postings] == [("paid", "returned")]


def test_the_bank_takes_back_what_it_paid_and_the_obligation_can_be_paid_again() -> None:
    after, heard = hear(payment("settled"), reversed_(), settled())
    assert (after.state, after.reason, after.bank_reference) == ("reversed", "booked_twice", "R3")
    assert [(moved.leaves, moved.enters) for moved in heard.postings] == [("paid", "returned")]
    assert [odd.kind for odd in heard.odd] == ["overtaken"]


def test_what_was_refused_and_then_said_to_have_come_back_never_left() -> None:
    """Another attempt may have taken its place by then, and the money gone with it."""
    after, heard = hear(payment(), rejected(), returned(), reversed_())
    assert (after.state, [(moved.leaves, moved.enters) for moved in heard.postings]) == (
        "reversed",
        [("in_transit", "payable")],
    )


@given(order=st.permutations([settled(), returned(), reversed_()]))
def test_money_that_came_back_in_two_ways_came_back_once_and_is_seen(order: list[BankMessage]) -> None:
    after, heard = hear(payment(), *order)
    assert after.state == "reversed"
    assert {account for account, held in books_of(heard.postings, "in_transit").items() if held} == {
        HELD_ON["reversed"]
    }
    assert "contradicted" in {odd.kind for odd in heard.odd}


def test_an_answer_that_money_came_back_leaves_it_to_the_result_to_say_how() -> None:
    asked = replace(payment("unknown"), asked=True)
    after, heard = hear(asked, answered("returned"), reversed_())
    assert (after.state, after.reason, heard.odd) == ("reversed", "booked_twice", [])
    after, heard = hear(asked, answered("returned"), returned())
    assert (after.state, after.reason, after.bank_reference, heard.odd) == ("returned", "account_closed", "R2", [])
    _, heard = hear(after, reversed_())
    assert [odd.kind for odd in heard.odd] == ["contradicted"]


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (settled(bank="XYZ"), "foreign_bank"),
        (rejected(bank="XYZ"), "foreign_bank"),
        (settled(batch=UUID(int=4)), "wrong_batch"),
        (settled(amount_fen=OTHER_AMOUNT), "wrong_amount"),
        (returned(amount_fen=OTHER_AMOUNT), "wrong_amount"),
        (reversed_(amount_fen=OTHER_AMOUNT), "wrong_amount"),
        (reversed_(bank="XYZ"), "foreign_bank"),
        (settled(payment=OTHER_ID), "unknown_payment"),
        (answered("never_received", payment=OTHER_ID), "unknown_payment"),
    ],
)
@pytest.mark.parametrize("state", [state for state in STATES if state != "prepared"])
def test_what_cannot_be_about_our_payment_moves_nothing(state: PaymentState, message: BankMessage, kind: str) -> None:
    after, heard = hear(payment(state), message)
    assert after.state == state
    assert ([odd.kind for odd in heard.odd], heard.postings, heard.again) == ([kind], [], [])


def test_after_a_wrong_amount_an_answer_without_an_amount_settles_nothing() -> None:
    after, heard = hear(payment(), settled(amount_fen=OTHER_AMOUNT), answered("settled"))
    assert (after.state, after.disputed) == ("sent", True)
    assert [(odd.kind, odd.amount_fen) for odd in heard.odd] == [("wrong_amount", OTHER_AMOUNT), ("disputed", None)]
    after, heard = hear(after, settled())
    assert (after.state, after.disputed, heard.odd) == ("settled", False, [])


def test_settled_twice_under_two_references_is_not_a_repetition() -> None:
    after, heard = hear(payment("settled"), settled("R1"), settled("R9"))
    assert [odd.kind for odd in heard.odd] == ["repeated", "settled_twice"]
    assert after.bank_reference == "R1"


def test_the_reference_comes_with_the_result_that_follows_the_answer() -> None:
    after, heard = hear(payment("unknown"), answered("settled"), settled("R7"))
    assert (after.state, after.bank_reference, heard.odd) == ("settled", "R7", [])
    assert len(heard.postings) == 1


def test_a_payment_given_up_before_it_was_sent_hears_of_nothing() -> None:
    unsent = replace(payment("rejected"), bank=None, batch=None, reason="no_account")
    after, heard = hear(unsent, settled())
    assert (after, [odd.kind for odd in heard.odd]) == (unsent, ["not_sent"])


def test_a_refused_payment_that_was_paid_after_all_is_paid_unless_another_took_its_place() -> None:
    after, heard = hear(payment("rejected"), settled())
    assert (after.state, [odd.kind for odd in heard.odd]) == ("settled", ["contradicted"])
    replaced = replace(payment("rejected"), replaced=True)
    after, heard = hear(replaced, settled(), answered("settled"))
    assert (after.state, heard.postings) == ("rejected", [])
    assert [odd.kind for odd in heard.odd] == ["settled_though_replaced"] * 2


def test_what_changes_a_closed_run_is_applied_and_seen() -> None:
    after, heard = hear(replace(payment("settled"), run_closed=True), settled(), returned())
    assert (after.state, [odd.kind for odd in heard.odd]) == ("returned", ["repeated", "after_close"])


def test_what_the_bank_was_asked_for_is_not_odd_when_it_comes_and_what_contradicts_is() -> None:
    asked = replace(payment("unknown"), asked=True)
    told: list[BankMessage] = [settled(), settled(), *(answered(word) for word in ("settled", "in_progress"))]
    told.append(answered("never_received"))
    after, heard = hear(asked, *told)
    assert (after.state, heard.odd) == ("settled", [])
    _, heard = hear(after, rejected(), settled("R9"))
    assert [odd.kind for odd in heard.odd] == ["contradicted", "settled_twice"]


def test_several_payments_are_heard_each_by_its_own_words_in_the_order_of_their_ids() -> None:
    other = replace(payment(), id=OTHER_ID)
    said: list[BankMessage] = [settled(payment=OTHER_ID), rejected(), settled(payment=OTHER_ID)]
    heard = payment_rules.hear([other, payment()], said, today=TODAY)
    assert [(each.id, each.state) for each in heard.changed] == [(ID, "rejected"), (OTHER_ID, "settled")]
    assert [odd.payment for odd in heard.odd] == [OTHER_ID]


def test_the_digest_tells_states_and_amounts_apart() -> None:
    digests = {
        payment_rules.digest([payment("settled")]),
        payment_rules.digest([payment("returned")]),
        payment_rules.digest([replace(payment("settled"), amount_fen=OTHER_AMOUNT)]),
        payment_rules.digest([]),
    }
    assert len(digests) == 4
