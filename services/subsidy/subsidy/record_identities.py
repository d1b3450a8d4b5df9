"""Use case: people's identities came in; they are kept as they came, sealed."""

from qingdan.records_events import IdentityRecorded
from runtime.db import Tx
from runtime.runs import Run
from subsidy import identity_store


async def record_identities(tx: Tx, run: Run[IdentityRecorded]) -> None:
    """The last of several counts, and none that is older than what is known."""
    times = [envelope.time for envelope in run.envelopes]
    await identity_store.save_identities(tx, list(zip(run, times, strict=True)))
