"""Sealing: what is personal travels and rests encrypted, with content keys that are wrapped to each receiver.

Ciphers: AES-256-GCM (NIST SP 800-38D) and SM4-GCM (GB/T 32907). Wrapping: ECDH-ES+A256KW on P-256 (RFC 7518, section
4.6) with empty party infos; `wrapped` is the ephemeral public key as an uncompressed point (65 bytes, SEC 1), followed
by the content key under AES key wrap (RFC 3394). Key files are JWK Sets (RFC 7517) whose keys name their `recipient`.
"""

import base64
import contextlib
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
from cryptography.hazmat.primitives.ciphers import algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256, SM3
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey
from pydantic import ValidationError

from qingdan.event import ContractModel
from qingdan.identity import PersonalText, reveal_json
from qingdan.ids import KeyId
from qingdan.sealed import Cipher, Recipient, Sealed, WrappedKey
from runtime.ids import new_id
from runtime.problems import Refusal

_CURVE: Final = ec.SECP256R1()
_POINT_BYTES: Final = 65
_NONCE_BYTES: Final = 12
_SECRET_BYTES: Final[Mapping[str, int]] = {"A256GCM": 32, "SM4-GCM": 16}
_WRAP: Final = "ECDH-ES+A256KW"
_HASHES: Final = {"HS256": SHA256, "HSM3": SM3}
_HASH_SECRET_BYTES: Final = 32

M = TypeVar("M", bound=ContractModel)


class Unsealable(Refusal):
    """What is sealed here cannot be opened: another's key, or not what was sealed.
    加密内容无法解开：密钥不符或内容被改动。
    """

    status = 422


@dataclass(frozen=True, slots=True)
class ContentKey:
    """A symmetric key that seals one batch's or one person's content. It prints without its secret."""

    id: KeyId
    cipher: Cipher
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Whom to wrap keys for; `kid` is what the receiver finds its private key by."""

    recipient: Recipient
    kid: str
    point: ec.EllipticCurvePublicKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class PrivateKeys:
    """Our own keys, by `kid`: old ones stay as long as something wrapped to them is kept."""

    by_kid: Mapping[str, ec.EllipticCurvePrivateKey] = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> "PrivateKeys":
        """From a JWK Set of private P-256 keys. Raises OSError, ValueError."""
        by_kid = {}
        for jwk in _jwks(path):
            private = _key(jwk).private_key
            if private is None:
                raise ValueError(f"{path} holds a public key only: {jwk['kid']}")
            by_kid[jwk["kid"]] = private
        return cls(by_kid)

    def newest(self, recipient: Recipient) -> "PublicKey":
        """To wrap for ourselves: the public half of the last key in the file. Raises ValueError when it holds none."""
        kid = next(reversed(list(self.by_kid)), None)
        if kid is None:
            raise ValueError(f"the key file of {recipient} holds no key")
        return PublicKey(recipient, kid, self.by_kid[kid].public_key())


def read_public_keys(path: Path) -> dict[Recipient, PublicKey]:
    """The newest key of each recipient (the last in the file), from a JWK Set. Raises OSError, ValueError."""
    return {jwk["recipient"]: PublicKey(jwk["recipient"], jwk["kid"], _key(jwk).public_key) for jwk in _jwks(path)}


def write_key_pair(private: Path, public: Path, recipient: Recipient) -> None:
    """Make a P-256 key for `recipient` and write both halves as JWK Sets; only the owner may read the private one."""
    key = ECKey.generate_key("P-256", auto_kid=True)
    whose = {"recipient": recipient, "use": "enc", "alg": _WRAP}
    descriptor = os.open(private, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"keys": [key.as_dict(private=True) | whose]}, file)
    public.write_text(json.dumps({"keys": [key.as_dict(private=False) | whose]}), encoding="utf-8")


@dataclass(frozen=True, slots=True)
class HashKey:
    """A symmetric key for hashes that nobody without it can try texts against. It prints without its secret."""

    algorithm: str
    secret: bytes = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> "HashKey":
        """From a JWK Set with one symmetric key of 32 bytes, `alg` HS256 (RFC 7518) or HSM3 (HMAC with SM3).

        Raises OSError, ValueError.
        """
        jwks = _jwks(path)
        if len(jwks) != 1 or jwks[0].get("kty") != "oct" or jwks[0].get("alg") not in _HASHES:
            raise ValueError(f"{path} is not a set of one symmetric key for HS256 or HSM3")
        secret = _bytes(jwks[0].get("k", ""))
        if len(secret) != _HASH_SECRET_BYTES:
            raise ValueError(f"{path}: the key has {len(secret)} bytes, and should have {_HASH_SECRET_BYTES}")
        return cls(jwks[0]["alg"], secret)


def keyed_hash(key: HashKey, *texts: PersonalText) -> bytes:
    """32 bytes that are the same for the same texts under the same key, and tell nothing of them without it."""
    mac = HMAC(key.secret, _HASHES[key.algorithm]())
    for text in texts:
        encoded = text.reveal().encode()
        mac.update(len(encoded).to_bytes(4, "big") + encoded)
    return mac.finalize()


def write_hash_key(path: Path, algorithm: str = "HS256") -> None:
    """Make a key for `keyed_hash` and write it as a JWK Set that only the owner may read."""
    jwk = {"kty": "oct", "k": _text(secrets.token_bytes(_HASH_SECRET_BYTES)), "use": "sig", "alg": algorithm}
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"keys": [jwk]}, file)


def new_content_key(cipher: Cipher = "A256GCM") -> ContentKey:
    """A fresh key; use it for one batch or one person, never for more."""
    return ContentKey(KeyId(new_id()), cipher, secrets.token_bytes(_SECRET_BYTES[cipher]))


def wrap(key: ContentKey, receiver: PublicKey) -> WrappedKey:
    """`key` for whoever holds the receiver's private key."""
    (wrapped,) = wrap_together([key], receiver)
    return wrapped


