"""Events in: what the data hub says of people, households and counties, inspections of people, banks of payments."""

from typing import Any

from qingdan.bank_events import AccountChecked
from qingdan.event import Tombstone
from qingdan.inspection_events import BeneficiaryDoubted, DoubtCleared
from qingdan.records_events import FactsRecorded, IdentityRecorded
from qingdan.topics import IN_BANK, INSPECTION, RECORDS_FACTS, RECORDS_IDENTITIES
from runtime.db import Tx
from runtime.kafka import subscribe, subscribe_each
from runtime.runs import Run
from subsidy.clear_doubts import clear_doubts
from subsidy.forget_facts import forget_facts
from subsidy.forget_identities import forget_identities
from subsidy.record_checks import record_checks
from subsidy.record_doubts import record_doubts
from subsidy.record_facts import record_facts
from subsidy.record_identities import record_identities
from subsidy.record_results import record_results


@subscribe(RECORDS_FACTS)
async def on_facts(tx: Tx, run: Run[Any]) -> None:
    """The full state of a data set, or that it is gone."""
    match run:
        case [FactsRecorded(), *_]:
            await record_facts(tx, run)
        case [Tombstone(), *_]:
            await forget_facts(tx, run)
        case _:
            pass  # the topic has no other event today


@subscribe(RECORDS_IDENTITIES)
async def on_identities(tx: Tx, run: Run[Any]) -> None:
    """A person's sealed identity, or that it is gone."""
    match run:
        case [IdentityRecorded(), *_]:
            await record_identities(tx, run)
        case [Tombstone(), *_]:
            await forget_identities(tx, run)
        case _:
            pass  # the topic has no other event today


@subscribe(INSPECTION)
async def on_inspection(tx: Tx, run: Run[Any]) -> None:
    """Somebody on the spot doubts that a person is entitled, or doubts no more."""
    match run:
        case [BeneficiaryDoubted(), *_]:
            await record_doubts(tx, run)
        case [DoubtCleared(), *_]:
            await clear_doubts(tx, run)
        case _:
            pass  # what visits find of villages changes nobody's payments


@subscribe_each(IN_BANK, codes=lambda settings: settings.banks)
async def on_bank(tx: Tx, run: Run[Any]) -> None:
    """What became of payments, and whose accounts are: results and answers to our questions."""
    match run:
        case [AccountChecked(), *_]:
            await record_checks(tx, run)
        case _:
            await record_results(tx, run)  # everything else that a bank says is of payments
