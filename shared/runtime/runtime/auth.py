"""Authentication: a bearer token (OIDC JWT) becomes an Actor, or a refusal that says why not."""

import base64
import binascii
import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx2
import orjson
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry, deserialize_compact

from qingdan.divisions import DivisionCode
from runtime.actor import SERVICE_SUBJECT, Actor, Role
from runtime.issuer_keys import IssuerKey, IssuerKeys
from runtime.problems import Forbidden, Unauthenticated

ALGORITHMS: Final = frozenset({"RS256", "ES256"})
TOKEN_BYTES_MAX: Final = 8 * 1024
SUBJECT_CHARS_MAX: Final = 255
DEPARTMENT_CHARS_MAX: Final = 16
LEEWAY_S: Final = 30.0
CACHED_TOKENS_MAX: Final = 10_000

# A key that the issuer has withdrawn stops working after this time at the latest, even for tokens seen before.
CACHED_S_MAX: Final = 300.0

# `service` is what our own processes are; nobody becomes one by a token.
_ROLES_BY_TOKEN: Final = {role.value: role for role in Role if role is not Role.SERVICE}


class NoToken(Unauthenticated):
    """Sign in first: the request carries no bearer token. 请先登录：请求中没有令牌。"""

    @property
    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": 'Bearer realm="qingdan"'}


class TokenUnreadable(Unauthenticated):
    """The token is not a signed JWT that can be read. 令牌不是可读取的已签名 JWT。"""


class TokenNotTrusted(Unauthenticated):
    """The token is not signed by a key and an algorithm we trust. 令牌的签名密钥或算法不受信任。"""


class TokenForeign(Unauthenticated):
    """The token was issued by somebody else, or for somebody else. 令牌的签发方或受众不符。"""


class TokenExpired(Unauthenticated):
    """The token has expired. 令牌已过期。

    Sign in again. 请重新登录。
    """


class TokenNotYetValid(Unauthenticated):
    """The token is not valid yet. 令牌尚未生效。

    Check the clocks of the sign-in service and of this one. 请核对登录服务与本服务的时钟。
    """


class TokenIncomplete(Unauthenticated):
    """The token does not say who you are and where you belong. 令牌缺少身份、辖区或部门信息。

    Ask the operator to complete your account. 请联系运维补全账号信息。
    """


class NoRole(Forbidden):
    """You have no role in this system. 您在本系统中没有任何角色。

    Ask the operator for one. 请联系运维分配角色。
    """


class _Registry(JWSRegistry):
    max_header_length = TOKEN_BYTES_MAX


_REGISTRIES: Final = {name: _Registry(algorithms=[name], strict_check_header=False) for name in ALGORITHMS}


class Authenticator:
    """Verifies tokens of one issuer for one audience.

    A verified token is remembered, by its SHA-256, until it expires and for five minutes at most: the next request
    with it costs microseconds instead of a signature check.
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        jwks_url: str,
        client: httpx2.AsyncClient | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys = IssuerKeys(jwks_url, client=client)
        self._now = now
        self._seen: OrderedDict[bytes, tuple[Actor, float]] = OrderedDict()

    async def actor_of(self, authorization: str | None) -> Actor:
        """The Actor that an Authorization header names.

        Raises Unauthenticated (with a machine-readable `reason`), NoRole, or IssuerKeysUnreachable.
        """
        token = _bearer_token(authorization)
        digest = hashlib.sha256(token).digest()
        now = self._now()
        if (seen := self._seen.get(digest)) is not None:
            actor, until = seen
            if now < until:
                self._seen.move_to_end(digest)
                return actor
            del self._seen[digest]
        claims = await self._verify(token)
        self._check_audience(claims)
        expires = _check_times(claims, now)
        actor = _actor(claims)
        self._seen[digest] = (actor, min(expires, now + CACHED_S_MAX))
        if len(self._seen) > CACHED_TOKENS_MAX:
            self._seen.popitem(last=False)
        return actor

    async def load(self) -> bool:
        """Fetch the issuer's keys now, for a service that starts; tells whether there are any."""
        return await self._keys.load()

    async def close(self) -> None:
        """Close the connections to the issuer."""
        await self._keys.close()

    async def _verify(self, token: bytes) -> Mapping[str, Any]:
        header = _header(token)
        algorithm, key_id = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            raise TokenNotTrusted(reason="algorithm")
        if "crit" in header or "b64" in header:  # extensions that must be understood, and we understand none
            raise TokenNotTrusted(reason="critical_header")
        if not isinstance(key_id, str):
            raise TokenNotTrusted(reason="unknown_key")
        # The key is looked up by id among the issuer's: jwk, jku, x5c and x5u in the header are never looked at.
        found = await self._keys.find(key_id)
        if found is None:
            raise TokenNotTrusted(reason="unknown_key")
        if found.algorithm != algorithm:
            raise TokenNotTrusted(reason="key_mismatch")
        return _verified_claims(token, found)

    def _check_audience(self, claims: Mapping[str, Any]) -> None:
        if claims.get("iss") != self._issuer:
            raise TokenForeign(reason="issuer")
        audience = claims.get("aud")
        if audience != self._audience and not (isinstance(audience, list) and self._audience in audience):
            raise TokenForeign(reason="audience")


