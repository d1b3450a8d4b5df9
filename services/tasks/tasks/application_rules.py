"""Decisions on an application for access: received, completed, weighed in stages, approved or refused, lapsed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from qingdan.access_events import (
    AccessApplied,
    AccessApproved,
    AccessReceived,
    AccessRefused,
    AccessReturned,
    EmergencyEntered,
    EmergencyLapsed,
    ItemCategory,
    ListItem,
    Words,
)
from qingdan.divisions import DivisionCode, DivisionLevel
from qingdan.ids import ApplicationId, DepartmentCode, ItemCode, ListCode, OpenCode, Title
from qingdan.tasks_events import AskKind
from runtime.problems import Conflict, Forbidden, Invalid, Refusal
from runtime.workdays import Calendar, DueDate
from tasks.list_rules import CATEGORIES
from tasks.stage_rules import Stage, StageSet

ApplicationState = Literal["under_review", "returned", "approved", "refused", "lapsed"]
ApplicationOrigin = Literal["http", "event", "emergency"]
Verdict = Literal["approve", "return", "refuse"]

INCOMPLETE: Final = "incomplete"
NEGATIVE_LIST: Final = "negative_list"
_REQUIRED: Final = ("reason", "issuing_body", "issued_on", "hours_estimate", "inspect_on_completion")


class NotYourDepartment(Forbidden):
    """A department applies for itself only. 部门只能为本部门提出准入申请。"""


class CountyAdmits(Forbidden):
    """Work access is the county's: its departments apply, its approvers decide.
    准入由县级办理：县级部门申请，县级审批人审批。

    Bring it to the county's department in charge. 请向县级主管部门提出。
    """


class NotUnderReview(Conflict):
    """This application is not under review. 该准入申请不在审核中。"""


class NotReturned(Conflict):
    """Only an application that was returned can be submitted again. 只有被退回的准入申请才能重新提交。"""


class AnotherList(Conflict):
    """An application stays with the list that it was made for. 准入申请不得更换所申请的清单。"""


class EmergencyUnchanged(Conflict):
    """An emergency's item is reviewed as it was entered. 应急事项须按进入清单时的内容接受审核。

    Its reason, issuing body and date can be completed; apply for another item otherwise.
    可补充理由、发文机关和日期；如需变更内容，请另行申请。
    """


class NotYourStage(Forbidden):
    """The stage under way does not wait for your department. 当前环节不由您所在部门办理。"""


class MayNotDecide(Forbidden):
    """You have neither the role of an approver nor a delegation that is in force today.
    您既无审批人角色，也无今日有效的委托。
    """


class OwnApplication(Forbidden):
    """Nobody decides on their own application. 任何人不得审批自己提出的申请。

    Another person of your department must decide. 须由本部门其他人员办理。
    """


class DecidedBefore(Conflict):
    """You, or somebody you act for, have given an opinion on this application.
    您或与您存在委托关系的人已对该申请发表意见。

    Another person must decide at this stage. 本环节须由其他人员办理。
    """


class ReviewOver(Conflict):
    """The time in which this emergency could be reviewed is over; it lapses. 该应急事项的审核期限已过，即行失效。

    Apply for the item in the ordinary way. 请按一般程序申请准入。
    """


class NegativeListClash(Refusal):
    """The negative list says that this may never be asked of a village; the application is refused and counted.
    负面清单规定不得向村级提出该事项，申请不予受理并已计入统计。

    Look at entry: what it names cannot be put on the list. 请参阅 entry，其所列事项不得纳入清单。
    """

    status = 422


class TermOver(Invalid):
    """An item is applied for with a term that is not over yet. 申请事项的有效期不得早于今日。"""


class CategoryOfAnotherList(Invalid):
    """Items of this list have other categories, named in categories. 该清单的事项没有此类别，可用类别见 categories。"""


class BasisNotIssuedYet(Invalid):
    """A legal basis has been issued before anybody applies by it. 法律依据须在申请前已经发布。"""


class CategoryNotApplicable(Refusal):
    """Work access puts no entries on the negative list. 准入申请不能增加负面清单条目。"""

    status = 422


class Wanted(BaseModel):
    """What a department wants on the list; an event may leave out what the completeness check then asks for."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    list_code: ListCode
    title_zh: Title
    title_en: Title
    category: ItemCategory
    kinds: Annotated[tuple[AskKind, ...], Field(min_length=1, max_length=11)]
    law: Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")]
    article: Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    issuing_body: Title | None = None
    issued_on: date | None = None
    reason: Words | None = None
    askers: Annotated[tuple[DepartmentCode, ...], Field(min_length=1, max_length=100)]
    division: DivisionCode | None = None
    asks_per_village_year_max: Annotated[int, Field(ge=1, le=10_000)] | None = None
    hours_estimate: Annotated[int, Field(ge=0, le=10_000)] | None = None
    inspect_on_completion: bool | None = None
    paid: bool = False
    valid_to: date | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """What an application must say and this one does not."""
        return tuple(name for name in _REQUIRED if getattr(self, name) is None)

    @property
    def legal_basis(self) -> str:
        """The law and its article, or the document's number, as the contract has it."""
        return f"{self.law} {self.article}".strip()[:300]


