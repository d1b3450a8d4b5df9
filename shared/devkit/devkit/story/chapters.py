"""The chapters in their order, from the empty county to the reckoning."""

from typing import Protocol

from devkit.keys import Keys
from devkit.story.access import open_the_list
from devkit.story.checks import Evidence
from devkit.story.client import People, Place
from devkit.story.department import Department
from devkit.story.fengshan import FORESTRY
from devkit.story.hub import Hub
from devkit.story.meeting import hold_work_meeting
from devkit.story.narrator import Narrator
from devkit.story.opening import bring_county, bring_history
from devkit.story.plot import Plot
from devkit.story.ranking import rank_townships
from devkit.story.reckoning import reckon
from devkit.story.reports import report
from devkit.story.signs import take_signs_down
from devkit.story.stream import Window
from devkit.story.subscriber import SCREEN, Subscriber
from devkit.story.subsidies import pay_subsidies
from devkit.story.supervision import supervise
from devkit.story.telling import Telling
from devkit.story.township import meet_at_fengshan
from devkit.story.volumes import Volumes

CHAPTERS = (
    ("county", "全县", "The county", bring_county),
    ("history", "已过去的半年", "The finished half-year", bring_history),
    ("meeting", "吴官营镇工作部署会", "The work meeting at Wuguanying", hold_work_meeting),
    ("reports", "报告进展", "Reports", report),
    ("supervision", "督查与帮助", "Supervision and help", supervise),
    ("ranking", "七个乡镇的名次", "The ranking of the townships", rank_townships),
    ("signs", "一横两竖", "One horizontal, two vertical", take_signs_down),
    ("access", "清单与准入", "The list, and what comes on it", open_the_list),
    ("fengshan", "凤山乡工作部署会", "The work meeting at Fengshan", meet_at_fengshan),
    ("subsidies", "一键发放", "Subsidies in one click", pay_subsidies),
)


class Surroundings(Place, Protocol):
    """A place with keys; a running Stack is one."""

    @property
    def keys(self) -> Keys: ...


async def tell(place: Surroundings, plot: Plot, narrator: Narrator) -> Evidence:
    """Play the whole story in a running, empty Qingdan, and ask what has become of it.

    Raises StoryError, and NeverTrueError for what should have happened by itself and did not.
    """
    listening = Subscriber(place.kafka_as(SCREEN.name), place.services)
    registers = Hub(place.kafka_as("records"), place.keys.subsidy_public, plot.subsidies.people)
    department = Department(place.kafka_as(f"department:{FORESTRY.lower()}"), FORESTRY)
    async with (
        listening as subscriber,
        People(place) as people,
        registers as hub,
        department as forestry,
        Volumes(place) as volumes,
        Window() as window,
    ):
        telling = Telling(plot, people, narrator, hub, forestry, window)
        for name, zh, en, chapter in CHAPTERS:
            with narrator.chapter(name, zh, en):
                await chapter(telling)
        with narrator.chapter("reckoning", "对账", "The reckoning"):
            return await reckon(telling, subscriber, volumes)
