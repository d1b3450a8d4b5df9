"""How alike two wordings are: Chinese by pairs of characters, English by words, rare ones weighing more."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from math import fsum, log
from typing import Final

Terms = frozenset[str]

_HAN: Final = re.compile("[\u4e00-\u9fff]+")
_CLAUSE_ENDS_ZH: Final = re.compile("[、，；,;和与及或]")
_CLAUSE_ENDS_EN: Final = re.compile("[,;]")
_WORD: Final = re.compile("[a-z]{3,}")
_REMEMBERED: Final = (
    4096  # wordings: those of several lists and of the asks of a busy day; each has at most 200 letters
)
_COMMON_WORDS: Final = frozenset({"and", "the", "for", "with", "without", "its", "per", "other"})


@lru_cache(maxsize=_REMEMBERED)
def pairs(text_zh: str) -> Terms:
    """The pairs of neighbouring Chinese characters; a character that stands alone counts as one."""
    found: set[str] = set()
    for run in _HAN.findall(text_zh):
        found.update([run[at : at + 2] for at in range(len(run) - 1)] or [run])
    return frozenset(found)


@lru_cache(maxsize=_REMEMBERED)
def words(text_en: str) -> Terms:
    """The telling words, in the singular."""
    return frozenset(_singular(word) for word in _WORD.findall(text_en.lower()) if word not in _COMMON_WORDS)


@dataclass(frozen=True, slots=True)
class Rarity:
    """How much a term tells: ln((n + 1) / (k + 0.5)) for one found in k of n wordings."""

    in_none: float
    weights: Mapping[str, float]

    @classmethod
    def among(cls, wordings: Sequence[Terms]) -> "Rarity":
        """By how many of the wordings each term is found in."""
        found_in = Counter(term for wording in wordings for term in wording)
        told = [log((len(wordings) + 1) / (often + 0.5)) for often in range(len(wordings) + 1)]
        return cls(told[0], {term: told[often] for term, often in found_in.items()})

    def weight(self, terms: Set[str]) -> float:
        """The sum over the terms; exact, so that the order of a set never decides between two near items."""
        return fsum([self.weights.get(term, self.in_none) for term in terms])

    def weighed(self, text: Terms) -> "Weighed":
        """A wording to be compared with many."""
        return Weighed(text, self.weight(text))


@dataclass(frozen=True, slots=True)
class Weighed:
    """A wording and how much its terms tell together."""

    terms: Terms
    weight: float

    def likeness(self, other: "Weighed", rarity: Rarity) -> float:
        """Weighted Dice coefficient, 0 (nothing in common) to 1 (the same terms)."""
        common = self.terms & other.terms
        return 2 * rarity.weight(common) / (self.weight + other.weight) if common else 0.0


def likeness(one: Terms, other: Terms, rarity: Rarity) -> float:
    """The same of two wordings that are compared with no others."""
    return rarity.weighed(one).likeness(rarity.weighed(other), rarity)


def covered_zh(entry: str, text: str) -> float:
    """How much (0..1) of that clause of `entry` which stands most fully in `text` is found there.

    The mean over single characters and pairs: pairs alone miss a clause whose words stand apart.
    """
    characters, neighbours = _characters(text), pairs(text)
    return max(
        ((_part(single, characters) + _part(paired, neighbours)) / 2 for single, paired in _clauses_zh(entry)),
        default=0.0,
    )


def covered_en(entry: str, text: str) -> float:
    """The same by words. A clause of a single word tells too little and is left out."""
    said = words(text)
    return max((_part(clause, said) for clause in _clauses_en(entry)), default=0.0)


@lru_cache(maxsize=_REMEMBERED)
def _characters(text_zh: str) -> Terms:
    return frozenset("".join(_HAN.findall(text_zh)))


@lru_cache(maxsize=_REMEMBERED)
def _clauses_zh(entry: str) -> tuple[tuple[Terms, Terms], ...]:
    """The single characters and the pairs of each clause."""
    clauses = ("".join(_HAN.findall(part)) for part in _CLAUSE_ENDS_ZH.split(entry))
    return tuple((frozenset(clause), pairs(clause)) for clause in clauses if clause)


@lru_cache(maxsize=_REMEMBERED)
def _clauses_en(entry: str) -> tuple[Terms, ...]:
    return tuple(clause for clause in map(words, _CLAUSE_ENDS_EN.split(entry)) if len(clause) > 1)


def _part(sought: Set[str], found: Set[str]) -> float:
    return len(sought & found) / len(sought) if sought else 0.0


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
