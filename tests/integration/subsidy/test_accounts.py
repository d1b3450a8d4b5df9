"""Whom an account is paid by: verified before the first payment; a change cools off and is seen by two."""

import asyncio
import json
import random
from datetime import timedelta
from pathlib import Path

import pytest

from devkit.browser import Client
from devkit.issuer import Issuer
from qingdan.event import Tombstone
from qingdan.ids import AccountCheckId, PersonId
from runtime.actor import Role
from runtime.db import Version
from runtime.problems import Forbidden, NotFound, StaleVersion
from subsidy.account_rules import NotWaitingForEyes, SamePersonTwice
from subsidy.confirm_account import confirm_account
from subsidy.list_accounts import AccountView, Waiting, list_accounts
from subsidy.refuse_account import refuse_account
from subsidy.show_accounts import show_accounts
from subsidy.trust_register import trust_register
from tests.integration.service_scene import person
from tests.integration.subsidy.browser import application_of_subsidy
from tests.integration.subsidy.conftest import COUNTY, Scene
from tests.integration.subsidy.frozen_run import Payday, checked, rejected

OLD, NEW, OTHER = "6222000011112222", "6222000033334444", "6222000055556666"
THIRD = person(Role.FINANCE_PREPARER, COUNTY, name="third")
DAY = timedelta(days=1)


@pytest.fixture
async def payday(bare: Scene, tmp_path: Path) -> Payday:
    day = Payday(bare, tmp_path)
    await day.open()
    return day


async def resident(payday: Payday, account: str | None = OLD) -> PersonId:
    """Somebody who lives in the county, and whose identity came in."""
    (who,) = (await payday.scene.family({})).people
    await payday.scene.hear_records(payday.identity(PersonId(who), account=account))
    return PersonId(who)


async def names(payday: Payday, who: PersonId, account: str | None) -> None:
    await payday.scene.hear_records(payday.identity(who, account=account))


async def states(payday: Payday, who: PersonId) -> list[str]:
    rows = await payday.scene.rows("SELECT state FROM account WHERE person_id = $1 ORDER BY number", who)
    return [row["state"] for row in rows]


async def change_of(payday: Payday, who: PersonId, *, cooling: timedelta = timedelta(0)) -> AccountView:
    """An account in force, and another that the bank has said yes to."""
    await payday.verify_accounts()
    await names(payday, who, NEW)
    await payday.map_accounts(cooling)
    before = len(await payday.checks())
    await payday.check_accounts()
    await payday.says(*(checked(each.check) for each in (await payday.checks())[before:]))
    await payday.settle_accounts()
    (waiting,) = await waits(payday)
    return waiting


async def waits(payday: Payday, waiting: Waiting = "eyes") -> list[AccountView]:
    return await list_accounts(payday.scene.pool, payday.scene.preparer, waiting=waiting, after=None, limit=200)


async def confirm_twice(payday: Payday, change: AccountCheckId) -> None:
    scene = payday.scene
    for actor in (scene.preparer, scene.approver):
        version = (await scene.rows("SELECT version FROM account WHERE id = $1", change))[0]["version"]
        await confirm_account(scene.pool, actor, change, expected=version)


async def paid_to(payday: Payday, who: PersonId, period: str) -> str | None:
    """Which account an approved run's payment goes to; None: it is not sent."""
    before = len(await payday.orders())
    await payday.approve(await payday.previewed([who], period=period))
    await payday.instruct()
    sent = (await payday.orders())[before:]
    return sent[0].account.reveal() if sent else None


# -- the first account ------------------------------------------------------------------------------------------------


async def test_nobody_is_paid_before_the_bank_has_said_whose_the_account_is(payday: Payday) -> None:
    who = await resident(payday)
    assert await paid_to(payday, who, "2026-07") is None
    (payment,) = await payday.payments()
    (waiting,) = await payday.scene.rows("SELECT waits_for, state FROM payment")
    assert (payment.state, waiting["waits_for"]) == ("prepared", "account_not_verified")
    assert (await payday.statistics()).payments_waiting == 1
    assert await payday.instruct() == 0  # nothing spins while it waits
    await payday.check_accounts()
    (asked,) = await payday.checks()
    assert (asked.account.reveal(), asked.owner.reveal()) == (OLD, "金丝雀甄")
    await payday.says(checked(asked.check))
    await payday.instruct()
    assert [order.account.reveal() for order in await payday.orders()] == [OLD]
    assert (await payday.scene.told("run.paying.v1"))[-1]["instructed"]["payments"] == 1


