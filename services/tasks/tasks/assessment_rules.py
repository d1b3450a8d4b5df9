"""What an assessment says of each division: its place by the documented formula, the facts, and a sentence.

The formula itself lies in qingdan.assessment, where an auditor finds it; its reasons are in docs/assessment.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from qingdan import assessment
from qingdan.assessment import FINISHED_MIN, FORMULA, MEDIUM_MAX, SHORT_MAX, Facts, Lever, Place, Score
from qingdan.assessment_events import AssessmentFact, AssessmentPublished
from qingdan.divisions import DivisionCode, DivisionLevel
from qingdan.ids import AssessmentId
from runtime.problems import Forbidden, Refusal

PERIOD_MAX: Final = timedelta(days=3 * 366)


class PeriodUnfit(Refusal):
    """A period ends on or after its first day and lasts at most three years.
    考核期的截止日不得早于起始日，且不超过三年。
    """

    status = 422


class NothingToAssess(Refusal):
    """There is no division of that level below this one. 该区划下没有此级别的区划可供考核。"""

    status = 422


class DepartmentsSeeTooLittle(Forbidden):
    """Who is bound to a department sees its shares only, and ranks nobody by them.
    受部门限定者只能看到本部门的任务，不得据此排名。
    """


@dataclass(frozen=True, slots=True)
class Header:
    """What all places of an assessment have in common.

    published_on: None for assessed_on. replaces, first: of one that corrects another; first is the one that all
    corrections go back to.
    """

    assessment: AssessmentId
    level: DivisionLevel
    period_from: date
    period_to: date
    assessed_on: date
    published_on: date | None = None
    replaces: AssessmentId | None = None
    first: AssessmentId | None = None

    def __post_init__(self) -> None:
        if not timedelta() <= self.period_to - self.period_from <= PERIOD_MAX:
            raise PeriodUnfit()


@dataclass(frozen=True, slots=True)
class Assessed:
    """A division of those compared."""

    code: DivisionCode
    name_zh: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class WouldChange:
    """What would have changed a score most: so many cases done otherwise, and the points that they are worth."""

    fact: str
    cases: int
    gain_milli: int
    explanation_en: str
    explanation_zh: str


@dataclass(frozen=True, slots=True)
class Ranked:
    """A division's place with all that explains it; rank and score are None below FINISHED_MIN."""

    division: DivisionCode
    rank: int | None
    of: int
    score_milli: int | None
    facts: tuple[AssessmentFact, ...]
    would_change: tuple[WouldChange, ...]
    explanation_en: str
    explanation_zh: str


def require_sees_all(department: str | None) -> None:
    """Raises DepartmentsSeeTooLittle for whoever is bound to a department."""
    if department is not None:
        raise DepartmentsSeeTooLittle()


def corrected(last: Header, new: AssessmentId, first: AssessmentId, today: date) -> Header:
    """That of the assessment which replaces `last`: the same period, judged on the same day."""
    return replace(last, assessment=new, published_on=today, replaces=last.assessment, first=first)


def rank(divisions: Sequence[Assessed]) -> list[Ranked]:
    """The ranking, best first; the same score is the same rank ("1, 2, 2, 4"). Those not ranked come last, by code.

    Raises NothingToAssess when there is none.
    """
    if not divisions:
        raise NothingToAssess()
    known = {division.code: division for division in divisions}
    places = assessment.rank({division.code: division.facts for division in divisions})
    return [_ranked(known[place.division], place) for place in places]


def published(header: Header, ranks: Sequence[Ranked]) -> list[AssessmentPublished]:
    """The events that tell the places; who has none is not told of."""
    return [
        AssessmentPublished(
            assessment=header.assessment,
            period_from=header.period_from,
            period_to=header.period_to,
            division=ranked.division,
            level=header.level,
            rank=ranked.rank,
            of=ranked.of,
            score_milli=ranked.score_milli,
            facts=ranked.facts,
            formula=FORMULA,
            replaces=header.replaces,
        )
        for ranked in ranks
        if ranked.rank is not None and ranked.score_milli is not None
    ]


