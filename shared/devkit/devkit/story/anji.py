"""Anji County: how many people, and the months for which the story pays them their subsidies."""

from dataclasses import dataclass
from typing import Any, Final

from devkit.programmes import sample_programmes

PEOPLE: Final = 20_000
PERIODS: Final = ("2025-12", "2026-06", "2026-07", "2026-08", "2026-09", "2026-10", "2026-11")
"""The fewest months of a year in which each of the seventy programmes is due at least once."""


@dataclass(frozen=True, slots=True)
class Subsidies:
    """What is paid, to how many people, for which months."""

    people: int
    periods: tuple[str, ...]

    @property
    def programmes(self) -> tuple[dict[str, Any], ...]:
        """All seventy, as they are published."""
        return sample_programmes()
