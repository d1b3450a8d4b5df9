"""Events of signs: who may hang which, and which must come down (`pub.signage.v1`)."""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from qingdan.divisions import DivisionCode
from qingdan.event import EventBody
from qingdan.ids import DepartmentCode, OpenCode, Reference, RemovalOrderId, SignCode, SignId, Title

Position = Literal["outside_horizontal", "outside_vertical", "inside"]


class SignPermitted(EventBody):
    """A sign may hang at a village's door or inside."""

    KEY: ClassVar[str] = "village"

    type: Literal["sign.permitted.v1"] = "sign.permitted.v1"
    sign: SignId
    village: DivisionCode
    department: DepartmentCode
    code: SignCode
    position: Position
    legal_basis: Reference
    permitted_on: date


class SignRefused(EventBody):
    """A department asked for a sign and may not hang it."""

    KEY: ClassVar[str] = "village"

    type: Literal["sign.refused.v1"] = "sign.refused.v1"
    sign: SignId
    village: DivisionCode
    department: DepartmentCode
    code: SignCode | None = Field(description="null when no rule knows such a sign")
    reason: OpenCode
    refused_on: date


class RemovalOrdered(EventBody):
    """A sign must come down; `tasks` makes a task of it, whose origin is this order."""

    KEY: ClassVar[str] = "village"

    type: Literal["removal.ordered.v1"] = "removal.ordered.v1"
    order: RemovalOrderId
    village: DivisionCode
    sign: SignId
    department: DepartmentCode
    code: SignCode | None = Field(description="null when no rule knows such a sign")
    ordered_on: date
    due_on: date
    wording: Title | None = Field(None, description="what the sign says, as anybody at the door can read")
    legal_basis: Reference | None = None


class SignRemoved(EventBody):
    """A sign came down, as its order asked."""

    KEY: ClassVar[str] = "village"

    type: Literal["sign.removed.v1"] = "sign.removed.v1"
    order: RemovalOrderId
    village: DivisionCode
    sign: SignId
    removed_on: date


SignageEvent = Annotated[SignPermitted | SignRefused | RemovalOrdered | SignRemoved, Field(discriminator="type")]
