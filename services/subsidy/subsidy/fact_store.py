"""Every SQL statement by which facts come in and go: set-based, a whole run at a time.

The names of columns come from our own vocabulary, never from an event.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from runtime.db import Tx
from subsidy.fact_rules import LIST_SEPARATOR, DatasetState, Gone
from subsidy.vocabulary_rules import RECORDED, Entity, FactDefinition

COLUMN_TYPES: Final[Mapping[str, str]] = {
    "bool": "boolean",
    "int": "bigint",
    "string": "text",
    "list": "text[]",
    "date": "date",
}

# What is as old as what is there is a correction; behind a tombstone only what is newer counts.
_ENTER = """
INSERT INTO dataset_state AS s (subject, dataset, system, source_time, present)
SELECT e.*, true FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) AS e
ON CONFLICT (subject, dataset) DO UPDATE SET
    system = excluded.system, source_time = excluded.source_time, present = true
WHERE excluded.source_time > s.source_time OR (excluded.source_time = s.source_time AND s.present)
RETURNING subject, dataset, xmax = 0 AS arrived
"""

# A household lies where its head is registered; of two heads the living one counts.
_PLACE_HOUSEHOLDS = """
UPDATE household h SET division_id = head.division_id
FROM (
    SELECT DISTINCT ON (member_of_household) member_of_household, division_id FROM person
    WHERE relation_to_head = 'head' AND member_of_household = ANY($1::text[])
    ORDER BY member_of_household, is_alive IS FALSE, id
) AS head
WHERE h.household_code = head.member_of_household AND h.division_id <> head.division_id
"""


async def enter_states(tx: Tx, states: Iterable[DatasetState]) -> list[DatasetState]:
    """Those that are newer than what is known, in the order of their keys; the rest is late and changes nothing."""
    ordered = sorted(states, key=_key)  # one order for all, or two consumers would wait for each other
    rows = await tx.fetch(
        _ENTER,
        [state.subject for state in ordered],
        [state.dataset for state in ordered],
        [state.system for state in ordered],
        [state.source_time for state in ordered],
    )
    arrived = Counter(row["dataset"] for row in rows if row["arrived"])
    if arrived:
        await tx.execute(
            "INSERT INTO register_count AS r (dataset, arrived) SELECT * FROM unnest($1::text[], $2::bigint[])"
            " ON CONFLICT (dataset) DO UPDATE SET arrived = r.arrived + excluded.arrived",
            sorted(arrived),
            [arrived[dataset] for dataset in sorted(arrived)],
        )
    newer = {(row["subject"], row["dataset"]) for row in rows}
    return [state for state in ordered if _key(state) in newer]


async def save_states(tx: Tx, entity: Entity, dataset: str, states: Sequence[DatasetState]) -> None:
    """Write what one register says of people or households, at most one state of each."""
    facts = list(RECORDED.get((entity, dataset), {}).values())
    columns = [[state.values[at] for state in states] for at in range(len(facts))]
    await tx.execute(_upsert(entity, facts), dataset, [state.id for state in states], *columns)


def _upsert(entity: Entity, facts: Sequence[FactDefinition]) -> str:
    """The statement that writes these facts; $1 is the register, $2 the ids, then a column for each fact."""
    names = [fact.name for fact in facts]
    arrays = [f"${at}::{_array(fact)}" for at, fact in enumerate(facts, 3)]
    values = [f"string_to_array(e.{f.name}, '{LIST_SEPARATOR}')" if f.type == "list" else f"e.{f.name}" for f in facts]
    placed = "hukou_village_code" in names
    if placed:
        names, values = [*names, "division_id"], [*values, "coalesce(d.id, 1)"]
    changed = "".join(f", {name} = excluded.{name}" for name in names)
    held = "(SELECT 1::bigint << number FROM register_number WHERE dataset = $1)"
    return (
        f"INSERT INTO {entity} AS t ({', '.join(['id', 'registers', 'held', *names])})"  # noqa: S608
        f" SELECT {', '.join(['e.id', 'ARRAY[$1::text]', held, *values])}"
        f" FROM unnest({', '.join(['$2::uuid[]', *arrays])}) AS e({', '.join(['id', *(f.name for f in facts)])})"
        f"{' LEFT JOIN division d ON d.code = e.hukou_village_code AND d.valid_to IS NULL' if placed else ''}"
        " ON CONFLICT (id) DO UPDATE SET registers = CASE WHEN t.registers @> excluded.registers THEN t.registers"
        f" ELSE t.registers || excluded.registers END, held = t.held | excluded.held{changed}"
    )


def _array(fact: FactDefinition) -> str:
    return "text[]" if fact.type == "list" else f"{COLUMN_TYPES[fact.type]}[]"


async def place_households(tx: Tx, household_codes: Collection[str]) -> None:
    """Put these households where their heads are registered."""
    await tx.execute(_PLACE_HOUSEHOLDS, sorted(household_codes))


async def count_ignored(tx: Tx, ignored: Mapping[tuple[str, str], int]) -> None:
    """Add to the count of facts that say nothing to the rules, by data set and name."""
    keys = sorted(ignored)
    await tx.execute(
        "INSERT INTO fact_ignored AS f (dataset, name, times)"
        " SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])"
        " ON CONFLICT (dataset, name) DO UPDATE SET times = f.times + excluded.times",
        [dataset for dataset, _ in keys],
        [name for _, name in keys],
        [ignored[key] for key in keys],
    )


async def forget_states(tx: Tx, gone: Sequence[Gone]) -> list[Gone]:
    """Mark what is gone; those of them that were there, in the order of their keys."""
    ordered = sorted(gone, key=_key)
    rows = await tx.fetch(
        "UPDATE dataset_state s SET present = false FROM unnest($1::text[], $2::text[]) AS e(subject, dataset)"
        " WHERE s.subject = e.subject AND s.dataset = e.dataset AND s.present RETURNING s.subject, s.dataset",
        [each.subject for each in ordered],
        [each.dataset for each in ordered],
    )
    there = {(row["subject"], row["dataset"]) for row in rows}
    return [each for each in ordered if _key(each) in there]


async def clear_facts(tx: Tx, entity: Entity, dataset: str, ids: Sequence[str]) -> None:
    """Take away what one register said of people or households; who is in no register any more has no row."""
    names = list(RECORDED.get((entity, dataset), {}))
    cleared = "".join(f", {name} = NULL" for name in names)
    placed = ", division_id = 1" if "hukou_village_code" in names else ""
    await tx.execute(
        f"UPDATE {entity} SET registers = array_remove(registers, $1),"  # noqa: S608
        f" held = held & ~(SELECT 1::bigint << number FROM register_number WHERE dataset = $1){cleared}{placed}"
        " WHERE id = ANY($2::uuid[])",
        dataset,
        ids,
    )
    await tx.execute(f"DELETE FROM {entity} WHERE id = ANY($1::uuid[]) AND registers = '{{}}'", ids)  # noqa: S608


def _key(state: DatasetState | Gone) -> tuple[str, str]:
    return state.subject, state.dataset
