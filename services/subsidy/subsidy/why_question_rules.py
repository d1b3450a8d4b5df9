"""The question behind an explanation: about whom it is, who the beneficiary is, and for what it would be paid once."""

from collections.abc import Sequence
from uuid import UUID

from runtime.problems import Invalid, NotFound, Refusal
from subsidy.preview_rules import Month
from subsidy.programme_rules import Compiled, Programme
from subsidy.why_view_rules import Decided


class NoHousehold(NotFound):
    """This programme is for households, and the person belongs to none that you may see.
    该项目以户为单位，而此人不属于您可查看的任何一户。
    """


class PersonNeeded(Refusal):
    """This programme is for persons: ask about one of the household. 该项目以个人为单位：请指明户内的一人。"""

    status = 422


def require_one(person: UUID | None, household: UUID | None) -> None:
    """Raises Invalid unless exactly one of them is asked about."""
    if (person is None) == (household is None):
        raise Invalid(
            errors=[
                {
                    "in": "query",
                    "pointer": "/person",
                    "code": "whose",
                    "message": "Ask about a person or about a household: one of them, not both.",
                    "message_zh": "请指明一人或一户，二者择一。",
                }
            ]
        )


def beneficiary_of(programme: Programme, person: UUID | None, household: UUID | None) -> UUID:
    """Whose entitlement it is. Raises PersonNeeded, NoHousehold."""
    if programme.beneficiary == "person":
        if person is None:
            raise PersonNeeded(programme=programme.code)
        return person
    if household is None:
        raise NoHousehold(programme=programme.code)
    return household


def occurrences_of(compiled: Compiled, decided: Sequence[Decided], month: Month, times: int) -> list[str]:
    """What it would be paid once for in that month; `times`: how often it was owed in the year already."""
    year = month.period[:4]
    match compiled.programme.once_per:
        case "period":
            return [month.period]
        case "year":
            return [year]
        case "ever":
            return ["ever"]
        case "year_serial":
            return [f"{year}/{times + 1}"]
        case "deceased":
            return [str(each.case.member) for each in decided]
        case "business_entity_code":
            codes = [each.case.facts["business_entity_code"].value for each in decided]
            return [code for code in codes if code is not None]
