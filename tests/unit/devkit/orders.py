"""Payment orders as `subsidy` sends them to the bank: a batch, declared and sealed with its own key."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from qingdan.bank_events import BatchDeclared, PaymentInstructed, PaymentOrder, PaymentStatusRequested
from qingdan.envelope import Envelope, EventBody, service_source
from qingdan.identity import BankAccount, PersonName
from qingdan.ids import BatchId, PaymentId
from qingdan.money import Fen
from runtime.clock import business_date, utcnow
from runtime.ids import new_id
from runtime.sealing import ContentKey, PublicKey, new_content_key, seal, wrap

OPEN = BankAccount("6299000000000007777")
CLOSED = BankAccount("6299000000000000404")
FEN = Fen(5_000)


def sent(event: EventBody) -> Envelope[EventBody]:
    """In an envelope of its own: sent again it is another event."""
    return Envelope.of(event, id=str(new_id()), source=service_source("subsidy"), time=utcnow())


@dataclass
class Batch:
    """Payments of FEN each, to open accounts unless given."""

    bank: PublicKey
    payments: list[PaymentId]
    accounts: dict[UUID, BankAccount] = field(default_factory=dict)
    id: BatchId = field(default_factory=lambda: BatchId(new_id()))
    key: ContentKey = field(default_factory=new_content_key)
    code: str = "AJRCB"

    @classmethod
    def of(cls, bank: PublicKey, payments: int, *, closed: Iterable[int] = ()) -> "Batch":
        """`closed`: positions whose account the bank has closed."""
        ids = [PaymentId(new_id()) for _ in range(payments)]
        return cls(bank, ids, {ids[position]: CLOSED for position in closed})

    def declared(self, *, count: int | None = None, total_fen: int | None = None) -> BatchDeclared:
        return BatchDeclared(
            bank=self.code,
            batch=self.id,
            count=count or len(self.payments),
            total_fen=Fen(total_fen if total_fen is not None else FEN * len(self.payments)),
            key=wrap(self.key, self.bank),
            declared_on=business_date(utcnow()),
        )

    def instructed(self, position: int, *, fen: Fen = FEN) -> PaymentInstructed:
        payment = self.payments[position]
        order = PaymentOrder(
            payment=payment,
            batch=self.id,
            seq=position + 1,
            programme="B08",
            period="2026-07",
            amount_fen=fen,
            payee=PersonName("王甲子"),
            account=self.accounts.get(payment, OPEN),
        )
        sealed = seal(self.key, order, event_type=PaymentInstructed.event_type(), event_key=str(payment))
        return PaymentInstructed(bank=self.code, payment=payment, batch=self.id, seq=position + 1, sealed=sealed)

    def asked(self, position: int) -> PaymentStatusRequested:
        return PaymentStatusRequested(
            bank=self.code, payment=self.payments[position], batch=self.id, requested_at=utcnow()
        )

    def events(self) -> list[Envelope[EventBody]]:
        """The declaration and every payment."""
        return [sent(self.declared()), *(sent(self.instructed(position)) for position in range(len(self.payments)))]
