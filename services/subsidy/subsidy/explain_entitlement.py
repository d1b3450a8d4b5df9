"""Use case: why a programme comes to what it comes to for somebody in a month; every look is in the audit trail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Final, Literal, NamedTuple
from uuid import UUID

from qingdan.divisions import DivisionCode
from qingdan.ids import ProgrammeCode
from qingdan.subsidy_events import Period
from runtime import audit
from runtime.actor import Actor, Role, service_actor
from runtime.clock import SHANGHAI, business_date, utcnow
from runtime.db import Pool, Tx, transaction
from runtime.problems import Forbidden, NotFound
from subsidy import (
    adjustment_rules,
    county_store,
    kept_family_store,
    preview_rules,
    programme_rules,
    programme_store,
    retention_store,
    why_basis_rules,
    why_page_rules,
    why_question_rules,
    why_run_rules,
    why_store,
    why_view_rules,
)
from subsidy.kept_family_store import KeptFamily
from subsidy.preview_rules import Month
from subsidy.programme_rules import Compiled, Programme
from subsidy.snapshot_rules import SnapshotUnlike
from subsidy.why_basis_rules import BasisView
from subsidy.why_facts_rules import Ground, Paid, Subject, facts_of
from subsidy.why_run_rules import InRun, Run, RunView
from subsidy.why_store import Place
from subsidy.why_titles_rules import Language
from subsidy.why_view_rules import Case, Decided, Question, View, WhyView

_LOOKERS: Final = (
    *(Role.FINANCE_PREPARER, Role.FINANCE_APPROVER, Role.AUDITOR),
    *(Role.DEPARTMENT_STAFF, Role.VILLAGE_CADRE),
)
_AUDITORS: Final = (Role.FINANCE_PREPARER, Role.FINANCE_APPROVER, Role.AUDITOR)
"""Who may see every fact of every member, and the rule itself."""


@dataclass(frozen=True, slots=True)
class Explained:
    """An explanation, and how it is read out or printed."""

    why: WhyView
    on: date

    def text(self, language: Language) -> str:
        """To be read out."""
        return why_page_rules.text(self.why, language)

    def page(self) -> str:
        """To be printed: one HTML page."""
        return why_page_rules.page(self.why, printed_on=self.on)


async def explain_entitlement(
    pool: Pool,
    actor: Actor,
    *,
    person: UUID | None,
    household: UUID | None,
    programme: ProgrammeCode,
    period: Period,
    view: View = "person",
) -> Explained:
    """By the rules of the month's run, from the facts that its list was frozen with; before the freeze, or where those
    are not kept, from the facts as they are now: the answer says which. Without a run by the rules of the month's first
    day.

    Whether the actor sees them at all is asked as the actor. The facts are then read as a run reads them: by the
    service, with the whole county before its eyes. Raises Forbidden, Invalid, NotFound (also for whom the actor does
    not see), NoHousehold, PersonNeeded, NoProgrammesInForce.
    """
    actor.require(*(_AUDITORS if view == "auditor" else _LOOKERS))
    why_question_rules.require_one(person, household)
    month = preview_rules.month_of(period)
    async with transaction(pool, actor) as tx:
        place = await why_store.find_place(tx, person, household)
    if place is None or place.county is None or place.county_id is None:
        raise NotFound()
    async with transaction(pool, replace(service_actor("subsidy"), division=DivisionCode(place.county))) as tx:
        run = await _run(tx, place.county_id, period)
        version, programmes = await _programmes(tx, run, month)
        compiled = _compiled(programmes, programme, actor)
        due = bool(preview_rules.due([compiled], month))
        basis, then = await _then(tx, run, compiled, place, actor.division, due=due)
        of_then = place if then is None else place._replace(household=then.household)
        beneficiary = why_question_rules.beneficiary_of(compiled.programme, of_then.person, of_then.household)
        registers = await _registers(tx, place.county_id, month)
        by_household = compiled.programme.beneficiary == "household"
        cases = await _cases(registers, compiled, of_then if by_household else place, then)
        decided = today = [why_view_rules.decide(compiled, case) for case in cases]
        if then is not None:
            decided = [why_view_rules.decide(compiled, case) for case in await _cases_of(then, registers, compiled)]
        asked = _Asked(compiled, programmes, of_then, beneficiary, month, due)
        did = await _did(tx, run, asked, then, decided, today)
        question = Question(
            view=view,
            person=of_then.person,
            household=of_then.household,
            period=period,
            reference_on=month.reference_on,
            version=version,
            effective_on=await why_store.effective_on(tx, version),
            due=due,
            basis=basis,
        )
        looked = {"by": actor.subject, "roles": sorted(actor.roles), "programme": programme, "period": period}
        audit.note(tx, "facts.looked-at", str(person or household), looked | {"view": view})
    return Explained(why_view_rules.why_view(question, compiled, decided, did), business_date(utcnow()))


async def _run(tx: Tx, county_id: int, period: Period) -> Run | None:
    row = await why_store.run_of(tx, county_id, period)
    return None if row is None else Run(**dict(row))


async def _programmes(tx: Tx, run: Run | None, month: Month) -> tuple[int, Mapping[str, Programme]]:
    """The version that the run has, or that a run would have, and its programmes by code."""
    if run is not None:
        version = run.programme_version
    else:
        version = (await programme_store.version_in_force(tx, month.reference_on))["version"]
    return version, {each.code: each for each in await programme_store.programmes_of(tx, version)}


def _compiled(programmes: Mapping[str, Programme], code: ProgrammeCode, actor: Actor) -> Compiled:
    """The programme. Raises NotFound, Forbidden for staff of another department than the programme's."""
    if code not in programmes:
        raise NotFound(programme=code)
    if actor.department not in (None, programmes[code].department):
        raise Forbidden(department=programmes[code].department)
    (compiled,) = programme_rules.compile_stored([programmes[code]])
    return compiled


