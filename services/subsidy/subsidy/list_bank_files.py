"""Use case: the files for banks in the asker's scope; what is in them is not shown."""

from datetime import datetime

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import BankCode, RunId, Sha256
from qingdan.money import FenTotal
from runtime.actor import Actor, Role
from runtime.db import Pool, transaction
from subsidy import bank_file_store
from subsidy.bank_file_rules import BankFileId, FileState
from subsidy.bank_profile_rules import FileFormat


class FileView(BaseModel):
    """A file for a bank; what there is not yet is null."""

    file: BankFileId
    run: RunId
    division: DivisionCode
    bank: BankCode
    format: FileFormat
    state: FileState = Field(description="making: batch by batch; ready: it does not change any more; empty: nobody")
    payments: int
    total_fen: FenTotal
    batches: int
    sha256: Sha256 | None = Field(description="of the content")
    content_bytes: int | None
    file_name: str
    ordered_by: str
    ordered_at: datetime
    version: int

    @property
    def position(self) -> BankFileId:
        """Its place in the list, where the next page begins."""
        return self.file


async def list_bank_files(
    pool: Pool, actor: Actor, *, run: RunId | None, after: BankFileId | None, limit: int
) -> list[FileView]:
    """At most `limit`, by id, after the last one seen. Raises Forbidden."""
    actor.require(Role.FINANCE_PREPARER, Role.FINANCE_APPROVER, Role.OPERATOR, Role.AUDITOR)
    async with transaction(pool, actor) as tx:
        rows = await bank_file_store.list_files(tx, run=run, after=after, limit=limit)
    return [FileView(**dict(row)) for row in rows]
