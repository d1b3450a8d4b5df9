"""What public works took and saved, as it is shown: labour for each household, money in yuan."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

_TENTH: Final = Decimal("0.1")


def labour_per_household(labour_days: int | None, households: int | None) -> Decimal | None:
    """Days of labour for each household that took part, to a tenth, halves up; None where either was not told or no
    household took part: nothing is made up."""
    if labour_days is None or not households:
        return None
    return (Decimal(labour_days) / Decimal(households)).quantize(_TENTH, rounding=ROUND_HALF_UP)
