"""The lock check: every dependency that a pyproject asks for is pinned in requirements.lock, at a version that fits."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)")


def unlocked(root: Path) -> list[str]:
    """One line per dependency that the lock lacks or pins outside its range; empty when all is well.

    Whether newer versions exist in the world is not asked: `make lock` adds what is missing and keeps every pin.
    """
    pins = dict(_pins(root / "requirements.lock"))
    projects = [root / "pyproject.toml", *sorted(root.glob("s*/*/pyproject.toml"))]
    tables = {path: tomllib.loads(path.read_text(encoding="utf-8")) for path in projects}
    members = {canonicalize_name(table["project"]["name"]) for table in tables.values()}
    found = []
    for path, table in tables.items():
        for text in _requirements(table):
            requirement = Requirement(text)
            name = canonicalize_name(requirement.name)
            if name in members:
                continue
            if name not in pins:
                found.append(f"{path.relative_to(root)}: {text} is not in requirements.lock; run `make lock`")
            elif not requirement.specifier.contains(pins[name], prereleases=True):
                found.append(f"{path.relative_to(root)}: {text}, but {pins[name]} is pinned; run `make lock`")
    return found


def _pins(lock: Path) -> Iterator[tuple[str, str]]:
    for line in lock.read_text(encoding="utf-8").splitlines():
        if match := _PIN.match(line):
            yield canonicalize_name(match["name"]), match["version"]


def _requirements(table: dict[str, Any]) -> Iterator[str]:
    yield from table["project"].get("dependencies", [])
    yield from table.get("build-system", {}).get("requires", [])
    for group in table.get("dependency-groups", {}).values():
        yield from (entry for entry in group if isinstance(entry, str))
