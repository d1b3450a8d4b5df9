"""Arrays as octets: NumPy's own archive under zlib, to be kept for years and read by anything that knows either.

The archive, NPZ: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. zlib: RFC 1950.
Only what imports this needs numpy.
"""

import io
import zlib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

LEVEL: Final = 1
"""Of compression: what is higher takes three times as long for a tenth less."""


class ArraysUnlike(ValueError):
    """These octets are no archive of arrays, or were cut or changed."""


def packed(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """All of them, by name."""
    archive = io.BytesIO()
    np.savez(archive, allow_pickle=False, **arrays)
    return zlib.compress(archive.getbuffer(), LEVEL)


def unpacked(octets: bytes) -> dict[str, NDArray[Any]]:
    """What was packed; nothing that could be code is ever read. Raises ArraysUnlike."""
    try:
        with np.load(io.BytesIO(zlib.decompress(octets)), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (zlib.error, ValueError, OSError, KeyError, EOFError) as error:
        raise ArraysUnlike() from error
