"""Use case: finance says what its county may spend on a programme in a year, and amends it later."""

from pydantic import BaseModel

from qingdan.divisions import DivisionCode
from qingdan.ids import ProgrammeCode
from runtime import audit
from runtime.actor import Actor, Role
from runtime.db import Pool, Version, transaction
from runtime.divisions import id_in_scope
from subsidy import budget_rules, budget_store, preview_rules
from subsidy.budget_rules import Budget


class BudgetSet(BaseModel):
    """What was set; version: how often it was until now."""

    division: DivisionCode
    programme: ProgrammeCode
    year: int
    budget: Budget
    version: int


async def set_budget(
    pool: Pool,
    actor: Actor,
    division: DivisionCode,
    year: int,
    programme: ProgrammeCode,
    budget: Budget,
    *,
    expected: Version,
) -> BudgetSet:
    """The whole amount of the year, from a day of it on; what was said before stays to be seen. Version 0 is that of a
    budget not set yet.

    Raises Forbidden unless the actor is an operator or prepares for finance, NotACounty, DivisionUnknown,
    ProgrammeUnknown, Invalid for a day of another year, StaleVersion.
    """
    actor.require(Role.OPERATOR, Role.FINANCE_PREPARER)
    preview_rules.require_county(division)
    budget_rules.require_in_year(budget, year)
    async with transaction(pool, actor) as tx:
        division_id = await id_in_scope(tx, division)
        department = await budget_store.department_of(tx, programme)
        await budget_store.lock_budget(tx, division, year, programme, expected)
        number = expected + 1
        await budget_store.insert_budget(tx, division_id, year, programme, budget, number=number, department=department)
        answer = BudgetSet(division=division, programme=programme, year=year, budget=budget, version=number)
        audit.note(tx, "budget.set", f"{division}/{year}/{programme}", answer.model_dump(mode="json"))
        tx.answer_with(answer, version=number)
    return answer
