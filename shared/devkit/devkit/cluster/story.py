"""The demo's story inside a cluster: told by a Job to services that others run, and reckoned there."""

import asyncio
import json
from typing import Final

from rich.console import Console

from devkit.cluster.place import ClusterPlace
from devkit.demo import BANK, Played, conclude
from devkit.eventually import NeverTrueError
from devkit.paths import var_dir
from devkit.run_directory import ProcessFailedError
from devkit.story import figures
from devkit.story.chapters import tell
from devkit.story.client import StoryError
from devkit.story.narrator import Narrator
from devkit.story.plot import whole_story

REPORT_MARK: Final = "REPORT "
"""Begins the last line of the output: the report as one line of JSON, for whoever reads the log."""


def tell_in_cluster(console: Console) -> int:
    """Tell the whole story; returns the exit code: 1 when it broke off or an invariant fails.

    Raises KeyError for a variable that is missing.
    """
    narrator, plot = Narrator(console), whole_story()
    place = ClusterPlace.of_environment(BANK)
    played = None
    with narrator.timed("total"):
        try:
            place.bank.start()
            evidence = asyncio.run(tell(place, plot, narrator))
            played = Played(evidence, figures.count(evidence, plot.town, memory_mb_peak=0))
        except (StoryError, NeverTrueError, ProcessFailedError) as error:
            console.print(f"The story broke off 演示中断: {error}", style="red", markup=False, soft_wrap=True)
        finally:
            place.run.end()
    report = var_dir() / "story.json"
    code = conclude(narrator, played, report)
    print(REPORT_MARK + json.dumps(json.loads(report.read_text(encoding="utf-8")), ensure_ascii=False), flush=True)
    return code
