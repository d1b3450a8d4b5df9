"""Examples of what is asked of villages: access, tasks, meetings, refusals, the assessment."""

from datetime import date

from qingdan import access_events as access
from qingdan import assessment_events as assessment
from qingdan import burden_events as burden
from qingdan import tasks_events as tasks
from qingdan.divisions import DivisionLevel
from qingdan.event import EventBody
from qingdan.example_values import (
    APPLICATION,
    LATER,
    MEETING,
    PHOTO,
    REMOVAL,
    SHARE,
    TASK,
    TODAY,
    TOWNSHIP,
    VILLAGE,
    fixed_uuid,
)
from qingdan.ids import AskId, AssessmentId, MeetingId


def _tasks() -> tuple[EventBody, ...]:
    return (
        tasks.TaskPublished(
            task=TASK,
            origin=MEETING,
            item="RS05",
            list_version=1,
            department="ZJJ",
            kind=tasks.AskKind.TASK,
            title_zh="背街小巷整治(胡同改造)3条",
            title_en="Renovate three back lanes (hutongs)",
            division=TOWNSHIP,
            inspect_on_completion=True,
            published_on=TODAY,
            shares=(tasks.PublishedShare(share=SHARE, village=VILLAGE),),
        ),
        tasks.ShareClaimed(
            task=TASK,
            share=SHARE,
            village=VILLAGE,
            department="ZJJ",
            limit_working_days=10,
            claimed_on=TODAY,
            due_on=LATER,
            provisional=False,
            origin=MEETING,
        ),
        tasks.ShareRefused(
            task=TASK,
            share=SHARE,
            village=VILLAGE,
            department="ZJJ",
            code=tasks.RefusalCode.NO_MEANS,
            list_version=1,
            refused_on=TODAY,
            origin=MEETING,
        ),
        tasks.ShareProgressed(
            task=TASK,
            share=SHARE,
            village=VILLAGE,
            percent=60,
            photo_sha256=(PHOTO,),
            reported_on=TODAY,
            origin=MEETING,
        ),
        tasks.ShareReportedDone(
            task=TASK, share=SHARE, village=VILLAGE, photo_sha256=(PHOTO,), reported_on=LATER, origin=MEETING
        ),
        tasks.ShareCompleted(
            task=TASK,
            share=SHARE,
            village=VILLAGE,
            completed_on=LATER,
            due_on=LATER,
            used_working_days=10,
            on_time=True,
            origin=REMOVAL,
        ),
    )


def _changes_of_shares() -> tuple[EventBody, ...]:
    share = {"task": TASK, "share": SHARE, "village": VILLAGE, "origin": MEETING}
    ask = AskId(fixed_uuid("ask"))
    return (
        tasks.ShareWithdrawn(**share, code="taken", withdrawn_on=TODAY),
        tasks.ShareLimitChanged(
            **share,
            department="JTJ",
            limit_working_days=15,
            due_on=LATER,
            provisional=False,
            code="extension",
            changed_on=TODAY,
        ),
        tasks.SharePaused(**share, waiting_for="department", paused_on=TODAY),
        tasks.ShareResumed(**share, paused_working_days=4, due_on=LATER, provisional=False, resumed_on=TODAY),
        tasks.ExtensionAsked(**share, department="JTJ", limit_working_days=20, asked_on=TODAY, decide_by=LATER),
        tasks.ExtensionDecided(**share, department="JTJ", granted=True, decided_on=LATER),
        tasks.DeskTransferred(village=VILLAGE, shares_open=3, transferred_on=TODAY),
        tasks.RefusalAppealed(**share, ask=ask, department="JTJ", appealed_on=TODAY, decide_by=LATER),
        tasks.RefusalDecided(**share, ask=ask, department="JTJ", upheld=True, decided_on=LATER),
    )


def _meetings() -> tuple[EventBody, ...]:
    return (
        tasks.MeetingClosed(
            meeting=MeetingId(fixed_uuid("meeting")),
            division=TOWNSHIP,
            held_on=TODAY,
            villages_invited=21,
            villages_attended=20,
            tasks=3,
            claims=57,
            objections=1,
            closed_on=TODAY,
        ),
        tasks.AskMerged(
            ask=AskId(fixed_uuid("merged ask")),
            department="TJJ",
            kind=tasks.AskKind.TASK,
            into=TASK,
            division=TOWNSHIP,
            merged_on=TODAY,
        ),
    )


