"""The bank's own number for a payment."""

from uuid import UUID


def reference(code: str, payment: UUID) -> str:
    """The same for the same payment, however often it is told of."""
    return f"{code}-{payment.hex}"
