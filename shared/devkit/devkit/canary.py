"""The canary scanner: looks through all that a run leaves behind for personal data that was put in on purpose."""

import base64
import gzip
import json
import mmap
import urllib.parse
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SHORT_MIN: Final = 3
"""A Base64 form loses up to two bytes at each end; what is left must still be unmistakable."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where a canary was seen, and in which form; the canary itself is only named."""

    place: str
    canary: str
    form: str

    def __str__(self) -> str:
        return f"{self.place}: the {self.canary} of the canary, as {self.form}"


def forms_of(text: str) -> Iterator[tuple[str, bytes]]:
    """A text in every form in which it could leak: encodings, escapes, Base64 at any alignment, hexadecimal."""
    raw = text.encode()
    yield "UTF-8", raw
    yield "UTF-16", text.encode("utf-16-le")
    escaped = json.dumps(text)[1:-1].encode()
    yield "a JSON escape", escaped
    yield "a JSON escape in upper case", escaped.upper().replace(b"\\U", b"\\u")
    yield "a percent encoding", urllib.parse.quote(text).encode()
    yield "hexadecimal", raw.hex().encode()
    yield "upper-case hexadecimal", raw.hex().upper().encode()
    yield "repr of bytes", repr(raw)[2:-1].encode()
    for shift in range(3):
        # Only whole groups of four say the same wherever the text stands.
        padded = raw[(3 - shift) % 3 :]
        whole = padded[: len(padded) // 3 * 3]
        if len(whole) >= 2 * SHORT_MIN:
            yield f"Base64, shifted by {shift}", base64.b64encode(whole)
            yield f"Base64 for URLs, shifted by {shift}", base64.urlsafe_b64encode(whole)


def needles(canaries: Mapping[str, str]) -> list[tuple[str, str, bytes]]:
    """(canary's name, form, bytes to look for), each byte string once. Raises ValueError for a canary too short."""
    found: dict[bytes, tuple[str, str]] = {}
    for name, text in canaries.items():
        if len(text.encode()) < 2 * SHORT_MIN:
            raise ValueError(f"a {name} of less than {2 * SHORT_MIN} bytes would be seen everywhere")
        for form, raw in forms_of(text):
            found.setdefault(raw, (name, form))
    return [(name, form, raw) for raw, (name, form) in found.items()]


def scan_bytes(place: str, content: bytes | mmap.mmap, canaries: Mapping[str, str]) -> list[Sighting]:
    """Every form of every canary in `content`, once each."""
    return [Sighting(place, name, form) for name, form, raw in needles(canaries) if content.find(raw) >= 0]


def scan_files(folders: Iterable[Path], canaries: Mapping[str, str]) -> "Scan":
    """Every regular file below the folders, whatever it is; what is compressed with gzip is opened too."""
    sightings: list[Sighting] = []
    files = size = 0
    for path in sorted({path for folder in folders for path in folder.rglob("*")}):
        if not path.is_file() or path.is_symlink() or not path.stat().st_size:
            continue
        files, size = files + 1, size + path.stat().st_size
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            sightings += scan_bytes(str(path), content, canaries)
            if content[:2] == b"\x1f\x8b":
                sightings += scan_bytes(f"{path} (unpacked)", _unpacked(bytes(content)), canaries)
    return Scan(tuple(sightings), files, size)


@dataclass(frozen=True, slots=True)
class Scan:
    """What was looked at and what was seen."""

    sightings: Sequence[Sighting]
    files: int
    size_bytes: int


def _unpacked(content: bytes) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        return b""
