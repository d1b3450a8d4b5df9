"""Bad input over a real socket: each gets a clear problem, never a 500, and nothing is lost."""

import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
import pytest

from devkit.dev_users import USERS
from devkit.forged_tokens import FORGERIES
from devkit.issuer import Issuer
from devkit.pytest_plugin import MakeService
from tests.e2e.desk import NEIGHBOUR, VILLAGE, Desk, is_a_problem

NOWHERE = "127.0.0.1:9"  # commands need no Kafka
LIMIT = {"limit_working_days": 12}


@pytest.fixture
def desk(service_process: MakeService, issuer: Issuer) -> Iterator[Desk]:
    process = service_process("tasks", bootstrap=NOWHERE, extra={"PARTS": "http"})
    process.start()
    yield Desk(process.url, issuer)
    assert process.is_alive(), "bad input ended the process"


@pytest.fixture
def share(desk: Desk) -> str:
    return desk.furnish()


def still_open(desk: Desk, share: str) -> bool:
    return bool(desk.get(f"/shares/{share}", "village_cadre").json()["state"] == "published")


def claim(desk: Desk, share: str, *, content: bytes | None = None, **headers: str) -> httpx2.Response:
    good = desk.headers("village_cadre", version=1) | {"Content-Type": "application/json"}
    body = content if content is not None else b'{"limit_working_days": 12}'
    url = f"{desk.url}/v1/shares/{share}/claim"
    return httpx2.post(url, content=body, headers=good | headers, timeout=20.0)


BODIES = {
    "malformed JSON": (b'{"limit_working_days": ', 422),
    "no JSON at all": (b"limit=12", 422),
    "an array": (b"[12]", 422),
    "wrong type": (b'{"limit_working_days": "soon"}', 422),
    "a number too large": (b'{"limit_working_days": 1e400}', 422),
    "not a number": (b'{"limit_working_days": NaN}', 422),
    "below the bound": (b'{"limit_working_days": 0}', 422),
    "an unknown field": (b'{"limit_working_days": 12, "due_on": "2030-01-01"}', 422),
    "nothing": (b"", 422),
    "a null byte": (b'{"limit_working_days": "1\\u00002"}', 400),
    "a raw null byte": (b'{"limit_working_days": 12}\x00', 400),
    "a lone surrogate": (b'{"limit_working_days": "\\ud800"}', 422),
    "not UTF-8": (b'{"limit_working_days": "\xff"}', 400),
    "deep nesting": (b"[" * 5000 + b"]" * 5000, 400),
    "ten megabytes": (b'{"limit_working_days": "' + b"1" * 10_000_000 + b'"}', 413),
}


def test_a_bad_body_gets_a_clear_problem_and_changes_nothing(desk: Desk, share: str) -> None:
    for what, (content, status) in BODIES.items():
        answer = claim(desk, share, content=content)
        assert answer.status_code == status, (what, answer.text[:300])
        assert is_a_problem(answer, status), (what, answer.text[:300])
    assert still_open(desk, share)


def test_a_forged_token_is_refused_whatever_is_wrong_with_it(desk: Desk, share: str, issuer: Issuer) -> None:
    for what, forge in FORGERIES.items():
        answer = claim(desk, share, Authorization=f"Bearer {forge(issuer, USERS['village_cadre'])}")
        assert answer.status_code in (401, 403), (what, answer.text)
        assert is_a_problem(answer, answer.status_code), what
    nobody = httpx2.post(f"{desk.url}/v1/shares/{share}/claim", json=LIMIT, headers={"If-Match": '"1"'})
    assert is_a_problem(nobody, 401)
    assert "www-authenticate" in nobody.headers
    assert still_open(desk, share)


def test_another_villages_share_does_not_exist(desk: Desk, share: str) -> None:
    theirs = desk.headers("village_cadre", division=NEIGHBOUR, version=1)
    assert is_a_problem(desk.post(f"/shares/{share}/claim", LIMIT, theirs), 404)
    assert is_a_problem(desk.get(f"/shares/{share}", "village_cadre", division=NEIGHBOUR), 404)
    seen = desk.get("/shares", "village_cadre", division=NEIGHBOUR).json()["items"]
    assert {entry["village"] for entry in seen} == {NEIGHBOUR}
    assert still_open(desk, share)


