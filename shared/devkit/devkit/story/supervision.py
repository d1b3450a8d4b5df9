"""Supervision: visits, findings with suggestions, rectification, re-checks; difficulties raised and answered."""

from devkit.eventually import eventually
from devkit.story.answers import Difficulty, Finding, Share, Visit
from devkit.story.client import together
from devkit.story.narrator import Advance
from devkit.story.reports import HEARD_TIMEOUT_S
from devkit.story.telling import Telling
from qingdan.divisions import DivisionCode

ROUNDS_MAX = 5


async def supervise(telling: Telling) -> None:
    """Go and see, help, check again; listen to what villages cannot solve alone."""
    telling.narrator.say(
        "到现场发现问题、提建议，村里整改，复查到通过为止；困难件件有答复。",
        "The team goes and sees: findings, suggestions, rectification, re-checks until they pass; every difficulty "
        "that a cadre raises is answered.",
    )
    await _visit(telling)
    for turn in range(1, ROUNDS_MAX + 1):
        if not await _rectify_and_recheck(telling, turn):
            break
    await _raise_difficulties(telling)
    await _answer_difficulties(telling)


async def _visit(telling: Telling) -> None:
    """Every planned visit is done; what has reported done at an inspected item has its visit planned by itself."""
    plot, supervisor = telling.plot, telling.people.supervisor(telling.plot.town)
    waiting = {
        share.share
        for share in await telling.people.town_staff(plot.town).pages(
            "tasks", "/v1/shares", Share, state="reported_done"
        )
    }

    async def planned() -> list[Visit]:
        visits = await supervisor.pages("inspection", "/v1/visits", Visit, state="planned")
        return visits if waiting <= {visit.share for visit in visits} else []

    visits = await eventually(
        planned, timeout_s=HEARD_TIMEOUT_S, every_s=0.2, what="a visit is planned for every share that waits for one"
    )

    async def see(visit: Visit, advance: Advance) -> None:
        seen = {
            "done_on": str(visit.reported_on),
            "findings": plot.findings(visit.village, visit.title_zh or ""),
        }
        await supervisor.change("inspection", f"/v1/visits/{visit.visit}/done", visit.version, seen)
        advance()

    with telling.narrator.step("现场检查", "visits on the spot", len(visits)) as advance:
        await together(see(visit, advance) for visit in visits)


async def _rectify_and_recheck(telling: Telling, turn: int) -> bool:
    """One round over all findings that have not passed; False when there was none."""
    plot, supervisor = telling.plot, telling.people.supervisor(telling.plot.town)
    to_do = await supervisor.pages("inspection", "/v1/findings", Finding, state="open")
    if not to_do:
        return False

    async def rectify(village: DivisionCode, advance: Advance) -> None:
        cadre = telling.people.cadre(village)
        for finding in await cadre.pages("inspection", "/v1/findings", Finding, state="open"):
            if finding.village != village:
                telling.ledger.seen_of_others.append(f"{village} saw finding {finding.finding} of {finding.village}")
                continue
            did = {
                "note": f"已按建议整改：{finding.suggestion}",
                "photo_sha256": plot.photos(village, finding.text, "fixed"),
            }
            await cadre.change("inspection", f"/v1/findings/{finding.finding}/rectify", finding.version, did)
            advance()

    async def recheck(finding: Finding, advance: Advance) -> None:
        passed = plot.passes_recheck(finding.village, finding.text, finding.failed_rechecks)
        saw = {"passed": passed, "note": "" if passed else "尚未到位，请继续整改。"}
        await supervisor.change("inspection", f"/v1/findings/{finding.finding}/recheck", finding.version, saw)
        advance()

    again_zh, again = ("", "") if turn == 1 else (f"第{turn}次", f", round {turn}")
    villages = sorted({finding.village for finding in to_do})
    with telling.narrator.step(f"{again_zh}整改", f"rectified{again}", len(to_do)) as advance:
        await together(rectify(village, advance) for village in villages)
    rectified = await supervisor.pages("inspection", "/v1/findings", Finding, state="rectified")
    with telling.narrator.step(f"{again_zh}复查", f"checked again{again}", len(rectified)) as advance:
        await together(recheck(finding, advance) for finding in rectified)
    return True


async def _raise_difficulties(telling: Telling) -> None:
    plot = telling.plot
    own = {village: plot.difficulties(village) for village in plot.villages}

    async def raise_all(village: DivisionCode, advance: Advance) -> None:
        cadre = telling.people.cadre(village)
        for category, text, _ in own[village]:
            await cadre.create("inspection", "/v1/difficulties", {"category": category, "text": text})
            advance()

    with telling.narrator.step("反映困难", "difficulties raised", sum(map(len, own.values()))) as advance:
        await together(raise_all(village, advance) for village in plot.villages)


async def _answer_difficulties(telling: Telling) -> None:
    """The town answers what it can and passes the rest on; what was passed on comes back with an answer."""
    plot, town = telling.plot, telling.people.town_staff(telling.plot.town)
    answers = {text: answer for village in plot.villages for _, text, answer in plot.difficulties(village)}
    to_answer = await town.pages("inspection", "/v1/difficulties", Difficulty, state="open")

    async def answer(difficulty: Difficulty, advance: Advance) -> None:
        path = f"/v1/difficulties/{difficulty.difficulty}/answer"
        version = difficulty.version
        if plot.is_forwarded(difficulty.village, difficulty.text):
            passed_on = {"outcome": "forwarded", "text": "已转县级有关部门。"}
            version = (await town.change("inspection", path, version, passed_on)).version
        outcome = "explained" if "？" in difficulty.text or "不清楚" in difficulty.text else "resolved"
        await town.change("inspection", path, version, {"outcome": outcome, "text": answers[difficulty.text]})
        advance()

    with telling.narrator.step("答复困难", "difficulties answered", len(to_answer)) as advance:
        await together(answer(difficulty, advance) for difficulty in to_answer)
