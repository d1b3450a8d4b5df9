"""The story small, from an empty county to the reckoning: its figures follow from the data, and no lie passes."""

import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4
from zipfile import ZipFile

import jsonschema  # type: ignore[import-untyped]
import pytest
from rich.console import Console

from devkit import reaper
from devkit.demo import Played, conclude
from devkit.paths import var_dir
from devkit.story import papers
from devkit.story.checks import CHECKS, Evidence, broken
from devkit.story.fengshan import villages
from devkit.story.narrator import Narrator
from devkit.story.own_clock import LONGER
from devkit.story.plot import Plot
from devkit.story.stream import Window
from devkit.story.township import CHECKED_UP, IN_LOWLAND, WOULD_COOK

REPORT_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["ok", "figures", "invariants", "seconds"],
    "properties": {
        "ok": {"type": "boolean"},
        "figures": {
            "type": "object",
            "additionalProperties": {"type": "number"},
            "required": [
                "villages_claimed",
                "shares_claimed",
                "asks_refused_at_gate",
                "asks_refused_by_villages",
                "letters_signed",
                "visits",
                "findings",
                "rechecks_passed",
                "difficulties_answered",
                "townships_ranked",
                "wuguanying_rank",
                "signs_before",
                "signs_horizontal",
                "signs_vertical",
                "signs_removed",
                "list_versions",
                "access_approved",
                "access_returned",
                "access_refused",
                "emergencies_entered",
                "asks_merged",
                "shares_withdrawn",
                "dafang_asks_refused",
                "refusals_appealed",
                "refusals_upheld",
                "scores_changed_by_a_no",
                "clocks_standing_still",
                "limits_changed",
                "minutes_claims",
                "burden_hours",
                "villages_beyond_budget",
                "labour_days",
                "households_taking_part",
                "material_reused_kg",
                "money_saved_fen",
                "stream_events",
                "stream_connections",
                "programmes",
                "people",
                "entitlements",
                "payments_settled",
                "payments_rejected_first",
                "payments_unknown_resolved",
                "paid_fen",
                "bank_paid_fen",
                "ledger_sum_fen",
                "events_published",
                "events_parked",
                "memory_mb_peak",
            ],
        },
        "invariants": {"type": "object", "additionalProperties": {"type": "boolean"}, "minProperties": len(CHECKS)},
        "seconds": {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}, "minProperties": 1},
    },
}


def test_every_invariant_holds(told: Played) -> None:
    assert broken(told.evidence) == {check.name: [] for check in CHECKS}


def test_the_figures_of_the_meeting_follow_from_the_data(told: Played, plot: Plot) -> None:
    off_list, figures = plot.county.off_list, told.figures
    at_gate = sum(ask.decided_by == "gate" for ask in off_list)
    assert figures["villages_claimed"] == len(plot.villages)
    assert figures["shares_claimed"] == figures["shares_completed"] == len(plot.villages) * len(plot.tasks)
    assert figures["asks_refused_at_gate"] == at_gate
    assert figures["asks_refused_by_villages"] == len(off_list) - at_gate
    assert figures["letters_signed"] == 0


def test_the_figures_of_the_supervision_follow_from_the_plot(told: Played, plot: Plot) -> None:
    visited = [
        (village, task.title_zh)
        for village in plot.villages
        for task in plot.tasks
        if plot.county.item(task.item).inspect_on_completion or plot.is_visited_from_report(village, task.title_zh)
    ]
    findings = sum(len(plot.findings(village, title)) for village, title in visited)
    assert findings > 0
    assert told.figures["visits"] == len(visited)
    assert told.figures["findings"] == told.figures["rechecks_passed"] == findings
    assert told.figures["difficulties_answered"] == sum(len(plot.difficulties(village)) for village in plot.villages)


