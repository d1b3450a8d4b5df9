"""Runs: cuts a micro-batch into groups of one event type, so that each can be written with one set-based statement."""

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

from opentelemetry.trace import SpanKind

from qingdan.envelope import Envelope, EventBody
from runtime.telemetry import context_from_traceparent, span

E_co = TypeVar("E_co", bound=EventBody, covariant=True)


class Run(tuple[E_co, ...], Generic[E_co]):
    """Events of one type, in order; `match run: case [ShareClaimed(), *_]` tells which."""

    envelopes: tuple[Envelope[EventBody], ...]

    @classmethod
    def of(cls, envelopes: Sequence[Envelope[EventBody]]) -> "Run[EventBody]":
        run = Run(envelope.data for envelope in envelopes)
        run.envelopes = tuple(envelopes)
        return run

    def each(self) -> Iterator[E_co]:
        """One event at a time, each in its own trace: what is appended to the outbox meanwhile continues that trace."""
        for event, envelope in zip(self, self.envelopes, strict=True):
            parent = context_from_traceparent(envelope.traceparent, envelope.tracestate)
            with span(f"process {event.type}", SpanKind.CONSUMER, parent=parent):
                yield event


def cut_into_runs(envelopes: Sequence[Envelope[EventBody]]) -> Iterator[Run[EventBody]]:
    """Runs that together hold every event once; two events of one key never change places."""
    waiting = list(envelopes)
    while waiting:
        kind, taken, left = waiting[0].data.type, list[Envelope[EventBody]](), list[Envelope[EventBody]]()
        behind: set[str] = set()
        for envelope in waiting:
            if envelope.data.type == kind and envelope.key not in behind:
                taken.append(envelope)
            else:
                behind.add(envelope.key)
                left.append(envelope)
        yield Run.of(taken)
        waiting = left
