"""Every SQL statement on emergencies' items, which the whole county sees; applications keep them by a trigger."""

from qingdan.ids import ApplicationId
from runtime.db import Tx
from runtime.problems import NotFound
from tasks.emergency_rules import Emergency
from tasks.list_rules import VILLAGE_LIST

_FIND = """
SELECT e.application_id, e.emergency, e.item_code, e.in_force FROM emergency_item e
JOIN division_closure c ON c.ancestor_id = e.division_id AND c.descendant_id = app_division()
WHERE e.application_id = $1 AND e.list_code = $2
"""


async def find_emergency(tx: Tx, application: ApplicationId) -> Emergency:
    """An emergency of the actor's county that put an item on the list of villages. Raises NotFound."""
    row = await tx.fetchrow(_FIND, application, VILLAGE_LIST)
    if row is None:
        raise NotFound(application=str(application))
    return Emergency(row["application_id"], row["emergency"], row["item_code"], row["in_force"])
