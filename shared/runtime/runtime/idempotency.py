"""Idempotency-Key: the same command twice gets the same answer; the same key for another command is refused.

The header and its meaning follow the IETF draft "The Idempotency-Key HTTP Header Field" (httpapi working group).
"""

from contextvars import ContextVar, Token
from dataclasses import dataclass

from runtime.problems import KeyReused
from runtime.scope import Connection


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to a command: status, entity tag, JSON body."""

    status: int
    etag: str | None
    body: str


class Replay(Exception):
    """This command was carried out before; the edge sends the stored answer again."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


@dataclass(frozen=True, slots=True)
class CommandContext:
    """What the edge knows of the command under way."""

    key: str
    request_hash: bytes  # SHA-256 of method, path, If-Match and body
    expected: int | None  # the version in If-Match; None for a command that creates
    status: int  # of the answer when all goes well


_current: ContextVar[CommandContext | None] = ContextVar("idempotency", default=None)


def current() -> CommandContext | None:
    """The command that the edge is carrying out in this task, if it is one."""
    return _current.get()


def begin(command: CommandContext) -> Token[CommandContext | None]:
    """Bind the command to this task; `end` with the token."""
    return _current.set(command)


def end(token: Token[CommandContext | None]) -> None:
    """Unbind."""
    _current.reset(token)


async def find(connection: Connection, command: CommandContext) -> Answer | None:
    """The answer given to this key before (in the actor's scope), or None.

    Raises KeyReused when the key was used for another command.
    """
    row = await connection.fetchrow(
        "SELECT request_hash, status, etag, body FROM idempotency WHERE key = $1 AND actor = app_actor()", command.key
    )
    if row is None:
        return None
    if row["request_hash"] != command.request_hash:
        raise KeyReused()
    return Answer(row["status"], row["etag"], row["body"])
