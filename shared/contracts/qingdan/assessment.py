"""The formula of the assessment: anybody computes a place again, from published facts or from events, without us.

What it means and why is in docs/assessment.md. All of it is integer arithmetic: the same facts give the same place on
every machine. Formulas that are no longer in use stay here, for what was assessed by them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import reduce
from itertools import product
from typing import Final, Literal, get_args

from qingdan.divisions import DivisionCode

FORMULA: Final = "like-work-of-the-others/2"
FORMULA_1: Final = "own-limit-and-first-recheck/1"

MILLI_MAX: Final = 100_000  # a hundred points, or a whole share, in thousandths of a hundredth
FINISHED_MIN: Final = 5  # with fewer finished shares a division is not ranked
USUAL_PRIOR_CASES: Final = 10  # what is usual for a kind of work starts from what is usual for all, as if seen so often
OWN_PRIOR: Final = 1  # everybody starts with one whole share earned and one lost: fifty points
SHORT_MAX, MEDIUM_MAX = 5, 15  # working days: a week, three weeks
PARTS, LOAD_PARTS = 40, 2  # of 40 parts 19 are being on time, 19 quality, 2 the load

Category = Literal["statutory", "assist", "qualified", "other"]
Limit = Literal["short", "medium", "long"]


@dataclass(frozen=True, slots=True, order=True)
class Stratum:
    """Like work: of one part of the list, and with an own limit of the same order."""

    category: Category
    limit: Limit

    @classmethod
    def of(cls, category: str | None, limit_working_days: int) -> "Stratum":
        """`category`: as the list has it; what stands on no item, or in a part of the list yet unknown, is "other"."""
        known: dict[str, Category] = {each: each for each in get_args(Category)}
        limit: Limit = "long"
        if limit_working_days <= MEDIUM_MAX:
            limit = "short" if limit_working_days <= SHORT_MAX else "medium"
        return cls(known.get(category or "", "other"), limit)

    @property
    def name(self) -> str:
        """As in `assist_short`, the first words of its facts' names."""
        return f"{self.category}_{self.limit}"


STRATA: Final = tuple(Stratum(*each) for each in product(get_args(Category), get_args(Limit)))


@dataclass(frozen=True, slots=True)
class Tally:
    """Four numbers: shares whose end is known, of these on time; findings, of these put right at the first re-check."""

    finished: int
    on_time: int
    findings: int
    passed_first_recheck: int

    def __post_init__(self) -> None:
        if not (0 <= self.on_time <= self.finished and 0 <= self.passed_first_recheck <= self.findings):
            raise ValueError("more is on time than finished, or more passed than found")

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(*(getattr(self, name) + getattr(other, name) for name in COUNTED))

    def __sub__(self, other: "Tally") -> "Tally":
        return Tally(*(getattr(self, name) - getattr(other, name) for name in COUNTED))


