"""Whatever the team and the village do in whatever order, a visit is never closed over an open finding."""

from dataclasses import replace
from datetime import date
from uuid import uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from inspection import finding_rules, visit_rules
from inspection.finding_rules import Finding, Found
from inspection.visit_rules import Visit
from qingdan.divisions import DivisionCode
from qingdan.ids import FindingId, RecheckId, ShareId, SuggestionId, TaskId, VisitId
from qingdan.inspection_events import RecheckPassed, VisitClosed
from qingdan.origin import Origin
from runtime.problems import Refusal

TODAY = date(2026, 3, 5)
FOUND = Found(category="quality", text="路面有裂缝", suggestion="重新灌缝")


class Supervision(RuleBasedStateMachine):
    """One visit; each step is a command that the rules allow or refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.visit = Visit(
            id=VisitId(uuid4()),
            share=ShareId(uuid4()),
            task=TaskId(uuid4()),
            village=DivisionCode("130431105205"),
            origin=Origin(service="tasks", kind="work_meeting", id=uuid4()),
            state="planned",
            reported_on=TODAY,
            failed_rechecks=0,
            version=1,
        )
        self.findings: dict[FindingId, Finding] = {}
        self.passed: set[FindingId] = set()
        self.closings: list[VisitClosed] = []

    @rule(found=st.integers(min_value=0, max_value=4))
    def finish(self, found: int) -> None:
        numbered = [(FindingId(uuid4()), SuggestionId(uuid4()), FOUND) for _ in range(found)]
        try:
            outcome = visit_rules.finish(self.visit, TODAY, numbered, today=TODAY)
        except Refusal:
            return
        self.visit = replace(self.visit, state="done")
        for both in outcome.raised:
            event = both.finding
            self.findings[event.finding] = Finding(
                event.finding, event.visit, event.village, self.visit.origin, "open", failed_rechecks=0, version=1
            )
        self._close(outcome.closed)

    @precondition(lambda self: self.findings)
    @rule(data=st.data())
    def rectify(self, data: st.DataObject) -> None:
        finding = self._any_finding(data)
        try:
            event = finding_rules.rectify(finding, today=TODAY)
        except Refusal:
            return
        self.findings[finding.id] = replace(finding, state=finding_rules.state_after(event))

    @precondition(lambda self: self.findings)
    @rule(data=st.data(), passed=st.booleans())
    def recheck(self, data: st.DataObject, passed: bool) -> None:
        finding = self._any_finding(data)
        try:
            event = finding_rules.recheck(finding, RecheckId(uuid4()), passed=passed, today=TODAY)
        except Refusal:
            return
        self.findings[finding.id] = replace(finding, state=finding_rules.state_after(event))
        if isinstance(event, RecheckPassed):
            self.passed.add(finding.id)
        else:
            self.visit = replace(self.visit, failed_rechecks=self.visit.failed_rechecks + 1)
        self._close(visit_rules.close(self.visit, list(self.findings.values()), today=TODAY))

    @invariant()
    def a_closed_visit_has_no_open_finding_and_each_passed_a_recheck(self) -> None:
        if self.closings:
            assert all(finding.state == "passed" for finding in self.findings.values())
            assert self.passed == set(self.findings)
            assert self.closings[0].findings == len(self.findings)

    @invariant()
    def a_visit_whose_findings_have_all_passed_is_closed_once(self) -> None:
        all_passed = self.visit.state != "planned" and self.passed == set(self.findings)
        assert len(self.closings) == int(all_passed)

    def _any_finding(self, data: st.DataObject) -> Finding:
        return self.findings[data.draw(st.sampled_from(sorted(self.findings)))]

    def _close(self, closed: VisitClosed | None) -> None:
        if closed is not None:
            self.closings.append(closed)
            self.visit = replace(self.visit, state="closed")


Supervision.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestSupervision = Supervision.TestCase
