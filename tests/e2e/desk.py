"""A tasks service as its own process, with the county in it and one open share, for those who send it bad input."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx2

from devkit.dev_users import USERS
from devkit.issuer import Issuer
from devkit.story.county import jize

TOWN, VILLAGE, NEIGHBOUR = "130431105000", "130431105205", "130431105206"


@dataclass(frozen=True, slots=True)
class Desk:
    """One process and its people."""

    url: str
    issuer: Issuer

    def headers(self, role: str, *, division: str | None = None, version: int | None = None) -> dict[str, str]:
        """A good token, a new key, and If-Match where a version is given."""
        token = self.issuer.token_of(USERS[role].at(division))
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())}
        return headers | ({"If-Match": f'"{version}"'} if version is not None else {})

    def post(self, path: str, body: object, headers: dict[str, str]) -> httpx2.Response:
        return httpx2.post(f"{self.url}/v1{path}", json=body, headers=headers, timeout=20.0)

    def get(self, path: str, role: str, *, division: str | None = None) -> httpx2.Response:
        return httpx2.get(f"{self.url}/v1{path}", headers=self.headers(role, division=division), timeout=20.0)

    def furnish(self) -> str:
        """The divisions, the list, and a task at a work meeting; the share of VILLAGE, not yet claimed."""
        county = jize()
        self._done("/divisions/import", {"divisions": [row.model_dump() for row in county.divisions]}, "operator")
        self._done(
            "/list-versions",
            {
                "effective_on": "2021-01-01",
                "items": [row.model_dump() for row in county.items],
                "negative": [row.model_dump() for row in county.negative],
            },
            "operator",
        )
        meeting = self._done("/meetings", {"division": TOWN, "held_on": "2021-01-04", "title": "部署会"}, "town_staff")
        care = {
            "item": "RA03",
            "department": "MZJ",
            "kind": "task",
            "title_zh": "独居老人入户巡访",
            "title_en": "Visit elderly people living alone",
            "villages": [VILLAGE, NEIGHBOUR],
        }
        task = self._done(f"/meetings/{meeting['meeting']}/tasks", care, "town_staff")
        return next(share["share"] for share in task["shares"] if share["village"] == VILLAGE)

    def _done(self, path: str, body: object, role: str) -> Any:
        answer = self.post(path, body, self.headers(role))
        assert answer.is_success, answer.text
        return answer.json()


def is_a_problem(answer: httpx2.Response, status: int) -> bool:
    """Whether it is a problem document of that status which says in both languages what is wrong."""
    document = answer.json()
    return (
        answer.status_code == status == document["status"]
        and answer.headers["content-type"] == "application/problem+json"
        and document["type"].startswith("urn:qingdan:problem:")
        and bool(document["title_zh"])
        and bool(document["title_en"])
    )
