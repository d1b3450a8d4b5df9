"""Why a task exists; it travels unchanged through every event of the task, so that the cause finds its effect again."""

from typing import Literal
from uuid import UUID

from qingdan.event import ContractModel
from qingdan.ids import ServiceName

OriginKind = Literal["work_meeting", "emergency", "removal_order"]


class Origin(ContractModel):
    """The service and the aggregate (meeting, emergency or removal order) that a task comes from."""

    service: ServiceName
    kind: OriginKind
    id: UUID
