"""`ls` of a service's folder reads like a table of contents, the same one for every service."""

import re
from pathlib import Path

import pytest

from tests.architecture.conftest import ROOT, SERVICES

README_SAYS = ["Decides", "Commands in", "Events in", "Events out", "Owns"]
EVERY_SERVICE_HAS = {"pyproject.toml", "README.md", "migrations"}
EVERY_PACKAGE_HAS = {"__init__.py", "__main__.py", "app.py", "settings.py", "http.py", "consumers.py"}


def offences(folder: Path) -> list[str]:
    """What a reader misses in a service's folder."""
    package = folder / folder.name
    missing = {name for name in EVERY_SERVICE_HAS if not (folder / name).exists()}
    missing |= {f"{folder.name}/{name}" for name in EVERY_PACKAGE_HAS if not (package / name).exists()}
    found = [f"there is no {name}" for name in sorted(missing)]
    readme = (folder / "README.md").read_text() if "README.md" not in missing else ""
    said = [line.strip("-* ").lower() for line in readme.splitlines() if line.strip()]
    opening = [word for line, word in zip(said, README_SAYS, strict=False) if line.startswith(word.lower())]
    if readme and (len(said) != len(README_SAYS) or opening != README_SAYS):
        found.append(f"README.md has five lines that begin with {', '.join(README_SAYS)}")
    if packages := [child.name for child in package.glob("*/") if child.is_dir() and child.name != "__pycache__"]:
        found.append(f"{packages}: modules are flat")
    misnamed = [file.name for file in (folder / "migrations").glob("*") if not re.match(r"\d{4}_\w+\.sql$", file.name)]
    return found + [f"migrations/{name}: name it NNNN_words.sql" for name in misnamed]


@pytest.mark.parametrize("service", sorted(folder.parent.name for folder in SERVICES.glob("*/pyproject.toml")))
def test_a_services_folder_is_in_order(service: str) -> None:
    assert offences(SERVICES / service) == []


def planted(folder: Path) -> Path:
    """A small service in order."""
    service = folder / "tasks"
    (service / "tasks").mkdir(parents=True)
    (service / "migrations").mkdir()
    (service / "migrations" / "0001_shares.sql").touch()
    (service / "pyproject.toml").touch()
    (service / "README.md").write_text("".join(f"- **{word}** …\n" for word in README_SAYS))
    for name in EVERY_PACKAGE_HAS:
        (service / "tasks" / name).touch()
    return service


def test_a_service_in_order_has_no_offence(tmp_path: Path) -> None:
    assert offences(planted(tmp_path)) == []


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("README.md", "- **Decides** much\n", "five lines"),
        ("README.md", "- **Owns** …\n" * 5, "five lines"),
        ("migrations/shares.sql", "", "NNNN_words.sql"),
        ("tasks/domain/share.py", "", "modules are flat"),
    ],
)
def test_a_planted_offence_is_found(tmp_path: Path, path: str, text: str, said: str) -> None:
    service = planted(tmp_path)
    (service / path).parent.mkdir(exist_ok=True)
    (service / path).write_text(text)
    assert any(said in offence for offence in offences(service))


@pytest.mark.parametrize("name", ["README.md", "tasks/consumers.py"])
def test_a_missing_file_is_missed(tmp_path: Path, name: str) -> None:
    service = planted(tmp_path)
    (service / name).unlink()
    assert f"there is no {name}" in offences(service)


def test_the_services_are_looked_at() -> None:
    assert ROOT.joinpath("services", "inspection", "pyproject.toml") in set(SERVICES.glob("*/pyproject.toml"))
