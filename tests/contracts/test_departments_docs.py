"""What the page for departments says is true, and its check of an ask works as it stands there."""

import re
import runpy
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from devkit.story.county import jize
from qingdan.access_events import ListItem, ListVersionTookEffect
from qingdan.gate import DUPLICATE_WINDOW_DAYS, Ask
from qingdan.tasks_events import AskKind, RefusalCode

PAGE = (Path(__file__).parents[2] / "docs" / "departments.md").read_text(encoding="utf-8")
VILLAGES_DECIDE = {RefusalCode.NO_MEANS}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The names of the page's only Python program."""
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path_factory.mktemp("docs") / "check.py"
    path.write_text(program, encoding="utf-8")
    return runpy.run_path(str(path))


@pytest.fixture(scope="module")
def village_list() -> ListVersionTookEffect:
    rows = [{name: cell for name, cell in item.model_dump().items() if cell != ""} for item in jize().items]
    items = tuple(ListItem.model_validate(row) for row in rows)
    return ListVersionTookEffect(list_code="village", version=1, effective_on=date(2021, 1, 1), items=items)


@pytest.mark.parametrize(
    ("department", "said"),
    [
        ("JTJ", "yes: RQ03, at most 4 times a year"),
        ("XCB", "no: asker_not_named; nearest: RQ03 受委托管护农村公路和村道"),
    ],
)
def test_a_department_checks_its_ask_before_sending_it(
    page: dict[str, Any], village_list: ListVersionTookEffect, department: str, said: str
) -> None:
    ask = Ask(department, AskKind.TASK, "村主路硬化", "Harden the village main road", "RQ03")
    assert page["check"](ask, village_list) == said


def test_the_page_names_every_code_of_the_gate_and_the_window() -> None:
    named = set(re.findall(r"^\| `([a-z_]+)`", PAGE, re.MULTILINE))
    assert named == {code.value for code in RefusalCode} - VILLAGES_DECIDE
    assert f"within {DUPLICATE_WINDOW_DAYS} days" in PAGE
