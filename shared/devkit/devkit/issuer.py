"""A token issuer of our own: keys and signed tokens as an OIDC provider gives them; services know no other way."""

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, Self

from joserfc import jws
from joserfc.jwk import ECKey, KeySet, RSAKey

from devkit.dev_users import DevUser

AUDIENCE = "qingdan"
TTL_S = 3600

Algorithm = Literal["ES256", "RS256"]


class Issuer:
    """Signs tokens with an ES256 and an RS256 key; every process that opens the same directory has the same keys."""

    def __init__(self, url: str, es256: ECKey, rs256: RSAKey, *, audience: str = AUDIENCE) -> None:
        self.url = url.rstrip("/")
        self.audience = audience
        self.keys: dict[str, ECKey | RSAKey] = {"ES256": es256, "RS256": rs256}

    @classmethod
    def generate(cls, url: str) -> Self:
        """An issuer with new keys, in memory only."""
        es256 = ECKey.generate_key("P-256", {"alg": "ES256", "use": "sig"}, auto_kid=True)
        rs256 = RSAKey.generate_key(2048, {"alg": "RS256", "use": "sig"}, auto_kid=True)
        return cls(url, es256, rs256)

    @classmethod
    def open(cls, directory: Path, url: str) -> Self:
        """The issuer whose private keys lie in `directory`, made there the first time."""
        path = directory / "keys.json"
        if not path.exists():
            directory.mkdir(parents=True, exist_ok=True)
            issuer = cls.generate(url)
            private = {name: key.as_dict(private=True) for name, key in issuer.keys.items()}
            path.touch(mode=0o600)
            path.write_text(json.dumps(private))
            return issuer
        stored = json.loads(path.read_text())
        return cls(url, ECKey.import_key(stored["ES256"]), RSAKey.import_key(stored["RS256"]))

    @property
    def jwks_url(self) -> str:
        return f"{self.url}/jwks.json"

    def jwks(self) -> dict[str, Any]:
        """The public keys (RFC 7517)."""
        return dict(KeySet(list(self.keys.values())).as_dict(private=False))

    def discovery(self) -> dict[str, Any]:
        """What OpenID Connect Discovery 1.0 asks for, as far as services and curl need it."""
        return {
            "issuer": self.url,
            "jwks_uri": self.jwks_url,
            "token_endpoint": f"{self.url}/token",
            "grant_types_supported": ["password"],
            "id_token_signing_alg_values_supported": list(self.keys),
            "subject_types_supported": ["public"],
            "response_types_supported": ["token"],
        }

    def token(
        self,
        sub: str,
        roles: Iterable[str],
        division: str,
        department: str | None = None,
        *,
        ttl_s: float = TTL_S,
        algorithm: Algorithm = "ES256",
        **overrides: object,
    ) -> str:
        """A signed JWT. `overrides` replace claims (`aud="other"`), or leave them out when None (`exp=None`)."""
        claims = self.claims(sub, roles, division, department, ttl_s=ttl_s) | overrides
        return self.sign({name: value for name, value in claims.items() if value is not None}, algorithm)

    def token_of(self, user: DevUser, *, ttl_s: float = TTL_S) -> str:
        return self.token(user.subject, user.roles, user.division, user.department, ttl_s=ttl_s)

    def claims(
        self, sub: str, roles: Iterable[str], division: str, department: str | None = None, *, ttl_s: float = TTL_S
    ) -> dict[str, Any]:
        now = time.time()
        return {
            "iss": self.url,
            "aud": self.audience,
            "sub": sub,
            "iat": int(now),
            "exp": int(now + ttl_s),
            "roles": list(roles),
            "division": division,
            "department": department,
        }

    def sign(self, claims: dict[str, Any], algorithm: Algorithm = "ES256") -> str:
        """Sign any claims with our own key."""
        key = self.keys[algorithm]
        header = {"alg": algorithm, "kid": key.kid, "typ": "JWT"}
        return jws.serialize_compact(header, json.dumps(claims), key, [algorithm])
