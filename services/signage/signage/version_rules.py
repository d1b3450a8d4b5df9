"""The rules on signs as they stand on a day: which kinds there are, which may hang where, and whose they are."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from qingdan.ids import DepartmentCode, Reference, SignCode, Title
from qingdan.signage_events import Position
from runtime.problems import Conflict, Invalid, NotFound
from signage.wording_rules import Kernel, kernels

OPINIONS_OF_2022: Final = "关于规范村级组织工作事务、机制牌子和证明事项的意见(2022)"
"""Why a sign without a slot comes down, unless a version names another basis."""


class NoRulesInForce(NotFound):
    """No rules on signs are in force on that day. 该日没有生效的牌子规则。"""


class RulesNotLater(Conflict):
    """Rules take effect on the same day as those before them, or later. 生效日期不得早于上一版本。"""


class RulesNotYetInEffect(Invalid):
    """Rules are published on the day they take effect, or afterwards. 牌子规则须在生效当日或之后发布。"""


class SignRule(BaseModel):
    """A kind of sign: whose it is, and whether one of it may hang at a village, and where."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    code: SignCode
    title_zh: Title
    title_en: Title
    also_worded: Annotated[
        tuple[Title, ...], Field(max_length=50, description="other wordings in use for the same kind of sign")
    ] = ()
    department: DepartmentCode
    permitted: bool
    position: Annotated[Position | None, Field(description="of what may hang; null otherwise")] = None
    legal_basis: Reference


@dataclass(frozen=True)
class RuleVersion:
    """One whole version; `legal_basis` is why a sign comes down that no rule knows, or that has no slot left."""

    version: int
    effective_on: date
    legal_basis: Reference
    rules: tuple[SignRule, ...]
    _known: dict[tuple[str, str], SignRule | None] = field(default_factory=dict, repr=False, compare=False)

    def rule_for(self, wording: str, village_zh: str) -> SignRule | None:
        """The kind of sign that this wording names at that village; None when no rule knows it, or more than one."""
        place = (wording, village_zh)
        if place not in self._known:  # a county has the same few wordings everywhere
            found = {rule.code: rule for kernel in kernels(*place) for rule in self._by_kernel.get(kernel, ())}
            self._known[place] = next(iter(found.values())) if len(found) == 1 else None
        return self._known[place]

    @cached_property
    def _by_kernel(self) -> dict[Kernel, list[SignRule]]:
        by_kernel = defaultdict(list)
        for rule in self.rules:
            for kernel in _kernels_of(rule):
                by_kernel[kernel].append(rule)
        return by_kernel


def take_effect(proposed: RuleVersion, before: date | None, *, today: date) -> None:
    """Whether a new version may stand; `before` is when the version before it took effect.

    Raises Invalid naming each unfit rule, RulesNotYetInEffect, RulesNotLater.
    """
    if errors := [*_double(proposed.rules), *_misplaced(proposed.rules), *_alike(proposed.rules)]:
        raise Invalid(errors=errors[:100])
    if proposed.effective_on > today:
        raise RulesNotYetInEffect(today=str(today))
    if before is not None and proposed.effective_on < before:
        raise RulesNotLater(effective_on_min=str(before))


def _kernels_of(rule: SignRule) -> frozenset[Kernel]:
    return frozenset(kernel for wording in (rule.title_zh, *rule.also_worded) for kernel in kernels(wording))


def _double(rules: tuple[SignRule, ...]) -> Iterable[dict[str, str]]:
    often = Counter(rule.code for rule in rules)
    for at, rule in enumerate(rules):
        if often[rule.code] > 1:
            yield _error(f"/rules/{at}/code", "double", "Another rule has this code.", "另一条规则使用了相同的代码。")


def _misplaced(rules: tuple[SignRule, ...]) -> Iterable[dict[str, str]]:
    for at, rule in enumerate(rules):
        if rule.permitted != (rule.position is not None):
            yield _error(
                f"/rules/{at}/position",
                "misplaced",
                "What may hang has a position, what may not has none.",
                "准许悬挂的须有位置，不准许的不得有位置。",
            )


def _alike(rules: tuple[SignRule, ...]) -> Iterable[dict[str, str]]:
    """Rules that no sign could be told apart by: each of its signs would have to come down as unknown."""
    holders: dict[Kernel, set[str]] = defaultdict(set)
    for rule in rules:
        for kernel in _kernels_of(rule):
            holders[kernel].add(rule.code)
    for at, rule in enumerate(rules):
        if others := sorted({code for kernel in _kernels_of(rule) for code in holders[kernel]} - {rule.code}):
            yield _error(
                f"/rules/{at}/title_zh",
                "alike",
                f"Reads like {', '.join(others)}.",
                f"与{'、'.join(others)}的名称无法区分。",
            )


def _error(pointer: str, code: str, message: str, message_zh: str) -> dict[str, str]:
    return {"in": "body", "pointer": pointer, "code": code, "message": message, "message_zh": message_zh}
