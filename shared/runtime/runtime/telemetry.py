"""Traces, metrics and logs by OpenTelemetry: one trace from an HTTP command to the other service's transaction.

Exported over OTLP/HTTP only, and only when an endpoint is given: a scrape endpoint would be one more door to guard and
would lose what a consume-only or relay-only process measures. (The gRPC exporter can hang at shutdown.)
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from opentelemetry import metrics, trace
from opentelemetry._logs import Logger, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON
from opentelemetry.trace import Link, Span, SpanKind, StatusCode, Tracer, use_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from runtime.ids import new_id

EXPORT_TIMEOUT_S: Final = 3.0
METRICS_EVERY_S: Final = 15.0
QUEUE_MAX: Final = 8192
BATCH_MAX: Final = 512

Attributes = Mapping[str, str | int | float | bool]

_PROPAGATOR = TraceContextTextMapPropagator()
_NO_PARENT = Context()

_SEVERITIES = {
    "debug": SeverityNumber.DEBUG,
    "info": SeverityNumber.INFO,
    "warning": SeverityNumber.WARN,
    "error": SeverityNumber.ERROR,
    "critical": SeverityNumber.FATAL,
}


class _Provider(Protocol):
    def shutdown(self) -> None: ...


@dataclass(slots=True)
class _Telemetry:
    tracer: Tracer
    logger: Logger | None
    providers: tuple[_Provider, ...]


def _unexported() -> _Telemetry:
    # Nothing is recorded, yet every span has its ids: events, problems and logs name their trace all the same.
    # A span that is not recorded costs 9 µs instead of 14, and every event of every consumer has one.
    provider = TracerProvider(sampler=ALWAYS_OFF, resource=Resource.get_empty(), shutdown_on_exit=False)
    return _Telemetry(provider.get_tracer("qingdan"), None, ())


_telemetry = _unexported()


def set_up(service_name: str, version: str, endpoint: str | None) -> None:
    """Start telemetry for this process, once, before anything is measured.

    endpoint: base address of an OTLP/HTTP collector, as in OTEL_EXPORTER_OTLP_ENDPOINT; None or '' exports nothing.
    Raises RuntimeError when called twice.
    """
    global _telemetry  # noqa: PLW0603 - one process has one telemetry
    if _telemetry.providers:
        raise RuntimeError("telemetry is set up once per process")
    if endpoint:
        resource = Resource(
            {
                "service.namespace": "qingdan",
                "service.name": service_name,
                "service.version": version,
                "service.instance.id": str(new_id()),  # the metrics of two replicas are two series
            }
        )
        _telemetry = _exporting(resource, endpoint.rstrip("/"))


def shut_down(timeout_s: float = EXPORT_TIMEOUT_S) -> bool:
    """Send what is still queued and stop; gives up after the timeout, whatever the collector does.

    Tells whether everything ended in time. Spans may still be made afterwards; they go nowhere.
    """
    global _telemetry
    ended, _telemetry = _telemetry, _unexported()
    # The SDK's own timeouts add up (30 s to join, then the exporter's): daemon threads side by side have ours.
    threads = [threading.Thread(target=provider.shutdown, daemon=True) for provider in ended.providers]
    deadline = time.monotonic() + timeout_s
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return not any(thread.is_alive() for thread in threads)


@contextmanager
def span(
    name: str,
    kind: SpanKind = SpanKind.INTERNAL,
    *,
    parent: Context | None = None,
    attributes: Attributes | None = None,
    links: Sequence[str] = (),
) -> Iterator[Span]:
    """A span around a block; the current span is its parent unless another context is given.

    links: traceparents of what else led here, such as the events of a micro-batch. Of an error only the type is kept:
    its message may hold what a person typed.
    """
    started = _telemetry.tracer.start_span(
        name, context=parent, kind=kind, attributes=attributes, links=[*_links(links)] if links else None
    )
    with use_span(started, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield started
        except BaseException as error:
            mark_failed(started, type(error).__name__)
            raise


def mark_failed(failed: Span, error_type: str) -> None:
    """Set a span's status to error, with what kind of error it was."""
    failed.set_attribute("error.type", error_type)
    failed.set_status(StatusCode.ERROR)


def current_traceparent() -> str | None:
    """The current span as a W3C traceparent, None outside any span."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def current_tracestate() -> str | None:
    """The W3C tracestate that belongs to the current traceparent, None when there is none."""
    return trace.get_current_span().get_span_context().trace_state.to_header() or None


def current_trace_id() -> str | None:
    """The current trace's id as 32 hexadecimal digits, None outside any span."""
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None


def current_span_id() -> str | None:
    """The current span's id as 16 hexadecimal digits, None outside any span."""
    context = trace.get_current_span().get_span_context()
    return f"{context.span_id:016x}" if context.is_valid else None


def context_from_traceparent(traceparent: str | None, tracestate: str | None = None) -> Context:
    """The context to pass as `parent` to continue somebody's trace; None or nonsense starts a new one."""
    if not traceparent:
        return _NO_PARENT
    carrier = {"traceparent": traceparent} | ({"tracestate": tracestate} if tracestate else {})
    return _PROPAGATOR.extract(carrier, context=_NO_PARENT)


def emit_log(event: str, level: str, attributes: Attributes) -> None:
    """Send a log record, already masked (logs.py), to the collector; does nothing when there is none."""
    if _telemetry.logger is not None:
        _telemetry.logger.emit(
            timestamp=time.time_ns(),
            severity_text=level,
            severity_number=_SEVERITIES.get(level, SeverityNumber.INFO),
            body=event,
            event_name=event,
            attributes=dict(attributes),
        )


def _links(traceparents: Sequence[str]) -> Iterator[Link]:
    for traceparent in traceparents:
        linked = trace.get_current_span(context_from_traceparent(traceparent)).get_span_context()
        if linked.is_valid:
            yield Link(linked)


def _exporting(resource: Resource, endpoint: str) -> _Telemetry:
    # Imported here: requests and protobuf cost 20 MB that a process without a collector does not need.
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter  # noqa: PLC0415
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk._logs import LoggerProvider  # noqa: PLC0415
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor  # noqa: PLC0415
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    tracing = TracerProvider(sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False)
    tracing.add_span_processor(
        BatchSpanProcessor(
            OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces", timeout=EXPORT_TIMEOUT_S),
            max_queue_size=QUEUE_MAX,
            max_export_batch_size=BATCH_MAX,
        )
    )
    reader = PeriodicExportingMetricReader(
        OTLPMetricExporter(endpoint=f"{endpoint}/v1/metrics", timeout=EXPORT_TIMEOUT_S),
        export_interval_millis=METRICS_EVERY_S * 1000,
        export_timeout_millis=EXPORT_TIMEOUT_S * 1000,
    )
    metering = MeterProvider(metric_readers=[reader], resource=resource, shutdown_on_exit=False)
    metrics.set_meter_provider(metering)  # the instruments of metrics.py were made before and find it now
    logging = LoggerProvider(resource=resource, shutdown_on_exit=False)
    logging.add_log_record_processor(
        BatchLogRecordProcessor(
            OTLPLogExporter(endpoint=f"{endpoint}/v1/logs", timeout=EXPORT_TIMEOUT_S),
            max_queue_size=QUEUE_MAX,
            max_export_batch_size=BATCH_MAX,
        )
    )
    return _Telemetry(tracing.get_tracer("qingdan"), logging.get_logger("qingdan"), (tracing, metering, logging))
