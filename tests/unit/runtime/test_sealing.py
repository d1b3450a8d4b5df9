"""What is sealed opens for its receiver alone, only where it belongs, and for any JOSE library by the same rules."""

import base64
import json
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwe
from joserfc.jwk import ECKey

from qingdan.bank_events import PaymentOrder
from qingdan.example_values import BATCH, PAYMENT
from qingdan.identity import BankAccount, PersonName
from qingdan.money import Fen
from qingdan.sealed import Cipher, WrappedKey
from runtime.ids import new_id
from runtime.sealing import (
    ContentKey,
    HashKey,
    PrivateKeys,
    PublicKey,
    Unsealable,
    keyed_hash,
    new_content_key,
    read_public_keys,
    seal,
    seal_together,
    unseal,
    unwrap,
    wrap,
    wrap_together,
    write_hash_key,
    write_key_pair,
)

BANK = "bank:ABC"
TYPE, KEY = "payment.instructed.v1", str(PAYMENT)
CIPHERS: list[Cipher] = ["A256GCM", "SM4-GCM"]
ORDER = PaymentOrder(
    payment=PAYMENT,
    batch=BATCH,
    seq=1,
    programme="B01",
    period="2021-08",
    amount_fen=Fen(349_800),
    payee=PersonName("金丝雀甄"),
    account=BankAccount("6222000012345678901"),
)


@pytest.fixture
def keys(tmp_path: Path) -> tuple[PublicKey, PrivateKeys]:
    """Both halves of the bank's key, as read from files."""
    write_key_pair(tmp_path / "private.json", tmp_path / "public.json", BANK)
    return read_public_keys(tmp_path / "public.json")[BANK], PrivateKeys.read(tmp_path / "private.json")


@pytest.mark.parametrize("cipher", CIPHERS)
def test_the_receiver_reads_what_was_sealed(keys: tuple[PublicKey, PrivateKeys], cipher: Cipher) -> None:
    public, private = keys
    key = new_content_key(cipher)
    sealed = seal(key, ORDER, event_type=TYPE, event_key=KEY)
    opened = unseal(unwrap(wrap(key, public), private, cipher), sealed, PaymentOrder, event_type=TYPE, event_key=KEY)
    assert opened == ORDER
    assert opened.account.reveal() == "6222000012345678901"


@pytest.mark.parametrize("cipher", CIPHERS)
def test_nothing_readable_is_in_what_is_sealed(cipher: Cipher) -> None:
    key = new_content_key(cipher)
    sealed = seal(key, ORDER, event_type=TYPE, event_key=KEY).model_dump_json()
    assert "金丝雀" not in sealed
    assert "6222000012345678901" not in sealed
    assert key.secret.hex() not in repr(key)
    assert repr(key.secret) not in repr(key)


@pytest.mark.parametrize("cipher", CIPHERS)
def test_a_sealed_body_cannot_be_moved_to_another_event(cipher: Cipher) -> None:
    key = new_content_key(cipher)
    sealed = seal(key, ORDER, event_type=TYPE, event_key=KEY)
    for elsewhere in ({"event_type": TYPE, "event_key": str(new_id())}, {"event_type": "other.v1", "event_key": KEY}):
        with pytest.raises(Unsealable):
            unseal(key, sealed, PaymentOrder, **elsewhere)


@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("part", ["nonce", "ciphertext", "tag"])
def test_a_changed_body_does_not_open(cipher: Cipher, part: str) -> None:
    key = new_content_key(cipher)
    sealed = seal(key, ORDER, event_type=TYPE, event_key=KEY)
    text = getattr(sealed, part)
    changed = sealed.model_copy(update={part: ("B" if text[0] != "B" else "C") + text[1:]})
    with pytest.raises(Unsealable) as refused:
        unseal(key, changed, PaymentOrder, event_type=TYPE, event_key=KEY)
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None


def test_another_key_does_not_open_it(keys: tuple[PublicKey, PrivateKeys], tmp_path: Path) -> None:
    public, _ = keys
    write_key_pair(tmp_path / "foreign.json", tmp_path / "foreign-public.json", "bank:XYZ")
    with pytest.raises(Unsealable):
        unwrap(wrap(new_content_key(), public), PrivateKeys.read(tmp_path / "foreign.json"), "A256GCM")
    sealed = seal(new_content_key(), ORDER, event_type=TYPE, event_key=KEY)
    with pytest.raises(Unsealable):
        unseal(new_content_key(), sealed, PaymentOrder, event_type=TYPE, event_key=KEY)


@pytest.mark.parametrize("wrapped", ["AAAA", "-", "_" * 140, "BA" * 70])
def test_a_mangled_wrapped_key_is_refused(keys: tuple[PublicKey, PrivateKeys], wrapped: str) -> None:
    public, private = keys
    mangled = wrap(new_content_key(), public).model_copy(update={"wrapped": wrapped})
    with pytest.raises(Unsealable):
        unwrap(mangled, private, "A256GCM")


def test_a_key_for_one_cipher_is_not_taken_for_the_other(keys: tuple[PublicKey, PrivateKeys]) -> None:
    public, private = keys
    with pytest.raises(Unsealable):
        unwrap(wrap(new_content_key("SM4-GCM"), public), private, "A256GCM")


def test_two_wrappings_of_one_key_have_nothing_in_common(keys: tuple[PublicKey, PrivateKeys]) -> None:
    public, private = keys
    key = new_content_key()
    first, second = wrap(key, public), wrap(key, public)
    assert first.wrapped != second.wrapped
    assert unwrap(first, private, "A256GCM") == unwrap(second, private, "A256GCM") == key


