"""Every SQL statement on the responsibility list that the tasks service publishes."""

from collections.abc import Iterable
from datetime import date

from qingdan.access_events import ListVersionTookEffect
from qingdan.ids import ListCode
from runtime.db import Tx


async def insert_versions(tx: Tx, versions: Iterable[ListVersionTookEffect]) -> None:
    """Keep whole versions; one that is told again is there already and never changes."""
    await tx.executemany(
        "INSERT INTO list_version (list_code, version, effective_on, body) VALUES ($1, $2, $3, $4::jsonb)"
        " ON CONFLICT DO NOTHING",
        [(told.list_code, told.version, told.effective_on, told.model_dump_json()) for told in versions],
    )


async def list_in_force(tx: Tx, list_code: ListCode, as_of: date) -> ListVersionTookEffect | None:
    """The version in force on that day; None as long as none has been heard of."""
    body: str | None = await tx.fetchval(
        "SELECT body FROM list_version WHERE list_code = $1 AND effective_on <= $2 ORDER BY version DESC LIMIT 1",
        list_code,
        as_of,
    )
    return None if body is None else ListVersionTookEffect.model_validate_json(body)
