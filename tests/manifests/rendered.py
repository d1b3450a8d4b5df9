"""Overlays as kubectl renders them, each once; and the small questions that policies ask of objects."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
OVERLAYS = tuple(sorted(path.parent.name for path in (KUBERNETES / "overlays").glob("*/kustomization.yaml")))
WORKLOADS = ("Deployment", "StatefulSet", "Job", "CronJob")

Manifest = Mapping[str, Any]


@cache
def rendered(overlay: str) -> tuple[Manifest, ...]:
    """Every object of an overlay. Raises RuntimeError with what kubectl said."""
    return tuple(each for each in yaml.safe_load_all(text_of(overlay)) if each)


@cache
def text_of(overlay: str) -> str:
    kubectl = os.environ.get("KUBECTL") or shutil.which("kubectl")
    if kubectl is None:
        raise RuntimeError("install kubectl (1.30 or newer), or name it in KUBECTL")
    command = [kubectl, "kustomize", str(KUBERNETES / "overlays" / overlay)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{overlay} does not render: {done.stderr}")
    return done.stdout


def of_kind(overlay: str, *kinds: str) -> list[Manifest]:
    return [each for each in rendered(overlay) if each["kind"] in kinds]


def name(manifest: Manifest) -> str:
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def pod_of(workload: Manifest) -> Manifest:
    """The pod's template: {"metadata": …, "spec": …}."""
    spec = workload["spec"]
    template: Manifest = spec["jobTemplate"]["spec"]["template"] if workload["kind"] == "CronJob" else spec["template"]
    return template


def containers(workload: Manifest) -> Iterator[Manifest]:
    spec = pod_of(workload)["spec"]
    yield from spec.get("initContainers", ())
    yield from spec["containers"]


def selects(selector: Manifest, labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches: the empty one selects everything."""
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    for wish in selector.get("matchExpressions", ()):
        value, values = labels.get(wish["key"]), wish.get("values", ())
        held = {
            "In": value in values,
            "NotIn": value not in values,
            "Exists": wish["key"] in labels,
            "DoesNotExist": wish["key"] not in labels,
        }[wish["operator"]]
        if not held:
            return False
    return True