async def test_an_account_that_is_not_theirs_is_given_up_and_paid_once_it_is_corrected(payday: Payday) -> None:
    who = await resident(payday)
    await payday.map_accounts()
    await payday.check_accounts()
    (asked,) = await payday.checks()
    await payday.says(checked(asked.check, matches=False, reason="account_closed"))
    assert await paid_to(payday, who, "2026-07") is None
    assert [(each.state, each.reason) for each in await payday.payments()] == [("rejected", "account_mismatched")]
    (owed,) = await waits(payday, "mismatched")
    assert (owed.person, owed.reason, owed.owed_by, owed.account) == (who, "account_closed", "RSJ", "****2222")
    await names(payday, who, NEW)
    await payday.verify_accounts()
    assert await paid_to(payday, who, "2026-08") == NEW


async def test_a_silent_bank_is_asked_again_under_the_same_id(payday: Payday) -> None:
    await resident(payday)
    await payday.map_accounts()
    await payday.check_accounts()
    await payday.check_accounts()
    assert len(await payday.checks()) == 1
    await payday.check_accounts(silent=timedelta(0))
    first, second = await payday.checks()
    assert first == second


async def test_a_bank_that_cannot_check_leaves_it_to_two_people(payday: Payday) -> None:
    who = await resident(payday)
    await payday.map_accounts()
    await payday.check_accounts(can_check=False)
    assert await payday.checks() == []
    assert await paid_to(payday, who, "2026-07") is None
    (waiting,) = await waits(payday)
    assert (waiting.state, waiting.reason, waiting.is_change) == ("unverifiable", "bank_cannot_check", False)
    await confirm_twice(payday, waiting.change)
    await payday.settle_accounts()
    await payday.instruct()
    assert [order.account.reveal() for order in await payday.orders()] == [OLD]


async def test_answers_that_do_not_fit_are_odd_and_move_nothing(payday: Payday) -> None:
    who = await resident(payday)
    await payday.map_accounts()
    await payday.check_accounts()
    (asked,) = await payday.checks()
    stranger = AccountCheckId(PersonId(who))
    foreign = checked(asked.check).model_copy(update={"bank": "XYZ"})
    await payday.says(checked(stranger), checked(stranger), foreign)
    assert await states(payday, who) == ["asked"]
    rows = await payday.scene.rows("SELECT kind, times FROM account_oddity ORDER BY id")
    assert sorted((row["kind"], row["times"]) for row in rows) == [("foreign_bank", 1), ("unknown_check", 2)]


# -- a change ---------------------------------------------------------------------------------------------------------


async def test_a_change_is_paid_to_only_after_two_people_and_the_old_one_until_then(payday: Payday) -> None:
    who = await resident(payday)
    waiting = await change_of(payday, who)
    assert (waiting.is_change, waiting.state) == (True, "verified")
    assert await paid_to(payday, who, "2026-07") == OLD
    await confirm_twice(payday, waiting.change)
    await payday.settle_accounts()
    assert await states(payday, who) == ["replaced", "in_force"]
    assert await paid_to(payday, who, "2026-08") == NEW


async def test_a_change_cools_off_whoever_has_seen_it(payday: Payday) -> None:
    who = await resident(payday)
    waiting = await change_of(payday, who, cooling=3 * DAY)
    await confirm_twice(payday, waiting.change)
    await payday.settle_accounts()
    assert await states(payday, who) == ["in_force", "verified"]
    await payday.scene.rows(
        "UPDATE account SET cooled_at = cooled_at - interval '3 days' WHERE id = $1 RETURNING id", waiting.change
    )
    await payday.settle_accounts()
    assert await states(payday, who) == ["replaced", "in_force"]


