"""The HTTP edge: who asks, under which version and Idempotency-Key, and how a command or a page is answered."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, cast

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel, ConfigDict

from runtime import idempotency
from runtime.actor import Actor, service_actor
from runtime.auth import Authenticator
from runtime.db import Pool, Version
from runtime.idempotency import Answer, CommandContext, Replay
from runtime.problems import DependencyUnavailable, Forbidden, Invalid, Malformed, PreconditionRequired


class KeyMissing(Malformed):
    """Send an Idempotency-Key with every command. 每个指令都须附带 Idempotency-Key。

    Make a new key (such as a UUID) per click, and repeat the same key when you repeat the same click.
    每次点击生成一个新的键（如 UUID），重试同一次点击时使用同一个键。
    """


class CommandModel(BaseModel):
    """The body of a command: what is not known is refused, so that a misspelt field is never silently ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who asks a question."""

    pool: Pool
    actor: Actor


@dataclass(frozen=True, slots=True)
class Command:
    """Somebody who wants something done."""

    pool: Pool
    actor: Actor
    expected: Version  # the version to be changed; 0 for a command that creates
    status: int

    def answer(self, event: BaseModel, *, version: int | None = None) -> Response:
        """Answer with the event that was caused, and the version that it left behind as the entity tag: the next one
        unless another is named."""
        return _response(Answer(self.status, f'"{version or self.expected + 1}"', event.model_dump_json()))


def _response(answer: Answer, *, replayed: bool = False) -> Response:
    headers = {"ETag": answer.etag} if answer.etag is not None else {}
    if replayed:
        headers["Idempotency-Replayed"] = "true"
    media_type = "application/problem+json" if answer.status >= 400 else "application/json"
    return Response(answer.body, answer.status, headers, media_type)


async def answer_replay(_: Request, error: Exception) -> Response:
    """Exception handler: this command was carried out before, here is what it answered."""
    return _response(cast(Replay, error).answer, replayed=True)


async def _actor(request: Request) -> Actor:
    authenticator: Authenticator = request.app.state.authenticator
    return await authenticator.actor_of(request.headers.get("authorization"))


def _pool(request: Request) -> Pool:
    pool: Pool | None = request.app.state.pool
    if pool is None:
        raise DependencyUnavailable()
    return pool


async def _reader(request: Request) -> Reader:
    return Reader(_pool(request), await _actor(request))


async def _open(request: Request) -> Reader:
    return Reader(_pool(request), service_actor(request.app.state.service_name))


_KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="one new value per click; repeated with the click it gets the same answer",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
    ),
]
_IfMatchHeader = Annotated[
    str | None, Header(alias="If-Match", description='the ETag last read, as in "3"', max_length=32)
]


async def _creating(request: Request, key: _KeyHeader = None) -> AsyncIterator[Command]:
    async with _begin(request, key, None) as command:
        yield command


async def _changing(
    request: Request, key: _KeyHeader = None, if_match: _IfMatchHeader = None
) -> AsyncIterator[Command]:
    async with _begin(request, key, _version(if_match)) as command:
        yield command


@asynccontextmanager
async def _begin(request: Request, key: str | None, expected: int | None) -> AsyncIterator[Command]:
    actor = await _actor(request)
    if actor.kind == "auditor":
        raise Forbidden()  # whatever other roles it has
    if key is None:
        raise KeyMissing()
    status = getattr(request.scope["route"], "status_code", None) or 200
    asked = f"{request.method} {request.scope['path']} {expected}\n".encode() + request.scope["query_string"]
    digest = sha256(asked + await request.body()).digest()
    token = idempotency.begin(CommandContext(key, digest, expected, status))
    try:
        yield Command(_pool(request), actor, Version(expected or 0), status)
    finally:
        idempotency.end(token)


def _version(if_match: str | None) -> int:
    if if_match is None:
        raise PreconditionRequired()
    text = if_match.strip().removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Invalid(
            errors=[
                {
                    "pointer": "/header/If-Match",
                    "message": 'an ETag of ours, as in "3"',
                    "message_zh": "须为本系统给出的 ETag",
                }
            ]
        )
    return int(text)


Query = Annotated[Reader, Depends(_reader)]
Open = Annotated[Reader, Depends(_open)]
"""A question that comes without a token, such as a calendar's: the actor is the service's own, only for looking up the
secret that was brought instead."""
CreatingCommand = Annotated[Command, Depends(_creating)]
ChangingCommand = Annotated[Command, Depends(_changing)]