# -- the facts of today ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Registers:
    """What the registers say today, each subject read once."""

    tx: Tx
    month: Month
    ground: Ground
    _read: dict[UUID, Subject | None] = field(default_factory=dict)

    async def person(self, who: UUID | None) -> Subject | None:
        return None if who is None else await self._subject("person", who)

    async def household(self, which: UUID | None) -> Subject | None:
        return None if which is None else await self._subject("household", which)

    async def _subject(self, entity: Literal["person", "household"], who: UUID) -> Subject | None:
        if who not in self._read:
            self._read[who] = await why_store.subject_of(self.tx, entity, who)
        return self._read[who]


async def _registers(tx: Tx, county_id: int, month: Month) -> _Registers:
    ground = Ground(
        reference_on=month.reference_on,
        complete=await county_store.complete_registers(tx, county_id),
        parameters=await why_store.parameters_in_force(tx, county_id, month.reference_on),
    )
    return _Registers(tx, month, ground)


async def _cases(registers: _Registers, compiled: Compiled, place: Place, then: "_Then | None") -> list[Case]:
    """Those by which it is decided, each with its facts. `then`: what we had paid is taken from there, or what a frozen
    list itself came to would count against it."""
    which, household = compiled.programme.person_facts_of, place.household
    members: list[UUID | None] = [place.person if compiled.programme.beneficiary == "person" else None]
    if which is not None and household is not None:
        members = [*await why_store.members_of(registers.tx, household, which)]
        if not members and which != "deceased":
            members = [None]
    home = await registers.household(household)
    cases, month = [], registers.month
    for member in members:
        home_id = None if home is None else home.id
        if then is None:
            paid = await why_store.paid_before(registers.tx, member, home_id, month.before, month.period[:4])
        else:
            paid = then.family.paid_to(member)
        facts = facts_of(compiled.facts, await registers.person(member), home, registers.ground, paid)
        cases.append(Case(facts, member if which is not None else None))
    return cases


# -- the facts of then -------------------------------------------------------------------------------------------------


class _Then(NamedTuple):
    """The family as it was when the list was computed."""

    family: KeptFamily
    kept_at: datetime

    @property
    def household(self) -> UUID | None:
        return None if self.family.home is None else self.family.home.id


