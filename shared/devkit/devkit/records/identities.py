"""Who the synthetic people are: names, identity numbers, accounts and telephones that nobody has.

Names are a surname and a year of the sexagenary cycle. Identity numbers have the order codes 900 to 997, accounts begin
with 6299 and telephone numbers with 100: all valid in form, none of them given to anybody so far as we know.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Final

from qingdan.identity import BankAccount, PersonName, PhoneNumber, ResidentId, check_character

AREA: Final = "330523"
CLOSED: Final = "0404"
"""The bank simulator has closed every account that ends so."""

_SURNAMES: Final = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹"
    "彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任沈姚卢傅钟姜崔谭廖范汪陆"
)
_STEMS: Final = "甲乙丙丁戊己庚辛壬癸"
_BRANCHES: Final = "子丑寅卯辰巳午未申酉戌亥"


@dataclass(frozen=True, slots=True)
class Papers:
    """A person's name, number, account and telephone; `account_later` replaces an account that the bank has closed."""

    name: PersonName
    resident_id: ResidentId
    account: BankAccount | None
    phone: PhoneNumber | None
    account_later: BankAccount | None = None


CANARY_BORN: Final = date(1941, 3, 15)


def _numbered(born: date, order: int) -> ResidentId:
    first = f"{AREA}{born:%Y%m%d}{order:03}"
    return ResidentId(first + check_character(first))


CANARY: Final = Papers(
    name=PersonName("金丝雀甄"),
    resident_id=_numbered(CANARY_BORN, 998),
    account=BankAccount(f"629999999999999{CLOSED}"),
    phone=PhoneNumber("10099999999"),
    account_later=BankAccount("6299999999999990505"),
)
"""One of the people, an old woman with an allowance every month, whose first account is closed."""

CANARIES: Final = tuple(
    text.reveal()
    for text in (CANARY.name, CANARY.resident_id, CANARY.account, CANARY.account_later, CANARY.phone)
    if text is not None
)
"""What may appear nowhere in the clear: not in a log, trace, error, answer, file, nor on a topic that all may read."""


class PaperOffice:
    """Makes people's papers, in turn and without repeating a number."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._orders: Counter[tuple[date, bool]] = Counter()
        self._serials: Iterator[int] = iter(range(1, 10**8))

    def papers(self, born: date, *, male: bool, adult: bool) -> Papers:
        """Children have neither account nor telephone, one adult in 500 has no account, one in 100 a closed one."""
        rng, serial = self._rng, next(self._serials)
        name = PersonName(rng.choice(_SURNAMES) + rng.choice(_STEMS) + rng.choice(_BRANCHES))
        self._orders[born, male] += 1
        number = _numbered(born, 900 + 2 * (self._orders[born, male] - 1) + male)
        if not adult:
            return Papers(name, number, None, None)
        phone = PhoneNumber(f"100{serial:08}")
        lot = rng.random()
        if lot < 0.002:
            return Papers(name, number, None, phone)
        open_account = BankAccount(f"6299{serial:011}{rng.randrange(5_000, 10_000)}")
        if lot < 0.012:
            return Papers(name, number, BankAccount(f"6299{serial:011}{CLOSED}"), phone, open_account)
        return Papers(name, number, open_account, phone)