COUNTED: Final = tuple(each.name for each in fields(Tally))
NOTHING: Final = Tally(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the formula can see of a division in a period: how many villages it has, and their work by strata.

    There is no place here for a refusal, a difficulty, a photo, a sign-in, a note, a document or a meeting held, so
    none of them can count.
    """

    villages: int
    work: Mapping[Stratum, Tally]

    def of(self, stratum: Stratum) -> Tally:
        return self.work.get(stratum, NOTHING)

    @property
    def total(self) -> Tally:
        """Of all strata together."""
        return reduce(Tally.__add__, self.work.values(), NOTHING)

    def __add__(self, other: "Facts") -> "Facts":
        strata = self.work.keys() | other.work.keys()
        return Facts(self.villages + other.villages, {s: self.of(s) + other.of(s) for s in strata})

    def __sub__(self, other: "Facts") -> "Facts":
        """What is left without `other`, which is a part of this."""
        return Facts(self.villages - other.villages, {s: self.of(s) - other.of(s) for s in self.work})

    def with_more(self, stratum: Stratum, more: Tally) -> "Facts":
        """The same with more work in one stratum."""
        return Facts(self.villages, {**self.work, stratum: self.of(stratum) + more})


NO_FACTS: Final = Facts(0, {})


@dataclass(frozen=True, slots=True)
class Usual:
    """What part of the others' like work (in thousandths of a hundredth) was on time, and of their findings passed."""

    on_time_milli: int
    passed_milli: int


@dataclass(frozen=True, slots=True)
class Score:
    """Points (0..100,000 thousandths) and the parts that they come from; 50,000 is as the others do with like work."""

    score_milli: int
    on_time_milli: int
    quality_milli: int
    load_milli: int


@dataclass(frozen=True, slots=True)
class Lever:
    """What would have changed a score: had all that was late (or failed) in a stratum been on time (or passed)."""

    stratum: Stratum
    what: Literal["late", "failed"]
    cases: int
    gain_milli: int


@dataclass(frozen=True, slots=True)
class Place:
    """A division's place among `of`; rank and score are None below FINISHED_MIN."""

    division: DivisionCode
    rank: int | None
    of: int
    score: Score | None
    others: Facts


def rank(divisions: Mapping[DivisionCode, Facts]) -> list[Place]:
    """The ranking, best first; the same score is the same rank ("1, 2, 2, 4"). Those not ranked come last, by code."""
    compared = {code: facts for code, facts in divisions.items() if facts.total.finished >= FINISHED_MIN}
    pool = reduce(Facts.__add__, compared.values(), NO_FACTS)
    scored = [(score(facts, pool - facts), code) for code, facts in compared.items()]
    scored.sort(key=lambda each: (-each[0].score_milli, each[1]))
    points = [each.score_milli for each, _ in scored]
    ranked = [
        Place(code, points.index(each.score_milli) + 1, len(scored), each, pool - compared[code])
        for each, code in scored
    ]
    return ranked + [Place(code, None, len(scored), None, pool) for code in sorted(divisions.keys() - compared.keys())]


def score(own: Facts, others: Facts) -> Score:
    """What a division's facts are worth beside those of all others together."""
    usual = {stratum: usual_of(others, stratum) for stratum in own.work}
    return _score(own, usual, others.total.on_time, others.villages)


def usual_of(others: Facts, stratum: Stratum) -> Usual:
    """What was usual for the others in a stratum; where they did little of that kind, as in all of their work."""
    here, everywhere = others.of(stratum), others.total
    return Usual(
        _usual_milli(here.on_time, here.finished, everywhere.on_time, everywhere.finished),
        _usual_milli(here.passed_first_recheck, here.findings, everywhere.passed_first_recheck, everywhere.findings),
    )


def levers(own: Facts, others: Facts, most: int = 2) -> list[Lever]:
    """What would have changed the score most, the others' facts being as they are; the largest gain first."""
    now, found = score(own, others).score_milli, []
    for stratum in STRATA:
        tally = own.of(stratum)
        late, failed = tally.finished - tally.on_time, tally.findings - tally.passed_first_recheck
        changes: list[tuple[Literal["late", "failed"], int, Tally]] = [
            ("late", late, Tally(tally.finished, tally.finished, tally.findings, tally.passed_first_recheck)),
            ("failed", failed, Tally(tally.finished, tally.on_time, tally.findings, tally.findings)),
        ]
        for what, cases, better in changes:
            if cases:
                then = score(Facts(own.villages, {**own.work, stratum: better}), others)
                found.append(Lever(stratum, what, cases, then.score_milli - now))
    found.sort(key=lambda lever: (-lever.gain_milli, lever.stratum, lever.what))
    return found[:most]


def published(own: Facts, others: Facts, given: Score | None) -> dict[str, int]:
    """The named numbers that stand beside a place: from them alone its score can be computed again."""
    named = {name: getattr(own.total, name) for name in COUNTED} | {"villages": own.villages}
    for stratum in STRATA:
        tally = own.of(stratum)
        if tally != NOTHING:
            named |= {f"{stratum.name}_{name}": getattr(tally, name) for name in COUNTED}
        if tally != NOTHING and given is not None:
            usual = usual_of(others, stratum)
            named[f"{stratum.name}_usual_on_time_milli"] = usual.on_time_milli
            named[f"{stratum.name}_usual_passed_milli"] = usual.passed_milli
    if given is not None:
        named |= {name: getattr(given, name) for name in ("on_time_milli", "quality_milli", "load_milli")}
        named |= {"others_on_time": others.total.on_time, "others_villages": others.villages}
    return named


def facts_in(named: Mapping[str, int]) -> Facts:
    """A division's facts from the numbers published beside its place. Raises KeyError for those of formula 1."""
    work = {
        stratum: Tally(*(named[f"{stratum.name}_{name}"] for name in COUNTED))
        for stratum in STRATA
        if f"{stratum.name}_finished" in named
    }
    return Facts(named["villages"], work)


def recompute(formula: str, named: Mapping[str, int]) -> int:
    """The score in thousandths, from the numbers published beside a place and by the formula that it names.

    Raises ValueError for a formula that is not documented, KeyError when a number is missing.
    """
    if formula == FORMULA:
        own = facts_in(named)
        usual = {
            stratum: Usual(named[f"{stratum.name}_usual_on_time_milli"], named[f"{stratum.name}_usual_passed_milli"])
            for stratum in own.work
        }
        return _score(own, usual, named["others_on_time"], named["others_villages"]).score_milli
    if formula == FORMULA_1:
        own_1, all_1 = (Tally(*(named[prefix + name] for name in COUNTED)) for prefix in ("", "compared_"))
        return score_milli_of_formula_1(own_1, all_1)
    raise ValueError("this formula is not documented")


def score_milli_of_formula_1(own: Tally, compared: Tally) -> int:
    """own-limit-and-first-recheck/1: two smoothed rates, halves of the score; `compared`: all divisions together."""

    def smoothed(good: int, cases: int, all_good: int, all_cases: int) -> int:
        if all_cases == 0:
            return MILLI_MAX
        return MILLI_MAX * (good * all_cases + 10 * all_good) // ((cases + 10) * all_cases)

    on_time = smoothed(own.on_time, own.finished, compared.on_time, compared.finished)
    quality = smoothed(own.passed_first_recheck, own.findings, compared.passed_first_recheck, compared.findings)
    return (on_time + quality) // 2


def _score(own: Facts, usual: Mapping[Stratum, Usual], others_on_time: int, others_villages: int) -> Score:
    on_time = _points(
        (tally.on_time, tally.finished, usual[stratum].on_time_milli) for stratum, tally in own.work.items()
    )
    quality = _points(
        (tally.passed_first_recheck, tally.findings, usual[stratum].passed_milli) for stratum, tally in own.work.items()
    )
    load = _load_milli(own.total.on_time, own.villages, others_on_time, others_villages)
    each = (PARTS - LOAD_PARTS) // 2
    return Score((each * (on_time + quality) + LOAD_PARTS * load) // PARTS, on_time, quality, load)


def _usual_milli(good: int, cases: int, all_good: int, all_cases: int) -> int:
    """(good + USUAL_PRIOR_CASES × rate of all) / (cases + USUAL_PRIOR_CASES), rounded down.

    The rate of all is (good + 1) / (cases + 2): one half where nobody else did anything. One more that is good never
    lowers it.
    """
    above = good * (all_cases + 2) + USUAL_PRIOR_CASES * (all_good + 1)
    return MILLI_MAX * above // ((cases + USUAL_PRIOR_CASES) * (all_cases + 2))


def _points(work: Iterable[tuple[int, int, int]]) -> int:
    """earned / (earned + lost) of (good, cases, usual): good earns what was not usual, the rest loses what was."""
    earned = lost = OWN_PRIOR * MILLI_MAX
    for good, cases, usual_milli in work:
        earned += good * (MILLI_MAX - usual_milli)
        lost += (cases - good) * usual_milli
    return MILLI_MAX * earned // (earned + lost)


def _load_milli(on_time: int, villages: int, others_on_time: int, others_villages: int) -> int:
    """Shares on time per village: as many as the others' are fifty points, twice as many or more a hundred."""
    above = MILLI_MAX * on_time * (others_villages + 1)
    return min(MILLI_MAX, above // (2 * max(villages, 1) * (others_on_time + 1)))
