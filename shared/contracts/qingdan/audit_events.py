"""Anchors of the audit chains: whoever keeps them can tell later whether history was rewritten."""

from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from qingdan.event import EventBody
from qingdan.ids import ServiceName, Sha256


class AuditAnchored(EventBody):
    """The head of one lane of a service's audit chain, signed by the service."""

    KEY: ClassVar[str] = "service"

    type: Literal["audit.anchored.v1"] = "audit.anchored.v1"
    service: ServiceName
    lane: Annotated[int, Field(ge=0, le=1023)]
    position: Annotated[int, Field(ge=1, le=2**53 - 1)] = Field(description="how many entries the head covers")
    hash: Sha256
    signature: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$")] = Field(
        description="compact JWS (RFC 7515) over the JSON of service, lane, position and hash", max_length=4096
    )
    anchored_at: AwareDatetime


AuditEvent = AuditAnchored
