"""Use case: the divisions below one are ranked for a period, each with the facts behind its place."""

from datetime import date
from typing import Literal

from qingdan.divisions import DivisionCode, DivisionLevel
from qingdan.ids import AssessmentId
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.divisions import id_in_scope
from runtime.ids import new_id
from tasks import assessment_rules, assessment_store
from tasks.assessment_rules import Header
from tasks.show_assessment import AssessmentView


async def assess_divisions(
    pool: Pool,
    actor: Actor,
    division: DivisionCode,
    level: Literal["township", "village"],
    *,
    period_from: date,
    period_to: date,
) -> AssessmentView:
    """Rank those of `level` below `division`, store the ranks, and publish one event for each that has one.

    Town staff rank within their own scope: a county's staff its townships, a township's staff its villages. Raises
    Forbidden for others than town staff and operators, DepartmentsSeeTooLittle for those of a department,
    DivisionUnknown outside the scope, PeriodUnfit, NothingToAssess.
    """
    actor.require(Role.TOWN_STAFF, Role.OPERATOR)
    assessment_rules.require_sees_all(actor.department)
    today = business_date(utcnow())
    header = Header(AssessmentId(new_id()), DivisionLevel(level), period_from, period_to, today)
    async with transaction(pool, actor) as tx:
        below = await id_in_scope(tx, division)
        assessed, ids = await assessment_store.facts_of(tx, below, header)
        ranks = assessment_rules.rank(assessed)
        await assessment_store.insert_ranks(tx, header, ranks, ids, below=below)
        for event in assessment_rules.published(header, ranks):
            await outbox.append(tx, event)
            await audit.append(tx, actor, event)
        view = AssessmentView.of_rows(await assessment_store.find_ranks(tx, header.assessment))
        tx.answer_with(view)
    return view
