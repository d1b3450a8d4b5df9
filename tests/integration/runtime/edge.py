"""An HTTP edge over the counters: one command that creates, one that changes, and a gate whose no is a fact."""

from datetime import date
from uuid import UUID

from fastapi import APIRouter, Response

from qingdan.divisions import DivisionCode
from qingdan.ids import AskId
from qingdan.tasks_events import AskKind, AskRefused, RefusalCode, ShareProgressed
from runtime import audit, outbox
from runtime.actor import Actor
from runtime.db import Pool, transaction
from runtime.http import ChangingCommand, CommandModel, CreatingCommand
from runtime.problems import NotFound, Refusal, StaleVersion
from tests.integration.runtime.conftest import progressed

router = APIRouter(prefix="/v1")


class NotOnTheList(Refusal):
    """Nothing on the list allows this. 清单中没有此事项。"""

    status = 422


class Amount(CommandModel):
    """By how much."""

    by: int


async def create(pool: Pool, actor: Actor, counter: UUID, by: int) -> ShareProgressed:
    async with transaction(pool, actor) as tx:
        await tx.execute("INSERT INTO counter (id, stands_at, version) VALUES ($1, $2, 1)", counter, by)
        event = progressed(counter.int, by)
        await outbox.append(tx, event)
        await audit.append(tx, actor, event)
    return event


async def change(pool: Pool, actor: Actor, counter: UUID, by: int, expected: int) -> ShareProgressed:
    async with transaction(pool, actor) as tx:
        row = await tx.fetchrow("SELECT stands_at, version FROM counter WHERE id = $1 FOR UPDATE", counter)
        if row is None:
            raise NotFound()
        if row["version"] != expected:
            raise StaleVersion(version=row["version"])
        stands_at = row["stands_at"] + by
        await tx.execute("UPDATE counter SET stands_at = $2, version = version + 1 WHERE id = $1", counter, stands_at)
        event = progressed(counter.int, stands_at)
        await outbox.append(tx, event)
        await audit.append(tx, actor, event)
    return event


async def ask(pool: Pool, actor: Actor, number: int) -> None:
    async with transaction(pool, actor) as tx:
        event = AskRefused(
            ask=AskId(UUID(int=number)),
            department="MZJ",
            kind=AskKind.FORM,
            code=RefusalCode.OFF_LIST,
            decided_by="gate",
            list_version=1,
            nearest_item=None,
            division=DivisionCode("130431105000"),
            refused_on=date(2026, 3, 2),
        )
        await outbox.append(tx, event)
        await audit.append(tx, actor, event)
        tx.refuse_after_commit(NotOnTheList(ask=str(event.ask)))


@router.post("/counters/{counter}", status_code=201, response_model=ShareProgressed)
async def create_counter(counter: UUID, body: Amount, command: CreatingCommand) -> Response:
    return command.answer(await create(command.pool, command.actor, counter, body.by))


@router.post("/counters/{counter}/change", response_model=ShareProgressed)
async def change_counter(counter: UUID, body: Amount, command: ChangingCommand) -> Response:
    return command.answer(await change(command.pool, command.actor, counter, body.by, command.expected))


@router.post("/asks", status_code=201)
async def ask_for(body: Amount, command: CreatingCommand) -> None:
    await ask(command.pool, command.actor, body.by)
