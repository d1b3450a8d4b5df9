"""Use case: the applications that wait for the asker's department, oldest due date first."""

from datetime import date
from typing import NamedTuple

from qingdan.ids import ApplicationId
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from tasks import application_rules, application_store, delegation_store
from tasks.list_applications import ApplicationView


class DeskPosition(NamedTuple):
    """A place on a desk: by due date, then by application."""

    due_on: date
    application: ApplicationId


async def show_desk(pool: Pool, actor: Actor, *, after: DeskPosition | None, limit: int) -> list[ApplicationView]:
    """At most `limit` applications after the last one seen, with those whose delay was escalated to the department.

    An application waits for a department, never for a person: what nobody has taken up is there as well. An approver
    bound to no department sees what waits for any. Raises MayNotDecide.
    """
    async with transaction(pool, actor) as tx:
        linked = await delegation_store.linked_with(tx, actor.subject, actor.department, business_date(utcnow()))
        application_rules.check_desk(actor.subject, approves=Role.ACCESS_APPROVER in actor.roles, linked=linked)
        rows = await application_store.list_waiting(tx, actor.department, after, limit)
    return [ApplicationView.of(row) for row in rows]
