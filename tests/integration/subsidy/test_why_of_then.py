"""Why, of a month whose list is frozen: from the facts that it was computed from, whatever became of them since."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import pytest

from devkit.pytest_plugin import MakeDatabase
from qingdan.ids import RunId
from runtime.actor import Role
from runtime.bulk_arrays import packed, unpacked
from runtime.clock import utcnow
from subsidy import kept_family_store, snapshot_rules
from subsidy.why_page_rules import page, text
from subsidy.why_view_rules import FactView, WhyView
from tests.integration.service_scene import person
from tests.integration.subsidy.conftest import (
    COUNTY,
    DIBAO_LINE_FEN,
    OTHER_VILLAGE,
    PARAMETERS,
    PERIOD,
    VILLAGE,
    Scene,
    county_in,
    programme,
    recorded,
    rows_of,
)
from tests.integration.subsidy.frozen_run import Payday
from tests.integration.subsidy.test_own_payments import owe
from tests.integration.subsidy.test_why import CADRE, OLD, POOR, why
from tests.integration.subsidy.test_why_of_anji import ROWS, sample

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from devkit.records.people import Population
    from tests.integration.subsidy.conftest import Family

READY: dict[str, Any] = {"house_danger_level": "D", "only_house": True, "house_rebuild_accepted": True}


async def frozen(scene: Scene, directory: "Path", period: str = PERIOD) -> RunId:
    """The month computed and frozen."""
    run = await scene.preview(period)
    await Payday(scene, directory).freeze(run)
    return run


def fact(told: WhyView, name: str) -> FactView:
    """A fact of the case that decides."""
    return next(each for each in told.cases[0].facts if each.name == name)


def at_home(family: "Family", **changed: Any) -> dict[str, Any]:
    """What registers say of an ordinary member, with what is changed."""
    return {
        "hukou_village_code": str(VILLAGE),
        "hukou_local": True,
        "member_of_household": family.code,
        "relation_to_head": "head",
        "is_alive": True,
    } | changed


# -- facts, parameters, registers, payments of then --------------------------------------------------------------------


async def test_a_frozen_month_is_answered_from_the_facts_of_then(scene: Scene, tmp_path: "Path") -> None:
    family = await scene.family(OLD)
    await scene.declare_complete()
    await frozen(scene, tmp_path)
    await scene.tell_of_person(family.people[0], OLD | at_home(family, is_alive=False))
    told = await why(scene, family.people[0])
    (case,) = told.cases
    assert (case.outcome, case.amount and case.amount.amount_fen) == ("entitled", 5_000)
    assert (told.basis.facts, told.basis.frozen_on, told.basis.why_today) == ("frozen", scene.today, None)
    alive, age = fact(told, "is_alive"), fact(told, "age_years")
    assert (alive.value, alive.later, alive.system, alive.source_time) == (True, "changed", None, None)
    assert (age.value, age.later, age.system, str(age.counted_from)) == (85, None, "pop_registry", "1941-05-01")
    assert str(age.source_time) == "2026-06-01 00:00:00+00:00"
    assert told.run.differs
    assert told.run.differs_said is not None
    assert "按现有数据不发放" in told.run.differs_said.zh
    assert "an adjustment would be proposed" in told.run.differs_said.en


async def test_before_the_freeze_todays_facts_answer(scene: Scene) -> None:
    family = await scene.family(OLD)
    assert (await why(scene, family.people[0])).basis.why_today == "no_run"
    await scene.declare_complete()
    await scene.preview()
    await scene.tell_of_person(family.people[0], OLD | at_home(family, is_alive=False))
    told = await why(scene, family.people[0])
    assert (told.basis.facts, told.basis.why_today, told.cases[0].outcome) == ("today", "previewed", "not_entitled")
    assert told.run.differs_said is not None
    assert told.run.differs_said.zh.endswith("结果以批次为准，直至重新试算。")


async def test_what_was_told_again_unchanged_says_so(scene: Scene, tmp_path: "Path") -> None:
    family = await scene.family(OLD)
    await scene.declare_complete()
    await frozen(scene, tmp_path)
    later = utcnow() + timedelta(days=1)
    whole = OLD | at_home(family) | {"hukou_rural": True, "gender": "female"}
    await scene.hear_records(
        recorded(f"p:{family.people[0]}", "pop_registry", whole, later),
    )
    told = await why(scene, family.people[0])
    assert (fact(told, "is_alive").later, fact(told, "is_alive").source_time) == ("told_again", later)
    assert not told.run.differs
    assert "其后再次报送，内容未变" in text(told, "zh")


async def test_the_parameters_of_then_count(scene: Scene, tmp_path: "Path") -> None:
    family = await scene.family({}, {}, **POOR)
    await scene.declare_complete()
    await frozen(scene, tmp_path)
    line = next(name for name, value in PARAMETERS.items() if value == DIBAO_LINE_FEN)
    before = fact(await why(scene, family.people[0], "B01"), line)
    assert (before.value, before.later, str(before.effective_on)) == (DIBAO_LINE_FEN, None, "2026-01-01")
    await scene.set_parameters({line: DIBAO_LINE_FEN + 1_000})
    told = await why(scene, family.people[0], "B01")
    assert told.cases[0].amount is not None
    assert told.cases[0].amount.amount_fen == 200_000
    after = fact(told, line)
    assert (after.value, after.later, after.effective_on, after.system) == (DIBAO_LINE_FEN, "changed", None, None)
    assert told.run.differs


async def test_what_was_a_complete_register_then_is_one(scene: Scene, tmp_path: "Path") -> None:
    family = await scene.family(OLD)
    await scene.declare_complete()
    await frozen(scene, tmp_path)
    await scene.rows("DELETE FROM register_declared RETURNING 1")
    await scene.rows("UPDATE register_count SET declared = 0 RETURNING 1")
    level = fact(await why(scene, family.people[0], "B16"), "disability_level")
    assert (level.value, level.origin, level.later, level.gap) == (0, "no_row", "changed", None)


async def test_what_was_unknown_then_stays_unknown(scene: Scene, tmp_path: "Path") -> None:
    family = await scene.family(OLD)
    await scene.family(OLD)
    await frozen(scene, tmp_path)
    await scene.declare_complete()
    told = await why(scene, family.people[0], "B16")
    assert (told.cases[0].outcome, told.run.status) == ("undetermined", "undetermined")
    level = fact(told, "disability_level")
    assert (level.value, level.gap, level.later) == (None, "no_row", "changed")
    assert told.run.differs


async def test_what_was_paid_before_then_counts(scene: Scene, tmp_path: "Path") -> None:
    unattended: dict[str, Any] = {"birth_date": "2014-01-05", "de_facto_unattended_child": True}
    family = await scene.family({}, unattended)
    await scene.declare_complete()
    await scene.preview("2026-03")
    await owe(scene, "B01", family.household, "2026-06", 80_000)  # 40,000 a head
    await frozen(scene, tmp_path)
    await owe(scene, "B17", family.people[1], "2026-06", 50_000)
    told = await why(scene, family.people[1], "B14")
    amount = told.cases[0].amount
    assert (amount and amount.amount_fen, fact(told, "dibao_paid_per_capita_fen_month").value) == (100_000, 40_000)
    assert fact(told, "hardship_disability_paid_fen_month").value == 0
    assert not told.run.differs


async def test_what_the_list_itself_pays_is_no_difference(scene: Scene, tmp_path: "Path") -> None:
    """The second help in need of a year is the last one; that it is owed now does not mean that it was not due."""
    need: dict[str, Any] = {"emergency_cause": "fire", "household_income_per_capita_fen_month": 50_000}
    family = await scene.family({}, **need)
    await scene.declare_complete()
    await scene.preview("2026-03")
    await owe(scene, "B07", family.household, "2026/1")
    await Payday(scene, tmp_path).approve(await scene.preview())
    told = await why(scene, family.people[0], "B07")
    assert (told.run.status, told.cases[0].outcome, told.run.differs) == ("entitled", "entitled", False)
    assert fact(told, "temporary_aid_count_year").value == 1
    await scene.hear_records(
        *rows_of(f"h:{family.household}", "household", {"emergency_cause": None}, utcnow() + timedelta(days=1))
    )
    told = await why(scene, family.people[0], "B07")
    assert (told.cases[0].outcome, told.run.differs) == ("entitled", True)
    assert told.run.differs_said is not None
    assert told.run.differs_said.zh.endswith("应发的将列入以后的批次。")


# -- the household of then ---------------------------------------------------------------------------------------------


async def test_the_household_of_then_answers_whoever_left_it(scene: Scene, tmp_path: "Path") -> None:
    poor, other = await scene.family({}, {}, **POOR), await scene.family({})
    await scene.declare_complete()
    run = await frozen(scene, tmp_path)
    await scene.tell_of_person(poor.people[1], at_home(other, relation_to_head="other"))
    told = await why(scene, poor.people[1], "B01")
    assert (told.household, told.cases[0].outcome, told.cases[0].member) == (
        poor.household,
        "entitled",
        poor.people[0],
    )
    assert (told.run.run, told.run.status) == (run, "entitled")
    assert fact(told, "household_size").value == 2


async def test_any_member_of_then_may_make_a_household_eligible(scene: Scene, tmp_path: "Path") -> None:
    family = await scene.family({}, {"is_tekun": True, "tekun_mode": "dispersed"}, {}, **READY)
    other = await scene.family({})
    await scene.declare_complete()
    await frozen(scene, tmp_path)
    for who in family.people[1:]:
        await scene.tell_of_person(who, at_home(other, relation_to_head="other"))
    told = await why(scene, None, "B66", household=family.household)
    assert [(case.member, case.outcome) for case in told.cases] == [
        (family.people[1], "entitled"),
        (family.people[0], "not_entitled"),
        (family.people[2], "not_entitled"),
    ]
    await scene.tell_of_person(family.people[1], {"is_tekun": False})
    whole = await why(scene, None, "B66", household=family.household)
    assert (fact(whole, "is_tekun").value, fact(whole, "is_tekun").later) == (True, "changed")
    shown = await why(scene, family.people[0], "B66", view="person", actor=CADRE)
    tekun = fact(shown, "is_tekun")
    assert (shown.cases[0].outcome, tekun.value, tekun.later, tekun.of) == ("entitled", None, None, "member")
    assert str(family.people[1]) not in shown.model_dump_json()


async def test_the_dead_of_then_are_the_cases(scene: Scene, tmp_path: "Path") -> None:
    buried: dict[str, Any] = {"is_alive": False, "death_date": "2026-03-05", "cremated": True}
    family = await scene.family({}, buried | {"ecological_burial": True})
    await scene.declare_complete()
    await frozen(scene, tmp_path)
    await scene.tell_of_person(family.people[0], at_home(family, is_alive=False))
    told = await why(scene, None, "B20", household=family.household)
    assert [(case.member, case.outcome) for case in told.cases] == [(family.people[1], "entitled")]


async def test_a_household_of_then_that_one_does_not_see_tells_nothing(scene: Scene, tmp_path: "Path") -> None:
    away = await scene.family({}, {}, village=OTHER_VILLAGE, **POOR)
    here = await scene.family({})
    await scene.declare_complete()
    await frozen(scene, tmp_path)
    await scene.tell_of_person(away.people[1], at_home(here, relation_to_head="other"))
    told = await why(scene, away.people[1], "B01", view="person", actor=CADRE)
    assert (told.basis.why_today, told.household) == ("household_elsewhere", here.household)
    assert str(away.household) not in told.model_dump_json()
    seen = await why(scene, away.people[1], "B01", actor=person(Role.AUDITOR, COUNTY))
    assert (seen.basis.facts, seen.household) == ("frozen", away.household)


# -- where the facts of then do not answer -----------------------------------------------------------------------------


async def test_why_todays_facts_answer_is_said(scene: Scene, tmp_path: "Path") -> None:
    family = await scene.family({"birth_date": "2025-05-01"})
    await scene.family(OLD)
    await scene.declare_complete()
    await frozen(scene, tmp_path, "2026-08")
    assert (await why(scene, family.people[0], "B28", period="2026-08")).basis.why_today == "not_due"
    newcomer = await scene.family(OLD)
    told = await why(scene, newcomer.people[0], period="2026-08")
    assert (told.basis.why_today, told.run.status, told.cases[0].outcome) == ("not_there", "not_in_run", "entitled")
    assert "不在本县人员之列" in told.basis.said.zh


async def test_a_run_of_before_there_were_snapshots_says_so(scene: Scene, tmp_path: "Path") -> None:
    family = await scene.family(OLD)
    payday = Payday(scene, tmp_path)
    await payday.freeze(await payday.previewed([family.people[0]]))
    told = await why(scene, family.people[0], "B01")
    assert told.basis.why_today == "not_kept"
    assert told.basis.said.en == (
        "By the facts as they are today, which may differ from then: nothing of what the frozen list was computed from"
        " is there, for earlier versions kept nothing."
    )


class Owner:
    """A family's frozen month in a database whose owner lifts every guard."""

    def __init__(self, scene: Scene, family: "Family", url: str) -> None:
        self.scene, self.family, self._url = scene, family, url

    async def change(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self._url)
        try:
            await connection.execute(
                "SELECT set_config('app.division', '1', false), set_config('app.department', '*', false);"
                "ALTER TABLE run_snapshot DISABLE TRIGGER USER"
            )
            rows: list[asyncpg.Record] = await connection.fetch(statement, *arguments)
            await connection.execute("ALTER TABLE run_snapshot ENABLE TRIGGER USER")
        finally:
            await connection.close()
        return rows


