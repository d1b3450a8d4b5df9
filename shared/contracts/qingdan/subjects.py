"""What asks and items are about: the words by which the field calls one and the same thing.

An ask names what its department sees (a ledger, a workshop), an item what the law names (an archive, an undertaking).
The words of a subject stand for each other, whichever list they are found on; no department and no item is named here.
Only the Chinese wording is looked at: the English one is a translation of it.
"""

from functools import lru_cache
from typing import Final

Subjects = frozenset[str]

_WORDS: Final[dict[str, tuple[str, ...]]] = {
    # Organic Law of Villagers' Committees, art. 34: the archive of village affairs is what a village keeps on record.
    # What inspections had it keep besides, in boxes and ledgers, is that or nothing (2024 Rules).
    "records": ("档案", "归档", "台账", "资料盒", "资料", "卷宗"),
    # Land Administration Law, arts. 47 and 48: what is taken is the collective's property, and it is compensated.
    "collective property": ("集体财产", "集体资产", "征地", "征收", "征用", "拆迁"),
    # Rural Land Contract Law: who may use the land, and pass the use on.
    "contracted land": ("承包", "发包", "流转"),
    "homesteads": ("宅基地", "建房"),
    # Work Safety Law, art. 75 and Food Safety Law, art. 36: the smallest workshop is an undertaking that produces.
    "undertakings": ("生产经营", "企业", "作坊", "商户", "摊贩", "食品"),
    # Law on public cultural services, art. 2: facilities, shows and activities, and sports by the Law on Sports.
    "culture": ("文化", "体育", "文艺", "演出", "展演", "非遗", "健身", "广场"),
    # 2022 Opinions: rooms, points and posts that departments have set up in villages.
    "rooms and posts": ("活动室", "活动场所", "指导点", "服务点", "阵地", "家长学校"),
    "data collection": ("采集", "摸底"),
    "living environment": ("人居环境", "环境", "垃圾", "秸秆", "保洁"),
    "public toilets and waste": ("公厕", "垃圾收集", "垃圾清运"),
    "emergencies": ("突发事件", "应急", "防汛", "汛期", "险情", "灾情", "地质灾害"),
    "drought": ("抗旱", "节水", "灌溉"),
    "forest fires": ("森林", "山火", "护林"),
    "fire safety": ("消防", "火灾", "火患"),
    "epidemics and health": ("传染病", "流感", "疫情", "体检", "健康"),
    "animal disease": ("动物", "免疫", "犬", "畜禽"),
    "the elderly": ("老年", "老人"),  # 养老 is insurance as well as care
    "meals and day care": ("助餐", "食堂", "日间照料"),
    "children": ("儿童", "未成年"),
    "school attendance": ("义务教育", "控辍", "辍学", "入学", "劝返"),
    "disabled persons": ("残疾", "残障"),
    "veterans": ("退役", "优抚", "军属"),
    "conscription": ("征兵", "兵役"),
    "social assistance": ("社会救助", "低保", "临时救助"),
    "extreme difficulty": ("特困", "五保"),
    "drugs and fraud": ("禁毒", "反诈"),
    "community correction": ("社区矫正", "安置帮教"),
    "censuses": ("普查", "统计调查"),
    "disputes": ("纠纷", "矛盾"),
    "village rules": ("村规民约", "自治章程", "移风易俗", "婚丧"),
    "assemblies": ("村民会议", "代表会议"),
    "publicity of affairs": ("村务公开", "财务公开"),
    "elections": ("换届", "选举", "补选"),
    "roads": ("公路", "村道", "村路", "主路", "硬化"),
    "water works": ("水利", "供水", "自来水", "机井", "管网"),
    "agricultural insurance": ("农业保险", "投保", "理赔"),
}


@lru_cache(maxsize=4096)
def subjects_of(text_zh: str) -> Subjects:
    """The subjects that a wording names; none when it names nothing that the field has other words for."""
    return frozenset(subject for subject, words in _WORDS.items() if any(word in text_zh for word in words))
