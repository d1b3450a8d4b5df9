"""A service consumes what its settings say of a family, and everything else as it is written down."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from qingdan.topics import IN_BANK, TASKS, UnknownTopic
from runtime.db import Tx
from runtime.kafka import subscribe, subscribe_each
from runtime.runs import Run
from runtime.settings import ServiceSettings


@subscribe(TASKS)
async def on_tasks(tx: Tx, run: Run[Any]) -> None:
    """One topic."""


@subscribe_each(IN_BANK, codes=lambda settings: settings.banks)
async def on_bank(tx: Tx, run: Run[Any]) -> None:
    """One topic a bank."""


def settings(*banks: str) -> ServiceSettings:
    return cast(ServiceSettings, SimpleNamespace(banks=banks))


def test_a_topic_is_subscribed_once() -> None:
    assert on_tasks.subscriptions(settings("ABC")) == [on_tasks]


def test_a_family_is_subscribed_once_for_each_party() -> None:
    subscriptions = on_bank.subscriptions(settings("ABC", "XYZ"))
    assert [each.topic.name for each in subscriptions] == ["in.bank.abc.v1", "in.bank.xyz.v1"]
    assert {each.handler for each in subscriptions} == {on_bank.handler}
    assert on_bank.subscriptions(settings()) == []


def test_a_code_that_makes_no_topic_stops_the_start() -> None:
    with pytest.raises(UnknownTopic):
        on_bank.subscriptions(settings("A.B"))