async def _then(
    tx: Tx, run: Run | None, compiled: Compiled, place: Place, looking: DivisionCode, *, due: bool
) -> tuple[BasisView, _Then | None]:
    """By which facts it is answered, and the family of then where it is by those. `looking`: the asker's division."""
    keeping = None if run is None else await retention_store.keeping_of(tx, run.id)
    if (today := why_basis_rules.not_kept(run, keeping, due=due)) is not None:
        return today, None
    assert run is not None  # or nothing was kept
    assert keeping is not None
    try:
        family = await kept_family_store.family_of(tx, run.id, person=place.person, household=place.household)
    except SnapshotUnlike:
        return why_basis_rules.today_basis("unreadable", run), None
    if family is None or not why_basis_rules.keeps_all(family.common, compiled):
        return why_basis_rules.today_basis("not_kept" if family else "not_there", run), None
    # Whoever asks saw the person and the household of today; that of then is looked at by the same right only.
    home = None if family.home is None else family.home.id
    if home not in (None, place.household) and not await why_store.sees_household(tx, home, looking):
        return why_basis_rules.today_basis("household_elsewhere", run), None
    end_of_day = datetime.combine(run.previewed_on + timedelta(days=1), time(), SHANGHAI)
    return why_basis_rules.frozen_basis(run), _Then(family, keeping.kept_at or end_of_day)


async def _cases_of(then: _Then, registers: _Registers, compiled: Compiled) -> list[Case]:
    """Those by which it was decided, each with the facts of then; who told them is looked up today."""
    family, which = then.family, compiled.programme.person_facts_of
    ground, home = why_basis_rules.ground_of(family.common), why_basis_rules.subject_of(family.home)
    home_today = await registers.household(then.household)
    by_person = compiled.programme.beneficiary == "person"
    cases = []
    for member in why_basis_rules.deciding_members(family.members, which, family.person if by_person else None):
        member_id = None if member is None else member.id
        paid = family.paid_to(member_id)
        facts = facts_of(compiled.facts, why_basis_rules.subject_of(member), home, ground, paid)
        now = facts_of(compiled.facts, await registers.person(member_id), home_today, registers.ground, Paid())
        told = why_basis_rules.told_of(facts, now, then.kept_at)
        cases.append(Case(told, member_id if which is not None else None))
    return cases


# -- what the run did --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked, of whom, and for which month."""

    compiled: Compiled
    programmes: Mapping[str, Programme]
    place: Place
    beneficiary: UUID
    month: Month
    due: bool

    @property
    def adjustable(self) -> bool:
        """Whether the month can be computed again for this programme."""
        due = preview_rules.due(programme_rules.compile_stored([*self.programmes.values()]), self.month)
        again = adjustment_rules.adjustable(due)
        return any(each.programme.code == self.compiled.programme.code for each in again)


async def _did(
    tx: Tx, run: Run | None, asked: _Asked, then: _Then | None, decided: Sequence[Decided], today: Sequence[Decided]
) -> RunView:
    """What the month's run did, what is owed already, and what the facts as they are now come to."""
    code, place, beneficiary, rows = asked.compiled.programme.code, asked.place, asked.beneficiary, list[InRun]()
    if run is not None:
        at_home = [each for each in (place.person, place.household) if each is not None]
        if then is not None:
            at_home += [each.id for each in then.family.members]
        elif place.household is not None:
            at_home += await why_store.members_of(tx, place.household, "any")
        found = await why_store.entitlements_in(tx, run.id, code, beneficiary, at_home)
        rows = [InRun(**dict(row)) for row in found]
    month = asked.month
    times = await why_store.times_owed(tx, code, beneficiary, month.period[:4])
    came = decided if asked.due else []
    occurrences = [row.occurrence for row in rows]
    occurrences = occurrences or why_question_rules.occurrences_of(asked.compiled, came, month, times)
    owed = await why_store.owed_to(tx, code, beneficiary, occurrences, None if run is None else run.id)
    now, now_fen = why_view_rules.now_of(today if asked.due else [])
    view = why_run_rules.run_view(
        run, rows, [dict(each) for each in owed], asked.programmes, code=code, now=now, now_fen=now_fen
    )
    if view.differs and run is not None and run.frozen_on is not None and not asked.adjustable:
        return view.model_copy(update={"differs_said": why_run_rules.comes_later(now, now_fen)})
    return view
