"""Whatever a route does, the answer is a problem document in both languages, and never an empty 500."""

import json
import socket
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import httpx2
import pytest
from fastapi import FastAPI, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, field_validator

from runtime import problems
from runtime.problem_responses import MEDIA_TYPE, PROBLEM_RESPONSES, install, problem_response, refusal_for
from runtime.problems import Refusal
from runtime.tracing_middleware import FASTAPI_TELEMETRY, TracingMiddleware

CANARY = "130431199001011234"


class Claim(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=False)
    share: UUID
    limit: Annotated[int, Field(ge=1, le=60)] = 5
    note: Annotated[str, Field(max_length=5)] = ""

    @field_validator("note")
    @classmethod
    def refuse_shouting(cls, note: str) -> str:
        if note.isupper():
            raise ValueError(f"do not shout {note}")
        return note


class ShareTaken(Refusal):
    """This share is taken. 该份额已被认领。"""

    status = 409


ERRORS: dict[str, BaseException] = {
    "refusal": ShareTaken(share=UUID(int=1), roles={"b", "a"}),
    "bug": RuntimeError(f"no such person {CANARY}"),
    "unique": asyncpg.UniqueViolationError(f"Key (id)=({CANARY}) already exists."),
}


def application() -> FastAPI:
    app = FastAPI(telemetry=FASTAPI_TELEMETRY, responses=PROBLEM_RESPONSES)
    install(app)
    app.add_middleware(TracingMiddleware)

    @app.post("/claims")
    async def post_claim(claim: Claim, page: Annotated[int, Query(ge=0)] = 0) -> dict[str, Any]:
        return {"limit": claim.limit, "page": page}

    @app.get("/raise/{name}")
    async def get_error(name: str) -> None:
        raise ERRORS[name]

    @app.get("/breaks-off")
    async def get_broken_stream() -> StreamingResponse:
        async def chunks() -> Any:
            yield b"begun"
            raise RuntimeError("too late to say so")

        return StreamingResponse(chunks())

    return app


async def ask(method: str, path: str, **options: Any) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=application())
    async with httpx2.AsyncClient(transport=transport, base_url="http://tasks") as client:
        return await client.request(method, path, **options)


async def problem(method: str, path: str, **options: Any) -> dict[str, Any]:
    response = await ask(method, path, **options)
    document: dict[str, Any] = response.json()
    assert response.headers["content-type"] == MEDIA_TYPE
    assert document["status"] == response.status_code
    assert document["title_en"]
    assert document["title_zh"]
    assert document["instance"].startswith("urn:trace:")
    assert CANARY not in response.text
    return document


async def test_a_refusal_is_answered_with_its_details_and_its_trace() -> None:
    traceparent = f"00-{'ab' * 16}-{'cd' * 8}-01"
    document = await problem("GET", "/raise/refusal", headers={"traceparent": traceparent})
    assert document["type"] == "urn:qingdan:problem:share-taken"
    assert (document["share"], document["roles"]) == (str(UUID(int=1)), ["a", "b"])
    assert document["instance"] == "urn:trace:" + "ab" * 16


async def test_the_title_is_in_the_language_asked_for() -> None:
    response = await ask("GET", "/raise/refusal", headers={"Accept-Language": "zh-CN,zh;q=0.9"})
    assert response.json()["title"] == response.json()["title_zh"]
    assert response.headers["content-language"] == "zh-CN"


async def test_a_bug_is_a_500_with_a_trace_and_without_its_message() -> None:
    assert (await problem("GET", "/raise/bug"))["type"] == "urn:qingdan:problem:internal"


