"""The assessment: how well villages kept the limits they set themselves, and how well what was found was put right.

The formula and its reasons are in docs/assessment.md. All of it is integer arithmetic, so that whoever computes it
again from the published facts gets the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from qingdan.assessment_events import AssessmentFact
from qingdan.divisions import DivisionCode

FORMULA: Final = "own-limit-and-first-recheck/1"

MILLI_MAX: Final = 100_000  # a hundred points, in thousandths
PRIOR_CASES: Final = 10  # each rate starts from the common one, as if seen in this many cases
FINISHED_MIN: Final = 5  # with fewer finished shares a division is not ranked


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the formula can see of a division in a period.

    There is no place here for a refusal, a photo, a sign-in, a note or a meeting held, so none of them can count.
    """

    finished: int
    on_time: int
    findings: int
    passed_first_recheck: int

    def __post_init__(self) -> None:
        if not (0 <= self.on_time <= self.finished and 0 <= self.passed_first_recheck <= self.findings):
            raise ValueError("more is on time than finished, or more passed than found")

    def __add__(self, other: "Facts") -> "Facts":
        return Facts(
            self.finished + other.finished,
            self.on_time + other.on_time,
            self.findings + other.findings,
            self.passed_first_recheck + other.passed_first_recheck,
        )


NOTHING: Final = Facts(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Assessed:
    """A division of those compared."""

    code: DivisionCode
    name_zh: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class Ranked:
    """A division's place with all that explains it; rank and score are None below FINISHED_MIN."""

    division: DivisionCode
    rank: int | None
    of: int
    score_milli: int | None
    facts: tuple[AssessmentFact, ...]
    explanation_en: str
    explanation_zh: str


@dataclass(frozen=True, slots=True)
class _Rates:
    on_time_milli: int
    quality_milli: int

    @property
    def score_milli(self) -> int:
        """Keeping one's word and doing it well count the same."""
        return (self.on_time_milli + self.quality_milli) // 2


def rank(divisions: Sequence[Assessed]) -> list[Ranked]:
    """The ranking, best first; the same score is the same rank ("1, 2, 2, 4"). Those not ranked come last, by code."""
    compared = [d for d in divisions if d.facts.finished >= FINISHED_MIN]
    pool = sum((d.facts for d in compared), NOTHING)
    rated = sorted(((_rates(d.facts, pool), d) for d in compared), key=lambda r: (-r[0].score_milli, r[1].code))
    scores = [rates.score_milli for rates, _ in rated]
    ranked = [_ranked(d, scores.index(rates.score_milli) + 1, len(rated), rates, pool) for rates, d in rated]
    too_few = sorted((d for d in divisions if d.facts.finished < FINISHED_MIN), key=lambda d: d.code)
    return ranked + [_not_ranked(d, len(rated)) for d in too_few]


def score_milli(facts: Facts, pool: Facts) -> int:
    """The score (0..100,000) of a division among divisions that together have the facts of `pool`."""
    return _rates(facts, pool).score_milli


def _rates(facts: Facts, pool: Facts) -> _Rates:
    return _Rates(
        _smoothed_milli(facts.on_time, facts.finished, pool.on_time, pool.finished),
        _smoothed_milli(facts.passed_first_recheck, facts.findings, pool.passed_first_recheck, pool.findings),
    )


def _smoothed_milli(good: int, cases: int, pool_good: int, pool_cases: int) -> int:
    """(good + PRIOR_CASES × common rate) / (cases + PRIOR_CASES), rounded down; all good where there is no case."""
    if pool_cases == 0:
        return MILLI_MAX
    return MILLI_MAX * (good * pool_cases + PRIOR_CASES * pool_good) // ((cases + PRIOR_CASES) * pool_cases)


def _ranked(division: Assessed, place: int, of: int, rates: _Rates, pool: Facts) -> Ranked:
    facts = division.facts
    return Ranked(
        division=division.code,
        rank=place,
        of=of,
        score_milli=rates.score_milli,
        facts=(
            *_named(facts),
            AssessmentFact(name="on_time_milli", value=rates.on_time_milli),
            AssessmentFact(name="quality_milli", value=rates.quality_milli),
            *_named(pool, "compared_"),
        ),
        explanation_en=(
            f"Place {place} of {of} with {_points(rates.score_milli)} points: {facts.on_time} of {facts.finished} "
            f"finished shares within the limit that the village had set itself "
            f"({_points(rates.on_time_milli)} points), {facts.passed_first_recheck} of {facts.findings} findings put "
            f"right at the first re-check ({_points(rates.quality_milli)} points)."
        ),
        explanation_zh=(
            f"{division.name_zh}在{of}个中列第{place}位，得{_points(rates.score_milli)}分："
            f"已完成的{facts.finished}项任务中，{facts.on_time}项在村自定时限内完成（{_points(rates.on_time_milli)}分）；"
            f"{facts.findings}个问题中，{facts.passed_first_recheck}个首次复查即通过（{_points(rates.quality_milli)}分）。"
        ),
    )


def _not_ranked(division: Assessed, of: int) -> Ranked:
    finished = division.facts.finished
    return Ranked(
        division=division.code,
        rank=None,
        of=of,
        score_milli=None,
        facts=_named(division.facts),
        explanation_en=f"Not ranked: {finished} finished shares; fewer than {FINISHED_MIN} say too little.",
        explanation_zh=f"{division.name_zh}不参加排名：已完成任务{finished}项，少于{FINISHED_MIN}项不足以评价。",
    )


def _named(facts: Facts, prefix: str = "") -> tuple[AssessmentFact, ...]:
    return tuple(
        AssessmentFact(name=prefix + name, value=getattr(facts, name))
        for name in ("finished", "on_time", "findings", "passed_first_recheck")
    )


def _points(milli: int) -> str:
    return f"{milli // 1000}.{milli % 1000:03}"
