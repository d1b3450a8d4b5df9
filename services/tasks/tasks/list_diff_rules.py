"""What changed between two versions of a list: rows added, rows removed, and fields that became different."""

from collections.abc import Iterable
from typing import TypeVar

from pydantic import BaseModel, Field, JsonValue

from qingdan.ids import ItemCode, ListCode
from tasks.list_rules import Item, ListVersion, NegativeEntry

Row = Item | NegativeEntry
R = TypeVar("R", Item, NegativeEntry)


class ChangedField(BaseModel):
    """A field of a row that stands in both versions."""

    field: str
    before: JsonValue
    after: JsonValue


class ChangedRow(BaseModel):
    """A row of that code is in both versions, and is not the same."""

    code: ItemCode
    fields: list[ChangedField]


class ListDiff(BaseModel):
    """From one version to another; rows by code, items before negative entries."""

    list_code: ListCode
    earlier: int = Field(description="a version")
    later: int = Field(description="a version")
    added: list[Item]
    removed: list[Item]
    changed: list[ChangedRow]
    negative_added: list[NegativeEntry]
    negative_removed: list[NegativeEntry]
    negative_changed: list[ChangedRow]


def diff(one: ListVersion, other: ListVersion) -> ListDiff:
    """What to do to `one` to make it `other`."""
    return ListDiff(
        list_code=one.list_code,
        earlier=one.version,
        later=other.version,
        added=_missing(other.items, one.items),
        removed=_missing(one.items, other.items),
        changed=_changed(one.items, other.items),
        negative_added=_missing(other.negative, one.negative),
        negative_removed=_missing(one.negative, other.negative),
        negative_changed=_changed(one.negative, other.negative),
    )


def _missing(rows: Iterable[R], there: Iterable[R]) -> list[R]:
    codes = {row.code for row in there}
    return sorted((row for row in rows if row.code not in codes), key=lambda row: row.code)


def _changed(before: Iterable[Row], after: Iterable[Row]) -> list[ChangedRow]:
    was = {row.code: row.model_dump(mode="json") for row in before}
    found = []
    for row in sorted(after, key=lambda row: row.code):
        old, new = was.get(row.code), row.model_dump(mode="json")
        if old is not None and old != new:
            names = [name for name in new if old[name] != new[name]]
            fields = [ChangedField(field=name, before=old[name], after=new[name]) for name in names]
            found.append(ChangedRow(code=row.code, fields=fields))
    return found
