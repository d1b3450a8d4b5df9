"""The story small, from an empty county to the reckoning: its figures follow from the data, and no lie passes."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import jsonschema  # type: ignore[import-untyped]
import pytest
from rich.console import Console

from devkit import reaper
from devkit.demo import Played, conclude
from devkit.paths import var_dir
from devkit.story.checks import CHECKS, Evidence, broken
from devkit.story.narrator import Narrator
from devkit.story.plot import Plot

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


def test_every_event_reached_a_plain_subscriber(told: Played) -> None:
    heard = told.evidence.heard
    assert told.figures["events_heard"] == told.figures["events_published"] == sum(heard.types.values())
    assert heard.types["share.claimed.v1"] == told.figures["shares_claimed"]
    assert heard.types["visit.closed.v1"] == told.figures["visits"]
    assert heard.types["assessment.published.v1"] == told.figures["townships_ranked"]


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
