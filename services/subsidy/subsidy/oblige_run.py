"""Use case: what was approved becomes owed, some thousands at a time, and waits to be sent.

Each turn is one transaction, and says how far it came: a kill loses the turn and nothing else.
"""

from runtime import audit
from runtime.actor import Actor
from runtime.db import Pool, transaction
from subsidy import ledger_store, obligation_store, obliging_store, payment_store, run_store


async def oblige_run(pool: Pool, actor: Actor, per_turn: int) -> bool:
    """Go on with the approved run that has waited longest; True: there may be more to do.

    First the run is held against the hash that was approved. If it differs, nothing of it is owed and it goes no
    further until somebody has found out why.
    """
    async with transaction(pool, actor) as tx:
        obliging = await obliging_store.lock_next(tx)
        if obliging is None:
            return False
        if not obliging.checked:
            run = await run_store.lock_run(tx, obliging.run, None)
            stands = await obligation_store.hash_of_entitled(tx, run.id)
            halted = None if stands == run.frozen_hash else "hash_differs"
            await obliging_store.save_checked(tx, run.id, halted=halted)
            if halted:
                audit.note(tx, "run.halted", str(run.id), {"why": halted, "stands": stands.hex()})
            return True
        obliged = await obligation_store.insert_obligations(tx, obliging.run, obliging.after, limit=per_turn)
        await ledger_store.post_obligations(tx, obliged.obligations)
        await payment_store.prepare_first_payments(tx, obliged.obligations)
        await obliging_store.save_obliged(tx, obliging.run, obliged)
        if obliging.done + obliged.looked_at == obliging.total:
            ended = await obliging_store.save_ended(tx, obliging.run)
            audit.note(tx, "run.obliged", str(obliging.run), dict(ended))
    return True
