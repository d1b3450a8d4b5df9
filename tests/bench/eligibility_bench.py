"""`eligibility`: 70 programmes over 500,000 and 1,000,000 people, from facts at rest to each one's result in memory."""

import asyncio
import json
import os
import subprocess
import sys
import time
import venv
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np

from devkit.memory import PeakMemory, pss_bytes
from devkit.postgres import Database, Postgres
from devkit.run_directory import RunDirectory
from devkit.templates import template_of
from qingdan.divisions import COUNTRY, DivisionCode
from runtime.actor import Role, service_actor
from runtime.db import Pool, Tx, create_pool, transaction
from subsidy import column_store, county_store, preview_rules, programme_rules, programme_store
from subsidy.column_store import Ground
from subsidy.evaluation_rules import evaluate
from subsidy.outcome_rules import Evaluation, excluded, undetermined
from tests.bench.county_seed import OF_THE_DEVKIT, enter_county, multiply
from tests.bench.openfisca_plan import plan
from tests.bench.results import Result, at_least, at_most, write
from tests.integration.service_scene import person

COUNTY: Final = "330523000000"
MONTH: Final = "2026-07"
PEOPLE: Final = 500_000
ROUNDS: Final = 3
ENVIRONMENT: Final = Path("var/openfisca")
NEEDS: Final = Path(__file__).with_name("openfisca.txt")
REFERENCE: Final = Path(__file__).with_name("openfisca_reference.py")
MEMORY_MB_MAX: Final = 3_000


@dataclass(frozen=True, slots=True)
class Measured:
    """One round: seconds, and how many came to what."""

    seconds: float
    people: int
    entitled: int
    excluded: int
    undetermined: int


def run() -> list[Result]:
    """People's results per second, beside OpenFisca's of the same run; the second size beside the first; memory."""
    python = _environment()
    directory = RunDirectory.own(f"eligibility-{os.getpid()}")
    postgres = Postgres(directory.path / "postgres", directory)
    directory.remove_at_end(postgres.directory)
    postgres.start()
    try:
        template = template_of(postgres, directory, "subsidy")
        return asyncio.run(_measure(postgres, template, python))
    finally:
        directory.end()


async def _measure(postgres: Postgres, template: Database, python: Path) -> list[Result]:
    database = await postgres.copy_database(template, f"subsidy_{os.getpid()}")
    pool = await create_pool(database.app_url, source="/services/subsidy", size_max=4)
    await enter_county(pool, person(Role.OPERATOR, DivisionCode(COUNTRY)))
    times = PEOPLE // OF_THE_DEVKIT
    people, homes = await multiply(postgres, database, range(1, times))
    print(f"  eligibility: {people:,} people, {homes:,} households", flush=True)
    server = postgres.process
    assert server is not None
    with PeakMemory(lambda: pss_bytes(server.pid), every_s=0.05) as memory:
        ours = [await _round(pool) for _ in range(ROUNDS)]
    theirs = [await asyncio.to_thread(_reference, python, await _plan(pool, database)) for _ in range(ROUNDS)]
    await multiply(postgres, database, range(times, 2 * times))
    double = [await _round(pool) for _ in range(ROUNDS)]
    await pool.close()
    best, reference = min(each.seconds for each in ours), min(theirs)
    growth = min(each.seconds for each in double) / best
    print(f"  eligibility: {ours[0]}, twice as many: {double[0]}", flush=True)
    return [
        at_least(
            "eligibility",
            people / best,
            "people/s",
            floor=0,
            reference="OpenFisca-core 46, the same columns by ADBC, no unknowns, no exclusions",
            reference_value=people / reference,
            ratio_floor=0.5,
        ),
        at_most("eligibility, a million beside half a million", growth, "times", ceiling=2.2),
        at_most("eligibility, memory with PostgreSQL", memory.peak_bytes / 2**20, "MiB", ceiling=MEMORY_MB_MAX),
    ]


async def _round(pool: Pool) -> Measured:
    """From the facts at rest to every result and the totals of each programme in each township."""
    began = time.perf_counter()
    async with transaction(pool, service_actor("subsidy")) as tx:
        await tx.execute("SET LOCAL statement_timeout = '120s'")
        due, ground = await _ground(tx)
        county, owed = await column_store.read_county(tx, ground, due)
        evaluation = evaluate(county, due, MONTH, owed)
        townships = await _townships(tx)
    totals = [evaluation.totals(outcome, *townships) for outcome in evaluation.outcomes]
    seconds = time.perf_counter() - began
    entitled = sum(int(payments.sum()) for payments, _ in totals)
    print(f"  eligibility: {seconds:.2f} s, {entitled:,} entitled", flush=True)
    return Measured(seconds, len(county.people), entitled, *_others(evaluation))


def _others(evaluation: Evaluation) -> tuple[int, int]:
    return excluded(evaluation.outcomes), undetermined(evaluation.outcomes)


async def _ground(tx: Tx) -> tuple[list[programme_rules.Compiled], Ground]:
    month = preview_rules.month_of(MONTH)
    county: int = await tx.fetchval("SELECT id FROM division WHERE code = $1", COUNTY)
    programmes = await programme_store.programmes_on(tx, month.reference_on)
    ground = await county_store.ground_of(tx, county, month)
    return programme_rules.compile_stored(programmes), ground


async def _townships(tx: Tx) -> tuple["np.ndarray[tuple[int, ...], np.dtype[np.int32]]", int]:
    rows = await tx.fetch(
        "SELECT c.descendant_id, c.ancestor_id FROM division_closure c JOIN division d ON d.id = c.ancestor_id"
        " WHERE d.level = 'township'"
    )
    townships = sorted({row["ancestor_id"] for row in rows})
    place_of = np.zeros(1 + await tx.fetchval("SELECT max(id) FROM division"), np.int32)
    for row in rows:
        place_of[row["descendant_id"]] = 1 + townships.index(row["ancestor_id"])
    return place_of, 1 + len(townships)


# -- the reference -----------------------------------------------------------------------------------------------------


def _environment() -> Path:
    """OpenFisca in an environment of its own, made once."""
    python = ENVIRONMENT / "bin/python"
    done = ENVIRONMENT / NEEDS.name
    if not done.exists() or done.read_bytes() != NEEDS.read_bytes():
        print("  eligibility: installing the reference …", flush=True)
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", NEEDS], check=True, timeout=600)
        done.write_bytes(NEEDS.read_bytes())
    return python


async def _plan(pool: Pool, database: Database) -> Path:
    async with transaction(pool, service_actor("subsidy")) as tx:
        due, ground = await _ground(tx)
    said = plan(
        due,
        url=database.app_url,
        period=MONTH,
        reference_on=date.fromisoformat(f"{MONTH}-01"),
        parameters=ground.parameters,
        county=ground.division_id,
    )
    path = ENVIRONMENT / "plan.json"
    path.write_text(json.dumps(said), encoding="utf-8")
    return path


def _reference(python: Path, plan_file: Path) -> float:
    done = subprocess.run([python, REFERENCE, plan_file], check=False, timeout=200, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-2_000:])
    said = json.loads(done.stdout.splitlines()[-1])
    seconds: float = said["read_s"] + said["compute_s"]
    entitled = sum(said["entitled"].values())
    print(f"  eligibility: OpenFisca {seconds:.2f} s ({said['read_s']:.2f} reading), {entitled:,}", flush=True)
    return seconds


if __name__ == "__main__":
    write(run(), Path(sys.argv[1]))
