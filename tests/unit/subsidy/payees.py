"""Orders for bank files, as hypothesis likes them: any name a person may have, any account, any amount."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from hypothesis import strategies as st

from qingdan.bank_events import PaymentOrder
from qingdan.identity import BankAccount, PersonName
from qingdan.ids import BatchId, PaymentId
from qingdan.money import FEN_MAX, Fen

FILE: Final = UUID("0197f1a0-0000-7000-8000-000000000001")
BATCH: Final = BatchId(UUID("0197f1a0-0000-7000-8000-000000000002"))

NAMES = st.text(
    st.characters(min_codepoint=0x20, exclude_categories=["Cs"], exclude_characters="\x7f"), min_size=1, max_size=60
)
AMOUNTS = st.integers(1, FEN_MAX // 100)
ACCOUNTS = st.text("0123456789", min_size=8, max_size=32)


def order(
    seq: int,
    *,
    amount_fen: int = 80_000,
    name: str = "金丝雀甄",
    account: str = "6200000000000001",
    id_: UUID | None = None,
) -> PaymentOrder:
    """A payment in the clear."""
    return PaymentOrder(
        payment=PaymentId(id_ or UUID(int=(7 << 76) | (2 << 62) | seq)),
        batch=BATCH,
        seq=seq,
        programme="B01",
        period="2026-07",
        amount_fen=Fen(amount_fen),
        payee=PersonName(name),
        account=BankAccount(account),
    )


ORDERS: st.SearchStrategy[Sequence[PaymentOrder]] = st.lists(
    st.tuples(AMOUNTS, NAMES, ACCOUNTS), min_size=1, max_size=8
).map(
    lambda many: [
        order(seq, amount_fen=amount_fen, name=name, account=account)
        for seq, (amount_fen, name, account) in enumerate(many, 1)
    ]
)
