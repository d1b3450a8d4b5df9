"""Registers: only a complete one says no by saying nothing; what is owed is told, and who owes it."""

from typing import TYPE_CHECKING

from qingdan.divisions import DivisionCode
from qingdan.event import Tombstone
from qingdan.records_events import FactValue
from runtime.divisions import DivisionRow, import_divisions
from runtime.ids import new_id
from subsidy.list_registers import RegistersView, list_registers
from tests.integration.subsidy.conftest import COUNTY, OTHER_COUNTY, recorded

if TYPE_CHECKING:
    from tests.integration.subsidy.conftest import Scene

DISABLED: dict[str, FactValue] = {
    "disability_level": 1,
    "disability_types": (),
    "disability_cert_valid": True,
    "wheelchair_vehicle_registered": False,
    "rehab_service_months_year": 0,
}


def dataset(view: RegistersView, name: str) -> tuple[bool, int | None, int]:
    (register,) = [each for each in view.registers if each.dataset == name]
    return register.complete, register.declared, register.arrived


async def registers(scene: "Scene") -> RegistersView:
    return await list_registers(scene.pool, scene.preparer, None)


async def test_a_register_is_complete_when_all_that_were_declared_have_arrived(scene: "Scene") -> None:
    assert dataset(await registers(scene), "disability") == (False, None, 0)
    await scene.hear_records(recorded(f"c:{COUNTY}", "disability", {"register_subjects": 2}))
    people = [f"p:{new_id()}" for _ in range(2)]
    await scene.hear_records(recorded(people[0], "disability", DISABLED))
    await scene.hear_records(recorded(people[0], "disability", DISABLED))  # again: nobody new
    assert dataset(await registers(scene), "disability") == (False, 2, 1)
    await scene.hear_records(recorded(people[1], "disability", DISABLED))
    assert dataset(await registers(scene), "disability") == (True, 2, 2)


async def test_people_and_households_of_a_register_count_together(scene: "Scene") -> None:
    await scene.hear_records(recorded(f"c:{COUNTY}", "social_assistance", {"register_subjects": 2}))
    await scene.hear_records(recorded(f"p:{new_id()}", "social_assistance", {"is_tekun": True}))
    await scene.hear_records(recorded(f"h:{new_id()}", "social_assistance", {"dibao_household": True}))
    assert dataset(await registers(scene), "social_assistance") == (True, 2, 2)


async def test_who_leaves_a_register_has_arrived_all_the_same(scene: "Scene") -> None:
    who = f"p:{new_id()}"
    await scene.hear_records(
        recorded(who, "disability", DISABLED), recorded(f"c:{COUNTY}", "disability", {"register_subjects": 1})
    )
    await scene.hear_records(Tombstone(key=f"{who}/disability"))
    assert dataset(await registers(scene), "disability") == (True, 1, 1)


async def test_two_counties_in_one_database_wait_for_each_other(scene: "Scene") -> None:
    await scene.hear_records(
        recorded(f"p:{new_id()}", "disability", DISABLED),
        recorded(f"c:{COUNTY}", "disability", {"register_subjects": 1}),
        recorded(f"c:{OTHER_COUNTY}", "disability", {"register_subjects": 1}),
    )
    assert dataset(await registers(scene), "disability") == (False, 1, 1)
    await scene.hear_records(recorded(f"p:{new_id()}", "disability", DISABLED))
    assert dataset(await registers(scene), "disability") == (True, 1, 2)


async def test_a_county_takes_its_word_back(scene: "Scene") -> None:
    await scene.hear_records(recorded(f"c:{COUNTY}", "disability", {"register_subjects": 0}))
    assert dataset(await registers(scene), "disability") == (True, 0, 0)
    await scene.hear_records(Tombstone(key=f"c:{COUNTY}/disability"))
    assert dataset(await registers(scene), "disability") == (False, None, 0)


async def test_an_older_word_does_not_replace_a_newer_one(scene: "Scene") -> None:
    newer = recorded(f"c:{COUNTY}", "disability", {"register_subjects": 5})
    older = newer.model_copy(update={"source_time": newer.source_time.replace(year=2025)})
    await scene.hear_records(newer)
    await scene.hear_records(recorded(f"c:{COUNTY}", "disability", {"register_subjects": 7}, older.source_time))
    assert dataset(await registers(scene), "disability") == (False, 5, 0)


async def test_what_is_owed_names_the_department_and_the_programmes_that_wait(scene: "Scene") -> None:
    view = await registers(scene)
    assert view.division == COUNTY
    (disability,) = [each for each in view.registers if each.dataset == "disability"]
    assert disability.department == "CLH"
    assert disability.needed_by == ["B15", "B16", "B17", "B18", "B19", "B21", "B22", "B23", "B24"]
    (veterans,) = [each for each in view.registers if each.dataset == "veterans"]
    assert (veterans.department, len(veterans.needed_by)) == ("TYJ", 9)
    assert {each.name: each.value for each in view.parameters} == {
        "local_dibao_line_fen_month": 116_600,
        "local_min_wage_fen_month": 249_000,
        "price_linkage_triggered": False,
    }


async def test_a_misspelt_fact_is_seen(scene: "Scene") -> None:
    await scene.hear_records(recorded(f"p:{new_id()}", "disability", {"disabilty_level": 1}))
    (ignored,) = (await registers(scene)).ignored
    assert (ignored.dataset, ignored.name, ignored.times) == ("disability", "disabilty_level", 1)


async def test_before_any_programme_nobody_waits(bare: "Scene") -> None:
    assert all(each.needed_by == [] for each in (await registers(bare)).registers)


async def test_the_tree_may_grow_later(bare: "Scene") -> None:
    """A person who was heard of before the village was known is placed when the register speaks again."""
    family = await bare.family({}, village=DivisionCode("330523100299"))
    rows = [DivisionRow(code=DivisionCode("330523100299"), name_zh="新村", parent_code=DivisionCode("330523100000"))]
    await import_divisions(bare.pool, bare.operator, rows)
    await bare.tell_of_person(
        family.people[0],
        {"hukou_village_code": "330523100299", "member_of_household": family.code, "relation_to_head": "head"},
    )
    assert await bare.rows(
        "SELECT d.code FROM household h JOIN division d ON d.id = h.division_id WHERE h.id = $1", family.household
    ) == [{"code": "330523100299"}]