async def test_two_people_are_two_and_finance_and_of_this_county(payday: Payday) -> None:
    scene = payday.scene
    waiting = await change_of(payday, await resident(payday))
    change, seen = waiting.change, Version(waiting.version)
    with pytest.raises(Forbidden):
        await confirm_account(scene.pool, scene.operator, change, expected=seen)
    with pytest.raises(NotFound):
        await confirm_account(scene.pool, scene.other_preparer, change, expected=seen)
    await confirm_account(scene.pool, scene.preparer, change, expected=seen)
    with pytest.raises(StaleVersion):
        await confirm_account(scene.pool, scene.approver, change, expected=seen)
    with pytest.raises(SamePersonTwice):
        await confirm_account(scene.pool, scene.preparer, change, expected=Version(seen + 1))
    await payday.settle_accounts()
    assert (await waits(payday))[0].confirmed_by == scene.preparer.subject


async def test_two_confirmations_at_once_are_one_and_the_other_is_told(payday: Payday) -> None:
    scene = payday.scene
    waiting = await change_of(payday, await resident(payday))
    both = await asyncio.gather(
        *(
            confirm_account(scene.pool, actor, waiting.change, expected=Version(waiting.version))
            for actor in (scene.preparer, THIRD)
        ),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in both) == ["AccountView", "StaleVersion"]


async def test_a_change_that_is_refused_stays_so_and_the_old_one_is_paid(payday: Payday) -> None:
    scene, who = payday.scene, await resident(payday)
    waiting = await change_of(payday, who)
    refused = await refuse_account(
        scene.pool, scene.approver, waiting.change, "not_confirmed_by_phone", expected=Version(waiting.version)
    )
    assert (refused.state, refused.reason) == ("refused", "not_confirmed_by_phone")
    with pytest.raises(NotWaitingForEyes):
        await confirm_account(scene.pool, scene.preparer, waiting.change, expected=Version(refused.version))
    await names(payday, who, NEW)  # the register sends the same once more
    await payday.verify_accounts()
    assert await states(payday, who) == ["in_force", "refused"]
    assert await paid_to(payday, who, "2026-07") == OLD


async def test_a_newer_identity_withdraws_a_change_and_time_ends_one(payday: Payday) -> None:
    who = await resident(payday)
    await change_of(payday, who)
    await names(payday, who, OTHER)
    await payday.verify_accounts()
    assert await states(payday, who) == ["in_force", "withdrawn", "verified"]
    await payday.settle_accounts(expires=timedelta(0))
    assert await states(payday, who) == ["in_force", "withdrawn", "expired"]


async def test_nobody_needs_to_look_when_the_bank_has_closed_the_old_one(payday: Payday) -> None:
    who = await resident(payday)
    await payday.verify_accounts()
    await paid_to(payday, who, "2026-07")
    await payday.says(rejected((await payday.payments())[0]))
    await names(payday, who, NEW)
    assert await paid_to(payday, who, "2026-08") is None  # not to one that is known to be closed
    await payday.verify_accounts()
    await payday.instruct()
    assert (await payday.orders())[-1].account.reveal() == NEW


async def test_a_county_may_take_the_register_s_word_for_a_renamed_owner(payday: Payday) -> None:
    scene, who = payday.scene, await resident(payday)
    await payday.verify_accounts()
    await scene.rows("UPDATE account SET owner_hash = sha256('another name') WHERE person_id = $1 RETURNING id", who)
    await names(payday, who, OLD)  # to us the same account now has another name
    await payday.verify_accounts()
    assert await states(payday, who) == ["in_force", "verified"]
    with pytest.raises(Forbidden):
        await trust_register(scene.pool, scene.preparer, COUNTY, ["renamed"])
    await trust_register(scene.pool, scene.approver, COUNTY, ["renamed"])
    await payday.settle_accounts()
    assert await states(payday, who) == ["replaced", "in_force"]


