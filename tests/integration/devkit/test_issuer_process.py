"""The issuer over HTTP: what an OIDC client looks for is there, and what it asks wrongly is explained."""

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from devkit.dev_users import USERS
from devkit.forged_tokens import FORGERIES
from devkit.issuer import Issuer
from runtime.auth import Authenticator
from runtime.problems import Refusal


def test_discovery_leads_to_the_keys_that_verify_a_token(issuer: Issuer) -> None:
    discovery = _get(f"{issuer.url}/.well-known/openid-configuration")
    assert discovery["issuer"] == issuer.url
    published: Any = _get(discovery["jwks_uri"])
    keys = KeySet.import_key_set(published)
    answer = _get(discovery["token_endpoint"], username="village_cadre", division="130431105201")
    claims = jwt.decode(answer["access_token"], keys, algorithms=["ES256", "RS256"]).claims
    assert (claims["roles"], claims["division"]) == (["village_cadre"], "130431105201")
    assert answer["token_type"] == "Bearer"


@pytest.mark.parametrize("form", [{"username": "nobody"}, {}, {"username": "operator", "roles": "operator"}])
def test_a_request_for_a_token_that_makes_no_sense_is_refused_with_the_reason(
    issuer: Issuer, form: dict[str, str]
) -> None:
    with pytest.raises(urllib.error.HTTPError, match="400") as refused:
        _get(f"{issuer.url}/token", **(form or {"x": "y"}))
    with refused.value as answer:
        assert "village_cadre" in json.load(answer)["error_description"]


async def test_a_service_accepts_every_development_user(issuer: Issuer) -> None:
    authenticator = Authenticator(issuer=issuer.url, audience=issuer.audience, jwks_url=issuer.jwks_url)
    actors = [await authenticator.actor_of(f"Bearer {issuer.token_of(user)}") for user in USERS.values()]
    await authenticator.close()
    assert [{role.value for role in actor.roles} for actor in actors] == [set(user.roles) for user in USERS.values()]


@pytest.mark.parametrize("name", FORGERIES)
async def test_a_service_refuses_every_forgery(issuer: Issuer, name: str) -> None:
    authenticator = Authenticator(issuer=issuer.url, audience=issuer.audience, jwks_url=issuer.jwks_url)
    token = FORGERIES[name](issuer, USERS["village_cadre"])
    with pytest.raises(Refusal) as refused:
        await authenticator.actor_of(f"Bearer {token}")
    await authenticator.close()
    assert refused.value.status in (401, 403)


def _get(address: str, **form: str) -> dict[str, Any]:
    data = urllib.parse.urlencode(form).encode() if form else None
    with urllib.request.urlopen(address, data=data) as answer:
        document: dict[str, Any] = json.load(answer)
        return document
