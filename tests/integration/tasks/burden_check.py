"""What the burden ledger must say: the sum of its asks, reckoned anew from the asks themselves."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene

_COLUMNS = (
    "division_id, month, department, item_code, list_version, asks, asks_in_town, shares, hours, unpriced,"
    " beyond_budget, refused_by_villages, withdrawn, refused_at_gate, merged"
)

# By single rows and first villages, not by windows as the triggers reckon.
_RECKONED = """
WITH each AS (
    SELECT s.division_id, date_trunc('month', s.published_on)::date AS month, s.department,
           coalesce(s.item_code, '') AS item_code, coalesce(s.list_version, 0) AS list_version,
           (s.division_id = (SELECT min(o.division_id) FROM share o WHERE o.task_id = s.task_id))::integer AS asks,
           (s.division_id = (SELECT min(o.division_id) FROM share o JOIN division n ON n.id = o.division_id
                             WHERE o.task_id = s.task_id AND n.parent_id = d.parent_id))::integer AS asks_in_town,
           1 AS shares,
           CASE WHEN s.state IN ('refused', 'withdrawn') THEN 0 ELSE coalesce(s.hours_estimate, 0) END AS hours,
           (s.hours_estimate IS NULL)::integer AS unpriced, s.beyond_budget::integer AS beyond_budget,
           (s.state = 'refused')::integer AS refused_by_villages, (s.state = 'withdrawn')::integer AS withdrawn,
           0 AS refused_at_gate, 0 AS merged
    FROM share s JOIN division d ON d.id = s.division_id
    UNION ALL
    SELECT r.division_id, date_trunc('month', r.refused_on)::date, r.department, coalesce(i.code, ''),
           coalesce(i.version, 0), 0, 0, 0, 0, 0, 0, 0, 0, 1, 0
    FROM refused_ask r
    LEFT JOIN list_item i ON i.list_code = 'village' AND i.version = r.list_version AND i.code = r.cited_item
    WHERE r.decided_by = 'gate'
    UNION ALL
    SELECT m.division_id, date_trunc('month', m.merged_on)::date, m.department, m.item_code, m.list_version,
           0, 0, 0, 0, 0, 0, 0, 0, 0, 1
    FROM merged_ask m
)
SELECT division_id, month, department, item_code, list_version, sum(asks)::integer AS asks,
       sum(asks_in_town)::integer AS asks_in_town, sum(shares)::integer AS shares, sum(hours)::bigint AS hours,
       sum(unpriced)::integer AS unpriced, sum(beyond_budget)::integer AS beyond_budget,
       sum(refused_by_villages)::integer AS refused_by_villages, sum(withdrawn)::integer AS withdrawn,
       sum(refused_at_gate)::integer AS refused_at_gate, sum(merged)::integer AS merged
FROM each GROUP BY division_id, month, department, item_code, list_version
ORDER BY division_id, month, department, item_code, list_version
"""


async def ledger(scene: "Scene") -> list[dict[str, Any]]:
    """The ledger as it stands."""
    return await scene.rows(
        f"SELECT {_COLUMNS} FROM burden ORDER BY division_id, month, department, item_code, list_version"
    )


async def sum_of_its_asks(scene: "Scene") -> list[dict[str, Any]]:
    """The ledger as it should stand."""
    return await scene.rows(_RECKONED)
