"""A payday: runs with made-up entitlements, people with sealed identities, a bank that says what we like."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

from qingdan.bank_events import (
    AccountChecked,
    AccountCheckRequested,
    AccountToCheck,
    BatchDeclared,
    PaymentInstructed,
    PaymentOrder,
    PaymentRejected,
    PaymentReturned,
    PaymentReversed,
    PaymentSettled,
    PaymentStatusAnswered,
)
from qingdan.envelope import Envelope, EventBody, party_source
from qingdan.identity import BankAccount, PersonName, ResidentId, check_character
from qingdan.ids import AccountCheckId, BatchId, PaymentId, PersonId, RunId
from qingdan.money import FEN_MAX, Fen
from qingdan.records_events import Identity, IdentityRecorded
from runtime import sealing
from runtime.clock import utcnow
from runtime.db import Version, transaction
from runtime.ids import new_id
from runtime.runs import cut_into_runs
from runtime.sealing import PrivateKeys
from subsidy.approve_run import approve_run
from subsidy.check_accounts import Enquiry, check_accounts
from subsidy.consumers import on_bank
from subsidy.freeze_run import FrozenRun, freeze_run
from subsidy.instruct_payments import Desk, instruct_payments
from subsidy.list_payments import PaymentView
from subsidy.map_accounts import Mapping, map_accounts
from subsidy.oblige_run import oblige_run
from subsidy.settle_accounts import settle_accounts
from subsidy.show_statistics import Statistics, show_statistics
from subsidy.statement_rules import StatementLine
from tests.integration.subsidy.conftest import COUNTY, PERIOD, VILLAGE, Scene, programme

AMOUNT_FEN: Final = 80_000
BANK: Final = "ABC"
AT: Final = datetime(2026, 7, 20, 4, tzinfo=UTC)

_ENTITLE = """
INSERT INTO entitlement (run_id, programme, beneficiary, occurrence, kind, payee, division_id, department, amount_fen,
                         status)