def _bearer_token(authorization: str | None) -> bytes:
    scheme, _, token = (authorization or "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise NoToken(reason="missing")
    if len(token) > TOKEN_BYTES_MAX:
        raise TokenUnreadable(reason="too_long")
    if not token.isascii() or token.count(".") != 2:
        raise TokenUnreadable(reason="malformed")
    return token.encode("ascii")


def _header(token: bytes) -> Mapping[str, Any]:
    segment = token.partition(b".")[0]
    try:
        header = orjson.loads(base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4)))
    except (binascii.Error, ValueError):
        raise TokenUnreadable(reason="malformed") from None
    if not isinstance(header, dict):
        raise TokenUnreadable(reason="malformed")
    return header


def _verified_claims(token: bytes, found: IssuerKey) -> Mapping[str, Any]:
    try:
        signed = deserialize_compact(token, found.key, [found.algorithm], _REGISTRIES[found.algorithm])
        claims = orjson.loads(signed.payload)
    except JoseError:
        raise TokenNotTrusted(reason="signature") from None
    except ValueError:
        raise TokenUnreadable(reason="malformed") from None
    if not isinstance(claims, dict):
        raise TokenUnreadable(reason="malformed")
    return claims


def _check_times(claims: Mapping[str, Any], now: float) -> float:
    """The instant at which the token ends, leeway included."""
    expires = _instant(claims, "exp")
    if expires is None:
        raise TokenIncomplete(reason="exp")
    if now >= expires + LEEWAY_S:
        raise TokenExpired(reason="expired")
    for claim in ("nbf", "iat"):
        begins = _instant(claims, claim)
        if begins is not None and now < begins - LEEWAY_S:
            raise TokenNotYetValid(reason="not_yet_valid")
    return expires + LEEWAY_S


def _instant(claims: Mapping[str, Any], claim: str) -> float | None:
    value = claims.get(claim)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TokenUnreadable(reason=claim)
    return float(value)


def _actor(claims: Mapping[str, Any]) -> Actor:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_CHARS_MAX or not subject.isprintable():
        raise TokenIncomplete(reason="sub")
    if subject.startswith(SERVICE_SUBJECT):  # the audit trail tells people and our own processes apart by it
        raise TokenIncomplete(reason="sub")
    named = claims.get("roles")
    known = (
        _ROLES_BY_TOKEN.keys() & {name for name in named if isinstance(name, str)} if isinstance(named, list) else ()
    )
    roles = frozenset(_ROLES_BY_TOKEN[name] for name in known)
    if not roles:
        raise NoRole()
    try:
        division = DivisionCode(str(claims.get("division", "")))
    except ValueError:
        raise TokenIncomplete(reason="division") from None
    # An approver whose token names a department is bound to it, department staff or not; staff must name one.
    department = claims.get("department") if roles & {Role.DEPARTMENT_STAFF, Role.ACCESS_APPROVER} else None
    if (department is not None or Role.DEPARTMENT_STAFF in roles) and not _is_department(department):
        raise TokenIncomplete(reason="department")
    return Actor(subject=subject, roles=roles, division=division, department=department)


def _is_department(code: object) -> bool:
    return isinstance(code, str) and 2 <= len(code) <= DEPARTMENT_CHARS_MAX and code.isascii() and code.isalnum()
