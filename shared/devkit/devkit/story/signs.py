"""Who may hang a sign, and which: a county counts what hangs at its villages' doors, and most of it comes down."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from devkit.eventually import eventually
from devkit.story.answers import Imported, Order, Ordered, Share, SharesClaimed, Sign, Visit
from devkit.story.client import Person, RefusedError, StoryError, together
from devkit.story.county import DAFANG
from devkit.story.dafang import XIEDU
from devkit.story.narrator import Advance
from devkit.story.plot import today
from devkit.story.telling import Telling
from qingdan.divisions import DivisionCode

HEARD_TIMEOUT_S: Final = 60.0
SIGNS_PER_CALL: Final = 500


async def take_signs_down(telling: Telling) -> None:
    """Census, orders, claims, removal, a look on the spot; what may hang stays: one horizontal, two vertical."""
    signs, narrator = telling.plot.signs, telling.narrator
    narrator.say(
        f"大方县{len(signs.villages)}个村门口共{len(signs.census)}块牌子（示例；谢都村13块见诸报道）。",
        f"Dafang County: {len(signs.census)} signs at the doors of {len(signs.villages)} villages (modelled; Xiedu's "
        "thirteen are reported).",
    )
    staff = telling.people.county_staff(DAFANG)
    await _rules_and_census(telling, staff)
    await _show_door(telling, staff, "谢都村：拆除前", "Xiedu before")
    await _ask_for_more(telling)
    await _order_removals(telling)
    await _villages_take_them_down(telling)
    await _team_looks(telling)
    await _until_all_are_down(telling)
    await _show_door(telling, staff, "谢都村：拆除后", "Xiedu after")


async def _rules_and_census(telling: Telling, staff: Person) -> None:
    signs, narrator = telling.plot.signs, telling.narrator
    with narrator.step("发布牌子规则", "publish sign rules", len(signs.rules)) as advance:
        version = {"effective_on": "2021-01-01", "rules": [rule.model_dump(mode="json") for rule in signs.rules]}
        await telling.people.operator.create("signage", "/v1/rule-versions", version)
        for _ in signs.rules:
            advance()
    with narrator.step("普查牌子", "count the signs", len(signs.census)) as advance:
        for at in range(0, len(signs.census), SIGNS_PER_CALL):
            part = signs.census[at : at + SIGNS_PER_CALL]
            answer = await staff.create(
                "signage", "/v1/census", {"signs": [sign.model_dump(mode="json") for sign in part]}
            )
            for _ in range(answer.read(Imported).added):
                advance()


async def _show_door(telling: Telling, staff: Person, zh: str, en: str) -> None:
    hanging = await staff.pages("signage", "/v1/signs", Sign, village=XIEDU)
    there = [sign for sign in hanging if sign.state != "removed"]
    by_position: dict[str, list[str]] = defaultdict(list)
    for sign in there:
        by_position[sign.position].append(sign.wording)
    across, upright = by_position["outside_horizontal"], by_position["outside_vertical"]
    telling.narrator.say(
        f"{zh}{len(there)}块，横{len(across)}竖{len(upright)}：{'、'.join((*across, *upright))}。",
        f"{en}: {len(there)} signs, {len(across)} horizontal and {len(upright)} vertical.",
    )


async def _ask_for_more(telling: Telling) -> None:
    """Departments go on asking; the rules answer."""
    asked = telling.plot.more_signs()
    with telling.narrator.step("再要挂牌", "ask to hang more", len(asked)) as advance:
        for department, village, wording in asked:
            wanted = {"village": village, "wording": wording, "position": "outside_vertical"}
            try:
                await telling.people.department(department, DAFANG).create("signage", "/v1/signs/requests", wanted)
            except RefusedError as refused:
                telling.ledger.signs_refused.append(UUID(str(refused.problem["sign"])))
                advance()
                continue
            raise StoryError(f"{department} was allowed to hang “{wording}” at {village}", service="signage")


async def _order_removals(telling: Telling) -> None:
    """Everything that may not hang, in as many calls as it takes."""
    approver = telling.people.sign_approver(DAFANG)
    with telling.narrator.step("下达清理令", "order removals", telling.plot.removals_expected) as advance:
        while True:
            answer = await approver.create("signage", "/v1/removals", {"division": DAFANG, "limit": SIGNS_PER_CALL})
            ordered = answer.read(Ordered)
            for _ in range(ordered.ordered):
                advance()
            if not ordered.left:
                break
    orders = await approver.pages("signage", "/v1/orders", Order)
    telling.ledger.orders = [order.order for order in orders]


async def _villages_take_them_down(telling: Telling) -> None:
    """Each order has become a task that takes a load off; the village sets its own limit and sends a photo's hash."""
    plot, staff, orders = telling.plot, telling.people.county_staff(DAFANG), len(telling.ledger.orders)

    async def on_the_desks() -> list[Share]:
        shares = await staff.pages("tasks", "/v1/shares", Share, state="published")
        return shares if len(shares) >= orders else []

    shares = await eventually(
        on_the_desks, timeout_s=HEARD_TIMEOUT_S, every_s=0.2, what="every removal order is on its village's desk"
    )
    by_village: dict[DivisionCode, list[Share]] = defaultdict(list)
    for share in shares:
        by_village[share.village].append(share)

    async def work_off(village: DivisionCode, advance: Advance) -> None:
        """The whole desk at once: one limit for all, and a photo of each bare wall."""
        cadre, desk = telling.people.cadre(village), by_village[village]
        seen = [{"share": str(share.share), "version": share.version} for share in desk]
        own = {"shares": seen, "limit_working_days": plot.removal_limit_working_days(village)}
        claimed = (await cadre.create("tasks", "/v1/shares/claim", own)).read(SharesClaimed).claimed
        telling.ledger.claims.extend(claim.share for claim in claimed)
        done = [
            {
                "share": str(share.share),
                "version": share.version + 1,
                "photo_sha256": plot.photo_of_the_bare_wall(village, share.title_zh or ""),
            }
            for share in desk
        ]
        await cadre.create("tasks", "/v1/shares/report-done", {"shares": done})
        for _ in desk:
            advance()

    with telling.narrator.step("认领并拆除", "claim, and take down", len(shares)) as advance:
        await together(work_off(village, advance) for village in sorted(by_village))


