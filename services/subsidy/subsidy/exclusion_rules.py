"""Exclusions: which programmes stand back because somebody gets another; greedily, by priority."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from subsidy.case_rules import County
from subsidy.column_rules import Bools
from subsidy.outcome_rules import Outcome


def exclude(county: County, outcomes: Sequence[Outcome]) -> None:
    """Write into each outcome which of its claims stand back, and for which programme; greedily, by priority.

    Only a claim that has won excludes others: between programmes of the same person, of the same household, and of a
    household and any of its members.
    """
    number_of = {outcome.programme.code: at for at, outcome in enumerate(outcomes)}
    won = [_Won.nobody(county) if outcome.programme.excludes else None for outcome in outcomes]
    for at, outcome in enumerate(outcomes):
        mine = won[at]
        if mine is None:
            continue
        for rival_at in sorted(number_of[code] for code in outcome.programme.excludes if code in number_of):
            if rival_at < at and (rival := won[rival_at]) is not None:
                outcome.excluded_by[rival.meets(outcome, county) & outcome.stands] = rival_at
        mine.enter(outcome, county)


@dataclass(slots=True)
class _Won:
    """Who holds a programme: people, households, and households of which a member does."""

    people: Bools
    homes: Bools
    of_members: Bools

    @classmethod
    def nobody(cls, county: County) -> "_Won":
        homes = len(county.homes)
        return cls(np.zeros(len(county.people), bool), np.zeros(homes, bool), np.zeros(homes, bool))

    def meets(self, outcome: Outcome, county: County) -> Bools:
        """Which of these claims meet one that has won."""
        if outcome.programme.beneficiary == "household":
            return self.homes[outcome.beneficiaries] | self.of_members[outcome.beneficiaries]
        home = county.people.home[outcome.beneficiaries]
        at_home = (home >= 0) & self.homes[home] if len(self.homes) else np.zeros(len(home), bool)
        return self.people[outcome.beneficiaries] | at_home

    def enter(self, outcome: Outcome, county: County) -> None:
        """These claims have won, but for those that stand back."""
        winners = outcome.beneficiaries[outcome.stands]
        if outcome.programme.beneficiary == "household":
            self.homes[winners] = True
            return
        self.people[winners] = True
        home = county.people.home[winners]
        self.of_members[home[home >= 0]] = True
