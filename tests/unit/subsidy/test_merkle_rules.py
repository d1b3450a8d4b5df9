"""The hash of a list, against the reference values of Certificate Transparency and the RFC's own words."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subsidy.merkle_rules import leaf_of, root_of

ENTRIES = [
    bytes.fromhex(entry)
    for entry in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
# The test vectors of the Certificate Transparency log of RFC 6962, whose tree RFC 9162 keeps.
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("many", range(1, 9))
def test_the_reference_values(many: int) -> None:
    assert root_of(b"".join(map(leaf_of, ENTRIES[:many]))).hex() == ROOTS[many - 1]


def test_the_hash_of_nothing() -> None:
    assert root_of(b"") == sha256(b"").digest()


def _by_the_words(entries: list[bytes]) -> bytes:
    """RFC 9162, section 2.1.1, word by word."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    split = 1
    while split * 2 < len(entries):
        split *= 2
    return sha256(b"\x01" + _by_the_words(entries[:split]) + _by_the_words(entries[split:])).digest()


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_any_list_as_the_rfc_says(entries: list[bytes]) -> None:
    assert root_of(b"".join(map(leaf_of, entries))) == _by_the_words(entries)


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=20), st.data())
def test_two_entries_that_change_places_are_told_apart(entries: list[bytes], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(entries) - 1))
    moved = [*entries[:at], *entries[at + 1 :], entries[at]]
    same = root_of(b"".join(map(leaf_of, entries))) == root_of(b"".join(map(leaf_of, moved)))
    assert same == (entries == moved)
