"""The content of files for banks at rest: compressed, cut into parts, each sealed to the service; and back."""

import base64
import zlib
from collections.abc import Iterator, Sequence
from typing import Annotated, Final, NamedTuple

from pydantic import Field

from qingdan.event import ContractModel
from qingdan.sealed import Sealed, WrappedKey
from runtime import sealing
from runtime.db import Tx
from runtime.sealing import ContentKey, PrivateKeys
from subsidy import identity_store
from subsidy.bank_file_rules import BankFileId

PARTS_AT_ONCE: Final = 100
_PART_BYTES: Final = 9_000  # sealed, 16,023 characters of the 16,384 that a sealed body may have
_TYPE: Final = "bank-file.part"


class Part(ContractModel):
    """A piece of a file, compressed: what is sealed."""

    content: Annotated[str, Field(max_length=13_000, repr=False)]


class Place(NamedTuple):
    """Where a part stands in its file."""

    place: int
    part: int


class SealedPart(NamedTuple):
    """A part as it rests."""

    at: Place
    sealed: str


def wrap(key: ContentKey, keys: PrivateKeys) -> WrappedKey:
    """The content key for the service's newest own key. Raises ValueError when the key file holds none."""
    return sealing.wrap(key, keys.newest(identity_store.RECIPIENT))


def unwrap(wrapped: WrappedKey, keys: PrivateKeys) -> ContentKey:
    """Raises Unsealable."""
    return sealing.unwrap(wrapped, keys, "A256GCM")


def seal(key: ContentKey, file: BankFileId, place: int, content: bytes) -> list[SealedPart]:
    """What stands in one place of the file, as it rests."""
    packed = zlib.compress(content, 6)
    parts = []
    for part, begin in enumerate(range(0, len(packed), _PART_BYTES), 1):
        clear = Part(content=base64.b64encode(packed[begin : begin + _PART_BYTES]).decode())
        bound_to = f"{file}/{place}/{part}"
        sealed = sealing.seal(key, clear, event_type=_TYPE, event_key=bound_to)
        parts.append(SealedPart(Place(place, part), sealed.model_dump_json()))
    return parts


class Opener:
    """Opens the parts of a file in their order; what stands in a place is cut anywhere."""

    def __init__(self, key: ContentKey, file: BankFileId) -> None:
        self._key, self._file, self._place, self._unpack = key, file, -1, zlib.decompressobj()

    def opened(self, parts: Sequence[SealedPart]) -> Iterator[bytes]:
        """The content of these parts in the clear, which go on where the last ones ended. Raises Unsealable."""
        for at, sealed in parts:
            if at.place != self._place:
                self._place, self._unpack = at.place, zlib.decompressobj()
            clear = sealing.unseal(
                self._key,
                Sealed.model_validate_json(sealed),
                Part,
                event_type=_TYPE,
                event_key=f"{self._file}/{at.place}/{at.part}",
            )
            yield self._unpack.decompress(base64.b64decode(clear.content))


async def insert_parts(tx: Tx, file: BankFileId, parts: Sequence[SealedPart]) -> None:
    await tx.execute(
        "INSERT INTO bank_file_part (file_id, place, part, sealed)"
        " SELECT $1, * FROM unnest($2::int[], $3::int[], $4::text[])",
        file,
        [part.at.place for part in parts],
        [part.at.part for part in parts],
        [part.sealed for part in parts],
    )


async def parts_of(tx: Tx, file: BankFileId, *, after: Place | None) -> list[SealedPart]:
    """The next parts, at most a hundred (some 1.6 MB), behind that place; none behind the last."""
    rows = await tx.fetch(
        "SELECT place, part, sealed FROM bank_file_part WHERE file_id = $1 AND (place, part) > ($2, $3)"
        " ORDER BY place, part LIMIT $4",
        *(file, *(after or Place(-1, 0)), PARTS_AT_ONCE),
    )
    return [SealedPart(Place(row["place"], row["part"]), row["sealed"]) for row in rows]
