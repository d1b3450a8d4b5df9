"""A county as it should be: what each command should be answered with, what it should change and tell."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Any, Literal
from uuid import UUID

from qingdan.divisions import DivisionCode, DivisionLevel
from qingdan.gate import Ask
from qingdan.ids import AskId, MeetingId, RemovalOrderId, ShareId, TaskId
from qingdan.origin import Origin
from qingdan.tasks_events import AskKind, AskMerged, RefusalCode, ShareRefused, TaskPublished
from runtime.actor import Actor, Role
from runtime.divisions import DivisionUnknown
from runtime.problems import Invalid, NotFound, Refusal, StaleVersion
from runtime.workdays import Calendar
from tasks.appeal_rules import (
    AlreadyAppealed,
    AppealDecided,
    AppealTooLate,
    CountyDecides,
    OnlyVillagesNo,
    OwnAppeal,
    TimeToDecideOver,
)
from tasks.budget_rules import BeyondBudget
from tasks.claim_rules import TaskTaken
from tasks.extension_rules import ExtensionId
from tasks.gate_rules import AskedAlready, NotOnTheList
from tasks.handover_rules import HandOverId
from tasks.hold_meeting import MeetingView
from tasks.list_rules import Item, ListNotLater, NoListInForce, NotYetInEffect
from tasks.meeting_rules import (
    AlreadyObjected,
    MeetingInTheFuture,
    MeetingIsClosed,
    TaskNotOnTheTable,
    VillagesNotInvited,
)
from tasks.task_rules import VillagesNotInMeeting
from tests.integration.tasks import county_budgets, county_extensions, county_handovers
from tests.integration.tasks import county_commands as wants
from tests.integration.tasks.county_budgets import Budget
from tests.integration.tasks.county_commands import Command
from tests.integration.tasks.county_extensions import Extension
from tests.integration.tasks.county_handovers import HandOver
from tests.integration.tasks.county_lists import ASKS, COUNTY, EVERY_VILLAGE, LISTS, UNFIT, VILLAGES
from tests.integration.tasks.county_shares import Foreseen, Share, Told, given, require, sees

DUPLICATE_DAYS = 30
APPEAL_DAYS = DECIDE_DAYS = 10


@dataclass
class Version:
    number: int
    effective_on: date
    items: dict[str, Item]


@dataclass
class Meeting:
    id: MeetingId
    place: DivisionCode
    version: int = 1
    closed_on: date | None = None
    attended: frozenset[DivisionCode] = frozenset()
    objections: set[ShareId] = field(default_factory=set)

    @property
    def invited(self) -> tuple[DivisionCode, ...]:
        return villages_below(self.place)


@dataclass
class No:
    """A village's no (`share`), or the gate's."""

    id: AskId
    department: str
    place: DivisionCode
    refused_on: date
    code: str
    share: ShareId | None = None


@dataclass
class OneAppeal:
    no: No
    by: str
    decide_by: date
    state: Literal["open", "upheld", "overturned"] = "open"
    version: int = 1


def villages_below(place: DivisionCode) -> tuple[DivisionCode, ...]:
    return EVERY_VILLAGE if place == COUNTY else VILLAGES.get(place, (place,))


@dataclass(frozen=True)
class Made:
    """What a command of the service left behind: the events, and the ids of the villages' nos by share and code."""

    told: Sequence[dict[str, Any]]
    nos: Mapping[tuple[ShareId, str], AskId]


