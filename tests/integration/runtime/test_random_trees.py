"""Whatever tree is imported, in whatever order and in however many parts: the closure knows every ancestor."""

import asyncio
from collections.abc import Mapping
from typing import TypeAlias

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qingdan.divisions import COUNTRY, DivisionCode, DivisionLevel
from runtime.db import Pool, transaction
from runtime.divisions import DivisionRow, import_divisions
from tests.integration.runtime.conftest import OPERATOR, SERVICE, OpenSession

Tree: TypeAlias = Mapping[DivisionCode, DivisionCode | None]

LEVELS = list(DivisionLevel)
# How many digits a level's codes have before the zeros. Prefixes say nothing of the place in the tree.
DIGITS = {"province": 2, "city": 4, "county": 6, "township": 9, "village": 12}


def code_of(level: str, number: int) -> DivisionCode:
    return DivisionCode(f"{11 + number:0{DIGITS[level]}d}".ljust(12, "0"))


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """Up to fourteen nodes, each below any node of any higher level, or below the country."""
    numbers = draw(st.lists(st.tuples(st.sampled_from(sorted(DIGITS)), st.integers(0, 80)), max_size=14, unique=True))
    codes = [code_of(level, number) for level, number in numbers]
    tree: dict[DivisionCode, DivisionCode | None] = {}
    for code in codes:
        above = [other for other in codes if LEVELS.index(other.level) < LEVELS.index(code.level)]
        tree[code] = draw(st.sampled_from([None, *above]))
    return tree


def row_of(code: DivisionCode, parent: DivisionCode | None) -> DivisionRow:
    return DivisionRow(code=code, name_zh=f"区划{code}", parent_code=parent)


def closure_of(tree: Tree) -> set[tuple[str, str, int]]:
    """Ancestor, descendant and depth of every pair, reckoned here."""
    pairs = {(str(COUNTRY), str(COUNTRY), 0)}
    for code in tree:
        ancestor: DivisionCode | None = code
        depth = 0
        while ancestor is not None and ancestor != COUNTRY:
            pairs.add((ancestor, code, depth))
            ancestor, depth = tree[ancestor], depth + 1
        pairs.add((COUNTRY, code, depth))
    return pairs


async def closure_in(pool: Pool) -> set[tuple[str, str, int]]:
    async with transaction(pool, SERVICE) as tx:
        rows = await tx.fetch(
            "SELECT a.code AS ancestor, d.code AS descendant, c.depth FROM division_closure c"
            " JOIN division a ON a.id = c.ancestor_id JOIN division d ON d.id = c.descendant_id"
        )
    return {(row["ancestor"], row["descendant"], row["depth"]) for row in rows}


async def forget_the_tree(superuser: OpenSession) -> None:
    async with superuser() as session:
        await session.execute("DELETE FROM division_closure WHERE depth > 0 OR descendant_id <> 1")
        await session.execute("DELETE FROM division WHERE id <> 1")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=trees(), data=st.data())
async def test_any_tree_in_any_order_and_parts_has_its_whole_closure(
    pool: Pool, superuser: OpenSession, tree: Tree, data: st.DataObject
) -> None:
    await forget_the_tree(superuser)
    from_the_top = sorted(tree, key=lambda code: LEVELS.index(code.level))
    cut = data.draw(st.integers(0, len(from_the_top)))
    added = 0
    for part in (from_the_top[:cut], from_the_top[cut:], from_the_top):  # the last repeats them all
        shuffled = data.draw(st.permutations(part))
        added += (await import_divisions(pool, OPERATOR, [row_of(code, tree[code]) for code in shuffled])).added
    assert added == len(tree)
    assert await closure_in(pool) == closure_of(tree)


async def test_operators_who_import_together_in_opposite_orders_wait_for_each_other(pool: Pool) -> None:
    towns = {code_of("township", number): None for number in range(900)}
    rows = [row_of(code, parent) for code, parent in towns.items()]
    renamed = [row.model_copy(update={"name_zh": "新名"}) for row in rows]
    imported = await asyncio.gather(
        *(import_divisions(pool, OPERATOR, order) for order in (rows, rows[::-1], rows, rows[::-1]))
    )
    assert sum(one.added for one in imported) == len(towns)
    await asyncio.gather(*(import_divisions(pool, OPERATOR, order) for order in (renamed, rows[::-1]) * 3))
    assert await closure_in(pool) == closure_of(towns)
