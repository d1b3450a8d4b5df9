"""What is not paid once more says why in both languages, and what would change that."""

import re
from typing import get_args

import pytest

from qingdan.money import Fen
from subsidy.unpaid_rules import WHY, LeftOut, LeftOutReason

REASONS: tuple[LeftOutReason, ...] = get_args(LeftOutReason)


def test_every_reason_is_told() -> None:
    assert set(WHY) == set(REASONS)


@pytest.mark.parametrize("reason", REASONS)
def test_why_is_an_english_sentence_and_a_chinese_one(reason: LeftOutReason) -> None:
    why = LeftOut(reason=reason, payments=1, total_fen=Fen(100)).model_dump()["why"]
    assert re.fullmatch(r"[A-Z][ -~]+[.] [\u4e00-\u9fff，：；。]+。", why)
