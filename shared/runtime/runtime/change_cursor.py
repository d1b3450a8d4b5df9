"""Cursor: how far a listener has come in a topic, in the numbers that Kafka gave when the events were published."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from runtime.problems import Refusal

CURSOR_CHARS_MAX: Final = 2_000
_OFFSETS = re.compile(r"(?:0|[1-9][0-9]{0,17})(?:\.(?:0|[1-9][0-9]{0,17}))*", re.ASCII)


class CursorNotOurs(Refusal):
    """This Last-Event-ID was not given by this stream. 此 Last-Event-ID 不是本数据流给出的。

    Send back exactly the id last received; without one the stream begins now.
    请原样发回最后收到的 id；不带 id 则从现在开始。
    """

    status = 422


class ChangesGone(Refusal):
    """What follows this Last-Event-ID is no longer kept. 此 Last-Event-ID 之后的变更已不再保存。

    Begin a stream without Last-Event-ID, then read the lists anew.
    请不带 Last-Event-ID 重新开始数据流，再重新读取各列表。
    """

    status = 410


@dataclass(frozen=True, slots=True)
class Cursor:
    """The next offset of each partition of a topic: everything before has been seen, nothing from there on.

    topic: the registry's name. Written as `pub.tasks.v1@17.0.3`, partition by partition.
    """

    topic: str
    next_offsets: tuple[int, ...]

    def __str__(self) -> str:
        return write_cursor(self.topic, self.next_offsets)

    def within(self, starts: Sequence[int], ends: Sequence[int]) -> "Cursor":
        """This cursor over all partitions of a log that holds what lies between `starts` and `ends`.

        A partition that was added since has been seen from its beginning on: nothing of it was there before.
        Raises CursorNotOurs for partitions that do not exist and for what was not published yet, ChangesGone for what
        retention has taken.
        """
        added = len(ends) - len(self.next_offsets)
        whole = Cursor(self.topic, (*self.next_offsets, *[0] * added))
        if added < 0 or any(mine > end for mine, end in zip(whole.next_offsets, ends, strict=True)):
            raise CursorNotOurs()
        if any(mine < start for mine, start in zip(whole.next_offsets, starts, strict=True)):
            raise ChangesGone()
        return whole


def write_cursor(topic: str, next_offsets: Sequence[int]) -> str:
    """The text of a cursor, as it stands in an event's `id`."""
    return f"{topic}@{'.'.join(map(str, next_offsets))}"


def read_cursor(text: str, topic: str) -> Cursor:
    """The cursor that a client brings back. Raises CursorNotOurs for what `write_cursor` never wrote of this topic."""
    name, at, offsets = text.partition("@")
    if len(text) > CURSOR_CHARS_MAX or name != topic or not at or not _OFFSETS.fullmatch(offsets):
        raise CursorNotOurs()
    return Cursor(topic, tuple(int(offset) for offset in offsets.split(".")))
