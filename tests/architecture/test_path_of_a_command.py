"""A command passes at most five files: http.py, a use case, its rules, the contracts, another service's consumers."""

import ast
from collections.abc import Iterator, Mapping

import pytest

from tests.architecture.conftest import SERVICES, THE_SERVICES, dotted
from tests.architecture.test_file_roles import role

FILES_MAX = 5
BEYOND_THE_SERVICE = 2  # the contracts, and the consumers.py of whoever hears of it
METHODS = {"post", "put", "patch", "delete"}

Sources = Mapping[str, str]
"""Module name -> source, of one service."""


def sources_of(service: str) -> Sources:
    """The modules of a service's package."""
    return {file.stem: file.read_text() for file in (SERVICES / service / service).glob("*.py")}


def commands_of(source: str) -> dict[str, ast.AsyncFunctionDef | ast.FunctionDef]:
    """The routes of an http.py that change something, by the name of their function."""
    return {
        node.name: node
        for node in ast.parse(source).body
        if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef) and any(map(_changes, node.decorator_list))
    }


def every_command(sources: Sources) -> Iterator[tuple[str, str, ast.AST]]:
    """Each command with its edge: a service whose nouns are many has a `<noun>_http.py` for each."""
    for edge in (module for module in sources if role(module) == "http"):
        for name, node in commands_of(sources[edge]).items():
            yield edge, name, node


def longest_path(service: str, sources: Sources, start: str, within: ast.AST) -> list[str]:
    """The files that a call in `within` (of the module `start`) passes, its own first, on the longest way."""
    reached = [module for module in _called_modules(service, sources, start, within) if module != start]
    ways = [longest_path(service, sources, module, ast.parse(sources[module])) for module in reached]
    longest = max(ways, key=len, default=[])
    # Rules that ask rules are one decision: its arithmetic may lie in a file of its own.
    return longest if start.endswith("_rules") and longest else [start, *longest]


def offences(service: str, sources: Sources) -> list[str]:
    """Which commands wander through too many files, or skip or chain use cases."""
    found = []
    for edge, name, node in every_command(sources):
        use_cases = {m for m in _called_modules(service, sources, edge, node) if role(m) == "use case"}
        if len(use_cases) != 1:
            found.append(f"{name} calls {sorted(use_cases)}: a command is one line to one use case")
            continue
        (use_case,) = use_cases
        chained = _called_modules(service, sources, use_case, ast.parse(sources[use_case]))
        if others := sorted(m for m in chained if role(m) not in {"rules", "store"} and m != use_case):
            found.append(f"{use_case} calls {others}: a use case calls rules and stores, never another use case")
        path = longest_path(service, sources, edge, node)
        if len(path) + BEYOND_THE_SERVICE > FILES_MAX:
            found.append(f"{name} passes {path} and then the contracts and the consumers: at most {FILES_MAX} files")
    return found


def _changes(decorator: ast.expr) -> bool:
    return (
        isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute) and decorator.func.attr in METHODS
    )


def _called_modules(service: str, sources: Sources, module: str, within: ast.AST) -> set[str]:
    """The service's modules of which a function is called; making an object of a class is no call."""
    home: dict[str, str] = {}
    for node in ast.walk(ast.parse(sources[module])):
        if isinstance(node, ast.ImportFrom) and node.module == service:
            home |= {alias.asname or alias.name: alias.name for alias in node.names if alias.name in sources}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{service}."):
            origin = (node.module or "").removeprefix(f"{service}.")
            home |= {alias.asname or alias.name: origin for alias in node.names}
    called = set()
    for node in ast.walk(within):
        if isinstance(node, ast.Call):
            root, *rest = dotted(node.func).split(".")
            if root in home and not any(name[:1].isupper() for name in (root, *rest)):
                called.add(home[root])
    return called


@pytest.mark.parametrize("service", THE_SERVICES)
def test_every_command_passes_at_most_five_files(service: str) -> None:
    assert list(every_command(sources_of(service)))
    assert offences(service, sources_of(service)) == []


def test_the_path_of_a_known_command_is_found() -> None:
    sources = sources_of("inspection")
    command = commands_of(sources["http"])["rectify"]
    assert longest_path("inspection", sources, "http", command)[:2] == ["http", "rectify_finding"]
    assert len(longest_path("inspection", sources, "http", command)) == FILES_MAX - BEYOND_THE_SERVICE


def planted(**changed: str) -> Sources:
    """A service with one command, in order but for what is changed."""
    return {
        "http": "from tasks.claim_task import claim_task\n"
        "@router.post('/claim')\nasync def claim():\n    return await claim_task()\n",
        "claim_task": "from tasks import share_rules, share_store\n"
        "async def claim_task():\n    share_rules.claim()\n    await share_store.save()\n",
        "report_done": "async def report_done(): ...\n",
        "share_rules": "def claim(): ...\n",
        "share_store": "async def save(tx): ...\n",
        "other_store": "async def save(tx): ...\n",
        **changed,
    }


def test_a_service_in_order_has_no_offence() -> None:
    assert offences("tasks", planted()) == []


PLANTED = [
    ({"share_http": "@router.post('/refuse')\nasync def refuse():\n    return 1\n"}, "one line to one use case"),
    (
        {"claim_task": "from tasks.report_done import report_done\nasync def claim_task():\n    await report_done()\n"},
        "never another use case",
    ),
    (
        {"share_store": "from tasks import other_store\nasync def save(tx):\n    await other_store.save(tx)\n"},
        "at most 5 files",
    ),
    ({"http": "@router.post('/claim')\nasync def claim():\n    return 1\n"}, "one line to one use case"),
    (
        {
            "http": "from tasks.claim_task import claim_task\nfrom tasks.report_done import report_done\n"
            "@router.put('/claim')\nasync def claim():\n    await claim_task()\n    await report_done()\n"
        },
        "one line to one use case",
    ),
]


@pytest.mark.parametrize(("changed", "said"), PLANTED)
def test_a_planted_offence_is_found(changed: dict[str, str], said: str) -> None:
    assert any(said in offence for offence in offences("tasks", planted(**changed)))
