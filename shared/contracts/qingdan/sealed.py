"""Carriers of encrypted content: what is sealed, with which key, and for whom; the keys and ciphers live elsewhere.

The clear payload is the JSON of the named model, by `qingdan.identity.reveal_json`. The additional authenticated data
is `<event type>\\n<event key>` in UTF-8, so that a sealed body cannot be moved to another event.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from qingdan.event import ContractModel
from qingdan.ids import KeyId

Cipher = Literal["A256GCM", "SM4-GCM"]
KeyWrap = Literal["ECDH-ES+A256KW", "RSA-OAEP-256", "SM2"]

Recipient = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,31}:[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
"""Whose key it is: `service:subsidy` or `bank:ABC`."""


class WrappedKey(ContractModel):
    """A content key, encrypted to one recipient's public key."""

    key: KeyId
    recipient: Recipient
    recipient_key: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,86}$")] = Field(
        description="kid of the recipient's public key; an RFC 7638 thumbprint fits"
    )
    algorithm: KeyWrap
    wrapped: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,1400}$")] = Field(
        description="base64url without padding"
    )


class Sealed(ContractModel):
    """An encrypted body: 96-bit nonce and 128-bit tag, all base64url without padding (RFC 4648, section 5)."""

    key: KeyId
    cipher: Cipher
    nonce: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{16}$")]
    ciphertext: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,16384}$")]
    tag: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{22}$")]