def test_keys_wrapped_together_open_singly_and_share_nothing_but_the_agreement(
    keys: tuple[PublicKey, PrivateKeys],
) -> None:
    public, private = keys
    secrets = [new_content_key(cipher) for cipher in (*CIPHERS, *CIPHERS)]
    wrapped = wrap_together(secrets, public)
    assert [unwrap(each, private, key.cipher) for each, key in zip(wrapped, secrets, strict=True)] == secrets
    raw = [base64.urlsafe_b64decode(each.wrapped + "==") for each in wrapped]
    assert len({each[:65] for each in raw}) == 1
    assert len({each[65:] for each in raw}) == len(secrets)
    assert wrap_together(secrets, public)[0].wrapped[:86] != wrapped[0].wrapped[:86]


@pytest.mark.parametrize("cipher", CIPHERS)
def test_what_is_sealed_together_has_a_nonce_each_and_belongs_to_its_event(cipher: Cipher) -> None:
    key = new_content_key(cipher)
    sealed = seal_together(key, [(f"{at}", ORDER) for at in range(50)], event_type=TYPE)
    assert len({each.nonce for each in sealed}) == len({each.ciphertext for each in sealed}) == 50
    for at, each in enumerate(sealed):
        assert unseal(key, each, PaymentOrder, event_type=TYPE, event_key=f"{at}") == ORDER
    with pytest.raises(Unsealable):
        unseal(key, sealed[1], PaymentOrder, event_type=TYPE, event_key="0")


def test_whoever_has_no_key_of_its_own_wraps_nothing_for_itself(keys: tuple[PublicKey, PrivateKeys]) -> None:
    public, private = keys
    assert (private.newest(BANK).kid, private.newest(BANK).recipient) == (public.kid, BANK)
    with pytest.raises(ValueError, match=f"{BANK} holds no key"):
        PrivateKeys({}).newest(BANK)


def test_the_private_half_is_for_its_owner_alone(tmp_path: Path) -> None:
    write_key_pair(tmp_path / "private.json", tmp_path / "public.json", BANK)
    assert stat.S_IMODE((tmp_path / "private.json").stat().st_mode) == 0o600
    (public,) = json.loads((tmp_path / "public.json").read_text())["keys"]
    assert "d" not in public
    with pytest.raises(ValueError, match="public key only"):
        PrivateKeys.read(tmp_path / "public.json")


def test_a_key_wrapped_by_another_jose_library_opens(tmp_path: Path) -> None:
    """joserfc's own JWE in ECDH-ES+A256KW, taken apart and put together as `sealed.py` says, gives its content key."""
    write_key_pair(tmp_path / "private.json", tmp_path / "public.json", BANK)
    (public,) = json.loads((tmp_path / "public.json").read_text())["keys"]
    protected = {"alg": "ECDH-ES+A256KW", "enc": "A256GCM"}
    token = jwe.encrypt_compact(protected, b"by another", ECKey.import_key(public), algorithms=list(protected.values()))
    header, encrypted_key, nonce, ciphertext, tag = token.split(".")
    epk = json.loads(_raw(header))["epk"]
    point = b"\x04" + _raw(epk["x"]) + _raw(epk["y"])
    wrapped = WrappedKey(
        key=new_content_key().id,
        recipient=BANK,
        recipient_key=public["kid"],
        algorithm="ECDH-ES+A256KW",
        wrapped=base64.urlsafe_b64encode(point + _raw(encrypted_key)).rstrip(b"=").decode(),
    )
    opened: ContentKey = unwrap(wrapped, PrivateKeys.read(tmp_path / "private.json"), "A256GCM")
    text = AESGCM(opened.secret).decrypt(_raw(nonce), _raw(ciphertext) + _raw(tag), header.encode())
    assert text == b"by another"


def _raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize("algorithm", ["HS256", "HSM3"])
def test_a_keyed_hash_is_the_same_under_its_key_alone(tmp_path: Path, algorithm: str) -> None:
    keys = []
    for name in ("one", "other"):
        write_hash_key(tmp_path / name, algorithm)
        keys.append(HashKey.read(tmp_path / name))
    account, name_of_owner = BankAccount("6222000011112222"), PersonName("王甲子")
    one = keyed_hash(keys[0], account)
    assert (len(one), one) == (32, keyed_hash(keys[0], account))
    others = [keyed_hash(keys[1], account), keyed_hash(keys[0], account, name_of_owner)]
    assert one not in others
    assert "secret" not in repr(keys[0])


def test_texts_do_not_run_into_each_other(tmp_path: Path) -> None:
    write_hash_key(tmp_path / "key")
    key = HashKey.read(tmp_path / "key")
    split = (PersonName("甲"), PersonName("乙丙")), (PersonName("甲乙"), PersonName("丙"))
    assert keyed_hash(key, *split[0]) != keyed_hash(key, *split[1])


@pytest.mark.parametrize(
    "jwk", [{"kty": "oct", "alg": "HS256", "k": "AAAA"}, {"kty": "oct", "alg": "none", "k": "A" * 43}, {"kty": "EC"}]
)
def test_what_is_no_hash_key_is_refused(tmp_path: Path, jwk: dict[str, str]) -> None:
    (tmp_path / "key").write_text(json.dumps({"keys": [jwk]}))
    with pytest.raises(ValueError, match="key"):
        HashKey.read(tmp_path / "key")
