"""Logs: one JSON object a line, with the trace it belongs to, and nothing in it that belongs to a person.

Three fences: only the keys named here pass; strings are masked; of an error its type and its place are kept, never its
message (asyncpg's DETAIL and pydantic's input hold values). Other libraries' logs take the same way.
"""

import logging
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import Enum
from itertools import islice
from types import TracebackType
from typing import Any, Final, TextIO
from uuid import UUID

import orjson
import structlog
from structlog.typing import EventDict, WrappedLogger

from runtime.masking import masked
from runtime.telemetry import current_span_id, current_trace_id, emit_log

# What may be logged. A new key is added here by somebody who has thought about whose data its values are.
# fmt: off
ALLOWED_KEYS: Final = frozenset({
    "action", "actor_kind", "age_s", "attempt", "bytes", "checksum", "code", "constraint", "consumer", "count",
    "database", "duration_ms", "endpoint", "epoch", "error", "error_type", "event_id", "event_type", "events",
    "failpoint", "file", "group", "host", "idle_s", "interval_s", "kept", "key_count", "keys", "keys_kept", "lag",
    "lane", "lanes", "limit", "limit_s", "loop", "loops", "message", "method", "migration", "next_offset", "offset",
    "offset_from", "offset_to", "parked", "part", "partition", "partitions", "parts", "pause_s", "pid", "port",
    "published", "queue", "reason", "records", "retries", "retry_in_s", "role", "roles_needed", "route",
    "row_count", "rows", "seconds", "service_name", "signal", "size", "skipped", "sqlstate", "status", "step",
    "task", "tasks", "timeout_s", "topic", "topics", "tries", "type", "url_scheme", "version", "waited_s",
})
# fmt: on
TEXT_CHARS_MAX: Final = 500
ENTRIES_MAX: Final = 50
FRAMES_MAX: Final = 30

# Libraries whose errors say what failed (a host, a topic, an errno) and never what was sent.
_SPEAKING_ERRORS: Final = ("aiokafka.", "confluent_kafka.", "builtins.ConnectionRefusedError", "socket.gaierror")
# Their logs about a collector that is down would be sent to the collector that is down.
_NOT_EXPORTED: Final = ("opentelemetry", "urllib3", "requests")
_CJK: Final = dict.fromkeys(range(11904, 40960), "…")


class Output:
    """Where finished lines go; one per logger name, so that a line tells who wrote it."""

    __slots__ = ("name", "stream")

    def __init__(self, name: str, stream: TextIO) -> None:
        self.name = name
        self.stream = stream

    def write(self, line: str) -> None:
        """Write one line at once."""
        self.stream.write(line + "\n")
        self.stream.flush()

    debug = info = warning = error = critical = write


