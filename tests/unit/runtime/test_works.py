"""A work takes turns until there is nothing more to do, shows progress before each, and passes its failpoints."""

from collections.abc import Iterator
from typing import Any, cast

import pytest

from runtime import failpoints
from runtime.failpoints import Failpoint, FailpointHit
from runtime.works import Working, every

NOWHERE = cast(Working, None)


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    failpoints.arm("")


async def test_a_work_goes_on_until_there_is_nothing_more() -> None:
    left, beats = [True, True, False], []

    @every(1.0)
    async def work_off(_: Working) -> bool:
        return left.pop(0)

    await work_off.go_on(NOWHERE, lambda: beats.append(len(left)))
    assert left == []
    assert beats == [3, 2, 1]  # before each turn: a turn that hangs is seen
    assert (work_off.name, work_off.every_s) == ("work_off", 1.0)


async def test_what_a_turn_raises_is_raised() -> None:
    @every(1.0)
    async def fail(_: Working) -> bool:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await fail.go_on(NOWHERE, lambda: None)


@pytest.mark.parametrize("place", [Failpoint.WORK_BEFORE_COMMIT, Failpoint.WORK_AFTER_COMMIT])
async def test_a_turn_passes_its_failpoints(place: Failpoint) -> None:
    committed: list[Any] = []

    @every(1.0)
    async def write(_: Working) -> bool:
        await failpoints.hit_before_commit()  # as a transaction does
        committed.append("row")
        return False

    failpoints.arm(f"{place.value}=raise")
    with pytest.raises(FailpointHit, match=place.value):
        await write.go_on(NOWHERE, lambda: None)
    assert committed == ([] if place is Failpoint.WORK_BEFORE_COMMIT else ["row"])


async def test_a_transaction_outside_a_work_passes_no_place_of_works() -> None:
    failpoints.arm("work.before-commit=raise")
    await failpoints.hit_before_commit()
    with failpoints.before_commit(Failpoint.WORK_BEFORE_COMMIT, "write"), pytest.raises(FailpointHit):
        await failpoints.hit_before_commit()


@pytest.mark.parametrize("place", [Failpoint.WORK_BEFORE_COMMIT, Failpoint.WORK_AFTER_COMMIT])
async def test_a_place_of_one_work_is_none_of_another(place: Failpoint) -> None:
    turns: list[str] = []

    @every(1.0)
    async def write(_: Working) -> bool:
        await failpoints.hit_before_commit()
        turns.append("write")
        return False

    @every(1.0)
    async def read(_: Working) -> bool:
        await failpoints.hit_before_commit()
        turns.append("read")
        return False

    failpoints.arm(f"{place.value}/write=raise@2")
    for work in (read, write, read, read):
        await work.go_on(NOWHERE, lambda: None)
    with pytest.raises(FailpointHit, match=f"{place.value}/write"):
        await write.go_on(NOWHERE, lambda: None)
    assert turns[:4] == ["read", "write", "read", "read"]


def test_only_places_of_works_are_of_one() -> None:
    with pytest.raises(ValueError, match="are of a work"):
        failpoints.arm("api.after-commit/write=kill")
