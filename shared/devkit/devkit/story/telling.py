"""One telling of the story: its plot, its people, its voice, and what the services have promised so far."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from devkit.story.answers import Assessment, Burden, Decision, RefusedAsk
from devkit.story.client import People
from devkit.story.county import all_divisions, short_name_zh
from devkit.story.dafang import XIEDU
from devkit.story.department import Department
from devkit.story.hub import Hub
from devkit.story.narrator import Narrator
from devkit.story.plot import Plot
from devkit.story.stream import Window
from qingdan.access_events import EmergencyEntered
from qingdan.divisions import DivisionCode
from qingdan.tasks_events import MeetingClosed, TaskPublished


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
    verified: dict[UUID, bool] = field(default_factory=dict)
    """Runs that the auditor had computed again: whether all three hashes were the same."""
    """What a bank's statement said otherwise than our books."""
    applications: dict[UUID, str] = field(default_factory=dict)
    """For access, with the state that each must be in."""
    received: int = 0
    """How often one was handed in, completed ones again."""
    returned: int = 0
    admitted: Decision | None = None
    """How the ask that was refused at first came on the list."""
    refused_before_access: UUID | None = None
    asked_after_access: TaskPublished | None = None
    emergency: EmergencyEntered | None = None
    shares: dict[UUID, str] = field(default_factory=dict)
    """Of Fengshan's villages, with the state that each must be in."""
    merged: dict[UUID, UUID] = field(default_factory=dict)
    """Asks, with the earlier task that answers each."""
    holders: list[UUID] = field(default_factory=list)
    """Shares that were claimed of the task that was open to the first."""
    objections: int = 0
    appeals: dict[UUID, str] = field(default_factory=dict)
    """Asks that a village refused and whose department appealed, with what was decided."""
    scores: tuple[Mapping[DivisionCode, int | None], Mapping[DivisionCode, int | None]] | None = None
    """Of the villages of a county before and after one of them said no, in thousandths of a point."""
    ranks_told: int = 0
    """How many places of villages were published with these scores."""
    closed: MeetingClosed | None = None
    waiting: dict[UUID, str] = field(default_factory=dict)
    """Shares whose clock stands still, with whom each waits for."""
    limits: dict[UUID, int] = field(default_factory=dict)
    """Limits that villages changed, in working days."""

    claims_at_meeting: int = 0
    """Of Fengshan's."""
    in_emergency: TaskPublished | None = None
    hours: dict[UUID, int] = field(default_factory=dict)
    """What the shares of Fengshan's villages were priced at, in person-hours."""
    burden: Burden | None = None
    """The month of Fengshan, when all was asked."""
    works: Counter[str] = field(default_factory=Counter)
    """What public works took and saved, as the villages of Wuguanying reported it."""

    def publish(self, task: TaskPublished) -> None:
        """Keep a task of Fengshan's."""
        self.shares |= {each.share: "published" for each in task.shares}
        self.hours |= {each.share: task.hours_estimate or 0 for each in task.shares}

    def saw_refused(self, who: str, department: str, refused: Sequence[RefusedAsk]) -> None:
        """Keep what somebody of a department was shown."""
        self.seen_by_departments[who] = [ask.ask for ask in refused]
        self.seen_of_others += [
            f"{who} saw {ask.ask} of {ask.department}" for ask in refused if ask.department != department
        ]


@dataclass(frozen=True, slots=True)
class Telling:
    """What every chapter needs."""

    plot: Plot
    people: People
    narrator: Narrator
    hub: Hub
    forestry: Department
    window: Window
    ledger: Ledger = field(default_factory=Ledger)

    @property
    def refusing_village(self) -> DivisionCode:
        """Xiedu, whose signs have come down."""
        return XIEDU

    def name_zh(self, code: str) -> str:
        """A division's short name."""
        return self._names[code]

    @property
    def _names(self) -> Mapping[str, str]:
        return {str(division.code): short_name_zh(division) for division in all_divisions()}
