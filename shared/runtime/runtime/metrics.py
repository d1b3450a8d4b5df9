"""Every instrument of the runtime, in one place; attributes are topics, consumers and routes, never people."""

from typing import Final

from opentelemetry.metrics import get_meter

_meter = get_meter("qingdan")

outbox_oldest_age: Final = _meter.create_gauge(
    "qingdan.outbox.oldest_age_s", unit="s", description="Age of the oldest event that is not published"
)
outbox_unpublished: Final = _meter.create_gauge(
    "qingdan.outbox.unpublished", unit="{event}", description="Events waiting to be published"
)
relay_published: Final = _meter.create_counter(
    "qingdan.relay.published", unit="{event}", description="Events acknowledged by the broker"
)
relay_failed: Final = _meter.create_counter(
    "qingdan.relay.failed", unit="{batch}", description="Batches given back because the broker did not acknowledge them"
)
consumer_handled: Final = _meter.create_counter(
    "qingdan.consumer.handled", unit="{event}", description="Events whose effect was committed"
)
consumer_skipped: Final = _meter.create_counter(
    "qingdan.consumer.skipped", unit="{event}", description="Events of a type this consumer does not know"
)
consumer_parked: Final = _meter.create_counter(
    "qingdan.consumer.parked", unit="{event}", description="Events put aside for a person to decide"
)
consumer_retried: Final = _meter.create_counter(
    "qingdan.consumer.retried", unit="{try}", description="Tries that failed for a passing reason"
)
consumer_duplicates: Final = _meter.create_counter(
    "qingdan.consumer.duplicates", unit="{event}", description="Events delivered again and recognised by the inbox"
)
consumer_lag: Final = _meter.create_gauge(
    "qingdan.consumer.lag", unit="{event}", description="Records in the partition that are not handled yet"
)
audit_unsealed_age: Final = _meter.create_gauge(
    "qingdan.audit.unsealed_age_s", unit="s", description="Age of the oldest audit row that is not in a chain"
)
http_request_duration: Final = _meter.create_histogram(
    "http.server.request.duration",
    unit="s",
    description="Duration of HTTP server requests",
    explicit_bucket_boundaries_advisory=[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
)
http_shed: Final = _meter.create_counter(
    "qingdan.http.shed", unit="{request}", description="Requests refused because too many were under way"
)
changes_listeners: Final = _meter.create_gauge(
    "qingdan.changes.listeners", unit="{listener}", description="Streams of changes that are open in this process"
)
changes_sent: Final = _meter.create_counter(
    "qingdan.changes.sent", unit="{event}", description="Events sent to listeners"
)
changes_skipped: Final = _meter.create_counter(
    "qingdan.changes.skipped", unit="{record}", description="Records that no listener was shown: not readable here"
)
changes_catch_ups: Final = _meter.create_counter(
    "qingdan.changes.catch_ups", unit="{listener}", description="Listeners that had to read the log to come to its end"
)
changes_cut: Final = _meter.create_counter(
    "qingdan.changes.cut", unit="{listener}", description="Streams ended because their listener read too slowly"
)
