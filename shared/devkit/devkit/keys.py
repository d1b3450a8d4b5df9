"""Encryption keys of an installation's parties, made once and kept in its directory as JWK Sets."""

import fcntl
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from runtime.sealing import PublicKey, read_public_keys, write_hash_key, write_key_pair

BANK = "AJRCB"
"""Anji's rural commercial bank, as the simulator is called."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The key pairs of the service `subsidy`, to which identities are sealed, and of the bank."""

    directory: Path

    @classmethod
    def of(cls, directory: Path) -> Self:
        """The keys in `directory`, made now if they are not there; of several processes one makes them."""
        keys = cls(directory)
        directory.mkdir(parents=True, exist_ok=True)
        with (directory / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            for private, public, recipient in (
                (keys.subsidy_private, keys.subsidy_public, "service:subsidy"),
                (keys.bank_private, keys.bank_public, f"bank:{BANK}"),
            ):
                if not public.exists():  # it is written after the private one
                    write_key_pair(private, public, recipient)
            if not keys.account_hashes.exists():
                write_hash_key(keys.account_hashes)
        return keys

    @property
    def subsidy_private(self) -> Path:
        return self.directory / "subsidy-private.json"

    @property
    def subsidy_public(self) -> Path:
        return self.directory / "subsidy-public.json"

    @property
    def account_hashes(self) -> Path:
        return self.directory / "account-hashes.json"

    @property
    def bank_private(self) -> Path:
        return self.directory / "bank-private.json"

    @property
    def bank_public(self) -> Path:
        return self.directory / "bank-public.json"

    @property
    def subsidy(self) -> PublicKey:
        """Whom identities are sealed to."""
        return read_public_keys(self.subsidy_public)["service:subsidy"]

    @property
    def bank(self) -> PublicKey:
        """Whom payment orders are sealed to."""
        return read_public_keys(self.bank_public)[f"bank:{BANK}"]

    def environment(self, service: str) -> dict[str, str]:
        """What a service is told of its own keys and of the banks'; nothing but for `subsidy`."""
        if service != "subsidy":
            return {}
        return {
            "SERVICE_KEY_FILE": str(self.subsidy_private),
            "BANK_KEYS_FILE": str(self.bank_public),
            "BANKS": BANK,
            "ACCOUNT_KEY_FILE": str(self.account_hashes),
        }
