"""What we ask of every overlay, whatever it contains: an operator should be able to rely on it unread."""

import re
from collections.abc import Iterator

import pytest
from kubernetes_validate import ValidationError, validate

from tests.manifests.rendered import (
    OVERLAYS,
    ROOT,
    WORKLOADS,
    Manifest,
    containers,
    name,
    of_kind,
    pod_of,
    rendered,
    selects,
    text_of,
)

KUBERNETES_VERSION = "1.34"
SERVICES = ("tasks", "inspection", "subsidy", "signage")
LONG_RUNNING = ("Deployment", "StatefulSet")
OURS = re.compile(r"^(?:[a-z0-9.:-]+/)?qingdan/[a-z]+")
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
BUILT_IN = re.compile(r"^(v1|apps/v1|batch/v1|policy/v1|autoscaling/v2|networking\.k8s\.io/v1)$")

overlay = pytest.mark.parametrize("overlay", OVERLAYS)


def workloads(of: str) -> Iterator[Manifest]:
    yield from of_kind(of, *WORKLOADS)


def test_there_are_overlays() -> None:
    assert "dev" in OVERLAYS


@overlay
def test_it_renders_the_same_twice(overlay: str) -> None:
    first = text_of(overlay)
    text_of.cache_clear()
    assert text_of(overlay) == first


@overlay
def test_built_in_kinds_are_what_kubernetes_knows(overlay: str) -> None:
    """Strictly: a field that is misspelt is an error, not nothing."""
    looked_at = [each for each in rendered(overlay) if BUILT_IN.match(each["apiVersion"])]
    for each in looked_at:
        validate(dict(each), KUBERNETES_VERSION, strict=True)
    assert len(looked_at) > 40


def test_a_misspelt_field_would_be_seen() -> None:
    (deployment, *_) = of_kind("dev", "Deployment")
    with pytest.raises(ValidationError):
        validate({**deployment, "spec": {**deployment["spec"], "replcas": 2}}, KUBERNETES_VERSION, strict=True)


@overlay
def test_every_service_is_there_with_all_it_needs(overlay: str) -> None:
    there = {name(each) for each in rendered(overlay)}
    kinds = ("Deployment", "Service", "ServiceAccount", "PodDisruptionBudget", "NetworkPolicy")
    assert {f"{kind}/{service}" for kind in kinds for service in SERVICES} <= there


@overlay
def test_what_runs_on_has_three_probes(overlay: str) -> None:
    for each in of_kind(overlay, *LONG_RUNNING):
        for container in pod_of(each)["spec"]["containers"]:
            missing = {"startupProbe", "readinessProbe", "livenessProbe"} - container.keys()
            assert not missing, name(each)


@overlay
def test_the_startup_probe_of_a_service_waits_for_its_schema(overlay: str) -> None:
    for service in SERVICES:
        (deployment,) = [each for each in of_kind(overlay, "Deployment") if each["metadata"]["name"] == service]
        (container,) = pod_of(deployment)["spec"]["containers"]
        assert container["startupProbe"]["httpGet"]["path"] == "/startupz"
        patience_s = container["startupProbe"]["failureThreshold"] * container["startupProbe"]["periodSeconds"]
        assert patience_s >= 300  # a migration may take that long


@overlay
def test_containers_say_what_they_need_and_how_much_at_most(overlay: str) -> None:
    for each in workloads(overlay):
        for container in containers(each):
            resources = container["resources"]
            assert {"cpu", "memory"} <= resources["requests"].keys(), name(each)
            assert "memory" in resources["limits"], name(each)


@overlay
def test_pods_are_restricted(overlay: str) -> None:
    """As Pod Security's `restricted` asks, and with a root file system that nobody writes."""
    for each in workloads(overlay):
        spec = pod_of(each)["spec"]
        context = spec["securityContext"]
        assert context["runAsNonRoot"] is True, name(each)
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name(each)
        assert spec["automountServiceAccountToken"] is False, name(each)
        assert spec["serviceAccountName"] != "default", name(each)
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), name(each)
        assert not [volume for volume in spec.get("volumes", ()) if "hostPath" in volume], name(each)
        for container in containers(each):
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"] is True, name(each)
            assert security["allowPrivilegeEscalation"] is False, name(each)
            assert security["capabilities"] == {"drop": ["ALL"]}, name(each)


