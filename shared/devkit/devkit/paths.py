"""Where the workspace is, and where generated things go: `var/`, which git ignores."""

import os
from pathlib import Path


def workspace() -> Path:
    """The root of the checkout; the directory that Qingdan is run from when the devkit is installed elsewhere."""
    root = Path(__file__).resolve().parents[3]
    return root if (root / "requirements.lock").exists() else Path.cwd()


def var_dir() -> Path:
    """`var/`, or the directory that QINGDAN_VAR names."""
    directory = Path(os.environ.get("QINGDAN_VAR") or workspace() / "var").resolve()
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def cache_dir() -> Path:
    directory = var_dir() / "cache"
    directory.mkdir(exist_ok=True)
    return directory.resolve()
