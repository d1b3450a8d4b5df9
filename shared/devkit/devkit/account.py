"""Programs that refuse to run as root get an account without rights, and directories that this account can reach."""

import os
import pwd
import shutil
import stat
import tempfile
from pathlib import Path

from devkit.run_directory import RunDirectory


def unprivileged_account() -> pwd.struct_passwd | None:
    """The account to run as when we are root (`postgres`, or `nobody`, which every Unix has); None when we are not."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("running as root, and there is neither an account `postgres` nor `nobody` to step down to")


def can_reach(account: pwd.struct_passwd, path: Path) -> bool:
    """Whether `account` may pass through every directory above `path`, by owner and by the bits for others."""
    for parent in path.resolve().parents:
        mode = parent.stat()
        bit = stat.S_IXUSR if mode.st_uid == account.pw_uid else stat.S_IXOTH
        if not mode.st_mode & bit:
            return False
    return True


def private_directory(wanted: Path, account: pwd.struct_passwd | None, run: RunDirectory) -> Path:
    """`wanted`, made for `account`; where only root may enter, a temporary directory that goes with the run instead."""
    wanted.mkdir(parents=True, exist_ok=True)
    directory = wanted
    if account is not None and not can_reach(account, wanted):
        directory = Path(tempfile.mkdtemp(prefix="qingdan-"))
        run.remove_at_end(directory)
    directory.chmod(0o700)
    if account is not None:
        os.chown(directory, account.pw_uid, account.pw_gid)
    return directory


def reachable_copy(package: Path, libraries: Path, account: pwd.struct_passwd | None, run: RunDirectory) -> Path:
    """`package`, or for an account that cannot reach it a copy beside a copy of its `libraries`, as installed."""
    if account is None or can_reach(account, package / "x"):
        return package
    home = Path(tempfile.mkdtemp(prefix="qingdan-"))
    home.chmod(0o755)
    run.remove_at_end(home)
    shutil.copytree(package, home / package.name, ignore=shutil.ignore_patterns("include", "__pycache__"))
    if libraries.exists():
        shutil.copytree(libraries, home / libraries.name)
    return home / package.name
