"""Files for banks: made of a run's payments once, read by finance only, the same bytes each time; results come back."""

import csv
import zipfile
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest

from qingdan.ids import PersonId, RunId
from runtime.actor import Actor, Role
from runtime.clock import business_date
from runtime.db import Version, transaction
from runtime.ids import new_id
from runtime.problems import Forbidden, NotFound, StaleVersion
from subsidy import bank_sheet_store
from subsidy.ask_silent_payments import ask_silent_payments
from subsidy.bank_file_rules import BankFileId, BankTakesEvents, FileNotReady, FileUnderWay, NothingForAFile
from subsidy.bank_profile_rules import DEFAULT, BankProfile
from subsidy.bank_row_rules import FileTruncated, OtherFile, yuan_text
from subsidy.list_bank_files import list_bank_files
from subsidy.list_payments import PaymentView
from subsidy.make_bank_files import make_bank_files
from subsidy.order_bank_file import order_bank_file
from subsidy.pay_again import pay_again
from subsidy.read_bank_file import read_bank_file
from subsidy.set_bank_profile import set_bank_profile
from subsidy.show_bank_file import CountedFile, show_bank_file
from subsidy.take_bank_results import ResultsTaken, take_bank_results
from tests.integration.service_scene import person
from tests.integration.subsidy.conftest import COUNTY, OTHER_COUNTY, Scene
from tests.integration.subsidy.frozen_run import AMOUNT_FEN, BANK, Payday, settled
from tests.unit.subsidy.test_pain001_rules import schema

PAIN: Final = BankProfile(format="pain.001", debtor_name="安吉县财政局", debtor_account="6200000000000000")


class Till:
    """The county's finance at work with its files."""

    def __init__(self, payday: Payday) -> None:
        self.payday, self.scene = payday, payday.scene
        self.key_file = payday.directory / "service.json"

    async def by_file(self, profile: BankProfile = DEFAULT, *, expected: int = 0) -> None:
        """From now on the county's bank is paid by files."""
        scene = self.scene
        await set_bank_profile(scene.pool, scene.operator, COUNTY, BANK, profile, expected=Version(expected))

    async def approved(self, many: int, **run: Any) -> RunId:
        run_id = await self.payday.previewed(await self.payday.people(many), **run)
        await self.payday.approve(run_id)
        return run_id

    async def order(self, run: RunId, *, payments_max: int | None = None) -> BankFileId:
        version = await self.payday.version(run)
        ordered = await order_bank_file(
            self.scene.pool, self.scene.preparer, run, BANK, payments_max=payments_max, expected=version
        )
        return ordered.file

    async def make(self, *, per_batch: int = 2) -> int:
        """Everything ordered is made; in how many turns."""
        turns = 0
        while await make_bank_files(self.scene.pool, self.scene.service, self.key_file, per_batch=per_batch):
            turns += 1
        return turns

    async def made(self, run: RunId, *, per_batch: int = 2) -> BankFileId:
        file = await self.order(run)
        await self.make(per_batch=per_batch)
        return file

    async def content(self, file: BankFileId, actor: Actor | None = None) -> bytes:
        scene = self.scene
        read = await read_bank_file(scene.pool, actor or scene.preparer, scene.service, file, self.key_file)
        return b"".join([piece async for piece in read.pieces])

    async def show(self, file: BankFileId) -> CountedFile:
        return await show_bank_file(self.scene.pool, self.scene.approver, file)

    async def take(self, file: BankFileId, body: bytes, *, as_workbook: bool = False) -> ResultsTaken:
        version = Version((await self.show(file)).version)
        return await take_bank_results(
            self.scene.pool, self.scene.preparer, file, body, as_workbook=as_workbook, expected=version
        )

    async def state(self, run: RunId) -> str:
        (row,) = await self.scene.rows("SELECT state FROM run WHERE id = $1", run)
        return str(row["state"])


def answer(file: BankFileId, payments: Sequence[PaymentView], said: Sequence[str]) -> list[list[str]]:
    """The bank's file of results: a word for each payment."""
    rows = [
        [str(n), each.payment.hex, "金**", "62**", yuan_text(each.amount_fen), "CNY", word, "户名不符", f"R-{n}", ""]
        for n, (each, word) in enumerate(zip(payments, said, strict=True), 1)
    ]
    total = yuan_text(sum(each.amount_fen for each in payments))
    titles = [column.title for column in DEFAULT.result_columns]
    return [titles, *rows, ["合计", file.hex, str(len(rows)), total, "CNY"]]


def as_csv(rows: Sequence[Sequence[str]]) -> bytes:
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8-sig")


@pytest.fixture
async def till(bare: Scene, tmp_path: Path) -> Till:
    payday = Payday(bare, tmp_path)
    await payday.open()
    return Till(payday)


