"""The demo: a fresh Qingdan on this machine, the story told in it, one table, and the same as `var/demo.json`."""

import asyncio
import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from rich.console import Console

from devkit.bank.settings import Behaviour
from devkit.eventually import NeverTrueError
from devkit.kafka_jars import JarMismatchError
from devkit.keys import BANK as BANK_CODE
from devkit.memory import PeakMemory
from devkit.paths import var_dir
from devkit.run_directory import ProcessFailedError, tail
from devkit.stack import Stack
from devkit.story import figures
from devkit.story.chapters import tell
from devkit.story.checks import CHECKS, Evidence, broken
from devkit.story.client import StoryError
from devkit.story.fengshan import BY_EVENT
from devkit.story.narrator import Narrator
from devkit.story.plot import Plot, whole_story
from devkit.surroundings import Surroundings
from qingdan.topics import ALL, in_access, in_bank, to_bank

REPORT: Final = "demo.json"
FAULTS_SHOWN_MAX: Final = 5
LOG_LINES: Final = 15
BANK: Final = Behaviour(
    delays_per_mille=20,
    delay_s=1.0,
    repeats_per_mille=10,
    out_of_order_per_mille=10,
    swallows_per_mille=3,
    silent_per_mille=5,
    unknown_per_mille=2,
)
"""No bank is perfect: every fault here happens to some of the payments of the story."""


@dataclass(frozen=True, slots=True)
class Played:
    """A story that was told to its end."""

    evidence: Evidence
    figures: Mapping[str, int]


def demo(console: Console) -> int:
    """Tell the story and write the report; returns the exit code: 1 when it broke off or an invariant fails."""
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())  # what goes wrong is said in the story's own words
    narrator = Narrator(console)
    report = var_dir() / REPORT
    report.unlink(missing_ok=True)
    narrator.open(
        "轻担 Qingdan",
        "三个县怎样给村里减负：中间件与区划是真的，清单是示例，历史和居民是合成的。",
        "How three counties lighten what they ask of their villages. Kafka, PostgreSQL and the divisions are real, "
        "lists are modelled, the past and the people are synthetic. All happens through HTTP with tokens and Kafka, as "
        "for any user.",
    )
    return conclude(narrator, play(narrator, whole_story()), report)


def play(
    narrator: Narrator,
    plot: Plot,
    *,
    extra: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    look: Callable[[Stack], None] | None = None,
) -> Played | None:
    """Tell the story on everything of its own, and stop all of it; None when it broke off, which has been explained.

    `extra`: variables for a service's environment, by service. `look` is called when the story is told and everything
    is still there.
    """
    # A story begins in an empty county, so whatever the environment offers is left alone.
    stack = Stack(
        name=f"demo-{os.getpid()}",
        surroundings=Surroundings(),
        bank_behaviour=BANK,
        topics=(*ALL, in_bank(BANK_CODE), to_bank(BANK_CODE), *map(in_access, BY_EVENT)),
        extra=dict(extra) | {"tasks": {"DEPARTMENTS": ",".join(BY_EVENT)} | dict(extra.get("tasks", {}))},
    )
    evidence = None
    with narrator.timed("total"), PeakMemory(lambda: _pss_bytes(stack), every_s=2.0) as memory:
        if _start(stack, narrator):
            try:
                evidence = _tell(stack, plot, narrator)
                if evidence is not None and look is not None:
                    look(stack)
            finally:
                with narrator.timed("stop"), narrator.waiting("停止", "stopping") as stack.progress:
                    stack.stop()
    if evidence is None:
        return None
    return Played(evidence, figures.count(evidence, plot.town, memory_mb_peak=round(memory.peak_bytes / 1e6)))


def conclude(narrator: Narrator, played: Played | None, report: Path) -> int:
    """Show figures and invariants, write them to `report` as JSON, and return the exit code."""
    faults = broken(played.evidence) if played else {}
    ok = played is not None and not any(faults.values())
    document = {
        "ok": ok,
        "figures": dict(played.figures) if played else {},
        "invariants": {name: not found for name, found in faults.items()},
        "seconds": narrator.seconds,
    }
    report.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    if played is None:
        return 1
    _show(narrator, played.figures, faults)
    took_s, shown = narrator.seconds.get("total", 0.0), _shown(report)
    narrator.console.print()
    if ok:
        narrator.say(
            f"{len(faults)}项保证全部成立，用时{took_s:.0f}秒；同样内容见{shown}。",
            f"All {len(faults)} promises hold; it took {took_s:.0f} s. The same is in {shown}.",
        )
        return 0
    failed = ", ".join(name for name, found in faults.items() if found)
    narrator.console.print(f"   ✗ 未通过 failed: {failed}; {shown}", style="bold red", markup=False, soft_wrap=True)
    return 1


def _start(stack: Stack, narrator: Narrator) -> bool:
    try:
        with narrator.timed("start"), narrator.waiting("启动", "starting") as stack.progress:
            stack.start()
    except (ProcessFailedError, JarMismatchError, RuntimeError, OSError) as error:
        narrator.console.print(f"It could not start 无法启动: {error}", style="red", markup=False, soft_wrap=True)
        return False
    took_s = narrator.seconds["start"]
    narrator.say(
        f"Kafka、PostgreSQL、令牌签发和{len(stack.services)}个服务已就绪，用时{took_s:.1f}秒。",
        f"Kafka, PostgreSQL, a token issuer and {len(stack.services)} services are up after {took_s:.1f} s.",
    )
    return True


def _tell(stack: Stack, plot: Plot, narrator: Narrator) -> Evidence | None:
    """None when the story broke off; then it has been said why."""
    try:
        return asyncio.run(tell(stack, plot, narrator))
    except (StoryError, NeverTrueError) as error:
        console = narrator.console
        console.print(f"The story broke off 演示中断: {error}", style="red", markup=False, soft_wrap=True)
        ended = {process.name for process in stack.processes if not process.is_alive()}
        suspects = set(ended)
        if isinstance(error, StoryError) and error.service:
            suspects.add(error.service)
        for name in sorted(suspects or stack.services):
            log = stack.run.logs / f"{name}.log"
            state = "has ended" if name in ended else "is running"
            console.print(f"{name} {state}; the end of {_shown(log)}:", style="bold", markup=False, soft_wrap=True)
            console.print(tail(log, LOG_LINES), markup=False, highlight=False, soft_wrap=True)
        return None


def _show(narrator: Narrator, counted: Mapping[str, int], faults: Mapping[str, list[str]]) -> None:
    rows = [(*figures.NAMES[name], f"{value:,}") for name, value in counted.items()]
    narrator.table("演示结果 The figures", ("", "", ""), rows)
    said = {check.name: check for check in CHECKS}
    narrator.table(
        "保证 The promises",
        ("", "", ""),
        [("[red]✗[/]" if found else "[green]✓[/]", said[name].zh, said[name].en) for name, found in faults.items()],
    )
    for name, found in faults.items():
        for fault in found[:FAULTS_SHOWN_MAX]:
            narrator.console.print(f"   ✗ {name}: {fault}", style="red", markup=False, soft_wrap=True)
        if len(found) > FAULTS_SHOWN_MAX:
            narrator.console.print(f"   ✗ {name}: and {len(found) - FAULTS_SHOWN_MAX} more", style="red", markup=False)


def _shown(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _pss_bytes(stack: Stack) -> int:
    """Memory of what has been started so far."""
    return stack.pss_bytes() if hasattr(stack, "run") else 0
