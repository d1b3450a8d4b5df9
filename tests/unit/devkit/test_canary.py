"""The scanner sees a canary in every form in which it could leak, in every kind of file, and nothing where none is."""

import base64
import gzip
import json
import logging
import urllib.parse
from pathlib import Path

import pytest

from devkit.canary import forms_of, needles, scan_bytes, scan_files

CANARIES = {"name": "金丝雀甄", "id number": "330523194910014217", "account": "6222990000123450404"}


@pytest.mark.parametrize("name", CANARIES)
@pytest.mark.parametrize("before", ["", "x", "xy", "xyz"])
def test_it_is_seen_in_base64_at_any_place(name: str, before: str) -> None:
    text = f"{before}{CANARIES[name]}and more"
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        assert [seen.canary for seen in scan_bytes("here", encode(text.encode()), CANARIES)] != []


@pytest.mark.parametrize("name", CANARIES)
@pytest.mark.parametrize(
    "leak",
    [
        lambda text: text.encode(),
        lambda text: text.encode("utf-16-le"),
        lambda text: json.dumps({"payee": text}).encode(),
        lambda text: json.dumps({"payee": text}, ensure_ascii=False).encode(),
        lambda text: urllib.parse.quote(f"/people/{text}").encode(),
        lambda text: text.encode().hex().encode(),
        lambda text: repr({"value": text.encode()}).encode(),
        lambda text: str(ValueError(f"Key (account)=({text}) already exists.")).encode(),
        lambda text: logging.makeLogRecord({"msg": "paid %s", "args": (text,)}).getMessage().encode(),
    ],
)
def test_it_is_seen_in_every_form(name: str, leak: object) -> None:
    content = leak(CANARIES[name])  # type: ignore[operator]
    assert {seen.canary for seen in scan_bytes("here", content, CANARIES)} == {name}


def test_what_is_masked_or_belongs_to_others_is_no_sighting() -> None:
    innocent = "金** **************4217 3305231949 张金丝 6222 9900 0012 3450 404".encode() + base64.b64encode(
        b"nothing"
    )
    assert scan_bytes("here", innocent, CANARIES) == []


def test_every_file_is_looked_at_and_the_sighting_does_not_repeat_it(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "00000.log").write_bytes(b"\0" * 5000 + CANARIES["account"].encode() + b"\0" * 5000)
    (tmp_path / "trace.gz").write_bytes(gzip.compress(CANARIES["name"].encode() * 3))
    (tmp_path / "empty.log").touch()
    (tmp_path / "clean.log").write_text("nobody")
    scan = scan_files([tmp_path], CANARIES)
    assert {(Path(seen.place.split(" ")[0]).name, seen.canary) for seen in scan.sightings} == {
        ("00000.log", "account"),
        ("trace.gz", "name"),
    }
    assert scan.files == 3
    assert scan.size_bytes > 10_000
    said = " ".join(str(seen) for seen in scan.sightings)
    assert not any(text in said for text in CANARIES.values())


def test_a_canary_that_would_be_seen_everywhere_is_refused() -> None:
    with pytest.raises(ValueError, match="everywhere"):
        needles({"name": "王"})


def test_each_form_is_another() -> None:
    forms = [raw for _, raw in forms_of(CANARIES["name"])]
    assert len(set(forms)) >= 10
