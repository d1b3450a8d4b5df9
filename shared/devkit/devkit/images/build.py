"""Build images: assemble, build unless it is there, write as an archive, and list what was made."""

import hashlib
import json
import subprocess
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from devkit.images.catalogue import Image
from devkit.images.context import assemble
from devkit.images.engine import Engine
from devkit.kafka_jars import Progress, silent
from devkit.paths import cache_dir, var_dir, workspace

BASE: Final = "localhost/qingdan/base:bookworm"
BUILT: Final = "built.json"


@dataclass(frozen=True, slots=True)
class Built:
    """One image that is there: what to call it, and where it lies as an archive."""

    name: str
    repository: str
    tag: str
    identity: str
    archive: str
    megabytes: int

    @property
    def reference(self) -> str:
        return f"{self.repository}:{self.tag}"


def build(images: Sequence[Image], engine: Engine, *, base: str = BASE, progress: Progress = silent) -> list[Built]:
    """Each image under a tag that names its version and its content; what is there already is not built again.

    Writes `var/images/<name>.tar` and `var/images/built.json`. Raises ContextError, EngineError.
    """
    base_identity = make_base(engine, base, progress)
    return [_build_one(image, engine, base, base_identity, progress) for image in images]


def make_base(engine: Engine, base: str = BASE, progress: Progress = silent) -> str:
    """The base image's identity; our own is made by debootstrap the first time. Raises EngineError."""
    if base == BASE and not engine.has(base):
        progress("making a Debian base by debootstrap (once)")
        archive = cache_dir() / "images" / "base.tar"
        archive.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([str(workspace() / "deploy/images/base.sh"), str(archive)], check=True, capture_output=True)
        engine.bring_in(archive, base)
        archive.unlink()
    return engine.identity(base)


def version_of(image: Image) -> str:
    """The version that the image's own pyproject declares; the devkit's for those that have none."""
    folder = f"services/{image.service}" if image.service else "shared/devkit"
    table = tomllib.loads((workspace() / folder / "pyproject.toml").read_text(encoding="utf-8"))
    return str(table["project"]["version"])


def _build_one(image: Image, engine: Engine, base: str, base_identity: str, progress: Progress) -> Built:
    folder, content = assemble(image, progress)
    digest = hashlib.sha256(f"{base_identity} {content}".encode()).hexdigest()[:12]
    version = version_of(image)
    tag = f"{version}-{digest}"
    reference = f"{image.repository}:{tag}"
    archive = var_dir() / "images" / f"{image.name}.tar"
    if not engine.has(reference):
        progress(f"{image.name}: building {reference}")
        arguments = {"BASE": base, "VERSION": version, "REVISION": digest}
        engine.build(folder, reference, arguments | ({"SERVICE": image.service} if image.service else {}))
    known = {each.name: each for each in read_built()}
    if not archive.exists() or known.get(image.name) is None or known[image.name].tag != tag:
        progress(f"{image.name}: writing {archive.name}")
        engine.save(reference, archive)
    built = Built(
        image.name,
        image.repository,
        tag,
        engine.identity(reference),
        str(archive),
        round(archive.stat().st_size / 1e6),
    )
    _keep({**known, image.name: built}.values())
    return built


def read_built() -> list[Built]:
    """What was built last on this machine; empty when nothing was."""
    path = var_dir() / "images" / BUILT
    return [Built(**each) for each in json.loads(path.read_text())] if path.exists() else []


def _keep(built: Iterable[Built]) -> None:
    path = var_dir() / "images" / BUILT
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(each) for each in built], indent=2) + "\n")


def archive_of(name: str) -> Path:
    """Where the image's archive lies. Raises KeyError when it was not built."""
    return Path(next(each.archive for each in read_built() if each.name == name))
