"""buildah or docker: the few things that are asked of either."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

EPOCH_S: Final = 1_704_067_200
"""Time stamp of every file in an image: a tag says what is inside, not when it was put there."""
ENGINES: Final = ("buildah", "docker")


class EngineError(RuntimeError):
    """Building failed or cannot begin; the message holds what the engine said."""


@dataclass(frozen=True, slots=True)
class Engine:
    """One of ENGINES on this machine."""

    name: str
    program: str

    @classmethod
    def found(cls, name: str | None = None) -> Self:
        """The one asked for, else the first there is. Raises EngineError that says what to install."""
        for each in (name,) if name else ENGINES:
            if each not in ENGINES:
                raise EngineError(f"{each} is no engine known here; there are {', '.join(ENGINES)}")
            if program := shutil.which(each):
                return cls(each, program)
        raise EngineError(f"install {name or ' or '.join(ENGINES)} (Debian: apt-get install buildah)")

    def has(self, tag: str) -> bool:
        return self._run("inspect", *(["--type", "image"]), tag, check=False).returncode == 0

    def build(self, folder: Path, tag: str, arguments: Mapping[str, str]) -> None:
        """Build `folder` without a network, the same bytes every time. Raises EngineError."""
        given = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
        where = ["--tag", tag, "--file", str(folder / "Dockerfile"), str(folder)]
        if self.name == "docker":
            environment = {"SOURCE_DATE_EPOCH": str(EPOCH_S), "DOCKER_BUILDKIT": "1"}
            self._run("build", "--quiet", "--network", "none", *given, *where, environment=environment)
            return
        # chroot: no runtime to set up; it knows no network of its own, so it is uv that is told to stay offline.
        how = ["--isolation", "chroot", "--timestamp", str(EPOCH_S), "--layers=false"]
        self._run("build", "--quiet", *how, "--format", "docker", *given, *where)

    def bring_in(self, root_file_system: Path, tag: str) -> None:
        """An image of one layer out of a tar archive. Raises EngineError."""
        if self.name == "docker":
            self._run("import", str(root_file_system), tag)
            return
        container = self._run("from", "scratch").stdout.strip()
        try:
            self._run("add", "--quiet", container, str(root_file_system), "/")
            self._run("config", "--cmd", "[]", "--env", "PATH=/usr/local/bin:/usr/bin:/bin", container)
            self._run("commit", "--quiet", "--timestamp", str(EPOCH_S), "--format", "docker", container, tag)
        finally:
            self._run("rm", container)

    def save(self, tag: str, archive: Path) -> None:
        """Write the image as a docker archive, under its tag. Raises EngineError."""
        archive.parent.mkdir(parents=True, exist_ok=True)
        archive.unlink(missing_ok=True)
        if self.name == "docker":
            self._run("save", "--output", str(archive), tag)
        else:
            self._run("push", "--quiet", tag, f"docker-archive:{archive}:{tag}")

    def push(self, tag: str, to: str) -> None:
        """Push to a registry, for which the engine has the credentials. Raises EngineError."""
        if self.name == "docker":
            self._run("tag", tag, to)
            self._run("push", "--quiet", to)
        else:
            self._run("push", "--quiet", tag, f"docker://{to}")

    def identity(self, tag: str) -> str:
        """The image's own digest (sha256 of its configuration). Raises EngineError."""
        inspected = self._run("inspect", "--type", "image", tag).stdout
        document = json.loads(inspected)
        return str(document[0]["Id"] if isinstance(document, list) else "sha256:" + document["FromImageID"])

    def _run(
        self, *words: str, check: bool = True, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [self.program, *words],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **(environment or {})},
        )
        if check and done.returncode != 0:
            raise EngineError(f"{self.name} {words[0]} failed: {(done.stderr or done.stdout).strip()[-2000:]}")
        return done
