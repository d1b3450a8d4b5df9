"""The token issuer's public keys, fetched from its JWKS address and kept while it cannot be reached (RFC 7517)."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import httpx2
import orjson
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from runtime.problems import DependencyUnavailable

FETCH_TIMEOUT_S: Final = 3.0
DOCUMENT_BYTES_MAX: Final = 256 * 1024
KEYS_MAX: Final = 100
RSA_BITS_MIN: Final = 2048

log = structlog.get_logger("runtime.issuer_keys")


class IssuerKeysUnreachable(DependencyUnavailable):
    """The sign-in service cannot be reached just now. 登录服务暂时无法访问。

    Repeat the same request after the time in Retry-After. 请在 Retry-After 的时间之后重复同一请求。
    """


class IssuerKey(NamedTuple):
    """A public key and the one algorithm it may be used with."""

    algorithm: str
    key: RSAKey | ECKey


class IssuerKeys:
    """The keys by id. Old keys stay in use while the issuer is down; an unknown id asks it again, but not too often.

    url: the issuer's JWKS address. refresh_after_s: age at which the keys are fetched again, behind the requests.
    retry_after_s: the least time between two fetches, however many unknown key ids are sent to us.
    """

    def __init__(
        self,
        url: str,
        *,
        client: httpx2.AsyncClient | None = None,
        refresh_after_s: float = 300.0,
        retry_after_s: float = 10.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._client = client or httpx2.AsyncClient(timeout=FETCH_TIMEOUT_S, follow_redirects=False)
        self._refresh_after_s = refresh_after_s
        self._retry_after_s = retry_after_s
        self._monotonic = monotonic
        self._keys: Mapping[str, IssuerKey] = {}
        self._fetched_at = -float("inf")
        self._tried_at = -float("inf")
        self._fetching: asyncio.Task[None] | None = None

    @property
    def known(self) -> bool:
        """Whether there is any key to verify a token with."""
        return bool(self._keys)

    async def find(self, key_id: str) -> IssuerKey | None:
        """The key of that id, or None when the issuer has none. Raises IssuerKeysUnreachable when no key is known."""
        if key_id not in self._keys:
            await self._fetch_once()
        elif self._monotonic() - self._fetched_at > self._refresh_after_s:
            self._begin_fetch()
        if not self._keys:
            raise IssuerKeysUnreachable()
        return self._keys.get(key_id)

    async def load(self) -> bool:
        """Fetch the keys now, for a service that starts; tells whether there are any."""
        await self._fetch_once()
        return self.known

    async def close(self) -> None:
        """Stop fetching and close the connections."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait([self._fetching])
        await self._client.aclose()

    async def _fetch_once(self) -> None:
        self._begin_fetch()
        if self._fetching is not None:  # shielded: one request that gives up does not take the answer from the others
            await asyncio.shield(self._fetching)

    def _begin_fetch(self) -> None:
        if self._fetching is not None and not self._fetching.done():
            return
        pause_s = self._retry_after_s if self._keys else min(1.0, self._retry_after_s)
        if self._monotonic() - self._tried_at < pause_s:
            self._fetching = None
            return
        self._tried_at = self._monotonic()
        self._fetching = asyncio.create_task(self._fetch(), name="issuer-keys")

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(FETCH_TIMEOUT_S * 2):
                keys = keys_of(await self._download())
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError, TimeoutError) as error:
            log.warning("issuer_keys_unreachable", error_type=type(error).__name__, keys_kept=len(self._keys))
            return
        if not keys:
            log.warning("issuer_keys_empty", keys_kept=len(self._keys))
            return
        if keys.keys() != self._keys.keys():
            log.info("issuer_keys_changed", keys=len(keys))
        self._keys = keys
        self._fetched_at = self._monotonic()

    async def _download(self) -> bytes:
        document = bytearray()
        async with self._client.stream("GET", self._url, headers={"Accept": "application/json"}) as response:
            if response.status_code != 200:
                raise ValueError(f"the issuer answered {response.status_code}")
            async for chunk in response.aiter_bytes():
                document += chunk
                if len(document) > DOCUMENT_BYTES_MAX:
                    raise ValueError("the issuer's key document is too large")
        return bytes(document)


def keys_of(document: bytes) -> dict[str, IssuerKey]:
    """The usable keys of a JWKS document by their id. Raises ValueError when it is not one.

    Left out: keys without an id, with an id used twice, symmetric ones, RSA below 2048 bits, curves other than P-256,
    and those declared for encryption or for another algorithm.
    """
    parsed = orjson.loads(document)
    entries = parsed.get("keys") if isinstance(parsed, dict) else None
    if not isinstance(entries, list):
        raise ValueError("not a JWKS document")
    found: dict[str, IssuerKey] = {}
    ambiguous: set[str] = set()
    for entry in entries[:KEYS_MAX]:
        key_id = entry.get("kid") if isinstance(entry, dict) else None
        if not isinstance(key_id, str) or not key_id:
            continue
        if (key := _issuer_key(entry)) is not None:
            if key_id in found:
                ambiguous.add(key_id)
            found[key_id] = key
    return {key_id: key for key_id, key in found.items() if key_id not in ambiguous}


def _issuer_key(entry: dict[str, Any]) -> IssuerKey | None:
    if entry.get("use", "sig") != "sig":
        return None
    try:
        if entry.get("kty") == "RSA" and entry.get("alg", "RS256") == "RS256":
            rsa = RSAKey.import_key({"kty": "RSA", "n": entry["n"], "e": entry["e"]})
            return IssuerKey("RS256", rsa) if rsa.public_key.key_size >= RSA_BITS_MIN else None
        if entry.get("kty") == "EC" and entry.get("crv") == "P-256" and entry.get("alg", "ES256") == "ES256":
            return IssuerKey("ES256", ECKey.import_key({"kty": "EC", "crv": "P-256", "x": entry["x"], "y": entry["y"]}))
    except (JoseError, KeyError, TypeError, ValueError):
        return None
    return None
