"""Use case: finance takes a file for a bank away; whoever did is in the audit trail."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from runtime import audit
from runtime.actor import Actor, Role
from runtime.db import Pool, transaction
from runtime.sealing import PrivateKeys
from subsidy import bank_file_rules, bank_file_store, bank_part_store, run_rules
from subsidy.bank_file_rules import BankFile, BankFileId
from subsidy.bank_part_store import Opener


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file as it goes out: its name, and its bytes piece by piece."""

    file: BankFile
    pieces: AsyncIterator[bytes]


async def read_bank_file(
    pool: Pool, actor: Actor, service: Actor, file_id: BankFileId, service_key_file: Path
) -> FileContent:
    """The same bytes each time. `service`: as whom the sealed parts are read, which nobody else sees.

    Raises Forbidden, WholeCountyNeeded, NotFound, FileNotReady; OSError and ValueError for a key file that is not there
    or not one, Unsealable for one that has lost the file's key.
    """
    actor.require(Role.FINANCE_PREPARER, Role.FINANCE_APPROVER)
    run_rules.require_whole_county(actor.department)
    async with transaction(pool, actor) as tx:
        file = await bank_file_store.lock_file(tx, file_id, None)
        bank_file_rules.require_ready(file)
        wrapped = await bank_file_store.key_of(tx, file.id)
        assert wrapped is not None  # what is ready has parts, and they have a key
        key = bank_part_store.unwrap(wrapped, PrivateKeys.read(service_key_file))
        audit.note(tx, "bank-file.read", str(file.id), {"run": str(file.run), "payments": file.payments})
    return FileContent(file, _pieces(pool, service, file.id, Opener(key, file.id)))


async def _pieces(pool: Pool, service: Actor, file: BankFileId, opener: Opener) -> AsyncIterator[bytes]:
    """A hundred parts at a time, each hundred in a transaction of its own: whoever reads slowly holds nothing."""
    after = None
    while True:
        async with transaction(pool, service) as tx:
            parts = await bank_part_store.parts_of(tx, file, after=after)
        if not parts:
            return
        for piece in await asyncio.to_thread(list, opener.opened(parts)):
            yield piece
        after = parts[-1].at
