"""What an operator is promised, tried on the cluster itself: a row for each, what was done and what came of it."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from devkit.cluster.installation import Installation, names, parties
from devkit.cluster.jobs import CALLER, pod, run_to_end, wait_for_line
from devkit.cluster.kubectl import KubectlError
from devkit.kafka_jars import Progress, silent
from devkit.stack import SERVICES

LOAD: Final = "load"
STOP: Final = "/tmp/stop"
TOO_MANY: Final = "429"
PROBED: Final = (
    *(f"{service}:80" for service in SERVICES),
    *(f"postgres-{service}:5432" for service in SERVICES),
    *("kafka:9092", "issuer:80"),
)
BACK_S: Final = 120.0
PAUSE_S: Final = 4.0


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `zh` and `en` say what was tried; `measured` what came of it."""

    zh: str
    en: str
    measured: str
    ok: bool


@dataclass(slots=True)
class Load:
    """What the load under which a trial was made came to; filled when it is over."""

    said: dict[str, Any] = field(default_factory=dict)

    @property
    def held(self) -> bool:
        return (
            not self.said["failed"] and not self.said["lost"] and not self.said["doubled"] and self.said["events"] > 0
        )

    def sentence(self) -> str:
        said = self.said
        failures = f" ({'; '.join(said['failures'][:3])})" if said["failures"] else ""
        return (
            f"{said['answered']:,} requests, {said['failed']} failed{failures}; {said['events']:,} events, "
            f"{len(said['lost'])} lost, {len(said['doubled'])} doubled; slowest {said['slowest_ms']:,} ms"
        )


@contextmanager
def under_load(installation: Installation, image: str) -> Iterator[Load]:
    """Requests to every service, from inside, until the block ends; then each of their events is looked for."""
    kubectl, load = installation.kubectl, Load()
    kubectl.attempt("delete", "pod", LOAD, "--ignore-not-found", "--wait=true")
    kubectl.apply(pod(LOAD, image, ["cluster", "load", "--stop", STOP], labels=CALLER, trusted=True))
    try:
        wait_for_line(kubectl, LOAD, "started", timeout_s=BACK_S)
        yield load
        kubectl.run("exec", LOAD, "--", "python3", "-c", f"open({STOP!r}, 'w')")
        load.said = json.loads(wait_for_line(kubectl, LOAD, "{", timeout_s=BACK_S))
    finally:
        kubectl.attempt("delete", "pod", LOAD, "--wait=false")


def rolling_updates(installation: Installation, image: str, progress: Progress = silent) -> Row:
    """Every service is rolled over, one after the other, while requests come in."""
    began = time.monotonic()
    with under_load(installation, image) as load:
        for service in SERVICES:
            progress(f"rolling update of {service}")
            installation.kubectl.run("rollout", "restart", f"deployment/{service}")
            installation.kubectl.run("rollout", "status", f"deployment/{service}", timeout_s=240.0)
        time.sleep(PAUSE_S)  # what was just replaced must not have left somebody waiting
    took = time.monotonic() - began
    return Row(
        "逐个滚动更新每个服务，同时有负载",
        "rolling update of every service, one after the other, under load",
        f"{load.sentence()}; {took:.0f} s in all",
        load.held,
    )


def kills(installation: Installation, progress: Progress = silent) -> Row:
    """Each pod in turn is deleted without grace; all must be ready again."""
    kubectl, slowest, killed = installation.kubectl, (0.0, ""), 0
    for victim in _standing(installation):
        name, app = victim["metadata"]["name"], victim["metadata"]["labels"]["app.kubernetes.io/name"]
        progress(f"killing {name}")
        wanted = len(_ready(installation, app))
        kubectl.run("delete", "pod", name, "--force", "--grace-period=0")
        killed += 1
        began = time.monotonic()

        def is_back(app: str = app, gone: str = victim["metadata"]["uid"], wanted: int = wanted) -> bool:
            there = _ready(installation, app)
            return len(there) == wanted and gone not in there

        _until(is_back, BACK_S, f"{app} is whole again after {name}")
        slowest = max(slowest, (time.monotonic() - began, app))
    _until(lambda: not installation.not_ready(), BACK_S, "all is ready again")
    return Row(
        "逐个强制删除每个容器组",
        "each pod in turn is deleted by force",
        f"{killed} killed, all back; the slowest after {slowest[0]:.0f} s ({slowest[1]})",
        killed > 0,
    )


def evictions(installation: Installation, progress: Progress = silent) -> Row:
    """Through the Eviction API: of two ready pods one may go, the other only when that is back."""
    wrong = []
    for service in SERVICES:
        progress(f"evicting pods of {service}")
        first, second = names(installation.pods(name=service, component="service"))[:2]
        if (said := _evict(installation, first)) is not None:
            wrong.append(f"{service}: the first was refused: {said}")
        said = _evict(installation, second)
        if said is None or "disruption budget" not in said:
            wrong.append(f"{service}: the second was not refused ({said})")
        _until(lambda: not installation.not_ready(), BACK_S, f"{service} is whole again")
        if (said := _evict(installation, second)) is not None:
            wrong.append(f"{service}: the second was refused though the first is back: {said}")
        _until(lambda: not installation.not_ready(), BACK_S, f"{service} is whole again")
    return Row(
        "驱逐：预算允许一个，第二个被拒，恢复后才行",
        "eviction: the budget lets one go, refuses the second, until the first is back",
        "; ".join(wrong) or f"{len(SERVICES)} services, each refused once",
        not wrong,
    )