def test_the_past_is_taken_over_and_ranked(told: Played, plot: Plot) -> None:
    county = plot.county
    assert told.figures["history_rows"] == len(county.history)
    assert told.figures["townships_ranked"] == len(county.townships)
    assert 1 <= told.figures["wuguanying_rank"] <= len(county.townships)


def test_the_signs_of_xiedu_come_down_to_one_horizontal_and_two_vertical(told: Played, plot: Plot) -> None:
    figures, signs = told.figures, plot.signs
    assert (figures["signs_before"], figures["signs_horizontal"], figures["signs_vertical"]) == (13, 1, 2)
    assert figures["signs_removed"] == len(told.evidence.orders) == signs.removable
    assert len(told.evidence.signs_refused) == len(plot.more_signs()) > 0
    assert signs.removable == len(signs.census) - 3 * len(signs.villages)


def test_the_list_has_a_version_for_each_item_that_came_on_it(told: Played) -> None:
    figures, on_list = told.figures, [each for each in told.evidence.applications if each.item is not None]
    assert figures["list_versions"] == 1 + len(on_list) == 1 + figures["access_approved"] + 1
    assert (figures["access_returned"], figures["access_refused"], figures["emergencies_entered"]) == (1, 1, 1)
    assert told.evidence.heard.list_versions == list(range(1, figures["list_versions"] + 1))
    (emergency,) = (each for each in on_list if each.state == "under_review")
    assert emergency.review_by is not None


def test_what_was_asked_at_fengshan_is_claimed_refused_merged_or_taken_by_the_first(told: Played) -> None:
    figures, ledger = told.figures, told.evidence.ledger
    states = Counter(ledger.shares.values())
    assert states["withdrawn"] == figures["shares_withdrawn"] == WOULD_COOK - 1
    assert figures["minutes_claims"] == len(villages()) + CHECKED_UP + 1
    assert (figures["asks_merged"], figures["dafang_asks_refused"]) == (1, 3)
    assert (figures["refusals_appealed"], figures["refusals_upheld"], figures["scores_changed_by_a_no"]) == (1, 1, 0)
    assert (figures["clocks_standing_still"], figures["limits_changed"]) == (1, 1)
    assert figures["villages_beyond_budget"] == IN_LOWLAND


def test_the_burden_and_the_works_are_those_of_the_data(told: Played, plot: Plot) -> None:
    figures, ledger = told.figures, told.evidence.ledger
    live = [ledger.hours[share] for share, state in ledger.shares.items() if state not in ("refused", "withdrawn")]
    assert figures["burden_hours"] == sum(live) > 0
    works = Counter[str]()
    for village in plot.villages:
        for task in plot.tasks:
            works.update(plot.works(village, task.title_zh) or {})
    assert {name: figures[name] for name in works} == works


def test_the_window_was_closed_once_and_missed_nothing(told: Played) -> None:
    assert told.figures["stream_connections"] >= 2
    assert told.figures["stream_events"] > told.figures["minutes_claims"]


def test_the_claim_the_calendar_and_the_list_can_be_opened(told: Played) -> None:
    claim, calendar = (var_dir() / name for name in (papers.CLAIM, papers.CALENDAR))
    assert "任务认领记录" in claim.read_text()
    assert f"{LONGER['limit_working_days']}" in claim.read_text()
    assert "清理村内排水沟渠" in calendar.read_text().replace("\r\n ", "")
    with ZipFile(var_dir() / papers.LIST) as book:
        words = "".join(book.read(name).decode() for name in book.namelist() if name.endswith(".xml"))
    items = {each.item for each in told.evidence.applications if each.item is not None}
    assert {item for item in items if f">{item}<" in words} == items


def test_what_the_programmes_come_to_is_paid_to_the_fen(told: Played, plot: Plot) -> None:
    figures, said = told.figures, told.evidence.subsidy
    assert figures["people"] == plot.subsidies.people
    due = {int(period[-2:]) for period in plot.subsidies.periods}
    months = [set(programme["due_months"]) for programme in plot.subsidies.programmes]
    assert figures["programmes"] == sum(not each or bool(each & due) for each in months)
    assert figures["entitlements"] == said.obligations == figures["payments_settled"] + said.obligations_unpaid
    assert figures["paid_fen"] == figures["bank_paid_fen"] > 0
    assert figures["ledger_sum_fen"] == 0


