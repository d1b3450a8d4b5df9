"""The gate: the sample county's 40 asks pass, its 25 others do not, and what is forbidden has no way through."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.story.county import OffListAsk, Task, jize
from qingdan.access_events import ItemCategory, ListItem, ListVersionTookEffect
from qingdan.divisions import DivisionCode
from qingdan.gate import Ask, Beyond, EarlierAsk, Likeness, TurnedDown, decide, duplicate_of, within_item
from qingdan.ids import TaskId
from qingdan.tasks_events import AskKind, RefusalCode
from tests.unit.contracts.reworded_asks import IN_OTHER_WORDS

Standing = ListVersionTookEffect


@pytest.fixture(scope="session")
def village_list() -> Standing:
    """The 43 items and 12 negative entries of the sample county, as everybody is told of them."""
    items = [ListItem.model_validate({k: v for k, v in row.model_dump().items() if v != ""}) for row in jize().items]
    never = [
        ListItem(
            code=row.code,
            category=ItemCategory.NEGATIVE,
            title_zh=row.title_zh,
            title_en=row.title_en,
            askers=(),
            kinds=(row.kind,),
            inspect_on_completion=False,
        )
        for row in jize().negative
    ]
    return ListVersionTookEffect(list_code="village", version=1, effective_on=date(2021, 1, 1), items=(*items, *never))


def ask_on(row: Task) -> Ask:
    return Ask(row.department, row.kind, row.title_zh, row.title_en, row.item)


def ask_off(row: OffListAsk) -> Ask:
    return Ask(row.department, row.kind, row.title_zh, row.title_en, row.cites)


def verdict_on(ask: Ask, standing: Standing) -> tuple[str, str | None]:
    """The refusal's code ("passes" if there is none) and the nearest item."""
    match decide(ask, standing):
        case TurnedDown(code, nearest):
            return code.value, nearest.code if nearest else None
        case ListItem(code=item):
            return "passes", item


@pytest.mark.parametrize("row", jize().tasks, ids=lambda row: row.code)
def test_an_ask_that_the_list_covers_passes(row: Task, village_list: Standing) -> None:
    assert verdict_on(ask_on(row), village_list) == ("passes", row.item)


def test_the_code_of_23_of_the_25_asks_off_the_list_is_the_one_given_by_hand(
    village_list: Standing,
) -> None:
    """Two that cite a covered item pass, for the village to refuse. Of the other two that the labels leave to the
    village, one cites nothing and one comes from a department that the item does not name: neither may pass."""
    codes = {row.code: verdict_on(ask_off(row), village_list)[0] for row in jize().off_list}
    labels = {row.code: row.refusal_code.value if row.decided_by == "gate" else "passes" for row in jize().off_list}
    differing = {ask: code for ask, code in codes.items() if code != labels[ask]}
    assert (len(codes), differing) == (25, {"TX11": "off_list", "TX23": "asker_not_named"})


def test_the_nearest_item_of_all_25_asks_off_the_list_is_the_one_given_by_hand(village_list: Standing) -> None:
    nearest = {row.code: verdict_on(ask_off(row), village_list)[1] for row in jize().off_list}
    assert nearest == {row.code: row.nearest_item for row in jize().off_list}


def test_what_the_labels_leave_to_the_village_passes_when_the_items_owner_brings_it(village_list: Standing) -> None:
    """The gate looks at who asks: the same four, asked by a department that the item names, are the village's to
    refuse."""
    for row in (row for row in jize().off_list if row.decided_by == "village"):
        assert row.nearest_item is not None
        owner = item_of(village_list, row.nearest_item).owner_department
        assert owner is not None
        brought = replace(ask_off(row), department=owner, cites=row.nearest_item)
        assert verdict_on(brought, village_list) == ("passes", row.nearest_item)


def test_in_other_words_the_asks_off_the_list_stay_refused_and_most_are_led_to_the_same_item(
    village_list: Standing,
) -> None:
    """What is forbidden in words that no negative entry uses is refused all the same, as being off the list."""
    found = [
        (verdict_on(replace(ask_off(row), title_zh=title_zh, title_en=title_en), village_list), row)
        for row in jize().off_list
        if row.cites is None
        for title_zh, title_en in IN_OTHER_WORDS[row.code]
    ]
    codes = sum(code == row.refusal_code for (code, _), row in found)
    nearest = sum(item == row.nearest_item for (_, item), row in found)
    assert (len(found), codes, nearest) == (66, 48, 58)
    assert not [row.code for (code, _), row in found if code == "passes"]


def test_a_sign_is_led_to_no_item_whatever_its_words(village_list: Standing) -> None:
    sign = Ask("MZJ", AskKind.SIGN, "管护农村公路和村道", "Maintain rural roads", None)
    assert verdict_on(sign, village_list) == ("off_list", None)