async def test_who_names_no_account_any_more_is_paid_to_none_and_the_next_is_a_change(payday: Payday) -> None:
    who = await resident(payday)
    await payday.verify_accounts()
    await names(payday, who, None)
    assert await paid_to(payday, who, "2026-07") is None
    assert [each.reason for each in await payday.payments()] == ["no_account"]
    await names(payday, who, NEW)
    await payday.verify_accounts()
    assert await states(payday, who) == ["withdrawn", "verified"]


# -- what is kept and shown -------------------------------------------------------------------------------------------


async def test_who_is_forgotten_leaves_nothing_that_identifies(payday: Payday) -> None:
    who = await resident(payday)
    await change_of(payday, who)
    await payday.scene.hear_records(Tombstone(key=str(who)))
    rows = await payday.scene.rows("SELECT account_hash, owner_hash, last_four, state FROM account")
    assert {tuple(row.values()) for row in rows} == {(None, None, None, "withdrawn")}
    for table in ("account_identity", "person_mark"):
        assert await payday.scene.rows(f"SELECT 1 FROM {table}") == []


async def test_no_account_and_no_name_rests_or_leaves_in_the_clear(payday: Payday) -> None:
    await change_of(payday, await resident(payday))
    everything = await payday.outbox_text()
    for table in ("account", "account_identity", "identity", "person_mark", "audit_entry", "account_oddity"):
        rows = await payday.scene.rows(f"SELECT t::text FROM {table} t")
        assert rows or table == "account_oddity"
        everything += str(rows)
    assert not [text for text in (OLD, NEW, "金丝雀甄") if text in everything]


async def test_who_was_read_together_is_opened_with_one_key_agreement(payday: Payday) -> None:
    """Each identity came under an ephemeral key of its own; what is kept for paydays has one, and our key alone."""
    people = [await resident(payday) for _ in range(3)]
    await payday.verify_accounts()
    came = [json.loads(row["keys"]) for row in await payday.scene.rows("SELECT keys::text FROM identity")]
    kept = [json.loads(row["keys"]) for row in await payday.scene.rows("SELECT keys::text FROM account_identity")]
    assert len({keys[0]["wrapped"][:86] for keys in came}) == len(people)
    assert len({keys[0]["wrapped"][:86] for keys in kept}) == 1
    assert [len(keys) for keys in kept] == [1] * len(people)
    await payday.approve(await payday.previewed(people, period="2026-07"))
    await payday.instruct()
    assert [order.account.reveal() for order in await payday.orders()] == [OLD] * len(people)


async def test_an_account_of_an_older_version_is_known_again(payday: Payday) -> None:
    """It is in force without ever having been read: the same account later is no change."""
    (who,) = await payday.people(1)
    await payday.map_accounts()
    assert await states(payday, who) == ["in_force"]
    assert (await payday.scene.rows("SELECT owner_hash FROM account"))[0]["owner_hash"] is not None


async def test_accounts_over_http(payday: Payday, issuer: Issuer) -> None:
    scene = payday.scene
    people = [await resident(payday) for _ in range(3)]
    await payday.verify_accounts()
    await names(payday, people[0], NEW)
    await payday.verify_accounts()
    async with application_of_subsidy(scene.pool, issuer) as http:
        preparer, approver = Client(http, issuer, scene.preparer), Client(http, issuer, scene.approver)
        (waiting,) = (await preparer.get("/accounts")).json()["items"]
        path = f"/accounts/{waiting['change']}"
        assert (await preparer.post(f"{path}/confirm")).status_code == 428
        first = await preparer.post(f"{path}/confirm", version=waiting["version"])
        assert (first.status_code, first.headers["ETag"]) == (200, f'"{waiting["version"] + 1}"')
        assert (await preparer.post(f"{path}/confirm", version=waiting["version"] + 1)).status_code == 403
        second = await approver.post(f"{path}/confirm", version=waiting["version"] + 1)
        assert (second.status_code, second.json()["second_by"]) == (200, scene.approver.subject)
        (shared,) = (await preparer.get("/accounts/shared")).json()["items"]
        assert shared["people"] == 3
        assert (await preparer.get("/accounts/shared", people_min=4)).json()["items"] == []
        shown = (await preparer.get(f"/persons/{people[0]}/accounts")).json()
        assert (shown["in_force"]["account"], shown["others"][0]["account"]) == ("****2222", "****4444")
        other = Client(http, issuer, scene.other_preparer)
        assert (await other.get("/accounts")).json()["items"] == []
        assert (await other.get(f"/persons/{people[0]}/accounts")).json()["in_force"] is None
        assert (await preparer.get("/accounts/oddities")).json()["items"] == []
        body = {"division": str(COUNTY), "changes": ["renamed"]}
        assert (await approver.post("/accounts/trust", body)).json()["changes"] == ["renamed"]
        assert (await approver.get("/statistics")).json()["accounts_by_state"]["in_force"] == 3