async def _team_looks(telling: Telling) -> None:
    """The team sees with its own eyes that the wall is bare."""
    supervisor, orders = telling.people.supervisor(DAFANG), len(telling.ledger.orders)

    async def planned() -> Sequence[Visit]:
        visits = await supervisor.pages("inspection", "/v1/visits", Visit, state="planned")
        return visits if len(visits) >= orders else ()

    visits = await eventually(
        planned, timeout_s=HEARD_TIMEOUT_S, every_s=0.2, what="a visit is planned for every sign reported as removed"
    )

    async def look(visits: Sequence[Visit], advance: Advance) -> None:
        """One round through a village."""
        seen = [{"visit": str(visit.visit), "version": visit.version} for visit in visits]
        await supervisor.create("inspection", "/v1/visits/done", {"done_on": str(today()), "visits": seen})
        for _ in visits:
            advance()

    by_village: dict[DivisionCode, list[Visit]] = defaultdict(list)
    for visit in visits:
        by_village[visit.village].append(visit)
    with telling.narrator.step("现场确认", "confirmed on the spot", len(visits)) as advance:
        await together(look(by_village[village], advance) for village in sorted(by_village))


async def _until_all_are_down(telling: Telling) -> None:
    staff, expected = telling.people.county_staff(DAFANG), set(telling.ledger.orders)

    async def removed() -> set[UUID]:
        orders = await staff.pages("signage", "/v1/orders", Order, state="removed")
        return expected if expected <= {order.order for order in orders} else set()

    with telling.narrator.step("销号", "signs marked as removed", len(expected)) as advance:
        for _ in await eventually(removed, timeout_s=HEARD_TIMEOUT_S, every_s=0.2, what="every order is carried out"):
            advance()
