"""Whatever arrives is accounted for: records in = handled + skipped + parked, and the next good one is handled."""

from collections.abc import Callable
from uuid import UUID

import pytest

from qingdan.envelope import VALUE_BYTES_MAX
from qingdan.topics import INSPECTION
from tests.broker.broker import Headers, Raw, record_of
from tests.broker.stage import Stage, assert_applied_once_in_order, settle, some_tasks, step_event

PARKED, SKIPPED = "parked", "skipped"
Spoil = Callable[[Raw], Raw]


def without(name: str) -> Spoil:
    return lambda raw: raw._replace(headers=[header for header in raw.headers if header[0] != name])


def header(name: str, value: bytes | None) -> Spoil:
    return lambda raw: raw._replace(headers=_with(raw.headers, name, value))


def value(new: bytes | None) -> Spoil:
    return lambda raw: raw._replace(value=new)


def key(new: bytes | None) -> Spoil:
    return lambda raw: raw._replace(key=new)


def _with(headers: Headers, name: str, value: bytes | None) -> Headers:
    return [(known, value if known == name else old) for known, old in headers] + (
        [] if any(known == name for known, _ in headers) else [(name, value)]
    )


SPOILT: dict[str, tuple[Spoil, str]] = {
    "bad JSON": (value(b'{"type": "share.progressed.v1", '), PARKED),
    "JSON of another shape": (value(b"[]"), PARKED),
    "not even text": (value(bytes(range(256))), PARKED),
    "empty": (value(b""), PARKED),
    "tombstone": (value(None), PARKED),
    "tombstone without headers": (lambda raw: Raw(raw.key, None, []), PARKED),
    "no headers": (lambda raw: raw._replace(headers=[]), PARKED),
    "no type": (without("ce_type"), PARKED),
    "no id": (without("ce_id"), PARKED),
    "null header": (header("ce_id", None), PARKED),
    "header that is not UTF-8": (header("ce_source", b"\xff\xfe"), PARKED),
    "doubled header": (lambda raw: raw._replace(headers=[*raw.headers, ("ce_id", b"2")]), PARKED),
    "header with a control character": (header("ce_subject", b"a\x00b"), PARKED),
    "foreign header that spells an escape": (header("x-note", rb"C:\u0000\n"), PARKED + " if spoilt too"),
    "another specversion": (header("ce_specversion", b"0.3"), PARKED),
    "type of a later version": (header("ce_type", b"share.progressed.v9"), SKIPPED),
    "type of another topic": (header("ce_type", INSPECTION.events[0].event_type().encode()), SKIPPED),
    "type that is none": (header("ce_type", b"!"), PARKED),
    "key of another aggregate": (key(b"somebody-else"), PARKED),
    "key that is not UTF-8, with NUL": (key(b"\x00\xff\x00"), PARKED),
    "key of ten kilobytes": (key(bytes(range(256)) * 40), PARKED),
    "oversize value": (value(b" " * (VALUE_BYTES_MAX + 1)), PARKED),
    "header name with NUL": (lambda raw: raw._replace(headers=[("x\0y", b"1"), ("ce_type", None)]), PARKED),
    "nested too deeply": (value(b"[" * 20_000), PARKED),
}


@pytest.mark.parametrize("what", SPOILT)
def test_the_spoilt_record_differs_from_the_good_one(what: str) -> None:
    good = record_of(step_event(UUID(int=7), 1))
    assert SPOILT[what][0](good) != good


async def test_everything_that_arrives_is_handled_or_skipped_or_parked(stage: Stage) -> None:
    ill, healthy = some_tasks(len(SPOILT)), some_tasks(4)
    probe = stage.probe()
    probe.start()
    sent = 0
    for task, (what, (spoil, _)) in zip(ill, SPOILT.items(), strict=True):
        spoilt = spoil(record_of(step_event(task, 1)))
        if what == "foreign header that spells an escape":
            spoilt = spoilt._replace(value=b"{")
        sent += stage.broker.send([spoilt])
    sent += stage.broker.send(record_of(step_event(task, step)) for step in (1, 2) for task in healthy)

    await settle(probe)  # the copies in `.dlt` are published, too: none of them blocks the relay
    await assert_applied_once_in_order(probe, dict.fromkeys(healthy, 2))
    skipped = sum(fate == SKIPPED for _, fate in SPOILT.values())
    parked = len(SPOILT) - skipped
    books = await probe.books()
    assert (books.handled, books.skipped, books.parked, books.repeated) == (2 * len(healthy), skipped, parked, 0)
    assert books.records_in == sent == sum(stage.broker.ends().values())
    assert len(stage.broker.read("pub.tasks.v1.dlt")) == parked
    (consumed,) = (await probe.invariants())["consumed"]
    assert consumed == {
        "topic": "pub.tasks.v1",
        "handled": books.handled,
        "skipped": skipped,
        "parked": parked,
        "repeated": 0,
    }
