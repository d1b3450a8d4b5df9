"""Use case: the list as it stood on a day, whole or one item of it."""

from datetime import date

from pydantic import BaseModel

from qingdan.ids import ItemCode, ListCode
from runtime.actor import Actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from tasks import list_store
from tasks.list_rules import Item, ItemUnknown, ListVersion, NegativeEntry


class ListView(BaseModel):
    """One version of a list."""

    list_code: ListCode
    version: int
    effective_on: date
    items: list[Item]
    negative: list[NegativeEntry]


class ItemView(Item):
    """One item, and the version of the list that it stands in."""

    list_version: int


async def show_list(pool: Pool, actor: Actor, list_code: ListCode, as_of: date | None) -> ListView:
    """The version in force on that day (today, unless given). Raises NoListInForce."""
    standing = await _in_force(pool, actor, list_code, as_of)
    return ListView(
        list_code=standing.list_code,
        version=standing.version,
        effective_on=standing.effective_on,
        items=list(standing.items),
        negative=list(standing.negative),
    )


async def show_item(pool: Pool, actor: Actor, list_code: ListCode, code: ItemCode, as_of: date | None) -> ItemView:
    """Raises NoListInForce, ItemUnknown."""
    standing = await _in_force(pool, actor, list_code, as_of)
    item = standing.item(code)
    if item is None:
        raise ItemUnknown(item=code, list_version=standing.version)
    return ItemView(**item.model_dump(), list_version=standing.version)


async def _in_force(pool: Pool, actor: Actor, list_code: ListCode, as_of: date | None) -> ListVersion:
    async with transaction(pool, actor) as tx:
        return await list_store.list_in_force(tx, list_code, as_of or business_date(utcnow()))
