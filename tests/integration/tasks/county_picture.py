"""The county in pictures that can be laid beside each other: as it should be, and as the database has it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

import asyncpg

from qingdan.assessment import Facts, Stratum, Tally
from qingdan.divisions import DivisionCode
from qingdan.ids import AskId, ShareId
from tests.integration.tasks.county_lists import EVERY_VILLAGE
from tests.integration.tasks.county_model import County, Made
from tests.integration.tasks.county_shares import Share, Told

Picture = dict[str, Any]

# The names of a share's columns, and what the model calls them.
_SHARE: Final = {
    "state": "state",
    "version": "version",
    "department": "department",
    "item_code": "item",
    "list_version": "list_version",
    "inspect_on_completion": "inspect",
    "hours_estimate": "hours",
    "latest_on": "latest_on",
    "open_to": "open_to",
    "published_on": "published_on",
    "limit_working_days": "limit",
    "claimed_by": "claimed_by",
    "claimed_on": "claimed_on",
    "due_on": "due_on",
    "judged_due_on": "judged_due_on",
    "provisional": "provisional",
    "percent": "percent",
    "reported_on": "reported_on",
    "completed_on": "completed_on",
    "used_working_days": "used",
    "waiting_for": "waiting_for",
    "paused_on": "paused_on",
    "paused_working_days": "paused_days",
    "refusal_code": "refusal_code",
    "refused_on": "refused_on",
    "withdrawn_on": "withdrawn_on",
    "visits": "visits",
    "findings": "findings",
    "passed_first_recheck": "passed",
    "beyond_budget": "beyond_budget",
}

_PICTURE: Final = f"""
SELECT json_build_object(
    'shares', (SELECT coalesce(json_object_agg(s.id, to_jsonb(s) || jsonb_build_object(
        'reports', (SELECT count(*) FROM share_report WHERE share_id = s.id),
        'limits', (SELECT count(*) FROM share_limit WHERE share_id = s.id),
        'pauses', (SELECT count(*) FROM share_pause WHERE share_id = s.id),
        'under_way', (SELECT count(*) FROM share_pause WHERE share_id = s.id AND resumed_on IS NULL)
        )), '{{}}') FROM (SELECT s.id, s.task_id, d.code AS village, {", ".join(_SHARE)}
        FROM share s JOIN division d ON d.id = s.division_id) AS s),
    'holders', (SELECT coalesce(json_object_agg(task_id, json_build_array(share_id, others_withdrawn)), '{{}}')
        FROM task_holder),
    'meetings', (SELECT coalesce(json_object_agg(m.id, json_build_array(m.version, m.closed_on,
        (SELECT count(*) FROM meeting_village WHERE meeting_id = m.id AND attended),
        (SELECT count(*) FROM meeting_objection WHERE meeting_id = m.id))), '{{}}') FROM meeting m),
    'nos', (SELECT coalesce(json_object_agg(id, json_build_array(share_id, code)), '{{}}') FROM refused_ask),
    'appeals', (SELECT coalesce(json_object_agg(ask_id, json_build_array(state, version, decide_by)), '{{}}')
        FROM refusal_appeal),
    'lists', (SELECT coalesce(json_agg(json_build_array(version, effective_on) ORDER BY version), '[]')
        FROM list_version),
    'extensions', (SELECT coalesce(json_object_agg(id, json_build_array(share_id, state, version, limit_working_days,
        due_asked, decide_by)), '{{}}') FROM share_extension),
    'handovers', (SELECT coalesce(json_object_agg(h.id, json_build_array(state, version, shares_open, appeals_open,
        (SELECT count(*) FROM handover_share WHERE handover_id = h.id))), '{{}}') FROM desk_handover h),
    'budgets', (SELECT coalesce(json_agg(json_build_array(d.code, from_month, hours_per_village) ORDER BY seq), '[]')
        FROM burden_budget JOIN division d ON d.id = division_id),
    'burden', (SELECT coalesce(json_object_agg(place, counted), '{{}}') FROM (
        SELECT d.code || ' ' || b.month || ' ' || b.department AS place, json_build_array(sum(b.hours), sum(b.shares),
            sum(b.beyond_budget), sum(b.refused_by_villages), sum(b.withdrawn)) AS counted
        FROM burden b JOIN division d ON d.id = b.division_id GROUP BY 1 HAVING sum(b.shares) <> 0) AS b),
    'ledger', (SELECT json_build_array(coalesce(sum(asks), 0), coalesce(sum(refused_at_gate), 0),
        coalesce(sum(merged), 0)) FROM burden),
    'merged', (SELECT count(*) FROM merged_ask),
    'tasks', (SELECT coalesce(json_object_agg(id, json_build_array(origin_kind, list_version, item_code)), '{{}}')
        FROM task)
) AS picture,
(SELECT coalesce(json_agg(convert_from(value, 'UTF8')::json ORDER BY seq), '[]') FROM outbox WHERE seq > $1) AS told,
(SELECT coalesce(max(seq), $1) FROM outbox) AS last,
(SELECT count(*) FROM audit_entry) AS audited
"""


@dataclass(frozen=True)
class Seen:
    """What the database has: the whole county, what was told since the last look, and how much was audited so far."""

    picture: Picture
    told: list[dict[str, Any]]
    last: int
    audited: int

    @property
    def made(self) -> Made:
        nos = {
            (ShareId(UUID(share)), code): AskId(UUID(ask))
            for ask, (share, code) in self.picture["nos"].items()
            if share is not None
        }
        return Made(self.told, nos)


async def look(session: "asyncpg.Connection[asyncpg.Record]", last: int) -> Seen:
    """All that there is, as the superuser sees it; `last`: the outbox was seen up to there."""
    row = await session.fetchrow(_PICTURE, last)
    assert row is not None
    return Seen(json.loads(row["picture"]), json.loads(row["told"]), row["last"], row["audited"])


def picture_of(county: County) -> Picture:
    """The county as it should be."""
    picture: Picture = plain(
        {
            "shares": {share.id: _row(share) for share in county.shares.values()},
            "holders": {task: [*held] for task, held in county.holders.items()},
            "meetings": {
                each.id: [each.version, each.closed_on, len(each.attended), len(each.objections)]
                for each in county.meetings.values()
            },
            "nos": {no.id: [no.share, no.code] for no in county.nos.values()},
            "appeals": {ask: [each.state, each.version, each.decide_by] for ask, each in county.appeals.items()},
            "lists": [[each.number, each.effective_on] for each in county.versions],
            "extensions": {
                each.id: [each.share.id, each.state, each.version, each.limit, each.due_asked, each.decide_by]
                for each in county.extensions.values()
            },
            "handovers": {
                each.id: [
                    *(each.state, each.version, each.shares_open, each.appeals_open),
                    each.shares_open + each.appeals_open,
                ]
                for each in county.handovers.values()
            },
            "budgets": county.budgets,
            "burden": _burden(county),
            "ledger": [
                len({share.task for share in county.shares.values()}),
                sum(no.share is None for no in county.nos.values()),
                county.merged,
            ],
            "merged": county.merged,
            "tasks": {
                share.task: [share.origin.kind, share.list_version, share.item] for share in county.shares.values()
            },
        }
    )
    return picture


def _row(share: Share) -> Picture:
    ours = {column: getattr(share, name) for column, name in _SHARE.items()}
    histories = {"reports": share.reports, "limits": share.limits, "pauses": share.pauses}
    under_way = int(share.paused_on is not None)
    return {
        "id": share.id,
        "task_id": share.task,
        "village": share.village,
        **ours,
        **histories,
        "under_way": under_way,
    }


def _burden(county: County) -> dict[str, list[int]]:
    """By village, month and department: hours, shares, shares beyond the budget, refused and withdrawn ones.

    The hours are of all that is neither refused nor withdrawn.
    """
    counted: dict[str, list[int]] = {}
    for share in county.shares.values():
        place = f"{share.village} {share.published_on.replace(day=1)} {share.department}"
        refused, withdrawn = share.state == "refused", share.state == "withdrawn"
        hours = 0 if refused or withdrawn else share.hours or 0
        more = (hours, 1, share.beyond_budget, refused, withdrawn)
        counted[place] = [sum(both) for both in zip(counted.get(place, [0] * len(more)), more, strict=True)]
    return counted


def difference(should: Picture, has: Picture) -> list[str]:
    """Where the two differ; empty when they are the same."""
    found = []
    for part in should:
        ours, theirs = should[part], has[part]
        if not isinstance(ours, dict):
            found += [f"{part}: should be {ours}, is {theirs}"] if ours != theirs else []
            continue
        for key in sorted(ours.keys() | theirs.keys()):
            one, other = ours.get(key), theirs.get(key)
            if isinstance(one, dict) and isinstance(other, dict):
                found += [
                    f"{part} {key}: {name} should be {one[name]}, is {other.get(name)}"
                    for name in one
                    if one[name] != other.get(name)
                ]
            elif one != other:
                found.append(f"{part} {key}: should be {one}, is {other}")
    return found


def not_told(should: Iterable[Told], told: Iterable[dict[str, Any]]) -> list[str]:
    """What should be told and is not, or is told and should not be; what is about one thing comes in its order."""
    expected = sorted(((type_, plain(says)) for type_, says in should), key=lambda each: _about(*each))
    heard = sorted(told, key=lambda body: _about(body["type"], body))
    if [type_ for type_, _ in expected] != [body["type"] for body in heard]:
        return [f"should tell {[type_ for type_, _ in expected]}, tells {[body['type'] for body in heard]}"]
    return [
        f"{type_}: should say {says}, says {body}"
        for (type_, says), body in zip(expected, heard, strict=True)
        if any(body.get(name) != value for name, value in says.items())
    ]


def not_audited(seen: Seen, before: int, notes: int) -> list[str]:
    """Each event has its entry in the audit trail, and each of these notes has one; a village's no has one for both."""
    twice = sum(body["type"] == "ask.refused.v1" and body["decided_by"] == "village" for body in seen.told)
    should, has = len(seen.told) - twice + notes, seen.audited - before
    return [f"should add {should} to the audit trail, adds {has}"] if should != has else []


