"""Pods of our own in the cluster under test: load and probes, each the image of the devkit, restricted."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from devkit.cluster.kubectl import Kubectl, KubectlError

CALLER: Final = {"qingdan.org/calls": "services", "qingdan.org/calls-kafka": "true", "app.kubernetes.io/name": "story"}
"""Labels of whom the services and Kafka let in."""
MOUNTS: Final = {"issuer-keys": "/issuer-keys", "parties": "/parties", "kafka-users": "/kafka-users"}
ENVIRONMENT: Final = {
    "KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
    "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
    "OIDC_ISSUER": "http://issuer",
    "ISSUER_KEYS": "/issuer-keys",
    "PARTIES": "/parties",
    "KAFKA_USERS_DIRECTORY": "/kafka-users",
}
POLL_S: Final = 0.5


def pod(name: str, image: str, words: Sequence[str], *, labels: Mapping[str, str], trusted: bool) -> dict[str, Any]:
    """A pod's manifest. `trusted`: with the keys and passwords of all parties."""
    mounts = MOUNTS if trusted else {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {**labels, "qingdan.org/trial": name}},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 5,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 10001,
                "runAsGroup": 10001,
                "fsGroup": 10001,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "trial",
                    "image": image,
                    "imagePullPolicy": "IfNotPresent",
                    "args": list(words),
                    "env": [{"name": key, "value": value} for key, value in (ENVIRONMENT if trusted else {}).items()],
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "resources": {"requests": {"cpu": "50m", "memory": "96Mi"}, "limits": {"memory": "512Mi"}},
                    "volumeMounts": [
                        {"name": "tmp", "mountPath": "/tmp"},
                        *({"name": name, "mountPath": path, "readOnly": True} for name, path in mounts.items()),
                    ],
                }
            ],
            "volumes": [
                {"name": "tmp", "emptyDir": {"sizeLimit": "256Mi"}},
                *({"name": name, "secret": {"secretName": name, "defaultMode": 0o440}} for name in mounts),
            ],
        },
    }


def wait_for_line(kubectl: Kubectl, name: str, beginning: str, *, timeout_s: float) -> str:
    """The first line of its log that begins so. Raises KubectlError with the log's end when none comes in time."""
    deadline = time.monotonic() + timeout_s
    while True:
        log = kubectl.attempt("logs", name).stdout
        for line in log.splitlines():
            if line.startswith(beginning):
                return line
        phase = kubectl.get("pod", name)["status"].get("phase")
        if phase in ("Failed", "Succeeded") or time.monotonic() > deadline:
            raise KubectlError(f"{name} ({phase}) said nothing that begins with {beginning!r}: {log[-1500:]}")
        time.sleep(POLL_S)


def run_to_end(kubectl: Kubectl, manifest: Mapping[str, Any], *, timeout_s: float) -> dict[str, Any]:
    """Start the pod, wait for its line of JSON, take the pod away. Raises KubectlError."""
    name = str(manifest["metadata"]["name"])
    kubectl.attempt("delete", "pod", name, "--ignore-not-found", "--wait=true")
    kubectl.apply(dict(manifest))
    try:
        return dict(json.loads(wait_for_line(kubectl, name, "{", timeout_s=timeout_s)))
    finally:
        kubectl.attempt("delete", "pod", name, "--wait=false")
