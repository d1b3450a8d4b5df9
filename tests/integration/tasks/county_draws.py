"""What anybody may try at a moment, drawn at random: mostly what is right, often enough what is not."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import TypeVar, get_args

from qingdan.divisions import DivisionCode
from qingdan.ids import RemovalOrderId, ShareId
from runtime.actor import Actor
from runtime.ids import new_id
from tasks.clock_rules import WaitingFor
from tasks.share_rules import VillageCode
from tests.integration.tasks import county_commands as wants
from tests.integration.tasks.county_commands import Command
from tests.integration.tasks.county_lists import (
    ASKS,
    CADRES,
    COMMITTEE,
    COUNTY,
    DEPARTMENTS,
    EVERY_VILLAGE,
    LISTS,
    LONE_CLERK,
    OPERATOR,
    OTHER_TOWN,
    STAFF,
    SUCCESSORS,
    TOWN,
    TOWN_OF,
    TOWNS_APPROVER,
    TOWNS_CLERK,
    UNFIT,
)
from tests.integration.tasks.county_model import County, Meeting, villages_below
from tests.integration.tasks.county_shares import Share

T = TypeVar("T")

_LIMITS = (5, 1, 3, 9, 10, 30, 60, 250)


class NothingThere(Exception):
    """There is nothing of that kind yet."""


class Draws:
    """Draws commands for the county as it stands.

    From a seed, and not from hypothesis itself: which of several commands sent at once is in time is not in our hands,
    and hypothesis wants the same choices each time that it repeats an example.
    """

    def __init__(self, seed: str, county: County) -> None:
        self._random = Random(seed)
        self.county = county

    def one(self, choices: Sequence[T]) -> T:
        """One of them. Raises NothingThere."""
        if not choices:
            raise NothingThere
        return self._random.choice(choices)

    def rarely(self) -> bool:
        return self._random.random() < 0.1

    def version(self, true: int) -> int:
        return true + self.one((-1, 1)) if self.rarely() else true

    # -- shares ------------------------------------------------------------------------------------------------------

    def share(self, *states: str) -> Share:
        """One in one of these states, if there is any, and rarely whichever."""
        shares = list(self.county.shares.values())
        fitting = [share for share in shares if share.state in states]
        return self.one(shares if not fitting or self.rarely() else fitting)

    def late(self) -> Share:
        """One under way whose limit may pass, rather one of which it is not sure when."""
        claimed = [share for share in self.county.shares.values() if share.state == "claimed" and share.limit != 250]
        return self.one([share for share in claimed if share.provisional] or claimed)

    def cadre(self, share: Share) -> Actor:
        """Of the share's village; rarely somebody else."""
        if not self.rarely():
            return CADRES[share.village]
        return self.one([*CADRES.values(), STAFF[TOWN_OF[share.village]], DEPARTMENTS[share.department]])

    def of_share(self, share: Share, kind: str, by: Actor, version: int) -> Command:
        """A command on that share, as last seen with that version."""
        match kind:
            case "claim":
                return wants.Claim(by, share.id, self.one(_LIMITS), version)
            case "limit":
                return wants.ChangeLimit(by, share.id, self.one(_LIMITS), version)
            case "extension":
                return wants.AskExtension(by, share.id, self.one(_LIMITS), version)
            case "pause":
                return wants.Pause(by, share.id, self.one(get_args(WaitingFor)), version)
            case "resume":
                return wants.Resume(by, share.id, version)
            case "progress":
                return wants.Progress(by, share.id, self._random.randint(0, 100), version)
            case "done":
                return wants.ReportDone(by, share.id, version)
            case "refuse":
                return wants.Refuse(by, share.id, self.one(get_args(VillageCode)), version)
        raise AssertionError(kind)

    def on_a_share(self, kind: str, *states: str) -> Command:
        share = self.share(*states)
        return self.of_share(share, kind, self.cadre(share), self.version(share.version))

    def resume(self) -> Command:
        paused = [share for share in self.county.shares.values() if share.paused_on]
        share = self.one(paused) if paused and not self.rarely() else self.share("claimed")
        by = self.one((CADRES[share.village], STAFF[TOWN_OF[share.village]], DEPARTMENTS[share.department], COMMITTEE))
        return wants.Resume(by, share.id, self.version(share.version))

    def extension(self) -> Command:
        """A decision on one: rarely on one that is decided, or by whoever may not."""
        opened = [each for each in self.county.extensions.values() if each.state == "open"]
        each = self.one(opened if opened and not self.rarely() else list(self.county.extensions.values()))
        share = each.share
        by = self.one((STAFF[TOWN_OF[share.village]], DEPARTMENTS[share.department]))
        if self.rarely():
            by = self.one((CADRES[share.village], STAFF[TOWN], *DEPARTMENTS.values(), LONE_CLERK))
        return wants.DecideExtension(by, each.id, self.one((True, True, False)), self.version(each.version))

    def several(self, *states: str) -> tuple[Actor, dict[ShareId, int]]:
        """Somebody's desk, or a part of it, perhaps with a neighbour's share on it."""
        first = self.share(*states)
        desk = [
            share
            for share in self.county.shares.values()
            if (share.village == first.village and share.state in states) or self.rarely()
        ]
        part = self._random.sample(desk, min(len(desk), self.one((1, 2, 3)))) or [first]
        return self.cadre(first), {share.id: self.version(share.version) for share in part}

    def of_a_task_for_one(self) -> list[Share]:
        """The shares of a task that is open to the first, taken only if all are."""
        shares = [share for share in self.county.shares.values() if share.open_to == "first"]
        untaken = [share for share in shares if share.task not in self.county.holders]
        task = self.one([share.task for share in untaken or shares])
        return [share for share in shares if share.task == task]

    def visits(self) -> Command:
        """Of shares that were claimed at some time: inspection visits nobody else."""
        known = [share for share in self.county.shares.values() if share.claimed_on is not None]
        waiting = [share for share in known if share.state == "reported_done"]
        visited = [self.one(waiting if waiting and not self.rarely() else known) for _ in range(self.one((1, 1, 1, 2)))]
        told = []
        for share in visited:
            findings = self._random.randint(0, 4)
            told.append((share.id, self.one((True, False)), findings, self._random.randint(0, findings)))
        return wants.CloseVisits(
            COMMITTEE,
            tuple(told),
            {share.id: share.origin for share in visited},
            {share.id: share.village for share in visited},
            {share.id: share.task for share in visited},
            self.county.today,
        )

    def order(self) -> Command:
        """A new order, or one that is told again."""
        again = bool(self.county.orders) and self.rarely()
        order = self.one(list(self.county.orders)) if again else RemovalOrderId(new_id())
        village = self.county.shares[self.county.orders[order]].village if again else self.one(EVERY_VILLAGE)
        return wants.OrderRemoval(COMMITTEE, order, village, self.county.today)

    # -- meetings and lists ------------------------------------------------------------------------------------------

    def list_version(self) -> Command:
        wording = UNFIT if self.rarely() else self.one(range(len(LISTS)))
        earlier = self.one((0, 0, 1, 30, -1))
        by = STAFF[COUNTY] if self.rarely() else OPERATOR
        return wants.PutInForce(by, wording, self.county.today - timedelta(days=earlier))

    def place(self) -> DivisionCode:
        return self.one((TOWN, TOWN, COUNTY, OTHER_TOWN))

    def staff(self, place: DivisionCode) -> Actor:
        if not self.rarely():
            return STAFF[place]
        return self.one((STAFF[COUNTY], STAFF[OTHER_TOWN], STAFF[TOWN], CADRES[EVERY_VILLAGE[0]]))

    def hold(self) -> Command:
        place = self.place()
        return wants.HoldMeeting(
            self.staff(place), place, self.county.today + timedelta(days=1 if self.rarely() else 0)
        )

    def meeting(self) -> Meeting:
        meetings = list(self.county.meetings.values())
        opened = [each for each in meetings if each.closed_on is None]
        return self.one(meetings if not opened or self.rarely() else opened)

    def villages(self, meeting: Meeting) -> tuple[DivisionCode, ...]:
        among = EVERY_VILLAGE if self.rarely() else villages_below(meeting.place)
        return tuple(self._random.sample(among, self._random.randint(1, len(among))))

    def publish(self, meeting: Meeting, *, ask: int | None = None) -> Command:
        wrong = self.rarely()
        number = self.one(range(len(ASKS) if wrong else 6)) if ask is None else ask
        villages = "all" if self.one((True, False)) else self.villages(meeting)
        open_to, if_duplicate = self.one(("each", "first")), self.one(("refuse", "merge"))
        reason = self.one((None, "防汛在即"))
        return wants.Publish(
            self.staff(meeting.place),
            meeting.id,
            number,
            villages,  # type: ignore[arg-type] # mypy makes a str of "all"
            open_to,  # type: ignore[arg-type]
            if_duplicate,  # type: ignore[arg-type]
            reason,
        )

    def budget(self) -> Command:
        place = self.one((TOWN, COUNTY, OTHER_TOWN, *EVERY_VILLAGE))
        by = self.one((OPERATOR, STAFF[COUNTY], STAFF[TOWN_OF.get(place, place)]))
        if self.rarely():
            by = self.one((STAFF[OTHER_TOWN], STAFF[TOWN], CADRES[EVERY_VILLAGE[0]], TOWNS_CLERK))
        from_month = self.county.today + timedelta(days=self.one((0, 0, 31, 31)) - 40 * self.rarely())
        return wants.ChangeBudget(by, place, from_month, self.one((None, 0, 4, 4, 8, 8, 12, 30)))

    def hand_over(self) -> Command:
        village = self.one((*EVERY_VILLAGE, TOWN)) if self.rarely() else self.one(EVERY_VILLAGE)
        by = CADRES.get(village, STAFF[TOWN]) if self.one((True, False)) else STAFF[TOWN_OF.get(village, village)]
        return wants.HandOverDesk(self.one((*CADRES.values(), STAFF[OTHER_TOWN])) if self.rarely() else by, village)

    def accept(self) -> Command:
        waiting = [each for each in self.county.handovers.values() if each.state == "open"]
        each = self.one(list(self.county.handovers.values()) if self.rarely() else waiting)
        by = self.one((*CADRES.values(), STAFF[TOWN])) if self.rarely() else SUCCESSORS[each.village]
        return wants.AcceptDesk(by, each.id, self.version(each.version))

    def attend(self) -> Command:
        meeting = self.meeting()
        return wants.Attend(
            self.staff(meeting.place), meeting.id, self.villages(meeting), self.version(meeting.version)
        )

    def close(self, meeting: Meeting) -> Command:
        return wants.CloseMeeting(self.staff(meeting.place), meeting.id, self.version(meeting.version))

    def object(self) -> Command:
        share = self.share("published")
        of_meeting = self.county.meetings.get(share.origin.id)  # type: ignore[call-overload] # or it is an order's
        meeting = self.meeting() if of_meeting is None or self.rarely() else of_meeting
        by = self.one((CADRES[share.village], STAFF[meeting.place]))
        return wants.RaiseObjection(by, meeting.id, share.village, share.task)

    # -- nos ---------------------------------------------------------------------------------------------------------

    def appeal(self) -> Command:
        fresh = [no for no in self.county.nos.values() if no.share is not None and no.id not in self.county.appeals]
        no = self.one(fresh if fresh and not self.rarely() else list(self.county.nos.values()))
        return wants.Appeal(
            self.one(list(DEPARTMENTS.values())) if self.rarely() else DEPARTMENTS[no.department], no.id
        )

    def decide(self) -> Command:
        opened = [ask for ask, appeal in self.county.appeals.items() if appeal.state == "open"]
        ask = self.one(opened if opened and not self.rarely() else list(self.county.nos))
        appeal = self.county.appeals.get(ask)
        by = self.one((COMMITTEE, COMMITTEE, TOWNS_APPROVER, STAFF[COUNTY])) if self.rarely() else COMMITTEE
        return wants.DecideAppeal(by, ask, self.one((False, True)), self.version(appeal.version if appeal else 1))
