"""Use case: what proposed programmes would change for the people who are there, before they stand."""

import asyncio
from collections.abc import Sequence
from datetime import date

from pydantic import Field

from qingdan.divisions import DivisionCode
from qingdan.ids import ProgrammeCode
from qingdan.subsidy_events import Period
from runtime.actor import Actor, Role
from runtime.db import Pool, Tx, transaction
from runtime.divisions import id_in_scope
from subsidy import (
    check_rules,
    column_store,
    county_store,
    dry_run_rules,
    dry_run_store,
    example_store,
    preview_rules,
    programme_rules,
    programme_store,
    run_rules,
)
from subsidy.case_rules import County
from subsidy.check_rules import Finding
from subsidy.column_store import Ground
from subsidy.dry_run_rules import Compared, Failing
from subsidy.evaluation_rules import Owed
from subsidy.programme_rules import Compiled, Example, Programme


class DryRun(Compared):
    """What a month would come to by the proposed programmes, against what it comes to by those in force."""

    division: DivisionCode
    period: Period
    reference_on: date
    in_force: int | None = Field(description="the version compared with; null: none is in force yet")
    in_force_failing: list[Failing] = Field(description="programmes in force that cannot be computed, left out")
    kept: int = Field(description="examples of earlier versions that came to what they said again")
    warnings: list[Finding]


async def dry_run_programmes(
    pool: Pool,
    actor: Actor,
    *,
    division: DivisionCode,
    period: Period,
    programmes: Sequence[Programme],
    examples: Sequence[Example],
    only: ProgrammeCode | None,
) -> DryRun:
    """Check them as publishing does, then compute both for everybody in the county; `only`: list single changes of that
    programme alone. Nothing is written.

    Raises Forbidden unless the actor is an operator or prepares for finance, WholeCountyNeeded, DivisionUnknown,
    NotACounty, Invalid naming each place that is unfit, ProgrammeFails for a proposed programme.
    """
    actor.require(Role.OPERATOR, Role.FINANCE_PREPARER)
    run_rules.require_whole_county(actor.department)
    preview_rules.require_county(division)
    month = preview_rules.month_of(period)
    async with transaction(pool, actor) as tx:
        await dry_run_store.write_nothing(tx)
        county = await id_in_scope(tx, division)
        kept = await example_store.newest_of(tx, [each.code for each in programmes])
        on = month.reference_on
        checked = await asyncio.to_thread(check_rules.check, programmes, examples, kept, effective_on=on, before=None)
        in_force = await programme_store.version_on(tx, on)
        standing = programme_rules.compile_stored(await programme_store.programmes_on(tx, on))
        before, after = preview_rules.due(standing, month), preview_rules.due(checked.compiled, month)
        ground = await county_store.ground_of(tx, county, month)
        people, owed = await column_store.read_county(tx, ground, [*before, *after])
        sides = [await _owed_to(tx, ground, people, owed, side, (before, after)) for side in (before, after)]
        townships = await dry_run_store.townships_of(tx, county)
    old, new, failing = await asyncio.to_thread(
        dry_run_rules.evaluate_both, people, before, after, period, (sides[0], sides[1])
    )
    compared = await asyncio.to_thread(dry_run_rules.compare, old, new, townships, only=only)
    return DryRun(
        **dict(compared),
        division=division,
        period=period,
        reference_on=on,
        in_force=in_force,
        in_force_failing=failing,
        kept=checked.kept,
        warnings=checked.warnings,
    )


async def _owed_to(
    tx: Tx,
    ground: Ground,
    people: County,
    owed: Owed,
    side: Sequence[Compiled],
    both: tuple[Sequence[Compiled], Sequence[Compiled]],
) -> Owed:
    """What is owed already as this side counts it; read anew only where the two count in another way."""
    otherwise = dry_run_rules.counted_otherwise(*both)
    mine = [each for each in side if each.programme.code in otherwise]
    if not mine:
        return owed
    there, theirs = await column_store.read_county(tx, ground, mine)
    return dry_run_rules.with_owed(owed, mine, theirs, there, people)