@overlay
def test_the_namespace_enforces_it(overlay: str) -> None:
    (namespace,) = of_kind(overlay, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@overlay
def test_images_are_pinned(overlay: str) -> None:
    """By digest, but in dev, where the step that builds sets the tag; `latest` nowhere."""
    for each in workloads(overlay):
        for container in containers(each):
            image = container["image"]
            assert not image.endswith(":latest"), name(each)
            if overlay == "dev":
                assert OURS.match(image), f"{name(each)}: {image} is not ours"
            else:
                assert DIGEST.search(image), f"{name(each)}: {image}"
            assert container["imagePullPolicy"] == "IfNotPresent", name(each)


@overlay
def test_no_budget_blocks_a_drain(overlay: str) -> None:
    """Every long-running pod has a budget, exactly one, and it lets one go."""
    budgets = of_kind(overlay, "PodDisruptionBudget")
    for each in of_kind(overlay, *LONG_RUNNING):
        labels = pod_of(each)["metadata"]["labels"]
        over = [budget for budget in budgets if selects(budget["spec"]["selector"], labels)]
        assert len(over) == 1, name(each)
        assert over[0]["spec"].get("maxUnavailable") == 1, name(each)
        assert over[0]["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow", name(each)


@overlay
def test_everything_is_denied_that_no_policy_allows(overlay: str) -> None:
    policies = of_kind(overlay, "NetworkPolicy")
    (deny,) = [each for each in policies if each["metadata"]["name"] == "default-deny"]
    assert deny["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for each in policies:
        for rule in (*each["spec"].get("ingress", ()), *each["spec"].get("egress", ())):
            assert rule.get("ports"), f"{name(each)} opens every port"
            for side in (*rule.get("from", ()), *rule.get("to", ())):
                assert side, f"{name(each)} opens to everybody"


@overlay
def test_every_app_has_a_policy_of_its_own(overlay: str) -> None:
    policies = [each for each in of_kind(overlay, "NetworkPolicy") if each["spec"]["podSelector"]]
    for each in workloads(overlay):
        labels = pod_of(each)["metadata"]["labels"]
        assert [policy for policy in policies if selects(policy["spec"]["podSelector"], labels)], name(each)


@overlay
def test_a_service_finds_its_pods_and_no_job_s(overlay: str) -> None:
    for service in of_kind(overlay, "Service"):
        selector = {"matchLabels": service["spec"]["selector"]}
        chosen = [each for each in workloads(overlay) if selects(selector, pod_of(each)["metadata"]["labels"])]
        assert [each["kind"] in LONG_RUNNING for each in chosen] == [True], name(service)


@overlay
def test_selectors_match_the_pods_that_they_stand_over(overlay: str) -> None:
    for each in of_kind(overlay, *LONG_RUNNING):
        assert selects(each["spec"]["selector"], pod_of(each)["metadata"]["labels"]), name(each)
        for spread in pod_of(each)["spec"].get("topologySpreadConstraints", ()):
            assert selects(spread["labelSelector"], pod_of(each)["metadata"]["labels"]), name(each)


@overlay
def test_a_pod_has_longer_to_end_than_its_service_takes(overlay: str) -> None:
    """A service drains within 20 s, after the pause in which endpoints forget its pod."""
    for each in of_kind(overlay, "Deployment"):
        if each["metadata"]["name"] in SERVICES:
            spec = pod_of(each)["spec"]
            (container,) = spec["containers"]
            pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
            assert spec["terminationGracePeriodSeconds"] >= pause + 20 + 5


@overlay
def test_no_secret_is_in_a_manifest(overlay: str) -> None:
    assert of_kind(overlay, "Secret") == []


def referred(manifest: Manifest, kind: str) -> Iterator[str]:
    """Names of the ConfigMaps or Secrets that a workload's pods need."""
    reference, value, volume, field = {
        "ConfigMap": ("configMapRef", "configMapKeyRef", "configMap", "name"),
        "Secret": ("secretRef", "secretKeyRef", "secret", "secretName"),
    }[kind]
    for container in containers(manifest):
        yield from (each[reference]["name"] for each in container.get("envFrom", ()) if reference in each)
        for variable in container.get("env", ()):
            if value in variable.get("valueFrom", {}):
                yield variable["valueFrom"][value]["name"]
    for each in pod_of(manifest)["spec"].get("volumes", ()):
        if volume in each:
            yield each[volume][field]


@overlay
def test_every_config_map_that_is_named_is_there(overlay: str) -> None:
    there = {each["metadata"]["name"] for each in of_kind(overlay, "ConfigMap")}
    for each in workloads(overlay):
        assert set(referred(each, "ConfigMap")) <= there, name(each)


@overlay
def test_every_secret_that_is_named_is_in_the_operators_list(overlay: str) -> None:
    listed = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    for each in workloads(overlay):
        for secret in referred(each, "Secret"):
            family = re.sub(r"^(tasks|inspection|subsidy|signage)-(database|kafka)$", r"<service>-\2", secret)
            assert f"`{family}`" in listed, f"{secret} of {name(each)}"


def test_every_image_is_in_the_list_to_mirror() -> None:
    listed = set((ROOT / "deploy" / "images" / "images.txt").read_text(encoding="utf-8").split())
    used = {
        re.sub(r"[@:][^/]*$", "", container["image"])
        for each in OVERLAYS
        for workload in workloads(each)
        for container in containers(workload)
    }
    assert used <= {re.sub(r"[@:][^/]*$", "", image) for image in listed}
