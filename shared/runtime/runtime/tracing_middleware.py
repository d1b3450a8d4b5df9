"""The HTTP server span and its duration, continuing the caller's trace.

FastAPI's own telemetry is not used: it records the query string and exceptions word for word, and both may hold what
people typed. Build the app with `FastAPI(telemetry=FASTAPI_TELEMETRY)`.
"""

from time import perf_counter
from typing import Final

from fastapi.telemetry import TelemetryConfig
from opentelemetry.trace import SpanKind
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime.metrics import http_request_duration
from runtime.telemetry import context_from_traceparent, current_traceparent, mark_failed, span

FASTAPI_TELEMETRY: Final[TelemetryConfig] = {
    "auto_configure": False,
    "tracing": False,
    "metrics": False,
    "logs": False,
}
PROBES: Final = frozenset({"/livez", "/readyz", "/startupz"})

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class TracingMiddleware:
    """Outermost middleware. Answers carry `traceresponse`, so that a caller finds its trace (W3C Trace Context 2)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self.app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        traceparent, tracestate = _trace_headers(scope)
        started = perf_counter()
        status = 500
        with span(
            method,
            SpanKind.SERVER,
            parent=context_from_traceparent(traceparent, tracestate),
            attributes={"http.request.method": method, "url.scheme": scope.get("scheme", "http")},
        ) as server:
            answer_header = (b"traceresponse", (current_traceparent() or "").encode())

            async def watched_send(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                    message = {**message, "headers": [*message.get("headers", ()), answer_header]}
                await send(message)

            try:
                await self.app(scope, receive, watched_send)
            finally:
                attributes = {"http.request.method": method, "http.response.status_code": status}
                if route := getattr(scope.get("route"), "path_format", None):
                    attributes["http.route"] = route
                    server.update_name(f"{method} {route}")
                server.set_attributes(attributes)
                if status >= 500:
                    mark_failed(server, str(status))
                http_request_duration.record(perf_counter() - started, attributes)


def _trace_headers(scope: Scope) -> tuple[str | None, str | None]:
    traceparent = tracestate = None
    for name, value in scope["headers"]:
        if name == b"traceparent":
            traceparent = value.decode("latin-1")
        elif name == b"tracestate":
            tracestate = value.decode("latin-1")
    return traceparent, tracestate
