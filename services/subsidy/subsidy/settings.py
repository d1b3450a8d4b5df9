"""All that the subsidy service reads from its environment."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from qingdan.ids import BankCode
from qingdan.money import FEN_MAX
from runtime.settings import ServiceSettings
from subsidy.retention_rules import YEARS, YEARS_MAX, YEARS_MIN


class Settings(ServiceSettings):
    """What every service reads, and the banks with their keys."""

    banks: Annotated[tuple[BankCode, ...], NoDecode, Field(min_length=1, max_length=20)]
    """Those that are listened to, separated by commas; the first one pays."""
    service_key_file: Path = Field(description="JWK Set with the private keys of the recipient service:subsidy")
    bank_keys_file: Path = Field(description="JWK Set with the banks' public keys, recipients bank:<code>")
    payment_silent_s: float = Field(3600.0, gt=0, description="after which a silent bank is asked, each time")
    third_person_from_fen: int = Field(
        1_000_000_000, ge=1, le=FEN_MAX, description="a run that comes to so much is approved by two people"
    )
    obligations_per_turn: int = Field(5_000, ge=1, le=50_000, description="entered at a time once approved")
    payments_per_batch: int = Field(500, ge=1, le=2_000)
    batches_per_turn: int = Field(4, ge=1, le=20)
    account_key_file: Path = Field(description="JWK Set with the symmetric key of accounts' hashes")
    banks_without_checks: Annotated[tuple[BankCode, ...], NoDecode] = ()
    """Those that cannot say whose an account is, separated by commas: two people of finance confirm it instead."""
    account_silent_s: float = Field(3600.0, gt=0, description="after which a bank is asked about an account again")
    account_cooling_h: float = Field(72.0, ge=0, le=2_400, description="a verified change of account waits so long")
    account_expires_days: int = Field(90, ge=1, le=3_650, description="what nobody confirms is over then")

    snapshots_kept_years: int = Field(
        YEARS, ge=YEARS_MIN, le=YEARS_MAX, description="what a closed run was computed from, after the year of closing"
    )

    @field_validator("banks", "banks_without_checks", mode="before")
    @classmethod
    def _split_banks(cls, banks: object) -> object:
        return tuple(bank.strip() for bank in banks.split(",") if bank.strip()) if isinstance(banks, str) else banks

    @property
    def paying_bank(self) -> BankCode:
        return self.banks[0]
