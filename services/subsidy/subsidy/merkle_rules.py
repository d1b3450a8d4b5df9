"""Merkle trees: one hash that stands for a list of any length, and for nothing else.

Source: RFC 9162, section 2.1.1, with SHA-256. What a leaf hashes begins with 0x00 and what a node hashes with 0x01, so
that no list can be taken for another.
"""

from hashlib import sha256
from typing import Final

HASH_SIZE: Final = 32


def leaf_of(entry: bytes) -> bytes:
    """The hash of one entry, 32 octets."""
    return sha256(b"\x00" + entry).digest()


def root_of(leaves: bytes) -> bytes:
    """The hash of a list, of the hashes of its entries one behind the other: 32 octets each.

    The last hash of a level without a neighbour goes up as it is: the RFC's split at the largest power of two.
    """
    if not leaves:
        return sha256(b"").digest()
    level = leaves
    while len(level) > HASH_SIZE:
        paired = len(level) - len(level) % (2 * HASH_SIZE)
        nodes = [sha256(b"\x01" + level[at : at + 64]).digest() for at in range(0, paired, 2 * HASH_SIZE)]
        level = b"".join([*nodes, level[paired:]])
    return level
