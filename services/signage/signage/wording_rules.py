"""What a sign says, freed of the village's name and of the ways to say station, so that a rule can be found for it."""

import re
import unicodedata
from typing import Final

Kernel = str
"""What is left of a wording; two signs with the same kernel are of one kind."""

_NOT_SAID: Final = re.compile(r"[^\u4e00-\u9fffA-Za-z0-9()]")
_IN_BRACKETS: Final = re.compile(r"\([^()]*\)")
_COMMITTEE: Final = re.compile("(村民|居民|村|居)?委员?会$")
_COMMUNITY: Final = re.compile("(村|社区)$")
_STATION: Final = re.compile("(工作)?[站室]$")


def kernels(wording: str, village_zh: str = "") -> frozenset[Kernel]:
    """Every kernel that a wording may have; `village_zh` is the full name of the village where the sign hangs.

    There are several because a wording does not say where the name ends: 余石社区矫正工作站 is the station for
    community correction of Yushi, not a correction station of the community of Yushi. A part in brackets is read and
    left out.
    """
    said = _NOT_SAID.sub("", unicodedata.normalize("NFKC", wording))
    read = {said.replace("(", "").replace(")", ""), _IN_BRACKETS.sub("", said)}
    nameless = {rest for text in read for rest in _without_name(text, _stem(village_zh))}
    return frozenset(_STATION.sub("站", text) for text in nameless if text)


def _stem(village_zh: str) -> str:
    """谢都村村民委员会 is 谢都, 余石社区居民委员会 is 余石."""
    return _COMMUNITY.sub("", _COMMITTEE.sub("", village_zh))


def _without_name(text: str, stem: str) -> set[str]:
    """The text as it stands and without the village's name; a leading 村 belongs to the name, however often."""
    rests = {text, text.removeprefix(stem), text.removeprefix(stem + "社区")} if stem else {text}
    return {rest.lstrip("村") for rest in rests}
