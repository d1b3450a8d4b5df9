"""Banks' statements day by day against our payments and books: every difference is found, explained, or settled."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import httpx2
import pytest

from devkit.browser import Client
from devkit.issuer import Issuer
from qingdan.divisions import DivisionCode
from runtime.actor import Actor, Role
from runtime.db import Version, transaction
from runtime.divisions import DivisionUnknown
from runtime.ids import new_id
from runtime.problems import Forbidden, NotFound, StaleVersion
from subsidy.bank_profile_rules import BankProfile
from subsidy.compare_open_days import compare_open_days
from subsidy.compare_statement import compare_statement
from subsidy.confirm_difference import confirm_difference
from subsidy.daily_rules import (
    DifferenceNotThere,
    OtherAccount,
    SecondLookNeeded,
    StatementLeavesGap,
    StatementOverlaps,
    StatementTakenAlready,
)
from subsidy.explain_difference import explain_difference
from subsidy.list_daily_differences import DailyDifferenceView, list_daily_differences
from subsidy.list_daily_statements import DailyStatementView, list_daily_statements
from subsidy.list_payments import PaymentView
from subsidy.set_bank_profile import set_bank_profile
from subsidy.take_daily_statement import take_daily_statement
from tests.integration.service_scene import person
from tests.integration.subsidy.browser import application_of_subsidy
from tests.integration.subsidy.conftest import COUNTY, OTHER_COUNTY, Scene
from tests.integration.subsidy.frozen_run import AMOUNT_FEN, AT, BANK, Payday, rejected, returned, settled
from tests.unit.subsidy.statements import camt053, entry, of_movements

DAY: Final = str(AT.date())
OPENING: Final = 10_000_000


class Books:
    """The county's finance over the bank's statements."""

    def __init__(self, payday: Payday) -> None:
        self.payday, self.scene, self.pool = payday, payday.scene, payday.scene.pool

    async def take(
        self, body: bytes, *, actor: Actor | None = None, county: DivisionCode = COUNTY
    ) -> DailyStatementView:
        return await take_daily_statement(self.pool, actor or self.scene.preparer, county, BANK, body)

    async def differences(self, statement: DailyStatementView, **how: Any) -> list[DailyDifferenceView]:
        given = {"state": None, "after": None, "limit": 200} | how
        return await list_daily_differences(self.pool, self.scene.approver, statement.statement, **given)

    async def kinds(self, statement: DailyStatementView, **how: Any) -> dict[UUID | None, str]:
        return {each.payment: each.kind for each in await self.differences(statement, **how)}

    async def compare(self, statement: DailyStatementView) -> DailyStatementView:
        return await compare_statement(self.pool, self.scene.preparer, statement.statement)

    async def explain(self, difference: DailyDifferenceView, *, actor: Actor | None = None) -> DailyDifferenceView:
        return await explain_difference(
            self.pool,
            actor or self.scene.preparer,
            difference.difference,
            "bank_fee",
            "账户管理费",
            expected=Version(difference.version),
        )

    async def confirm(
        self, difference: DailyDifferenceView, *, agrees: bool = True, actor: Actor | None = None
    ) -> DailyDifferenceView:
        return await confirm_difference(
            self.pool,
            actor or self.scene.approver,
            difference.difference,
            agrees=agrees,
            expected=Version(difference.version),
        )


def out(payment: PaymentView, **changed: Any) -> str:
    """Money for it left."""
    return entry(-payment.amount_fen, payment.payment.hex, **{"reference": f"R-{payment.payment.hex[-12:]}", **changed})


def back(payment: PaymentView) -> str:
    """Money of it came back."""
    return entry(payment.amount_fen, payment.payment.hex, reference="BACK")


def day_of(*entries: str, moved_fen: int, **changed: Any) -> bytes:
    return camt053(*entries, opening=OPENING, closing=OPENING + moved_fen, **changed)


@pytest.fixture
async def books(bare: Scene, tmp_path: Path) -> Books:
    payday = Payday(bare, tmp_path)
    await payday.open()
    return Books(payday)


async def paid(books: Books, many: int) -> Sequence[PaymentView]:
    """Payments that the bank settled on the day."""
    payments = await books.payday.sent(many)
    await books.payday.says(*(settled(payment) for payment in payments))
    return await books.payday.payments()


async def test_a_day_on_which_both_agree_has_no_difference(books: Books) -> None:
    one, two, three = await paid(books, 3)
    await books.payday.says(returned(three))
    entries = [out(one), out(two), out(three), back(three)]
    taken = await books.take(day_of(*entries, moved_fen=-2 * AMOUNT_FEN))
    assert (taken.entries, taken.debit_fen, taken.credit_fen) == (4, 3 * AMOUNT_FEN, AMOUNT_FEN)
    assert (taken.open, await books.differences(taken)) == (0, [])


async def test_every_way_to_differ_is_found(books: Books) -> None:
    payments = await books.payday.sent(8)
    missing, dear, other, twice, unknown_to_us, refused, gone_back, _silent = payments
    await books.payday.says(*(settled(each) for each in (missing, dear, other, twice, gone_back)), rejected(refused))
    await books.payday.says(returned(gone_back))
    stranger = new_id()
    entries = [
        entry(-1, dear.payment.hex),
        out(other, reference="R-OTHER"),
        out(twice),
        out(twice),
        out(unknown_to_us),
        out(refused),
        out(gone_back),
        entry(-7, stranger.hex),
        entry(-30, ""),
    ]
    moved = -1 - 6 * AMOUNT_FEN - 37
    taken = await books.take(day_of(*entries, moved_fen=moved))
    found = await books.differences(taken)
    assert {(each.payment, each.kind, each.entry) for each in found} == {
        (missing.payment, "not_on_statement", None),
        (dear.payment, "amount_differs", 1),
        (other.payment, "reference_differs", 2),
        (twice.payment, "listed_twice", 4),
        (unknown_to_us.payment, "status_differs", 5),
        (refused.payment, "status_differs", 6),
        (gone_back.payment, "not_on_statement", None),
        (stranger, "not_ours", 8),
        (None, "not_ours", 9),
    }
    assert (taken.open, taken.gone) == (9, 0)
    by_kind = {each.entry: each for each in found}
    assert (by_kind[1].our_fen, by_kind[1].bank_fen, by_kind[1].bank_credit) == (AMOUNT_FEN, 1, False)
    assert by_kind[5].our_state == "sent"
    first = await books.differences(taken, limit=4)
    rest = await books.differences(taken, after=first[-1].difference)
    assert [*first, *rest] == found
    assert await books.differences(taken, state="gone") == []


async def test_a_movement_listed_again_on_another_day_is_found_there(books: Books) -> None:
    (one,) = await paid(books, 1)
    first = await books.take(day_of(out(one), moved_fen=-AMOUNT_FEN))
    later = str(AT.date() + timedelta(days=1))
    again = camt053(out(one, day=later), opening=OPENING - AMOUNT_FEN, closing=OPENING - 2 * AMOUNT_FEN, day=later)
    second = await books.take(again)
    assert (first.open, await books.kinds(second)) == (0, {one.payment: "listed_twice"})
    assert (await books.compare(first)).open == 0


async def test_later_results_settle_a_difference_by_themselves(books: Books) -> None:
    (payment,) = await books.payday.sent(1)
    taken = await books.take(day_of(out(payment), moved_fen=-AMOUNT_FEN))
    assert await books.kinds(taken) == {payment.payment: "status_differs"}
    await books.payday.says(settled(payment))
    service = books.scene.service
    assert await compare_open_days(books.pool, service, timedelta(hours=1)) is False  # it was compared just now
    assert await compare_open_days(books.pool, service, timedelta(0)) is True
    assert await compare_open_days(books.pool, service, timedelta(0)) is False
    (gone,) = await books.differences(taken)
    assert (gone.state, gone.gone_at is not None) == ("gone", True)
    (listed,) = await list_daily_statements(books.pool, books.scene.approver, bank=BANK, on=None, after=None, limit=9)
    assert (listed.open, listed.gone) == (0, 1)


async def test_a_difference_that_comes_back_is_open_again_whatever_was_said_of_it(books: Books) -> None:
    (payment,) = await books.payday.sent(1)
    taken = await books.take(day_of(out(payment), moved_fen=-AMOUNT_FEN))
    await books.explain((await books.differences(taken))[0])
    await books.payday.says(settled(payment))
    assert ((await books.compare(taken)).explained, (await books.compare(taken)).gone) == (0, 1)
    async with transaction(books.pool, books.scene.service) as tx:
        await tx.execute("UPDATE payment SET bank = 'OTHER'")  # as if it had never been this bank's
    assert await books.kinds(await books.compare(taken), state="open") == {payment.payment: "not_ours"}
    async with transaction(books.pool, books.scene.service) as tx:
        await tx.execute("UPDATE payment SET bank = $1", BANK)
        await tx.execute("UPDATE daily_difference SET state = 'gone', gone_at = clock_timestamp() WHERE state = 'open'")
        await tx.execute("UPDATE payment SET bank = 'OTHER'")
    (again,) = await books.differences(await books.compare(taken), state="open")
    assert (again.kind, again.explanation, again.gone_at) == ("not_ours", None, None)


async def test_one_explains_and_another_confirms(books: Books) -> None:
    taken = await books.take(day_of(entry(-30), entry(-40), moved_fen=-70))
    fee, other = await books.differences(taken)
    with pytest.raises(DifferenceNotThere):
        await books.confirm(fee)
    explained = await books.explain(fee)
    assert (explained.state, explained.explanation, explained.note) == ("explained", "bank_fee", "账户管理费")
    with pytest.raises(StaleVersion):
        await books.confirm(fee)
    both = Actor(books.scene.preparer.subject, frozenset({Role.FINANCE_APPROVER}), COUNTY)
    with pytest.raises(SecondLookNeeded):
        await books.confirm(explained, actor=both)
    confirmed = await books.confirm(explained)
    assert (confirmed.state, confirmed.confirmed_by) == ("confirmed", books.scene.approver.subject)
    with pytest.raises(DifferenceNotThere):
        await books.explain(confirmed)
    sent_back = await books.confirm(await books.explain(other), agrees=False)
    assert (sent_back.state, sent_back.note, sent_back.explained_by) == ("open", None, None)
    counted = await books.compare(taken)
    assert (counted.open, counted.explained, counted.confirmed) == (1, 0, 1)
    trail = str(await books.scene.rows("SELECT after FROM audit_entry WHERE action LIKE 'daily-difference.%'"))
    assert "账户管理费" not in trail
    with pytest.raises(asyncpg.CheckViolationError):
        async with transaction(books.pool, books.scene.service) as tx:
            await tx.execute("UPDATE daily_difference SET confirmed_by = explained_by WHERE state = 'confirmed'")


async def test_statements_follow_on_each_other(books: Books) -> None:
    first = of_movements([(-100, "")], opening=OPENING, day="2026-07-17")
    await books.take(first)
    for body, refusal in (
        (first, StatementTakenAlready),
        (of_movements([], opening=OPENING - 100, day="2026-07-16"), StatementOverlaps),
        (of_movements([], opening=OPENING, day="2026-07-18"), StatementLeavesGap),
    ):
        with pytest.raises(refusal):
            await books.take(body)
    await books.take(of_movements([(-1, "")], opening=OPENING - 100, day="2026-07-20"))
    listed = await list_daily_statements(books.pool, books.scene.preparer, bank=None, on=None, after=None, limit=1)
    after = listed[0].statement
    rest = await list_daily_statements(books.pool, books.scene.preparer, bank=BANK, on=None, after=after, limit=9)
    assert [str(each.on_date) for each in (*listed, *rest)] == ["2026-07-17", "2026-07-20"]


async def test_a_number_given_again_for_another_account_is_refused(books: Books) -> None:
    await books.take(of_movements([], opening=5))
    with pytest.raises(StatementTakenAlready):
        await books.take(camt053(opening=5, closing=5, account="6211111111111111", number=f"S-{DAY}"))
    assert len(await books.scene.rows("SELECT 1 FROM daily_statement")) == 1


async def test_a_statement_is_of_the_account_that_the_county_pays_from(books: Books) -> None:
    profile = BankProfile(format="pain.001", debtor_name="安吉县财政局", debtor_account="6299999999999999")
    await set_bank_profile(books.pool, books.scene.operator, COUNTY, BANK, profile, expected=Version(0))
    with pytest.raises(OtherAccount):
        await books.take(of_movements([], opening=5))
    assert await books.scene.rows("SELECT 1 FROM daily_statement") == []


@pytest.mark.parametrize(
    "actor",
    [
        person(Role.FINANCE_APPROVER, COUNTY),
        person(Role.AUDITOR, COUNTY),
        person(Role.OPERATOR, COUNTY),
        person(Role.VILLAGE_CADRE, COUNTY),
        person(Role.FINANCE_PREPARER, COUNTY, department="MZJ"),
        person(Role.FINANCE_PREPARER, OTHER_COUNTY),
    ],
    ids=lambda actor: f"{next(iter(actor.roles))}-{actor.division}-{actor.department}",
)
async def test_nobody_else_takes_statements_or_explains(books: Books, actor: Actor) -> None:
    taken = await books.take(day_of(entry(-30), moved_fen=-30))
    (difference,) = await books.differences(taken)
    with pytest.raises((Forbidden, DivisionUnknown)):
        await books.take(of_movements([], opening=OPENING - 30, day="2026-07-21"), actor=actor)
    with pytest.raises((Forbidden, NotFound)):
        await books.explain(difference, actor=actor)
    sees = not actor.roles.isdisjoint({Role.FINANCE_APPROVER, Role.AUDITOR, Role.OPERATOR}) and actor.division == COUNTY
    if sees:
        listed = await list_daily_statements(books.pool, actor, bank=None, on=None, after=None, limit=9)
        assert [each.statement for each in listed] == [taken.statement]
    async with transaction(books.pool, actor) as tx:
        counted = await tx.fetchval("SELECT count(*) FROM daily_entry")
    assert counted == (0 if actor.division == OTHER_COUNTY else 1)


@pytest.fixture
async def http(books: Books, issuer: Issuer) -> AsyncIterator[httpx2.AsyncClient]:
    async with application_of_subsidy(books.pool, issuer) as client:
        yield client


async def test_over_http(books: Books, http: httpx2.AsyncClient, issuer: Issuer) -> None:
    preparer, approver = Client(http, issuer, books.scene.preparer), Client(http, issuer, books.scene.approver)

    async def send(body: bytes, **params: str) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {preparer.token}", "Idempotency-Key": str(uuid4())}
        where = {"division": str(COUNTY), "bank": BANK, **params}
        return await http.post(
            "/v1/statements", content=body, params=where, headers={**headers, "Content-Type": "application/xml"}
        )

    bomb = b'<!DOCTYPE a [<!ENTITY b "c">]><Document/>'
    refused = await send(bomb)
    assert (refused.status_code, refused.json()["problem"]) == (422, "doctype")
    assert (await send(b"<a>" * 400_000)).status_code == 413
    assert (await send(of_movements([], opening=1), division=str(OTHER_COUNTY))).status_code == 404
    taken = await send(day_of(entry(-30), moved_fen=-30))
    assert (taken.status_code, taken.json()["open"]) == (201, 1)
    statement = taken.json()["statement"]
    page = (await approver.get("/statements", bank=BANK, on=DAY, limit=1)).json()
    assert [each["statement"] for each in page["items"]] == [statement]
    (item,) = (await approver.get(f"/statements/{statement}/differences", state="open")).json()["items"]
    path = f"/statement-differences/{item['difference']}"
    said = {"explanation": "bank_fee", "note": "手续费"}
    assert (await preparer.post(f"{path}/explain", {**said, "explanation": "x"}, version=1)).status_code == 422
    explained = await preparer.post(f"{path}/explain", said, version=1)
    assert (explained.status_code, explained.headers["ETag"]) == (200, '"2"')
    confirmed = await approver.post(f"{path}/confirm", {"agrees": True}, version=2)
    assert confirmed.json()["state"] == "confirmed"
    compared = await preparer.post(f"/statements/{statement}/compare")
    assert (compared.status_code, compared.json()["confirmed"]) == (200, 1)
