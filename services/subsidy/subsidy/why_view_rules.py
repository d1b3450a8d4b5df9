"""An explanation as it is answered: for the person's eyes, or for the auditor, who sees all facts and the rule."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from qingdan.ids import DatasetCode, DepartmentCode, FactName, ProgrammeCode, SystemCode
from qingdan.money import FEN_MAX
from qingdan.subsidy_events import Period
from runtime.problems import Bilingual
from subsidy import why_change_rules, why_words_rules
from subsidy.programme_rules import Compiled
from subsidy.why_basis_rules import BasisView, today_basis
from subsidy.why_change_rules import ChangeKind, ChangeSet
from subsidy.why_facts_rules import Gap, KnownFact, Later, Origin, values
from subsidy.why_rules import Computed, Condition, Verdict, compute, judge
from subsidy.why_run_rules import NowStatus, RunView
from subsidy.why_titles_rules import Said, title, value
from subsidy.why_titles_rules import said as as_said
from subsidy.why_words_rules import Reading, ReadKind

View = Literal["person", "auditor"]
Outcome = Literal["entitled", "not_entitled", "undetermined", "nothing_to_pay", "cannot_be_computed"]


class ConditionView(BaseModel):
    """A condition as it is read; it may be made of others."""

    kind: ReadKind
    verdict: Verdict = Field(description="whether what is needed is so")
    said: Said
    facts: list[FactName]
    expression: str | None = Field(default=None, description="in CEL; for the auditor")
    parts: list["ConditionView"] = []


class AmountView(BaseModel):
    """What would be paid, and how it is computed."""

    amount_fen: int | None
    said: Said
    expression: str | None = Field(default=None, description="in CEL; for the auditor")


class FactView(BaseModel):
    """A fact that was used. Of another member of the household only its name is told to the person."""

    name: FactName
    title: Said
    of: Literal["person", "household", "county", "member"]
    member: UUID | None = Field(default=None, description="for the auditor")
    value: bool | int | str | list[str] | None
    said: Said
    origin: Origin = Field(description="no_row: a complete register has no row, which means this value")
    register_name: DatasetCode
    department: DepartmentCode = Field(description="who keeps the register")
    system: SystemCode | None = None
    source_time: datetime | None = None
    effective_on: date | None = Field(default=None, description="of a county's parameter")
    counted_from: date | None = Field(default=None, description="the date from which time is counted")
    gap: Gap | None = Field(default=None, description="why it is unknown")
    later: Later | None = Field(default=None, description="of a frozen list's fact: what the register told since")


class ChangeView(BaseModel):
    """A fact that would be otherwise."""

    fact: FactName
    kind: ChangeKind
    department: DepartmentCode
    said: Said
    from_period: Period | None = Field(default=None, description="the month from which time has made it so")


class ChangeSetView(BaseModel):
    """All of these together turn the verdict, and none of them is needless."""

    possible: bool = Field(description="false: time would have to go backwards")
    said: Said
    changes: list[ChangeView]


class CaseView(BaseModel):
    """One case: the person, or the household by one of its members."""

    member: UUID | None = Field(default=None, description="by whose facts; for the auditor")
    outcome: Outcome
    said: Said
    condition: ConditionView
    amount: AmountView | None
    facts: list[FactView]
    owed: list[FactView] = Field(description="unknown facts of the rule")
    would_entitle: list[ChangeSetView]
    would_end: list[ChangeSetView]


class WhyView(BaseModel):
    """Why a programme comes to what it comes to for somebody in a month."""

    view: View
    person: UUID | None
    household: UUID | None
    programme: ProgrammeCode
    title: Said
    department: DepartmentCode
    law: str
    period: Period
    due: bool = Field(description="whether the programme is paid in that month")
    reference_on: date
    programme_version: int
    effective_on: date
    basis: BasisView
    said: Said = Field(description="the answer in a sentence")
    cases: list[CaseView] = Field(description="the one that decides; for the auditor all")
    run: RunView
    eligibility: str | None = Field(default=None, description="the rule in CEL; for the auditor")
    amount_fen: str | None = Field(default=None, description="the amount in CEL; for the auditor")


@dataclass(frozen=True, slots=True)
class Case:
    """A case to be explained. member: by whose facts a household's programme is decided."""

    facts: Mapping[str, KnownFact]
    member: UUID | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """A case with what it comes to."""

    case: Case
    condition: Condition
    amount: Computed
    outcome: Outcome


def decide(compiled: Compiled, case: Case) -> Decided:
    """What the rule comes to for the case, as a run would have it."""
    now = values(case.facts)
    condition, amount = judge(compiled.eligibility.root, now), compute(compiled.amount.root, now)
    return Decided(case, condition, amount, _outcome(compiled, condition.verdict, amount, now))


