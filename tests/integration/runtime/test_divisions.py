"""The division tree: imported in any order, again without change, and never with a node left hanging."""

import asyncio

import pytest

from devkit.postgres import Database
from qingdan.divisions import DivisionCode
from runtime.actor import Role
from runtime.db import Pool, transaction
from runtime.divisions import DivisionRow, DivisionUnknown, division_id, import_divisions
from runtime.problems import Forbidden, Invalid
from tests.integration.runtime.conftest import (
    COUNTY,
    FAR_VILLAGE,
    OPERATOR,
    OTHER_TOWN,
    SERVICE,
    TOWN,
    TREE,
    VILLAGE,
    person,
    tree_rows,
)


def row(code: str, parent: str | None, name: str = "新村") -> DivisionRow:
    return DivisionRow(code=DivisionCode(code), name_zh=name, parent_code=parent and DivisionCode(parent))


async def ancestors(pool: Pool, code: str) -> list[str]:
    async with transaction(pool, SERVICE) as tx:
        rows = await tx.fetch(
            "SELECT a.code FROM division_closure c JOIN division a ON a.id = c.ancestor_id"
            " JOIN division d ON d.id = c.descendant_id WHERE d.code = $1 ORDER BY c.depth DESC",
            code,
        )
    return [row["code"] for row in rows]


async def test_parents_may_stand_behind_their_children(pool: Pool) -> None:
    imported = await import_divisions(pool, OPERATOR, tree_rows()[::-1])
    assert (imported.added, imported.known) == (len(TREE), len(TREE) + 1)
    assert await ancestors(pool, VILLAGE) == [
        "000000000000", "130000000000", "130400000000", COUNTY, TOWN, VILLAGE,
    ]  # fmt: skip


async def test_the_same_import_again_changes_nothing_and_a_new_name_renames(county: Pool) -> None:
    again = await import_divisions(county, OPERATOR, tree_rows())
    assert (again.added, again.known) == (0, len(TREE) + 1)
    await import_divisions(county, OPERATOR, [row(VILLAGE, TOWN, "贾庄村")])
    async with transaction(county, SERVICE) as tx:
        assert await tx.fetchval("SELECT name_zh FROM division WHERE code = $1", VILLAGE) == "贾庄村"


async def test_two_operators_who_import_together_make_one_tree(pool: Pool) -> None:
    imported = await asyncio.gather(*(import_divisions(pool, OPERATOR, tree_rows()) for _ in range(4)))
    assert sum(one.added for one in imported) == len(TREE)
    assert await ancestors(pool, FAR_VILLAGE) == [
        "000000000000", "130000000000", "130400000000", COUNTY, OTHER_TOWN, FAR_VILLAGE,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "parent"),
    [("130431105299", "130431199000"), (VILLAGE[:-1] + "9", VILLAGE), ("130431107000", "130431107000")],
    ids=["unknown parent", "a village below a village", "its own parent"],
)
async def test_a_node_without_a_place_is_refused_by_name_and_nothing_is_imported(
    county: Pool, code: str, parent: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await import_divisions(county, OPERATOR, [row("130431105210", TOWN), row(code, parent)])
    errors = refused.value.details["errors"]
    assert isinstance(errors, list)
    assert [error["pointer"] for error in errors] == ["/divisions/1/parent_code"]
    assert await ancestors(county, "130431105210") == []


async def test_a_city_without_counties_has_its_towns_directly_below(pool: Pool) -> None:
    rows = [row("440000000000", None), row("441900000000", "440000000000"), row("441900003000", "441900000000")]
    assert (await import_divisions(pool, OPERATOR, rows)).added == 3
    assert (await ancestors(pool, "441900003000"))[-2:] == ["441900000000", "441900003000"]


async def test_only_an_operator_imports(pool: Pool) -> None:
    with pytest.raises(Forbidden):
        await import_divisions(pool, person(Role.TOWN_STAFF, "000000000000"), tree_rows())


async def test_an_import_is_entered_in_the_audit_trail(county: Pool) -> None:
    async with transaction(county, SERVICE) as tx:
        entry = await tx.fetchrow("SELECT actor, action, after FROM audit_entry")
    assert entry is not None
    assert (entry["actor"], entry["action"]) == (OPERATOR.subject, "divisions.imported")


async def test_an_abolished_code_is_unknown_and_may_be_given_again(county: Pool, database: Database) -> None:
    async with transaction(county, OPERATOR) as tx:
        before = await division_id(tx, DivisionCode(VILLAGE))
        await tx.execute("UPDATE division SET valid_to = '2026-01-01' WHERE id = $1", before)
    async with transaction(county, SERVICE) as tx:
        with pytest.raises(DivisionUnknown):
            await division_id(tx, DivisionCode(VILLAGE))
    await import_divisions(county, OPERATOR, [row(VILLAGE, OTHER_TOWN)])
    async with transaction(county, SERVICE) as tx:
        assert await division_id(tx, DivisionCode(VILLAGE)) != before
