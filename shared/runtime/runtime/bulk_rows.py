"""Rows in bulk: PostgreSQL's binary COPY format, in rows of a fixed width, as numpy reads and writes them.

Only what imports this needs numpy: a service that reads or writes in bulk names it among its dependencies.

Source: https://www.postgresql.org/docs/18/sql-copy.html, "Binary Format": a signature, for each row the number of its
fields and each field behind its length in octets, all in network byte order, and a trailer.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER: Final = b"\xff\xff"


class RowsUnlike(ValueError):
    """What came is not the format, or a row has another width than was asked for."""


def row_type(fields: Sequence[tuple[str, str]]) -> np.dtype[Any]:
    """A row: its fields by name and numpy type, the two halves of a uuid as one field of two `>u8`, called `uuid`."""
    parts: list[tuple[str, Any]] = [("_fields", ">i2")]
    for name, kind in fields:
        parts.append((f"_{name}", ">i4"))
        parts.append((name, (">u8", (2,)) if kind == "uuid" else kind))
    return np.dtype(parts)


def new_rows(fields: Sequence[tuple[str, str]], many: int) -> NDArray[Any]:
    """So many rows with their lengths in place, to be filled by field."""
    kind = row_type(fields)
    rows = np.zeros(many, kind)
    rows["_fields"] = len(fields)
    for name, _ in fields:
        rows[f"_{name}"] = kind[name].itemsize
    return rows


class Rows:
    """Takes the bytes of a COPY as they come, cut anywhere, and keeps whole rows of them."""

    AT_ONCE: Final = 16_384

    def __init__(self, kind: np.dtype[Any]) -> None:
        self._kind, self._rest, self._begun = kind, bytearray(), False
        self._blocks: list[NDArray[Any]] = []

    def take(self, data: bytes) -> None:
        """The next bytes. Raises RowsUnlike."""
        self._rest += data
        if not self._begun:
            if len(self._rest) < len(SIGNATURE):
                return
            if not self._rest.startswith(SIGNATURE):
                raise RowsUnlike()
            del self._rest[: len(SIGNATURE)]
            self._begun = True
        if len(self._rest) >= self.AT_ONCE * self._kind.itemsize:
            self._keep()

    def finish(self) -> "Rows":
        """After the last bytes. Raises RowsUnlike when they do not end where a row ends."""
        self._keep()
        if self._rest != TRAILER:
            raise RowsUnlike()
        return self

    def column(self, name: str, kind: Any) -> NDArray[Any]:
        """A field of all rows; of a uuid its two halves."""
        parts = [block[name].astype(kind) for block in self._blocks]
        return np.concatenate(parts) if parts else np.empty((0, *self._kind[name].shape), kind)

    def _keep(self) -> None:
        size = self._kind.itemsize
        rows = max(len(self._rest) - len(TRAILER), 0) // size
        if not rows:
            return
        block = np.frombuffer(bytes(self._rest[: rows * size]), self._kind)
        fields = [name for name in self._kind.names or () if name.startswith("_") and name != "_fields"]
        if any((block[name] != self._kind[name[1:]].itemsize).any() for name in fields):
            raise RowsUnlike()
        self._blocks.append(block)
        del self._rest[: rows * size]
