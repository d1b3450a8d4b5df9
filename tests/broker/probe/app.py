"""The probe: its command, its consumer and their composition."""

import asyncio
from datetime import date
from pathlib import Path
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from qingdan.divisions import DivisionCode
from qingdan.ids import ShareId, TaskId
from qingdan.origin import Origin
from qingdan.tasks_events import ShareProgressed, TasksEvent
from qingdan.topics import TASKS
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.db import Pool, Tx, transaction
from runtime.http import CommandModel, CreatingCommand
from runtime.kafka import subscribe
from runtime.problems import Refusal
from runtime.runs import Run
from runtime.service import Service
from runtime.settings import ServiceSettings

router = APIRouter(prefix="/v1", tags=["steps"])


class Unbearable(Refusal):
    """The probe was told to refuse this step. 探针被要求拒绝此步骤。"""

    status = 409


class TakeStep(CommandModel):
    """The next step of a task; `percent` is what the consumer may be told to fail on."""

    task: TaskId
    percent: int = Field(default=0, ge=0, le=100)


def progressed(task: TaskId, step: int, percent: int = 0) -> ShareProgressed:
    """The event of a task's nth step; the number travels as the share's id."""
    return ShareProgressed(
        task=task,
        share=ShareId(UUID(int=step)),
        village=DivisionCode("130431105205"),
        percent=percent,
        photo_sha256=(),
        reported_on=date(2026, 3, 2),
        origin=Origin(service="tasks", kind="work_meeting", id=UUID(int=1)),
    )


async def take_step(pool: Pool, actor: Actor, task: TaskId, percent: int) -> ShareProgressed:
    """Count the task's steps under the lock of its row, and tell everybody."""
    actor.require(Role.OPERATOR, Role.SERVICE)
    async with transaction(pool, actor) as tx:
        step = await tx.fetchval(
            "INSERT INTO journal AS j (task, steps, version) VALUES ($1, 1, 1)"
            " ON CONFLICT (task) DO UPDATE SET steps = j.steps + 1, version = j.version + 1 RETURNING steps",
            task,
        )
        event = progressed(task, step, percent)
        await outbox.append(tx, event)
        await audit.append(tx, actor, event)
    return event


@router.post("/steps", response_model=ShareProgressed, status_code=201, summary="Take a step 前进一步")
async def step(body: TakeStep, command: CreatingCommand) -> Response:
    return command.answer(await take_step(command.pool, command.actor, body.task, body.percent))


@subscribe(TASKS)
async def on_tasks(tx: Tx, run: Run[TasksEvent]) -> None:
    match run:
        case [ShareProgressed(), *_]:
            faults = {row["percent"]: row["kind"] for row in await tx.fetch("SELECT percent, kind FROM fault")}
            for event in run.each():
                assert isinstance(event, ShareProgressed)  # a run is of one type
                await note_effect(tx, event, faults.get(event.percent))
        case _:
            pass


async def note_effect(tx: Tx, event: ShareProgressed, fault: str | None) -> None:
    """Write the effect, then fail or dawdle if told to: what was written must go with the transaction."""
    await tx.execute("INSERT INTO effect (task, step) VALUES ($1, $2)", event.task, event.share.int)
    await audit.append(tx, tx.actor, event)
    while fault == "pause" and await tx.fetchval("SELECT true FROM fault WHERE percent = $1", event.percent):  # noqa: ASYNC110
        await asyncio.sleep(0.05)  # the test that ends the pause is another process
    if fault == "bug":
        raise LookupError("a bug that only this event meets")
    if fault == "refusal":
        raise Unbearable()
    if fault == "outage":
        raise TimeoutError("what this event needs is away")


service = Service(
    name="probe",
    version="0.1.0",
    title="Probe",
    settings=ServiceSettings,
    migrations=Path(__file__).parent / "migrations",
    router=router,
    subscriptions=[on_tasks],
)
