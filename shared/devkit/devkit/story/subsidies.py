"""Enjoying peace of mind: nobody fills in a form; one clicks, a second person approves, every fen is accounted for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from devkit.bank.statement import statement
from devkit.eventually import eventually
from devkit.story.answers import (
    Invariants,
    PaidAgain,
    Payment,
    Previewed,
    Progress,
    Reconciled,
    RunView,
    SubsidyStatistics,
    Verified,
)
from devkit.story.client import Person, RefusedError, StoryError, together
from devkit.story.county import ANJI
from devkit.story.narrator import Advance
from devkit.story.plot import today
from devkit.story.telling import Telling
from qingdan.money import Fen

HEARD_TIMEOUT_S: Final = 120.0
PAID_TIMEOUT_S: Final = 120.0
LINES_PER_CALL: Final = 2_000
UNDER_WAY: Final = ("prepared", "sent", "unknown")


@dataclass(frozen=True, slots=True)
class Clicked:
    """A run that was approved."""

    run: UUID
    period: str
    payments: int
    total_fen: int


async def pay_subsidies(telling: Telling) -> None:
    """Facts in, programmes, and for each month: preview, freeze, a second person's approval, pay, reconcile, close."""
    subsidies, narrator = telling.plot.subsidies, telling.narrator
    narrator.say(
        f"安吉县{len(subsidies.programmes)}个补贴项目，{subsidies.people:,}名居民（合成）：不填表、不跑腿、不开证明。",
        f"Anji County: {len(subsidies.programmes)} programmes for {subsidies.people:,} people (synthetic): no form, no "
        "certificate, nothing asked twice.",
    )
    preparer, approver = telling.people.finance_preparer(ANJI), telling.people.finance_approver(ANJI)
    await _publish_programmes(telling, preparer)
    await _wait_for_facts(telling, await telling.hub.records())
    clicked = []
    with narrator.step("一键发放", "one click, two people", len(subsidies.periods)) as advance:
        for period in subsidies.periods:
            clicked.append(await _one_click(preparer, approver, period))
            advance()
    await _wait_until_paid(telling, preparer, "支付", "payments", sum(each.payments for each in clicked))
    await _pay_again(telling, approver, clicked)
    with narrator.step("对账结案", "reconcile, and close", len(clicked)) as advance:
        await together(_reconcile_and_close(telling, preparer, each, advance) for each in clicked)
    await _verify(telling, clicked)
    _show(telling, clicked, await preparer.get("subsidy", "/v1/statistics", SubsidyStatistics))


async def _publish_programmes(telling: Telling, preparer: Person) -> None:
    subsidies = telling.plot.subsidies
    with telling.narrator.step("发布补贴项目", "publish programmes", len(subsidies.programmes)) as advance:
        version = {
            "effective_on": "2021-01-01",
            "programmes": subsidies.programmes,
        }
        await preparer.create("subsidy", "/v1/programme-versions", version)
        for _ in subsidies.programmes:
            advance()


async def _wait_for_facts(telling: Telling, records: int) -> None:
    """The registers came in while the other counties' stories were told; now to the last record."""
    auditor = telling.people.auditor
    with telling.narrator.step("数据到齐", "facts and identities", records) as advance:
        heard = 0

        async def all_heard() -> bool:
            nonlocal heard
            said = await auditor.get("subsidy", "/v1/invariants", Invariants)
            now = sum(books.records for books in said.consumed if ".records." in books.topic)
            for _ in range(heard, min(now, records)):
                advance()
            heard = max(heard, now)
            return heard >= records

        await eventually(all_heard, timeout_s=HEARD_TIMEOUT_S, every_s=0.3, what="subsidy has heard of every register")


async def _one_click(preparer: Person, approver: Person, period: str) -> Clicked:
    """Preview, freeze, and the approval of a second person, who names the hash of what was looked at."""
    previewed = await preparer.create("subsidy", "/v1/runs", {"division": ANJI, "period": period})
    run = previewed.read(Previewed)
    path = f"/v1/runs/{run.run}"
    notice = {"notice_until": str(today())}  # a county gives it days; a demo has none to wait
    frozen = await preparer.change("subsidy", f"{path}/freeze", previewed.version, notice)
    seen = await approver.get("subsidy", path, RunView)
    approval = {"frozen_hash": seen.frozen_hash}
    await _refused(preparer, f"{path}/approve", frozen.version, approval, "forbidden")
    await approver.change("subsidy", f"{path}/approve", frozen.version, approval)
    await eventually(lambda: _is_entered(preparer, path), timeout_s=60.0, every_s=0.1, what="what was approved is owed")
    payments = sum(programme.payments for programme in run.programmes)
    return Clicked(run.run, period, payments, sum(programme.total_fen for programme in run.programmes))


