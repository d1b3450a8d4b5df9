"""The import contracts of pyproject.toml hold, and each of them can break."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.conftest import PACKAGES, ROOT

LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")
CONTRACTS = [
    contract["name"]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
]
PLANTED = {
    "Services meet only through qingdan": ("inspection/consumers.py", "import tasks.settings"),
    "Dependencies point one way": ("qingdan/money.py", "import runtime.clock"),
    "Contracts stay pure: pydantic and nothing else": ("qingdan/money.py", "import asyncpg"),
    "The devkit is never in a service": ("tasks/settings.py", "import devkit.ports"),
    "The devkit starts services as processes and never imports them": ("devkit/ports.py", "import tasks.settings"),
}


def lint(folder: Path) -> str:
    """What import-linter says of the packages in a folder, or of the installed ones below the workspace's root."""
    command = [str(LINT_IMPORTS), "--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def test_the_contracts_hold() -> None:
    said = lint(ROOT)
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in said, said


def test_an_offence_is_planted_for_each_contract() -> None:
    assert set(PLANTED) == set(CONTRACTS)


@pytest.fixture(scope="module")
def said_of_planted(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What is said of a copy of all packages in which every contract is broken."""
    folder = tmp_path_factory.mktemp("packages")
    for package in PACKAGES:
        shutil.copytree(package.parent, folder / package.parent.name, ignore=shutil.ignore_patterns("__pycache__"))
    for name, offence in PLANTED.values():
        with (folder / name).open("a") as file:
            file.write(f"\n{offence}\n")
    return lint(folder)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_planted_offence_breaks_its_contract(contract: str, said_of_planted: str) -> None:
    assert f"{contract} BROKEN" in said_of_planted
