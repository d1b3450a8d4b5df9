"""Use case: follow what happens in one's division, from now on or from where one was."""

from qingdan.topics import TASKS
from runtime.change_stream import AskedChanges, ChangeResponse
from runtime.change_tail import Followed
from tasks import change_rules, change_store


async def follow_changes(asked: AskedChanges) -> ChangeResponse:
    """Raises Refusal as `ChangeStreams.listen`: too many streams, a cursor that does not fit, Kafka away."""
    return await asked.follow(Followed(TASKS, change_rules.place_of, change_rules.part_of, change_store.departments_of))