@dataclass(frozen=True, slots=True)
class Application:
    """An application as it stands; item, list_version: once it is on the list; review_by: of an emergency."""

    id: ApplicationId
    division_id: int
    department: DepartmentCode
    wanted: Wanted
    origin: ApplicationOrigin
    emergency: OpenCode | None
    state: ApplicationState
    round: int
    stage: int
    waiting_for: tuple[DepartmentCode, ...]
    due: DueDate
    review_by: date | None
    item: ItemCode | None
    list_version: int | None
    version: int


@dataclass(frozen=True, slots=True)
class Delegation:
    """Somebody lets another one of the same department decide in their place."""

    delegator: str
    delegate: str


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Whoever decides: on whose behalf, and who counts as one person with them today."""

    subject: str
    department: DepartmentCode
    on_behalf_of: str | None
    persons: frozenset[str]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a department said at a stage."""

    stage: Stage
    position: int
    department: DepartmentCode
    subject: str
    on_behalf_of: str | None
    persons: frozenset[str]
    verdict: Verdict
    code: OpenCode
    reason: str


@dataclass(frozen=True, slots=True)
class Involved:
    """Who has acted on an application: everybody who handed it in, and whose opinion counts in this round."""

    applicants: frozenset[str]
    decided: frozenset[str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an application waits: the stage (from 1), for whom, and until when."""

    stage: int
    waiting_for: tuple[DepartmentCode, ...]
    due: DueDate


Outcome = Literal["waits", "next_stage", "returned", "refused", "approved"]


@dataclass(frozen=True, slots=True)
class Decided:
    """An opinion and what follows from it; `place`: where the application waits then, None when it is decided."""

    opinion: Opinion
    outcome: Outcome
    place: Place | None


def wanted_of(event: AccessApplied) -> Wanted:
    """What a department's event asks for. Raises CategoryNotApplicable."""
    if event.category is ItemCategory.NEGATIVE:
        raise CategoryNotApplicable(category=event.category.value)
    said = event.model_dump(include=set(Wanted.model_fields) - {"law", "article", "askers", "kinds"})
    kinds = tuple(dict.fromkeys(event.kinds))  # the contract lets a kind be named twice
    return Wanted(**said, kinds=kinds, law=event.legal_basis, askers=event.askers or (event.department,))


def require_county(level: DivisionLevel) -> None:
    """Raises CountyAdmits: what a township admitted would bind the whole county, and nobody below sees a city's."""
    if level is not DivisionLevel.COUNTY:
        raise CountyAdmits()


def check_wanted(wanted: Wanted, *, today: date) -> None:
    """Raises CategoryNotApplicable, CategoryOfAnotherList, BasisNotIssuedYet, TermOver for what can never be listed."""
    if wanted.category is ItemCategory.NEGATIVE:
        raise CategoryNotApplicable(category=wanted.category.value)
    fitting = CATEGORIES.get(wanted.list_code)
    if fitting is not None and wanted.category.value not in fitting:
        raise CategoryOfAnotherList(list_code=wanted.list_code, categories=list(fitting))
    if wanted.issued_on is not None and wanted.issued_on > today:
        raise BasisNotIssuedYet(issued_on_max=str(today))
    _require_term(wanted, today)


def begin(stages: StageSet, applicant: DepartmentCode, days: Calendar, *, today: date) -> Place:
    """The place at the first stage."""
    return _at(stages, 1, applicant, days, today)


def seats(stage: Stage, applicant: DepartmentCode) -> tuple[DepartmentCode, ...]:
    """Whose opinion a stage waits for: no department gives one on its own application.

    Where no other is left, whoever the stage escalates to speaks for it. Where that is the applicant as well, as when
    the county's own office applies, there is nobody beside it: then another person of it.
    """
    if others := tuple(each for each in stage.departments if each != applicant):
        return others
    return (stage.escalate_to,) if stage.escalate_to != applicant else stage.departments


def check_resubmission(application: Application, wanted: Wanted, department: str | None) -> None:
    """Raises NotYourDepartment, NotReturned, AnotherList, EmergencyUnchanged."""
    if department != application.department:
        raise NotYourDepartment(department=application.department)
    if application.state != "returned":
        raise NotReturned(application=str(application.id), state=application.state)
    if wanted.list_code != application.wanted.list_code:
        raise AnotherList(list_code=application.wanted.list_code)
    if application.origin == "emergency" and _listed(wanted) != _listed(application.wanted):
        raise EmergencyUnchanged()


def check_desk(subject: str, *, approves: bool, linked: Sequence[Delegation]) -> None:
    """Raises MayNotDecide for whoever neither approves nor has a delegation in force."""
    if not approves and all(each.delegate != subject for each in linked):
        raise MayNotDecide()


def reviewer(subject: str, department: str | None, *, approves: bool, linked: Sequence[Delegation]) -> Reviewer:
    """Somebody as one who decides.

    approves: has the role of an approver. linked: the delegations in force today that name the subject on either
    side. Who lacks the role acts on behalf of the first who delegated. Raises MayNotDecide, NotYourStage for whoever
    belongs to no department.
    """
    check_desk(subject, approves=approves, linked=linked)
    givers = [each.delegator for each in linked if each.delegate == subject]
    if department is None:
        raise NotYourStage()
    persons = frozenset({subject, *givers, *(each.delegate for each in linked if each.delegator == subject)})
    return Reviewer(subject, department, None if approves else givers[0], persons)


def decide(
    application: Application,
    stages: StageSet,
    who: Reviewer,
    involved: Involved,
    verdict: Verdict,
    *,
    code: OpenCode,
    reason: str,
    days: Calendar,
    today: date,
) -> Decided:
    """What an opinion does: all departments of a stage must approve, one return returns, one refusal refuses.

    Raises NotUnderReview, ReviewOver, NotYourStage, OwnApplication, DecidedBefore, TermOver.
    """
    if application.state != "under_review":
        raise NotUnderReview(application=str(application.id), state=application.state)
    if application.review_by is not None and today > application.review_by:
        raise ReviewOver(review_by=str(application.review_by))
    if who.department not in application.waiting_for:
        raise NotYourStage(waiting_for=list(application.waiting_for))
    if who.persons & involved.applicants:
        raise OwnApplication()
    if who.persons & involved.decided:
        raise DecidedBefore()
    at = application.stage
    opinion = Opinion(
        stages.at(at), at, who.department, who.subject, who.on_behalf_of, who.persons, verdict, code, reason
    )
    if verdict == "return":
        return Decided(opinion, "returned", None)
    if verdict == "refuse":
        return Decided(opinion, "refused", None)
    if left := tuple(each for each in application.waiting_for if each != who.department):
        return Decided(opinion, "waits", Place(at, left, application.due))
    if at < len(stages.stages):
        return Decided(opinion, "next_stage", _at(stages, at + 1, application.department, days, today))
    _require_term(application.wanted, today)
    return Decided(opinion, "approved", None)


def incomplete(stages: StageSet, wanted: Wanted, checker: str) -> Opinion:
    """The first stage's return of what lacks required parts: no person needs to read that."""
    stage = stages.at(1)
    lacking = "缺少 / missing: " + ", ".join(wanted.missing)
    return Opinion(stage, 1, stage.departments[0], checker, None, frozenset({checker}), "return", INCOMPLETE, lacking)


def review_by(stages: StageSet, *, today: date) -> date:
    """The last calendar day on which an emergency can still be approved."""
    return today + timedelta(days=stages.review_days or 0)


def escalate_again_after(stages: StageSet, stage: int, days: Calendar, *, today: date) -> date:
    """The day after which the same delay is escalated once more: the stage's limit, counted anew."""
    return days.add_working_days(today, stages.at(stage).limit_working_days).on


def received(application: ApplicationId, department: DepartmentCode, wanted: Wanted, *, today: date) -> AccessReceived:
    """The event of an application that was handed in; its wording is public, its reason is not."""
    return AccessReceived(
        application=application,
        department=department,
        list_code=wanted.list_code,
        title_zh=wanted.title_zh,
        title_en=wanted.title_en,
        category=wanted.category,
        legal_basis=wanted.legal_basis,
        received_on=today,
    )


def returned(
    application: ApplicationId, department: DepartmentCode, list_code: ListCode, stage: Stage, *, today: date
) -> AccessReturned:
    """The event of a return."""
    return AccessReturned(
        application=application, department=department, list_code=list_code, stage=stage.code, returned_on=today
    )


def refused(
    application: ApplicationId, department: DepartmentCode, list_code: ListCode, code: OpenCode, *, today: date
) -> AccessRefused:
    """The event of a refusal; the words of its reason stay here."""
    return AccessRefused(
        application=application, department=department, list_code=list_code, code=code, refused_on=today
    )


def approved(application: Application, item: ItemCode, version: int, *, today: date) -> AccessApproved:
    """The event of an approval; `version` is the first of the list that has the item."""
    return AccessApproved(
        application=application.id,
        department=application.department,
        list_code=application.wanted.list_code,
        item=item,
        version=version,
        approved_on=today,
    )


def entered(application: Application, *, today: date) -> EmergencyEntered:
    """The event of an emergency's item that stands on the list. Asserts that it does."""
    assert application.item is not None
    assert application.list_version is not None
    assert application.emergency is not None
    assert application.review_by is not None
    return EmergencyEntered(
        application=application.id,
        department=application.department,
        list_code=application.wanted.list_code,
        item=application.item,
        version=application.list_version,
        emergency=application.emergency,
        entered_on=today,
        review_by=application.review_by,
    )


def lapsed(application: Application, version: int, *, today: date) -> EmergencyLapsed:
    """The event of an emergency that nobody reviewed in time; `version` is the first of the list without the item."""
    assert application.item is not None
    return EmergencyLapsed(
        application=application.id,
        department=application.department,
        list_code=application.wanted.list_code,
        item=application.item,
        version=version,
        lapsed_on=today,
    )


def clash_of(entry: ListItem | None) -> NegativeListClash:
    """The machine-readable answer that names the entry; None: letters of responsibility need no entry."""
    return NegativeListClash(
        code=NEGATIVE_LIST, entry=entry and entry.model_dump(mode="json", include={"code", "title_zh", "title_en"})
    )


def _listed(wanted: Wanted) -> Wanted:
    """What of it stands on the list."""
    return wanted.model_copy(update={"reason": None, "issuing_body": None, "issued_on": None})


def _require_term(wanted: Wanted, today: date) -> None:
    if wanted.valid_to is not None and wanted.valid_to < today:
        raise TermOver(valid_to_min=str(today))


def _at(stages: StageSet, position: int, applicant: DepartmentCode, days: Calendar, today: date) -> Place:
    stage = stages.at(position)
    return Place(position, seats(stage, applicant), days.add_working_days(today, stage.limit_working_days))
