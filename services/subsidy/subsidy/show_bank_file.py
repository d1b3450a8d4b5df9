"""Use case: one file for a bank: how far its payments have come, and which results were taken in."""

from datetime import datetime
from typing import Final

from pydantic import BaseModel, Field

from qingdan.ids import Sha256
from qingdan.money import FenTotal
from runtime.actor import Actor, Role
from runtime.db import Pool, transaction
from subsidy import bank_file_store
from subsidy.bank_file_rules import BankFileId
from subsidy.list_bank_files import FileView
from subsidy.payment_rules import PaymentState

RESULTS_SHOWN_MAX: Final = 100


class StateCount(BaseModel):
    """How many payments of the file are in a state."""

    state: PaymentState
    payments: int
    total_fen: FenTotal


class ResultView(BaseModel):
    """A file of results that was taken in."""

    sha256: Sha256
    rows: int
    changed: int = Field(description="payments that it took to another state")
    odd: int = Field(description="words in it that do not fit; the list of oddities has them")
    taken_by: str
    taken_at: datetime


class CountedFile(FileView):
    """A file, its payments by state, and the newest hundred results."""

    standing: list[StateCount]
    results: list[ResultView]


async def show_bank_file(pool: Pool, actor: Actor, file: BankFileId) -> CountedFile:
    """Raises Forbidden, NotFound."""
    actor.require(Role.FINANCE_PREPARER, Role.FINANCE_APPROVER, Role.OPERATOR, Role.AUDITOR)
    async with transaction(pool, actor) as tx:
        row = await bank_file_store.find_file(tx, file)
        standing = await bank_file_store.standing_of(tx, file)
        results = await bank_file_store.results_of(tx, file, limit=RESULTS_SHOWN_MAX)
    return CountedFile(
        **dict(row),
        standing=[StateCount(**dict(each)) for each in standing],
        results=[ResultView(**dict(each)) for each in results],
    )
