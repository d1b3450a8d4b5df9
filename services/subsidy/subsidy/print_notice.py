"""Use case: a frozen run's public notice as a document to be printed and put up, a village after the other."""

import asyncio
from pathlib import Path

from qingdan.divisions import DivisionCode
from qingdan.ids import ProgrammeCode, RunId
from qingdan.money import Fen
from runtime.actor import Actor, service_actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from subsidy import identity_store, notice_page_rules, notice_rules, notice_store
from subsidy.notice_page_rules import PRINTED_MAX, Line
from subsidy.why_titles_rules import Said


async def print_notice(
    pool: Pool,
    actor: Actor,
    run: RunId,
    key_file: Path,
    *,
    programme: ProgrammeCode | None,
    division: DivisionCode | None,
) -> str:
    """What show_notice shows of a place and everything in it, as far as the actor sees it, as one HTML document.

    Identities are opened for this answer and kept nowhere. Raises NotFound, NoNoticeYet, TooMuchToPrint.
    """
    service = service_actor("subsidy")
    async with transaction(pool, service) as tx:  # who is of a village does not see the county's run
        notice = await notice_store.find_notice(tx, run, actor.division)
        notice_rules.require_published(notice)
        heading = await notice_store.heading_of(tx, notice)
    async with transaction(pool, actor) as tx:
        rows = await notice_store.list_printed(
            tx, notice, programme=programme, division=division, limit=PRINTED_MAX + 1
        )
    if len(rows) > PRINTED_MAX:
        raise notice_page_rules.TooMuchToPrint(items_max=PRINTED_MAX)
    people = sorted({row["named"] for row in rows if row["named"] and row["nameless"] is None})
    async with transaction(pool, service) as tx:
        seals = await notice_store.seals_of(tx, people)
    opened = await asyncio.to_thread(identity_store.open_names, seals, key_file)
    names = {person: notice_rules.masked(name) for person, name in opened.items()}
    lines = [
        Line(
            division=row["division"],
            division_name=row["division_name"],
            programme=row["programme"],
            title=Said(zh=row["title_zh"], en=row["title_en"]),
            law=row["law"],
            name=None if row["nameless"] else names.get(row["named"], notice_rules.UNKNOWN),
            nameless=notice_rules.WHY_NAMELESS.get(row["nameless"]),
            occurrence=notice_rules.shown_occurrence(row["occurrence"]),
            amount_fen=Fen(row["amount_fen"]),
            item=row["item"],
        )
        for row in rows
    ]
    return await asyncio.to_thread(notice_page_rules.page, heading, lines, printed_on=business_date(utcnow()))
