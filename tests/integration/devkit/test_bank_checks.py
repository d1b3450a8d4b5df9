"""The bank's process on a real Kafka is asked whose accounts are."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from devkit.bank.settings import Behaviour
from devkit.bank.statement import totals
from devkit.eventually import eventually_sync
from devkit.keys import BANK, Keys
from devkit.pytest_plugin import MakeBank, MakeTopics
from qingdan.bank_events import AccountChecked, AccountCheckRequested, AccountToCheck
from qingdan.envelope import Envelope, EventBody
from qingdan.identity import BankAccount, PersonName
from qingdan.ids import AccountCheckId
from qingdan.topics import in_bank, to_bank
from runtime.clock import utcnow
from runtime.ids import new_id
from runtime.sealing import PublicKey, new_content_key, seal, wrap
from tests.integration.devkit.payer import Payer
from tests.unit.devkit.orders import CLOSED, OPEN, sent


@pytest.fixture
def payer(kafka: str, topic_prefix: str, make_topics: MakeTopics) -> Iterator[Payer]:
    make_topics(topic_prefix, (in_bank(BANK), to_bank(BANK)), partitions=3)
    with Payer(kafka, topic_prefix) as payer:
        yield payer


def question(
    bank: PublicKey, check: AccountCheckId, account: BankAccount, *, says: AccountCheckId | None = None
) -> Envelope[EventBody]:
    """`says`: it names another question inside."""
    key = new_content_key()
    to_check = AccountToCheck(check=says or check, owner=PersonName("王甲子"), account=account)
    sealed = seal(key, to_check, event_type=AccountCheckRequested.event_type(), event_key=str(check))
    asked = AccountCheckRequested(bank=BANK, check=check, key=wrap(key, bank), sealed=sealed, requested_at=utcnow())
    return sent(asked)


def answers(payer: Payer) -> dict[UUID, tuple[bool | None, str | None]]:
    payer.hear()
    checked = (each for each in payer.answers.values() if isinstance(each, AccountChecked))
    return {each.check: (each.owner_matches, each.reason) for each in checked}


def ids(many: int) -> list[AccountCheckId]:
    return [AccountCheckId(new_id()) for _ in range(many)]


def test_it_knows_its_accounts(payer: Payer, bank_process: MakeBank, keys: Keys) -> None:
    bank, (fine, closed, another, unreadable) = bank_process(), ids(4)
    bank.start()
    payer.send(
        [
            question(keys.bank, fine, OPEN),
            question(keys.bank, closed, CLOSED),
            question(keys.bank, another, OPEN, says=fine),
            question(keys.subsidy, unreadable, OPEN),
        ]
    )
    eventually_sync(lambda: len(answers(payer)) == 4, what="every question is answered")
    assert answers(payer) == {
        fine: (True, None),
        closed: (False, "account_closed"),
        another: (None, "inconsistent"),
        unreadable: (None, "unreadable"),
    }
    assert bank.log_tail() == "ready"  # and no word of whose they are


def test_it_mistakes_owners_and_keeps_silent_as_it_is_told_to(payer: Payer, bank_process: MakeBank, keys: Keys) -> None:
    bank = bank_process(Behaviour(mismatches_per_mille=300, check_silent_per_mille=300))
    bank.start()
    checks, rounds = ids(60), 0

    def all_answered() -> bool:
        nonlocal rounds
        answered = answers(payer)
        unanswered = [check for check in checks if check not in answered]
        if unanswered and rounds < 30:
            rounds += 1
            payer.send(question(keys.bank, check, OPEN) for check in unanswered)
        return not unanswered

    eventually_sync(all_answered, timeout_s=60, every_s=0.3, what="every question is answered in the end")
    assert {matches for matches, _ in answers(payer).values()} == {True, False}
    assert totals(bank.directory).tally["checks_kept_silent"] > 0