@pytest.fixture
async def owner(make_database: MakeDatabase, tmp_path: "Path") -> "AsyncIterator[Owner]":
    database = make_database(Scene.NAME)
    async with county_in(database.app_url) as scene:
        await scene.set_parameters(PARAMETERS)
        await scene.publish()
        for _ in range(3):
            await scene.family({}, OLD)
        family = await scene.family({}, OLD, {"is_tekun": True, "tekun_mode": "dispersed"}, **POOR, **READY)
        await scene.declare_complete()
        await frozen(scene, tmp_path)
        await scene.tell_of_person(family.people[0], at_home(family, is_alive=False))
        yield Owner(scene, family, database.owner_url)


async def test_what_an_earlier_version_kept_answers_too(owner: Owner) -> None:
    """It noted neither who is in a part nor who lives in a household, nor when it was kept."""
    scene, family = owner.scene, owner.family
    asked: list[tuple[UUID | None, str, dict[str, Any]]] = [
        (family.people[1], "B08", {}),
        (family.people[2], "B01", {}),
        (None, "B66", {"household": family.household}),
    ]
    now = [await why(scene, who, code, **more) for who, code, more in asked]
    for row in await owner.change("SELECT run_id, section, number, packed FROM run_snapshot WHERE section <> 'county'"):
        arrays = {name: each for name, each in unpacked(row["packed"]).items() if not name.startswith("members")}
        key = (row["run_id"], row["section"], row["number"])
        await owner.change(
            "UPDATE run_snapshot SET lowest = NULL, highest = NULL, kept_at = NULL, packed = $4"
            " WHERE run_id = $1 AND section = $2 AND number = $3",
            *(*key, packed(arrays)),
        )
    assert [await why(scene, who, code, **more) for who, code, more in asked] == now
    assert [each.basis.facts for each in now] == ["frozen"] * 3


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE run_snapshot SET packed = 'x' WHERE section = 'person'",
        "UPDATE run_snapshot SET packed = 'x' WHERE section = 'county'",
        "DELETE FROM run_snapshot WHERE section = 'household'",
        "UPDATE run_snapshot SET number = 1 WHERE section = 'household'",
        "UPDATE run_snapshot SET rows = rows + 1 WHERE section = 'person'",
    ],
)
async def test_what_cannot_be_read_says_so(owner: Owner, damage: str) -> None:
    await owner.change(damage)
    told = await why(owner.scene, owner.family.people[0], "B01")
    assert (told.basis.why_today, told.basis.said.zh) == (
        "unreadable",
        "按当前数据（可能与当时不同）：冻结名单所据的数据无法读取，请核验该批次。",
    )


