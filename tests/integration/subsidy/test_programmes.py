"""Publishing programmes: a version stands as a whole, with its examples, or not at all."""

from datetime import date
from typing import TYPE_CHECKING

import pytest

from runtime.actor import Role
from runtime.problems import Forbidden, Invalid
from subsidy.list_programmes import list_programmes
from subsidy.programme_rules import Example, NoProgrammesInForce, ProgrammesNotLater
from subsidy.publish_programmes import publish_programmes
from tests.integration.service_scene import person
from tests.integration.subsidy.conftest import COUNTY, examples, programme, seventy

if TYPE_CHECKING:
    from tests.integration.subsidy.conftest import Scene

FROM = date(2026, 1, 1)


async def test_the_seventy_stand_with_their_337_examples(bare: "Scene") -> None:
    published = await publish_programmes(
        bare.pool, bare.preparer, effective_on=FROM, programmes=seventy(), examples=examples()
    )
    counts = {"programmes": 70, "examples": 337, "kept": 0, "warnings": []}
    assert published.model_dump() == {"version": 1, "effective_on": FROM} | counts
    view = await list_programmes(bare.pool, bare.other_preparer, FROM)
    assert view.programmes == seventy()
    (entry,) = await bare.rows("SELECT actor, action FROM audit_entry WHERE action = 'programmes.published'")
    assert entry["actor"] == bare.preparer.subject


async def test_an_example_that_comes_to_something_else_lets_nothing_stand(bare: "Scene") -> None:
    wrong = examples()[0].model_copy(update={"amount_fen": 1})
    with pytest.raises(Invalid) as refused:
        await publish_programmes(
            bare.pool, bare.operator, effective_on=FROM, programmes=seventy(), examples=[*examples()[1:3], wrong]
        )
    (error,) = refused.value.details["errors"]  # type: ignore[misc]
    assert (error["pointer"], error["code"]) == ("/examples/2", "differs")
    assert error["message"] == "B01 comes to eligible=true, amount_fen=349800 here."
    with pytest.raises(NoProgrammesInForce):
        await list_programmes(bare.pool, bare.operator, FROM)


async def test_an_example_that_leaves_out_what_decides_is_unknown(bare: "Scene") -> None:
    example = Example.model_validate({"programme": "B08", "facts": {"is_alive": True}, "eligible": False})
    with pytest.raises(Invalid) as refused:
        await publish_programmes(bare.pool, bare.operator, effective_on=FROM, programmes=seventy(), examples=[example])
    assert refused.value.details["errors"][0]["message"] == "B08 comes to unknown here."  # type: ignore[index]


async def test_the_version_of_the_day_is_in_force(bare: "Scene") -> None:
    alone = programme("B28")
    await bare.publish(alone, effective_on=date(2025, 1, 1))
    await bare.publish(effective_on=date(2026, 1, 1))
    assert (await list_programmes(bare.pool, bare.preparer, date(2025, 12, 31))).programmes == [alone]
    assert (await list_programmes(bare.pool, bare.preparer, date(2026, 1, 1))).version == 2
    with pytest.raises(NoProgrammesInForce):
        await list_programmes(bare.pool, bare.preparer, date(2024, 12, 31))
    with pytest.raises(ProgrammesNotLater):
        await bare.publish(effective_on=date(2025, 12, 31))


@pytest.mark.parametrize("role", [each for each in Role if each not in (Role.OPERATOR, Role.FINANCE_PREPARER)])
async def test_nobody_else_publishes(bare: "Scene", role: Role) -> None:
    actor = person(role, COUNTY, department="MZJ" if role == Role.DEPARTMENT_STAFF else None)
    with pytest.raises(Forbidden):
        await publish_programmes(bare.pool, actor, effective_on=FROM, programmes=seventy(), examples=[])
