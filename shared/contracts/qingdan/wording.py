"""How alike two wordings are: Chinese by pairs of characters, English by words, rare ones weighing more."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from math import fsum, log
from typing import Final

Terms = frozenset[str]

_HAN: Final = re.compile("[\u4e00-\u9fff]+")
_CLAUSE_ENDS_ZH: Final = re.compile("[、，；,;和与及或]")
_CLAUSE_ENDS_EN: Final = re.compile("[,;]")
_WORD: Final = re.compile("[a-z]{3,}")
_COMMON_WORDS: Final = frozenset({"and", "the", "for", "with", "without", "its", "per", "other"})


def pairs(text_zh: str) -> Terms:
    """The pairs of neighbouring Chinese characters; a character that stands alone counts as one."""
    found: set[str] = set()
    for run in _HAN.findall(text_zh):
        found.update([run[at : at + 2] for at in range(len(run) - 1)] or [run])
    return frozenset(found)


def words(text_en: str) -> Terms:
    """The telling words, in the singular."""
    return frozenset(_singular(word) for word in _WORD.findall(text_en.lower()) if word not in _COMMON_WORDS)


@dataclass(frozen=True, slots=True)
class Rarity:
    """How much a term tells: ln((n + 1) / (k + 0.5)) for one found in k of n wordings."""

    wordings: int
    found_in: Mapping[str, int]

    @classmethod
    def among(cls, wordings: Sequence[Terms]) -> "Rarity":
        return cls(len(wordings), Counter(term for wording in wordings for term in wording))

    def weight(self, terms: Set[str]) -> float:
        """The sum over the terms; exact, so that the order of a set never decides between two near items."""
        return fsum(log((self.wordings + 1) / (self.found_in.get(term, 0) + 0.5)) for term in terms)


def likeness(one: Terms, other: Terms, rarity: Rarity) -> float:
    """Weighted Dice coefficient, 0 (nothing in common) to 1 (the same terms)."""
    both = rarity.weight(one) + rarity.weight(other)
    return 2 * rarity.weight(one & other) / both if both else 0.0


def covered_zh(entry: str, text: str) -> float:
    """How much (0..1) of that clause of `entry` which stands most fully in `text` is found there.

    The mean over single characters and pairs: pairs alone miss a clause whose words stand apart.
    """
    characters, neighbours = set("".join(_HAN.findall(text))), pairs(text)
    return max(
        (
            (_part(set(clause), characters) + _part(pairs(clause), neighbours)) / 2
            for clause in ("".join(_HAN.findall(part)) for part in _CLAUSE_ENDS_ZH.split(entry))
            if clause
        ),
        default=0.0,
    )


def covered_en(entry: str, text: str) -> float:
    """The same by words. A clause of a single word tells too little and is left out."""
    said = words(text)
    return max(
        (_part(clause, said) for clause in map(words, _CLAUSE_ENDS_EN.split(entry)) if len(clause) > 1), default=0.0
    )


def _part(sought: Set[str], found: Set[str]) -> float:
    return len(sought & found) / len(sought) if sought else 0.0


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