def _about(type_: str, says: dict[str, Any]) -> str:
    """What an event is about: its key or, where that is a task, the share."""
    return str(next((says[name] for name in ("share", "task", "ask", "meeting") if name in says), type_))


def facts_of(county: County, since: date) -> dict[DivisionCode, Facts]:
    """The facts of an assessment of all villages from that day until today: the work whose end is known."""
    facts = {village: Facts(1, {}) for village in EVERY_VILLAGE}
    for share in county.shares.values():
        if share.claimed_on is None or not since <= share.claimed_on <= county.today:
            continue
        assert share.judged is not None
        late = share.judged < min(county.today, share.paused_on or date.max)
        if share.state != "completed" and not (late and share.state == "claimed"):
            continue
        item = county.versions[share.list_version - 1].items[share.item or ""] if share.list_version else None
        stratum = Stratum.of(item.category if item else None, share.limit_at_claim or 0)
        on_time = int(share.state == "completed" and share.on_time)
        tally = Tally(1, on_time, share.findings, share.passed)
        facts[share.village] = facts[share.village].with_more(stratum, tally)
    return facts


def plain(value: Any) -> Any:
    """As it looks once it has been JSON."""
    return json.loads(json.dumps(_keys(value), default=str))


def _keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _keys(each) for key, each in value.items()}
    return value
