"""Versions of the rules: whole, numbered, never changed, and what hangs is judged by the one in force."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from runtime.db import transaction
from runtime.problems import Forbidden, Invalid
from signage import sign_rules, sign_store, version_store
from signage.publish_rule_version import publish_rule_version
from signage.show_rule_version import show_rule_version
from signage.version_rules import OPINIONS_OF_2022, NoRulesInForce, RulesNotLater
from tests.integration.signage.conftest import XIEDU, counted, sample_rules

if TYPE_CHECKING:
    from tests.integration.signage.conftest import Scene


async def test_the_rules_are_shown_as_they_stood_on_a_day(scene: "Scene") -> None:
    later = await publish_rule_version(
        scene.pool, scene.operator, sample_rules()[:3], effective_on=scene.today, legal_basis="某省的办法"
    )
    assert (later.version, len(later.rules)) == (2, 3)
    assert await show_rule_version(scene.pool, scene.cadre, None) == later
    before = await show_rule_version(scene.pool, scene.cadre, scene.today - timedelta(days=1))
    assert (before.version, before.rules, before.legal_basis) == (1, sample_rules(), OPINIONS_OF_2022)


async def test_before_the_first_version_there_are_no_rules_and_nothing_is_counted_or_ordered(bare: "Scene") -> None:
    with pytest.raises(NoRulesInForce):
        await show_rule_version(bare.pool, bare.cadre, None)
    with pytest.raises(NoRulesInForce):
        await bare.count(counted("消防安全办公室"))
    with pytest.raises(NoRulesInForce):
        await bare.order()
    assert await bare.signs() == []


async def test_only_operators_publish_and_it_is_audited(scene: "Scene") -> None:
    with pytest.raises(Forbidden):
        await replace(scene, operator=scene.approver).publish(sample_rules())
    audited = await scene.rows("SELECT actor, subject FROM audit_entry WHERE action = 'rules.took-effect'")
    assert audited == [{"actor": scene.operator.subject, "subject": "1"}]


async def test_an_unfit_version_leaves_nothing_behind(scene: "Scene") -> None:
    with pytest.raises(Invalid):
        await scene.publish([*sample_rules(), sample_rules()[0]])
    await publish_rule_version(
        scene.pool, scene.operator, sample_rules(), effective_on=scene.today, legal_basis=OPINIONS_OF_2022
    )
    with pytest.raises(RulesNotLater):
        await scene.publish(sample_rules())
    assert await scene.rows("SELECT version FROM rule_version ORDER BY version") == [{"version": 1}, {"version": 2}]


async def test_what_hangs_is_judged_anew_by_new_rules_before_anything_is_ordered_down(scene: "Scene") -> None:
    await scene.count(counted("消防安全办公室"), counted("村民委员会", department="MZJ"))
    swapped = [
        rule.model_copy(
            update={"SG17": {"permitted": True, "position": "outside_vertical"}}.get(rule.code)
            or {"SG02": {"permitted": False, "position": None}}.get(rule.code)
            or {}
        )
        for rule in sample_rules()
    ]
    await scene.publish(swapped)
    answer = await scene.order()
    assert (answer.ordered, answer.left) == (1, 0)
    signs = {sign.code: sign for sign in await scene.signs()}
    assert (signs["SG17"].verdict, signs["SG17"].state, signs["SG17"].rule_version) == ("permitted", "hanging", 2)
    assert (signs["SG02"].verdict, signs["SG02"].state, signs["SG02"].reason) == (
        "removable",
        "ordered",
        "not_permitted",
    )
    (told,) = await scene.told("removal.ordered.v1")
    assert (told["village"], told["code"]) == (XIEDU, "SG02")


async def test_a_place_that_one_sign_loses_another_may_take_in_whatever_order_they_are_saved(scene: "Scene") -> None:
    await scene.count(counted("村民委员会", department="MZJ"), counted("自治会", department="MZJ", hung_since=2005))
    renamed = [rule.model_copy(update={"title_zh": "自治会"} if rule.code == "SG02" else {}) for rule in sample_rules()]
    await scene.publish(renamed)
    (village,) = await scene.rows("SELECT id FROM division WHERE code = $1", XIEDU)
    async with transaction(scene.pool, scene.service) as tx:
        rules = await version_store.rules_in_force(tx, scene.today)
        judged = sign_rules.judge(await sign_store.lock_hanging(tx, [village["id"]]), rules)
        await sign_store.save_verdicts(tx, judged[::-1], rules.version)
    verdicts = {sign.wording: (sign.verdict, sign.reason) for sign in await scene.signs()}
    assert verdicts == {"村民委员会": ("removable", "unknown_sign"), "自治会": ("permitted", None)}