def test_who_has_the_wrong_role_is_refused(desk: Desk, share: str) -> None:
    for role in ("town_staff", "supervisor", "auditor", "operator", "integrator"):
        assert is_a_problem(desk.post(f"/shares/{share}/claim", LIMIT, desk.headers(role, version=1)), 403), role
    assert still_open(desk, share)


def test_a_version_that_is_stale_missing_or_nonsense_is_refused(desk: Desk, share: str) -> None:
    assert is_a_problem(desk.post(f"/shares/{share}/claim", LIMIT, desk.headers("village_cadre", version=7)), 412)
    assert is_a_problem(desk.post(f"/shares/{share}/claim", LIMIT, desk.headers("village_cadre")), 428)
    for nonsense in ("*", '"one"', '"-1"', '"99999999999999999999"', '"1", "2"'):
        assert is_a_problem(claim(desk, share, **{"If-Match": nonsense}), 422), nonsense
    assert still_open(desk, share)


def test_a_key_is_needed_and_serves_one_command(desk: Desk, share: str) -> None:
    headers = desk.headers("village_cadre", version=1)
    keyless = {name: value for name, value in headers.items() if name != "Idempotency-Key"}
    assert is_a_problem(desk.post(f"/shares/{share}/claim", LIMIT, keyless), 400)
    first = desk.post(f"/shares/{share}/claim", LIMIT, headers)
    assert first.status_code == 200
    again = desk.post(f"/shares/{share}/claim", LIMIT, headers)
    assert (again.status_code, again.content, again.headers["etag"]) == (200, first.content, first.headers["etag"])
    assert is_a_problem(desk.post(f"/shares/{share}/claim", {"limit_working_days": 13}, headers), 422)
    assert desk.get(f"/shares/{share}", "village_cadre").json()["limit_working_days"] == 12


def test_one_of_many_who_claim_at_once_gets_it(desk: Desk, share: str) -> None:
    def once(_: int) -> int:
        return desk.post(f"/shares/{share}/claim", LIMIT, desk.headers("village_cadre", version=1)).status_code

    with ThreadPoolExecutor(16) as threads:
        answers = sorted(threads.map(once, range(32)))
    assert answers == [200] + [412] * 31


def test_odd_addresses_are_answered(desk: Desk, share: str) -> None:
    headers = desk.headers("village_cadre")
    for path, status in {
        "/v1/shares/not-a-uuid": 422,
        f"/v1/shares/{uuid4()}": 404,
        "/v1/nothing": 404,
        "/v1/shares?limit=0": 422,
        "/v1/shares?limit=100000": 422,
        "/v1/shares?after=%F0%9F%92%A9": 422,
        "/v1/shares?after=e30": 422,
        "/v1/shares?state=%00": 400,
        "/v1/shares/%00": 400,
        "/v1/divisions/13043110520500": 422,
        f"/v1/shares?after={'x' * 9000}": 414,
    }.items():
        answer = httpx2.get(desk.url + path, headers=headers)
        assert answer.status_code == status, (path[:60], answer.text)
        assert is_a_problem(answer, status), path[:60]
    assert is_a_problem(httpx2.delete(f"{desk.url}/v1/shares/{share}", headers=headers), 405)
    assert is_a_problem(claim(desk, share, **{"Content-Type": "text/xml"}), 415)
    assert still_open(desk, share)


def test_requests_that_are_no_http_leave_the_service_standing(desk: Desk, share: str) -> None:
    address = urlsplit(desk.url)
    for raw in (os.urandom(4096), b"GET /v1/shares HTTP/9.9\r\n\r\n", b"POST /v1/meetings HTTP/1.1\r\nContent-Le"):
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as connection:
            connection.sendall(raw)
    assert still_open(desk, share)


def test_a_refusal_is_said_in_the_askers_language(desk: Desk, share: str) -> None:
    headers = desk.headers("village_cadre", version=7) | {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"}
    document = desk.post(f"/shares/{share}/claim", LIMIT, headers).json()
    assert document["title"] == document["title_zh"]
    assert document["instance"].startswith("urn:trace:")
    assert VILLAGE not in str(document)
