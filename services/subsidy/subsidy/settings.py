"""All that the subsidy service reads from its environment."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from qingdan.ids import BankCode
from runtime.settings import ServiceSettings


class Settings(ServiceSettings):
    """What every service reads, and the banks with their keys."""

    banks: Annotated[tuple[BankCode, ...], NoDecode, Field(min_length=1, max_length=20)]
    """Those that are listened to, separated by commas; the first one pays."""
    service_key_file: Path = Field(description="JWK Set with the private keys of the recipient service:subsidy")
    bank_keys_file: Path = Field(description="JWK Set with the banks' public keys, recipients bank:<code>")
    payment_silent_s: float = Field(3600.0, gt=0, description="after which a silent bank is asked, each time")
    payments_per_batch: int = Field(500, ge=1, le=2_000)

    @field_validator("banks", mode="before")
    @classmethod
    def _split_banks(cls, banks: object) -> object:
        return tuple(bank.strip() for bank in banks.split(",")) if isinstance(banks, str) else banks

    @property
    def paying_bank(self) -> BankCode:
        return self.banks[0]