def test_one_word_in_common_is_no_evidence_and_a_translation_alone_is_none(village_list: Standing) -> None:
    translated = item_of(village_list, "RQ06").title_en
    for title_zh in ("代收城乡居民保险费现金", "无关事项"):
        ask = Ask("KXX", AskKind.TASK, title_zh, translated, None)
        assert verdict_on(ask, village_list) == ("off_list", None)
    same = Ask("KXX", AskKind.TASK, "农业投保理赔", "x", None)
    assert verdict_on(same, village_list) == ("off_list", "RQ06")


def test_two_lists_of_the_same_number_are_never_mistaken_for_each_other(village_list: Standing) -> None:
    ask = replace(ROAD, cites=None, title_zh="管护水渠和机井", title_en="Maintain canals and wells", department="KXX")
    assert verdict_on(ask, village_list)[1] == "RQ04"
    swapped = with_item(village_list, item_of(village_list, "RQ04", title_zh="别的", title_en="Other"))
    swapped = with_item(swapped, item_of(swapped, "RQ03", title_zh="管护小型水利和机井", title_en="Maintain canals"))
    assert (swapped.list_code, swapped.version) == (village_list.list_code, village_list.version)
    assert verdict_on(ask, swapped)[1] == "RQ03"


def test_wording_subject_and_asker_lead_38_of_the_40_asks_to_the_item_they_would_have_to_cite(
    village_list: Standing,
) -> None:
    nearest = [verdict_on(replace(ask_on(row), cites=None), village_list)[1] for row in jize().tasks]
    assert sum(code == row.item for code, row in zip(nearest, jize().tasks, strict=True)) == 38


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
    change: dict[str, object], code: RefusalCode, village_list: Standing
) -> None:
    assert isinstance(decide(ROAD, village_list), ListItem)
    verdict = decide(replace(ROAD, **change), village_list)  # type: ignore[arg-type] # the table names fields of Ask
    assert isinstance(verdict, TurnedDown)
    assert verdict.code is code


def test_a_form_passes_where_the_item_allows_forms(village_list: Standing) -> None:
    form = Ask("SJG", AskKind.FORM, "入户采集一次性数据", "Collect one-off data", "RQ01")
    assert isinstance(decide(form, village_list), ListItem)


def test_a_refused_ask_is_told_the_item_that_it_cites(village_list: Standing) -> None:
    verdict = decide(replace(ROAD, department="XCB"), village_list)
    assert isinstance(verdict, TurnedDown)
    assert verdict.nearest is not None
    assert verdict.nearest.code == "RQ03"


def test_with_an_empty_list_nothing_passes_and_nothing_is_near(village_list: Standing) -> None:
    assert decide(ROAD, village_list.model_copy(update={"items": ()})) == TurnedDown(RefusalCode.OFF_LIST, None)


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
    village_list: Standing,
    department: str,
    kind: AskKind,
    title_zh: str,
    title_en: str,
    cites: str | None,
) -> None:
    ask = Ask(department, kind, title_zh, title_en, cites)
    verdict = decide(ask, village_list)
    assert verdict == decide(ask, village_list)
    if isinstance(verdict, ListItem):
        assert (verdict.code, department in verdict.askers, kind in verdict.kinds) == (cites, True, True)
        assert kind is not AskKind.LETTER


NEAR, FAR = DivisionCode("130431105205"), DivisionCode("130431105206")


def item_of(standing: Standing, code: str, **changed: object) -> ListItem:
    return next(item for item in standing.items if item.code == code).model_copy(update=changed)


def with_item(standing: Standing, item: ListItem) -> Standing:
    items = tuple(item if each.code == item.code else each for each in standing.items)
    return standing.model_copy(update={"items": items})


def test_an_item_covers_an_ask_within_its_term_only(village_list: Standing) -> None:
    first, last = date(2026, 3, 2), date(2026, 6, 30)
    standing = with_item(village_list, item_of(village_list, "RQ03", valid_from=first, valid_to=last))
    for day in (first, last, None):
        assert isinstance(decide(ROAD, standing, day), ListItem)
    for day in (first - timedelta(days=1), last + timedelta(days=1)):
        verdict = decide(ROAD, standing, day)
        assert isinstance(verdict, TurnedDown)
        assert (verdict.code, verdict.nearest and verdict.nearest.code) == (RefusalCode.OFF_LIST, "RQ03")


@pytest.mark.parametrize("category", ["negative", "taken_back"])
def test_what_is_never_asked_covers_nothing(village_list: Standing, category: str) -> None:
    standing = with_item(village_list, item_of(village_list, "RQ03", category=ItemCategory(category)))
    assert isinstance(decide(ROAD, standing), TurnedDown)