def wrap_together(keys: Sequence[ContentKey], receiver: PublicKey) -> list[WrappedKey]:
    """Each for whoever holds the receiver's private key, under one ephemeral key: they take one key agreement to open,
    whose result `unwrap` keeps for a while, where `wrap` takes one for each. Nothing else differs.
    """
    ephemeral = ec.generate_private_key(_CURVE)
    point = ephemeral.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    agreed = _agreed(ephemeral, receiver.point)
    return [
        WrappedKey(
            key=key.id,
            recipient=receiver.recipient,
            recipient_key=receiver.kid,
            algorithm=_WRAP,
            wrapped=_text(point + aes_key_wrap(agreed, key.secret)),
        )
        for key in keys
    ]


def unwrap(wrapped: WrappedKey, keys: PrivateKeys, cipher: Cipher) -> ContentKey:
    """The content key. Raises Unsealable when none of our keys opens it."""
    private = keys.by_kid.get(wrapped.recipient_key)
    if private is None or wrapped.algorithm != _WRAP:
        raise Unsealable()
    raw = _bytes(wrapped.wrapped)
    try:
        secret = aes_key_unwrap(_agreed_with(private, raw[:_POINT_BYTES]), raw[_POINT_BYTES:])
    except (ValueError, InvalidUnwrap):
        secret = b""
    if len(secret) != _SECRET_BYTES[cipher]:
        raise Unsealable()
    return ContentKey(wrapped.key, cipher, secret)


def seal(key: ContentKey, payload: ContractModel, *, event_type: str, event_key: str) -> Sealed:
    """`payload` with its personal data readable only to holders of `key`, bound to the event that carries it."""
    (sealed,) = seal_together(key, [(event_key, payload)], event_type=event_type)
    return sealed


def seal_together(key: ContentKey, payloads: Sequence[tuple[str, ContractModel]], *, event_type: str) -> list[Sealed]:
    """As `seal`, each payload bound to the event of the key that stands with it.

    The nonces are drawn at once: each call of the system lets another thread go on, and has to wait for it.
    """
    nonces = secrets.token_bytes(_NONCE_BYTES * len(payloads))
    return [
        _sealed(key, payload, nonces[at * _NONCE_BYTES : (at + 1) * _NONCE_BYTES], _bound_to(event_type, event_key))
        for at, (event_key, payload) in enumerate(payloads)
    ]


def _sealed(key: ContentKey, payload: ContractModel, nonce: bytes, bound_to: bytes) -> Sealed:
    if key.cipher == "A256GCM":
        both = AESGCM(key.secret).encrypt(nonce, reveal_json(payload), bound_to)
        ciphertext, tag = both[:-16], both[-16:]
    else:
        encryptor = BlockCipher(algorithms.SM4(key.secret), modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(bound_to)
        ciphertext = encryptor.update(reveal_json(payload)) + encryptor.finalize()
        tag = encryptor.tag
    return Sealed(key=key.id, cipher=key.cipher, nonce=_text(nonce), ciphertext=_text(ciphertext), tag=_text(tag))


def unseal(key: ContentKey, sealed: Sealed, model: type[M], *, event_type: str, event_key: str) -> M:
    """The payload. Raises Unsealable for another key, another event, or anything that was changed."""
    opened: M | None = None
    if sealed.key == key.id and sealed.cipher == key.cipher:
        with contextlib.suppress(InvalidTag, ValidationError, ValueError):
            opened = model.model_validate_json(_opened(key, sealed, _bound_to(event_type, event_key)))
    if opened is None:  # raised out here, so that no traceback carries what was inside
        raise Unsealable()
    return opened


def _opened(key: ContentKey, sealed: Sealed, bound_to: bytes) -> bytes:
    nonce, ciphertext, tag = _bytes(sealed.nonce), _bytes(sealed.ciphertext), _bytes(sealed.tag)
    if key.cipher == "A256GCM":
        return AESGCM(key.secret).decrypt(nonce, ciphertext + tag, bound_to)
    decryptor = BlockCipher(algorithms.SM4(key.secret), modes.GCM(nonce, tag)).decryptor()
    decryptor.authenticate_additional_data(bound_to)
    return decryptor.update(ciphertext) + decryptor.finalize()


def _bound_to(event_type: str, event_key: str) -> bytes:
    return f"{event_type}\n{event_key}".encode()


@lru_cache(maxsize=4096)
def _agreed_with(private: ec.EllipticCurvePrivateKey, point: bytes) -> bytes:
    """Raises ValueError for bytes that are no point of the curve."""
    return _agreed(private, ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, point))


def _agreed(private: ec.EllipticCurvePrivateKey, public: ec.EllipticCurvePublicKey) -> bytes:
    """The key-wrapping key of RFC 7518, section 4.6.2: Concat KDF over the shared secret."""

    def with_length(text: bytes) -> bytes:
        return len(text).to_bytes(4, "big") + text

    about = with_length(_WRAP.encode()) + with_length(b"") + with_length(b"") + (256).to_bytes(4, "big")
    return ConcatKDFHash(SHA256(), 32, about).derive(private.exchange(ec.ECDH(), public))


def _jwks(path: Path) -> list[dict[str, str]]:
    document = json.loads(path.read_text(encoding="utf-8"))
    keys: list[dict[str, str]] = document["keys"]
    return keys


@cache
def _imported(text: str) -> ECKey:
    return ECKey.import_key(json.loads(text))


def _key(jwk: Mapping[str, str]) -> ECKey:
    return _imported(json.dumps(dict(jwk), sort_keys=True))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""
