"""Use case: the lines of the burden ledger as a CSV file."""

from datetime import date

from qingdan.divisions import DivisionCode
from runtime.actor import Actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.divisions import id_in_scope
from tasks import burden_rules, burden_store


async def export_burden(
    pool: Pool, actor: Actor, division: DivisionCode | None, from_month: date | None, to_month: date | None
) -> bytes:
    """The same lines as `show_burden`, in UTF-8 with a byte order mark, which spreadsheets need.

    Raises DivisionUnknown, MonthsOutOfOrder.
    """
    first, last = burden_rules.span(from_month, to_month, today=business_date(utcnow()))
    code = division or actor.division
    async with transaction(pool, actor) as tx:
        lines = await burden_store.lines_of(tx, await id_in_scope(tx, code), code.level, first, last)
    return burden_rules.write_lines(lines).encode("utf-8-sig")
