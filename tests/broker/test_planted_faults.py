"""Each guard is taken away once, and the scenario that it guards must fail: these tests can fail."""

import pytest

from devkit.eventually import NeverTrueError
from runtime.failpoints import Failpoint
from tests.broker.scenarios import consumer_killed_at, late_commit
from tests.broker.stage import Stage


async def test_acknowledging_first_is_caught(stage: Stage) -> None:
    with pytest.raises(AssertionError, match=r"assert {} == \{"):  # all is lost
        await consumer_killed_at(stage, Failpoint.CONSUMER_AFTER_RECEIVE, fault="ack-first")


async def test_a_missing_inbox_is_caught(stage: Stage) -> None:
    with pytest.raises(AssertionError, match=r"\[1, 2, 3, 4, 5, 1"):  # all is applied twice
        await consumer_killed_at(stage, Failpoint.CONSUMER_AFTER_COMMIT, fault="no-inbox")


async def test_an_event_that_commits_late_is_published(stage: Stage) -> None:
    await late_commit(stage)


async def test_an_id_cursor_is_caught(stage: Stage) -> None:
    with pytest.raises(NeverTrueError, match="outbox empty and lag zero"):
        await late_commit(stage, fault="id-cursor", timeout_s=3.0)