async def test_a_runs_payments_go_out_in_one_file_batch_by_batch(till: Till) -> None:
    await till.by_file(PAIN)
    run = await till.approved(5)
    assert await till.payday.instruct() == 0
    file = await till.order(run)
    assert await till.make() == 4  # three batches of at most two, and the end
    text = (await till.content(file)).decode()
    schema().validate(text)
    assert text.count("<PmtInf>") == 3
    assert text.count("<NbOfTxs>2</NbOfTxs><CtrlSum>1600.00</CtrlSum>") == 2
    assert f"<MsgId>{file.hex}</MsgId>" in text
    assert "<NbOfTxs>5</NbOfTxs><CtrlSum>4000.00</CtrlSum><InitgPty>" in text
    payments = await till.payday.payments(run)
    assert [text.count(f"<EndToEndId>{each.payment.hex}</EndToEndId>") for each in payments] == [1] * 5
    assert {each.state for each in payments} == {"sent"}
    assert "金丝雀甄" in text
    assert await till.state(run) == "paying"
    assert await till.payday.books() == {"budget": -5 * AMOUNT_FEN, "in_transit": 5 * AMOUNT_FEN}
    assert [each["type"] for each in await till.scene.told()][-1] == "run.paying.v1"
    assert await till.payday.orders() == []  # nothing of it went out as an event


async def test_the_same_bytes_are_read_each_time_and_their_hash_is_in_the_audit_trail(till: Till) -> None:
    await till.by_file()
    file = await till.made(await till.approved(3))
    first, again = await till.content(file), await till.content(file, till.scene.approver)
    assert first == again
    shown = await till.show(file)
    assert (shown.sha256, shown.content_bytes) == (sha256(first).hexdigest(), len(first))
    entries = await till.scene.rows("SELECT action, actor, after FROM audit_entry WHERE subject = $1", str(file))
    assert [each["action"] for each in entries] == ["bank-file.made", "bank-file.read", "bank-file.read"]
    assert sha256(first).hexdigest() in entries[0]["after"]
    assert entries[2]["actor"] == till.scene.approver.subject


async def test_nothing_of_whom_it_names_rests_in_the_clear(till: Till) -> None:
    await till.by_file()
    file = await till.made(await till.approved(2))
    account = list(csv.reader(StringIO((await till.content(file)).decode("utf-8-sig"))))[1][3]
    rests = str(
        await till.scene.rows("SELECT sealed FROM bank_file_part")
        + await till.scene.rows("SELECT after, before FROM audit_entry")
        + await till.scene.rows("SELECT * FROM bank_file")
    )
    assert account not in rests
    assert "金丝雀甄" not in rests


async def test_a_csv_file_has_titles_rows_and_totals(till: Till) -> None:
    await till.by_file(DEFAULT.model_copy(update={"encoding": "gb18030"}))
    run = await till.approved(3)
    file = await till.made(run)
    rows = list(csv.reader(StringIO((await till.content(file)).decode("gb18030"), newline="")))
    assert rows[0] == ["序号", "付款编号", "收款户名", "收款账号", "金额", "币种", "项目", "所属期"]
    assert [row[0] for row in rows[1:4]] == ["1", "2", "3"]
    assert {row[4] for row in rows[1:4]} == {"800.00"}
    assert rows[4] == ["合计", file.hex, "3", "2400.00", "CNY"]
    assert (await till.show(file)).file_name == f"{BANK}-2026-07-{file.hex}.csv"


async def test_a_workbook_goes_out_and_comes_back(till: Till) -> None:
    await till.by_file(DEFAULT.model_copy(update={"format": "xlsx"}))
    run = await till.approved(2)
    file = await till.made(run)
    body = await till.content(file)
    assert zipfile.is_zipfile(BytesIO(body))
    cells = bank_sheet_store.read_sheet(body)
    assert list(cells[-1][:5]) == ["合计", file.hex, "2", "1600.00", "CNY"]
    payments = await till.payday.payments(run)
    results = bank_sheet_store.write_sheet(answer(file, payments, ["成功", "成功"]), on=till.scene.today)
    assert (await till.take(file, results, as_workbook=True)).changed == {"settled": 2}


async def test_who_has_no_account_is_in_no_file(till: Till) -> None:
    await till.by_file()
    payees = [*await till.payday.people(1), PersonId(new_id())]
    await till.scene.hear_records(till.payday.identity(payees[1], account=None))
    await till.payday.map_accounts()
    run = await till.payday.previewed(payees)
    await till.payday.approve(run)
    file = await till.made(run)
    assert (await till.show(file)).payments == 1
    assert sorted(each.reason or "" for each in await till.payday.payments(run)) == ["", "no_account"]


