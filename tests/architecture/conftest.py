"""The source tree as the architecture tests read it."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVICES = ROOT / "services"
THE_SERVICES = ("tasks", "inspection", "subsidy", "signage")
"""Said here by name, so that no test looks at fewer without a word."""
PACKAGES = sorted(ROOT.glob("s*/*/*/__init__.py"))
"""One for each package of `shared/*` and `services/*`."""


def python_files(*folders: Path) -> list[Path]:
    """Every Python file below the folders, in order."""
    return sorted(file for folder in folders for file in folder.rglob("*.py"))


def service_files() -> list[Path]:
    """Every Python file of every service's package."""
    return [file for file in sorted(SERVICES.glob("*/*/*.py")) if file.parent.name == file.parent.parent.name]


def named(file: Path) -> str:
    """How a test calls a file."""
    return str(file.relative_to(ROOT))


def imports_of(tree: ast.AST) -> set[str]:
    """Dotted names that are imported: modules, and members of modules by their full name."""
    found = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def dotted(node: ast.AST) -> str:
    """`a.b.c` for such an expression, else the last name in it; '' where there is none."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return ""


def calls_of(tree: ast.AST) -> Iterator[str]:
    """The dotted name of everything that is called or used as a decorator."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield dotted(node.func)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from (dotted(each) for each in node.decorator_list if not isinstance(each, ast.Call))
