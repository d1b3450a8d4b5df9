"""Subjects: words of the field stand for each other, and a word of two things stands for neither alone."""

import pytest

from devkit.story.county import jize
from qingdan.subjects import subjects_of


@pytest.mark.parametrize(
    ("asked", "listed"),
    [
        ("补齐各类台账", "建立和管理村务档案"),
        ("取缔无证小作坊", "报告生产经营单位安全隐患线索"),
        ("征地拆迁签约", "管理村集体土地和其他集体财产"),
        ("强制流转土地", "发包集体土地并调解承包纠纷"),
        ("接送老人就餐的食堂", "受委托开展养老助餐与日间照料"),
    ],
)
def test_words_of_one_subject_stand_for_each_other(asked: str, listed: str) -> None:
    assert subjects_of(asked) & subjects_of(listed)


@pytest.mark.parametrize(
    ("asked", "listed"),
    [
        ("代收居民养老保险费", "协助老年人权益保障和养老服务"),
        ("道路交通违法劝导", "受委托管护农村公路和村道"),
        ("代收城乡居民保险费现金", "受委托组织农业保险投保与理赔公示"),
        ("", "村务公开"),
    ],
)
def test_what_only_sounds_alike_is_another_subject(asked: str, listed: str) -> None:
    assert not subjects_of(asked) & subjects_of(listed)


def test_most_items_of_the_sample_list_have_other_words_in_the_field() -> None:
    named = [item.code for item in jize().items if subjects_of(item.title_zh)]
    assert len(named) >= 0.8 * len(jize().items)