async def test_a_file_in_which_nobody_could_be_paid_is_empty(till: Till) -> None:
    await till.by_file()
    run = await till.payday.previewed([new_id()])
    await till.payday.approve(run)
    file = await till.made(run)
    assert (await till.show(file)).state == "empty"
    assert [(each.state, each.reason) for each in await till.payday.payments(run)] == [("rejected", "no_account")]
    assert await till.state(run) == "paying"
    with pytest.raises(FileNotReady):
        await till.content(file)


async def test_a_bank_takes_so_many_payments_in_a_file(till: Till) -> None:
    await till.by_file()
    run = await till.approved(5)
    first = await till.order(run, payments_max=3)
    with pytest.raises(FileUnderWay):
        await till.order(run)
    await till.make()
    assert ((await till.show(first)).payments, await till.state(run)) == (3, "approved")
    second = await till.made(run)
    assert ((await till.show(second)).payments, await till.state(run)) == (2, "paying")
    with pytest.raises(NothingForAFile):
        await till.order(run)
    listed = await list_bank_files(till.scene.pool, till.scene.approver, run=run, after=None, limit=9)
    assert [each.file for each in listed] == [first, second]


async def test_a_payment_goes_by_one_channel_whatever_the_profile_says_later(till: Till) -> None:
    run = await till.approved(2)
    with pytest.raises(BankTakesEvents):
        await till.order(run)
    await till.by_file()
    await till.order(run)
    await till.make(per_batch=1)
    await till.by_file(DEFAULT.model_copy(update={"channel": "event"}), expected=1)
    await till.payday.instruct()
    assert await till.payday.orders() == []
    later = await till.approved(1, period="2026-08")
    await till.payday.instruct()
    assert [each.payment for each in await till.payday.orders()] == [
        each.payment for each in await till.payday.payments(later)
    ]


async def test_the_database_refuses_an_event_for_what_went_out_in_a_file(till: Till) -> None:
    await till.by_file()
    run = await till.approved(1)
    await till.made(run)
    (payment,) = await till.payday.payments(run)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="one channel"):
        async with transaction(till.scene.pool, till.scene.service) as tx:
            await tx.execute("INSERT INTO instruction (payment_id, seq, sealed) VALUES ($1, 1, '{}')", payment.payment)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="does not change"):
        async with transaction(till.scene.pool, till.scene.service) as tx:
            await tx.execute("UPDATE bank_file SET sha256 = sha256('x')")


async def test_nobody_is_asked_by_events_for_what_went_out_in_a_file(till: Till) -> None:
    await till.by_file()
    run = await till.approved(1)
    await till.made(run)
    assert await ask_silent_payments(till.scene.pool, till.scene.service, timedelta(0)) is False
    assert [each.state for each in await till.payday.payments(run)] == ["sent"]


async def test_results_are_weighed_as_the_banks_events_are(till: Till) -> None:
    await till.by_file()
    run = await till.approved(3)
    file = await till.made(run)
    payments = await till.payday.payments(run)
    taken = await till.take(file, as_csv(answer(file, payments, ["成功", "失败", "退汇"])))
    assert (taken.rows, taken.changed, taken.odd) == (3, {"settled": 1, "rejected": 1, "returned": 1}, 0)
    now = await till.payday.payments(run)
    assert [(each.state, each.reason) for each in now] == [
        ("settled", None),
        ("rejected", "name_mismatch"),
        ("returned", "name_mismatch"),
    ]
    assert await till.payday.books() == {
        "budget": -3 * AMOUNT_FEN,
        "paid": AMOUNT_FEN,
        "payable": AMOUNT_FEN,
        "returned": AMOUNT_FEN,
    }
    shown = await till.show(file)
    assert [(each.state, each.payments) for each in shown.standing] == [
        ("rejected", 1),
        ("returned", 1),
        ("settled", 1),
    ]
    assert [(each.rows, each.changed, each.odd) for each in shown.results] == [(3, 3, 0)]


async def test_what_comes_twice_late_of_nobody_or_of_another_amount_is_odd(till: Till) -> None:
    await till.by_file()
    run = await till.approved(4)
    file = await till.made(run)
    one, two, three, four = await till.payday.payments(run)
    await till.take(file, as_csv(answer(file, [one], ["成功"])))
    stranger = two.model_copy(update={"payment": new_id()})
    dear, cheap = (each.model_copy(update={"amount_fen": 1}) for each in (three, four))
    again = await till.take(file, as_csv(answer(file, [one, stranger, dear, cheap], ["成功", "成功", "成功", "失败"])))
    assert (again.changed, again.odd) == ({}, 4)
    assert sorted(await till.payday.oddities()) == ["repeated", "unknown_payment", "wrong_amount", "wrong_amount"]
    assert [each.state for each in await till.payday.payments(run)] == ["settled", "sent", "sent", "sent"]


