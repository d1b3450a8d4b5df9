"""overlays/dev with the images that were built: rendered, named by what is inside, ready to apply."""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from devkit.cluster.kubectl import Kubectl, KubectlError
from devkit.images.build import Built
from devkit.paths import var_dir, workspace
from devkit.stack import SERVICES

DEV = "deploy/kubernetes/overlays/dev"
_UNSAFE = re.compile(r"[^a-z0-9-]+")


def write_overlay(images: Iterable[Built], namespace: str, *, source: str = DEV, registry: str = "") -> Path:
    """A kustomization in var/ on top of `source`, with the images' tags and Jobs that are named by them.

    registry: stands before the images' names, if they were pushed somewhere.
    """
    tags = {image.name: image.tag for image in images}
    folder = var_dir() / "cluster" / source.rpartition("/")[2]
    folder.mkdir(parents=True, exist_ok=True)
    depth = "/".join(".." for _ in folder.relative_to(workspace()).parts)
    lines = ["apiVersion: kustomize.config.k8s.io/v1beta1", "kind: Kustomization", f"namespace: {namespace}"]
    lines += ["resources:", f"  - {depth}/{source}", "images:"]
    for name, tag in tags.items():
        lines += [f"  - name: qingdan/{name}", f"    newTag: {tag}"]
        lines += [f"    newName: {registry}/qingdan/{name}"] if registry else []
    if source == DEV:
        lines += ["patches:"]
        jobs = {f"{service}-migrate": service for service in SERVICES} | {"kafka-setup": "tasks"}
        for job, image in jobs.items():
            lines += [f"  - target: {{kind: Job, name: {job}}}", "    patch: |-"]
            lines += [f"      - {{op: replace, path: /metadata/name, value: {job}-{_suffix(tags[image])}}}"]
        lines += ["  - target: {kind: Namespace}", "    patch: |-"]
        lines += [f"      - {{op: replace, path: /metadata/name, value: {namespace}}}"]
    (folder / "kustomization.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def render(kubectl: Kubectl, folder: Path) -> str:
    """All objects as one document. Raises KubectlError."""
    done = subprocess.run(
        [kubectl.program, "kustomize", "--load-restrictor=LoadRestrictionsNone", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise KubectlError(f"{folder.name} does not render: {done.stderr.strip()[-2000:]}")
    return done.stdout


def _suffix(tag: str) -> str:
    """What may stand in the name of an object: lower case, no dots."""
    return _UNSAFE.sub("-", tag.lower())
