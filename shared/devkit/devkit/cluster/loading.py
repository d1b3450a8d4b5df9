"""How images come into a cluster: pushed to a registry, or handed to its nodes by a command that the operator names."""

import os
import shlex
import subprocess
from collections.abc import Iterable, Mapping

from devkit.images.build import Built
from devkit.images.engine import Engine
from devkit.kafka_jars import Progress, silent

LOAD_IMAGE = "LOAD_IMAGE"
REGISTRY = "REGISTRY"
HELP = (
    f"say how images come into your cluster: {REGISTRY}=registry.example/county to push them there, or {LOAD_IMAGE} "
    "with the command that hands an archive to its nodes, as in LOAD_IMAGE='kind load image-archive {archive}' or "
    "LOAD_IMAGE='k3s ctr images import {archive}'; {name} stands for the image's name and tag"
)


class LoadingError(RuntimeError):
    """Images cannot come into the cluster; the message says what to set, or what the command said."""


def load(images: Iterable[Built], progress: Progress = silent, environment: Mapping[str, str] = os.environ) -> str:
    """Bring them in; returns what stands before their names in the cluster, '' for nodes that got archives.

    Raises LoadingError, EngineError.
    """
    registry, command = environment.get(REGISTRY, "").rstrip("/"), environment.get(LOAD_IMAGE, "")
    if bool(registry) == bool(command):
        raise LoadingError(HELP)
    for image in images:
        progress(f"loading {image.reference}")
        if registry:
            Engine.found().push(image.reference, f"{registry}/{image.reference}")
            continue
        words = [word.format(archive=image.archive, name=image.reference) for word in shlex.split(command)]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode != 0:
            raise LoadingError(f"{words[0]} could not load {image.reference}: {(done.stderr or done.stdout)[-1000:]}")
    return registry
