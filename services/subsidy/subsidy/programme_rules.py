"""Programmes: what one is, what makes a version of them unfit, and its expressions once they are checked."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StringConstraints

from qingdan.ids import DepartmentCode, FactName, ProgrammeCode, Title
from qingdan.money import FEN_MAX
from runtime.problems import Conflict, Invalid, NotFound, Refusal
from subsidy.expression_rules import LENGTH_MAX, Expression, ExpressionFault, Type, parse
from subsidy.fact_rules import FactUnfit, storable
from subsidy.vocabulary_rules import BY_NAME, Entity, FactDefinition

PROGRAMMES_MAX: Final = 500
EXAMPLES_MAX: Final = 2_000

Beneficiary = Literal["person", "household"]
OncePer = Literal["period", "year", "year_serial", "business_entity_code", "deceased", "ever"]
Cadence = Literal["monthly", "quarterly", "half_yearly", "yearly", "in_months", "one_off"]
Payee = Literal["person_or_guardian", "household_head"]
Nameless = Literal["minors", "health", "loss"]

_Line = Annotated[str, StringConstraints(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")]
_ExpressionText = Annotated[str, StringConstraints(min_length=1, max_length=LENGTH_MAX, pattern=r"^[^\x00\x7f]*$")]
_FactText = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
_FactWhole = Annotated[StrictInt, Field(ge=-FEN_MAX, le=FEN_MAX)]


class NoProgrammesInForce(NotFound):
    """No version of the programmes is in force on that day. 该日没有生效的补贴项目版本。"""


class ProgrammeVersionUnknown(NotFound):
    """There is no such version of the programmes. 没有这个补贴项目版本。"""


class ProgrammesNotLater(Conflict):
    """A version takes effect on the same day as the one before it, or later. 生效日期不得早于上一版本。"""


class ProgrammeFails(Refusal):
    """A programme's rule cannot be computed for somebody, so the whole is not computed.
    补贴项目的规则无法对某对象计算，本次未计算。

    Correct the rule in a new version of the programmes. 请在新版本中更正规则。
    """

    status = 422


class AmountBeyondCap(ProgrammeFails):
    """A programme comes to more for somebody than its cap, so the whole is not computed.
    补贴项目对某对象得出的金额超过封顶额，本次未计算。

    Say in the rule what is paid instead, or raise the cap, in a new version.
    请在新版本的规则中写明超出时如何发放，或提高封顶额。
    """


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Programme(_Row):
    """One subsidy: who gets it, how much, when, and beside which others not."""

    code: ProgrammeCode
    title_zh: Title
    title_en: Title
    department: DepartmentCode
    beneficiary: Beneficiary
    person_facts_of: Annotated[
        Literal["head", "any", "deceased"] | None,
        Field(description="whose facts of a person a household's rule reads; of each deceased member: a case each"),
    ] = None
    eligibility: Annotated[_ExpressionText, Field(description="in CEL; comes to true, false, or unknown")]
    amount_fen: Annotated[_ExpressionText, Field(description="in CEL; a whole number of fen")]
    priority: Annotated[int, Field(ge=1, le=10_000, description="who wins an exclusion: the lower")]
    excludes: Annotated[tuple[ProgrammeCode, ...], Field(max_length=PROGRAMMES_MAX)] = ()
    due_months: Annotated[
        tuple[Annotated[int, Field(ge=1, le=12)], ...], Field(max_length=12, description="none: on occurrence")
    ] = ()
    once_per: Annotated[OncePer, Field(description="what it is paid once for, ever; year_serial: again in a year")]
    funding_source: _Line = ""
    law: _Line = ""
    source: _Line = ""
    cap_fen: Annotated[
        StrictInt | None,
        Field(
            ge=1,
            le=FEN_MAX,
            description="the most for one occurrence: a month, a year, a death; a rule that comes"
            " to more for anybody is not computed",
        ),
    ] = None
    cap_year_fen: Annotated[
        StrictInt | None,
        Field(
            ge=1,
            le=FEN_MAX,
            description="the most for one beneficiary in a calendar year; a run that comes to more for"
            " anybody is not frozen",
        ),
    ] = None
    nameless: Annotated[
        Nameless | None,
        Field(
            description="why a public notice names nobody who receives it: that they do would tell that they are"
            " minors, of their health, or of a loss in the family; left out, it names them"
            " 不公示姓名的原因，不填则公示脱敏姓名"
        ),
    ] = None


class Example(_Row):
    """Facts of somebody made up, and what a programme must come to, in this version and in later ones."""

    programme: ProgrammeCode
    name: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")] | None,
        Field(description="a later version replaces the example of the same name, else that of the same facts"),
    ] = None
    facts: Annotated[
        dict[FactName, StrictBool | _FactWhole | _FactText | Annotated[tuple[_FactText, ...], Field(max_length=100)]],
        Field(max_length=100),
    ]
    eligible: bool
    amount_fen: Annotated[StrictInt | None, Field(description="when eligible")] = None


@dataclass(frozen=True, slots=True)
class Compiled:
    """A programme whose expressions passed every check."""

    programme: Programme
    eligibility: Expression
    amount: Expression

    @property
    def facts(self) -> tuple[FactDefinition, ...]:
        """All that it reads, each once."""
        own = [BY_NAME["business_entity_code"]] if self.programme.once_per == "business_entity_code" else []
        return tuple(dict.fromkeys([*self.eligibility.facts, *self.amount.facts, *own]))


@dataclass(frozen=True, slots=True)
class Computed:
    """What an example came to: None is unknown."""

    eligible: bool | None
    amount_fen: int | None


def take_effect(
    programmes: Sequence[Programme], examples: Sequence[Example], effective_on: date, before: date | None
) -> list[Compiled]:
    """The programmes of a new version; `before` is when the version before it took effect.

    Raises Invalid naming each place that is unfit, ProgrammesNotLater.
    """
    faults = [*_double(programmes), *_misfits(programmes), *_lonely(programmes, examples)]
    compiled = _compile(programmes, faults)
    if faults:
        raise Invalid(errors=faults[:100])
    if before is not None and effective_on < before:
        raise ProgrammesNotLater(effective_on_min=str(before))
    return compiled


def compile_stored(programmes: Sequence[Programme]) -> list[Compiled]:
    """Programmes that were checked when they were published, checked again: the vocabulary may have moved on.

    Raises Invalid.
    """
    faults: list[dict[str, object]] = []
    compiled = _compile(programmes, faults)
    if faults:
        raise Invalid(errors=faults[:100])
    return compiled


def disagreements(examples: Sequence[Example], computed: Sequence[Computed]) -> list[dict[str, object]]:
    """Which examples came to something else than they say."""
    return [
        fault(
            f"/examples/{at}",
            "differs",
            f"{example.programme} comes to {said(came)} here.",
            f"{example.programme} 在此得出 {said(came)}。",
        )
        for at, (example, came) in enumerate(zip(examples, computed, strict=True))
        if came.eligible is not example.eligible or (example.eligible and came.amount_fen != example.amount_fen)
    ]


def said(came: Computed) -> str:
    """In words of the request."""
    return (
        "unknown" if came.eligible is None else f"eligible={str(came.eligible).lower()}, amount_fen={came.amount_fen}"
    )


def _compile(programmes: Sequence[Programme], faults: list[dict[str, object]]) -> list[Compiled]:
    compiled = []
    for at, programme in enumerate(programmes):
        known = len(faults)
        eligibility = _parsed(programme, at, "eligibility", "bool", faults)
        amount = _parsed(programme, at, "amount_fen", "int", faults)
        if eligibility is not None and not eligibility.facts:
            faults.append(
                fault(
                    f"/programmes/{at}/eligibility",
                    "everybody",
                    "This names no fact, so it is the same for everybody: say who is eligible.",
                    "规则未使用任何数据项，对所有人结果相同：请说明谁有资格。",
                )
            )
        if eligibility is not None and amount is not None and len(faults) == known:
            compiled.append(Compiled(programme, eligibility, amount))
    return compiled


def cadence_of(programme: Programme) -> Cadence:
    """How often it is paid, by its due months; `in_months`: as often as none of the other words says."""
    in_a_year: Mapping[int, Cadence] = {12: "monthly", 4: "quarterly", 2: "half_yearly", 1: "yearly", 0: "one_off"}
    return in_a_year.get(len(programme.due_months), "in_months")


def payee_of(programme: Programme) -> Payee:
    """Who receives it: the person, who is of age, else a guardian; of a household its head."""
    return "person_or_guardian" if programme.beneficiary == "person" else "household_head"


def _parsed(
    programme: Programme, at: int, member: str, wanted: Type, faults: list[dict[str, object]]
) -> Expression | None:
    entities: list[Entity] = ["household", "county"]
    if programme.beneficiary == "person" or programme.person_facts_of is not None:
        entities.append("person")
    try:
        return parse(getattr(programme, member), wanted, entities)
    except ExpressionFault as unfit:
        pointer = f"/programmes/{at}/{member}"
        faults.append(fault(pointer, unfit.code, unfit.message, unfit.message_zh) | {"column": unfit.column})
        return None


def _double(programmes: Sequence[Programme]) -> Iterator[dict[str, object]]:
    for member in ("code", "priority"):
        often = Counter(getattr(programme, member) for programme in programmes)
        for at, programme in enumerate(programmes):
            if often[getattr(programme, member)] > 1:
                yield fault(
                    f"/programmes/{at}/{member}",
                    "double",
                    f"Another programme has this {member}: give each its own.",
                    "另一项目使用了相同的值：请各不相同。",
                )


def _misfits(programmes: Sequence[Programme]) -> Iterator[dict[str, object]]:
    for at, programme in enumerate(programmes):
        place = f"/programmes/{at}"
        if bool(programme.due_months) != (programme.once_per == "period"):
            yield fault(
                f"{place}/once_per",
                "once_per",
                "A programme with due months is paid once per period; one on occurrence, once per something else.",
                "有固定发放月份的项目按 period 发放一次；按发生情况发放的项目须另行说明。",
            )
        if (programme.once_per == "deceased") != (programme.person_facts_of == "deceased"):
            yield fault(
                f"{place}/person_facts_of",
                "deceased",
                "Paid once per deceased person, it reads the facts of the deceased, and the other way round.",
                "按逝者发放一次的项目须读取逝者的数据项，反之亦然。",
            )
        if programme.beneficiary == "person" and programme.person_facts_of is not None:
            yield fault(
                f"{place}/person_facts_of",
                "whose",
                "A person's programme reads the person's own facts: leave this out.",
                "个人项目读取本人的数据项：请勿填写。",
            )
        if programme.beneficiary == "household" and programme.once_per == "business_entity_code":
            yield fault(
                f"{place}/once_per", "whose", "A household has no business of its own.", "家庭没有自己的市场主体。"
            )
        if (programme.cap_year_fen or FEN_MAX) < (programme.cap_fen or 1):
            yield fault(
                f"{place}/cap_year_fen",
                "cap_year",
                "The cap for a year is lower than the cap for one occurrence.",
                "年度封顶额不得低于单次封顶额。",
            )
        if len(set(programme.due_months)) < len(programme.due_months):
            yield fault(f"{place}/due_months", "double", "A month stands here twice.", "同一月份出现了两次。")


def _lonely(programmes: Sequence[Programme], examples: Sequence[Example]) -> Iterator[dict[str, object]]:
    excluded: Mapping[str, tuple[str, ...]] = {programme.code: programme.excludes for programme in programmes}
    for at, programme in enumerate(programmes):
        for other in programme.excludes:
            if other == programme.code or programme.code not in excluded.get(other, ()):
                yield fault(
                    f"/programmes/{at}/excludes",
                    "one_sided",
                    f"{other} must be another programme here that excludes {programme.code} in turn.",
                    f"{other} 须为本版本中的另一项目，并同样排斥 {programme.code}。",
                )
    for at, example in enumerate(examples):
        if example.programme not in excluded:
            yield fault(
                f"/examples/{at}/programme", "unknown", "There is no such programme here.", "本版本没有此项目。"
            )
        yield from _unfit(example, at)


def _unfit(example: Example, at: int) -> Iterator[dict[str, object]]:
    for name, value in example.facts.items():
        definition = BY_NAME.get(name)
        try:
            fits = definition is not None and storable(definition, value) is not None
        except FactUnfit:
            fits = False
        if not fits:
            yield fault(
                f"/examples/{at}/facts/{name}",
                "fact",
                "The vocabulary has no such fact, or it is never that.",
                "词汇表中没有此数据项，或其没有此取值。",
            )


def fault(pointer: str, code: str, message: str, message_zh: str) -> dict[str, object]:
    """One entry of Invalid's errors: which place of the request is unfit, and why."""
    return {"in": "body", "pointer": pointer, "code": code, "message": message, "message_zh": message_zh}
