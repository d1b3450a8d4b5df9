"""If too much is bad the consumer stops, says so, and commits nothing behind the place where it stopped."""

from devkit.eventually import eventually
from runtime.parking import CAP_PER_PARTITION
from tests.broker.broker import Raw, record_of
from tests.broker.stage import Stage, settle, some_tasks, step_event


async def test_the_cap_stops_the_consumer_and_readiness_says_so(stage: Stage) -> None:
    spoilt = [record_of(step_event(task, 1)) for task in some_tasks(CAP_PER_PARTITION + 5)]
    (good,) = some_tasks(1)
    sent = stage.broker.send([Raw(raw.key, b"{", raw.headers) for raw in spoilt], partition=0)
    sent += stage.broker.send([record_of(step_event(good, 1))], partition=0)
    probe = stage.probe()
    probe.start(wait_ready=False)

    refused = await eventually(
        lambda: probe.process.probe("/readyz").startswith("503") and probe.process.probe("/readyz")
    )
    await eventually(lambda: "records parked within" in probe.process.probe("/readyz"), timeout_s=40.0)
    assert refused
    assert probe.process.probe("/livez") == "204"
    assert len(await probe.parked()) == CAP_PER_PARTITION
    await eventually(lambda: stage.broker.committed().get(0) == CAP_PER_PARTITION)
    assert await probe.effects() == {}

    probe.terminate()
    probe.start(wait_ready=False)  # a restart is no remedy
    await eventually(lambda: "records parked within" in probe.process.probe("/readyz"), timeout_s=40.0)
    assert stage.broker.committed()[0] == CAP_PER_PARTITION

    probe.terminate()
    await probe.value("UPDATE parked_record SET parked_at = parked_at - interval '11 minutes'")
    probe.start()
    await settle(probe)
    assert await probe.effects() == {good: [1]}
    books = await probe.books()
    assert (books.parked, books.handled, books.records_in) == (len(spoilt), 1, sent)
