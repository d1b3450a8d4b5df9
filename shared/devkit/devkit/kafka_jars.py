"""The jars of Apache Kafka: pinned by SHA-256 in `kafka_jars.sha256`, fetched by jgo, kept in `var/cache/kafka`."""

import contextlib
import fcntl
import hashlib
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

from devkit.paths import cache_dir

KAFKA_VERSION = "4.3.0"
# Resolved one by one: in one resolution the parent of the second would decide versions of what the first needs,
# and Kafka 4.3.0 got the client library of 3.9.1.
COORDINATES = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
    "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4",  # without a binding Kafka says nothing, even when it fails
)
PINS = Path(__file__).with_name("kafka_jars.sha256")
DOWNLOADS_AT_ONCE = 8
REMEDY = "to fetch it again, remove that file; to pin other jars on purpose: `python -m devkit kafka-jars --write`"

Progress = Callable[[str], None]


def silent(_line: str) -> None:
    """No progress shown."""


class JarMismatchError(RuntimeError):
    """The jars at hand are not the pinned ones; the message names each and says what to do."""


def jars(progress: Progress = silent, *, pins: Path = PINS, store: Path | None = None) -> list[Path]:
    """All jars in class path order, each checked against its pin; the first call in a checkout fetches 45 MB.

    Raises JarMismatchError.
    """
    store = store or cache_dir() / "kafka"
    store.mkdir(parents=True, exist_ok=True)
    pinned = read_pins(pins)
    with (store / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        missing = [path for path in pinned if not (store / path.name).exists()]
        fetched = fetch(missing, progress)
        check(fetched, {path: pinned[path] for path in missing})
        for path, jar in fetched.items():
            _keep(jar, store / path.name)
    found = {path: store / path.name for path in pinned}
    check(found, pinned)
    return list(found.values())


def check(found: Mapping[PurePosixPath, Path], pinned: Mapping[PurePosixPath, str]) -> None:
    """Compare jars with their pins. Raises JarMismatchError that names every jar that differs."""
    complaints = [
        f"{path.name}: its SHA-256 is {digest}, pinned is {pinned[path]} (file {jar})"
        for path, jar in found.items()
        if (digest := sha256(jar)) != pinned[path]
    ]
    if complaints:
        raise JarMismatchError("; ".join(complaints) + f". {REMEDY}")


def fetch(paths: list[PurePosixPath], progress: Progress) -> dict[PurePosixPath, Path]:
    """Files of a Maven repository, by way of jgo's cache (`~/.m2/repository`), several at a time."""
    if not paths:
        return {}
    from jgo.maven import MavenContext  # noqa: PLC0415  0.4 s, and needed once per checkout only

    context = MavenContext()

    def fetch_one(path: PurePosixPath) -> Path:
        group, name, version = ".".join(path.parts[:-3]), path.parts[-3], path.parts[-2]
        return _resolve(context.project(group, name).at_version(version).artifact())

    found = {}
    with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
        for path, jar in zip(paths, pool.map(fetch_one, paths), strict=True):
            found[path] = jar
            progress(f"fetching Apache Kafka {KAFKA_VERSION}: {len(found)} of {len(paths)} jars, {path.name}")
    return found


def read_pins(pins: Path = PINS) -> dict[PurePosixPath, str]:
    """Path in a Maven repository → SHA-256, in class path order; the format is that of `sha256sum`."""
    lines = (line.split() for line in pins.read_text().splitlines())
    return {PurePosixPath(path): digest for digest, path in lines}


def write_pins(pins: Path = PINS) -> int:
    """Pin what COORDINATES resolve to now, transitively; returns the number of jars."""
    import jgo  # noqa: PLC0415

    resolved: dict[tuple[str, str], Any] = {}
    for coordinate in COORDINATES:
        for artifact in jgo.resolve(coordinate):
            resolved.setdefault((artifact.groupId, artifact.artifactId), artifact)
    lines = []
    for (group, name), artifact in sorted(resolved.items()):
        path = PurePosixPath(*group.split("."), name, artifact.version, artifact.filename)
        lines.append(f"{sha256(_resolve(artifact))}  {path}\n")
    pins.write_text("".join(lines))
    return len(lines)


def sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _resolve(artifact: Any) -> Path:
    try:
        return Path(artifact.resolve())
    except BaseException:
        with contextlib.suppress(OSError):
            artifact.cached_path.unlink(missing_ok=True)  # half a jar would be taken for a whole one the next time
        raise


def _keep(jar: Path, kept: Path) -> None:
    """A copy, not a link: a file spoilt at one place leaves the other good."""
    copied = kept.with_suffix(".new")
    shutil.copyfile(jar, copied)
    copied.rename(kept)