def _outcome(compiled: Compiled, verdict: Verdict, amount: Computed, now: Mapping[str, Any]) -> Outcome:
    if verdict == "fault" or (verdict == "true" and (amount.fault or not 0 <= (amount.value or 0) <= FEN_MAX)):
        return "cannot_be_computed"
    if verdict == "false":
        return "not_entitled"
    without_code = compiled.programme.once_per == "business_entity_code" and now["business_entity_code"] is None
    if verdict == "unknown" or amount.value is None or without_code:
        return "undetermined"
    return "entitled" if amount.value else "nothing_to_pay"


def deciding(decided: Sequence[Decided]) -> Decided:
    """Of a household's members the one by whom it is decided: who makes it eligible, else who might, else the one of
    whom the fewest conditions are not met; the lowest id among equals."""
    rank = {"true": 0, "fault": 1, "unknown": 2, "false": 3}
    return min(decided, key=lambda each: (rank[each.condition.verdict], _unmet(each.condition)))


def _unmet(condition: Condition) -> int:
    if condition.kind == "all":
        return sum(part.verdict != "true" for part in condition.parts)
    return int(condition.verdict != "true")


# -- one case ----------------------------------------------------------------------------------------------------------

_OUTCOMES: Final[Mapping[Outcome, Bilingual]] = {
    "entitled": Bilingual(en="Entitled: every condition is met.", zh="有资格享受：各项条件均符合。"),
    "not_entitled": Bilingual(en="Not entitled: a condition is not met.", zh="不能享受：有条件不符合。"),
    "undetermined": Bilingual(
        en="It cannot be decided yet: facts are missing that departments owe.", zh="尚不能确定：有关部门的数据还不齐。"
    ),
    "nothing_to_pay": Bilingual(
        en="The conditions are met, and the amount comes to nothing.", zh="条件符合，但应发金额为零。"
    ),
    "cannot_be_computed": Bilingual(
        en="The rule cannot be computed with these facts: it has to be corrected.",
        zh="按现有数据无法计算该规则：须由主管部门更正规则。",
    ),
}


def case_view(decided: Decided, compiled: Compiled, view: View, asked: UUID | None, reference_on: date) -> CaseView:
    """The case as one of the two views has it; `asked`: the person who was asked about."""
    facts = decided.case.facts
    theirs = _theirs(decided.case, asked) if view == "person" else frozenset[str]()
    root, verdict = compiled.eligibility.root, decided.condition.verdict
    entitle = why_change_rules.changes_to("true", root, facts, reference_on)
    end = why_change_rules.changes_to("false", root, facts, reference_on) if verdict == "true" else []
    entitle, end = _worth_telling(entitle), [each for each in end if each.possible]
    if view == "person":
        entitle, end = [each for each in entitle if _concerns(each)], [each for each in end if not _of_life(each)]
    seen = [_fact_view(fact, theirs, asked, view) for fact in facts.values()]
    amount = None
    if decided.outcome != "not_entitled":
        said = why_words_rules.amount(compiled.amount.root, decided.amount, facts, theirs)
        text = compiled.programme.amount_fen if view == "auditor" else None
        amount = AmountView(amount_fen=decided.amount.value, said=as_said(said), expression=text)
    return CaseView(
        member=decided.case.member if view == "auditor" else None,
        outcome=decided.outcome,
        said=as_said(_OUTCOMES[decided.outcome]),
        condition=_condition_view(why_words_rules.read(decided.condition, facts, theirs), view),
        amount=amount,
        facts=seen,
        owed=[each for each, fact in zip(seen, facts.values(), strict=True) if fact.value is None],
        would_entitle=[_change_set_view(each, reference_on, theirs) for each in entitle],
        would_end=[_change_set_view(each, reference_on, theirs) for each in end],
    )


def _theirs(case: Case, asked: UUID | None) -> frozenset[str]:
    """The facts of a person other than the one asked about."""
    if case.member is None or case.member == asked:
        return frozenset()
    return frozenset(name for name, fact in case.facts.items() if fact.entity == "person")


def _worth_telling(sets: list[ChangeSet]) -> list[ChangeSet]:
    """What can still come; what cannot only where nothing else is left to be told."""
    return [each for each in sets if each.possible] or sets


def _concerns(changes: ChangeSet) -> bool:
    """Whether it is the household's concern: what the county may decide is not."""
    return all(change.kind != "policy" for change in changes.changes)


def _of_life(changes: ChangeSet) -> bool:
    """Nobody is told that dying would end a subsidy, nor what the county may decide."""
    return any(change.fact.name == "is_alive" or change.kind == "policy" for change in changes.changes)


