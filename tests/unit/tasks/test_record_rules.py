"""The printed claim: everything that a letter would have said, every word escaped, and nothing to sign."""

import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

from tasks import record_rules
from tasks.record_rules import ClaimRecord, LimitChanged, PauseTaken

RECORD = ClaimRecord(
    share="01a206ac-26f5-71e7-93c5-a9af3dda5a75",
    village_code="130431105205",
    village_name="贾庄村",
    department="JTJ",
    title_zh="村主路硬化",
    title_en="Harden the village main road",
    published_on=date(2026, 3, 2),
    item="RQ03",
    list_version=4,
    basis="公路法 第八条",
    claimed_on=date(2026, 3, 3),
    limit_working_days=20,
    due_on=date(2026, 3, 31),
    provisional=False,
    latest_on=None,
    changes=[],
)
CHANGE = LimitChanged(date(2026, 3, 20), 20, 30, date(2026, 4, 15), "连续降雨")
PAUSE = PauseTaken("supervision", date(2026, 3, 9), date(2026, 3, 12), 3)
HOSTILE = "<script>alert('&')</script>"


class Elements(HTMLParser):
    """The elements and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_it_says_what_of_whom_on_what_basis_and_by_when_in_both_languages() -> None:
    text = Elements(record_rules.page(RECORD, printed_on=date(2026, 3, 4))).text
    for said in (
        "村主路硬化",
        "Harden the village main road",
        "贾庄村",
        "JTJ",
        "RQ03 · 4",
        "公路法 第八条",
        "2026-03-31",
    ):
        assert said in text
    assert "认领即为凭据" in text
    assert "The claim is the record" in text
    assert "The limit has not been changed" in text


def test_each_change_of_the_limit_stands_there_with_its_reason() -> None:
    change = LimitChanged(date(2026, 3, 20), 20, 30, date(2026, 4, 15), "连续降雨")
    text = Elements(record_rules.page(replace(RECORD, changes=[change]), printed_on=date(2026, 3, 21))).text
    for said in ("2026-03-20", "20 → 30", "2026-04-15", "连续降雨"):
        assert said in text


def test_the_villages_own_limit_is_the_largest_thing_on_the_page() -> None:
    page = record_rules.page(RECORD, printed_on=date(2026, 3, 4))
    assert '<p class="number">20<small>' in page
    sizes = [float(size) for size in re.findall(r"font(?:-size)?: ([0-9.]+)pt", page)]
    (of_number,) = re.findall(r"\.number { font-size: ([0-9.]+)pt", page)
    assert float(of_number) == max(sizes)


def test_nothing_speaks_of_letters_or_asks_for_a_signature_or_a_seal() -> None:
    crowded = replace(
        RECORD, changes=[CHANGE], pauses=[PAUSE], pauses_in_all=1, paused_working_days=3, provisional=True
    )
    for record in (RECORD, crowded):
        _, _, shown = record_rules.page(record, printed_on=date(2026, 3, 4)).partition("</style>")
        text = Elements(shown).text.lower()
        for word in ("责任书", "责任状", "letter", "签字", "签名", "签订", "签章", "盖章", "sign", "seal"):
            assert word not in text


def test_why_the_day_moved_stands_there_and_what_is_left_out_is_said() -> None:
    still = replace(PAUSE, waiting_for="weather", resumed_on=None, paused_working_days=None)
    record = replace(RECORD, pauses=[PAUSE] * 49 + [still], pauses_in_all=60, paused_working_days=147)
    page = record_rules.page(record, printed_on=date(2026, 3, 4))
    text = Elements(page).text
    for said in ("147", "2026-03-09", "2026-03-12", "督查组", "supervision team", "天气", "10 earlier ones"):
        assert said in text
    assert "等待他方" not in Elements(record_rules.page(RECORD, printed_on=date(2026, 3, 4))).text
    later_code = replace(CHANGE, code="by_court")
    assert "by_court" in record_rules.page(replace(RECORD, changes=[later_code]), printed_on=date(2026, 3, 4))


def test_a_long_title_is_set_smaller() -> None:
    assert '<body class="usual">' in record_rules.page(RECORD, printed_on=date(2026, 3, 4))
    long = replace(RECORD, title_zh="路" * 200)
    assert '<body class="long">' in record_rules.page(long, printed_on=date(2026, 3, 4))


def test_a_due_date_that_may_still_move_says_so() -> None:
    assert "暂定" in record_rules.page(replace(RECORD, provisional=True), printed_on=date(2026, 3, 4))


def test_no_word_of_anybody_becomes_markup() -> None:
    hostile = replace(
        RECORD,
        changes=[LimitChanged(date(2026, 3, 20), 20, 30, date(2026, 4, 15), HOSTILE, HOSTILE)],
        pauses=[PauseTaken(HOSTILE, date(2026, 3, 9), None, None)],
        **dict.fromkeys(("title_zh", "title_en", "village_name", "department", "basis", "item", "share"), HOSTILE),  # type: ignore[arg-type] # all of them are text
    )
    page = Elements(record_rules.page(hostile, printed_on=date(2026, 3, 4)))
    assert page.names.isdisjoint({"script", "img", "link", "iframe", "a", "form"})
    assert page.text.count(HOSTILE) == 11  # the seven, the share in the title too, a reason, a code, and a holder