async def test_a_person_s_view_says_since_when(payday: Payday) -> None:
    who = await resident(payday)
    await payday.verify_accounts()
    shown = await show_accounts(payday.scene.pool, payday.scene.preparer, who)
    assert shown.in_force is not None
    assert shown.in_force.in_force_from is not None
    assert shown.others == []


# -- together ---------------------------------------------------------------------------------------------------------


async def test_a_change_that_comes_while_payments_go_out_never_takes_one_halfway(payday: Payday) -> None:
    """Whoever is being paid at that moment is paid to the account that is in force until that commit."""
    payday.per_batch = 3
    people = [await resident(payday, f"62220000{number:08d}") for number in range(12)]
    await payday.verify_accounts()
    for number, who in enumerate(people):
        await names(payday, who, f"62229999{number:08d}")
    await payday.verify_accounts()
    for waiting in await waits(payday):
        await confirm_twice(payday, waiting.change)
    await payday.approve(await payday.previewed(people))
    await asyncio.gather(payday.instruct(), payday.settle_accounts(), payday.settle_accounts())
    await payday.settle_accounts()
    await payday.instruct()
    assert len(await payday.orders()) == 12
    await assert_paid_to_what_was_in_force(payday)
    assert {tuple(await states(payday, who)) for who in people} == {("replaced", "in_force")}


@pytest.mark.parametrize("seed", range(6))
async def test_in_any_order_nothing_goes_to_an_account_that_was_not_in_force(payday: Payday, seed: int) -> None:
    dice, scene, period = random.Random(seed), payday.scene, 0
    people = [await resident(payday, dice.choice([OLD, NEW, None])) for _ in range(4)]
    for _ in range(150):
        match dice.randrange(8):
            case 0:
                await names(payday, dice.choice(people), dice.choice([OLD, NEW, OTHER, None]))
            case 1:
                await payday.map_accounts()
            case 2:
                await payday.check_accounts(silent=timedelta(0))
            case 3 if asked := await payday.checks():
                await payday.says(checked(dice.choice(asked).check, dice.choice([True, True, True, False, None])))
            case 4 if waiting := await waits(payday):
                one = dice.choice(waiting)
                actor = dice.choice([scene.preparer, scene.approver])
                if one.confirmed_by != actor.subject and one.second_by is None:
                    await confirm_account(scene.pool, actor, one.change, expected=Version(one.version))
            case 5:
                await payday.settle_accounts()
            case 6 if period < 12:
                period += 1
                await payday.approve(await payday.previewed(people, period=f"2026-{period:02d}"))
            case _:
                await payday.instruct()
    assert await payday.orders()  # somebody was paid at all
    await assert_paid_to_what_was_in_force(payday)


async def assert_paid_to_what_was_in_force(payday: Payday) -> None:
    """Each order names the account whose time in force its sending lies in."""
    last_four = {order.payment: order.account.reveal()[-4:] for order in await payday.orders()}
    rows = await payday.scene.rows(
        "SELECT p.id, a.last_four FROM payment p LEFT JOIN account a ON a.person_id = p.payee"
        " AND p.sent_at >= a.in_force_from AND p.sent_at <= coalesce(a.in_force_until, 'infinity')"
        " WHERE p.sent_at IS NOT NULL"
    )
    assert {row["id"]: row["last_four"] for row in rows} == last_four
