"""Build contexts: a folder with everything an image is made of, so that building it reaches for nothing outside.

The same content makes the same digest, whoever assembles it and when: that digest is in the image's tag.
"""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from devkit.images.catalogue import Image
from devkit.kafka_jars import Progress, jars, silent
from devkit.paths import cache_dir, workspace

PYTHON: Final = "3.11"
GLIBC_MINOR_MAX: Final = 36
"""Debian 12's: a wheel for a newer one would not load in the image."""
DIGEST_DIGITS: Final = 12
_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==")


class ContextError(RuntimeError):
    """A context cannot be assembled; the message says what is missing and what to do."""


def assemble(image: Image, progress: Progress = silent) -> tuple[Path, str]:
    """The folder to build from and the digest of its content (12 hexadecimal digits). Raises ContextError."""
    root, folder = workspace(), cache_dir() / "images" / image.name
    wheels = folder / "wheels"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old != wheels:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    pins = reduced(image.lock_file().read_text(encoding="utf-8"), only=image.only, without=image.without)
    lock = folder / image.lock
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text(pins, encoding="utf-8")
    progress(f"{image.name}: fetching the wheels that its lock pins")
    fetch_wheels(lock, wheels)
    for source in image.sources:
        for file in tracked(root, source):
            copy_to(root / file, folder / file)
    copy_to(root / image.dockerfile, folder / "Dockerfile")
    if image.needs_jars:
        for jar in jars(progress):
            copy_to(jar, folder / "jars" / jar.name)
    digest = digest_of(folder)  # without uv, which leaves no trace in an image
    copy_to(Path(sys.executable).with_name("uv"), folder / "uv")
    return folder, digest


def reduced(lock: str, *, only: Iterable[str] = (), without: Iterable[str] = ()) -> str:
    """A lock with some of its pins, each with its hashes. Raises ContextError for a name that it does not pin."""
    blocks: dict[str, list[str]] = {}
    name = ""
    for line in lock.splitlines():
        if match := _PIN.match(line):
            name = match["name"].lower()
        if name and line.strip():
            blocks.setdefault(name, []).append(line)
    only, without = set(only), set(without)
    if unknown := (only | without) - blocks.keys():
        raise ContextError(f"the lock does not pin {', '.join(sorted(unknown))}")
    kept = [lines for name, lines in blocks.items() if name not in without and (not only or name in only)]
    return "".join(f"{line}\n" for lines in kept for line in lines)


def fetch_wheels(lock: Path, wheels: Path) -> None:
    """Bring `wheels` to exactly what the lock pins for the image's Python. Raises ContextError."""
    stamp = wheels / ".lock"
    if stamp.exists() and stamp.read_text() == lock.read_text():
        return
    shutil.rmtree(wheels, ignore_errors=True)
    machine = platform.machine()
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(GLIBC_MINOR_MAX, 4, -1)]
    platforms += [f"{name}_{machine}" for name in ("manylinux2014", "manylinux2010", "manylinux1")]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", "--only-binary", ":all:", "--python-version", PYTHON, "--implementation", "cp"]
    command += [word for each in platforms for word in ("--platform", each)]
    done = subprocess.run(
        [*command, "--dest", str(wheels), "--requirement", str(lock)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        shutil.rmtree(wheels, ignore_errors=True)
        raise ContextError(f"the wheels of {lock.name} could not be fetched: {done.stderr.strip()[-600:]}")
    stamp.write_text(lock.read_text())


def tracked(root: Path, folder: str) -> Iterator[str]:
    """Files below `folder` that git knows, or would know: nothing ignored, nothing that is gone."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", folder],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    yield from sorted(name for name in listed.stdout.split("\0") if name and (root / name).is_file())


def copy_to(source: Path, target: Path) -> None:
    """Copy content and the executable bit, and nothing else of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o755 if os.access(source, os.X_OK) and source.stat().st_mode & 0o111 else 0o644)


def digest_of(folder: Path) -> str:
    """Of names, executable bits and contents of all files below, in order of their names."""
    whole = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        mode = "x" if file.stat().st_mode & 0o111 else "-"
        whole.update(f"{file.relative_to(folder)}\0{mode}\0".encode())
        with file.open("rb") as opened:
            whole.update(hashlib.file_digest(opened, "sha256").digest())
    return whole.hexdigest()[:DIGEST_DIGITS]