async def _is_entered(preparer: Person, path: str) -> bool:
    steps = {step.step: step for step in (await preparer.get("subsidy", f"{path}/progress", Progress)).steps}
    return steps["enter"].state == "done"


async def _refused(person: Person, path: str, version: int, body: Mapping[str, object], kind: str) -> None:
    """Who prepared does not approve: tried every time, refused every time."""
    try:
        await person.change("subsidy", path, version, body)
    except RefusedError as refused:
        if refused.kind != kind:
            raise
        return
    raise StoryError(f"{person.name} was allowed to POST {path}", service="subsidy")


async def _wait_until_paid(telling: Telling, finance: Person, zh: str, en: str, payments: int) -> None:
    """Until no payment is under way: the bank rejects some, repeats itself, is silent, and is asked."""
    with telling.narrator.step(zh, en, payments) as advance:
        done = 0

        async def all_ended() -> bool:
            nonlocal done
            now = (await finance.get("subsidy", "/v1/statistics", SubsidyStatistics)).payments_by_state
            ended = payments - sum(now.get(state, 0) for state in UNDER_WAY)
            for _ in range(done, ended):
                advance()
            done = max(done, ended)
            return done >= payments

        await eventually(all_ended, timeout_s=PAID_TIMEOUT_S, every_s=0.3, what="every payment has an end")


async def _pay_again(telling: Telling, approver: Person, clicked: list[Clicked]) -> None:
    """People whose account was closed name another one; only what was not paid is paid again."""
    corrected = await telling.hub.correct_accounts()
    telling.narrator.say(
        f"{corrected}人更正了已销户的账号；只重付未到账的那几笔，不重发整批。",
        f"{corrected} people named another account; only what did not reach them is paid again, never a whole batch.",
    )
    await _wait_for_facts(telling, await telling.hub.records())
    again = 0
    for each in clicked:
        run = await approver.get("subsidy", f"/v1/runs/{each.run}", RunView)
        try:
            answer = await approver.change("subsidy", f"/v1/runs/{each.run}/pay-again", run.version)
        except RefusedError as refused:
            if refused.kind != "nothing-to-pay-again":
                raise
            continue
        again += answer.read(PaidAgain).payments
    await _wait_until_paid(telling, approver, "重新支付", "paid again", again)


async def _reconcile_and_close(telling: Telling, preparer: Person, each: Clicked, advance: Advance) -> None:
    """The bank's own book as its statement, compared payment by payment; only then is the run closed."""
    path = f"/v1/runs/{each.run}"
    ours = {payment.payment for payment in await preparer.pages("subsidy", "/v1/payments", Payment, run=str(each.run))}
    lines = [
        {
            "payment": str(line.payment),
            "status": line.status,
            "amount_fen": line.amount_fen,
            "bank_reference": line.bank_reference,
        }
        for line in statement(telling.people.place.bank.directory, telling.people.place.bank.code)
        if line.payment in ours
    ]
    version = (await preparer.get("subsidy", path, RunView)).version
    for at in range(0, len(lines), LINES_PER_CALL):
        part = {"lines": lines[at : at + LINES_PER_CALL]}
        version = (await preparer.change("subsidy", f"{path}/statement", version, part)).version
    answer = await preparer.change("subsidy", f"{path}/reconcile", version)
    reconciled = answer.read(Reconciled)
    telling.ledger.differences += [f"{each.period}: {difference}" for difference in reconciled.first]
    if not reconciled.differences:
        await preparer.change("subsidy", f"{path}/close", answer.version)
    advance()


async def _verify(telling: Telling, clicked: list[Clicked]) -> None:
    """An auditor has each month computed again from what was kept with it, after facts have gone on."""
    auditor = telling.people.auditor
    with telling.narrator.step("审计重算", "an auditor computes each month again", len(clicked)) as advance:
        for each in clicked:
            verified = await auditor.get("subsidy", f"/v1/runs/{each.run}/verification", Verified)
            telling.ledger.verified[verified.run] = verified.holds
            advance()


def _show(telling: Telling, clicked: list[Clicked], said: SubsidyStatistics) -> None:
    settled = said.payments_by_state.get("settled", 0)
    telling.narrator.table(
        "发放批次（合成数据） Runs (synthetic data)",
        ("月份\nmonth", "应发笔数\npayments", "金额（元）\nyuan"),
        [(each.period, f"{each.payments:,}", Fen(each.total_fen).yuan()) for each in clicked],
    )
    telling.narrator.say(
        f"到账{settled:,}笔、{Fen(said.paid_fen).yuan()}元；{said.obligations_unpaid}笔没有账号，暂列应付，随时可付。",
        f"{settled:,} payments settled, {Fen(said.paid_fen).yuan()} yuan; "
        f"{said.obligations_unpaid} wait for an account and stay payable.",
    )
