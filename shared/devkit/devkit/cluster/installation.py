"""Qingdan in a namespace of its own: installed, waited for, looked at, removed."""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from devkit.cluster.kubectl import Kubectl, KubectlError
from devkit.cluster.overlay import DEV, render, write_overlay
from devkit.cluster.secrets import make_secrets
from devkit.images.build import Built
from devkit.kafka_jars import Progress, silent
from devkit.paths import workspace

OURS: Final = "qingdan.org/demo"
READY_S: Final = 300.0
GONE_S: Final = 180.0


@dataclass(frozen=True, slots=True)
class Installation:
    """overlays/dev with these images in this namespace."""

    kubectl: Kubectl
    images: tuple[Built, ...]
    registry: str = ""

    def install(self, progress: Progress = silent) -> None:
        """Secrets first, then everything; returns when all is ready and every Job is done. Raises KubectlError."""
        namespace = self.kubectl.namespace
        progress("making secrets")
        self.kubectl.apply(
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": namespace, "labels": {OURS: "true"}},
            },
            manager="qingdan-demo",
        )
        make_secrets(self.kubectl, parties())
        progress("applying overlays/dev")
        self.apply()
        self.wait_ready(progress)

    def apply(self) -> str:
        """What kubectl says of each object. Raises KubectlError."""
        return self.kubectl.apply(self.rendered())

    def rendered(self) -> str:
        folder = write_overlay(self.images, self.kubectl.namespace, registry=self.registry)
        return render(self.kubectl, folder)

    def wait_ready(self, progress: Progress = silent, *, timeout_s: float = READY_S) -> None:
        """Until every Deployment and StatefulSet is as wanted, and no Job is under way.

        Raises KubectlError that names what is not, with what its pods say.
        """
        deadline = time.monotonic() + timeout_s
        while waiting := self.not_ready():
            progress("waiting for " + ", ".join(waiting[:4]) + (" …" if len(waiting) > 4 else ""))
            if time.monotonic() > deadline:
                raise KubectlError(f"not ready within {timeout_s:g} s: {', '.join(waiting)}. {self.complaints()}")
            time.sleep(0.5)

    def not_ready(self) -> list[str]:
        """Names of what is not as wanted, kind first."""
        found = []
        for each in self.kubectl.get("deployments,statefulsets,jobs"):
            kind, name, spec, status = each["kind"], each["metadata"]["name"], each["spec"], each.get("status", {})
            if kind == "Job":
                done = status.get("succeeded", 0) >= 1
            else:
                wanted = spec.get("replicas", 1)
                done = (
                    status.get("observedGeneration", 0) >= each["metadata"]["generation"]
                    and status.get("readyReplicas", 0) == wanted
                    and status.get("updatedReplicas", 0) == wanted
                    and status.get("replicas", 0) == wanted
                )
            if not done:
                found.append(f"{kind.lower()}/{name}")
        return sorted(found)

    def complaints(self) -> str:
        """Why pods are not ready, as they and the cluster say: one line each."""
        lines = []
        for pod in self.kubectl.get("pods"):
            for each in pod.get("status", {}).get("containerStatuses", []):
                state = each["state"].get("waiting") or each["state"].get("terminated") or {}
                if not each["ready"] and state.get("reason") != "Completed":
                    name = pod["metadata"]["name"]
                    said = self.kubectl.attempt("logs", name, "--tail=3").stdout.strip().replace("\n", " | ")
                    lines.append(f"{name}: {state.get('reason', 'running')} {state.get('message', '')} {said[-600:]}")
        return "; ".join(lines)

    def pods(self, **labels: str) -> list[dict[str, Any]]:
        """Pods with these labels (`name="tasks"` is app.kubernetes.io/name), those that are going away left out."""
        selector = ",".join(f"app.kubernetes.io/{key}={value}" for key, value in labels.items())
        found = self.kubectl.get("pods", selector=selector)
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def start_seconds(self) -> dict[str, float]:
        """Per service, the slowest of its pods: from the container's start to the pod being ready."""
        slowest: dict[str, float] = {}
        for pod in self.pods(component="service"):
            name = pod["metadata"]["labels"]["app.kubernetes.io/name"]
            (container,) = pod["status"]["containerStatuses"]
            began = _instant(container["state"]["running"]["startedAt"])
            ready = next(c for c in pod["status"]["conditions"] if c["type"] == "Ready" and c["status"] == "True")
            took = _instant(ready["lastTransitionTime"]) - began
            slowest[name] = max(slowest.get(name, 0.0), took)
        return slowest

    def remove(self) -> None:
        """The namespace with all that is in it, volumes too. Raises KubectlError for one that is not ours."""
        name = self.kubectl.namespace
        if not self.kubectl.exists("namespace", name):
            return
        if self.kubectl.get("namespace", name)["metadata"].get("labels", {}).get(OURS) != "true":
            raise KubectlError(
                f"the namespace {name} was not made by this demo; name another one, or remove it yourself"
            )
        self.kubectl.run("delete", "namespace", name, "--wait=true", timeout_s=GONE_S)


def parties() -> list[str]:
    """Outside parties, as the overlay's file of knobs names them."""
    knobs = dict(
        line.split("=", 1)
        for line in (workspace() / DEV / "knobs.env").read_text(encoding="utf-8").splitlines()
        if "=" in line and not line.startswith("#")
    )
    return knobs["KAFKA_PARTIES"].split(",")


def _instant(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def footprint_mib(kubectl: Kubectl) -> dict[str, float]:
    """Memory of each pod's working set, in MiB, as the kubelets say. Raises KubectlError without the right to ask."""
    found: dict[str, float] = {}
    for node in kubectl.get("nodes"):
        path = f"/api/v1/nodes/{node['metadata']['name']}/proxy/stats/summary"
        for pod in json.loads(kubectl.run("get", "--raw", path))["pods"]:
            if pod["podRef"]["namespace"] == kubectl.namespace:
                found[pod["podRef"]["name"]] = pod.get("memory", {}).get("workingSetBytes", 0) / 2**20
    return found


def names(pods: Iterable[dict[str, Any]]) -> list[str]:
    return [pod["metadata"]["name"] for pod in pods]
