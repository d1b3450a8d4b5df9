"""People with tokens and browsers before a service's application on a test's database, without a socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx2

from devkit.issuer import Issuer
from runtime.actor import Actor
from runtime.auth import Authenticator
from runtime.db import Pool
from runtime.service import Service


class Client:
    """Somebody with a token and a browser."""

    def __init__(self, http: httpx2.AsyncClient, issuer: Issuer, actor: Actor) -> None:
        self.http = http
        self.token = issuer.token(actor.subject, sorted(actor.roles), actor.division, actor.department)

    async def get(self, path: str, **params: Any) -> httpx2.Response:
        """A query of what is below /v1."""
        return await self.http.get(f"/v1{path}", params=params, headers={"Authorization": f"Bearer {self.token}"})

    async def post(
        self, path: str, body: object = None, *, version: int | None = None, key: str | None = None
    ) -> httpx2.Response:
        """A command, under an Idempotency-Key of its own unless one is given, and for a version where one is."""
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key or str(uuid4())}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        return await self.http.post(f"/v1{path}", json=body, headers=headers)


async def everything(client: Client, path: str) -> list[dict[str, Any]]:
    """All items of a list, two a page."""
    page = (await client.get(path, limit=2)).json()
    items: list[dict[str, Any]] = page["items"]
    while page["next"] is not None:
        page = (await client.get(path, limit=2, after=page["next"])).json()
        items += page["items"]
    return items


@asynccontextmanager
async def application(
    service: Service, pool: Pool, issuer: Issuer, **settings: Any
) -> AsyncIterator[httpx2.AsyncClient]:
    """The service's application on `pool`: neither its database address nor Kafka is ever asked.

    settings: what the service must be told beside what every service is told.
    """
    app = service.application(
        service.settings(
            database_url="postgresql://unused@127.0.0.1/unused",
            kafka_bootstrap_servers="127.0.0.1:9",
            oidc_issuer=issuer.url,
            oidc_jwks_url=issuer.jwks_url,
            **settings,
        )
    )
    app.state.pool = pool
    authenticator: Authenticator = app.state.authenticator
    await authenticator.load()
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url=f"http://{service.name}") as client:
        yield client
    await authenticator.close()