SELECT $1, $2, e.payee, $3, 'person', e.payee, d.id, 'MZJ', $4, 'entitled'
FROM unnest($5::uuid[]) AS e(payee), division d WHERE d.code = $6
"""


class Entered(NamedTuple):
    """What a run came to once approved."""

    obligations: int
    total_fen: int
    already: int


@dataclass(slots=True)
class Payday:
    """The county's finance and its bank; `directory` holds the keys."""

    scene: Scene
    directory: Path
    per_batch: int = 500
    per_turn: int = 1
    _serials: int = field(default=0)

    @property
    def desk(self) -> Desk:
        """How the service pays."""
        return Desk(BANK, self.directory / "service.json", self.directory / "banks.json", self.per_batch, self.per_turn)

    async def open(self) -> None:
        """Keys for the service and the bank, and a programme in force."""
        here = self.directory
        sealing.write_key_pair(here / "service.json", here / "service-public.json", "service:subsidy")
        sealing.write_key_pair(here / "bank.json", here / "banks.json", f"bank:{BANK}")
        sealing.write_hash_key(here / "account.json")
        await self.scene.publish(programme("B01", excludes=[]))

    # -- people ------------------------------------------------------------------------------------------------------

    async def people(self, many: int) -> list[PersonId]:
        """So many people who have an account."""
        payees = [PersonId(new_id()) for _ in range(many)]
        await self.scene.hear_records(*(self.identity(payee) for payee in payees))
        await put_in_force(self.scene, payees)
        return payees

    async def map_accounts(self, cooling: timedelta = timedelta(0)) -> None:
        """The service reads every identity that came in."""
        here = self.directory
        mapping = Mapping(here / "service.json", here / "account.json", cooling)
        while await map_accounts(self.scene.pool, self.scene.service, mapping):
            pass

    async def check_accounts(self, silent: timedelta = timedelta(hours=1), *, can_check: bool = True) -> None:
        """The service asks the bank about everything that is proposed, or that it was silent about for so long."""
        here = self.directory
        enquiry = Enquiry(BANK, can_check, here / "service.json", here / "banks.json", silent)
        while await check_accounts(self.scene.pool, self.scene.service, enquiry):
            pass

    async def settle_accounts(self, expires: timedelta = timedelta(days=90)) -> None:
        """The service puts in force what nothing stands against."""
        while await settle_accounts(self.scene.pool, self.scene.service, expires):
            pass

    async def checks(self) -> list[AccountToCheck]:
        """What the bank was asked, as it reads it, in the order in which it was asked."""
        mine = PrivateKeys.read(self.directory / "bank.json")
        asked = [
            AccountCheckRequested.model_validate(body)
            for body in await self.scene.told(AccountCheckRequested.event_type())
        ]
        return [
            sealing.unseal(
                sealing.unwrap(each.key, mine, "A256GCM"),
                each.sealed,
                AccountToCheck,
                event_type=AccountCheckRequested.event_type(),
                event_key=str(each.check),
            )
            for each in asked
        ]

    async def verify_accounts(self) -> None:
        """Identities that came in are read, the bank says yes to all that it is asked, and what can be is in force."""
        await self.map_accounts()
        before = len(await self.checks())
        await self.check_accounts()
        await self.says(*(checked(each.check) for each in (await self.checks())[before:]))
        await self.settle_accounts()

    def identity(
        self, payee: PersonId, *, account: str | None = "", of: PersonId | None = None, born: str = "19800101"
    ) -> IdentityRecorded:
        """A person's sealed identity; `of`: it says inside that it is another's; `born`: then they are one."""
        self._serials += 1
        first = f"330523{born}{self._serials % 1000 if born == '19800101' else 0:03d}"
        number = f"62{self._serials:014d}" if account == "" else account
        clear = Identity(
            person=of or payee,
            name=PersonName("金丝雀甄"),
            resident_id=ResidentId(first + check_character(first)),
            account=BankAccount(number) if number else None,
            phone=None,
        )
        receiver = sealing.read_public_keys(self.directory / "service-public.json")["service:subsidy"]
        key = sealing.new_content_key()
        sealed = sealing.seal(key, clear, event_type=IdentityRecorded.event_type(), event_key=str(payee))
        return IdentityRecorded(person=payee, keys=(sealing.wrap(key, receiver),), sealed=sealed)

    # -- runs --------------------------------------------------------------------------------------------------------

    async def previewed(
        self, payees: Sequence[UUID], *, period: str = PERIOD, occurrence: str = "", prepared_by: str = "preparer"
    ) -> RunId:
        """A run that entitles each of them to the same amount."""
        run = RunId(new_id())
        async with transaction(self.scene.pool, self.scene.service) as tx:
            await tx.execute(
                "INSERT INTO run (id, division_id, period, state, programme_version, reference_on, prepared_by,"
                " previewed_on) SELECT $1, id, $2, 'previewed', 1, '2026-07-01', $3, '2026-07-02'"
                " FROM division WHERE code = $4",
                *(run, period, prepared_by, str(COUNTY)),
            )
            await tx.execute(_ENTITLE, run, "B01", occurrence or period, AMOUNT_FEN, payees, str(VILLAGE))
        return run

    async def freeze(self, run: RunId) -> FrozenRun:
        scene = self.scene
        return await freeze_run(
            scene.pool,
            scene.preparer,
            run,
            scene.today,
            third_person_from_fen=FEN_MAX,
            expected=await self.version(run),
        )

    async def approve(self, run: RunId) -> Entered:
        """Frozen, approved, and owed."""
        frozen = bytes.fromhex((await self.freeze(run)).frozen_hash)
        scene = self.scene
        await approve_run(scene.pool, scene.approver, run, frozen, expected=await self.version(run))
        return await self.oblige(run)

    async def oblige(self, run: RunId, per_turn: int = 1_000) -> Entered:
        """Everything that was approved becomes owed; what this run came to."""
        while await oblige_run(self.scene.pool, self.scene.service, per_turn):
            pass
        [row] = await self.scene.rows(
            "SELECT done - already AS obligations, obliged_fen, already FROM run_obliging WHERE run_id = $1", run
        )
        return Entered(*row.values())

    async def instruct(self) -> int:
        """Identities that came in are read, and everything that can goes out; in how many turns."""
        await self.map_accounts()
        turns = 0
        while await instruct_payments(self.scene.pool, self.scene.service, self.desk):
            turns += 1
        return turns

    async def sent(self, many: int = 1, *, period: str = PERIOD) -> list[PaymentView]:
        """The payments of a run with so many people, on their way to the bank, by id."""
        run = await self.previewed(await self.people(many), period=period)
        await self.approve(run)
        await self.instruct()
        return await self.payments(run)

    async def version(self, run: RunId) -> Version:
        """The run's version just now."""
        return Version((await self.scene.rows("SELECT version FROM run WHERE id = $1", run))[0]["version"])

    async def payments(self, run: RunId | None = None) -> list[PaymentView]:
        """All of them, of the run if one is named."""
        rows = await self.scene.rows(
            "SELECT p.id AS payment, p.run_id AS run, p.programme, o.beneficiary, o.occurrence, d.code AS division,"
            " p.department, p.amount_fen, p.attempt, p.state, p.reason, p.bank, p.batch_id AS batch, p.bank_reference,"
            " p.disputed, p.was_unknown, p.sent_at, p.ended_on, p.version FROM payment p"
            " JOIN obligation o ON o.id = p.obligation_id JOIN division d ON d.id = p.division_id"
            " WHERE $1::uuid IS NULL OR p.run_id = $1 ORDER BY p.id",
            run,
        )
        return [PaymentView(**row) for row in rows]

    # -- the bank ----------------------------------------------------------------------------------------------------

    async def orders(self) -> list[PaymentOrder]:
        """What the bank reads in the outbox, with its own key, in the order in which it was written."""
        told = await self.scene.told(BatchDeclared.event_type(), PaymentInstructed.event_type())
        keys, mine = {}, PrivateKeys.read(self.directory / "bank.json")
        for body in told:
            if body["type"] == BatchDeclared.event_type():
                batch = BatchDeclared.model_validate(body)
                keys[batch.batch] = sealing.unwrap(batch.key, mine, "A256GCM")
        instructed = [PaymentInstructed.model_validate(body) for body in told if "seq" in body]
        return [
            sealing.unseal(
                keys[each.batch],
                each.sealed,
                PaymentOrder,
                event_type=PaymentInstructed.event_type(),
                event_key=str(each.payment),
            )
            for each in instructed
        ]

    async def says(self, *messages: EventBody) -> None:
        """The bank says all of it at once; our consumer hears it in one transaction."""
        heard = [
            Envelope.of(each, id=str(new_id()), source=party_source(f"bank:{BANK.lower()}"), time=utcnow())
            for each in messages
        ]
        async with transaction(self.scene.pool, self.scene.service) as tx:
            for run in cut_into_runs(heard):
                await on_bank.handler(tx, run)

    async def books(self) -> dict[str, int]:
        """What lies on which account, in fen; those with nothing left out."""
        rows = await self.scene.rows("SELECT account, sum(amount_fen)::bigint AS fen FROM ledger_line GROUP BY account")
        return {row["account"]: row["fen"] for row in rows if row["fen"]}

    async def oddities(self) -> list[str]:
        """The kinds of what was odd, in the order in which it was first heard."""
        return [row["kind"] for row in await self.scene.rows("SELECT kind FROM bank_oddity ORDER BY id")]

    async def statistics(self) -> Statistics:
        """As finance sees them."""
        return await show_statistics(self.scene.pool, self.scene.preparer)

    async def outbox_text(self) -> str:
        """Everything that leaves, as text."""
        return json.dumps(await self.scene.told(), ensure_ascii=False)


