"""A token is believed only when the issuer signed it for us, it is in time, and it says who and where."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from qingdan.divisions import DivisionCode
from runtime.actor import Actor, Role
from runtime.auth import CACHED_S_MAX, TOKEN_BYTES_MAX, Authenticator, NoRole, TokenUnreadable
from runtime.issuer_keys import IssuerKeysUnreachable
from runtime.problems import Unauthenticated

ISSUER, AUDIENCE, NOW = "https://login.example", "qingdan", 1_790_000_000.0
RSA_KEY = RSAKey.generate_key(2048, {"kid": "rsa-1"})
EC_KEY = ECKey.generate_key("P-256", {"kid": "ec-1"})
STRANGER = RSAKey.generate_key(2048, {"kid": "rsa-1"})

Claims = dict[str, Any]


class Issuer:
    """A token issuer whose keys, answers and clock a test sets."""

    def __init__(self) -> None:
        self.keys: list[RSAKey | ECKey | OctKey] = [RSA_KEY, EC_KEY]
        self.answer: Callable[[], httpx2.Response] = lambda: httpx2.Response(200, json=self.document())
        self.asked = 0
        self.now = NOW

    def document(self) -> dict[str, Any]:
        return {"keys": [{**key.as_dict(private=isinstance(key, OctKey)), "kid": key.kid} for key in self.keys]}

    def handle(self, _: httpx2.Request) -> httpx2.Response:
        self.asked += 1
        return self.answer()

    def authenticator(self) -> Authenticator:
        return Authenticator(
            issuer=ISSUER,
            audience=AUDIENCE,
            jwks_url=f"{ISSUER}/jwks",
            client=httpx2.AsyncClient(transport=httpx2.MockTransport(self.handle)),
            now=lambda: self.now,
        )


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


def claims(**changed: Any) -> Claims:
    whole = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "li.wei",
        "iat": NOW - 5,
        "exp": NOW + 600,
        "roles": ["village_cadre"],
        "division": "130431105201",
    }
    return {name: value for name, value in (whole | changed).items() if value is not None}


def signed(said: Claims | None = None, key: RSAKey | ECKey = RSA_KEY, alg: str = "RS256", **header: Any) -> str:
    return "Bearer " + jwt.encode({"alg": alg, "kid": key.kid, **header}, said or claims(), key, [alg])


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def assembled(header: Claims, said: Claims, sign: Callable[[bytes], bytes]) -> str:
    signing_input = f"{segment(header)}.{segment(said)}"
    signature = base64.urlsafe_b64encode(sign(signing_input.encode())).rstrip(b"=").decode()
    return f"Bearer {signing_input}.{signature}"


async def refused(authenticator: Authenticator, authorization: str | None) -> str:
    with pytest.raises(Unauthenticated) as caught:
        await authenticator.actor_of(authorization)
    assert caught.value.status == 401
    return str(caught.value.details["reason"])


@pytest.mark.parametrize(("key", "alg"), [(RSA_KEY, "RS256"), (EC_KEY, "ES256")])
async def test_a_good_token_becomes_an_actor(issuer: Issuer, key: RSAKey | ECKey, alg: str) -> None:
    actor = await issuer.authenticator().actor_of(signed(key=key, alg=alg))
    assert actor == Actor("li.wei", frozenset({Role.VILLAGE_CADRE}), DivisionCode("130431105201"), None)


@pytest.mark.parametrize("aud", [AUDIENCE, ["other", AUDIENCE]])
async def test_the_audience_may_be_one_of_several(issuer: Issuer, aud: object) -> None:
    assert (await issuer.authenticator().actor_of(signed(claims(aud=aud)))).subject == "li.wei"


@pytest.mark.parametrize("authorization", [None, "", "Basic bGk6d2Vp", "Bearer", "Bearer  "])
async def test_no_bearer_token_is_said_so(issuer: Issuer, authorization: str | None) -> None:
    assert await refused(issuer.authenticator(), authorization) == "missing"


@pytest.mark.parametrize(
    "token", ["x", "a.b", "a.b.c", "a.b.c.d", "….….…", "bnVsbA.e30.", segment([]) + ".e30.e30", ".."]
)
async def test_what_is_no_token_is_unreadable(issuer: Issuer, token: str) -> None:
    assert await refused(issuer.authenticator(), f"Bearer {token}") == "malformed"


async def test_a_token_above_8_kib_is_not_looked_at(issuer: Issuer) -> None:
    authenticator = issuer.authenticator()
    assert await refused(authenticator, signed(claims(pad="x" * TOKEN_BYTES_MAX))) == "too_long"
    assert issuer.asked == 0


async def test_an_unsigned_token_is_refused(issuer: Issuer) -> None:
    for alg in ("none", "None", "NONE", ""):
        token = assembled({"alg": alg, "kid": "rsa-1"}, claims(), lambda _: b"")
        assert await refused(issuer.authenticator(), token) == "algorithm"


async def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(issuer: Issuer) -> None:
    pem = RSA_KEY.public_key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    token = assembled({"alg": "HS256", "kid": "rsa-1"}, claims(), lambda text: hmac.digest(pem, text, hashlib.sha256))
    assert await refused(issuer.authenticator(), token) == "algorithm"


@pytest.mark.parametrize("alg", ["RS384", "RS512", "PS256", "ES384", "EdDSA"])
async def test_other_algorithms_are_refused_even_well_signed(issuer: Issuer, alg: str) -> None:
    token = assembled({"alg": alg, "kid": "rsa-1"}, claims(), lambda _: b"signature")
    assert await refused(issuer.authenticator(), token) == "algorithm"


async def test_a_key_is_used_with_its_own_algorithm_only(issuer: Issuer) -> None:
    authenticator = issuer.authenticator()
    for alg, key_id in (("RS256", "ec-1"), ("ES256", "rsa-1")):
        token = assembled({"alg": alg, "kid": key_id}, claims(), lambda _: b"s" * 64)
        assert await refused(authenticator, token) == "key_mismatch"


async def test_somebody_elses_signature_is_refused(issuer: Issuer) -> None:
    assert await refused(issuer.authenticator(), signed(key=STRANGER)) == "signature"


async def test_a_changed_claim_breaks_the_signature(issuer: Issuer) -> None:
    head, _, signature = signed().removeprefix("Bearer ").split(".")
    token = f"Bearer {head}.{segment(claims(roles=['operator']))}.{signature}"
    assert await refused(issuer.authenticator(), token) == "signature"


async def test_keys_that_the_token_brings_along_are_ignored(issuer: Issuer) -> None:
    own = STRANGER.as_dict(private=False)
    for header in ({"jwk": own}, {"jku": "https://evil.example/jwks"}, {"x5u": "https://evil.example/x5"}):
        assert await refused(issuer.authenticator(), signed(key=STRANGER, **header)) == "signature"
    assert (await issuer.authenticator().actor_of(signed(jwk=own))).subject == "li.wei"


async def test_a_critical_extension_that_nobody_understands_is_refused(issuer: Issuer) -> None:
    sign = lambda text: b"any"  # noqa: E731
    headers: list[Claims] = [{"crit": ["exp"]}, {"b64": False, "crit": ["b64"]}, {"crit": []}]
    for header in headers:
        token = assembled({"alg": "RS256", "kid": "rsa-1", **header}, claims(), sign)
        assert await refused(issuer.authenticator(), token) == "critical_header"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"iss": "https://other.example"}, "issuer"),
        ({"iss": None}, "issuer"),
        ({"aud": "other"}, "audience"),
        ({"aud": ["other"]}, "audience"),
        ({"aud": None}, "audience"),
        ({"aud": {AUDIENCE: 1}}, "audience"),
        ({"exp": NOW - 60}, "expired"),
        ({"exp": None}, "exp"),
        ({"exp": "tomorrow"}, "exp"),
        ({"exp": True}, "exp"),
        ({"nbf": NOW + 60}, "not_yet_valid"),
        ({"iat": NOW + 60}, "not_yet_valid"),
        ({"nbf": "now"}, "nbf"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": 7}, "sub"),
        ({"sub": "x" * 256}, "sub"),
        ({"sub": "li\u0000wei"}, "sub"),
        ({"sub": "service:tasks"}, "sub"),
        ({"division": None}, "division"),
        ({"division": "1304"}, "division"),
        ({"roles": ["department_staff"]}, "department"),
        ({"roles": ["department_staff"], "department": "*"}, "department"),
        ({"roles": ["department_staff"], "department": 7}, "department"),
        ({"roles": ["access_approver"], "department": "*"}, "department"),
        ({"roles": ["access_approver"], "department": ""}, "department"),
    ],
)
async def test_a_signed_token_with_wrong_claims_is_refused(issuer: Issuer, changed: Claims, reason: str) -> None:
    assert await refused(issuer.authenticator(), signed(claims(**changed))) == reason


async def test_a_little_difference_of_clocks_is_borne(issuer: Issuer) -> None:
    token = signed(claims(exp=NOW - 10, nbf=NOW + 10, iat=NOW + 10))
    assert (await issuer.authenticator().actor_of(token)).subject == "li.wei"


@pytest.mark.parametrize("roles", [None, [], "operator", ["unheard_of"], ["service"], [7, None]])
async def test_somebody_without_a_role_that_we_know_may_do_nothing(issuer: Issuer, roles: object) -> None:
    with pytest.raises(NoRole) as caught:
        await issuer.authenticator().actor_of(signed(claims(roles=roles)))
    assert caught.value.status == 403


async def test_unknown_roles_are_ignored_and_a_department_binds_its_staff_and_approvers(issuer: Issuer) -> None:
    authenticator = issuer.authenticator()
    staff = await authenticator.actor_of(signed(claims(roles=["department_staff", "x", "service"], department="MZJ")))
    town = await authenticator.actor_of(signed(claims(roles=["town_staff"], department="MZJ")))
    assert (staff.roles, staff.app_department) == (frozenset({Role.DEPARTMENT_STAFF}), "MZJ")
    assert town.app_department == "*"
    approver = await authenticator.actor_of(signed(claims(roles=["access_approver"], department="ZZB")))
    countys = await authenticator.actor_of(signed(claims(roles=["access_approver"])))
    assert (approver.app_department, countys.app_department) == ("ZZB", "*")


async def test_no_refusal_repeats_anything_of_the_token(issuer: Issuer) -> None:
    secret = "130431199001011234"
    with pytest.raises(Unauthenticated) as caught:
        await issuer.authenticator().actor_of(signed(claims(sub=secret, division=secret, iss=secret)))
    assert secret not in f"{caught.value!r} {caught.value.details} {caught.value.headers}"


async def test_a_token_seen_before_is_refused_once_it_has_expired(issuer: Issuer) -> None:
    authenticator, token = issuer.authenticator(), signed(claims(exp=NOW + 60))
    await authenticator.actor_of(token)
    issuer.now = NOW + 100
    assert await refused(authenticator, token) == "expired"


async def test_a_withdrawn_key_stops_working_for_tokens_seen_before(issuer: Issuer) -> None:
    authenticator, token = issuer.authenticator(), signed(claims(exp=NOW + 86_400))
    await authenticator.actor_of(token)
    issuer.keys = [EC_KEY]
    await authenticator._keys._fetch()
    issuer.now = NOW + CACHED_S_MAX + 1
    assert await refused(authenticator, token) == "unknown_key"


async def test_without_any_key_the_answer_is_503_and_not_401(issuer: Issuer) -> None:
    issuer.answer = lambda: httpx2.Response(500)
    with pytest.raises(IssuerKeysUnreachable) as caught:
        await issuer.authenticator().actor_of(signed())
    assert caught.value.status == 503


@given(st.text(st.characters(max_codepoint=255), max_size=300))
async def test_no_header_does_anything_but_be_refused(header: str) -> None:
    authenticator = Issuer().authenticator()
    for authorization in (header, f"Bearer {header}", f"Bearer {segment({'alg': header, 'kid': header})}.e30.e30"):
        with pytest.raises((Unauthenticated, TokenUnreadable)):
            await authenticator.actor_of(authorization)
