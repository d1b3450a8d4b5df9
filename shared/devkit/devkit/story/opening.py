"""The opening: an operator brings the counties' divisions, Jize's responsibility list and its finished half-year."""

from devkit.story.answers import Imported
from devkit.story.client import together
from devkit.story.county import all_divisions
from devkit.story.narrator import Advance
from devkit.story.telling import Telling
from qingdan.access_events import ListVersionTookEffect


async def bring_county(telling: Telling) -> None:
    """The tree of all three counties into every service, the list into tasks."""
    county, operator, narrator = telling.plot.county, telling.people.operator, telling.narrator
    townships = county.townships
    villages = sum(len(county.villages(township.code)) for township in townships)
    narrator.say(
        f"鸡泽、大方、安吉三县区划（真实）。{county.name_zh(county.code)}{len(townships)}个乡镇、{villages}个村；责任清单{len(county.items)}项、"
        f"负面清单{len(county.negative)}项（示例）。",
        f"Jize, Dafang and Anji (real). Jize has {len(townships)} townships and {villages} villages; its list has "
        f"{len(county.items)} "
        f"items and {len(county.negative)} things never to be asked (modelled).",
    )
    divisions = [division.model_dump(mode="json") for division in all_divisions()]
    services = telling.people.place.services

    async def bring_divisions(service: str, advance: Advance) -> None:
        answer = await operator.create(service, "/v1/divisions/import", {"divisions": divisions})
        for _ in range(answer.read(Imported).added):
            advance()

    with narrator.step("导入区划", "import divisions", len(divisions) * len(services)) as advance:
        await together(bring_divisions(service, advance) for service in services)
    with narrator.step("发布清单", "publish the list", len(county.items) + len(county.negative)) as advance:
        version = {
            "effective_on": str(county.half_year[0]),
            "items": [item.model_dump(mode="json") for item in county.items],
            "negative": [entry.model_dump(mode="json") for entry in county.negative],
        }
        answer = await operator.create("tasks", "/v1/list-versions", version)
        for _ in answer.read(ListVersionTookEffect).items:
            advance()


async def bring_history(telling: Telling) -> None:
    """The half-year that was finished before this system ran, in batches by township."""
    county, operator, narrator = telling.plot.county, telling.people.operator, telling.narrator
    first, last = county.half_year
    narrator.say(
        f"{first}至{last}已办结的{len(county.history)}项任务，由各乡镇台账导入（合成数据）。",
        f"{len(county.history)} tasks of the half-year {first} to {last} are taken over as finished (synthetic data).",
    )
    township_of = {division.code: division.parent_code for division in county.divisions}
    with narrator.step("导入历史", "import the past", len(county.history)) as advance:
        for township in county.townships:
            rows = [row for row in county.history if township_of[row.village_code] == township.code]
            if not rows:
                continue
            batch = {
                "batch": f"{first:%Y}-{township.code}",
                "rows": [row.model_dump(mode="json") for row in rows],
            }
            answer = await operator.create("tasks", "/v1/history/import", batch)
            for _ in range(answer.read(Imported).added):
                advance()
