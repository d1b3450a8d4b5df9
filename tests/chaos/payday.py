"""Paydays of a small county: facts in, one month clicked after the other, and what must hold once all is at rest."""

import asyncio
from pathlib import Path

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
from tests.chaos.county import County

PEOPLE = 4_000
PROGRAMMES = ("B08", "B09", "B10")  # old-age allowances: some 150 payments a month, and nothing to wait for
SETTINGS = {
    "PAYMENTS_PER_BATCH": "20",
    "BATCHES_PER_TURN": "2",
    "PAYMENT_SILENT_S": "1",
    "OBLIGATIONS_PER_TURN": "40",
}
UNDER_WAY = ("prepared", "sent", "unknown")


async def prepare(stack: Stack) -> None:
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
    hub = DataHub(stack.kafka_as("records"), stack.keys.subsidy)
    sent = await asyncio.to_thread(hub.play, people_of_anji(PEOPLE))

    async def heard() -> bool:
        books = (await people.ask("subsidy", "/v1/invariants"))["consumed"]
        return int(sum(book["handled"] for book in books)) >= sent.records

    await eventually(heard, timeout_s=120.0, what="every fact is heard")


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
        assert not said["runs_being_entered"], said
        assert not any(said["payments_by_state"][state] for state in UNDER_WAY), said["payments_by_state"]
        return True

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


async def assert_every_run_waits_for_its_end_only(county: County) -> None:
    """Nothing of any run is under way: what it waits for is the statement, and finance that closes it."""
    page = await county.ask("subsidy", "/v1/runs?limit=200")
    assert page["next"] is None
    for run in page["items"]:
        said = await county.ask("subsidy", f"/v1/runs/{run['run']}/progress")
        steps = {step["step"]: step["state"] for step in said["steps"]}
        assert [wait["code"] for wait in said["waits_for"]] == ["closing"], said
        assert {steps[name] for name in ("approve", "enter", "send", "bank")} == {"done"}, said