def test_a_village_that_was_asked_often_enough_this_year_is_named(village_list: Standing) -> None:
    item = item_of(village_list, "RQ03")
    assert within_item(item, [NEAR, FAR], {NEAR: 3}) is None
    verdict = within_item(item, [NEAR, FAR], {NEAR: 4, FAR: 1})
    assert verdict == TurnedDown(RefusalCode.BEYOND_ITEM, item, Beyond("cadence", (NEAR,), 4))
    unlimited = item_of(village_list, "RQ03", asks_per_village_year_max=None)
    assert within_item(unlimited, [NEAR], {NEAR: 400}) is None


def test_a_village_outside_the_items_division_is_named(village_list: Standing) -> None:
    item = item_of(village_list, "RQ03", division=NEAR)
    assert within_item(item, [NEAR], {}, {NEAR}) is None
    verdict = within_item(item, [NEAR, FAR], {}, {NEAR})
    assert verdict == TurnedDown(RefusalCode.BEYOND_ITEM, item, Beyond("scope", (FAR,), division=NEAR))
    assert within_item(item, [NEAR], {}) is not None  # an unknown scope covers nothing


def earlier(ask: Ask, *villages: DivisionCode, number: int = 1) -> EarlierAsk:
    return EarlierAsk(
        TaskId(UUID(int=number)), ask.department, ask.kind, ask.title_zh, ask.title_en, frozenset(villages)
    )


REWORDED = [
    (
        ("独居老人入户巡访", "Visit elderly people living alone"),
        ("入户走访独居老人", "Household visits to elderly people living alone"),
    ),
    (
        ("生活垃圾分类入户宣传", "Household waste-sorting publicity"),
        ("垃圾分类宣传入户", "Waste-sorting publicity in households"),
    ),
    (("防汛转移演练1次", "One evacuation drill"), ("组织防汛转移演练", "Organise an evacuation drill")),
    (("反诈与禁毒宣传", "Anti-fraud and anti-drug publicity"), ("禁毒反诈宣传", "Anti-drug and anti-fraud publicity")),
]


@pytest.mark.parametrize(("first", "second"), REWORDED)
def test_the_same_in_other_words_is_a_duplicate_whichever_comes_first(
    village_list: Standing, first: tuple[str, str], second: tuple[str, str]
) -> None:
    item = item_of(village_list, "RA03")
    one, other = Ask("WJJ", AskKind.TASK, *first, "RA03"), Ask("MZJ", AskKind.TASK, *second, "RA03")
    for before, after in ((one, other), (other, one)):
        verdict = duplicate_of(after, item, {NEAR}, [earlier(before, NEAR, FAR)], village_list)
        assert verdict == TurnedDown(RefusalCode.DUPLICATE, item, earlier=earlier(before, NEAR, FAR))


@pytest.mark.parametrize(
    "change",
    [{"department": "JTJ"}, {"kind": AskKind.VISIT}, {"title_zh": "老年食堂开办", "title_en": "Open the canteen"}],
)
def test_by_the_same_department_in_another_form_or_of_another_thing_it_is_no_duplicate(
    village_list: Standing, change: dict[str, Any]
) -> None:
    before = replace(replace(ROAD, department="ZJJ"), **change)
    item = item_of(village_list, "RQ03")
    assert duplicate_of(ROAD, item, {NEAR}, [earlier(before, NEAR)], village_list) is None


def test_without_a_village_in_common_there_is_no_duplicate_and_the_most_alike_is_named(
    village_list: Standing,
) -> None:
    item, same = item_of(village_list, "RQ03"), replace(ROAD, department="ZJJ")
    alike = replace(same, title_zh="村内主路硬化")
    assert duplicate_of(ROAD, item, {NEAR}, [earlier(same, FAR)], village_list) is None
    found = [earlier(alike, NEAR, number=1), earlier(same, NEAR, number=3), earlier(same, NEAR, number=2)]
    verdict = duplicate_of(ROAD, item, {NEAR}, found, village_list)
    assert verdict is not None
    assert verdict.earlier == earlier(same, NEAR, number=2)


def test_no_two_of_the_65_sample_asks_are_the_same(village_list: Standing) -> None:
    alike = Likeness.of(village_list)
    on, off = [ask_on(row) for row in jize().tasks], [ask_off(row) for row in jize().off_list]
    assert max(alike.of_asks(*two) for two in combinations(on, 2)) == pytest.approx(0.19, abs=0.01)
    assert max(alike.of_asks(*two) for two in combinations(on + off, 2)) == pytest.approx(0.37, abs=0.01)
