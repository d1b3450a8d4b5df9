"""A run beside the run before: who is new, who stops, whose amount is another, why, and what looks odd."""

from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from qingdan.ids import ProgrammeCode, RunId
from runtime.actor import Role
from runtime.db import transaction
from runtime.problems import NotFound
from subsidy.compare_run import RunCompared, compare_run
from subsidy.comparison_rules import ANOMALIES, REASONS
from subsidy.list_anomalies import AnomalyView, list_anomalies
from subsidy.list_changes import ChangeView, list_changes
from subsidy.show_breakdown import show_breakdown
from tests.integration.service_scene import person
from tests.integration.subsidy.conftest import COUNTY, DIBAO_LINE_FEN, OTHER_VILLAGE, TOWN, VILLAGE, Scene, programme
from tests.integration.subsidy.frozen_run import Payday

OLD = {"birth_date": "1941-07-01"}
NINETY = {"birth_date": "1930-07-01"}
POOR: dict[str, Any] = {
    "dibao_household": True,
    "household_property_ok": True,
    "household_income_per_capita_fen_month": 16_600,
}


async def compared(scene: Scene, run: RunId) -> RunCompared:
    return await compare_run(scene.pool, scene.preparer, run)


async def changes(scene: Scene, run: RunId, **filters: Any) -> list[ChangeView]:
    asked = {"programme": None, "kind": None, "after": None, "limit": 100} | filters
    return await list_changes(scene.pool, scene.preparer, run, **asked)


async def odd(scene: Scene, run: RunId, kind: Any) -> list[AnomalyView]:
    return await list_anomalies(scene.pool, scene.preparer, run, kind, programme=None, after=None, limit=100)


async def numbers(scene: Scene, run: RunId, code: str) -> tuple[int, int, int, int]:
    [it] = [each for each in (await compared(scene, run)).programmes if each.programme == code]
    return it.entitled, it.new, it.stopped, it.changed


async def test_the_first_run_has_nothing_to_be_compared_with(scene: Scene) -> None:
    await scene.family(OLD)
    await scene.declare_complete()
    run = await scene.preview("2026-07")
    [it] = [each for each in (await compared(scene, run)).programmes if each.programme == "B08"]
    assert (it.compared_with, it.entitled, it.before, it.new) == (None, 1, 0, 1)
    assert [(each.kind, each.reason) for each in await changes(scene, run)] == [("new", "first_time")]


async def test_new_stopped_and_changed_are_told_with_their_reasons(scene: Scene) -> None:
    stays, dies, ages, moves = [await scene.family(who) for who in (OLD, OLD, {"birth_date": "1936-08-01"}, OLD)]
    poor = await scene.family({}, {}, **POOR)
    await scene.declare_complete()
    july = await scene.preview("2026-07")
    await scene.tell_of_person(dies.people[0], {"is_alive": False, "hukou_village_code": str(VILLAGE), **OLD})
    await scene.tell_of_person(moves.people[0], {"hukou_village_code": "330522100201", "is_alive": True, **OLD})
    young = await scene.family({"birth_date": "1946-08-01"})
    await scene.declare_complete()
    august = await scene.preview("2026-08")
    told = {(each.programme, each.beneficiary): (each.kind, each.reason) for each in await changes(scene, august)}
    assert told["B08", dies.people[0]] == ("stopped", "died")
    assert told["B08", moves.people[0]] == ("stopped", "moved")
    assert told["B08", young.people[0]] == ("new", "first_time")
    assert told["B08", ages.people[0]] == ("stopped", "facts_changed")
    assert told["B09", ages.people[0]] == ("new", "first_time")
    assert ("B08", stays.people[0]) not in told
    assert ("B01", poor.household) not in told
    assert await numbers(scene, august, "B08") == (2, 1, 3, 0)
    assert await numbers(scene, july, "B08") == (4, 4, 0, 0)
    said = await changes(scene, august, kind="new", programme="B09")
    assert [each.beneficiary for each in said] == [ages.people[0]]
    assert all(each.reason_zh and each.reason_en for each in said)


async def test_an_amount_that_changed_is_told_and_one_that_jumped_is_odd(scene: Scene) -> None:
    poor = await scene.family({}, {}, **POOR | {"household_income_per_capita_fen_month": DIBAO_LINE_FEN - 100})
    await scene.declare_complete()
    await scene.preview("2026-07")
    income = "UPDATE household SET household_income_per_capita_fen_month = $1 RETURNING id"
    await scene.rows(income, DIBAO_LINE_FEN - 150)
    august = await scene.preview("2026-08")
    [change] = await changes(scene, august, programme="B01")
    assert (change.kind, change.reason, change.then_fen, change.now_fen) == ("changed", "facts_changed", 200, 300)
    assert await odd(scene, august, "amount_jumped") == []
    await scene.rows(income, DIBAO_LINE_FEN - 450)
    september = await scene.preview("2026-09")
    [jumped] = await odd(scene, september, "amount_jumped")
    assert (jumped.beneficiary, jumped.amount_fen) == (poor.household, 900)


