"""Use case: what a frozen run comes to, as the public may see it."""

import asyncio
from pathlib import Path
from uuid import UUID

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import ProgrammeCode, RunId
from qingdan.money import FenPaid
from runtime.actor import Actor, service_actor
from runtime.db import Pool, transaction
from subsidy import identity_store, notice_rules, notice_store


class NoticeItem(BaseModel):
    """One item of a notice: never a number, a phone or an account, and never a whole name."""

    item: str = Field(description="by this number somebody objects to it")
    programme: ProgrammeCode
    title_zh: str
    title_en: str
    name: str | None = Field(description="masked; null: not published by name 不公示姓名")
    nameless: str | None = Field(description="why there is no name")
    division: DivisionCode
    division_name: str
    occurrence: str | None = Field(description="what it is paid once for; null where that would name somebody")
    amount_fen: FenPaid
    place: tuple[str, UUID, str] = Field(exclude=True, repr=False)

    @property
    def position(self) -> tuple[str, UUID, str]:
        """Its place in the list, where the next page begins."""
        return self.place


async def show_notice(
    pool: Pool,
    actor: Actor,
    run: RunId,
    key_file: Path,
    *,
    programme: ProgrammeCode | None,
    division: DivisionCode | None,
    after: tuple[str, UUID, str] | None,
    limit: int,
) -> list[NoticeItem]:
    """At most `limit` items of the places that the actor sees, by programme, beneficiary and occurrence.

    A village sees its own notice. Identities are opened for this answer and kept nowhere. Raises NotFound, NoNoticeYet.
    """
    service = service_actor("subsidy")
    async with transaction(pool, service) as tx:  # who is of a village does not see the county's run
        notice = await notice_store.find_notice(tx, run, actor.division)
    notice_rules.require_published(notice)
    async with transaction(pool, actor) as tx:
        rows = await notice_store.list_items(
            tx, notice, programme=programme, division=division, after=after, limit=limit
        )
    people = sorted({row["named"] for row in rows if row["named"] and row["nameless"] is None})
    async with transaction(pool, service) as tx:
        seals = await notice_store.seals_of(tx, people)
    opened = await asyncio.to_thread(identity_store.open_names, seals, key_file)
    names = {person: notice_rules.masked(name) for person, name in opened.items()}
    items = []
    for row in rows:
        why = notice_rules.WHY_NAMELESS.get(row["nameless"])
        name = None if why else names.get(row["named"])
        items.append(
            NoticeItem(
                item=row["item"],
                programme=row["programme"],
                title_zh=row["title_zh"],
                title_en=row["title_en"],
                name=name,
                nameless=why or (None if name else notice_rules.UNKNOWN),
                division=row["division"],
                division_name=row["division_name"],
                occurrence=notice_rules.shown_occurrence(row["occurrence"]),
                amount_fen=row["amount_fen"],
                place=(row["programme"], row["beneficiary"], row["occurrence"]),
            )
        )
    return items
