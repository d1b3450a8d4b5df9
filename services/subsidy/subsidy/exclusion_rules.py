"""Exclusions: which programmes stand back because somebody gets another; greedily, by priority."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from subsidy.programme_rules import Programme


@dataclass(frozen=True, slots=True)
class Claim:
    """What a programme comes to for somebody; `household` is the person's, or the household itself."""

    programme: str
    beneficiary: UUID
    occurrence: str
    kind: Literal["person", "household"]
    household: UUID | None


def exclude(claims: Iterable[Claim], programmes: Sequence[Programme]) -> dict[Claim, str]:
    """The claims that stand back, each with the programme it stands back for.

    The claim of the lowest priority number wins, and only a claim that has won excludes others: between programmes of
    the same person, of the same household, and of a household and any of its members.
    """
    priority: Mapping[str, int] = {programme.code: programme.priority for programme in programmes}
    excludes = {programme.code: frozenset(programme.excludes) for programme in programmes}
    of_person: dict[UUID, set[str]] = defaultdict(set)
    of_household: dict[UUID, set[str]] = defaultdict(set)
    of_members: dict[UUID, set[str]] = defaultdict(set)
    standing_back: dict[Claim, str] = {}
    for claim in sorted(claims, key=lambda claim: (priority[claim.programme], claim.beneficiary, claim.occurrence)):
        rivals = set[str]()
        if claim.kind == "person":
            rivals |= of_person[claim.beneficiary]
        if claim.household is not None:
            rivals |= of_household[claim.household]
            rivals |= of_members[claim.household] if claim.kind == "household" else set()
        if winners := rivals & excludes[claim.programme]:
            standing_back[claim] = min(winners, key=priority.__getitem__)
        elif claim.kind == "household":
            of_household[claim.beneficiary].add(claim.programme)
        else:
            of_person[claim.beneficiary].add(claim.programme)
            if claim.household is not None:
                of_members[claim.household].add(claim.programme)
    return standing_back
