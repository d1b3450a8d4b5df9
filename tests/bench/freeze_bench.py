"""`freeze`: what half a million people come to, from results in memory to a frozen run: rows, snapshot, hash, audit."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import asyncpg
import numpy as np
from numpy.typing import NDArray

from devkit.postgres import SUPERUSER, Database, Postgres
from devkit.run_directory import RunDirectory
from devkit.templates import template_of
from qingdan.divisions import COUNTRY, DivisionCode
from qingdan.ids import RunId
from qingdan.money import FEN_MAX
from runtime.actor import Role, service_actor
from runtime.bulk_rows import SIGNATURE, TRAILER, new_rows
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, create_pool, transaction
from runtime.ids import new_id
from subsidy import column_store, entitlement_store, run_store, snapshot_store, undetermined_store
from subsidy.approve_run import approve_run
from subsidy.case_rules import County
from subsidy.evaluation_rules import Owed, evaluate
from subsidy.freeze_run import freeze_run
from subsidy.outcome_rules import Evaluation, Outcome
from subsidy.row_rules import EntitlementRows
from subsidy.snapshot_rules import pack
from tests.bench.county_seed import OF_THE_DEVKIT, enter_county, multiply
from tests.bench.eligibility_bench import COUNTY, MONTH, PEOPLE, _ground
from tests.bench.results import Result, at_most, write
from tests.integration.service_scene import person

ROUNDS: Final = 3
ROWS_AT_ONCE: Final = 65_536
_BY_KEY: Final = "run_id, programme, beneficiary, occurrence, kind, payee, division_id, department, amount_fen, status"


def run() -> list[Result]:
    """Seconds to a frozen run beside the seconds that the results alone take by binary COPY to the same table."""
    directory = RunDirectory.own(f"freeze-{os.getpid()}")
    postgres = Postgres(directory.path / "postgres", directory)
    directory.remove_at_end(postgres.directory)
    postgres.start()
    try:
        template = template_of(postgres, directory, "subsidy")
        return asyncio.run(_measure(postgres, template))
    finally:
        directory.end()


async def _measure(postgres: Postgres, template: Database) -> list[Result]:
    database = await postgres.copy_database(template, f"subsidy_{os.getpid()}")
    pool = await create_pool(database.app_url, source="/services/subsidy", size_max=4)
    await enter_county(pool, person(Role.OPERATOR, DivisionCode(COUNTRY)))
    await multiply(postgres, database, range(1, PEOPLE // OF_THE_DEVKIT))
    async with transaction(pool, service_actor("subsidy")) as tx:
        await tx.execute("SET LOCAL statement_timeout = '120s'")
        due, ground = await _ground(tx)
        county, owed = await column_store.read_county(tx, ground, due)
    evaluation = evaluate(county, due, MONTH, owed)
    superuser = await asyncpg.connect(postgres.url(SUPERUSER, database.name))
    reference, ours, approvals = [], [], []
    for number in range(ROUNDS):
        reference.append(await _copied(superuser, evaluation, number))
        seconds, run_id, frozen_hash = await _frozen(pool, county, owed, evaluation, number)
        ours.append(seconds)
        approvals.append(await _approved(pool, run_id, frozen_hash))
        await superuser.execute("SET session_replication_role = replica")  # what is frozen is not removed otherwise
        await superuser.execute("TRUNCATE run_obliging, run_approval, run_snapshot, entitlement, run CASCADE")
        await superuser.execute("SET session_replication_role = DEFAULT")
    await superuser.close()
    await pool.close()
    return [
        at_most("freeze, beside the results alone by COPY", min(ours) / min(reference), "times", ceiling=2.5),
        at_most("approve, until it is answered", min(approvals) * 1000, "ms", ceiling=1_000),
    ]


async def _new_run(pool: Pool, number: int) -> RunId:
    run_id = RunId(new_id())
    async with transaction(pool, service_actor("subsidy")) as tx:
        await tx.execute(
            "INSERT INTO run (id, division_id, period, state, programme_version, reference_on, prepared_by,"
            " previewed_on) SELECT $1, d.id, $2, 'previewed', v.version, '2026-07-01', 'preparer', '2026-07-02'"
            " FROM division d, (SELECT max(version) AS version FROM programme_version) v WHERE d.code = $3",
            *(run_id, f"20{40 + number}-07", COUNTY),
        )
    return run_id


async def _frozen(
    pool: Pool, county: County, owed: Owed, evaluation: Evaluation, number: int
) -> tuple[float, RunId, bytes]:
    """As a preview and a freeze write it."""
    run_id = await _new_run(pool, number)
    preparer = person(Role.FINANCE_PREPARER, DivisionCode(COUNTY))
    began = time.perf_counter()
    async with transaction(pool, service_actor("subsidy")) as tx:
        await tx.execute("SET LOCAL statement_timeout = '300s'")
        await snapshot_store.keep(tx, await run_store.lock_run(tx, run_id, None), pack(county, owed))
        kept = time.perf_counter()
        await entitlement_store.enter(tx, run_id, EntitlementRows(evaluation))
        await undetermined_store.enter(tx, run_id, evaluation)
    entered = time.perf_counter()
    async with transaction(pool, service_actor("subsidy")) as tx:
        octets: int = await tx.fetchval(
            "SELECT sum(length(packed))::bigint FROM run_snapshot WHERE run_id = $1", run_id
        )
    today, began_freeze = business_date(utcnow()), time.perf_counter()
    frozen = await freeze_run(pool, preparer, run_id, today, third_person_from_fen=FEN_MAX, expected=Version(1))
    freezing = time.perf_counter() - began_freeze
    seconds = entered - began + freezing
    print(
        f"  freeze: {seconds:.2f} s: snapshot {kept - began:.2f} ({octets / 2**20:.0f} MiB),"
        f" rows {entered - kept:.2f}, totals, hash and audit {freezing:.2f}",
        flush=True,
    )
    return seconds, run_id, bytes.fromhex(frozen.frozen_hash)


async def _approved(pool: Pool, run_id: RunId, frozen_hash: bytes) -> float:
    """Until the approver has an answer."""
    approver = person(Role.FINANCE_APPROVER, DivisionCode(COUNTY))
    began = time.perf_counter()
    answer = await approve_run(pool, approver, run_id, frozen_hash, expected=Version(2))
    seconds = time.perf_counter() - began
    print(f"  approve: {answer.items:,} entitlements, answered in {seconds * 1000:.0f} ms", flush=True)
    return seconds


# -- the reference -----------------------------------------------------------------------------------------------------


async def _copied(superuser: "asyncpg.Connection[Any]", evaluation: Evaluation, number: int) -> float:
    """The entitled alone, as OpenFisca has them too, straight into the table: no scope, no snapshot, no hash."""
    run_id = RunId(new_id())
    await superuser.execute(
        "INSERT INTO run (id, division_id, period, state, programme_version, reference_on, prepared_by, previewed_on)"
        " SELECT $1, d.id, $2, 'previewed', v.version, '2026-07-01', 'preparer', '2026-07-02'"
        " FROM division d, (SELECT max(version) AS version FROM programme_version) v WHERE d.code = $3",
        *(run_id, f"20{60 + number}-07", COUNTY),
    )
    began = time.perf_counter()
    done = await superuser.copy_to_table(
        "entitlement", source=_framed(_blocks(evaluation, run_id)), columns=_BY_KEY.split(", "), format="binary"
    )
    seconds = time.perf_counter() - began
    print(f"  freeze: the results alone by COPY {seconds:.2f} s, {done}", flush=True)
    return seconds


async def _framed(blocks: Iterator[bytes]) -> AsyncIterator[bytes]:
    yield SIGNATURE
    for block in blocks:
        yield block
    yield TRAILER


def _blocks(evaluation: Evaluation, run_id: RunId) -> Iterator[bytes]:
    for outcome in sorted(evaluation.outcomes, key=lambda each: each.programme.code):
        if outcome.occurrences is not None:
            continue  # few, and of many lengths
        for begin in range(0, len(outcome.beneficiaries), ROWS_AT_ONCE):
            yield _rows(evaluation, outcome, slice(begin, begin + ROWS_AT_ONCE), run_id).tobytes()


def _rows(evaluation: Evaluation, outcome: Outcome, part: slice, run_id: RunId) -> NDArray[Any]:
    programme, beneficiaries = outcome.programme, outcome.beneficiaries[part]
    table, payees = evaluation.table(outcome), evaluation.receivers_of(outcome, beneficiaries)
    texts = {
        "programme": programme.code,
        "occurrence": outcome.occurrence,
        "kind": programme.beneficiary,
        "department": programme.department,
        "status": "entitled",
    }
    kinds = {"division_id": ">i4", "amount_fen": ">i8"} | {name: f"S{len(text)}" for name, text in texts.items()}
    rows = new_rows([(name, kinds.get(name, "uuid")) for name in _BY_KEY.split(", ")], len(beneficiaries))
    rows["run_id"] = np.frombuffer(run_id.bytes, ">u8")
    for name, text in texts.items():
        rows[name] = text.encode()
    people = evaluation.county.people
    rows["beneficiary"][:, 0], rows["beneficiary"][:, 1] = table.high[beneficiaries], table.low[beneficiaries]
    rows["payee"][:, 0], rows["payee"][:, 1] = people.high[payees], people.low[payees]
    rows["division_id"], rows["amount_fen"] = table.division[beneficiaries], outcome.amount_fen[part]
    return rows


if __name__ == "__main__":
    write(run(), Path(sys.argv[1]))