async def test_what_cannot_be_true_changes_nothing(till: Till) -> None:
    await till.by_file()
    run, other = await till.approved(2), await till.approved(1, period="2026-08")
    file, others = await till.made(run), await till.made(other)
    payments, (foreign,) = await till.payday.payments(run), await till.payday.payments(other)
    whole = answer(file, payments, ["成功", "成功"])
    for body, refusal in (
        (as_csv(whole[:-1]), FileTruncated),
        (as_csv(answer(others, payments, ["成功", "成功"])), OtherFile),
        (as_csv(answer(file, [payments[0], foreign], ["成功", "成功"])), OtherFile),
    ):
        with pytest.raises(refusal):
            await till.take(file, body)
    assert {each.state for each in await till.payday.payments()} == {"sent"}
    assert await till.payday.oddities() == []
    assert (await till.show(file)).results == []


async def test_what_was_not_paid_goes_out_again_in_another_file(till: Till) -> None:
    await till.by_file()
    run = await till.approved(2)
    file = await till.made(run)
    payments = await till.payday.payments(run)
    await till.take(file, as_csv(answer(file, payments, ["成功", "失败"])))
    scene = till.scene
    await pay_again(scene.pool, scene.approver, run, expected=await till.payday.version(run))
    assert await till.payday.instruct() == 0
    second = await till.made(run)
    (again,) = [each for each in await till.payday.payments(run) if each.attempt == 2]
    assert again.payment.hex.encode() in await till.content(second)
    with pytest.raises(OtherFile):
        await till.take(file, as_csv(answer(file, [again], ["成功"])))
    assert (await till.take(second, as_csv(answer(second, [again], ["成功"])))).changed == {"settled": 1}


async def test_an_event_of_the_bank_counts_as_well_as_a_row(till: Till) -> None:
    """Some banks take files and answer by events."""
    await till.by_file()
    run = await till.approved(1)
    file = await till.made(run)
    (payment,) = await till.payday.payments(run)
    await till.payday.says(settled(payment))
    taken = await till.take(file, as_csv(answer(file, [payment], ["成功"])))
    assert (taken.changed, await till.payday.oddities()) == ({}, ["settled_twice"])  # under another reference


@pytest.mark.parametrize(
    "actor",
    [
        person(Role.VILLAGE_CADRE, COUNTY),
        person(Role.AUDITOR, COUNTY),
        person(Role.OPERATOR, COUNTY),
        person(Role.DEPARTMENT_STAFF, COUNTY, department="MZJ"),
        person(Role.FINANCE_PREPARER, COUNTY, department="MZJ"),
        person(Role.FINANCE_PREPARER, OTHER_COUNTY),
    ],
    ids=lambda actor: f"{next(iter(actor.roles))}-{actor.division}-{actor.department}",
)
async def test_nobody_else_reads_a_file_or_takes_results(till: Till, actor: Actor) -> None:
    await till.by_file()
    run = await till.approved(1)
    file = await till.made(run)
    version = Version((await till.show(file)).version)
    pool = till.scene.pool
    for refused in (
        till.content(file, actor),
        take_bank_results(pool, actor, file, b"x", as_workbook=False, expected=version),
        order_bank_file(pool, actor, run, BANK, payments_max=None, expected=await till.payday.version(run)),
    ):
        with pytest.raises((Forbidden, NotFound)):
            await refused
    async with transaction(pool, actor) as tx:
        seen = await tx.fetchval("SELECT count(*) FROM bank_file_part")
    assert seen == (2 + 1 if actor.kind in ("operator", "auditor") else 0)  # they see it sealed


async def test_finance_prepares_an_approver_looks_an_operator_sets_up(till: Till) -> None:
    await till.by_file()
    run, scene = await till.approved(1), till.scene
    with pytest.raises(Forbidden):
        await order_bank_file(
            scene.pool, scene.approver, run, BANK, payments_max=None, expected=await till.payday.version(run)
        )
    with pytest.raises(Forbidden):
        await set_bank_profile(scene.pool, scene.preparer, COUNTY, BANK, DEFAULT, expected=Version(1))
    with pytest.raises(StaleVersion):
        await till.by_file()
    auditor = person(Role.AUDITOR, COUNTY)
    file = await till.made(run)
    assert (await show_bank_file(scene.pool, auditor, file)).payments == 1
    assert await list_bank_files(scene.pool, scene.other_preparer, run=None, after=None, limit=9) == []
    assert business_date((await till.show(file)).ordered_at) == scene.today
