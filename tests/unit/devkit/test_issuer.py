"""The issuer's tokens verify with its published keys; every forgery differs from a good token in what it says."""

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from devkit.dev_users import USERS
from devkit.forged_tokens import FORGERIES
from devkit.issuer import Algorithm, Issuer
from runtime.actor import Role

URL = "http://127.0.0.1:1"
CADRE = USERS["village_cadre"]


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer.generate(URL)


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_a_token_verifies_with_the_published_keys(issuer: Issuer, algorithm: Algorithm) -> None:
    token = issuer.token("li", ["department_staff"], "130431000000", "MZJ", ttl_s=60, algorithm=algorithm)
    verified = jwt.decode(token, _published(issuer), algorithms=["ES256", "RS256"])
    claims = verified.claims
    assert claims.pop("exp") - claims.pop("iat") == 60
    assert claims == {
        "iss": URL,
        "aud": "qingdan",
        "sub": "li",
        "roles": ["department_staff"],
        "division": "130431000000",
        "department": "MZJ",
    }


def test_claims_can_be_replaced_and_left_out(issuer: Issuer) -> None:
    claims = _claims(issuer.token("li", ["operator"], "000000000000", aud=["other", "qingdan"], exp=None))
    assert claims["aud"] == ["other", "qingdan"]
    assert "exp" not in claims
    assert "department" not in claims


def test_the_published_keys_are_public_only(issuer: Issuer) -> None:
    members = {name for key in issuer.jwks()["keys"] for name in key}
    assert members.isdisjoint({"d", "p", "q", "dp", "dq", "qi"})
    assert {key["alg"] for key in issuer.jwks()["keys"]} == {"ES256", "RS256"}


def test_an_issuer_opened_again_has_the_same_keys_and_keeps_them_to_itself(tmp_path: Path) -> None:
    first, second = Issuer.open(tmp_path, URL), Issuer.open(tmp_path, URL)
    assert first.jwks() == second.jwks()
    assert (tmp_path / "keys.json").stat().st_mode & 0o077 == 0


def test_there_is_a_user_for_every_role_that_a_token_may_carry() -> None:
    granted = {role for user in USERS.values() for role in user.roles}
    assert granted == {role.value for role in Role} - {Role.SERVICE.value}


def test_colleagues_elsewhere_are_other_people() -> None:
    elsewhere = CADRE.at("130431105201")
    assert elsewhere.roles == CADRE.roles
    assert elsewhere.subject != CADRE.subject


def test_no_two_forgeries_are_alike_and_none_is_a_good_token(issuer: Issuer) -> None:
    forged = {name: forge(issuer, CADRE) for name, forge in FORGERIES.items()}
    assert len(set(forged.values())) == len(forged)
    accepted = [name for name, token in forged.items() if _accepts(issuer, token)]
    assert accepted == []


def _accepts(issuer: Issuer, token: str) -> bool:
    """As a careful verifier does it."""
    try:
        verified = jwt.decode(token, _published(issuer), algorithms=["ES256", "RS256"])
    except (JoseError, ValueError):
        return False
    claims, now = verified.claims, time.time()
    return (
        claims.get("iss") == URL
        and claims.get("aud") == "qingdan"
        and claims.get("exp", 0) > now
        and claims.get("nbf", 0) <= now
        and bool(set(claims["roles"]) - {"service"})
    )


def _published(issuer: Issuer) -> KeySet:
    document: Any = issuer.jwks()
    return KeySet.import_key_set(document)


def _claims(token: str) -> dict[str, object]:
    segment = token.split(".")[1]
    claims: dict[str, object] = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return claims
