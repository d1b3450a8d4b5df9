"""Decisions on signs: which may stay at a village's door, and whether a department may hang another."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from qingdan import gate
from qingdan.access_events import ListVersionTookEffect
from qingdan.divisions import DivisionCode
from qingdan.gate import Ask, TurnedDown
from qingdan.ids import DepartmentCode, SignCode, SignId, Title
from qingdan.signage_events import Position, SignPermitted, SignRefused
from qingdan.tasks_events import AskKind, RefusalCode
from runtime.problems import Forbidden, Refusal
from signage.version_rules import RuleVersion, SignRule

SIGNS_PER_CENSUS_MAX: Final = 1_000
VILLAGE_LIST: Final = "village"
"""The list that asks of villages are checked against."""

SignState = Literal["hanging", "ordered", "removed"]
Verdict = Literal["permitted", "removable"]
Reason = Literal["unknown_sign", "not_permitted", "wrong_position", "second_copy"]
"""Why a sign comes down."""
RequestReason = Literal[
    "unknown_sign", "not_permitted", "not_your_sign", "wrong_position", "slot_taken", "negative_list"
]
"""Why a department may not hang a sign."""


class SignNotAllowed(Refusal):
    """The rules in force do not let this sign hang there; the refusal is counted.
    现行规则不允许在此悬挂该牌子，本次拒绝已计入统计。

    Reason says why: what no rule permits needs no sign. reason 说明原因：规则未准许的，不需要挂牌。
    """

    status = 422


class VillagesUnknown(Refusal):
    """Signs hang at villages, and these are none of yours. 牌子挂在村一级，所列区划不是您辖区内的村。"""

    status = 422


class CountedSign(BaseModel):
    """A sign as somebody wrote it down at the door."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    village: DivisionCode
    wording: Title
    position: Position
    hung_since: Annotated[int, Field(ge=1949, le=2200, description="the year")]
    department: Annotated[DepartmentCode, Field(description="whose sign it is")]


@dataclass(frozen=True, slots=True)
class AskedSign:
    """A sign that a department wants to hang."""

    village: DivisionCode
    wording: Title
    position: Position
    department: DepartmentCode


@dataclass(frozen=True, slots=True)
class Listed:
    """The responsibility list's own no to a sign: by which version, and why."""

    version: int
    code: RefusalCode


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign that hangs at a village; `village_zh` is the village's full name."""

    id: SignId
    village: DivisionCode
    village_zh: str
    department: DepartmentCode
    wording: Title
    position: Position
    hung_since: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Judged:
    """What the rules say of a sign: the kind it is (None: no rule knows it), and why it comes down, if it does."""

    sign: Sign
    rule: SignRule | None
    reason: Reason | None

    @property
    def verdict(self) -> Verdict:
        return "permitted" if self.reason is None else "removable"

    @property
    def code(self) -> SignCode | None:
        return self.rule.code if self.rule is not None else None


def require_sight_of_all(department: DepartmentCode | None) -> None:
    """One of a kind stays at a village, whoever hung it: an actor of one department alone sees too little to judge.

    Raises Forbidden for an actor bound to a department.
    """
    if department is not None:
        raise Forbidden()


def number_copies(counted: Sequence[CountedSign]) -> list[tuple[CountedSign, int]]:
    """Each sign with its number, from 1, among those of the same census that are alike in everything."""
    seen: Counter[CountedSign] = Counter()
    numbered = []
    for sign in counted:
        seen[sign] += 1
        numbered.append((sign, seen[sign]))
    return numbered


def judge(hanging: Sequence[Sign], rules: RuleVersion) -> list[Judged]:
    """What the rules say of all the signs that hang at some villages.

    Of each kind that may hang one stays at a village, in the position that the rule gives it: the one that was
    permitted before, else the one that hung first. Second copies, other positions and what no rule knows come down.
    """
    judged: list[Judged] = []
    taken: set[tuple[DivisionCode, SignCode]] = set()
    for sign in sorted(hanging, key=lambda sign: (sign.verdict != "permitted", sign.hung_since, sign.id)):
        rule = rules.rule_for(sign.wording, sign.village_zh)
        reason: Reason | None = _misplaced(rule, sign.position)
        if rule is not None and reason is None:
            slot = (sign.village, rule.code)
            reason = "second_copy" if slot in taken else None
            taken.add(slot)
        judged.append(Judged(sign, rule, reason))
    return judged


def decide(asked: AskedSign, village_zh: str, rules: RuleVersion) -> tuple[SignRule | None, RequestReason | None]:
    """The kind of sign that a department asks for, and why it may not hang it, as far as the rules alone can tell."""
    rule = rules.rule_for(asked.wording, village_zh)
    if rule is not None and rule.permitted and rule.department != asked.department:
        return rule, "not_your_sign"
    return rule, _misplaced(rule, asked.position)


def check_against_list(
    asked: AskedSign, rule: SignRule | None, standing: ListVersionTookEffect | None, *, today: date
) -> Listed | None:
    """What the gate says of a sign that no rule permits: an ask like any other, that cites no item.

    None for a sign that a rule permits, be it to somebody else or elsewhere, and before any list has been heard of.
    """
    if standing is None or (rule is not None and rule.permitted):
        return None
    # A kind of sign that the rules know has a name without the village's, and an English one.
    titles = (asked.wording, asked.wording) if rule is None else (rule.title_zh, rule.title_en)
    ask = Ask(asked.department, AskKind.SIGN, *titles, cites=None)
    verdict = gate.decide(ask, standing, today)
    assert isinstance(verdict, TurnedDown)  # what cites no item stands on none
    return Listed(standing.version, verdict.code)


def permit(asked: AskedSign, rule: SignRule, sign: SignId, *, today: date) -> SignPermitted:
    """The event of a department's sign that may hang."""
    return SignPermitted(
        sign=sign,
        village=asked.village,
        department=asked.department,
        code=rule.code,
        position=asked.position,
        legal_basis=rule.legal_basis,
        permitted_on=today,
    )


def refuse(
    asked: AskedSign,
    rule: SignRule | None,
    reason: RequestReason,
    sign: SignId,
    *,
    listed: Listed | None,
    today: date,
) -> SignRefused:
    """The event of a department's sign that may not hang; that it may never be asked says more than the rule."""
    never = listed is not None and listed.code is RefusalCode.NEGATIVE_LIST
    return SignRefused(
        sign=sign,
        village=asked.village,
        department=asked.department,
        code=rule.code if rule is not None else None,
        reason="negative_list" if never else reason,
        refused_on=today,
    )


def not_allowed(refused: SignRefused, rules: RuleVersion, listed: Listed | None) -> SignNotAllowed:
    """The machine-readable answer to whoever asked; where the list had its say, with its version."""
    return SignNotAllowed(
        sign=str(refused.sign),
        code=refused.code,
        reason=refused.reason,
        rule_version=rules.version,
        list_version=listed.version if listed else None,
    )


def _misplaced(
    rule: SignRule | None, position: Position
) -> Literal["unknown_sign", "not_permitted", "wrong_position"] | None:
    if rule is None:
        return "unknown_sign"
    if not rule.permitted:
        return "not_permitted"
    return None if position == rule.position else "wrong_position"