async def test_a_changed_rule_is_the_reason(scene: Scene) -> None:
    await scene.family(OLD)
    await scene.declare_complete()
    await scene.preview("2026-07")
    await scene.publish(programme("B08", excludes=[], amount_fen="6000"), effective_on=date(2026, 8, 1))
    august = await scene.preview("2026-08")
    assert [(each.programme, each.kind, each.reason) for each in await changes(scene, august)] == [
        ("B08", "changed", "rule_changed")
    ]


async def test_who_was_or_is_undetermined_is_told_so(scene: Scene) -> None:
    family = await scene.family(OLD)
    await scene.declare_complete()
    await scene.preview("2026-07")
    await scene.rows("UPDATE person SET birth_date = NULL RETURNING id")
    august = await scene.preview("2026-08")
    told = {each.programme: each for each in await changes(scene, august)}
    assert (told["B08"].kind, told["B08"].reason) == ("stopped", "undetermined")
    assert "age_years" in (told["B08"].missing or [])
    await scene.rows("UPDATE person SET birth_date = '1941-07-01' RETURNING id")
    september = await scene.preview("2026-09")
    [back] = [each for each in await changes(scene, september) if each.beneficiary == family.people[0]]
    assert (back.kind, back.reason) == ("new", "was_undetermined")


async def test_who_had_it_before_comes_back(scene: Scene, tmp_path: Path) -> None:
    family = await scene.family(OLD)
    await scene.declare_complete()
    await Payday(scene, tmp_path).approve(await scene.preview("2026-07"))
    other = await scene.family(OLD)
    await scene.rows("UPDATE person SET is_alive = false WHERE id = $1 RETURNING id", family.people[0])
    await scene.preview("2026-08")
    await scene.rows("UPDATE person SET is_alive = true WHERE id = $1 RETURNING id", family.people[0])
    september = await scene.preview("2026-09")
    told = {each.beneficiary: each.reason for each in await changes(scene, september)}
    assert told == {family.people[0]: "back"}
    assert other.people[0] not in told


async def test_the_dead_and_shared_accounts_are_odd(scene: Scene, tmp_path: Path) -> None:
    families = [await scene.family(OLD) for _ in range(3)]
    people = [each.people[0] for each in families]
    await scene.declare_complete()
    run = await scene.preview("2026-07")
    await scene.rows("UPDATE person SET is_alive = false WHERE id = $1 RETURNING id", people[0])
    assert [each.beneficiary for each in await odd(scene, run, "dead")] == [people[0]]
    await in_one_account(scene, people[:2])
    assert await odd(scene, run, "shared_account") == []
    await in_one_account(scene, people[2:])
    assert [each.beneficiary for each in await odd(scene, run, "shared_account")] == sorted(people)
    counted = {each.kind: each.items for each in (await compared(scene, run)).anomalies}
    assert counted == {"dead": 1, "shared_account": 3}


async def test_who_is_registered_twice_is_odd_while_both_stand(scene: Scene, tmp_path: Path) -> None:
    here = Payday(scene, tmp_path)
    await here.open()
    await scene.publish(programme("B08", excludes=[]), programme("B01", excludes=[]))
    families = [await scene.family(OLD) for _ in range(3)]
    one, again, other = [each.people[0] for each in families]
    await scene.declare_complete()
    run = await scene.preview("2026-07")
    assert await odd(scene, run, "doubled") == []
    await scene.hear_records(*(here.identity(who, born="19410701") for who in (one, again)), here.identity(other))
    await here.map_accounts()
    assert {each.beneficiary for each in await odd(scene, run, "doubled")} == {one, again}
    counted = {each.kind: each.items for each in (await compared(scene, run)).anomalies}
    assert counted["doubled"] == 2
    await scene.rows("UPDATE person SET is_alive = false WHERE id = $1 RETURNING id", again)
    assert await odd(scene, await scene.preview("2026-07"), "doubled") == []


async def test_a_double_is_found_in_another_programme_and_goes_with_a_corrected_identity(
    scene: Scene, tmp_path: Path
) -> None:
    here = Payday(scene, tmp_path)
    await here.open()
    await scene.publish(programme("B08", excludes=[]))
    one, again = [(await scene.family(OLD)).people[0] for _ in range(2)]
    await scene.declare_complete()
    run = await scene.preview("2026-07")
    async with transaction(scene.pool, scene.service) as tx:
        await tx.execute(
            "WITH there AS (DELETE FROM entitlement WHERE beneficiary = $1 RETURNING *)"
            " INSERT INTO entitlement (run_id, programme, beneficiary, occurrence, kind, payee, division_id,"
            " department, amount_fen, status) SELECT run_id, 'B09', beneficiary, occurrence, kind, payee, division_id,"
            " department, 100, 'entitled' FROM there",
            again,
        )
    await scene.hear_records(*(here.identity(who, born="19410701") for who in (one, again)))
    await here.map_accounts()
    [seen] = await list_anomalies(
        scene.pool, scene.preparer, run, "doubled", programme=ProgrammeCode("B09"), after=None, limit=10
    )
    assert (seen.programme, seen.beneficiary) == ("B09", again)
    await scene.hear_records(here.identity(again))
    await here.map_accounts()
    assert await odd(scene, run, "doubled") == []


