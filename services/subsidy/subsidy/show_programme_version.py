"""Use case: one version of the programmes with everything that it must hold to."""

from datetime import date
from typing import Literal

from pydantic import BaseModel, Field

from runtime.actor import Actor
from runtime.db import Pool, transaction
from subsidy import example_store, programme_rules, programme_store
from subsidy.programme_rules import Cadence, Example, Payee, Programme, ProgrammeVersionUnknown


class ExampleView(Example):
    """An example that the version holds to."""

    since: int = Field(description="the version that it was given with")
    kind: Literal["given", "kept"]


class ProgrammeOfVersion(Programme):
    """A programme with what follows from it."""

    cadence: Cadence
    payee: Payee


class ProgrammeVersionView(BaseModel):
    """A whole version."""

    version: int
    effective_on: date
    effective_until: date | None = Field(description="the last day on which it is in force; null: until further notice")
    programmes: list[ProgrammeOfVersion]
    examples: list[ExampleView] = Field(description="by programme and name")


async def show_programme_version(pool: Pool, actor: Actor, version: int) -> ProgrammeVersionView:
    """Raises ProgrammeVersionUnknown."""
    async with transaction(pool, actor) as tx:
        found = await programme_store.find_version(tx, version)
        if found is None:
            raise ProgrammeVersionUnknown(version=version)
        programmes = await programme_store.programmes_of(tx, version)
        held = await example_store.newest_of(tx, [each.code for each in programmes], until=version)
    return ProgrammeVersionView(
        **dict(found),
        programmes=[
            ProgrammeOfVersion(
                **each.model_dump(),
                cadence=programme_rules.cadence_of(each),
                payee=programme_rules.payee_of(each),
            )
            for each in programmes
        ],
        examples=[
            ExampleView(
                **each.example.model_dump(), since=each.version, kind="given" if each.version == version else "kept"
            )
            for each in held
        ],
    )