def _ranked(division: Assessed, place: Place) -> Ranked:
    named = assessment.published(division.facts, place.others, place.score)
    en, zh = _not_ranked(division) if place.score is None else _explained(division, place, place.score)
    levers = [] if place.score is None else assessment.levers(division.facts, place.others)
    return Ranked(
        division=division.code,
        rank=place.rank,
        of=place.of,
        score_milli=place.score.score_milli if place.score else None,
        facts=tuple(AssessmentFact(name=name, value=value) for name, value in named.items()),
        would_change=tuple(_would_change(lever) for lever in levers),
        explanation_en=en,
        explanation_zh=zh,
    )


def _explained(division: Assessed, place: Place, score: Score) -> tuple[str, str]:
    total = division.facts.total
    tenths = 10 * total.on_time // max(division.facts.villages, 1)
    per_village = f"{tenths // 10}.{tenths % 10}"
    points, on_time, quality, load = map(
        _points, (score.score_milli, score.on_time_milli, score.quality_milli, score.load_milli)
    )
    return (
        f"Place {place.rank} of {place.of} with {points} points: {total.on_time} of {total.finished} "
        f"finished shares within the limit that the village had set itself ({on_time} points), "
        f"{total.passed_first_recheck} of {total.findings} findings put right at the first re-check ({quality} points),"
        f" {per_village} shares on time per village ({load} points); 50 points are what the others did with like work.",
        f"{division.name_zh}在{place.of}个中列第{place.rank}位，得{points}分："
        f"已完成的{total.finished}项任务中，{total.on_time}项在村自定时限内完成（{on_time}分）；"
        f"{total.findings}个问题中，{total.passed_first_recheck}个首次复查即通过（{quality}分）；"
        f"平均每村按时完成{per_village}项（{load}分）。与其他单位同类工作持平为50分。",
    )


def _not_ranked(division: Assessed) -> tuple[str, str]:
    finished = division.facts.total.finished
    return (
        f"Not ranked: {finished} finished shares; fewer than {FINISHED_MIN} say too little.",
        f"{division.name_zh}不参加排名：已完成任务{finished}项，少于{FINISHED_MIN}项不足以评价。",
    )


_CATEGORIES = {
    "statutory": ("statutory", "依法履职"),
    "assist": ("assist-the-government", "依法协助政府"),
    "qualified": ("qualified-and-reserved", "创造条件和保留"),
    "other": ("other", "其他"),
}
_LIMITS = {
    "short": (f"up to {SHORT_MAX}", f"{SHORT_MAX}个工作日以内"),
    "medium": (f"{SHORT_MAX + 1} to {MEDIUM_MAX}", f"{SHORT_MAX + 1}至{MEDIUM_MAX}个工作日"),
    "long": (f"more than {MEDIUM_MAX}", f"{MEDIUM_MAX}个工作日以上"),
}


def _would_change(lever: Lever) -> WouldChange:
    (part_en, part_zh), (limit_en, limit_zh) = _CATEGORIES[lever.stratum.category], _LIMITS[lever.stratum.limit]
    had_en, had_zh = {
        "late": (f"the {lever.cases} late been on time", f"{lever.cases}项逾期任务按时完成"),
        "failed": (
            f"the {lever.cases} findings that failed passed their first re-check",
            f"{lever.cases}个未通过的问题首次复查即通过",
        ),
    }[lever.what]
    gain = _points(lever.gain_milli)
    return WouldChange(
        fact=f"{lever.stratum.name}_{lever.what}",
        cases=lever.cases,
        gain_milli=lever.gain_milli,
        explanation_en=f"{gain} points more, had, in {part_en} work with own limits of {limit_en} working days, "
        f"{had_en}.",
        explanation_zh=f"若{part_zh}类、自定时限{limit_zh}的{had_zh}，将多得{gain}分。",
    )


def _points(milli: int) -> str:
    return f"{milli // 1000}.{milli % 1000:03}"