def _condition_view(reading: Reading, view: View) -> ConditionView:
    return ConditionView(
        kind=reading.kind,
        verdict=reading.verdict,
        said=as_said(reading.said),
        facts=[fact.name for fact in reading.condition.facts],
        expression=reading.expression if view == "auditor" else None,
        parts=[_condition_view(part, view) for part in reading.parts],
    )


def _fact_view(fact: KnownFact, theirs: Set[str], asked: UUID | None, view: View) -> FactView:
    hidden = fact.name in theirs
    of: Literal["person", "household", "county", "member"] = fact.entity
    if fact.entity == "person" and fact.subject != asked:
        of = "member"
    known = fact.told is not None and not hidden
    shown = list(fact.value) if isinstance(fact.value, tuple) else fact.value
    aside = Bilingual(en="a fact of a member of the household", zh="户内一名成员的数据")
    return FactView(
        name=fact.name,
        title=as_said(title(fact.definition)),
        of=of,
        member=fact.subject if view == "auditor" and of == "member" else None,
        value=None if hidden else shown,
        said=as_said(aside if hidden else value(fact.definition, fact.value)),
        origin=fact.origin,
        register_name=fact.register,
        department=fact.department,
        system=fact.told.system if known and fact.told else None,
        source_time=fact.told.source_time if known and fact.told else None,
        effective_on=fact.effective_on,
        counted_from=None if hidden else fact.since,
        gap=fact.gap,
        later=None if hidden else fact.later,
    )


def _change_set_view(changes: ChangeSet, reference_on: date, theirs: Set[str]) -> ChangeSetView:
    return ChangeSetView(
        possible=changes.possible,
        said=as_said(why_words_rules.change_set(changes, reference_on, theirs)),
        changes=[
            ChangeView(
                fact=each.fact.name,
                kind=each.kind,
                department=each.fact.department,
                said=as_said(why_words_rules.change(each, reference_on, each.fact.name in theirs)),
                from_period=f"{each.from_month:%Y-%m}" if each.from_month else None,
            )
            for each in changes.changes
        ],
    )


# -- the whole ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, and by which version of the programmes it is answered."""

    view: View
    person: UUID | None
    household: UUID | None
    period: Period
    reference_on: date
    version: int
    effective_on: date
    due: bool
    basis: BasisView = field(default_factory=lambda: today_basis("no_run"))


def why_view(question: Question, compiled: Compiled, decided: Sequence[Decided], run: RunView) -> WhyView:
    """The whole answer; without a case there is nobody by whom it could be decided."""
    programme = compiled.programme
    each_counts = programme.person_facts_of != "any" or question.view == "auditor"
    first = deciding(decided) if decided else None
    shown = [*decided] if each_counts or first is None else [first]
    shown.sort(key=lambda each: each is not first)
    return WhyView(
        view=question.view,
        person=question.person,
        household=question.household,
        programme=programme.code,
        title=Said(zh=programme.title_zh, en=programme.title_en),
        department=programme.department,
        law=programme.law,
        period=question.period,
        due=question.due,
        reference_on=question.reference_on,
        programme_version=question.version,
        effective_on=question.effective_on,
        basis=question.basis,
        said=as_said(_summary(question, compiled, first)),
        cases=[case_view(each, compiled, question.view, question.person, question.reference_on) for each in shown],
        run=run,
        eligibility=programme.eligibility if question.view == "auditor" else None,
        amount_fen=programme.amount_fen if question.view == "auditor" else None,
    )


def _summary(question: Question, compiled: Compiled, first: Decided | None) -> Bilingual:
    if first is None:
        return Bilingual(
            en="Not entitled: nobody of this household is known to have died.", zh="不能享受：该户没有已登记的逝者。"
        )
    said = _OUTCOMES[first.outcome]
    if question.due:
        return said
    months_en = ", ".join(map(str, compiled.programme.due_months))
    months_zh = "、".join(f"{month}月" for month in compiled.programme.due_months)
    return Bilingual(
        en=f"{said.en} It is not paid in this month, only in months {months_en}.",
        zh=f"{said.zh}本月不发放，只在{months_zh}发放。",
    )


def now_of(decided: Sequence[Decided]) -> tuple[NowStatus, int | None]:
    """What a run computed now would have of them, and its amount; none are decided where nothing is due."""
    outcomes = {each.outcome: each for each in decided}
    if "entitled" in outcomes:
        return "entitled", outcomes["entitled"].amount.value
    return ("undetermined", None) if "undetermined" in outcomes else ("not_in_run", None)
