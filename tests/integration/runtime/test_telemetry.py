"""Every piece of work has a trace; a collector that is away costs nothing and holds nothing up."""

import asyncio
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from runtime import telemetry
from runtime.telemetry import context_from_traceparent, current_trace_id, current_traceparent, span
from runtime.tracing_middleware import FASTAPI_TELEMETRY, TracingMiddleware

TRACEPARENT = f"00-{'ab' * 16}-{'cd' * 8}-01"

PROCESS = """
import sys
from runtime import logs, metrics, telemetry
import structlog
logs.set_up("tasks")
telemetry.set_up("tasks", "0.1.0", sys.argv[1])
written_in = telemetry.context_from_traceparent("00-" + "ab" * 16 + "-" + "cd" * 8 + "-01")
with telemetry.span("process share.claimed.v1", parent=written_in):
    metrics.relay_published.add(3)
    structlog.get_logger("tasks").warning("relay_paused", topic="pub.tasks.v1", person="Zhang San 13912345678")
print("ended", telemetry.shut_down(timeout_s=float(sys.argv[2])))
"""


class Collector(ThreadingHTTPServer):
    """An OTLP/HTTP collector that keeps what it gets, by path."""

    daemon_threads = True

    def __init__(self) -> None:
        self.received: dict[str, list[bytes]] = {}
        super().__init__(("127.0.0.1", 0), Keeping)