# -- a whole county ----------------------------------------------------------------------------------------------------

EVERYTHING_CHANGES = (
    "UPDATE person SET is_alive = NOT is_alive, birth_date = birth_date + 9000, held = 0",
    "UPDATE household SET household_size = 1, household_income_per_capita_fen_month = 1, held = 0",
    "UPDATE county_parameter SET value_int = 1 WHERE value_int IS NOT NULL",
    "DELETE FROM register_declared",
)


async def test_of_a_whole_county_it_says_what_the_run_has(
    anji: tuple[Scene, "Population"], tmp_path: "Path", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every programme, whatever the registers say today, and no question reads more than some of many parts."""
    scene, _ = anji
    monkeypatch.setattr(snapshot_rules, "ROWS_PER_PART", 200)
    run = await frozen(scene, tmp_path)
    read: list[str] = []
    whole, original = await scene.rows("SELECT 1 FROM run_snapshot"), kept_family_store._part

    async def counted(*asked: Any) -> Any:
        read.append(asked[2])
        return await original(*asked)

    monkeypatch.setattr(kept_family_store, "_part", counted)
    for change in EVERYTHING_CHANGES:
        await scene.rows(change)
    several = 0
    for code, who, is_person in await sample(scene, run, Random(8)):
        asked: dict[str, Any] = {} if is_person else {"household": who}
        read.clear()
        told = await why(scene, who if is_person else None, code, view="person", **asked)
        rows = await scene.rows(
            f"SELECT status, amount_fen FROM ({ROWS}) AS e WHERE programme = $2 AND beneficiary = $3",
            *(run, code, who),
        )
        if not told.due:
            assert (told.basis.why_today, rows) == ("not_due", [])
            continue
        assert told.basis.facts == "frozen", (code, told.basis)
        assert len(read) <= 15 < len(whole) / 2, read
        several += 1
        found = sorted(
            ("undetermined", None) if case.outcome == "undetermined" else ("entitled", case.amount.amount_fen)
            for case in told.cases
            if case.outcome in ("entitled", "undetermined") and case.amount is not None
        )
        expected = sorted(
            ("undetermined", None) if row["status"] == "undetermined" else ("entitled", row["amount_fen"])
            for row in rows
        )
        assert found == expected, (code, [(f.name, f.value, f.gap, f.origin) for c in told.cases for f in c.facts])
    assert several > 200


# -- as it is read out -------------------------------------------------------------------------------------------------


async def test_the_page_and_the_text_say_of_when_they_are(scene: Scene, tmp_path: "Path") -> None:
    family = await scene.family(OLD)
    await scene.declare_complete()
    await frozen(scene, tmp_path)
    await scene.tell_of_person(family.people[0], OLD | at_home(family, is_alive=False))
    told = await why(scene, family.people[0], view="person", actor=CADRE)
    on = scene.today
    assert f"As it stood when the list was frozen on {on}, computed from the registers on {on}." in text(told, "en")
    assert f"按{on}冻结名单时的数据（{on}由各登记库数据试算）。" in text(told, "zh")
    assert "是否健在：是，其后已更正或变动" in text(told, "zh")
    printed = page(told, printed_on=on)
    for words in ("数据口径", "As it stood when the list was frozen", "其后已更正或变动", "现有数据与批次试算时不同"):
        assert words in printed


async def test_a_rule_published_since_changes_nothing(scene: Scene, tmp_path: "Path") -> None:
    family = await scene.family(OLD)
    await scene.declare_complete()
    await frozen(scene, tmp_path)
    await scene.publish(programme("B08", amount_fen="6000", excludes=[]))
    told = await why(scene, family.people[0])
    assert (told.programme_version, told.cases[0].amount and told.cases[0].amount.amount_fen) == (1, 5_000)
    assert datetime(2026, 6, 1, tzinfo=UTC) == fact(told, "is_alive").source_time
