"""Use case: what a frozen run comes to, as the public may see it."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import UUID

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import PersonId, ProgrammeCode, RunId
from qingdan.money import FenPaid
from runtime.actor import Actor, service_actor
from runtime.db import Pool, transaction
from runtime.sealing import PrivateKeys, Unsealable
from subsidy import identity_store, notice_rules, notice_store
from subsidy.identity_store import SealedIdentity

_UNKNOWN: Final = "姓名不详 the name is not known"


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
    nameless = {row["programme"]: notice_rules.why_nameless(row["programme"]) for row in rows}
    people = sorted({row["named"] for row in rows if row["named"] and not nameless[row["programme"]]})
    async with transaction(pool, service) as tx:
        seals = await notice_store.seals_of(tx, people)
    names = await asyncio.to_thread(_masked, seals, key_file)
    items = []
    for row in rows:
        why = nameless[row["programme"]]
        name = None if why else names.get(row["named"])
        items.append(
            NoticeItem(
                item=row["item"],
                programme=row["programme"],
                title_zh=row["title_zh"],
                title_en=row["title_en"],
                name=name,
                nameless=why or (None if name else _UNKNOWN),
                division=row["division"],
                division_name=row["division_name"],
                occurrence=None if _is_of_somebody(row["occurrence"]) else row["occurrence"],
                amount_fen=row["amount_fen"],
                place=(row["programme"], row["beneficiary"], row["occurrence"]),
            )
        )
    return items


def _masked(seals: list[SealedIdentity], key_file: Path) -> dict[PersonId, str]:
    keys, names = PrivateKeys.read(key_file), dict[PersonId, str]()
    for seal in seals:
        with suppress(Unsealable):  # forgotten, or another's: published without a name
            names[seal.person] = notice_rules.masked(identity_store.open_identity(seal, keys).name)
    return names


def _is_of_somebody(occurrence: str) -> bool:
    """Whether it is a person's or a business's identifier rather than a month, a year or `ever`."""
    return len(occurrence) > len("2026-07")
