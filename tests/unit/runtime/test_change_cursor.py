"""A cursor is written and read the same, and fits a log or is refused with the reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.change_cursor import ChangesGone, Cursor, CursorNotOurs, read_cursor

OFFSETS = st.lists(st.integers(0, 10**17), min_size=1, max_size=64)


@given(OFFSETS)
def test_what_is_written_is_read(offsets: list[int]) -> None:
    cursor = Cursor("pub.tasks.v1", tuple(offsets))
    assert read_cursor(str(cursor), "pub.tasks.v1") == cursor


@given(st.text())
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(CursorNotOurs):
        read_cursor(text, "pub.tasks.v1")


@pytest.mark.parametrize(
    "text", ["pub.access.v1@1", "pub.tasks.v1@01", "pub.tasks.v1@1.", "pub.tasks.v1@１", "pub.tasks.v1@1\n"]
)
def test_what_only_looks_like_one_is_refused(text: str) -> None:
    with pytest.raises(CursorNotOurs):
        read_cursor(text, "pub.tasks.v1")


STARTS, ENDS = [5, 0, 0], [9, 4, 2]


@pytest.mark.parametrize(
    ("offsets", "whole"), [((5, 0, 0), (5, 0, 0)), ((9, 4, 2), (9, 4, 2)), ((7, 1), (7, 1, 0)), ((9,), (9, 0, 0))]
)
def test_what_lies_within_the_log_is_taken_and_added_partitions_from_their_start(
    offsets: tuple[int, ...], whole: tuple[int, ...]
) -> None:
    assert Cursor("t", offsets).within(STARTS, ENDS).next_offsets == whole


@pytest.mark.parametrize("offsets", [(10, 0, 0), (5, 5, 0), (5, 0, 0, 0)])
def test_what_was_never_published_is_refused(offsets: tuple[int, ...]) -> None:
    with pytest.raises(CursorNotOurs):
        Cursor("t", offsets).within(STARTS, ENDS)


@pytest.mark.parametrize(("offsets", "starts"), [((4, 0, 0), STARTS), ((5, 0), [5, 0, 1])])
def test_what_retention_took_is_gone(offsets: tuple[int, ...], starts: list[int]) -> None:
    with pytest.raises(ChangesGone):
        Cursor("t", offsets).within(starts, ENDS)