async def test_a_unique_violation_is_a_conflict_and_its_values_stay_here() -> None:
    assert (await problem("GET", "/raise/unique"))["status"] == 409


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/share", "missing"),
        ({"share": CANARY}, "/share", "uuid_parsing"),
        ({"share": str(UUID(int=1)), "limit": 0}, "/limit", "greater_than_equal"),
        ({"share": str(UUID(int=1)), "limit": 10**30}, "/limit", "less_than_equal"),
        ({"share": str(UUID(int=1)), "unknown_field": CANARY}, "/unknown_field", "extra_forbidden"),
        ({"share": str(UUID(int=1)), CANARY: 1}, "/*", "extra_forbidden"),
        ({"share": str(UUID(int=1)), "张三": 1}, "/*", "extra_forbidden"),
        ({"share": str(UUID(int=1)), "note": CANARY}, "/note", "string_too_long"),
        ({"share": str(UUID(int=1)), "note": "ABC"}, "/note", "value_error"),
        ({"share": str(UUID(int=1)), "note": "\ud800"}, "/note", "string_unicode"),
        ([CANARY], "", "model_attributes_type"),
    ],
)
async def test_what_is_wrong_with_a_body_is_pointed_at_and_not_repeated(body: object, pointer: str, code: str) -> None:
    document = await problem("POST", "/claims", content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert document["status"] == 422
    [error] = document["errors"]
    assert (error["in"], error["pointer"], error["code"]) == ("body", pointer, code)
    assert error["message"].endswith(".")
    assert error["message_zh"].endswith("。")
    assert "ABC" not in str(document)


@pytest.mark.parametrize("content", [b"{", b"", b'{"share": }', b"nul"])
async def test_what_is_not_json_is_said_so(content: bytes) -> None:
    document = await problem("POST", "/claims", content=content, headers={"Content-Type": "application/json"})
    assert document["status"] == 422
    assert document["errors"][0]["pointer"] == ""


async def test_what_is_not_utf_8_is_malformed() -> None:
    document = await problem("POST", "/claims", content=b'"\xff"', headers={"Content-Type": "application/json"})
    assert document["status"] == 400


async def test_a_wrong_query_parameter_is_pointed_at() -> None:
    document = await problem("POST", "/claims?page=-1", json={"share": str(UUID(int=1))})
    assert [(error["in"], error["pointer"]) for error in document["errors"]] == [("query", "/page")]


async def test_the_errors_shown_are_not_endless() -> None:
    document = await problem("POST", "/claims", json={f"field_{letter}{n}": 1 for letter in "abcd" for n in range(9)})
    assert (len(document["errors"]), document["errors_more"]) == (20, 17)


async def test_unknown_addresses_and_methods_are_problems_too() -> None:
    assert (await problem("GET", "/nowhere"))["status"] == 404
    response = await ask("DELETE", "/claims")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


async def test_an_answer_already_begun_is_broken_off() -> None:
    with pytest.raises(RuntimeError, match="too late"):
        await ask("GET", "/breaks-off")


async def test_the_openapi_document_says_that_refusals_are_problem_documents() -> None:
    responses = (await ask("GET", "/openapi.json")).json()["paths"]["/claims"]["post"]["responses"]
    assert list(responses["default"]["content"]) == [MEDIA_TYPE]
    assert "422" not in responses


@pytest.mark.parametrize(
    ("error", "refusal"),
    [
        (asyncpg.QueryCanceledError("statement timeout"), problems.Overloaded),
        (asyncpg.LockNotAvailableError("lock timeout"), problems.Overloaded),
        (asyncpg.SerializationError("again"), problems.Overloaded),
        (asyncpg.DeadlockDetectedError("again"), problems.Overloaded),
        (asyncpg.TooManyConnectionsError("full"), problems.Overloaded),
        (asyncpg.IdleInTransactionSessionTimeoutError("idle"), problems.Overloaded),
        (TimeoutError(), problems.Overloaded),
        (asyncpg.CannotConnectNowError("starting"), problems.DependencyUnavailable),
        (asyncpg.AdminShutdownError("bye"), problems.DependencyUnavailable),
        (asyncpg.DiskFullError("full"), problems.DependencyUnavailable),
        (asyncpg.ConnectionDoesNotExistError("gone"), problems.DependencyUnavailable),
        (asyncpg.InterfaceError("pool is closing"), problems.DependencyUnavailable),
        (asyncpg.InternalClientError("cannot switch to state"), problems.DependencyUnavailable),
        (ConnectionRefusedError(), problems.DependencyUnavailable),
        (socket.gaierror(), problems.DependencyUnavailable),
        (OSError("Multiple exceptions"), problems.DependencyUnavailable),
        (FileNotFoundError(), problems.Internal),
        (asyncpg.ForeignKeyViolationError("gone"), problems.Conflict),
        (asyncpg.NotNullViolationError("null"), problems.Internal),
        (asyncpg.CheckViolationError("check"), problems.Internal),
        (asyncpg.InsufficientPrivilegeError("row-level security"), problems.Forbidden),
        (asyncpg.CharacterNotInRepertoireError("0x00"), problems.Invalid),
        (asyncpg.NumericValueOutOfRangeError("int8"), problems.Invalid),
        (asyncpg.UndefinedTableError("bug"), problems.Internal),
        (KeyError("bug"), problems.Internal),
    ],
)
def test_each_failure_has_its_refusal(error: Exception, refusal: type[Refusal]) -> None:
    assert type(refusal_for(error)) is refusal


def test_a_masked_value_in_the_details_stays_masked() -> None:
    class Masked(str):
        def __str__(self) -> str:
            return "1304***"

    body = bytes(problem_response(ShareTaken(person=Masked(CANARY))).body)
    assert b"1304***" in body
    assert CANARY.encode() not in body


def test_whoever_must_wait_reads_it_in_a_header() -> None:
    assert problem_response(problems.Overloaded()).headers["retry-after"] == "1"
