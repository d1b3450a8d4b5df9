"""The sample rules and the sample census, and a sign as the rules see it."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

import pytest

from devkit.story.dafang import dafang
from qingdan.divisions import DivisionCode
from qingdan.ids import SignId
from signage.sign_rules import Sign
from signage.version_rules import RuleVersion, SignRule

XIEDU = DivisionCode("520521211201")
OPINIONS = "关于规范村级组织工作事务、机制牌子和证明事项的意见(2022)"


@pytest.fixture(scope="session")
def rules() -> RuleVersion:
    """The 70 sample rules; nothing tests them but reads, so that all tests share them."""
    sample = tuple(SignRule.model_validate(row.model_dump()) for row in dafang().rules)
    return RuleVersion(1, date(2021, 1, 1), OPINIONS, sample)


@pytest.fixture(scope="session")
def names_zh() -> Mapping[DivisionCode, str]:
    """The villages' full names, as the statistics bureau has them."""
    return {division.code: division.name_zh for division in dafang().divisions}


def sign(
    wording: str,
    *,
    number: int = 1,
    village: DivisionCode = XIEDU,
    village_zh: str = "谢都村村民委员会",
    position: str = "outside_vertical",
    hung_since: int = 2015,
    verdict: str = "removable",
) -> Sign:
    """A sign at Xiedu."""
    return Sign(
        id=SignId(UUID(int=number)),
        village=village,
        village_zh=village_zh,
        department="ZZB",
        wording=wording,
        position=position,  # type: ignore[arg-type]
        hung_since=hung_since,
        verdict=verdict,  # type: ignore[arg-type]
    )