def _burden() -> tuple[EventBody, ...]:
    line = burden.BurdenLine(
        department="MZJ",
        category="statutory",
        asks=2,
        shares=42,
        hours=336,
        beyond_budget=1,
        refused_at_gate=3,
        refused_by_villages=1,
        merged=1,
    )
    return (
        burden.BudgetChanged(division=TOWNSHIP, from_month=date(2021, 9, 1), hours_per_village=120, changed_on=TODAY),
        burden.BurdenReported(
            division=TOWNSHIP,
            month=date(2021, 7, 1),
            lines=(line,),
            items_never_used=("RA17",),
            items_always_late=(),
            reported_on=TODAY,
        ),
    )


def _asks() -> tuple[EventBody, ...]:
    return (
        tasks.AskRefused(
            ask=AskId(fixed_uuid("ask")),
            department="SCJ",
            kind=tasks.AskKind.LETTER,
            code=tasks.RefusalCode.NEGATIVE_LIST,
            decided_by="gate",
            list_version=1,
            nearest_item="RA20",
            division=TOWNSHIP,
            refused_on=TODAY,
        ),
    )


def _access() -> tuple[EventBody, ...]:
    item = access.ListItem(
        code="RS05",
        category=access.ItemCategory.STATUTORY,
        title_zh="办理本村的公共事务和公益事业",
        title_en="Run the village's public affairs and welfare",
        askers=("MZJ", "ZJJ"),
        kinds=(tasks.AskKind.TASK, tasks.AskKind.VISIT),
        inspect_on_completion=True,
    )
    return (
        access.AccessApplied(
            application=APPLICATION,
            department="SLJ",
            list_code="jize-villages",
            title_zh="机井运行巡查",
            title_en="Patrol the wells",
            category=access.ItemCategory.ASSIST,
            kinds=(tasks.AskKind.TASK,),
            legal_basis="中华人民共和国抗旱条例 第三十四条",
            applied_on=TODAY,
        ),
        access.ListVersionTookEffect(list_code="jize-villages", version=1, effective_on=TODAY, items=(item,)),
        access.AccessReceived(
            application=APPLICATION,
            department="SLJ",
            list_code="jize-villages",
            title_zh="小型水库巡查",
            title_en="Patrol of small reservoirs",
            category=access.ItemCategory.ASSIST,
            legal_basis="Flood Control Law, article 38",
            received_on=TODAY,
        ),
        access.AccessReturned(
            application=APPLICATION,
            department="SLJ",
            list_code="jize-villages",
            stage="completeness",
            returned_on=TODAY,
        ),
        access.AccessApproved(
            application=APPLICATION,
            department="SLJ",
            list_code="jize-villages",
            item="RA21",
            version=2,
            approved_on=LATER,
        ),
        access.AccessRefused(
            application=APPLICATION,
            department="SLJ",
            list_code="jize-villages",
            code="no_legal_basis",
            refused_on=LATER,
        ),
    )


def _emergencies() -> tuple[EventBody, ...]:
    return (
        access.EmergencyEntered(
            application=APPLICATION,
            department="SLJ",
            list_code="jize-villages",
            item="EM01",
            version=3,
            emergency="flood",
            entered_on=TODAY,
            review_by=LATER,
        ),
        access.EmergencyLapsed(
            application=APPLICATION,
            department="SLJ",
            list_code="jize-villages",
            item="EM01",
            version=4,
            lapsed_on=LATER,
        ),
    )


def _assessment() -> tuple[EventBody, ...]:
    return (
        assessment.AssessmentPublished(
            period_from=date(2021, 1, 1),
            period_to=date(2021, 6, 30),
            division=TOWNSHIP,
            level=DivisionLevel.TOWNSHIP,
            rank=2,
            of=7,
            score_milli=87_250,
            facts=(assessment.AssessmentFact(name="shares_completed_on_time", value=181),),
            formula="assessment-1",
        ),
        assessment.AssessmentObjected(
            assessment=AssessmentId(fixed_uuid("assessment")), division=TOWNSHIP, objected_on=TODAY, decide_by=LATER
        ),
        assessment.ObjectionDecided(
            assessment=AssessmentId(fixed_uuid("assessment")), division=TOWNSHIP, upheld=False, decided_on=LATER
        ),
    )


ASKS: tuple[EventBody, ...] = (
    *_access(),
    *_emergencies(),
    *_tasks(),
    *_changes_of_shares(),
    *_meetings(),
    *_burden(),
    *_asks(),
    *_assessment(),
)
