"""Decisions on emergencies: what may be asked because of one."""

from dataclasses import dataclass, replace

from qingdan.divisions import DivisionCode
from qingdan.gate import Ask
from qingdan.ids import ApplicationId, ItemCode, OpenCode
from qingdan.origin import Origin
from runtime.problems import Refusal
from tasks.task_rules import Occasion


class EmergencyIsOver(Refusal):
    """This emergency is over: its item was refused or has lapsed. 该应急事项已失效，不得再据此下达任务。

    What is asked now needs a work meeting and an item of the list. 新的事项须有清单依据并经工作部署会下达。
    """

    status = 409


@dataclass(frozen=True, slots=True)
class Emergency:
    """An item that came onto the villages' list at once; in_force: it has neither lapsed nor been refused."""

    application: ApplicationId
    emergency: OpenCode
    item: ItemCode
    in_force: bool


def under(emergency: Emergency, ask: Ask) -> Ask:
    """The ask, which relies on the emergency's item and on no other. Raises EmergencyIsOver."""
    if not emergency.in_force:
        raise EmergencyIsOver(application=str(emergency.application), emergency=emergency.emergency)
    return replace(ask, cites=emergency.item)


def because_of(emergency: Emergency, division: DivisionCode) -> Occasion:
    """The emergency gives rise to what is asked of the division's villages; no meeting need be held."""
    return Occasion(Origin(service="tasks", kind="emergency", id=emergency.application), division, None)
