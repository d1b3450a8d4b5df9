"""A person is put into the county on purpose: her name, number and accounts are in nothing that a run leaves behind."""

import json
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import asyncpg
import httpx2
import pytest
from rich.console import Console

from devkit.canary import Scan, Sighting, scan_bytes, scan_files
from devkit.demo import Played, conclude, play
from devkit.own_loop import run_in_own_loop
from devkit.postgres import SUPERUSER
from devkit.records.identities import CANARY
from devkit.stack import SERVICES, Stack
from devkit.story.county import ANJI
from devkit.story.narrator import Narrator
from devkit.story.plot import small_story
from tests.broker.collector import collecting

pytestmark = pytest.mark.timeout(600)  # the first of them waits for a whole demo

PEOPLE = 4_000
SIZE_MIN_BYTES = 50_000_000
PLANTED = "planted.log"
CANARIES = {
    "name": CANARY.name.reveal(),
    "identity number": CANARY.resident_id.reveal(),
    "account": CANARY.account.reveal() if CANARY.account else "",
    "second account": CANARY.account_later.reveal() if CANARY.account_later else "",
    "telephone": CANARY.phone.reveal() if CANARY.phone else "",
}


@dataclass(slots=True)
class LeftBehind:
    """What the story left, and what the scanner saw in it."""

    played: Played
    screen: str
    scan: Scan
    exported: list[bytes]
    answers: list[str] = field(default_factory=list)
    seen_when_planted: list[Sighting] = field(default_factory=list)


@pytest.fixture(scope="module")
def left_behind(tmp_path_factory: pytest.TempPathFactory) -> LeftBehind:
    """The story told small, with every span, metric and log exported; scanned while all of it is still there."""
    narrator, answers, scans = Narrator(Console(file=StringIO())), list[str](), list[Scan]()

    def look(stack: Stack) -> None:
        answers.extend(provoke(stack))
        folders = [stack.run.path, run_in_own_loop(data_of_postgres(stack))]
        scans.append(scan_files(folders, CANARIES))
        (stack.run.logs / PLANTED).write_text(f"paid to {CANARIES['name']}, {CANARIES['account']}")
        scans.append(scan_files([stack.run.logs], CANARIES))
        (stack.run.logs / PLANTED).unlink()

    with collecting() as collector:
        extra = {service: {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "LOG_LEVEL": "DEBUG"} for service in SERVICES}
        plot = small_story(villages_max=2, tasks_max=2, sign_villages_max=1, people=PEOPLE, periods=("2026-06",))
        played = play(narrator, plot, extra=extra, look=look)
    assert isinstance(narrator.console.file, StringIO)
    assert played is not None, narrator.console.file.getvalue()
    report = tmp_path_factory.mktemp("report") / "demo.json"
    conclude(narrator, played, report)
    screen = narrator.console.file.getvalue() + report.read_text()
    return LeftBehind(played, screen, scans[0], collector.bodies, answers, list(scans[1].sightings))


async def data_of_postgres(stack: Stack) -> Path:
    """Where the server keeps its files, with all that is in memory written to them."""
    session = await asyncpg.connect(stack.postgres.url(SUPERUSER, stack.postgres.database("subsidy").name))
    try:
        await session.execute("CHECKPOINT")
        return Path(await session.fetchval("SHOW data_directory"))
    finally:
        await session.close()


def provoke(stack: Stack) -> list[str]:
    """Everything that a service says to somebody who sends it the canary in places where it does not belong."""
    said = []
    headers = {"Authorization": f"Bearer {stack.token('finance_preparer', ANJI)}", "Idempotency-Key": "canary"}
    for service in SERVICES:
        with httpx2.Client(base_url=stack.url(service), headers=headers, trust_env=False) as client:
            for text in CANARIES.values():
                said += [
                    client.get(f"/v1/runs/{text}").text,
                    client.get("/v1/payments", params={"run": text, "after": text}).text,
                    client.get("/v1/signs", params={"village": text}).text,
                    client.post("/v1/runs", json={"division": text, "period": text}).text,
                    client.post("/v1/shares/x/claim", json={text: text}).text,
                    client.post("/v1/runs", content=f'{{"division": "{text}'.encode()).text,
                    client.post(
                        "/v1/runs", json={}, headers={"Idempotency-Key": text.encode().hex(), "If-Match": "x"}
                    ).text,
                ]
    return said


def test_the_canary_was_paid(left_behind: LeftBehind) -> None:
    figures = left_behind.played.figures
    assert figures["people"] == PEOPLE
    assert figures["payments_rejected_first"] > 0  # hers among them: her first account is closed


def test_she_is_in_no_file_that_a_run_leaves_behind(left_behind: LeftBehind) -> None:
    """Kafka's segments, PostgreSQL's tables and write-ahead log, the bank's book, keys and every process's log."""
    assert [str(seen) for seen in left_behind.scan.sightings] == []
    assert left_behind.scan.size_bytes > SIZE_MIN_BYTES
    assert left_behind.scan.files > 500


def test_she_is_in_nothing_that_was_exported(left_behind: LeftBehind) -> None:
    exported = b"\n".join(left_behind.exported)
    assert b"subsidy" in exported
    assert len(exported) > 100_000
    assert scan_bytes("what was exported", exported, CANARIES) == []


def test_she_is_in_no_answer_and_on_no_screen(left_behind: LeftBehind) -> None:
    answers = json.dumps(left_behind.answers, ensure_ascii=False)
    assert len(left_behind.answers) == 7 * len(SERVICES) * len(CANARIES)
    assert scan_bytes("the answers", answers.encode(), CANARIES) == []
    assert scan_bytes("the screen", left_behind.screen.encode(), CANARIES) == []


def test_the_scanner_would_have_seen_her(left_behind: LeftBehind) -> None:
    assert {(Path(seen.place).name, seen.canary) for seen in left_behind.seen_when_planted} == {
        (PLANTED, "name"),
        (PLANTED, "account"),
    }
