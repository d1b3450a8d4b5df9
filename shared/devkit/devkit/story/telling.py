"""One telling of the story: its plot, its people, its voice, and what the services have promised so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from devkit.story.answers import Assessment
from devkit.story.client import People
from devkit.story.hub import Hub
from devkit.story.narrator import Narrator
from devkit.story.plot import Plot


@dataclass(slots=True)
class Ledger:
    """What was acknowledged with a 2xx, or refused with a name: the services must know all of it at the end."""

    claims: list[UUID] = field(default_factory=list)
    orders: list[UUID] = field(default_factory=list)
    refused_at_gate: list[UUID] = field(default_factory=list)
    refused_by_villages: list[UUID] = field(default_factory=list)
    seen_by_departments: dict[str, list[UUID]] = field(default_factory=dict)
    seen_of_others: list[str] = field(default_factory=list)
    signs_refused: list[UUID] = field(default_factory=list)
    assessment: Assessment | None = None
    differences: list[str] = field(default_factory=list)
    """What a bank's statement said otherwise than our books."""


@dataclass(frozen=True, slots=True)
class Telling:
    """What every chapter needs."""

    plot: Plot
    people: People
    narrator: Narrator
    hub: Hub
    ledger: Ledger = field(default_factory=Ledger)

    def name_zh(self, code: str) -> str:
        """A division's short name."""
        return self._names[code]

    @property
    def _names(self) -> Mapping[str, str]:
        county = self.plot.county
        return {str(division.code): county.name_zh(division.code) for division in county.divisions}
