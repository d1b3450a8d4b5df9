"""Every SQL statement on refused asks to hang a sign."""

from collections.abc import Sequence

import asyncpg

from qingdan.ids import SignId
from qingdan.signage_events import SignRefused
from runtime.db import Tx
from signage.division_store import Village
from signage.sign_rules import AskedSign, Listed


async def insert_refused(
    tx: Tx, event: SignRefused, asked: AskedSign, village: Village, rule_version: int, listed: Listed | None
) -> None:
    """Keep a no, with the versions of rules and list that it stands on."""
    await tx.execute(
        "INSERT INTO refused_request (id, division_id, department, wording, position, code, reason, rule_version,"
        " refused_on, list_version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        *(event.sign, village.id, event.department, asked.wording, asked.position, event.code, event.reason),
        *(rule_version, event.refused_on, listed and listed.version),
    )


async def list_refused(tx: Tx, *, department: str | None, after: SignId | None, limit: int) -> Sequence[asyncpg.Record]:
    """Refused asks by id, after the one that `after` names."""
    return await tx.fetch(
        "SELECT r.id AS sign, d.code AS village, r.department, r.wording, r.position, r.code, r.reason,"
        " r.rule_version, r.list_version, r.refused_on"
        " FROM refused_request r JOIN division d ON d.id = r.division_id"
        " WHERE ($1::text IS NULL OR r.department = $1) AND ($2::uuid IS NULL OR r.id > $2) ORDER BY r.id LIMIT $3",
        department,
        after,
        limit,
    )
