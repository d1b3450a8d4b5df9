"""By which facts a month is explained: those that its list was frozen with, or today's; and who told them, as far as
that is still known."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Final, Literal

from pydantic import BaseModel, Field

from runtime.problems import Bilingual
from subsidy.programme_rules import Compiled
from subsidy.retention_rules import Keeping
from subsidy.snapshot_row_rules import Common, KeptRow
from subsidy.why_facts_rules import Ground, KnownFact, Later, ParameterInForce, Subject
from subsidy.why_run_rules import Run
from subsidy.why_titles_rules import Said, said

NotFrozen = Literal[
    "no_run", "previewed", "not_due", "not_kept", "removed", "not_there", "household_elsewhere", "unreadable"
]


class BasisView(BaseModel):
    """Which facts the answer is from."""

    facts: Literal["frozen", "today"]
    frozen_on: date | None = Field(default=None, description="when the list was frozen; null: it is not")
    computed_on: date | None = Field(default=None, description="as of which day it was computed from the registers")
    why_today: NotFrozen | None = Field(default=None, description="why the facts of then do not answer")
    removed_on: date | None = Field(default=None, description="when what the list was computed from was removed")
    kept_years: int | None = Field(default=None, description="after how many years it was removed")
    said: Said


_TODAY: Final = Bilingual(en="By the facts as they are today", zh="按当前数据")
_MAY_DIFFER: Final = Bilingual(en=", which may differ from then", zh="（可能与当时不同）")
_WHY_TODAY: Final[Mapping[NotFrozen, Bilingual]] = {
    "no_run": Bilingual(en=".", zh="。"),
    "previewed": Bilingual(en=".", zh="。"),
    "not_due": Bilingual(
        en=": the programme is not paid in that month, and the frozen list kept nothing for it.",
        zh="：该项目当月不发放，冻结名单未留存其数据。",
    ),
    "not_kept": Bilingual(
        en=": nothing of what the frozen list was computed from is there, for earlier versions kept nothing.",
        zh="：冻结名单所据的数据不存在（早期版本未予留存）。",
    ),
    "removed": Bilingual(
        en=": what the frozen list was computed from was removed on {on}, after {years} years.",
        zh="：冻结名单所据的数据保管满{years}年，已于{on}销毁。",
    ),
    "not_there": Bilingual(
        en=": they were not among those of this county when the frozen list was computed.",
        zh="：冻结名单试算时，其不在本县人员之列。",
    ),
    "household_elsewhere": Bilingual(
        en=": the household of then is none that you may see.", zh="：当时所在的户不属于您可查看的范围。"
    ),
    "unreadable": Bilingual(
        en=": what the frozen list was computed from cannot be read; have the run verified.",
        zh="：冻结名单所据的数据无法读取，请核验该批次。",
    ),
}


def frozen_basis(run: Run) -> BasisView:
    """The facts that the run's list was frozen with."""
    assert run.frozen_on is not None  # asked before
    words = Bilingual(
        en=f"As it stood when the list was frozen on {run.frozen_on}, computed from the registers on"
        f" {run.previewed_on}.",
        zh=f"按{run.frozen_on}冻结名单时的数据（{run.previewed_on}由各登记库数据试算）。",
    )
    return BasisView(facts="frozen", frozen_on=run.frozen_on, computed_on=run.previewed_on, said=said(words))


def today_basis(
    why: NotFrozen, run: Run | None = None, *, removed_on: date | None = None, kept_years: int | None = None
) -> BasisView:
    """Today's facts, and why; removed_on and kept_years: when those of then were removed, after how many years."""
    differ, because = _MAY_DIFFER if why not in ("no_run", "previewed") else Bilingual("", ""), _WHY_TODAY[why]
    given = {"on": removed_on, "years": kept_years}
    words = Bilingual(
        en=f"{_TODAY.en}{differ.en}{because.en.format(**given)}",
        zh=f"{_TODAY.zh}{differ.zh}{because.zh.format(**given)}",
    )
    return BasisView(
        facts="today",
        frozen_on=None if run is None else run.frozen_on,
        computed_on=None if run is None else run.previewed_on,
        why_today=why,
        removed_on=removed_on,
        kept_years=kept_years,
        said=said(words),
    )


def not_kept(run: Run | None, keeping: Keeping | None, *, due: bool) -> BasisView | None:
    """Today's facts where those of then are not even looked for; None: they are."""
    if run is None or keeping is None:
        return today_basis("no_run")
    if run.frozen_on is None:
        return today_basis("previewed", run)
    if not due:
        return today_basis("not_due", run)
    if keeping.removed_on is not None:
        return today_basis("removed", run, removed_on=keeping.removed_on, kept_years=keeping.kept_years)
    return None if keeping.anything else today_basis("not_kept", run)


def keeps_all(common: Common, compiled: Compiled) -> bool:
    """Whether every fact that the rule names was read for that month."""
    return all(common.keeps(fact.name) for fact in compiled.facts)


# -- facts of then -----------------------------------------------------------------------------------------------------


def ground_of(common: Common) -> Ground:
    """What held for the whole county then; since when and by whom is not kept."""
    parameters = {name: ParameterInForce(value, None, None) for name, value in common.parameters.items()}
    return Ground(common.reference_on, common.complete, parameters)


def subject_of(row: KeptRow | None) -> Subject | None:
    """The person or household of then; who told of them is not kept."""
    return None if row is None else Subject(row.id, row.columns, dict.fromkeys(row.registers))


def deciding_members(
    members: Sequence[KeptRow], which: Literal["head", "any", "deceased"] | None, person: KeptRow | None
) -> list[KeptRow | None]:
    """By whose facts it was decided, as why_store.members_of says it of today; None: by nobody's."""
    match which:
        case None:
            return [person]
        case "head":
            heads = [each for each in members if each.columns["relation_to_head"] == "head"]
            heads.sort(key=lambda each: (each.columns["is_alive"] is False, each.id))
            return [heads[0] if heads else None]
        case "deceased":
            return [each for each in members if each.columns["is_alive"] is False]
        case _:
            return [*members] or [None]


def told_of(then: Mapping[str, KnownFact], today: Mapping[str, KnownFact], kept_at: datetime) -> dict[str, KnownFact]:
    """The facts of then with who told them and when: what is known of that today, where the fact has not changed.

    `today`: the same facts of the same person and household now. A fact that is as it was then was told by whom it is
    told today; when that was told after `kept_at`, it was told once more.
    """
    return {name: _told_of(fact, today[name], kept_at) for name, fact in then.items()}


def _told_of(then: KnownFact, today: KnownFact, kept_at: datetime) -> KnownFact:
    if then.origin == "own_payments":
        return then
    if (then.value, then.since) != (today.value, today.since):
        return replace(then, told=None, later="changed")
    if then.origin == "no_row":
        return then
    later: Later | None = "told_again" if today.told is not None and today.told.source_time > kept_at else None
    return replace(then, told=today.told, effective_on=today.effective_on, later=later)