def network(installation: Installation, image: str, progress: Progress = silent) -> Row:
    """A pod that is nobody reaches nothing; a service reaches its own database, and no other's, nor another service."""
    progress("probing the network")
    wrong = []
    nobody = run_to_end(
        installation.kubectl,
        pod("probe", image, ["cluster", "reach", *PROBED], labels={}, trusted=False),
        timeout_s=BACK_S,
    )
    wrong += [f"a stranger reached {address}" for address in nobody["reached"]]
    for service in SERVICES:
        (name, *_) = names(installation.pods(name=service, component="service"))
        source = (
            "import json,socket,sys\nreached=[]\nfor a in sys.argv[1:]:\n h,p=a.split(':')\n try:\n"
            "  socket.create_connection((h,int(p)),timeout=3).close(); reached.append(a)\n except OSError: pass\n"
            "print(json.dumps(reached))"
        )
        said = installation.kubectl.run("exec", name, "--", "python3", "-c", source, *PROBED)
        reached, allowed = set(json.loads(said)), {f"postgres-{service}:5432", "kafka:9092", "issuer:80"}
        wrong += [f"{service} reached {address}" for address in sorted(reached - allowed)]
        wrong += [f"{service} did not reach {address}" for address in sorted(allowed - reached)]
    return Row(
        "网络策略：陌生容器组什么都到不了，服务只到自己的数据库",
        "network policies: a stranger reaches nothing, a service only its own database, Kafka and the issuer",
        "; ".join(wrong) or f"{len(PROBED)} addresses from a stranger and from {len(SERVICES)} services",
        not wrong,
    )


def access(installation: Installation, image: str, progress: Progress = silent) -> Row:
    """Each user of Kafka may do exactly what the registry says, with every topic."""
    progress("asking Kafka what each user may do")
    words = ["cluster", "access", "--parties", ",".join(parties())]
    said = run_to_end(installation.kubectl, pod("access", image, words, labels=CALLER, trusted=True), timeout_s=BACK_S)
    return Row(
        "每个Kafka用户只能做登记册允许的事",
        "each user of Kafka may do exactly what the registry says",
        "; ".join(said["wrong"][:5])
        or f"{said['asked']} answers of Kafka, {said['strangers_let_in']} strangers let in",
        not said["wrong"] and not said["strangers_let_in"],
    )


def applied_again(installation: Installation, progress: Progress = silent) -> Row:
    """A second apply changes nothing: no object has a new resource version for it."""
    progress("applying a second time")
    before = _generations(installation)
    installation.apply()
    changed = sorted(key for key, value in _generations(installation).items() if before.get(key) != value)
    return Row(
        "再次应用清单，什么都不变",
        "applying the manifests again changes nothing",
        ", ".join(changed) or f"{len(before)} objects unchanged",
        not changed and bool(before),
    )


def _generations(installation: Installation) -> dict[str, Any]:
    kinds = "deployments,statefulsets,jobs,services,configmaps,serviceaccounts,networkpolicies,poddisruptionbudgets"
    return {
        f"{each['kind']}/{each['metadata']['name']}": (
            each["metadata"].get("generation"),
            {key: value for key, value in each.items() if key not in ("metadata", "status")},
            each["metadata"].get("labels"),
        )
        for each in installation.kubectl.get(kinds)
    }


def _evict(installation: Installation, name: str) -> str | None:
    """None when it goes, else what the cluster said."""
    namespace = installation.kubectl.namespace
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": namespace}}
    path = f"/api/v1/namespaces/{namespace}/pods/{name}/eviction"
    done = installation.kubectl.attempt("create", "--raw", path, "--filename=-", given=json.dumps(eviction))
    return None if done.returncode == 0 else (done.stderr or done.stdout).strip()


def _standing(installation: Installation) -> list[dict[str, Any]]:
    """Pods that are meant to stay: no Job's, and none of ours."""
    owned = ("ReplicaSet", "StatefulSet")
    return [
        pod
        for pod in installation.pods()
        if any(o["kind"] in owned for o in pod["metadata"].get("ownerReferences", ()))
    ]


def _ready(installation: Installation, app: str) -> set[str]:
    """Uids of an app's standing pods that are ready."""
    return {
        each["metadata"]["uid"]
        for each in _standing(installation)
        if each["metadata"]["labels"]["app.kubernetes.io/name"] == app
        and any(c["type"] == "Ready" and c["status"] == "True" for c in each["status"].get("conditions", ()))
    }


def _until(check: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Raises KubectlError when it is not so in time."""
    deadline = time.monotonic() + timeout_s
    while not check():
        if time.monotonic() > deadline:
            raise KubectlError(f"{what}: not within {timeout_s:g} s")
        time.sleep(0.5)
