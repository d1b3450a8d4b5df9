"""Tokens that every service must refuse, by what is wrong with each."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from joserfc.jwk import RSAKey

from devkit.dev_users import DevUser
from devkit.issuer import Issuer

LONG_AGO_S = -7200.0


def expired(issuer: Issuer, user: DevUser) -> str:
    return issuer.sign(issuer.claims(user.subject, user.roles, user.division, user.department, ttl_s=LONG_AGO_S))


def not_yet_valid(issuer: Issuer, user: DevUser) -> str:
    claims = _claims(issuer, user)
    return issuer.sign(claims | {"nbf": claims["exp"]})


def without_expiry(issuer: Issuer, user: DevUser) -> str:
    claims = _claims(issuer, user)
    del claims["exp"]
    return issuer.sign(claims)


def other_audience(issuer: Issuer, user: DevUser) -> str:
    return issuer.sign(_claims(issuer, user) | {"aud": "another-system"})


def other_issuer(issuer: Issuer, user: DevUser) -> str:
    """Signed with our key, but it says that somebody else issued it."""
    return issuer.sign(_claims(issuer, user) | {"iss": "https://elsewhere.example"})


def unknown_key(issuer: Issuer, user: DevUser) -> str:
    """Well signed by a stranger whose key the issuer does not publish."""
    stranger = Issuer.generate(issuer.url)
    return stranger.sign(_claims(issuer, user))


def stranger_under_our_key_id(issuer: Issuer, user: DevUser) -> str:
    """Signed by a stranger, naming our key's id."""
    stranger = Issuer.generate(issuer.url)
    body = stranger.sign(_claims(issuer, user)).split(".")
    header = {"alg": "ES256", "kid": issuer.keys["ES256"].kid, "typ": "JWT"}
    return ".".join([_segment(header), *body[1:]])


def algorithm_none(issuer: Issuer, user: DevUser) -> str:
    header = {"alg": "none", "kid": issuer.keys["RS256"].kid, "typ": "JWT"}
    return f"{_segment(header)}.{_segment(_claims(issuer, user))}."


def hs_signed_with_the_public_rsa_key(issuer: Issuer, user: DevUser) -> str:
    """HS/RS confusion: a verifier that lets the header choose takes the public key for a shared secret."""
    key = issuer.keys["RS256"]
    assert isinstance(key, RSAKey)
    header = {"alg": "HS256", "kid": key.kid, "typ": "JWT"}
    signed = f"{_segment(header)}.{_segment(_claims(issuer, user))}"
    digest = hmac.new(key.as_pem(private=False), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_base64url(digest)}"


def changed_after_signing(issuer: Issuer, user: DevUser) -> str:
    """A good token whose holder gave itself another role."""
    header, _, signature = issuer.token_of(user).split(".")
    return f"{header}.{_segment(_claims(issuer, user) | {'roles': ['operator']})}.{signature}"


def own_key_in_the_header(issuer: Issuer, user: DevUser) -> str:
    """Brings the key to verify it with along (`jwk`), which nobody may trust."""
    stranger = Issuer.generate(issuer.url)
    key = stranger.keys["ES256"]
    token = stranger.sign(_claims(issuer, user)).split(".")
    header = {"alg": "ES256", "kid": key.kid, "typ": "JWT", "jwk": key.as_dict(private=False)}
    return ".".join([_segment(header), *token[1:]])


def without_roles(issuer: Issuer, user: DevUser) -> str:
    return issuer.sign(_claims(issuer, user) | {"roles": []})


def as_a_service(issuer: Issuer, user: DevUser) -> str:
    """`service` is what our own processes are; no token may say so."""
    return issuer.sign(_claims(issuer, user) | {"roles": ["service"]})


def garbage(issuer: Issuer, user: DevUser) -> str:
    """Three segments with dots between, and nothing in them that can be read."""
    return ".".join(segment[::-1] for segment in issuer.token_of(user).split("."))


FORGERIES: dict[str, Callable[[Issuer, DevUser], str]] = {
    forge.__name__: forge
    for forge in (
        *(expired, not_yet_valid, without_expiry, other_audience, other_issuer, unknown_key),
        *(stranger_under_our_key_id, algorithm_none, hs_signed_with_the_public_rsa_key, changed_after_signing),
        *(own_key_in_the_header, without_roles, as_a_service, garbage),
    )
}


def _claims(issuer: Issuer, user: DevUser) -> dict[str, Any]:
    claims = issuer.claims(user.subject, user.roles, user.division, user.department)
    return {name: value for name, value in claims.items() if value is not None}


def _segment(document: dict[str, Any]) -> str:
    return _base64url(json.dumps(document).encode())


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
