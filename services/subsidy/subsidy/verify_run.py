"""Use case: an auditor has a run computed again, from what it was computed from, and held against what was approved."""

import asyncio
from dataclasses import replace

from pydantic import BaseModel, Field

from qingdan.ids import RunId, Sha256
from qingdan.subsidy_events import Count
from runtime import audit
from runtime.actor import Actor, Role, service_actor
from runtime.db import Pool, Tx, transaction
from subsidy import (
    obligation_store,
    programme_rules,
    programme_store,
    retention_rules,
    retention_store,
    run_rules,
    run_store,
    snapshot_store,
)
from subsidy.run_rules import Run
from subsidy.verification_rules import Computed, compute


class RunVerified(BaseModel):
    """Three hashes of one list: as it was frozen, as its rows stand, and as it comes out when it is computed again."""

    run: RunId
    holds: bool = Field(description="all three are the same")
    frozen_hash: Sha256
    rows_hash: Sha256 = Field(description="of the entitlements as they stand in the database")
    computed_hash: Sha256 | None = Field(description="of the facts that were kept; null: they cannot be read any more")
    items: Count = Field(description="entitlements that come out when it is computed again")


async def verify_run(pool: Pool, actor: Actor, run_id: RunId) -> RunVerified:
    """Whatever the facts and programmes have become since. It takes as long as a preview.

    Raises Forbidden, WholeCountyNeeded, NotFound, RunNotThere for a run that is not frozen yet, and SnapshotRemoved for
    one that was closed so long ago that what it was computed from is not kept any more.
    """
    actor.require(Role.AUDITOR, Role.FINANCE_PREPARER, Role.FINANCE_APPROVER)
    run_rules.require_whole_county(actor.department)
    async with transaction(pool, actor) as tx:
        run = await run_store.read_run(tx, run_id)
        frozen_hash = run_rules.require_frozen(run)
    # An auditor's transaction writes nothing; and that somebody looked is written.
    async with transaction(pool, replace(service_actor("subsidy"), division=run.division)) as tx:
        rows_hash = await obligation_store.hash_of_entitled(tx, run.id)
        if (gone := await retention_store.keeping_of(tx, run.id)).removed_on is not None:
            said = {"asked_by": actor.subject, "snapshot_removed_on": gone.removed_on, "rows_hash": rows_hash.hex()}
            audit.note(tx, "run.verified", str(run.id), said)
        else:
            verdict = await _compute_again(tx, run, frozen_hash, rows_hash)
            said = {"asked_by": actor.subject, **verdict.model_dump(mode="json")}
            audit.note(tx, "run.verified", str(run.id), said)
            return verdict
    raise retention_rules.removed(gone, frozen_hash=frozen_hash, rows_hash=rows_hash)  # when the look is entered


async def _compute_again(tx: Tx, run: Run, frozen_hash: bytes, rows_hash: bytes) -> RunVerified:
    programmes = programme_rules.compile_stored(await programme_store.programmes_of(tx, run.programme_version))
    parts, codes = await snapshot_store.parts_of(tx, run.id), await snapshot_store.division_codes(tx)
    computed: Computed = await asyncio.to_thread(compute, parts, programmes, run.period, codes)
    return RunVerified(
        run=run.id,
        holds=frozen_hash == rows_hash == computed.root,
        frozen_hash=frozen_hash.hex(),
        rows_hash=rows_hash.hex(),
        computed_hash=None if computed.root is None else computed.root.hex(),
        items=computed.items,
    )