def test_what_the_bank_refused_or_forgot_was_paid_all_the_same(told: Played) -> None:
    assert told.figures["payments_rejected_first"] > 0
    assert told.figures["payments_unknown_resolved"] > 0
    assert told.evidence.subsidy.oddities > 0  # repetitions and payments that nobody instructed


def test_every_event_reached_a_plain_subscriber(told: Played) -> None:
    heard, private = told.evidence.heard, told.evidence.private_records
    assert told.figures["events_heard"] == told.figures["events_published"] - private == sum(heard.types.values())
    at_fengshan = told.figures["minutes_claims"] + told.figures["villages_beyond_budget"]
    assert heard.types["share.claimed.v1"] == (
        told.figures["shares_claimed"] + told.figures["signs_removed"] + at_fengshan
    )
    assert heard.types["visit.closed.v1"] == told.figures["visits"] + told.figures["signs_removed"]
    assert heard.types["run.closed.v1"] == told.evidence.subsidy.runs
    assert heard.types["assessment.published.v1"] == (
        told.figures["townships_ranked"] + told.evidence.ledger.ranks_told
    )


def test_the_memory_of_all_processes_is_measured(told: Played) -> None:
    assert 100 < told.figures["memory_mb_peak"] < 2_500


def test_nothing_runs_after_the_story(told: Played) -> None:
    run = var_dir() / f"run-demo-{os.getpid()}"
    assert (run / "logs" / "tasks.log").exists()
    assert [record.name for record in reaper.read_records(run) if reaper.is_alive(record)] == []


def test_the_report_says_what_the_screen_says(told: Played, narrator: Narrator, tmp_path: Path) -> None:
    report, shown = tmp_path / "demo.json", StringIO()
    assert conclude(Narrator(Console(file=shown), seconds=narrator.seconds), told, report) == 0
    document = json.loads(report.read_text())
    jsonschema.validate(document, REPORT_SCHEMA)
    assert document["ok"] is True
    assert document["figures"] == told.figures
    assert all(document["invariants"].values())
    assert {"start", "meeting", "reckoning", "total"} <= document["seconds"].keys()
    assert f"{told.figures['events_published']:,}" in shown.getvalue()


def test_a_story_that_broke_off_is_reported_as_such(tmp_path: Path) -> None:
    report = tmp_path / "demo.json"
    assert conclude(Narrator(Console(file=StringIO())), None, report) == 1
    assert json.loads(report.read_text())["ok"] is False


def _service(evidence: Evidence, name: str, **changed: object) -> Evidence:
    services = {**evidence.services, name: evidence.services[name].model_copy(update=changed)}
    return replace(evidence, services=services)


def _ledger(evidence: Evidence, **changed: object) -> Evidence:
    return replace(evidence, ledger=replace(evidence.ledger, **changed))  # type: ignore[arg-type]


def _inspection(evidence: Evidence, **changed: object) -> Evidence:
    return replace(evidence, inspection=evidence.inspection.model_copy(update=changed))


def _tasks(evidence: Evidence, **changed: object) -> Evidence:
    return replace(evidence, tasks=evidence.tasks.model_copy(update=changed))


def _heard(evidence: Evidence, **changed: Any) -> Evidence:
    return replace(evidence, heard=replace(evidence.heard, **changed))


def _signage(evidence: Evidence, **changed: object) -> Evidence:
    return replace(evidence, signage=evidence.signage.model_copy(update=changed))


def _subsidy(evidence: Evidence, **changed: object) -> Evidence:
    return replace(evidence, subsidy=evidence.subsidy.model_copy(update=changed))