async def put_in_force(scene: Scene, people: Sequence[UUID]) -> None:
    """These people's accounts are in force, as they are of those whom an older version paid."""
    await scene.rows(
        "WITH in_force AS (INSERT INTO account (person_id, number, is_change, state)"
        " SELECT unnest($1::uuid[]), 1, false, 'proposed' RETURNING id, person_id)"
        " INSERT INTO account_identity (account_id, keys, sealed) SELECT f.id, i.keys, i.sealed"
        " FROM in_force f JOIN identity i USING (person_id) RETURNING account_id",
        people,
    )
    for state in ("asked", "in_force"):
        await scene.rows(
            "UPDATE account SET state = $2, bank = $3, asked_at = clock_timestamp(),"
            " quiet_since = CASE $2 WHEN 'asked' THEN clock_timestamp() END,"
            " in_force_from = CASE $2 WHEN 'in_force' THEN clock_timestamp() END"
            " WHERE person_id = ANY($1::uuid[]) RETURNING id",
            *(people, state, BANK),
        )


def checked(check: AccountCheckId, matches: bool | None = True, reason: str | None = None) -> AccountChecked:
    """The bank says whose the account is."""
    why = reason or {True: None, False: "owner_differs", None: "not_supported"}[matches]
    return AccountChecked(bank=BANK, check=check, owner_matches=matches, reason=why, checked_on=AT.date())


