"""All that the bank reads from its environment: where it is, and how badly it behaves."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self
from zlib import crc32

from runtime.kafka_settings import KafkaConnection


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How often, in a thousand, what goes wrong; by itself the bank behaves well. Environment: `BANK_` and the name.

    What happens to a payment follows from the seed and its id, so that a bank that was killed goes on as before.
    """

    seed: int = 1
    rejects_per_mille: int = 0
    """Payments that it does not accept, for no reason in the account."""
    delays_per_mille: int = 0
    """Payments that it works `delay_s` later; until then they are in progress."""
    delay_s: float = 1.0
    repeats_per_mille: int = 0
    """Results that it tells twice, in two events."""
    out_of_order_per_mille: int = 0
    """Results that come in the wrong order: returned before settled, in progress after settled."""
    swallows_per_mille: int = 0
    """Instructions that it loses before they are in its book: asked, it has never received them."""
    silent_per_mille: int = 0
    """Payments that it books and says nothing of until it is asked."""
    unknown_per_mille: int = 0
    """Payments beside which it also settles one that nobody has instructed."""
    returns_per_mille: int = 0
    """Settled payments whose money comes back `return_after_s` later."""
    reverses_per_mille: int = 0
    """Settled payments that it takes back of its own doing, as late as those that come back."""
    return_after_s: float = 1.0
    mismatches_per_mille: int = 0
    """Accounts asked about of which it says that they are somebody else's."""
    check_silent_per_mille: int = 0
    """Questions about accounts that it lets pass; asked again it may answer."""

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises ValueError that names the variable."""
        values: dict[str, int | float] = {}
        for field in fields(cls):
            variable = f"BANK_{field.name.upper()}"
            if variable in environment:
                try:
                    values[field.name] = (float if field.name.endswith("_s") else int)(environment[variable])
                except ValueError:
                    raise ValueError(f"{variable} must be a number, and is {environment[variable]!r}") from None
        return cls(**values)  # type: ignore[arg-type]  # each name has its own type, which the loop has just made

    def environment(self) -> dict[str, str]:
        """The variables that say the same."""
        return {f"BANK_{field.name.upper()}": str(getattr(self, field.name)) for field in fields(self)}

    def happens(self, fault: str, to: str) -> bool:
        """Whether the fault, named as the field before `_per_mille`, happens to this payment or event."""
        per_mille: int = getattr(self, f"{fault}_per_mille")
        return per_mille > 0 and crc32(f"{self.seed}:{fault}:{to}".encode()) % 1000 < per_mille


@dataclass(frozen=True, slots=True)
class BankSettings:
    """KAFKA_* as services read them, BANK_CODE, BANK_KEY_FILE, BANK_DIRECTORY and FAILPOINTS."""

    connection: KafkaConnection
    code: str
    key_file: Path
    """A JWK Set with the bank's private key."""
    directory: Path
    """Where its book is, and the file `ready` while it runs."""
    failpoints: str
    behaviour: Behaviour

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises KeyError for a variable that is missing, ValueError for one that makes no sense."""
        return cls(
            connection=KafkaConnection.of_environment(environment),
            code=environment["BANK_CODE"],
            key_file=Path(environment["BANK_KEY_FILE"]),
            directory=Path(environment["BANK_DIRECTORY"]),
            failpoints=environment.get("FAILPOINTS", ""),
            behaviour=Behaviour.of_environment(environment),
        )
