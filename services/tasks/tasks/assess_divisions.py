"""Use case: the divisions below one are ranked for a period, each with the facts behind its place."""

from datetime import date, timedelta
from typing import Final, Literal

from qingdan.assessment_events import AssessmentPublished
from qingdan.divisions import DivisionCode, DivisionLevel
from qingdan.ids import AssessmentId
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.divisions import id_in_scope
from runtime.ids import new_id
from runtime.problems import Refusal
from tasks import assessment_rules, assessment_store
from tasks.assessment_rules import FORMULA, Ranked
from tasks.show_assessment import AssessmentView

PERIOD_MAX: Final = timedelta(days=3 * 366)


class PeriodUnfit(Refusal):
    """A period ends on or after its first day and lasts at most three years.
    考核期的截止日不得早于起始日，且不超过三年。
    """

    status = 422


class NothingToAssess(Refusal):
    """There is no division of that level below this one. 该区划下没有此级别的区划可供考核。"""

    status = 422


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
    Forbidden for others than town staff and operators, DivisionUnknown outside the scope, PeriodUnfit, NothingToAssess.
    """
    actor.require(Role.TOWN_STAFF, Role.OPERATOR)
    if not timedelta() <= period_to - period_from <= PERIOD_MAX:
        raise PeriodUnfit()
    assessment, at, today = AssessmentId(new_id()), DivisionLevel(level), business_date(utcnow())
    async with transaction(pool, actor) as tx:
        division_id = await id_in_scope(tx, division)
        assessed, ids = await assessment_store.facts_of(tx, division_id, at, period_from, period_to, today=today)
        if not assessed:
            raise NothingToAssess()
        ranks = assessment_rules.rank(assessed)
        await assessment_store.insert_ranks(
            tx, assessment, ranks, ids, level=at, period=(period_from, period_to), today=today
        )
        for ranked in ranks:
            if (event := _published(ranked, at, period_from, period_to)) is not None:
                await outbox.append(tx, event)
                await audit.append(tx, actor, event)
        view = AssessmentView.of_rows(list(await assessment_store.find_ranks(tx, assessment)))
        tx.answer_with(view)
    return view


def _published(ranked: Ranked, level: DivisionLevel, period_from: date, period_to: date) -> AssessmentPublished | None:
    if ranked.rank is None or ranked.score_milli is None:
        return None
    return AssessmentPublished(
        period_from=period_from,
        period_to=period_to,
        division=ranked.division,
        level=level,
        rank=ranked.rank,
        of=ranked.of,
        score_milli=ranked.score_milli,
        facts=ranked.facts,
        formula=FORMULA,
    )
