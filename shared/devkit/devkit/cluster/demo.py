"""`make cluster-demo`: install Qingdan into a cluster, tell the story there, disturb it, and print what came of it."""

import json
import time
from collections.abc import Sequence
from typing import Final

from rich.console import Console

from devkit.cluster import trials
from devkit.cluster.installation import Installation, footprint_mib
from devkit.cluster.kubectl import Kubectl, KubectlError
from devkit.cluster.loading import LoadingError, load
from devkit.cluster.overlay import render, write_overlay
from devkit.cluster.story import REPORT_MARK
from devkit.cluster.trials import Row
from devkit.images.build import Built, build
from devkit.images.catalogue import IMAGES
from devkit.images.context import ContextError
from devkit.images.engine import Engine, EngineError
from devkit.paths import var_dir
from devkit.story.narrator import Narrator

NAMESPACE: Final = "qingdan-demo"
STORY: Final = "deploy/kubernetes/overlays/dev/story"
STORY_S: Final = 1200.0
FOOTPRINT_MIB_MAX: Final = 3 * 1024
START_S_MAX: Final = 8.0
REPORT: Final = "cluster-demo.json"


def cluster_demo(console: Console, *, namespace: str = NAMESPACE, keep: bool = False, with_story: bool = True) -> int:
    """The whole of it; 1 when anything did not hold. The namespace goes at the end unless it is to be kept."""
    narrator = Narrator(console)
    try:
        with narrator.waiting("准备镜像", "building images") as progress:
            kubectl = Kubectl.found(namespace)
            images = build(list(IMAGES), Engine.found(), progress=progress)
            registry = load(images, progress)
        installation = Installation(kubectl, tuple(images), registry)
        rows = _tried(installation, narrator, with_story=with_story)
    except (KubectlError, LoadingError, EngineError, ContextError) as error:
        console.print(f"It could not go on 无法继续: {error}", style="red", markup=False, soft_wrap=True)
        return 1
    (var_dir() / REPORT).write_text(
        json.dumps([{"en": row.en, "zh": row.zh, "measured": row.measured, "ok": row.ok} for row in rows], indent=2)
    )
    _show(narrator, rows)
    if not keep:
        with narrator.waiting("清理", "removing the namespace"):
            installation.remove()
    return 0 if all(row.ok for row in rows) else 1


def _tried(installation: Installation, narrator: Narrator, *, with_story: bool) -> list[Row]:
    image = _reference(installation, "devkit")
    with narrator.waiting("安装", "installing") as progress:
        installation.remove()
        began = time.monotonic()
        installation.install(progress)
        rows = [_installed(installation, time.monotonic() - began), *_measured(installation)]
    if with_story:
        with narrator.waiting("在集群里演示", "telling the story in the cluster"):
            rows.append(_story(installation))
    with narrator.waiting("试验", "trials") as progress:
        rows += [
            trials.applied_again(installation, progress),
            trials.network(installation, image, progress),
            trials.access(installation, image, progress),
            trials.rolling_updates(installation, image, progress),
            trials.evictions(installation, progress),
            trials.kills(installation, progress),
        ]
    return rows


def _installed(installation: Installation, took_s: float) -> Row:
    pods = len(installation.pods(**{"part-of": "qingdan"}))
    return Row("安装", "installed, every pod ready and every Job done", f"{pods} pods after {took_s:.0f} s", True)


def _measured(installation: Installation) -> list[Row]:
    starts, memory = installation.start_seconds(), footprint_mib(installation.kubectl)
    slowest = max(starts, key=lambda service: starts[service])
    return [
        Row(
            f"每个服务从启动到就绪不超过{START_S_MAX:g}秒",
            f"each service from its start to ready within {START_S_MAX:g} s",
            ", ".join(f"{service} {took:.0f} s" for service, took in sorted(starts.items())),
            starts[slowest] <= START_S_MAX,
        ),
        Row(
            f"全部空闲时内存不超过{FOOTPRINT_MIB_MAX:,} MiB",
            f"memory of everything, idle, below {FOOTPRINT_MIB_MAX:,} MiB",
            f"{sum(memory.values()):,.0f} MiB in {len(memory)} pods",
            bool(memory) and sum(memory.values()) < FOOTPRINT_MIB_MAX,
        ),
    ]


def _story(installation: Installation) -> Row:
    """By a Job against the Services. Raises KubectlError when it says nothing in time."""
    kubectl = installation.kubectl
    kubectl.attempt("delete", "job", "story", "--ignore-not-found", "--wait=true")
    folder = write_overlay(installation.images, kubectl.namespace, source=STORY, registry=installation.registry)
    kubectl.apply(render(kubectl, folder))
    deadline = time.monotonic() + STORY_S
    while True:
        log = kubectl.attempt("logs", "job/story", "--tail=-1").stdout
        said = [line for line in log.splitlines() if line.startswith(REPORT_MARK)]
        if said:
            break
        if kubectl.get("job", "story").get("status", {}).get("failed") or time.monotonic() > deadline:
            raise KubectlError(f"the story broke off: {log[-2500:]}")
        time.sleep(1.0)
    report = json.loads(said[0].removeprefix(REPORT_MARK))
    failed = sorted(name for name, holds in report["invariants"].items() if not holds)
    return Row(
        "集群里的故事，全部保证成立",
        "the story, told by a Job: every promise holds",
        ", ".join(failed) or f"{len(report['invariants'])} promises after {report['seconds']['total']:.0f} s",
        bool(report["ok"]),
    )


def _reference(installation: Installation, name: str) -> str:
    built: Built = next(image for image in installation.images if image.name == name)
    return f"{installation.registry}/{built.reference}" if installation.registry else built.reference


def _show(narrator: Narrator, rows: Sequence[Row]) -> None:
    narrator.table(
        "集群试验 The cluster, tried",
        ("", "", "", ""),
        [("[green]✓[/]" if row.ok else "[red]✗[/]", row.zh, row.en, row.measured) for row in rows],
    )
