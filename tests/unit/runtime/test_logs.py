"""Nothing that belongs to a person is ever in a log line, whoever wrote it and however."""

import ast
import asyncio
import io
import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from runtime.ids import new_id
from runtime.logs import ALLOWED_KEYS, Bridge, Finisher, Output, foreign_message, tellable
from runtime.masking import masked
from runtime.telemetry import current_trace_id, span

DIGITS = st.characters(codec="ascii", categories=["Nd"])


def digits(least: int, most: int) -> st.SearchStrategy[str]:
    return st.text(DIGITS, min_size=least, max_size=most)


RESIDENT_IDS = st.builds("{}{}".format, digits(17, 17), st.sampled_from("0123456789Xx"))
OLD_RESIDENT_IDS = digits(15, 15)
ACCOUNTS = digits(16, 19)
PHONES = st.builds("1{}{}".format, st.sampled_from("3456789"), digits(9, 9))
TOKENS = st.text("abcXYZ019-_", min_size=10, max_size=60).map("Bearer {}".format)
CANARIES = RESIDENT_IDS | OLD_RESIDENT_IDS | ACCOUNTS | PHONES | TOKENS
AROUND = st.text(st.characters(codec="utf-8", exclude_categories=["Nd", "Cs"]), max_size=10)


def finished(**said: Any) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(Finisher("tasks").line("claimed", "info", "tasks.claim", said))
    return line


@given(CANARIES, AROUND, AROUND)
def test_no_canary_passes_in_a_string_wherever_it_stands(canary: str, before: str, after: str) -> None:
    secret = canary.removeprefix("Bearer ")
    assert secret not in masked(f"{before} {canary} {after}")
    line = json.dumps(finished(reason=f"{before} {canary}", records=[{canary: canary}]), ensure_ascii=False)
    assert secret not in line


@given(RESIDENT_IDS | ACCOUNTS, AROUND, AROUND)
def test_long_numbers_are_found_without_any_space_around_them(canary: str, before: str, after: str) -> None:
    assert canary not in masked(before + canary + after)


@given(st.integers(10**14, 10**19))
def test_long_numbers_are_masked_even_as_numbers(canary: int) -> None:
    assert str(canary) not in json.dumps(finished(count=canary))


@pytest.mark.parametrize(
    "text",
    [
        "6222 0212 3456 7890 123",
        "6222-0212-3456-7890",
        "130431 19900101 123X",
        "139 1234 5678",
        "+86 13912345678",
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln",
    ],
)
def test_numbers_are_found_in_the_groups_that_people_write(text: str) -> None:
    assert masked(f"number {text}, please") in ("number ***, please", "number *** please")


def test_what_operators_need_stays() -> None:
    identifier, trace = str(new_id()), "ab1234567890123456789012345678cd"
    text = f"event {identifier} of trace {trace} in pub.tasks.v1[3] at offset 1234567890, division 130431105201"
    assert masked(text) == text


@given(st.uuids(version=4))
def test_identifiers_of_ours_are_not_masked(identifier: UUID) -> None:
    assert masked(f"event {identifier}") == f"event {identifier}"


def test_a_line_tells_when_who_what_and_in_which_trace() -> None:
    with span("claim"):
        line = finished(topic="pub.tasks.v1", offset=7)
        assert line["trace_id"] == current_trace_id()
    assert (line["service"], line["logger"], line["level"], line["event"]) == (
        "tasks",
        "tasks.claim",
        "info",
        "claimed",
    )
    assert (line["topic"], line["offset"]) == ("pub.tasks.v1", 7)


def test_keys_that_nobody_allowed_are_dropped_and_counted() -> None:
    line = finished(topic="pub.tasks.v1", name="张三", id_number="x")
    assert line["dropped_keys"] == 2
    assert "张三" not in json.dumps(line, ensure_ascii=False)


def test_of_an_object_only_its_type_is_told() -> None:
    class Person(BaseModel):
        name: str

    assert tellable(Person(name="张三")) == "<Person>"
    assert tellable([Person(name="张三"), None, 1.5, True]) == ["<Person>", None, 1.5, True]
    assert tellable([[[[["deep"]]]]]) == [[["<list>"]]]


def test_lists_and_texts_have_an_end() -> None:
    line = finished(records=list(range(1000)), reason="x" * 10_000)
    assert (len(line["records"]), len(line["reason"])) == (50, 500)


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    try:
        raise error from cause
    except Exception as caught:
        return caught


@pytest.mark.parametrize("canary", ["130431199001011234", "张三", "Zhang San"])
def test_of_an_error_its_type_and_place_are_told_and_never_its_message(canary: str) -> None:
    class Person(BaseModel):
        consents: bool

    try:
        Person.model_validate({"consents": canary})
    except ValidationError as caught:
        cause = caught
    error = asyncpg.UniqueViolationError(f"Key (id)=({canary}) already exists.")
    error.detail = f"Key (id)=({canary}) already exists."
    line = finished(exc_info=raised(error, cause))
    assert line["error_type"] == "asyncpg.exceptions.UniqueViolationError"
    assert line["error_chain"] == ["pydantic_core._pydantic_core.ValidationError"]
    assert line["sqlstate"] == "23505"
    assert line["stack"][-1].endswith(" raised")
    assert canary not in json.dumps(line, ensure_ascii=False)


