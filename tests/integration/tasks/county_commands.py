"""Everything that people, other services and time itself can want of the tasks service, and how each is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from qingdan.divisions import DivisionCode
from qingdan.ids import AskId, MeetingId, RemovalOrderId, ShareId, SignId, TaskId, VisitId
from qingdan.inspection_events import VisitClosed
from qingdan.origin import Origin
from qingdan.signage_events import RemovalOrdered
from runtime.actor import Actor
from runtime.db import Version
from runtime.ids import new_id
from tasks.accept_desk import accept_desk
from tasks.appeal_refusal import appeal_refusal
from tasks.ask_extension import ask_extension
from tasks.change_budget import change_budget
from tasks.change_limit import change_limit
from tasks.claim_task import claim_task
from tasks.claim_tasks import claim_tasks
from tasks.clock_rules import WaitingFor
from tasks.close_meeting import close_meeting
from tasks.decide_appeal import decide_appeal
from tasks.decide_extension import decide_extension
from tasks.extension_rules import ExtensionId
from tasks.grant_silent_extensions import grant_silent_extensions
from tasks.hand_over_desk import hand_over_desk
from tasks.handover_rules import HandOverId
from tasks.hold_meeting import hold_meeting
from tasks.list_rules import VILLAGE_LIST
from tasks.pause_share import pause_share
from tasks.publish_list_version import publish_list_version
from tasks.publish_task import Terms, publish_task
from tasks.raise_objection import raise_objection
from tasks.record_attendance import record_attendance
from tasks.recount_due_dates import recount_due_dates
from tasks.refuse_share import refuse_share
from tasks.report_all_done import report_all_done
from tasks.report_done import report_done
from tasks.report_progress import report_progress
from tasks.resume_share import resume_share
from tasks.share_rules import VillageCode
from tasks.uphold_silent_appeals import uphold_silent_appeals
from tasks.withdraw_taken_shares import withdraw_taken_shares
from tests.integration.tasks.county_lists import ASKS, LISTS

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene

Seen = Mapping[ShareId, int]
"""Shares, each with the version that somebody has seen of it."""


@dataclass(frozen=True)
class Command:
    """Something wanted by somebody."""

    by: Actor


@dataclass(frozen=True)
class PutInForce(Command):
    wording: int  # of LISTS
    effective_on: date


@dataclass(frozen=True)
class HoldMeeting(Command):
    place: DivisionCode
    held_on: date


@dataclass(frozen=True)
class Attend(Command):
    meeting: MeetingId
    villages: tuple[DivisionCode, ...]
    version: int


@dataclass(frozen=True)
class CloseMeeting(Command):
    meeting: MeetingId
    version: int


@dataclass(frozen=True)
class RaiseObjection(Command):
    meeting: MeetingId
    village: DivisionCode
    task: TaskId


@dataclass(frozen=True)
class Publish(Command):
    meeting: MeetingId
    ask: int  # of ASKS
    villages: tuple[DivisionCode, ...] | Literal["all"]
    open_to: Literal["each", "first"]
    if_duplicate: Literal["refuse", "merge"]
    reason: str | None = None  # why it must be although it takes villages beyond their budget


@dataclass(frozen=True)
class Claim(Command):
    share: ShareId
    limit: int
    version: int


@dataclass(frozen=True)
class ClaimSeveral(Command):
    seen: Seen
    limit: int


@dataclass(frozen=True)
class ChangeLimit(Command):
    share: ShareId
    limit: int
    version: int


@dataclass(frozen=True)
class Pause(Command):
    share: ShareId
    waiting_for: WaitingFor
    version: int


@dataclass(frozen=True)
class Resume(Command):
    share: ShareId
    version: int


@dataclass(frozen=True)
class Progress(Command):
    share: ShareId
    percent: int
    version: int


@dataclass(frozen=True)
class ReportDone(Command):
    share: ShareId
    version: int


@dataclass(frozen=True)
class ReportAllDone(Command):
    seen: Seen


@dataclass(frozen=True)
class AskExtension(Command):
    share: ShareId
    limit: int
    version: int


@dataclass(frozen=True)
class DecideExtension(Command):
    extension: ExtensionId
    granted: bool
    version: int


@dataclass(frozen=True)
class ChangeBudget(Command):
    place: DivisionCode
    from_month: date
    hours: int | None


@dataclass(frozen=True)
class HandOverDesk(Command):
    village: DivisionCode


@dataclass(frozen=True)
class AcceptDesk(Command):
    hand_over: HandOverId
    version: int


@dataclass(frozen=True)
class Refuse(Command):
    share: ShareId
    code: VillageCode
    version: int


@dataclass(frozen=True)
class Appeal(Command):
    ask: AskId


@dataclass(frozen=True)
class DecideAppeal(Command):
    ask: AskId
    upheld: bool
    version: int


@dataclass(frozen=True)
class CloseVisits(Command):
    """What inspection tells at once: of each visit its share, whether it passed, findings and failed re-checks."""

    visits: tuple[tuple[ShareId, bool, int, int], ...]
    origins: Mapping[ShareId, Origin]
    villages: Mapping[ShareId, DivisionCode]
    tasks: Mapping[ShareId, TaskId]
    closed_on: date


@dataclass(frozen=True)
class OrderRemoval(Command):
    order: RemovalOrderId
    village: DivisionCode
    ordered_on: date


@dataclass(frozen=True)
class WithdrawTaken(Command):
    pass


@dataclass(frozen=True)
class UpholdSilent(Command):
    pass


@dataclass(frozen=True)
class GrantSilent(Command):
    pass


@dataclass(frozen=True)
class Recount(Command):
    pass


async def send(scene: "Scene", wanted: Command) -> object:
    """Have it done, as the edge, the consumers and the works do. Raises what the use case raises."""
    if isinstance(wanted, PutInForce | HoldMeeting | Attend | CloseMeeting | RaiseObjection | Publish | ChangeBudget):
        return await _send_of_meetings(scene, wanted)
    if isinstance(wanted, HandOverDesk):
        return await hand_over_desk(scene.pool, wanted.by, wanted.village, {})
    if isinstance(wanted, AcceptDesk):
        return await accept_desk(scene.pool, wanted.by, wanted.hand_over, expected=Version(wanted.version))
    if isinstance(wanted, Refuse | Appeal | DecideAppeal):
        return await _send_of_nos(scene, wanted)
    if isinstance(wanted, CloseVisits | OrderRemoval | WithdrawTaken | UpholdSilent | GrantSilent | Recount):
        return await _send_of_services(scene, wanted)
    return await _send_of_shares(scene, wanted)


async def _send_of_meetings(scene: "Scene", wanted: Command) -> object:
    pool = scene.pool
    match wanted:
        case PutInForce(by, wording, effective_on):
            items = LISTS[wording]
            return await publish_list_version(
                pool, by, VILLAGE_LIST, effective_on=effective_on, items=items, negative=()
            )
        case HoldMeeting(by, place, held_on):
            return await hold_meeting(pool, by, place, held_on, "工作部署会")
        case Attend(by, meeting, villages, version):
            return await record_attendance(pool, by, meeting, villages, expected=Version(version))
        case CloseMeeting(by, meeting, version):
            return await close_meeting(pool, by, meeting, expected=Version(version))
        case RaiseObjection(by, meeting, village, task):
            return await raise_objection(pool, by, meeting, village, task, "路太长")
        case ChangeBudget(by, place, from_month, hours):
            return await change_budget(pool, by, place, from_month, hours)
        case Publish(by, meeting, ask, villages, open_to, if_duplicate, reason):
            terms = Terms(open_to, if_duplicate, beyond_budget_reason=reason)
            return await publish_task(pool, by, meeting, ASKS[ask], villages, terms)
    raise AssertionError(wanted)


async def _send_of_shares(scene: "Scene", wanted: Command) -> object:
    pool = scene.pool
    match wanted:
        case Claim(by, share, limit, version):
            return await claim_task(pool, by, share, limit, expected=Version(version))
        case ClaimSeveral(by, seen, limit):
            return await claim_tasks(pool, by, _expected(seen), limit)
        case ChangeLimit(by, share, limit, version):
            return await change_limit(pool, by, share, limit, "连续降雨", expected=Version(version))
        case AskExtension(by, share, limit, version):
            return await ask_extension(pool, by, share, limit, "连续降雨", expected=Version(version))
        case DecideExtension(by, extension, granted, version):
            return await decide_extension(pool, by, extension, granted, "已核", expected=Version(version))
        case Pause(by, share, waiting_for, version):
            return await pause_share(pool, by, share, waiting_for, "", expected=Version(version))
        case Resume(by, share, version):
            return await resume_share(pool, by, share, "", expected=Version(version))
        case Progress(by, share, percent, version):
            return await report_progress(pool, by, share, percent, note="", photo_sha256=(), expected=Version(version))
        case ReportDone(by, share, version):
            return await report_done(pool, by, share, (), expected=Version(version))
        case ReportAllDone(by, seen):
            return await report_all_done(pool, by, _expected(seen), dict.fromkeys(seen, ()))
    raise AssertionError(wanted)


async def _send_of_nos(scene: "Scene", wanted: Command) -> object:
    pool = scene.pool
    match wanted:
        case Refuse(by, share, code, version):
            return await refuse_share(pool, by, share, code, "没有经费", expected=Version(version))
        case Appeal(by, ask):
            return await appeal_refusal(pool, by, ask, "经费已下达")
        case DecideAppeal(by, ask, upheld, version):
            return await decide_appeal(pool, by, ask, upheld, "已核", expected=Version(version))
    raise AssertionError(wanted)


async def _send_of_services(scene: "Scene", wanted: Command) -> object:
    pool, service = scene.pool, scene.service
    match wanted:
        case CloseVisits():
            await scene.hear(*_visits_closed(wanted))
        case OrderRemoval(_, order, village, ordered_on):
            await scene.hear(_ordered(order, village, ordered_on))
        case WithdrawTaken():
            while await withdraw_taken_shares(pool, service):
                pass
        case UpholdSilent():
            while await uphold_silent_appeals(pool, service):
                pass
        case GrantSilent():
            while await grant_silent_extensions(pool, service):
                pass
        case Recount():
            await recount_due_dates(pool, service)  # notices what is known by now, and counts at the next turn
            while await recount_due_dates(pool, service):
                pass
        case _:
            raise AssertionError(wanted)
    return None


def _expected(seen: Seen) -> dict[ShareId, Version]:
    return {share: Version(version) for share, version in seen.items()}


def _visits_closed(told: CloseVisits) -> list[VisitClosed]:
    return [
        VisitClosed(
            visit=VisitId(new_id()),
            task=told.tasks[share],
            share=share,
            village=told.villages[share],
            origin=told.origins[share],
            passed=passed,
            findings=findings,
            failed_rechecks=failed,
            closed_on=told.closed_on,
        )
        for share, passed, findings, failed in told.visits
    ]


def _ordered(order: RemovalOrderId, village: DivisionCode, ordered_on: date) -> RemovalOrdered:
    return RemovalOrdered(
        order=order,
        village=village,
        sign=SignId(UUID(int=order.int)),
        department="RWB",
        code="SG19",
        ordered_on=ordered_on,
        due_on=ordered_on,
        wording="民兵连部",
        legal_basis="厅字〔2022〕28号",
    )
