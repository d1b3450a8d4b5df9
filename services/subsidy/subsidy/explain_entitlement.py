"""Use case: why a programme comes to what it comes to for somebody in a month; every look is in the audit trail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final
from uuid import UUID

from qingdan.divisions import DivisionCode
from qingdan.ids import ProgrammeCode
from qingdan.subsidy_events import Period
from runtime import audit
from runtime.actor import Actor, Role, service_actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Tx, transaction
from runtime.problems import Forbidden, NotFound
from subsidy import (
    county_store,
    preview_rules,
    programme_rules,
    programme_store,
    why_page_rules,
    why_question_rules,
    why_run_rules,
    why_store,
    why_view_rules,
)
from subsidy.preview_rules import Month
from subsidy.programme_rules import Compiled, Programme
from subsidy.why_facts_rules import Ground, facts_of
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
    """From the facts as they are now, by the rules of the month's run, or of its first day when there is none.

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
        beneficiary = why_question_rules.beneficiary_of(compiled.programme, place.person, place.household)
        cases = await _cases(tx, compiled, place, beneficiary, month)
        decided = [why_view_rules.decide(compiled, case) for case in cases]
        due = bool(preview_rules.due([compiled], month))
        did = await _did(tx, run, compiled, programmes, place, beneficiary, month, decided if due else [])
        question = Question(
            view=view,
            person=place.person,
            household=place.household,
            period=period,
            reference_on=month.reference_on,
            version=version,
            effective_on=await why_store.effective_on(tx, version),
            due=due,
        )
        looked = {"by": actor.subject, "roles": sorted(actor.roles), "programme": programme, "period": period}
        audit.note(tx, "facts.looked-at", str(person or household), looked | {"view": view})
    return Explained(why_view_rules.why_view(question, compiled, decided, did), business_date(utcnow()))


async def _run(tx: Tx, county_id: int, period: Period) -> Run | None:
    row = await why_store.run_of(tx, county_id, period)
    return None if row is None else Run(row["id"], row["state"], row["programme_version"], row["notice_until"])


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


async def _cases(tx: Tx, compiled: Compiled, place: Place, beneficiary: UUID, month: Month) -> list[Case]:
    """Those by which it is decided, each with its facts."""
    assert place.county_id is not None  # asked before
    which = compiled.programme.person_facts_of
    household = place.household
    members: list[UUID | None] = [place.person if compiled.programme.beneficiary == "person" else None]
    if which is not None:
        members = [*await why_store.members_of(tx, beneficiary, which)]
        if not members and which != "deceased":
            members = [None]
    ground = Ground(
        reference_on=month.reference_on,
        complete=await county_store.complete_registers(tx, place.county_id),
        parameters=await why_store.parameters_in_force(tx, place.county_id, month.reference_on),
    )
    home = None if household is None else await why_store.subject_of(tx, "household", household)
    cases = []
    for member in members:
        person = None if member is None else await why_store.subject_of(tx, "person", member)
        home_id = None if home is None else home.id
        paid = await why_store.paid_before(tx, member, home_id, month.before, month.period[:4])
        facts = facts_of(compiled.facts, person, home, ground, paid)
        cases.append(Case(facts, member if which is not None else None))
    return cases


async def _did(
    tx: Tx,
    run: Run | None,
    compiled: Compiled,
    programmes: Mapping[str, Programme],
    place: Place,
    beneficiary: UUID,
    month: Month,
    decided: Sequence[Decided],
) -> RunView:
    """What the month's run did, what is owed already, and what the facts as they are now come to."""
    code, rows = compiled.programme.code, list[InRun]()
    if run is not None:
        at_home = [each for each in (place.person, place.household) if each is not None]
        if place.household is not None:
            at_home += await why_store.members_of(tx, place.household, "any")
        found = await why_store.entitlements_in(tx, run.id, code, beneficiary, at_home)
        rows = [InRun(**dict(row)) for row in found]
    times = await why_store.times_owed(tx, code, beneficiary, month.period[:4])
    occurrences = [row.occurrence for row in rows] or why_question_rules.occurrences_of(compiled, decided, month, times)
    owed = await why_store.owed_to(tx, code, beneficiary, occurrences, None if run is None else run.id)
    now, now_fen = why_view_rules.now_of(decided)
    return why_run_rules.run_view(
        run, rows, [dict(each) for each in owed], programmes, code=code, now=now, now_fen=now_fen
    )