def _bank(evidence: Evidence, **changed: object) -> Evidence:
    return replace(evidence, bank=evidence.bank.model_copy(update=changed))


def _with_one_less(evidence: Evidence) -> Any:
    """Scores of which one fell by a thousandth after the no."""
    assert evidence.ledger.scores is not None
    before, after = evidence.ledger.scores
    village = next(village for village, score in after.items() if score is not None)
    return before, {**after, village: (after[village] or 0) - 1}


def _window(evidence: Evidence, seen: set[str]) -> Window:
    window = Window()
    window.seen, window.since = Counter(dict.fromkeys(seen, 1)), evidence.window.since
    return window


LIES: list[tuple[str, Callable[[Evidence], Evidence]]] = [
    ("no_event_unpublished", lambda e: _service(e, "tasks", outbox_unpublished=1)),
    ("nothing_parked", lambda e: _service(e, "inspection", events_parked=1)),
    ("every_record_accounted_for", lambda e: replace(e, records={name: n + 1 for name, n in e.records.items()})),
    (
        "every_acknowledged_claim_once_on_both_sides",
        lambda e: _ledger(e, claims=[*e.ledger.claims, uuid4()]),
    ),
    (
        "every_acknowledged_claim_once_on_both_sides",
        lambda e: replace(e, claimed={**e.claimed, "inspection": [*e.claimed["inspection"], e.ledger.claims[0]]}),
    ),
    ("every_event_reached_the_subscriber", lambda e: _heard(e, events=set(sorted(e.heard.events)[1:]))),
    ("every_event_reached_the_subscriber", lambda e: _heard(e, faults=["one came too late"])),
    (
        "audit_chains_hold",
        lambda e: replace(
            e, audits={**e.audits, "tasks": e.audits["tasks"].model_copy(update={"holds": False, "broken": "lane 1"})}
        ),
    ),
    ("every_finding_rechecked", lambda e: _inspection(e, findings=e.inspection.findings + 1)),
    ("every_difficulty_answered", lambda e: _inspection(e, difficulties_answered=0)),
    ("every_share_settled", lambda e: _tasks(e, shares_completed=e.tasks.shares_completed - 1)),
    ("no_letter_signed", lambda e: _tasks(e, letters_signed=1)),
    ("refusals_all_counted", lambda e: replace(e, refused=e.refused[1:])),
    ("no_order_lost", lambda e: replace(e, orders=e.orders[1:])),
    (
        "no_order_lost",
        lambda e: replace(e, orders=[e.orders[0].model_copy(update={"state": "reported"}), *e.orders[1:]]),
    ),
    ("no_order_lost", lambda e: _heard(e, orders=defaultdict(Counter, list(e.heard.orders.items())[1:]))),
    ("no_order_lost", lambda e: _signage(e, signs_removed=0)),
    ("every_refused_sign_counted", lambda e: _signage(e, requests_refused=e.signage.requests_refused + 1)),
    ("every_refused_sign_counted", lambda e: replace(e, signs_refused=e.signs_refused[1:])),
    ("every_refused_sign_counted", lambda e: _heard(e, types=e.heard.types - Counter({"sign.refused.v1": 1}))),
    ("each_obligation_paid_once", lambda e: _subsidy(e, obligations_paid_twice=1)),
    ("each_obligation_paid_once", lambda e: _subsidy(e, obligations=e.subsidy.obligations + 1)),
    ("each_obligation_paid_once", lambda e: _bank(e, paid_twice=1)),
    ("the_banks_book_equals_ours", lambda e: _bank(e, paid_fen=e.bank.paid_fen + 1)),
    ("the_banks_book_equals_ours", lambda e: _bank(e, settled=e.bank.settled - 1)),
    ("the_banks_book_equals_ours", lambda e: _ledger(e, differences=["a payment that the bank does not list"])),
    ("the_ledger_balances", lambda e: _subsidy(e, ledger_sum_fen=1)),
    ("the_ledger_balances", lambda e: _subsidy(e, runs_closed=0)),
    ("each_month_comes_out_again", lambda e: _ledger(e, verified={})),
    ("each_month_comes_out_again", lambda e: _ledger(e, verified=dict.fromkeys(e.ledger.verified, False))),
    (
        "every_application_decided",
        lambda e: replace(
            e, applications=[e.applications[0].model_copy(update={"state": "lapsed"}), *e.applications[1:]]
        ),
    ),
    ("every_application_decided", lambda e: _heard(e, types=e.heard.types - Counter({"access.approved.v1": 1}))),
    ("every_list_version_told", lambda e: _heard(e, list_versions=e.heard.list_versions[::-1])),
    ("every_list_version_told", lambda e: replace(e, list_versions=e.list_versions[1:])),
    ("the_gate_follows_the_list", lambda e: _ledger(e, refused_before_access=uuid4())),
    ("the_gate_follows_the_list", lambda e: _ledger(e, asked_after_access=None)),
    ("fengshan_as_acknowledged", lambda e: replace(e, shares=[])),
    ("fengshan_as_acknowledged", lambda e: _ledger(e, waiting=dict.fromkeys(e.ledger.waiting, "county"))),
    ("fengshan_as_acknowledged", lambda e: _ledger(e, limits=dict.fromkeys(e.ledger.limits, 1))),
    ("one_holder_of_what_is_open_to_the_first", lambda e: _ledger(e, holders=e.ledger.holders * 2)),
    (
        "one_holder_of_what_is_open_to_the_first",
        lambda e: _heard(e, types=e.heard.types - Counter({"share.withdrawn.v1": 1})),
    ),
    ("asked_once", lambda e: replace(e, merged=[])),
    ("no_score_fell_by_a_no", lambda e: _ledger(e, scores=_with_one_less(e))),
    ("every_appeal_decided", lambda e: replace(e, appeals=[e.appeals[0].model_copy(update={"state": "overturned"})])),
    ("every_appeal_decided", lambda e: _heard(e, types=e.heard.types - Counter({"refusal.decided.v1": 1}))),
    ("an_emergency_has_its_origin", lambda e: _ledger(e, in_emergency=e.ledger.asked_after_access)),
    ("the_burden_is_the_sum_of_its_asks", lambda e: _ledger(e, burden=None)),
    ("works_as_reported", lambda e: _heard(e, works=e.heard.works + Counter(labour_days=1))),
    ("the_stream_missed_nothing", lambda e: replace(e, window=_window(e, set(list(e.window.seen)[1:])))),
    ("the_stream_missed_nothing", lambda e: replace(e, window=_window(e, {*e.window.seen, "of others"}))),
    ("minutes_as_held", lambda e: _ledger(e, claims_at_meeting=e.ledger.claims_at_meeting + 1)),
    ("minutes_as_held", lambda e: _ledger(e, closed=None)),
    ("nobody_saw_others_data", lambda e: _ledger(e, seen_of_others=["a village saw a share of another"])),
]


@pytest.mark.parametrize(("name", "lie"), LIES, ids=[name for name, _ in LIES])
def test_a_lie_is_named_and_ends_with_1(
    told: Played, tmp_path: Path, name: str, lie: Callable[[Evidence], Evidence]
) -> None:
    shown = StringIO()
    code = conclude(Narrator(Console(file=shown)), replace(told, evidence=lie(told.evidence)), tmp_path / "demo.json")
    document = json.loads((tmp_path / "demo.json").read_text())
    assert code == 1
    assert document["ok"] is False
    assert [each for each, holds in document["invariants"].items() if not holds] == [name]
    assert f"✗ {name}: " in shown.getvalue()


def test_each_invariant_has_a_lie_that_breaks_it() -> None:
    assert {name for name, _ in LIES} == {check.name for check in CHECKS}
