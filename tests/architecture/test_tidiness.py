"""Files are short and say what they are for, functions fit on a screen, and no name means nothing."""

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

from tests.architecture.conftest import PACKAGES, ROOT, THE_SERVICES, named, python_files

FUNCTION_LINES_MAX = 69
FILE_LINES_MAX = 499
MEANINGLESS = {"util", "utils", "helper", "helpers", "common", "core", "base", "misc", "manager", "managers"}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")

FILES = python_files(*(package.parent for package in PACKAGES), ROOT / "tests")


def offences(name: str, source: str) -> list[str]:
    """What makes a file hard to read or to trust; each says what to do."""
    tree, lines = ast.parse(source), source.count("\n") + 1
    found = []
    words = [word for part in Path(name).with_suffix("").parts[-2:] for word in part.split("_")]
    if meaningless := sorted(MEANINGLESS.intersection(words)):
        found.append(f"{meaningless} says nothing: name it after what it does")
    if lines > FILE_LINES_MAX:
        found.append(f"{lines} lines: a file is about one thing in under {FILE_LINES_MAX + 1}; split it")
    if not (ast.get_docstring(tree) or "").strip():
        found.append("say in one sentence what this file is for")
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES_MAX:
                found.append(f"{node.name} has {length} lines: a function fits on a screen; take a step out of it")
    if any(UNFINISHED.search(comment) for comment in _comments(source)):
        found.append("an unfinished thing is an issue, not a comment")
    if name.startswith("tests/") and Path(name).name.startswith(("test_", "conftest")):
        found += _untrustworthy(tree)  # what a test starts, a writer or a bench, may keep a pace
    return found


def _comments(source: str) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


def _untrustworthy(tree: ast.Module) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in {"skip", "skipif", "xfail", "importorskip"}:
            found.append(f"{ast.unparse(node)}: a test that does not run proves nothing; make it run or delete it")
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"time.sleep", "asyncio.sleep", "sleep"}:
            found.append(f"line {node.lineno} sleeps and hopes: wait with devkit.eventually")
    return found


def test_all_packages_and_the_tests_are_looked_at() -> None:
    assert {"qingdan", "runtime", "devkit", *THE_SERVICES} <= {package.parent.name for package in PACKAGES}
    assert Path(__file__) in FILES


@pytest.mark.parametrize("file", FILES, ids=named)
def test_a_file_is_tidy(file: Path) -> None:
    assert offences(named(file), file.read_text()) == []


FINE = '"""What it is for."""\n'

PLANTED = [
    ("services/tasks/tasks/claim_task.py", "x = 1\n", "say in one sentence"),
    ("services/tasks/tasks/utils.py", FINE, "says nothing"),
    ("services/tasks/tasks/date_helpers.py", FINE, "says nothing"),
    ("shared/runtime/runtime/common/money.py", FINE, "says nothing"),
    ("services/tasks/tasks/claim_task.py", FINE + "def claim():\n" + "    x = 1\n" * 69, "fits on a screen"),
    ("services/tasks/tasks/claim_task.py", FINE + "async def claim():\n" + "    x = 1\n" * 69, "fits on a screen"),
    ("services/tasks/tasks/claim_task.py", FINE + "x = 1\n" * 499, "split it"),
    ("services/tasks/tasks/claim_task.py", FINE + "x = 1  # TO" + "DO later\n", "is an issue"),
    ("tests/unit/test_x.py", FINE + "import pytest\n@pytest.mark.skip\ndef test_x(): ...", "does not run"),
    ("tests/unit/test_x.py", FINE + "import pytest\n@pytest.mark.xfail(reason='')\ndef test_x(): ...", "does not run"),
    ("tests/unit/test_x.py", FINE + "import time\ndef test_x():\n    time.sleep(1)", "sleeps and hopes"),
    ("tests/unit/test_x.py", FINE + "async def test_x():\n    await asyncio.sleep(1)", "sleeps and hopes"),
]


@pytest.mark.parametrize(("name", "source", "said"), PLANTED)
def test_a_planted_offence_is_found(name: str, source: str, said: str) -> None:
    assert any(said in offence for offence in offences(name, source))


def test_as_long_as_allowed_is_no_offence() -> None:
    longest = FINE + "def claim():\n" + "    x = 1\n" * (FUNCTION_LINES_MAX - 1) + "y = 1\n" * 400
    assert offences("services/tasks/tasks/claim_task.py", longest) == []