def settled(payment: PaymentView, **changed: Any) -> PaymentSettled:
    """The bank paid it."""
    said = {"bank": payment.bank, "payment": payment.payment, "batch": payment.batch, "amount_fen": payment.amount_fen}
    reference = f"R-{payment.payment.hex[-12:]}"
    return PaymentSettled.model_validate({**said, "settled_on": AT.date(), "bank_reference": reference, **changed})


def rejected(payment: PaymentView, **changed: Any) -> PaymentRejected:
    """The bank did not pay it."""
    said = {"bank": payment.bank, "payment": payment.payment, "batch": payment.batch, "reason": "account_closed"}
    return PaymentRejected.model_validate({**said, "rejected_on": AT.date(), **changed})


def returned(payment: PaymentView, **changed: Any) -> PaymentReturned:
    """The bank had paid it, and the money came back."""
    said = {"bank": payment.bank, "payment": payment.payment, "batch": payment.batch, "amount_fen": payment.amount_fen}
    how = {"reason": "account_closed", "returned_on": AT.date(), "bank_reference": "BACK"}
    return PaymentReturned.model_validate({**said, **how, **changed})


def reversed_(payment: PaymentView, **changed: Any) -> PaymentReversed:
    """The bank took it back of its own doing."""
    said = {"bank": payment.bank, "payment": payment.payment, "batch": payment.batch, "amount_fen": payment.amount_fen}
    how = {"reason": "booked_twice", "reversed_on": AT.date(), "bank_reference": "TAKEN-BACK"}
    return PaymentReversed.model_validate({**said, **how, **changed})


def answered(payment: PaymentView, status: str) -> PaymentStatusAnswered:
    """The bank answers what it knows."""
    said = {"bank": payment.bank, "payment": payment.payment, "batch": payment.batch, "answered_at": AT}
    return PaymentStatusAnswered.model_validate({**said, "status": status})


def line(payment: PaymentView, status: str = "settled", **changed: Any) -> StatementLine:
    """What the bank's statement says of it."""
    said = {"payment": payment.payment, "status": status, "amount_fen": payment.amount_fen}
    return StatementLine.model_validate({**said, **changed})


def stranger() -> PaymentSettled:
    """A payment that nobody here knows."""
    return PaymentSettled(
        bank=BANK,
        payment=PaymentId(new_id()),
        batch=BatchId(new_id()),
        amount_fen=Fen(AMOUNT_FEN),
        settled_on=AT.date(),
        bank_reference="R-0",
    )
