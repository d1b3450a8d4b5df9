"""The SQL form of expressions comes to what CEL comes to, and stays unknown only where it must."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import cel
import pytest
from hypothesis import HealthCheck, given, settings

from runtime.db import transaction
from subsidy.evaluation_store import compute_examples
from subsidy.expression_rules import parse
from subsidy.fact_rules import storable
from subsidy.programme_rules import Compiled, Computed, Example, ProgrammeFails
from tests.integration.subsidy.conftest import examples, programme
from tests.unit.subsidy.expressions import conditions, kleene, numbers, some_unknown

if TYPE_CHECKING:
    from tests.integration.subsidy.conftest import Scene

EVERYBODY = ("person", "household", "county")


def compiled(eligibility: str, amount: str = "1") -> Compiled:
    return Compiled(programme("B08"), parse(eligibility, "bool", EVERYBODY), parse(amount, "int", EVERYBODY))


async def computed(scene: "Scene", rule: Compiled, facts: Mapping[str, Any]) -> Computed:
    known = {name: value for name, value in facts.items() if value is not None}
    example = Example.model_validate({"programme": "B08", "facts": known, "eligible": True})
    async with transaction(scene.pool, scene.service) as tx:
        return (await compute_examples(tx, {"B08": rule}, [example], storable))[0]


many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@many
@given(text=conditions, facts=some_unknown)
async def test_a_condition_comes_to_the_same_in_sql(bare: "Scene", text: str, facts: Mapping[str, Any]) -> None:
    rule = compiled(text)
    assert (await computed(bare, rule, facts)).eligible is kleene(rule.eligibility.root, facts)


@many
@given(text=numbers, facts=some_unknown)
async def test_an_amount_comes_to_the_same_in_sql(bare: "Scene", text: str, facts: Mapping[str, Any]) -> None:
    rule = compiled("is_alive || true", text)
    assert (await computed(bare, rule, facts)).amount_fen == kleene(rule.amount.root, facts)


async def test_the_337_examples_come_to_what_they_say(scene: "Scene") -> None:
    rules = {
        each.programme: Compiled(
            sample := programme(each.programme),
            parse(sample.eligibility, "bool", EVERYBODY),
            parse(sample.amount_fen, "int", EVERYBODY),
        )
        for each in examples()
    }
    async with transaction(scene.pool, scene.service) as tx:
        came = await compute_examples(tx, rules, examples(), storable)
    assert [each.eligible for each in came] == [each.eligible for each in examples()]
    assert [each.amount_fen for each in came] == [each.amount_fen for each in examples()]
    assert len(came) == 337


@pytest.mark.parametrize(("left", "right"), [(7, 2), (-7, 2), (7, -2), (-7, -2), (1, 3), (-1, 3)])
async def test_division_truncates_towards_zero_as_in_cel(bare: "Scene", left: int, right: int) -> None:
    rule = compiled("is_alive", "age_years / disability_level")
    facts = {"is_alive": True, "age_years": left, "disability_level": right}
    assert (await computed(bare, rule, facts)).amount_fen == cel.evaluate("age_years / disability_level", facts)


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        ("age_years / disability_level", "division_by_zero"),
        ("age_years * age_years * age_years", "number_too_large"),
    ],
)
async def test_what_cannot_be_computed_names_its_programme(bare: "Scene", amount: str, reason: str) -> None:
    facts = {"is_alive": True, "age_years": 2**53 - 1, "disability_level": 0}
    with pytest.raises(ProgrammeFails) as refused:
        await computed(bare, compiled("is_alive", amount), facts)
    assert refused.value.details == {"programme": "B08", "reason": reason}


@pytest.mark.parametrize("text", ["'", "''; DROP TABLE person; --", "$1", "%s", "\\'", "{0}"])
async def test_a_text_is_only_a_text(bare: "Scene", text: str) -> None:
    if "\\" not in text:  # CEL's escapes are not part of the subset
        rule = compiled(f'business_entity_code == "{text}"')
        assert (await computed(bare, rule, {"business_entity_code": text})).eligible is True
    assert (
        await computed(bare, compiled('business_entity_code == "x"'), {"business_entity_code": text})
    ).eligible is False
