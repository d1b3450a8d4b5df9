"""The subsidy service, the bank and Kafka die at each of their places in the middle of payments: each is paid once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from devkit.bank.failpoints import Failpoint as BankFailpoint
from devkit.bank.settings import Behaviour
from devkit.bank.statement import totals, wrong_batches
from devkit.dev_users import COUNTRY
from devkit.eventually import eventually
from devkit.everybody import Request
from devkit.programmes import sample_programmes
from devkit.records.county import people_of_anji
from devkit.records.player import DataHub
from devkit.stack import Stack
from devkit.story.county import ANJI, all_divisions
from devkit.story.plot import today
from qingdan.divisions import DivisionCode
from tests.chaos.county import OF_A_CONSUMER, OF_A_RELAY, OF_A_WORK, OF_AN_API, County

PEOPLE = 4_000
PROGRAMMES = ("B08", "B09", "B10")  # old-age allowances: some 150 payments a month, and nothing to wait for
PLACES = (*OF_AN_API, *OF_A_CONSUMER, *OF_A_RELAY, *OF_A_WORK)
SETTINGS = {"PAYMENTS_PER_BATCH": "20", "PAYMENT_SILENT_S": "1"}
UNDER_WAY = ("prepared", "sent", "unknown")
# Bad enough that every kind of answer is under way when somebody dies; all of it follows from the payment's id.
BANK = Behaviour(
    delays_per_mille=100,
    delay_s=0.5,
    repeats_per_mille=100,
    out_of_order_per_mille=100,
    swallows_per_mille=30,
    silent_per_mille=50,
    unknown_per_mille=20,
)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The service and the bank on a Kafka and a PostgreSQL of their own, with facts of a few thousand people."""
    stack = Stack(["subsidy"], extra={"subsidy": SETTINGS}, bank_behaviour=BANK)
    stack.start()
    try:
        asyncio.run(_prepare(stack))
        yield stack
    finally:
        stack.stop()


async def _prepare(stack: Stack) -> None:
    async with County(stack) as people:
        await _enter_county(people)


async def _enter_county(people: County) -> None:
    stack = people.stack
    divisions = {"divisions": [division.model_dump(mode="json") for division in all_divisions()]}
    await people.send(Request("subsidy", "/v1/divisions/import", divisions, "operator", DivisionCode(COUNTRY)))
    programmes = {
        "effective_on": "2021-01-01",
        "programmes": [
            programme | {"excludes": [code for code in programme["excludes"] if code in PROGRAMMES]}
            for programme in sample_programmes()
            if programme["code"] in PROGRAMMES
        ],
    }
    await people.send(Request("subsidy", "/v1/programme-versions", programmes, "finance_preparer", ANJI))
    hub = DataHub(stack.bootstrap, stack.keys.subsidy)
    sent = await asyncio.to_thread(hub.play, people_of_anji(PEOPLE))

    async def heard() -> bool:
        books = (await people.ask("subsidy", "/v1/invariants"))["consumed"]
        return sum(book["handled"] for book in books) >= sent.records

    await eventually(heard, timeout_s=120.0, what="every fact is heard")


@pytest.fixture
async def county(stack: Stack) -> AsyncIterator[County]:
    async with County(stack) as county:
        yield county


class Months:
    """One month after the other: no two kills share a run."""

    _next = 0

    @classmethod
    def take(cls) -> str:
        cls._next += 1
        return f"{2026 + cls._next // 12}-{cls._next % 12 + 1:02d}"


async def pay_a_month(county: County) -> None:
    """Preview, freeze, approval by a second person."""
    wanted = {"division": ANJI, "period": Months.take()}
    run = (await county.send(Request("subsidy", "/v1/runs", wanted, "finance_preparer", ANJI)))["run"]
    notice = {"notice_until": str(today())}
    frozen = await county.send(
        Request("subsidy", f"/v1/runs/{run}/freeze", notice, "finance_preparer", ANJI, version=1)
    )
    approval = {"frozen_hash": frozen["frozen_hash"]}
    await county.send(Request("subsidy", f"/v1/runs/{run}/approve", approval, "finance_approver", ANJI, version=2))


async def assert_everybody_was_paid_once(county: County, months: int) -> None:
    """Every payment has its end, no obligation two, and the bank's own book says what ours say."""
    await county.caused()

    async def all_ended() -> bool:
        said = await county.ask("subsidy", "/v1/statistics")
        assert said["runs"] >= months
        return not said["runs_being_entered"] and not any(
            said["payments_by_state"].get(state, 0) for state in UNDER_WAY
        )

    await eventually(all_ended, timeout_s=120.0, every_s=0.3, what="every payment has an end")
    await county.everything_is_told()
    said = await county.ask("subsidy", "/v1/statistics")
    settled = said["payments_by_state"]["settled"]
    assert settled > months * 50
    assert said["obligations"] == settled + said["obligations_unpaid"] == sum(said["payments_by_state"].values())
    assert said["obligations_paid_twice"] == 0
    assert said["ledger_sum_fen"] == said["ledger_fen_by_account"]["in_transit"] == 0
    assert said["ledger_fen_by_account"]["paid"] == said["paid_fen"]
    book: Path = county.stack.bank.directory
    await eventually(lambda: not totals(book).answers_unsent, what="the bank has sent its last, delayed answer")
    bank = totals(book)
    assert (bank.payments["settled"], bank.paid_fen, bank.paid_twice) == (settled, said["paid_fen"], 0)
    assert (bank.waiting, wrong_batches(book)) == (0, [])


@pytest.mark.timeout(900)
async def test_the_service_dies_at_each_of_its_places(county: County) -> None:
    await county.die_at_each("subsidy", PLACES, lambda: pay_a_month(county))
    assert county.deaths == [f"subsidy at {place}" for place in PLACES]
    await assert_everybody_was_paid_once(county, len(PLACES))


@pytest.mark.timeout(600)
async def test_the_bank_dies_at_each_of_its_places(county: County) -> None:
    await county.bank_dies_at_each(tuple(BankFailpoint), lambda: pay_a_month(county))
    assert county.deaths == [f"bank at {place}" for place in BankFailpoint]
    await assert_everybody_was_paid_once(county, len(BankFailpoint))


@pytest.mark.timeout(300)
async def test_kafka_dies_while_payments_are_under_way(county: County) -> None:
    await pay_a_month(county)
    await asyncio.to_thread(county.stack.kafka.kill)
    await pay_a_month(county)  # a click needs no Kafka
    await asyncio.to_thread(county.stack.kafka.start)
    await assert_everybody_was_paid_once(county, 2)
