"""However the log, the tail and a listener that catches up take turns: it sees what follows its cursor, once each."""

import asyncio
import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qingdan.divisions import COUNTRY
from runtime.actor import service_actor
from runtime.change_stream import Listener, ReadTooSlowly
from runtime.change_tail import Change, Tail
from runtime.kafka import TopicReader

PARTITIONS = 3
KEPT = 5


class Log:
    """What was published so far: per partition, how much."""

    def __init__(self) -> None:
        self.ends = [0] * PARTITIONS

    def publish(self, partition: int) -> None:
        self.ends[partition] += 1


class Reading:
    """Reads the log a few records at a time, from wherever it stands."""

    def __init__(self, log: Log, next_offsets: Sequence[int]) -> None:
        self.log = log
        self.next_offsets = list(next_offsets)

    def take(self, count: int) -> list[Change]:
        taken: list[Change] = []
        for partition in range(PARTITIONS):
            while len(taken) < count and self.next_offsets[partition] < self.log.ends[partition]:
                taken.append(Change(partition, self.next_offsets[partition]))
                self.next_offsets[partition] += 1
        return taken

    async def read(self) -> list[Change]:
        return self.take(2)

    async def close(self) -> None:
        pass


class PlainTail(Tail):
    """A tail whose reader hands over changes as they are."""

    async def changes_of(self, records: Sequence[Any]) -> list[Change]:
        return list(records)

    async def wait(self, number: int, timeout_s: float) -> None:
        """Nobody waits here: the test decides whose turn it is."""


class Shown(Listener):
    """A listener that notes the numbers of what it is given and not told to pass over."""

    got: list[tuple[int, int]]

    def _text(self, change: Change) -> str | None:
        self.got.append((change.partition, change.offset))
        return None


async def nobody_asks(_: str | None) -> None:
    return None


def tail_of(log: Log) -> Tail:
    followed = SimpleNamespace(topic=SimpleNamespace(name="t"))
    anything = cast(Any, None)
    tail = PlainTail(cast(Any, followed), anything, anything, anything, anything, KEPT)
    tail.next_offsets, tail.oldest = list(log.ends), list(log.ends)
    return tail


def listener_of(tail: Tail, reader: Reading, start: Sequence[int]) -> Shown:
    streams = SimpleNamespace(draining=asyncio.Event(), end_catch_up=lambda _: None, leave=lambda _: None)
    listener = Shown(
        *(cast(Any, streams), tail, service_actor("t"), None),
        authenticator=cast(Any, SimpleNamespace(actor_of=nobody_asks)),
        root=COUNTRY,
        types=frozenset(),
        next_offsets=list(start),
        reader=cast(TopicReader, reader),
    )
    listener.got = []
    return listener


Turns = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(0, PARTITIONS - 1)),
        st.tuples(st.just("tail"), st.integers(1, 4)),
        st.tuples(st.just("listen"), st.just(0)),
    ),
    max_size=40,
)


@given(before=st.lists(st.integers(0, PARTITIONS - 1), max_size=30), turns=Turns, share=st.floats(0, 1))
@settings(max_examples=60, deadline=None)
async def test_no_interleaving_loses_or_doubles(before: list[int], turns: list[tuple[str, int]], share: float) -> None:
    log = Log()
    for partition in before:
        log.publish(partition)
    tail, reading = tail_of(log), Reading(log, log.ends)
    start = [int(end * share) for end in log.ends]
    listener = listener_of(tail, Reading(log, start), start)
    cut = False
    for what, number in [*turns, *[("tail", KEPT), ("listen", 0)] * 35]:
        if what == "publish":
            for _ in range(4):
                log.publish(number)
        elif what == "tail":
            tail._keep(reading.take(number))
        elif not cut and not (listener.reader is None and tail.end <= listener._number):
            try:
                await listener._turn()
            except ReadTooSlowly:
                cut = True
    in_order = {p: [offset for partition, offset in listener.got if partition == p] for p in range(PARTITIONS)}
    for partition, offsets in in_order.items():
        assert offsets == list(range(start[partition], listener.next_offsets[partition]))
    assert cut or listener.next_offsets == log.ends


async def test_who_is_left_behind_by_the_ring_is_cut_and_told_so() -> None:
    log = Log()
    tail, reading = tail_of(log), Reading(log, log.ends)
    listener = listener_of(tail, Reading(log, log.ends), log.ends)
    for _ in range(KEPT + 1):
        log.publish(0)
        tail._keep(reading.take(1))
    listener._stop_catching_up()
    with pytest.raises(ReadTooSlowly):
        await listener._turn()
    assert listener.got == []


async def test_the_first_thing_sent_is_a_place_to_come_back_to() -> None:
    log = Log()
    log.publish(1)
    tail = tail_of(log)
    chunk = await listener_of(tail, Reading(log, log.ends), log.ends).next_chunk()
    assert chunk is not None
    assert b"\nid: t@0.1.0\n" in chunk
    assert b"data:" not in chunk


async def test_the_last_thing_sent_says_why() -> None:
    log = Log()
    tail = tail_of(log)
    listener = listener_of(tail, Reading(log, log.ends), log.ends)
    await listener.next_chunk()
    tail.has_ended = True
    last = (await listener.next_chunk() or b"").decode()
    assert last.startswith("event: closed\ndata: ")
    assert json.loads(last.partition("data: ")[2])["type"] == "urn:qingdan:problem:stream-interrupted"
    assert await listener.next_chunk() is None