@dataclass
class County:
    """Everything that should be so; `carry_out` is the only thing that changes it, but for the days that pass."""

    today: date
    days: Calendar = field(default_factory=Calendar)
    versions: list[Version] = field(default_factory=list)
    meetings: dict[MeetingId, Meeting] = field(default_factory=dict)
    shares: dict[ShareId, Share] = field(default_factory=dict)
    holders: dict[TaskId, tuple[ShareId, bool]] = field(default_factory=dict)  # whether the others are withdrawn
    nos: dict[AskId, No] = field(default_factory=dict)
    appeals: dict[AskId, OneAppeal] = field(default_factory=dict)
    extensions: dict[ExtensionId, Extension] = field(default_factory=dict)
    budgets: list[Budget] = field(default_factory=list)
    handovers: dict[HandOverId, HandOver] = field(default_factory=dict)
    merged: int = 0
    orders: dict[RemovalOrderId, ShareId] = field(default_factory=dict)
    recounted: Calendar | None = None
    notes: int = 0  # entries of the audit trail that no event goes with

    def carry_out(self, wanted: Command, answer: object, made: Made) -> list[Told]:
        """What should be told, in order. `answer`, `made`: the service's, for the ids of what is new.

        Raises Foreseen where the service should refuse; then nothing has changed here.
        """
        steps: dict[type[Command], Callable[..., list[Told]]] = {
            wants.PutInForce: self._put_in_force,
            wants.HoldMeeting: self._hold,
            wants.Attend: self._attend,
            wants.CloseMeeting: self._close,
            wants.RaiseObjection: self._object,
            wants.Publish: self._publish,
            wants.Claim: self._claim,
            wants.ClaimSeveral: self._claim,
            wants.Refuse: self._refuse,
            wants.Appeal: self._appeal,
            wants.DecideAppeal: self._decide,
            wants.CloseVisits: self._visits,
            wants.OrderRemoval: self._remove,
            wants.WithdrawTaken: self._withdraw,
            wants.UpholdSilent: self._uphold,
            wants.AskExtension: partial(county_extensions.ask, self),
            wants.DecideExtension: partial(county_extensions.decide, self),
            wants.GrantSilent: partial(county_extensions.grant_silent, self),
            wants.ChangeBudget: partial(county_budgets.change, self),
            wants.HandOverDesk: partial(county_handovers.hand_over, self),
            wants.AcceptDesk: partial(county_handovers.accept, self),
            wants.Recount: self._recount,
        }
        step = steps.get(type(wanted), self._work)
        return step(wanted, answer, made)

    # -- lists -------------------------------------------------------------------------------------------------------

    @property
    def in_force(self) -> Version | None:
        return self.versions[-1] if self.versions else None

    def _put_in_force(self, wanted: wants.PutInForce, *_: object) -> list[Told]:
        require(wanted.by, Role.OPERATOR)
        if wanted.wording == UNFIT:
            raise Foreseen(Invalid)
        if wanted.effective_on > self.today:
            raise Foreseen(NotYetInEffect)
        if self.in_force is not None and wanted.effective_on < self.in_force.effective_on:
            raise Foreseen(ListNotLater)
        number = len(self.versions) + 1
        items = {item.code: item for item in LISTS[wanted.wording]}
        self.versions.append(Version(number, wanted.effective_on, items))
        return [("list.version-took-effect.v1", {"version": number, "effective_on": wanted.effective_on})]

    # -- meetings ----------------------------------------------------------------------------------------------------

    def _hold(self, wanted: wants.HoldMeeting, answer: object, *_: object) -> list[Told]:
        require(wanted.by, Role.TOWN_STAFF)
        if wanted.held_on > self.today:
            raise Foreseen(MeetingInTheFuture)
        if not sees(wanted.by, wanted.place):
            raise Foreseen(DivisionUnknown)
        view = given(answer, MeetingView)
        self.meetings[view.meeting] = Meeting(view.meeting, wanted.place)
        self.notes += 1
        return []

    def _lock_meeting(self, by: Actor, id_: MeetingId, version: int) -> Meeting:
        meeting = self.meetings[id_]
        if not sees(by, meeting.place):
            raise Foreseen(NotFound)
        if meeting.version != version:
            raise Foreseen(StaleVersion)
        if meeting.closed_on is not None:
            raise Foreseen(MeetingIsClosed)
        return meeting

    def _attend(self, wanted: wants.Attend, *_: object) -> list[Told]:
        require(wanted.by, Role.TOWN_STAFF)
        meeting = self._lock_meeting(wanted.by, wanted.meeting, wanted.version)
        if not set(wanted.villages) <= set(meeting.invited):
            raise Foreseen(VillagesNotInvited)
        meeting.attended, meeting.version = frozenset(wanted.villages), meeting.version + 1
        self.notes += 1
        return []

    def _close(self, wanted: wants.CloseMeeting, *_: object) -> list[Told]:
        require(wanted.by, Role.TOWN_STAFF)
        meeting = self._lock_meeting(wanted.by, wanted.meeting, wanted.version)
        on_table = [share for share in self.shares.values() if share.origin.id == meeting.id]
        meeting.closed_on, meeting.version = self.today, meeting.version + 1
        says = {
            "meeting": meeting.id,
            "villages_invited": len(meeting.invited),
            "villages_attended": len(meeting.attended),
            "tasks": len({share.task for share in on_table}),
            "claims": sum(share.claimed_on is not None for share in on_table),
            "objections": len(meeting.objections),
        }
        return [("meeting.closed.v1", says)]

    def _object(self, wanted: wants.RaiseObjection, *_: object) -> list[Told]:
        require(wanted.by, Role.VILLAGE_CADRE, Role.TOWN_STAFF)
        meeting = self.meetings[wanted.meeting]
        if wanted.village not in meeting.invited or not sees(wanted.by, wanted.village):
            raise Foreseen(NotFound)
        if meeting.closed_on is not None:
            raise Foreseen(MeetingIsClosed)
        on_table = [
            share
            for share in self.shares.values()
            if (share.task, share.village, share.origin.id) == (wanted.task, wanted.village, meeting.id)
        ]
        if not on_table:
            raise Foreseen(TaskNotOnTheTable)
        if on_table[0].id in meeting.objections:
            raise Foreseen(AlreadyObjected)
        meeting.objections.add(on_table[0].id)
        self.notes += 1
        return []

    # -- the gate ----------------------------------------------------------------------------------------------------

    def _publish(self, wanted: wants.Publish, answer: object, *_: object) -> list[Told]:
        require(wanted.by, Role.TOWN_STAFF)
        meeting, ask = self.meetings[wanted.meeting], ASKS[wanted.ask]
        if not sees(wanted.by, meeting.place):
            raise Foreseen(NotFound)
        if meeting.closed_on is not None:
            raise Foreseen(MeetingIsClosed)
        villages = meeting.invited if wanted.villages == "all" else wanted.villages
        if not set(villages) <= set(meeting.invited):
            raise Foreseen(VillagesNotInMeeting)
        if self.in_force is None:
            raise Foreseen(NoListInForce)
        code = self._code_of_gate(ask, villages)
        earlier = self._earlier(ask, villages) if code is None else None
        if code is None and earlier is None:
            beyond = county_budgets.beyond(self, villages, self.in_force.items[ask.cites or ""].hours_estimate)
            if beyond and wanted.reason is None:
                raise Foreseen(BeyondBudget)
            return self._published(given(answer, TaskPublished), ask, wanted, meeting, beyond)
        if earlier is not None and wanted.if_duplicate == "merge" and earlier[1] >= set(villages):
            merged = given(answer, AskMerged)
            self.merged += 1
            return [("ask.merged.v1", {"ask": merged.ask, "into": earlier[0], "department": ask.department})]
        said = code or RefusalCode.DUPLICATE
        refused: Refusal = given(answer, NotOnTheList, AskedAlready)
        no = No(AskId(UUID(str(refused.details["ask"]))), ask.department, meeting.place, self.today, said)
        self.nos[no.id] = no
        says = {"ask": no.id, "code": said, "decided_by": "gate", "list_version": self.in_force.number}
        raise Foreseen(AskedAlready if code is None else NotOnTheList, [("ask.refused.v1", says)])

    def _code_of_gate(self, ask: Ask, villages: Iterable[DivisionCode]) -> RefusalCode | None:
        assert self.in_force is not None
        item = self.in_force.items.get(ask.cites or "")
        if ask.kind is AskKind.LETTER:
            return RefusalCode.NEGATIVE_LIST
        if ask.kind in (AskKind.FORM, AskKind.CERTIFICATE) and (item is None or ask.kind not in item.kinds):
            return RefusalCode.ALREADY_SUPPLIED
        if item is None or self.today > (item.valid_to or date.max):
            return RefusalCode.OFF_LIST
        if ask.department not in item.askers:
            return RefusalCode.ASKER_NOT_NAMED
        if ask.kind not in item.kinds:
            return RefusalCode.KIND_NOT_ALLOWED
        if item.division is not None and not set(villages) <= set(villages_below(item.division)):
            return RefusalCode.BEYOND_ITEM
        often = item.asks_per_village_year_max
        used_up = often is not None and any(self._asked(item.code, village) >= often for village in villages)
        return RefusalCode.BEYOND_ITEM if used_up else None

    def _asked(self, item: str, village: DivisionCode) -> int:
        return sum(
            (share.item, share.village, share.published_on.year) == (item, village, self.today.year)
            and share.state != "withdrawn"
            for share in self.shares.values()
        )

    def _earlier(self, ask: Ask, villages: Iterable[DivisionCode]) -> tuple[TaskId, set[DivisionCode]] | None:
        """The oldest task that asks the same for another department, and of which of these villages it still does."""
        same: dict[TaskId, set[DivisionCode]] = {}
        for share in self.shares.values():
            if (
                (share.kind, share.title) == (ask.kind, ask.title_zh)
                and share.department != ask.department
                and share.village in set(villages)
                and share.published_on >= self.today - timedelta(days=DUPLICATE_DAYS)
                and share.state not in ("refused", "withdrawn")
            ):
                same.setdefault(share.task, set()).add(share.village)
        return min(same.items(), default=None)

    def _published(
        self, event: TaskPublished, ask: Ask, wanted: wants.Publish, meeting: Meeting, beyond: set[DivisionCode]
    ) -> list[Told]:
        assert self.in_force is not None
        item = self.in_force.items[ask.cites or ""]
        latest = item.latest_working_days
        latest_on = None if latest is None else self.days.add_working_days(self.today, latest).on
        for part in event.shares:
            self.shares[part.share] = Share(
                part.share,
                event.task,
                part.village,
                Origin(service="tasks", kind="work_meeting", id=meeting.id),
                *(ask.department, ask.kind.value, ask.title_zh, item.code, self.in_force.number),
                *(item.inspect_on_completion, item.hours_estimate, latest_on, wanted.open_to, self.today),
                beyond_budget=part.village in beyond,
            )
        bound = any(county_budgets.of_village(self, part.village) is not None for part in event.shares)
        says = {"task": event.task, "item": item.code, "list_version": self.in_force.number, "latest_on": latest_on}
        return [("task.published.v1", says | {"villages_beyond_budget": len(beyond) if bound else None})]

    def _remove(self, wanted: wants.OrderRemoval, _: object, made: Made) -> list[Told]:
        if wanted.order in self.orders:
            return []
        (body,) = (body for body in made.told if body.get("origin", {}).get("id") == str(wanted.order))
        event = TaskPublished.model_validate(body)
        (part,) = event.shares
        self.orders[wanted.order] = part.share
        self.shares[part.share] = Share(
            part.share,
            event.task,
            wanted.village,
            Origin(service="signage", kind="removal_order", id=wanted.order),
            *("RWB", "sign", "", None, None, True, None, None, "each", self.today),
        )
        return [("task.published.v1", {"item": None, "list_version": None, "department": "RWB"})]

    # -- claims ------------------------------------------------------------------------------------------------------

    def _claim(self, wanted: wants.Claim | wants.ClaimSeveral, *_: object) -> list[Told]:
        require(wanted.by, Role.VILLAGE_CADRE)
        seen = wanted.seen if isinstance(wanted, wants.ClaimSeveral) else {wanted.share: wanted.version}
        shares = [self.shares[share] for share in seen]
        for share in shares:
            share.require_seen(wanted.by, seen[share.id])
        for share in shares:
            share.require_claimable(wanted.limit, self.days, self.today)
        first = [share for share in shares if share.open_to == "first"]
        if any(share.task in self.holders for share in first):
            raise Foreseen(TaskTaken)
        self.holders |= {share.task: (share.id, False) for share in first}
        return [share.claim(wanted.by, wanted.limit, self.days, self.today) for share in shares]

    def _withdraw(self, *_: object) -> list[Told]:
        told = []
        for task, (holder, _done) in sorted(self.holders.items()):
            self.holders[task] = (holder, True)
            of_task = [share for share in self.shares.values() if share.task == task and share.state == "published"]
            told += [share.withdraw(self.today) for share in of_task]
        return told

    # -- the work ----------------------------------------------------------------------------------------------------

    def _work(self, wanted: Command, *_: object) -> list[Told]:
        if isinstance(wanted, wants.ReportAllDone):
            return self._report_all(wanted)
        assert isinstance(wanted, wants.ChangeLimit | wants.Pause | wants.Resume | wants.Progress | wants.ReportDone), (
            wanted
        )
        others = (Role.DEPARTMENT_STAFF, Role.TOWN_STAFF) if isinstance(wanted, wants.Resume) else ()
        require(wanted.by, Role.VILLAGE_CADRE, *others)
        share = self.shares[wanted.share]
        share.require_seen(wanted.by, wanted.version)
        match wanted:
            case wants.ChangeLimit(limit=limit):
                return [share.change_limit(limit, self.days, self.today)]
            case wants.Pause(waiting_for=waiting_for):
                return [share.pause(waiting_for, self.today)]
            case wants.Resume():
                return [share.resume(wanted.by, self.days, self.today)]
            case wants.Progress(percent=percent):
                return [share.progress(percent, self.today)]
            case wants.ReportDone():
                return share.report_done(self.days, self.today)

    def _report_all(self, wanted: wants.ReportAllDone) -> list[Told]:
        require(wanted.by, Role.VILLAGE_CADRE)
        shares = [self.shares[share] for share in wanted.seen]
        for share in shares:
            share.require_seen(wanted.by, wanted.seen[share.id])
        for share in shares:
            share.require_under_way()
        return [told for share in shares for told in share.report_done(self.days, self.today)]

    def _visits(self, wanted: wants.CloseVisits, *_: object) -> list[Told]:
        told = []
        for share, passed, findings, failed in wanted.visits:
            told += self.shares[share].close_visit(passed, findings, failed, self.days, wanted.closed_on)
        for share in {visit[0] for visit in wanted.visits}:
            self.shares[share].version += 1
        return told

    def _recount(self, *_: object) -> list[Told]:
        if self.recounted == self.days:
            return []
        self.recounted = self.days
        return [told for share in sorted(self.shares) for told in self.shares[share].recount(self.days)]

    # -- a village's no ----------------------------------------------------------------------------------------------

    def _refuse(self, wanted: wants.Refuse, answer: object, made: Made) -> list[Told]:
        require(wanted.by, Role.VILLAGE_CADRE)
        share = self.shares[wanted.share]
        share.require_seen(wanted.by, wanted.version)
        told = share.refuse(wanted.code, self.in_force.number if self.in_force else None, self.today)
        given(answer, ShareRefused)
        ask = made.nos[share.id, wanted.code]
        self.nos[ask] = No(ask, share.department, share.village, self.today, wanted.code, share.id)
        return [(type_, {"ask": ask, **says}) if type_ == "ask.refused.v1" else (type_, says) for type_, says in told]

    def _appeal(self, wanted: wants.Appeal, *_: object) -> list[Told]:
        require(wanted.by, Role.DEPARTMENT_STAFF)
        no = self.nos[wanted.ask]
        if not sees(wanted.by, no.place, no.department):
            raise Foreseen(NotFound)
        if no.share is None:
            raise Foreseen(OnlyVillagesNo)
        if no.id in self.appeals:
            raise Foreseen(AlreadyAppealed)
        if self.today > self.days.add_working_days(no.refused_on, APPEAL_DAYS).on:
            raise Foreseen(AppealTooLate)
        decide_by = self.days.add_working_days(self.today, DECIDE_DAYS).on
        self.appeals[no.id] = OneAppeal(no, wanted.by.subject, decide_by)
        return [self.shares[no.share].told("refusal.appealed.v1", ask=no.id, decide_by=decide_by)]

    def _decide(self, wanted: wants.DecideAppeal, *_: object) -> list[Told]:
        require(wanted.by, Role.ACCESS_APPROVER)
        if wanted.by.division.level is not DivisionLevel.COUNTY:
            raise Foreseen(CountyDecides)
        appeal = self.appeals.get(wanted.ask)
        if appeal is None or not sees(wanted.by, appeal.no.place, appeal.no.department):
            raise Foreseen(NotFound)
        if appeal.version != wanted.version:
            raise Foreseen(StaleVersion)
        if wanted.by.subject == appeal.by or wanted.by.department == appeal.no.department:
            raise Foreseen(OwnAppeal)
        if appeal.state != "open":
            raise Foreseen(AppealDecided)
        if self.today > appeal.decide_by:
            raise Foreseen(TimeToDecideOver)
        return [self._decided(appeal, wanted.upheld)]

    def _uphold(self, *_: object) -> list[Told]:
        overdue = [each for each in self.appeals.values() if each.state == "open" and each.decide_by < self.today]
        return [self._decided(appeal, True) for appeal in overdue]

    def _decided(self, appeal: OneAppeal, upheld: bool) -> Told:
        assert appeal.no.share is not None
        share = self.shares[appeal.no.share]
        appeal.state, appeal.version = ("upheld" if upheld else "overturned"), appeal.version + 1
        if not upheld:
            share.publish_again()
            if share.task in self.holders:  # another village may have taken the task meanwhile
                self.holders[share.task] = (self.holders[share.task][0], False)
        return share.told("refusal.decided.v1", ask=appeal.no.id, upheld=upheld, decided_on=self.today)
