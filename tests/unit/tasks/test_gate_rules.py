"""The gate: the sample county's 40 asks pass, its 25 others do not, and what is forbidden has no way through."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.story.county import OffListAsk, Task, jize
from qingdan.tasks_events import AskKind, RefusalCode
from tasks.gate_rules import Ask, TurnedDown, decide
from tasks.list_rules import Item, ListVersion


def ask_on(row: Task) -> Ask:
    return Ask(row.department, row.kind, row.title_zh, row.title_en, row.item)


def ask_off(row: OffListAsk) -> Ask:
    return Ask(row.department, row.kind, row.title_zh, row.title_en, row.cites)


def verdict_on(ask: Ask, standing: ListVersion) -> tuple[str, str | None]:
    """The refusal's code ("passes" if there is none) and the nearest item."""
    match decide(ask, standing):
        case TurnedDown(code, nearest):
            return code.value, nearest.code if nearest else None
        case Item(code=item):
            return "passes", item


@pytest.mark.parametrize("row", jize().tasks, ids=lambda row: row.code)
def test_an_ask_that_the_list_covers_passes(row: Task, sample_list: ListVersion) -> None:
    assert verdict_on(ask_on(row), sample_list) == ("passes", row.item)


def test_the_code_of_23_of_the_25_asks_off_the_list_is_the_one_given_by_hand(sample_list: ListVersion) -> None:
    """Two that cite a covered item pass, for the village to refuse. Of the other two that the labels leave to the
    village, one cites nothing and one comes from a department that the item does not name: neither may pass."""
    codes = {row.code: verdict_on(ask_off(row), sample_list)[0] for row in jize().off_list}
    labels = {row.code: row.refusal_code.value if row.decided_by == "gate" else "passes" for row in jize().off_list}
    differing = {ask: code for ask, code in codes.items() if code != labels[ask]}
    assert (len(codes), differing) == (25, {"TX11": "off_list", "TX23": "asker_not_named"})


def test_the_nearest_item_of_19_of_the_25_asks_off_the_list_is_the_one_given_by_hand(sample_list: ListVersion) -> None:
    """The other six differ in meaning, not in words: no wording leads from ledgers to the village archive."""
    differing = {row.code for row in jize().off_list if verdict_on(ask_off(row), sample_list)[1] != row.nearest_item}
    assert differing == {"TX02", "TX03", "TX05", "TX14", "TX18", "TX25"}


def test_wording_and_asker_lead_37_of_the_40_asks_to_the_item_they_would_have_to_cite(sample_list: ListVersion) -> None:
    nearest = [verdict_on(replace(ask_on(row), cites=None), sample_list)[1] for row in jize().tasks]
    assert sum(code == row.item for code, row in zip(nearest, jize().tasks, strict=True)) == 37


ROAD = Ask("JTJ", AskKind.TASK, "村主路硬化", "Harden the village main road", "RQ03")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"cites": None}, RefusalCode.OFF_LIST),
        ({"cites": "RX99"}, RefusalCode.OFF_LIST),
        ({"department": "XCB"}, RefusalCode.ASKER_NOT_NAMED),
        ({"kind": AskKind.MEETING}, RefusalCode.KIND_NOT_ALLOWED),
        ({"kind": AskKind.FORM}, RefusalCode.ALREADY_SUPPLIED),
        ({"kind": AskKind.CERTIFICATE}, RefusalCode.ALREADY_SUPPLIED),
        ({"kind": AskKind.LETTER}, RefusalCode.NEGATIVE_LIST),
        ({"title_zh": "征订报刊任务"}, RefusalCode.NEGATIVE_LIST),
    ],
)
def test_an_ask_that_is_not_covered_is_turned_down_with_its_reason(
    change: dict[str, object], code: RefusalCode, sample_list: ListVersion
) -> None:
    assert isinstance(decide(ROAD, sample_list), Item)
    verdict = decide(replace(ROAD, **change), sample_list)  # type: ignore[arg-type] # the table names fields of Ask
    assert isinstance(verdict, TurnedDown)
    assert verdict.code is code


def test_a_form_passes_where_the_item_allows_forms(sample_list: ListVersion) -> None:
    form = Ask("SJG", AskKind.FORM, "入户采集一次性数据", "Collect one-off data", "RQ01")
    assert isinstance(decide(form, sample_list), Item)


def test_a_refused_ask_is_told_the_item_that_it_cites(sample_list: ListVersion) -> None:
    verdict = decide(replace(ROAD, department="XCB"), sample_list)
    assert isinstance(verdict, TurnedDown)
    assert verdict.nearest is not None
    assert verdict.nearest.code == "RQ03"


def test_with_an_empty_list_nothing_passes_and_nothing_is_near(sample_list: ListVersion) -> None:
    assert decide(ROAD, replace(sample_list, items=())) == TurnedDown(RefusalCode.OFF_LIST, None)


CODES = [item.code for item in jize().items]
ASKERS = sorted({asker for item in jize().items for asker in item.askers} | {"KXX", "GQT"})


@given(
    department=st.sampled_from(ASKERS),
    kind=st.sampled_from(AskKind),
    title_zh=st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), max_size=40),
    title_en=st.text(max_size=40),
    cites=st.sampled_from([None, "RX99", *CODES]),
)
def test_whatever_is_asked_passes_only_under_an_item_that_names_asker_and_kind(
    sample_list: ListVersion, department: str, kind: AskKind, title_zh: str, title_en: str, cites: str | None
) -> None:
    ask = Ask(department, kind, title_zh, title_en, cites)
    verdict = decide(ask, sample_list)
    assert verdict == decide(ask, sample_list)
    if isinstance(verdict, Item):
        assert (verdict.code, department in verdict.askers, kind in verdict.kinds) == (cites, True, True)
        assert kind is not AskKind.LETTER
