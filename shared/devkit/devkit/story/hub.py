"""The data hub of the story: makes Anji's people and plays their registers, in a process of its own."""

import asyncio
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

from devkit.records.county import people_of_anji
from devkit.records.people import Population
from devkit.records.player import DataHub
from runtime.kafka_settings import KafkaConnection
from runtime.sealing import read_public_keys


class Hub:
    """`async with Hub(…) as hub`: two calls to the other process, each when its time has come."""

    def __init__(self, connection: KafkaConnection, readers: Path, people: int) -> None:
        self._where = (connection, readers, people)
        # A process of its own: the people of a county would hold up everybody in the story otherwise.
        self._corrected = 0
        self._process = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))

    async def __aenter__(self) -> Self:
        self._playing = asyncio.wrap_future(self._process.submit(_play, *self._where))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._playing.cancel()
        self._process.shutdown(wait=error is None, cancel_futures=True)

    async def records(self) -> int:
        """How many records have been sent, once all are that were asked for. Raises NotDelivered."""
        return await self._playing + self._corrected

    async def correct_accounts(self) -> int:
        """Whoever had an account that the bank has closed names another one; how many people that were."""
        self._corrected = await asyncio.wrap_future(self._process.submit(_correct, *self._where))
        return self._corrected


def _play(connection: KafkaConnection, readers: Path, people: int) -> int:
    return _hub(connection, readers).play(_population(people)).records


def _correct(connection: KafkaConnection, readers: Path, people: int) -> int:
    corrected = _population(people).with_closed_accounts()
    _hub(connection, readers).name_new_accounts(corrected)
    return len(corrected)


def _hub(connection: KafkaConnection, readers: Path) -> DataHub:
    return DataHub(connection, read_public_keys(readers)["service:subsidy"])


@cache
def _population(people: int) -> Population:
    return people_of_anji(people)
