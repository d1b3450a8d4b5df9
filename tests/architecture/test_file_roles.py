"""A file's name is its role, and its role limits what it may import and do; `offences` says what is wrong and why."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.conftest import THE_SERVICES, calls_of, imports_of, named, service_files

ROLES = {"app", "http", "consumers", "works", "settings", "__main__", "__init__"}
FRAMEWORKS = {
    *("fastapi", "starlette", "uvicorn", "faststream", "aiokafka", "confluent_kafka"),
    *("typer", "opentelemetry", "structlog", "joserfc"),
}
MAY_IMPORT = {"http": {"fastapi", "starlette"}}  # everything else of the frameworks is behind runtime
RUNTIME_OF = {  # parts of runtime that belong to one role
    "runtime.http": "http",
    "runtime.kafka": "consumers",
    "runtime.works": "works",
    "runtime.settings": "settings",
    "runtime.service": "app",
    "runtime.outbox": "use case",
    "runtime.audit": "use case",
    "runtime.ids": "use case",
    "runtime.workday_calendar": "use case",
    "runtime.db.transaction": "use case",
}
# What rules may use of runtime.
PURE = {
    "runtime.problems",
    "runtime.invalid_input",
    "runtime.workdays",
    "runtime.change_place",
    "runtime.bulk_rows",
    "runtime.bulk_arrays",
}
IMPURE = {"asyncpg", "os", "pathlib", "io", "socket", "asyncio", "random", "secrets", "time", "httpx2", "subprocess"}
IMPURE_CALLS = re.compile(r"(^|\.)(now|utcnow|today|uuid4|uuid7|uuid1|new_id|open|print|input|getenv)$")
SQL_CALLS = {"execute", "executemany", "fetch", "fetchrow", "fetchval", "copy_records_to_table", "cursor", "prepare"}
SQL_TEXT = re.compile(r"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH \w+ AS|CREATE|ALTER|COPY)\s")


def role(stem: str) -> str:
    """What a file of this name is for."""
    if stem in ROLES:
        return stem
    return next((kind for kind in ("store", "rules", "http") if stem.endswith(f"_{kind}")), "use case")


def offences(name: str, source: str) -> list[str]:
    """What a file of a service does that its role does not allow; each says what to do instead."""
    kind, tree = role(Path(name).stem), ast.parse(source)
    imports, calls = imports_of(tree), set(calls_of(tree))
    return [
        *_foreign(kind, imports),
        *_data_access(kind, tree, imports, calls),
        *(_impurities(tree, imports, calls) if kind == "rules" else []),
        *(_misnamed(name, tree) if kind == "use case" else []),
        *_environment(kind, imports, calls),
    ]


def _foreign(kind: str, imports: set[str]) -> list[str]:
    frameworks = {each.split(".")[0] for each in imports} & FRAMEWORKS - MAY_IMPORT.get(kind, set())
    found = [f"{sorted(frameworks)} is behind runtime: a {kind} does not import it"] if frameworks else []
    for part, owner in RUNTIME_OF.items():
        if kind != owner and any(each == part or each.startswith(f"{part}.") for each in imports):
            found.append(f"{part} belongs to a service's {owner}, not to its {kind}")
    return found


def _data_access(kind: str, tree: ast.Module, imports: set[str], calls: set[str]) -> list[str]:
    found = []
    if kind != "store" and (sql := {call for call in calls if call.rpartition(".")[2] in SQL_CALLS and "." in call}):
        found.append(f"SQL belongs in a *_store.py: {sorted(sql)}")
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    if kind != "store" and any(SQL_TEXT.match(text) for text in texts):
        found.append("SQL belongs in a *_store.py: a statement is written here")
    if any(isinstance(node, ast.Attribute) and node.attr == "connection" for node in ast.walk(tree)):
        found.append("use the Tx, which applies the scope; its connection belongs to runtime")
    if kind in {"http", "consumers", "works", "app"} and any("_store" in each for each in imports):
        found.append("an edge calls a use case, never a store")
    if kind in {"store", "rules"} and {"runtime.kafka", "runtime.http"} & imports:
        found.append(f"a {kind} knows no edge")
    return found


def _impurities(tree: ast.Module, imports: set[str], calls: set[str]) -> list[str]:
    found = []
    runtime = {each for each in imports if each.startswith("runtime.")}
    if strangers := {each for each in runtime if not any(each == p or each.startswith(f"{p}.") for p in PURE)}:
        found.append(f"rules are pure: take as an argument what {sorted(strangers)} would give")
    if impure := {each.split(".")[0] for each in imports} & IMPURE:
        found.append(f"rules are pure: no {sorted(impure)}")
    if any("_store" in each for each in imports):
        found.append("rules are pure: the use case reads and passes what they need")
    if any(isinstance(node, ast.AsyncFunctionDef | ast.Await) for node in ast.walk(tree)):
        found.append("rules are pure: no async")
    if impure_calls := sorted(call for call in calls if IMPURE_CALLS.search(call)):
        found.append(f"rules are pure: take as an argument what {impure_calls} would give")
    return found


def _misnamed(name: str, tree: ast.Module) -> list[str]:
    stem = Path(name).stem
    found = [] if re.fullmatch(r"[a-z]+(_[a-z]+)+", stem) else ["a use case is called <verb>_<noun>.py"]
    if not any(isinstance(node, ast.AsyncFunctionDef) and node.name == stem for node in tree.body):
        found.append(f"a use-case file defines `async def {stem}`")
    return found


def _environment(kind: str, imports: set[str], calls: set[str]) -> list[str]:
    if kind == "settings":
        return []
    reads = {each.split(".")[0] for each in imports} & {"os", "pydantic_settings"}
    return [f"only settings.py reads the environment: {sorted(reads)}"] if reads else []


def test_the_files_of_every_service_are_looked_at() -> None:
    looked_at = {(file.parent.name, role(file.stem)) for file in service_files()}
    kinds = {"app", "http", "consumers", "settings", "store", "rules", "use case"}
    assert looked_at >= {(service, kind) for service in THE_SERVICES for kind in kinds}


@pytest.mark.parametrize("file", service_files(), ids=named)
def test_a_file_keeps_to_its_role(file: Path) -> None:
    assert offences(file.name, file.read_text()) == []


USE_CASE = "async def claim_task():\n    '''.'''\n"

PLANTED = [
    ("claim_task.py", USE_CASE + "    await tx.execute('x')", "SQL belongs in a *_store.py"),
    ("claim_task.py", USE_CASE + "Q = 'SELECT 1 FROM share'", "a statement is written here"),
    ("claim_task.py", USE_CASE + "    tx.connection.close()", "belongs to runtime"),
    ("claim_task.py", USE_CASE + "import fastapi", "is behind runtime"),
    ("claim_task.py", USE_CASE + "from aiokafka.errors import KafkaError", "is behind runtime"),
    ("claim_task.py", USE_CASE + "import os", "only settings.py reads the environment"),
    ("claim_task.py", USE_CASE + "from runtime.http import CommandModel", "runtime.http belongs to a service's http"),
    ("claim_task.py", "async def claim():\n    '''.'''", "defines `async def claim_task`"),
    ("claim_task.py", "def claim_task():\n    '''.'''", "defines `async def claim_task`"),
    ("claiming.py", "async def claiming():\n    '''.'''", "<verb>_<noun>.py"),
    ("http.py", "from tasks import share_store", "an edge calls a use case"),
    ("share_http.py", "from tasks import share_store", "an edge calls a use case"),
    ("http.py", "from tasks.share_store import save", "an edge calls a use case"),
    ("http.py", "import faststream", "is behind runtime"),
    ("http.py", "from runtime import outbox", "runtime.outbox belongs to a service's use case"),
    ("consumers.py", "from runtime.db import transaction", "runtime.db.transaction belongs to a service's use case"),
    ("works.py", "from tasks import share_store", "an edge calls a use case"),
    ("claim_task.py", USE_CASE + "from runtime.works import every", "runtime.works belongs to a service's works"),
    ("consumers.py", "async def f(tx):\n    await tx.fetch('x')", "SQL belongs in a *_store.py"),
    ("share_store.py", "from runtime import outbox", "runtime.outbox belongs to a service's use case"),
    ("share_store.py", "from runtime.kafka import subscribe", "a store knows no edge"),
    ("share_rules.py", "async def claim(): ...", "no async"),
    ("share_rules.py", "import asyncpg", "rules are pure: no ['asyncpg']"),
    ("share_rules.py", "from runtime.db import Tx", "rules are pure: take as an argument"),
    ("share_rules.py", "from runtime.clock import utcnow", "rules are pure: take as an argument"),
    ("share_rules.py", "from datetime import date\nD = date.today()", "rules are pure: take as an argument"),
    ("share_rules.py", "from uuid import uuid4\nU = uuid4()", "rules are pure: take as an argument"),
    ("share_rules.py", "from tasks import share_store", "the use case reads and passes"),
    ("settings.py", "import uvicorn", "is behind runtime"),
]


@pytest.mark.parametrize(("name", "source", "said"), PLANTED)
def test_a_planted_offence_is_found(name: str, source: str, said: str) -> None:
    assert any(said in offence for offence in offences(name, source))


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("claim_task.py", USE_CASE + "from runtime.db import Pool, transaction\nfrom runtime import audit, outbox"),
        ("share_rules.py", "from runtime.problems import Refusal\nfrom runtime.workdays import Calendar"),
        ("share_store.py", "async def save(tx):\n    await tx.execute('UPDATE share SET state = $1')"),
        ("http.py", "from fastapi import APIRouter\nfrom runtime.http import Query"),
        ("settings.py", "import os\nfrom runtime.settings import ServiceSettings"),
    ],
)
def test_what_a_role_is_for_is_no_offence(name: str, source: str) -> None:
    assert offences(name, source) == []
