"""The story small: some villages, tasks, signs, people and months; told once for all tests of the run."""

from io import StringIO

import pytest
from rich.console import Console

from devkit.demo import Played, play
from devkit.story.narrator import Narrator
from devkit.story.plot import Plot, small_story


@pytest.fixture(scope="session")
def plot() -> Plot:
    return small_story(villages_max=5, tasks_max=8, sign_villages_max=4, people=4_000, periods=("2026-06", "2026-10"))


@pytest.fixture(scope="session")
def narrator() -> Narrator:
    """A voice that speaks into a file, as in a pipe."""
    return Narrator(Console(file=StringIO()))


@pytest.fixture(scope="session")
def told(plot: Plot, narrator: Narrator) -> Played:
    """The story on a Kafka, a PostgreSQL and services of its own, all of them stopped again."""
    played = play(narrator, plot)
    assert played is not None, said(narrator)
    return played


def said(narrator: Narrator) -> str:
    """All that the narrator has said so far."""
    assert isinstance(narrator.console.file, StringIO)
    return narrator.console.file.getvalue()
