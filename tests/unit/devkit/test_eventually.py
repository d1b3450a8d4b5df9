"""`eventually` waits for what is not yet true, tells what it last saw, and hides no mistake."""

import pytest

from devkit.eventually import NeverTrueError, eventually, eventually_sync


async def test_it_returns_the_first_truthy_answer() -> None:
    answers = iter((0, None, "", "here"))
    assert await eventually(lambda: next(answers), every_s=0.0) == "here"


async def test_it_awaits_an_async_check() -> None:
    answers = iter([False, True])

    async def check() -> bool:
        return next(answers)

    assert await eventually(check, every_s=0.0) is True


async def test_an_assertion_that_fails_is_not_yet() -> None:
    answers = iter([1, 2, 3])

    def check() -> bool:
        assert next(answers) == 3, "not three yet"
        return True

    assert await eventually(check, every_s=0.0)


async def test_the_last_failure_is_told() -> None:
    def check() -> bool:
        raise AssertionError("only two of three shares were claimed")

    with pytest.raises(NeverTrueError, match=r"the claims: .*only two of three shares were claimed"):
        await eventually(check, timeout_s=0.0, what="the claims")


async def test_the_last_answer_is_told() -> None:
    with pytest.raises(NeverTrueError, match=r"not true within 0 s; last answer: 0"):
        await eventually(lambda: 0, timeout_s=0.0)


async def test_another_exception_is_a_mistake_and_raised_at_once() -> None:
    def check() -> bool:
        raise KeyError("misspelt")

    with pytest.raises(KeyError):
        await eventually(check)


def test_it_works_without_an_event_loop() -> None:
    answers = iter([False, True])
    assert eventually_sync(lambda: next(answers), every_s=0.0)


def test_without_an_event_loop_the_last_failure_is_told_too() -> None:
    def check() -> bool:
        raise AssertionError("still starting")

    with pytest.raises(NeverTrueError, match="still starting"):
        eventually_sync(check, timeout_s=0.0)
