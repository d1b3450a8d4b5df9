"""One trace from a caller's HTTP request through outbox and Kafka into the other service's transaction."""

import json

from devkit.eventually import eventually
from tests.broker.collector import collecting
from tests.broker.stage import Stage, settle, some_tasks

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = f"00-{TRACE_ID}-00f067aa0ba902b7-01"


async def test_one_trace_id_is_found_in_http_outbox_kafka_and_the_other_services_transaction(stage: Stage) -> None:
    (task,) = some_tasks(1)
    with collecting() as collector:
        endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        writer = stage.probe("writer", **endpoint)
        relay = stage.probe("relay")  # has no part in the trace: what it publishes carries it
        reader = stage.probe("reader", database="reader", **endpoint)
        writer.start({"PARTS": "http"})
        reader.start({"PARTS": "consume"})

        async with writer.client() as client:
            answer = await writer.take_step(client, task, headers={"traceparent": CALLER})
        assert answer.headers["traceresponse"].split("-")[1] == TRACE_ID
        stored = json.loads(await writer.value("SELECT headers FROM outbox"))["ce_traceparent"]
        assert stored.split("-")[1] == TRACE_ID
        assert await writer.value("SELECT trace_id FROM audit_entry") == TRACE_ID

        relay.start({"PARTS": "relay"})
        await settle(writer, reader)
        (record,) = stage.broker.read()
        assert ("ce_traceparent", stored.encode()) in (record.headers() or [])
        assert await reader.value("SELECT trace_id FROM inbox") == TRACE_ID
        assert await reader.value("SELECT trace_id FROM audit_entry") == TRACE_ID

        writer.terminate()
        reader.terminate()  # what was measured is sent on before the process ends
        spans = {span.name: span for span in await eventually(lambda: collector.of_trace(TRACE_ID))}
    command, processed = spans["POST /v1/steps"], spans["process share.progressed.v1"]
    assert command.parent_span_id == CALLER.split("-")[2]
    assert processed.parent_span_id == command.span_id == stored.split("-")[2]
    assert processed.instance != command.instance


async def test_every_event_of_a_batch_continues_its_own_trace(stage: Stage) -> None:
    tasks = some_tasks(3)
    probe = stage.probe()
    probe.start({"PARTS": "http,relay"})
    async with probe.client() as client:
        answers = [await probe.take_step(client, task) for task in tasks]
    traces = {answer.headers["traceresponse"].split("-")[1] for answer in answers}
    assert len(traces) == len(tasks)
    probe.terminate()
    probe.start()

    await settle(probe)
    rows = await probe.rows("SELECT trace_id FROM audit_entry WHERE actor = 'service:probe'")
    assert {row["trace_id"] for row in rows} == traces
