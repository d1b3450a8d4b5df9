"""Use case: one application with its whole history."""

from datetime import date

from pydantic import BaseModel

from qingdan.ids import ApplicationId
from runtime.actor import Actor
from runtime.db import Pool, transaction
from tasks import application_store
from tasks.application_rules import Verdict, Wanted
from tasks.list_applications import ApplicationView


class RoundView(BaseModel):
    """What was handed in, and by whom."""

    round: int
    wanted: Wanted
    submitted_by: str
    submitted_on: date


class StepView(BaseModel):
    """A stage that the application came to, and how far its delay was escalated."""

    round: int
    stage: str
    since_on: date
    due_on: date
    provisional: bool
    escalated: int
    escalated_on: date | None


class OpinionView(BaseModel):
    """What a department said at a stage."""

    round: int
    stage: str
    department: str
    subject: str
    on_behalf_of: str | None
    verdict: Verdict
    code: str
    reason: str
    given_on: date


class WholeApplication(ApplicationView):
    """An application with its rounds, steps and opinions, oldest first."""

    rounds: list[RoundView]
    steps: list[StepView]
    opinions: list[OpinionView]


async def show_application(pool: Pool, actor: Actor, application: ApplicationId) -> WholeApplication:
    """Raises NotFound, also for an application that does not concern the asker's department."""
    async with transaction(pool, actor) as tx:
        row = await application_store.find_application(tx, application)
        rounds = await application_store.rounds_of(tx, application)
        steps = await application_store.steps_of(tx, application)
        opinions = await application_store.opinions_of(tx, application)
    return WholeApplication(
        **ApplicationView.of(row).model_dump(),
        rounds=[RoundView(**{**dict(each), "wanted": Wanted.model_validate_json(each["wanted"])}) for each in rounds],
        steps=[StepView(**dict(step)) for step in steps],
        opinions=[OpinionView(**dict(opinion)) for opinion in opinions],
    )
