"""Budgets of hours as they should be: the nearest above a village binds it, and the newest of a place stands."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from qingdan.divisions import COUNTRY, DivisionCode
from runtime.actor import Role
from runtime.divisions import DivisionUnknown
from runtime.problems import Forbidden
from tasks.budget_rules import BudgetInThePast
from tests.integration.tasks.county_lists import COUNTY, TOWN_OF
from tests.integration.tasks.county_shares import Foreseen, Told, require, sees

if TYPE_CHECKING:
    from datetime import date

    from tests.integration.tasks import county_commands as wants
    from tests.integration.tasks.county_model import County

Budget = tuple[DivisionCode, "date", int | None]
"""Of which place, from which month on, and how many hours; None: it has none of its own any more."""


def change(county: "County", wanted: "wants.ChangeBudget", *_: object) -> list[Told]:
    require(wanted.by, Role.OPERATOR, Role.TOWN_STAFF)
    if wanted.by.department is not None:
        raise Foreseen(Forbidden)
    first = wanted.from_month.replace(day=1)
    if first < county.today.replace(day=1):
        raise Foreseen(BudgetInThePast)
    if wanted.by.division != COUNTRY and not sees(wanted.by, wanted.place):
        raise Foreseen(DivisionUnknown)
    county.budgets.append((wanted.place, first, wanted.hours))
    says = {"division": wanted.place, "from_month": first, "hours_per_village": wanted.hours}
    return [("budget.changed.v1", says | {"changed_on": county.today})]


def of_village(county: "County", village: DivisionCode) -> int | None:
    """Its hours of this month, or None where nothing binds it."""
    for place in (village, TOWN_OF[village], COUNTY):
        begun = [each for each in county.budgets if each[0] == place and each[1] <= county.today]
        # of two from the same month on, the later said
        standing = max(enumerate(begun), key=lambda each: (each[1][1], each[0]), default=None)
        if standing is not None and (hours := standing[1][2]) is not None:
            return hours
    return None


def beyond(county: "County", villages: Iterable[DivisionCode], added: int | None) -> set[DivisionCode]:
    """Which of them one ask more of so many hours takes beyond their budget."""
    over = set()
    for village in villages:
        budget = of_village(county, village)
        if added and budget is not None and _asked(county, village) + added > budget:
            over.add(village)
    return over


def _asked(county: "County", village: DivisionCode) -> int:
    return sum(
        share.hours or 0
        for share in county.shares.values()
        if share.village == village
        and share.published_on.replace(day=1) == county.today.replace(day=1)
        and share.state not in ("refused", "withdrawn")
    )