async def test_identities_that_were_read_before_there_were_marks_are_read_once_more(
    scene: Scene, tmp_path: Path
) -> None:
    here = Payday(scene, tmp_path)
    await here.open()
    people = await here.people(2)
    await here.map_accounts()
    before = await scene.rows("SELECT * FROM account ORDER BY id")
    await scene.rows("UPDATE identity SET marked = false RETURNING 1")
    await scene.rows("DELETE FROM person_mark RETURNING 1")
    await here.map_accounts()
    marks = await scene.rows("SELECT person_id FROM person_mark ORDER BY person_id")
    assert [each["person_id"] for each in marks] == sorted(people)
    assert await scene.rows("SELECT * FROM account ORDER BY id") == before


async def in_one_account(scene: Scene, people: list[UUID]) -> None:
    await scene.rows(
        "INSERT INTO account (person_id, number, is_change, state, account_hash)"
        " SELECT unnest($1::uuid[]), 1, false, 'proposed', sha256('one') RETURNING id",
        people,
    )
    for state in ("asked", "in_force"):
        await scene.rows(
            "UPDATE account SET state = $2, bank = 'ABC', asked_at = clock_timestamp(),"
            " quiet_since = CASE $2 WHEN 'asked' THEN clock_timestamp() END,"
            " in_force_from = CASE $2 WHEN 'in_force' THEN clock_timestamp() END"
            " WHERE person_id = ANY($1::uuid[]) RETURNING id",
            *(people, state),
        )


async def test_two_programmes_that_exclude_each_other_never_both_stand_unnoticed(scene: Scene) -> None:
    family = await scene.family(OLD)
    await scene.declare_complete()
    run = await scene.preview("2026-07")
    assert await odd(scene, run, "conflict") == []
    async with transaction(scene.pool, scene.service) as tx:
        await tx.execute(
            "INSERT INTO entitlement (run_id, programme, beneficiary, occurrence, kind, payee, division_id, department,"
            " amount_fen, status) SELECT run_id, 'B09', beneficiary, occurrence, kind, payee, division_id, department,"
            " 100, 'entitled' FROM entitlement WHERE run_id = $1",
            run,
        )
    pairs = {(each.programme, each.beneficiary) for each in await odd(scene, run, "conflict")}
    assert pairs == {("B08", family.people[0]), ("B09", family.people[0])}


async def test_a_run_by_township_and_by_village(scene: Scene) -> None:
    for village in (VILLAGE, VILLAGE, OTHER_VILLAGE):
        await scene.family(OLD, village=village)
    await scene.declare_complete()
    run = await scene.preview("2026-07")
    [town] = await show_breakdown(scene.pool, scene.preparer, run, township=None, after=None, limit=50)
    assert (town.division, town.programme, town.entitled, town.total_fen) == (TOWN, "B08", 3, 15_000)
    villages = await show_breakdown(scene.pool, scene.preparer, run, township=TOWN, after=None, limit=50)
    assert [(each.division, each.entitled) for each in villages] == [(VILLAGE, 2), (OTHER_VILLAGE, 1)]
    rest = await show_breakdown(scene.pool, scene.preparer, run, township=TOWN, after=villages[0].position, limit=50)
    assert rest == villages[1:]


async def test_everybody_sees_their_own_alone(scene: Scene) -> None:
    await scene.family(OLD)
    await scene.declare_complete()
    run = await scene.preview("2026-07")
    with pytest.raises(NotFound):
        await compare_run(scene.pool, scene.other_preparer, run)
    with pytest.raises(NotFound):
        await changes_of_another(scene, run)
    clerk = person(Role.DEPARTMENT_STAFF, COUNTY, "WJW")
    seen = await list_changes(scene.pool, clerk, run, programme=None, kind=None, after=None, limit=100)
    assert seen == []  # B08 is the civil affairs bureau's


async def changes_of_another(scene: Scene, run: RunId) -> list[ChangeView]:
    return await list_changes(scene.pool, scene.other_preparer, run, programme=None, kind=None, after=None, limit=100)


def test_every_reason_and_every_anomaly_has_words_in_both_languages() -> None:
    for words in (*REASONS.values(), *ANOMALIES.values()):
        assert all(words)
        assert words[0] != words[1]
