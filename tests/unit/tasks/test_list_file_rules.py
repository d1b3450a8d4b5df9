"""A list as a file: what is written is read again unchanged, no cell is a formula, and every bad row is named."""

import csv
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingdan.divisions import DivisionCode
from runtime.problems import Invalid
from tasks.list_file_rules import COLUMNS, ROWS_MAX, read_csv, read_list, write_list
from tasks.list_rules import VILLAGE_LIST, ListVersion

_PRINTED = st.characters(min_codepoint=0x20, exclude_characters="\x7f", exclude_categories=["Cs"])
TITLES = st.text(_PRINTED, min_size=1, max_size=30)


def again(version: ListVersion) -> ListVersion:
    rows = read_list(read_csv(write_list(version).encode("utf-8-sig")), VILLAGE_LIST)
    return replace(version, items=rows.items, negative=rows.negative)


def errors_of(text: str) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as refused:
        read_list(read_csv(text.encode()), VILLAGE_LIST)
    errors: Any = refused.value.details["errors"]
    assert all(error["message"] and error["message_zh"] for error in errors)
    return [(error["pointer"], error["code"]) for error in errors]


def test_the_sample_list_comes_back_as_it_was_written(sample_list: ListVersion) -> None:
    term = {"division": DivisionCode("130431105205"), "valid_from": date(2026, 1, 1), "valid_to": date(2026, 12, 31)}
    item = sample_list.items[0].model_copy(update={"latest_working_days": 9, **term})
    version = replace(sample_list, items=(item, *sample_list.items[1:]))
    assert again(version) == version


@given(title=TITLES | TITLES.map(lambda text: "=" + text) | TITLES.map(lambda text: "'+" + text))
def test_whatever_a_title_is_it_comes_back_and_is_no_formula(sample_list: ListVersion, title: str) -> None:
    item = sample_list.items[0].model_copy(update={"title_zh": title, "law": title})
    version = replace(sample_list, items=(item,), negative=())
    assert again(version) == version
    for row in csv.reader(write_list(version).split("\r\n")):
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row)


def test_every_bad_cell_is_named_by_its_line(sample_list: ListVersion) -> None:
    lines = write_list(replace(sample_list, items=sample_list.items[:3], negative=())).splitlines()
    lines[1] = lines[1].replace("statutory", "favourite")
    lines[3] = lines[3].replace(",10,", ",many,") + ",one more"
    assert errors_of("\n".join(lines)) == [
        ("/rows/2/category", "literal_error"),
        ("/rows/4/hours_estimate", "int_parsing"),
        ("/rows/4/beyond_the_last_column", "extra_forbidden"),
    ]


def test_rows_that_do_not_fit_together_are_named_by_their_lines(sample_list: ListVersion) -> None:
    lines = write_list(
        replace(sample_list, items=sample_list.items[:2], negative=sample_list.negative[:1])
    ).splitlines()
    assert errors_of("\n".join([*lines, lines[2], lines[3]])) == [
        ("/rows/3/code", "double"),
        ("/rows/5/code", "double"),
        ("/rows/4/code", "double"),
        ("/rows/6/code", "double"),
    ]


def test_at_most_a_hundred_errors_are_named(sample_list: ListVersion) -> None:
    header, line = write_list(replace(sample_list, items=sample_list.items[:1], negative=())).splitlines()
    assert len(errors_of("\n".join([header, *[line] * 150]))) == 100


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", ("/rows/1", "header")),
        ("code,category\n", ("/rows/1", "header")),
        (",".join(COLUMNS), ("/rows/1", "empty")),
        (",".join(COLUMNS) + "\n" + "RS01\n" * (ROWS_MAX + 1), ("/rows", "too_long")),
        (",".join(COLUMNS) + '\n"unfinished', ("/rows", "csv")),
    ],
)
def test_what_is_no_list_is_refused(text: str, error: tuple[str, str]) -> None:
    assert errors_of(text) == [error]


def test_what_is_not_utf8_is_refused() -> None:
    with pytest.raises(Invalid):
        read_csv("清单".encode("gbk"))
