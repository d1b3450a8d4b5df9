"""Refusals and failures as application/problem+json over HTTP; an unforeseen error is never an empty 500."""

import socket
from typing import Any, Final, cast

import asyncpg
import orjson
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime import problems
from runtime.invalid_input import invalid_input
from runtime.problems import Refusal, language_for, problem_document
from runtime.telemetry import current_trace_id

MEDIA_TYPE: Final = "application/problem+json"

# For `FastAPI(responses=PROBLEM_RESPONSES)`: every answer that is not a success is a problem document.
PROBLEM_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    "default": {
        "description": "A refusal, said in both languages (RFC 9457)",
        "content": {
            MEDIA_TYPE: {
                "schema": {
                    "type": "object",
                    "required": ["type", "title", "title_en", "title_zh", "status"],
                    "properties": {
                        "type": {"type": "string", "pattern": "^urn:qingdan:problem:[a-z0-9-]+$"},
                        "title": {"type": "string"},
                        "title_en": {"type": "string"},
                        "title_zh": {"type": "string"},
                        "status": {"type": "integer", "minimum": 400, "maximum": 599},
                        "detail": {"type": "string"},
                        "detail_en": {"type": "string"},
                        "detail_zh": {"type": "string"},
                        "instance": {"type": "string"},
                    },
                    "additionalProperties": True,
                }
            }
        },
    }
}

_BY_HTTP_STATUS: Final = {
    refusal.status: refusal
    for refusal in (
        problems.Malformed,
        problems.Unauthenticated,
        problems.Forbidden,
        problems.NotFound,
        problems.MethodNotAllowed,
        problems.Conflict,
        problems.BodyTooLarge,
        problems.UnsupportedMediaType,
        problems.Invalid,
        problems.TooManyRequests,
        problems.Overloaded,
    )
}

# PostgreSQL's SQLSTATE, the whole code or its class (PostgreSQL documentation, appendix A).
_BY_SQLSTATE: Final[dict[str, type[Refusal]]] = {
    "57014": problems.Overloaded,  # statement_timeout
    "55P03": problems.Overloaded,  # lock_timeout
    "25P03": problems.Overloaded,  # idle_in_transaction_session_timeout
    "25P04": problems.Overloaded,  # transaction_timeout
    "40": problems.Overloaded,  # serialization failure, deadlock: the same request succeeds when repeated
    "25006": problems.Forbidden,  # an auditor's transaction is read-only, whatever other roles it has
    "53300": problems.Overloaded,  # too many connections
    "53": problems.DependencyUnavailable,  # out of memory, disk full
    "57": problems.DependencyUnavailable,  # the server shuts down or starts
    "58": problems.DependencyUnavailable,  # the server's own disk or system fails
    "08": problems.DependencyUnavailable,  # the connection broke
    "42501": problems.Forbidden,  # a row-level security policy refused the row
    "23502": problems.Internal,  # a missing value or a failed check is our mistake, not a race with somebody
    "23514": problems.Internal,
    "23": problems.Conflict,  # unique, exclusion, foreign key: somebody else was faster
    "22": problems.Invalid,  # a value the database cannot hold, such as U+0000
}

log = structlog.get_logger("runtime.problems")


def install(app: FastAPI) -> None:
    """Make every failure of this app a problem document. Call it before adding other middleware, which goes outside."""
    app.add_exception_handler(HTTPException, _answer_http_exception)
    app.add_exception_handler(RequestValidationError, _answer_validation_error)
    app.add_middleware(ProblemMiddleware)


def problem_response(refusal: Refusal, accept_language: str | None = None) -> Response:
    """The HTTP answer that says this refusal, in the language of an Accept-Language header."""
    language = language_for(accept_language)
    document = problem_document(refusal, language=language, trace_id=current_trace_id())
    headers = {"Content-Language": "zh-CN" if language == "zh" else "en", "Cache-Control": "no-store"}
    return Response(
        orjson.dumps(document, default=_as_json, option=orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_NON_STR_KEYS),
        status_code=refusal.status,
        headers=headers | refusal.headers,
        media_type=MEDIA_TYPE,
    )


async def send_problem(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer an ASGI request with a refusal; for middleware, which has no Request."""
    await problem_response(refusal, Headers(scope=scope).get("accept-language"))(scope, receive, send)


def refusal_for(error: Exception) -> Refusal:
    """The refusal that a failed request is answered with; Internal for an error that nobody foresaw."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        return (_BY_SQLSTATE.get(state) or _BY_SQLSTATE.get(state[:2]) or problems.Internal)()
    # The second is what a connection raises that the server's death left in no usable state.
    if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError):
        return problems.Invalid() if isinstance(error, ValueError) else problems.DependencyUnavailable()
    if isinstance(error, TimeoutError):  # waiting for a connection of the pool, or for the database's answer
        return problems.Overloaded()
    if isinstance(error, ConnectionError | socket.gaierror) or type(error) is OSError:
        return problems.DependencyUnavailable()
    return problems.Internal()


class ProblemMiddleware:
    """Answers what a route raises. An error after the answer has begun goes on: the server cuts the connection."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watched_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watched_send)
        except ClientDisconnect:
            if not started:  # nobody is listening: this only ends the exchange
                await send_problem(problems.Malformed(), scope, receive, send)
        except Exception as error:
            if started:
                raise
            await send_problem(_noted(error), scope, receive, send)


def _noted(error: Exception) -> Refusal:
    """The refusal for an error, after logging what is no refusal by itself. Values never get into the log (logs.py)."""
    refusal = refusal_for(error)
    if refusal is not error:
        state = error.sqlstate if isinstance(error, asyncpg.PostgresError) else None
        constraint = getattr(error, "constraint_name", None)
        level = "error" if isinstance(refusal, problems.Internal) else "warning"
        getattr(log, level)(
            "request_failed", status=refusal.status, sqlstate=state, constraint=constraint, exc_info=error
        )
    return refusal


async def _answer_validation_error(request: Request, error: Exception) -> Response:
    return problem_response(
        invalid_input(cast(RequestValidationError, error).errors()), request.headers.get("accept-language")
    )


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    refused = cast(HTTPException, error)
    fallback = problems.Internal if refused.status_code >= 500 else problems.Malformed
    response = problem_response(
        _BY_HTTP_STATUS.get(refused.status_code, fallback)(), request.headers.get("accept-language")
    )
    if allow := (refused.headers or {}).get("Allow"):
        response.headers["Allow"] = allow
    return response


def _as_json(value: object) -> object:
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    return str(value)