class Keeping(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert isinstance(self.server, Collector)
        self.server.received.setdefault(self.path, []).append(body)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@contextmanager
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


def run_process(endpoint: str, shut_down_s: float) -> tuple[str, float]:
    """What a process printed that exports to that address, and how long it took in all (s)."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", PROCESS, endpoint, str(shut_down_s)],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return done.stdout + done.stderr, time.monotonic() - began


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    kept = telemetry._Telemetry(provider.get_tracer("test"), None, ())
    monkeypatch.setattr(telemetry, "_telemetry", kept)
    return exporter


def test_there_is_no_trace_outside_a_span() -> None:
    assert (current_traceparent(), current_trace_id(), telemetry.current_span_id()) == (None, None, None)


def test_without_a_collector_a_span_still_has_ids() -> None:
    with span("claim"):
        traceparent = current_traceparent()
        assert traceparent is not None
        assert traceparent.split("-")[1] == current_trace_id()
        assert traceparent.split("-")[2] == telemetry.current_span_id()
        with span("save"):
            assert current_trace_id() == traceparent.split("-")[1]
            assert current_traceparent() != traceparent


def test_a_trace_is_continued_from_what_an_event_carries() -> None:
    with span("another"), span("process", parent=context_from_traceparent(TRACEPARENT, "vendor=1")):
        assert current_trace_id() == "ab" * 16
        assert telemetry.current_tracestate() == "vendor=1"


@pytest.mark.parametrize("traceparent", [None, "", "nonsense", f"00-{'0' * 32}-{'0' * 16}-01", "ff" + TRACEPARENT[2:]])
def test_nonsense_starts_a_new_trace_and_not_the_current_one(traceparent: str | None) -> None:
    with span("current"):
        current = current_trace_id()
        with span("process", parent=context_from_traceparent(traceparent)):
            assert current_trace_id() not in (None, current)


@given(st.text(max_size=80))
def test_no_traceparent_breaks_anything(text: str) -> None:
    with span("process", parent=context_from_traceparent(text, text)):
        assert current_trace_id() is not None


def test_a_failed_span_tells_the_kind_of_error_and_no_message(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="130431"), span("claim", links=[TRACEPARENT, "nonsense"]):
        raise ValueError("130431199001011234")
    [finished] = spans.get_finished_spans()
    assert finished.status.status_code is StatusCode.ERROR
    assert finished.attributes == {"error.type": "ValueError"}
    assert [link.context.trace_id for link in finished.links] == [int("ab" * 16, 16)]
    assert "130431" not in finished.to_json()


def application() -> Any:
    app = FastAPI(telemetry=FASTAPI_TELEMETRY)

    @app.get("/v1/shares/{share}")
    async def get_share(share: str) -> str | None:
        if share == "broken":
            raise RuntimeError
        return current_trace_id()

    @app.get("/livez")
    async def get_livez() -> str | None:
        return current_trace_id()

    return TracingMiddleware(app)


async def get(path: str, **headers: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=application(), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://tasks") as client:
        return await client.get(path, headers=headers)


async def test_a_request_continues_its_callers_trace_and_says_so(spans: InMemorySpanExporter) -> None:
    answer = await get("/v1/shares/7?name=ZhangSan", traceparent=TRACEPARENT)
    [server] = spans.get_finished_spans()
    assert answer.json() == "ab" * 16
    assert answer.headers["traceresponse"].split("-")[1] == "ab" * 16
    assert (server.name, server.kind) == ("GET /v1/shares/{share}", SpanKind.SERVER)
    assert server.parent is not None
    assert server.attributes is not None
    assert server.attributes["http.response.status_code"] == 200
    assert "ZhangSan" not in server.to_json()


async def test_requests_at_once_have_traces_of_their_own(spans: InMemorySpanExporter) -> None:
    answers = await asyncio.gather(*(get(f"/v1/shares/{n}") for n in range(20)))
    assert len({answer.json() for answer in answers}) == 20


async def test_a_failed_request_is_a_failed_span(spans: InMemorySpanExporter) -> None:
    await get("/v1/shares/broken")
    [server] = spans.get_finished_spans()
    assert server.status.status_code is StatusCode.ERROR


async def test_probes_make_no_spans(spans: InMemorySpanExporter) -> None:
    assert (await get("/livez")).json() is None
    assert spans.get_finished_spans() == ()


def test_traces_metrics_and_masked_logs_reach_a_collector() -> None:
    with collector() as server:
        printed, _ = run_process(f"http://127.0.0.1:{server.server_port}/", 10)
    assert "ended True" in printed
    [traces] = server.received["/v1/traces"]
    [exported] = ExportTraceServiceRequest.FromString(traces).resource_spans[0].scope_spans[0].spans
    assert (exported.name, exported.trace_id) == ("process share.claimed.v1", bytes.fromhex("ab" * 16))
    measured = ExportMetricsServiceRequest.FromString(server.received["/v1/metrics"][-1]).resource_metrics[0]
    names = {metric.name: metric for scope in measured.scope_metrics for metric in scope.metrics}
    assert names["qingdan.relay.published"].sum.data_points[0].as_int == 3
    [logged] = (
        ExportLogsServiceRequest.FromString(server.received["/v1/logs"][0]).resource_logs[0].scope_logs[0].log_records
    )
    assert (logged.event_name, logged.trace_id) == ("relay_paused", bytes.fromhex("ab" * 16))
    assert b"Zhang San" not in b"".join(server.received["/v1/logs"])


def test_a_dead_collector_does_not_hold_up_the_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    printed, took_s = run_process(f"http://127.0.0.1:{port}", 1)
    assert "ended" in printed
    assert took_s < 10


def test_a_collector_that_never_answers_does_not_hold_up_the_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        printed, took_s = run_process(f"http://127.0.0.1:{silent.getsockname()[1]}", 1)
    assert "ended False" in printed
    assert took_s < 10


def test_telemetry_is_set_up_once() -> None:
    script = (
        "from runtime import telemetry as t; t.set_up('a', '1', 'http://127.0.0.1:9')\n"
        "try: t.set_up('a', '1', None)\n"
        "except RuntimeError: print('refused')\n"
        "t.shut_down(0.1)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert "refused" in done.stdout


def test_no_collector_loads_no_exporter() -> None:
    script = (
        "import sys; from runtime import telemetry as t; t.set_up('a', '1', None); print('requests' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "False"
