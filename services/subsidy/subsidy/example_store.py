"""Every SQL statement on the examples that versions of the programmes were published with."""

import json
from collections.abc import Mapping, Sequence

from runtime.db import Tx
from subsidy.check_rules import Kept
from subsidy.programme_rules import Example


async def insert_examples(tx: Tx, version: int, examples: Mapping[tuple[str, str], Example]) -> None:
    """Keep what the version promises, by programme and name."""
    await tx.executemany(
        "INSERT INTO programme_example (version, programme, name, facts, eligible, amount_fen)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        [
            (
                *(version, programme, name, json.dumps(each.model_dump(mode="json")["facts"], ensure_ascii=False)),
                *(each.eligible, each.amount_fen if each.eligible else None),
            )
            for (programme, name), each in examples.items()
        ],
    )


async def newest_of(tx: Tx, programmes: Sequence[str], *, until: int | None = None) -> list[Kept]:
    """The newest example of each name that these programmes were published with, up to that version where one is named;
    by programme and name."""
    rows = await tx.fetch(
        "SELECT DISTINCT ON (programme, name) version, programme, name, facts::text, eligible, amount_fen"
        " FROM programme_example WHERE programme = ANY($1::text[]) AND ($2::integer IS NULL OR version <= $2)"
        " ORDER BY programme, name, version DESC",
        programmes,
        until,
    )
    return [Kept(_example(dict(row)), row["version"]) for row in rows]


def _example(row: dict[str, object]) -> Example:
    facts = json.loads(str(row["facts"]))
    members = {name: row[name] for name in ("programme", "name", "eligible", "amount_fen")}
    return Example.model_validate(members | {"facts": facts})