def test_an_error_under_way_and_a_group_are_told_too() -> None:
    try:
        raise ExceptionGroup("several", [ValueError("130431199001011234"), KeyError("x")])
    except ExceptionGroup:
        line = finished(exc_info=True)
    assert line["error_group"] == ["builtins.ValueError", "builtins.KeyError"]
    assert "130431" not in json.dumps(line)


def record(message: object, *arguments: object) -> logging.LogRecord:
    return logging.LogRecord("aiokafka.consumer", logging.ERROR, "file.py", 7, message, arguments, None)


@pytest.mark.parametrize(
    ("message", "arguments", "told"),
    [
        ("Heartbeat failed for group %s: %d", ("tasks", 3), "Heartbeat failed for group tasks: 3"),
        ("Bad value %s", ("张三",), "Bad value …"),
        ("Bad value %r", ({"name": "Zhang San"},), "Bad value '<dict>'"),
        ("Failed %s", (ValueError("Zhang San"),), "Failed builtins.ValueError"),
        (
            "Failed %s",
            (ConnectionRefusedError(111, "refused"),),
            "Failed builtins.ConnectionRefusedError: [Errno 111] refused",
        ),
        ("Offset %d", ("not a number",), "Offset %d"),
        ("first line\nfuture: <Task exception=ValueError('Zhang San')>", (), "first line"),
        ("account 6222021234567890123 张三", (), "account *** ……"),
        ("100% sure", (), "100% sure"),
    ],
)
def test_messages_of_libraries_are_cut_down(message: str, arguments: tuple[object, ...], told: str) -> None:
    assert foreign_message(record(message, *arguments)) == told


@given(CANARIES, st.sampled_from(["%s", "got %r", "no place"]))
def test_no_canary_passes_through_a_library(canary: str, template: str) -> None:
    written = io.StringIO()
    Bridge(Finisher("tasks"), written).emit(record(template, canary))
    Bridge(Finisher("tasks"), written).emit(record(f"said {canary}"))
    assert canary.removeprefix("Bearer ") not in written.getvalue()


def test_a_record_that_cannot_be_written_is_mentioned() -> None:
    class Unspeakable:
        def __str__(self) -> str:
            raise RuntimeError

    written = io.StringIO()
    Bridge(Finisher("tasks"), written).emit(record(Unspeakable()))
    assert json.loads(written.getvalue())["event"] == "log_failed"


def test_an_output_writes_a_line_at_once() -> None:
    written = io.StringIO()
    Output("x", written).warning("{}")
    assert written.getvalue() == "{}\n"


PROCESS = """
import asyncio, logging, sys, threading, warnings
from runtime import logs
import structlog
early = structlog.get_logger("early")
logs.set_up("tasks", level="info")
early.info("started", part="http", port=8080)
early.debug("unseen")
logging.getLogger("uvicorn.access").info('%s - "%s %s HTTP/%s" %d', "10.0.0.1", "GET", "/x?name=ZhangSan", "1.1", 200)
logging.getLogger("uvicorn.error").error("Exception in ASGI application\\n", exc_info=ValueError("ZhangSan"))
warnings.warn("13912345678 is deprecated")
async def leave_a_failed_task():
    asyncio.get_running_loop().create_future().set_exception(ValueError("ZhangSan"))
asyncio.run(leave_a_failed_task())
thread = threading.Thread(target=lambda: [][13912345678])
thread.start(); thread.join()
raise KeyError("ZhangSan 130431199001011234")
"""


def test_a_whole_process_says_nothing_that_it_should_not() -> None:
    done = subprocess.run([sys.executable, "-c", PROCESS], capture_output=True, text=True, timeout=30, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.stderr == ""
    assert "ZhangSan" not in done.stdout
    assert "139123" not in done.stdout
    assert [line["event"] for line in lines] == ["started"] + ["library_log"] * 3 + ["uncaught"] * 2
    assert [line.get("error_type") for line in lines[1:]] == [
        "builtins.ValueError",
        None,
        "builtins.ValueError",
        "builtins.IndexError",
        "builtins.KeyError",
    ]


SOURCES = [
    file
    for folder in ("shared/runtime/runtime", "services")
    for file in sorted((Path(__file__).parents[3] / folder).rglob("*.py"))
]


def logged_keys(source: str) -> set[str]:
    """The keywords of every call on something named log or _log."""
    return {
        keyword.arg or "**"
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
        if isinstance(call.func.value, ast.Name) and call.func.value.id in ("log", "_log")
        for keyword in call.keywords
    }


def test_every_key_that_our_code_logs_is_allowed() -> None:
    assert logged_keys("_log.info('x', a=1, **b)") == {"a", "**"}
    logged = {(file.name, key) for file in SOURCES for key in logged_keys(file.read_text("utf-8"))}
    assert ("consumer.py", "topic") in logged
    dropped = {(file, key) for file, key in logged if key not in ALLOWED_KEYS | {"exc_info"}}
    assert not dropped, f"these would be dropped from the log; think whose data they are, then see logs.py: {dropped}"


async def test_logging_from_tasks_at_once_keeps_traces_apart() -> None:
    together = asyncio.Barrier(10)

    async def one() -> tuple[str | None, str]:
        with span("one"):
            await together.wait()
            return current_trace_id(), finished()["trace_id"]

    for trace, told in await asyncio.gather(*(one() for _ in range(10))):
        assert trace == told


def test_structlog_is_left_alone_until_a_process_sets_it_up() -> None:
    assert not any(isinstance(processor, Finisher) for processor in structlog.get_config()["processors"])
