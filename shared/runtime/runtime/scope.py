"""Scope: tell PostgreSQL who is asking, so that row-level security decides what exists for them."""

from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from runtime.actor import Actor
from runtime.problems import Forbidden

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

# One round trip. An unknown code leaves '' behind, which the policies read as NULL: nothing is visible.
_APPLY = """
SELECT set_config('app.actor', $1, true), set_config('app.kind', $2, true), set_config('app.department', $3, true),
       set_config('app.division', coalesce(
           (SELECT id::text FROM division WHERE code = $4 AND valid_to IS NULL), ''), true) AS division
"""


class DivisionNotKnownHere(Forbidden):
    """Your token names a division that this service does not know. 令牌中的区划在本服务中不存在。

    Ask the operator to import the division tree. 请联系运维导入区划树。
    """


async def apply(connection: Connection, actor: Actor) -> None:
    """Bind the actor to the transaction under way; the settings end with it.

    Raises DivisionNotKnownHere.
    """
    row = await connection.fetchrow(_APPLY, actor.subject, actor.kind, actor.app_department, str(actor.division))
    if row is None or not row["division"]:
        raise DivisionNotKnownHere()
