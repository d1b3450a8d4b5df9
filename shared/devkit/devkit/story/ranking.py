"""The ranking of the county's townships for the finished half-year, with what explains each place."""

from devkit.story.answers import Assessment, Rank
from devkit.story.telling import Telling


async def rank_townships(telling: Telling) -> None:
    """The county's staff has the townships ranked; the story keeps what the service answers when it is asked again."""
    plot, narrator, staff = telling.plot, telling.narrator, telling.people.county_staff(telling.plot.county.code)
    first, last = plot.county.half_year
    narrator.say(
        "一看自定时限是否守住，二看问题首次复查是否通过；拒绝、照片、会议不计分。",
        f"{first} to {last} (synthetic): limits kept that villages had set themselves, findings that passed "
        "their first re-check. Refusals, photos and meetings count for nothing.",
    )
    wanted = {
        "division": plot.county.code,
        "level": "township",
        "period_from": str(first),
        "period_to": str(last),
    }
    with narrator.step("排出乡镇名次", "rank townships", len(plot.county.townships)) as advance:
        given = (await staff.create("tasks", "/v1/assessments", wanted)).read(Assessment)
        telling.ledger.assessment = await staff.get("tasks", f"/v1/assessments/{given.assessment}", Assessment)
        for _ in telling.ledger.assessment.ranks:
            advance()
    _show(telling, telling.ledger.assessment)


def _show(telling: Telling, assessment: Assessment) -> None:
    ours = next((at for at, rank in enumerate(assessment.ranks) if rank.division == telling.plot.town), -1)
    telling.narrator.table(
        "乡镇考核（合成数据） Townships ranked (synthetic data)",
        ("名次\nrank", "乡镇\ntownship", "得分\npoints", "按时\non time", "首次复查通过\nfirst re-check"),
        [_row(rank) for rank in assessment.ranks],
        bold_row=ours,
    )
    if ours >= 0:
        telling.narrator.say(assessment.ranks[ours].explanation_zh, assessment.ranks[ours].explanation_en)


def _row(rank: Rank) -> tuple[str, ...]:
    facts = rank.facts
    return (
        "–" if rank.rank is None else str(rank.rank),
        rank.name_zh,
        "–" if rank.score_milli is None else f"{rank.score_milli / 1000:.3f}",
        _of(facts["on_time"], facts["finished"]),
        _of(facts["passed_first_recheck"], facts["findings"]),
    )


def _of(part: int, whole: int) -> str:
    return f"{part} / {whole} ({part / whole:.0%})" if whole else "–"
