"""Every SQL statement on how counties' banks want to be told of payments."""

from typing import NamedTuple

from qingdan.divisions import DivisionCode
from qingdan.ids import BankCode
from runtime.db import Tx, Version
from runtime.problems import StaleVersion
from subsidy.bank_profile_rules import BankProfile


class KeptProfile(NamedTuple):
    """A county's profile of a bank."""

    division: DivisionCode
    bank: BankCode
    profile: BankProfile
    version: int


async def claim_profile(tx: Tx, division_id: int, bank: BankCode, first: BankProfile, expected: Version) -> None:
    """Hold the county's profile of the bank until the transaction ends; there is one from now on, with `first` in it.

    expected: 0 for one that is not there yet. Raises StaleVersion.
    """
    await tx.execute(
        "INSERT INTO bank_profile (division_id, bank, channel, document, version) VALUES ($1, $2, $3, $4, 0)"
        " ON CONFLICT DO NOTHING",
        *(division_id, bank, first.channel, first.model_dump_json()),
    )
    version: int = await tx.fetchval(
        "SELECT version FROM bank_profile WHERE division_id = $1 AND bank = $2 FOR UPDATE", division_id, bank
    )
    if version != expected:
        raise StaleVersion(version=version)


async def save_profile(tx: Tx, division_id: int, bank: BankCode, profile: BankProfile) -> None:
    await tx.execute(
        "UPDATE bank_profile SET channel = $3, document = $4, version = version + 1"
        " WHERE division_id = $1 AND bank = $2",
        *(division_id, bank, profile.channel, profile.model_dump_json()),
    )


async def profile_of(tx: Tx, division_id: int, bank: BankCode) -> BankProfile | None:
    """None: the bank is told by events."""
    document: str | None = await tx.fetchval(
        "SELECT document::text FROM bank_profile WHERE division_id = $1 AND bank = $2", division_id, bank
    )
    return None if document is None else BankProfile.model_validate_json(document)


async def list_profiles(tx: Tx) -> list[KeptProfile]:
    """All in the actor's scope, by county and bank."""
    rows = await tx.fetch(
        "SELECT d.code, p.bank, p.document::text, p.version FROM bank_profile p JOIN division d ON d.id = p.division_id"
        " ORDER BY d.code, p.bank"
    )
    return [KeptProfile(DivisionCode(row[0]), row[1], BankProfile.model_validate_json(row[2]), row[3]) for row in rows]