def set_up(service: str, *, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send structlog, the standard library's logging, warnings and uncaught errors to one stream (default stdout)."""
    target = stream or sys.stdout
    number = logging.getLevelNamesMapping()[level.upper()]
    finish = Finisher(service)
    structlog.configure(
        processors=[finish],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda name="qingdan", *_: Output(name, target),
        cache_logger_on_first_use=True,
    )
    bridge = Bridge(finish, target)
    root = logging.getLogger()
    root.handlers, root.level = [bridge], number
    for name in list(logging.root.manager.loggerDict):
        known = logging.getLogger(name)
        known.handlers, known.propagate = [], True
    # One line per request with its whole query string: the traces say the same without it.
    logging.getLogger("uvicorn.access").propagate = False
    for chatty in ("faststream", "aiokafka", "httpx2", "httpcore2", "asyncio", "urllib3"):
        logging.getLogger(chatty).setLevel(max(number, logging.WARNING))
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda failed: _log_uncaught(
        failed.exc_type, failed.exc_value or failed.exc_type(), failed.exc_traceback
    )


class Finisher:
    """The one structlog processor: from what was said to the line that is written."""

    def __init__(self, service: str) -> None:
        self.service = service

    def __call__(self, logger: WrappedLogger, method: str, said: EventDict) -> str:
        return self.line(str(said.pop("event", "")), method, getattr(logger, "name", "qingdan"), said)

    def line(self, event: str, level: str, logger: str, said: Mapping[str, Any]) -> str:
        """One JSON line; what was said is cut down to what may be told. Also sent to the collector, if there is one."""
        told: dict[str, Any] = {}
        dropped = 0
        for key, value in said.items():
            if key == "exc_info" or value is None:
                continue
            if key in ALLOWED_KEYS:
                told[key] = tellable(value)
            else:
                dropped += 1
        if dropped:
            told["dropped_keys"] = dropped
        if (error := _error_of(said.get("exc_info"))) is not None:
            told |= told_error(error)
        if not logger.startswith(_NOT_EXPORTED):
            emit_log(masked(event), level, {"logger": logger, **_flat(told)})
        head = {
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "level": level,
            "service": self.service,
            "logger": logger,
            "event": masked(event[:TEXT_CHARS_MAX]),
            "trace_id": current_trace_id(),
            "span_id": current_span_id(),
        }
        return orjson.dumps({name: value for name, value in head.items() if value is not None} | told).decode()


class Bridge(logging.Handler):
    """Takes other libraries' log records the same way. Their messages are free text, so they are cut down further."""

    def __init__(self, finish: Finisher, stream: TextIO) -> None:
        super().__init__()
        self.finish = finish
        self.output = Output("stdlib", stream)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            said = {"message": foreign_message(record), "exc_info": record.exc_info}
            self.output.write(self.finish.line("library_log", record.levelname.lower(), record.name, said))
        except Exception:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Say where a record came from that could not be written, and nothing of its text."""
        self.output.write(f'{{"event":"log_failed","logger":"{record.name}","level":"error"}}')


def foreign_message(record: logging.LogRecord) -> str:
    """The first line of a library's message; arguments other than numbers and plain ASCII words are left out."""
    template = str(record.msg)
    arguments = record.args
    try:
        if isinstance(arguments, Mapping) and "%(" in template:
            template = template % {name: _plain(value) for name, value in arguments.items()}
        elif arguments:  # logging unpacks a single mapping; it was one argument
            template = template % tuple(_plain(value) for value in _as_tuple(arguments))
    except (TypeError, ValueError, KeyError):  # "%d" with an argument that was left out
        pass
    return masked(template.partition("\n")[0].translate(_CJK)[:TEXT_CHARS_MAX])


def tellable(value: object, depth: int = 3) -> Any:
    """A value as it may be logged: plain values, masked; of any other object only its type."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if abs(value) < 10**10 or (text := masked(str(value))) == str(value) else text
    if isinstance(value, str | Enum | UUID | date):
        return masked(str(value)[: 2 * TEXT_CHARS_MAX])[:TEXT_CHARS_MAX]
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [tellable(entry, depth - 1) for entry in islice(value, ENTRIES_MAX)]
    if depth and isinstance(value, Mapping):
        return {masked(str(name)): tellable(entry, depth - 1) for name, entry in islice(value.items(), ENTRIES_MAX)}
    return f"<{type(value).__name__}>"


def told_error(error: BaseException) -> dict[str, Any]:
    """An error's type, those of its causes, SQLSTATE if it has one, and the frames it came through; no messages."""
    chain: list[str] = []
    cause = error.__cause__ or error.__context__
    while cause is not None and len(chain) < 5:
        chain.append(_type_name(cause))
        cause = cause.__cause__ or cause.__context__
    told: dict[str, Any] = {"error_type": _type_name(error), "stack": _frames(error.__traceback__)}
    if isinstance(error, BaseExceptionGroup):
        told["error_group"] = [_type_name(member) for member in error.exceptions[:ENTRIES_MAX]]
    if chain:
        told["error_chain"] = chain
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
        told["sqlstate"] = state
    return told


def _frames(traceback: TracebackType | None) -> list[str]:
    frames: list[str] = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        frames.append(f"{'/'.join(code.co_filename.split('/')[-2:])}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return frames[-FRAMES_MAX:]


def _error_of(exc_info: object) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return exc_info[1] if isinstance(exc_info[1], BaseException) else None
    return sys.exception() if exc_info else None


def _type_name(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"


def _as_tuple(arguments: Mapping[str, object] | tuple[object, ...]) -> tuple[object, ...]:
    return (arguments,) if isinstance(arguments, Mapping) else arguments


def _plain(argument: object) -> object:
    if isinstance(argument, int | float):
        return argument
    if isinstance(argument, str):
        return argument if argument.isascii() and len(argument) <= 200 else "…"
    if isinstance(argument, BaseException):
        name = _type_name(argument)
        return f"{name}: {argument}" if name.startswith(_SPEAKING_ERRORS) else name
    return f"<{type(argument).__name__}>"


def _flat(told: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
    return {
        name: value if isinstance(value, str | int | float | bool) else orjson.dumps(value).decode()
        for name, value in told.items()
        if value is not None
    }


def _log_uncaught(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        structlog.get_logger("runtime.logs").critical("uncaught", exc_info=error)
