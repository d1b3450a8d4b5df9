"""What a run did with somebody's entitlement, how far its payment is, and what happens next, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from pydantic import BaseModel, Field

from qingdan.ids import FactName, ProgrammeCode, RunId
from qingdan.subsidy_events import Period
from runtime.problems import Bilingual
from subsidy.payment_rules import NO_ACCOUNT
from subsidy.programme_rules import Programme
from subsidy.run_rules import RunState
from subsidy.vocabulary_rules import BY_NAME
from subsidy.why_facts_rules import owed_by
from subsidy.why_titles_rules import Said, department, said, title, yuan

RunStatus = Literal["no_run", "not_in_run", "entitled", "excluded", "undetermined", "owed_already"]
NowStatus = Literal["entitled", "undetermined", "not_in_run"]


@dataclass(frozen=True, slots=True)
class InRun:
    """What the run came to for one occurrence. winner_fen: what the programme it stands back for pays."""

    occurrence: str
    status: Literal["entitled", "excluded", "undetermined"]
    amount_fen: int | None
    excluded_by: str | None
    missing: Sequence[str] | None
    has_payee: bool
    winner_fen: int | None


@dataclass(frozen=True, slots=True)
class Run:
    """The county's run of the month. previewed_on: as of which day it was computed; frozen_on: None until it is."""

    id: RunId
    state: RunState
    programme_version: int
    notice_until: date | None
    previewed_on: date
    frozen_on: date | None


class OwedView(BaseModel):
    """What is owed already, and how far the newest payment of it is."""

    run: RunId
    period: Period
    occurrence: str
    amount_fen: int
    payment: str | None = Field(description="state of the newest payment, or waiting; null: there is none")
    reason: str | None = Field(description="why it was rejected or returned")
    attempt: int | None
    ended_on: date | None
    said: Said


class RunView(BaseModel):
    """What the run of that month did, and what happens next."""

    run: RunId | None
    state: RunState | None
    status: RunStatus
    amount_fen: int | None
    excluded_by: ProgrammeCode | None
    missing: list[FactName] = Field(description="what was unknown when the run was computed")
    differs: bool = Field(description="the facts as they are now come to something else than the run did")
    differs_said: Said | None = Field(default=None, description="to what, and what becomes of it; null: to the same")
    owed: list[OwedView]
    said: Said
    next: Said = Field(description="what happens next, and who has to do it")


_STATES: Final[Mapping[str, Bilingual]] = {
    "previewed": Bilingual(en="it is a preview, computed anew until it is frozen", zh="批次尚在试算"),
    "frozen": Bilingual(en="it is frozen, on public notice", zh="批次已冻结公示"),
    "approved": Bilingual(en="it is approved", zh="批次已审批"),
    "paying": Bilingual(en="it is being paid", zh="批次正在支付"),
    "closed": Bilingual(en="it is closed", zh="批次已关闭"),
}
_PAYMENTS: Final[Mapping[str, Bilingual]] = {
    "prepared": Bilingual(en="the payment is about to go to the bank", zh="款项即将发送银行"),
    "waiting": Bilingual(en="the payment waits until the account is verified", zh="款项待收款账户核验通过后支付"),
    "sent": Bilingual(en="the bank has the payment and has not answered yet", zh="款项已发送银行，等待结果"),
    "unknown": Bilingual(
        en="the bank is silent and is being asked; it is not paid a second time meanwhile",
        zh="银行尚无答复，正在查询，其间不会重复支付",
    ),
    "settled": Bilingual(en="it has been paid", zh="已经发放到账"),
    "rejected": Bilingual(en="the bank refused it", zh="银行拒付"),
    "returned": Bilingual(en="the money came back", zh="款项被退回"),
    "reversed": Bilingual(en="the bank took the money back", zh="款项被银行冲回"),
}
_REPAIR: Final = Bilingual(
    en="Correct what the reason names; finance then pays the same amount once more.",
    zh="请按原因更正，之后由财务对同一笔应发重新支付。",
)
_NEEDS_ACCOUNT: Final = Bilingual(
    en="An account is needed: have the social card's account registered; finance then pays it.",
    zh="缺少收款账户：请登记社保卡账户，之后由财务支付。",
)


def run_view(
    run: Run | None,
    rows: Sequence[InRun],
    owed: Sequence[Mapping[str, object]],
    programmes: Mapping[str, Programme],
    *,
    code: str,
    now: NowStatus,
    now_fen: int | None,
) -> RunView:
    """The view; `programmes` are those of the version, by code; `owed` the rows of what is owed; `now` and `now_fen`:
    what the facts as they are now come to."""
    row = rows[0] if rows else None
    owed_views = [_owed_view(each) for each in owed]
    status: RunStatus = "no_run"
    if row is not None:
        status = row.status
    elif owed_views:
        status = "owed_already"
    elif run is not None:
        status = "not_in_run"
    differs = _differs(status, row, now, now_fen)
    return RunView(
        run=run.id if run else None,
        state=run.state if run else None,
        status=status,
        amount_fen=row.amount_fen if row else None,
        excluded_by=row.excluded_by if row else None,
        missing=[*(row.missing or ())] if row else [],
        differs=differs,
        differs_said=said(_what_differs(run, now, now_fen)) if differs and run is not None else None,
        owed=owed_views,
        said=said(_status(status, run, row, programmes, code, owed_views)),
        next=said(_next(status, run, row, owed_views)),
    )


def _differs(status: RunStatus, row: InRun | None, now: NowStatus, now_fen: int | None) -> bool:
    if status in ("no_run", "owed_already"):
        return False
    if row is not None and now == "entitled":
        return row.amount_fen != now_fen
    return now != ("not_in_run" if row is None else "undetermined" if status == "undetermined" else "entitled")


_NOW: Final[Mapping[NowStatus, Bilingual]] = {
    "entitled": Bilingual(en="pay {0} yuan", zh="应发{0}元"),
    "undetermined": Bilingual(en="leave it undecided", zh="尚不能确定"),
    "not_in_run": Bilingual(en="pay nothing", zh="不发放"),
}


def comes_later(now: NowStatus, now_fen: int | None) -> Said:
    """What differs where a month is not computed again: what is paid on occurrence, and what counts own payments."""
    today = _today(now, now_fen)
    return Said(
        en=f"{today.en} The list stays as it was frozen; what is due comes with the next run.",
        zh=f"{today.zh}名单以冻结时为准；应发的将列入以后的批次。",
    )


def _today(now: NowStatus, now_fen: int | None) -> Bilingual:
    en, zh = (words.format(yuan(now_fen or 0)) for words in _NOW[now])
    return Bilingual(en=f"Today's facts differ: they would {en}.", zh=f"现有数据与批次试算时不同：按现有数据{zh}。")


def _what_differs(run: Run, now: NowStatus, now_fen: int | None) -> Bilingual:
    """What the facts as they are now would come to, and whether anything comes of it."""
    today = _today(now, now_fen)
    if run.frozen_on is None:
        then = Bilingual(en="The run stands until it is computed anew.", zh="结果以批次为准，直至重新试算。")
    elif now == "undetermined":
        then = Bilingual(
            en="The list stays as it was frozen, and what nobody knows is never asked back.",
            zh="名单以冻结时为准；尚不能确定的不予追回。",
        )
    elif run.state in ("paying", "closed"):
        then = Bilingual(
            en="The list stays as it was frozen; when finance computes the month again, an adjustment is proposed.",
            zh="名单以冻结时为准；财务重新计算该月时，将就差额提出调整（补发或追回）。",
        )
    else:
        then = Bilingual(
            en="The list stays as it was frozen; once it is being paid, an adjustment would be proposed.",
            zh="名单以冻结时为准；开始支付后，可就差额提出调整（补发或追回）。",
        )
    return Bilingual(en=f"{today.en} {then.en}", zh=f"{today.zh}{then.zh}")


def _status(
    status: RunStatus,
    run: Run | None,
    row: InRun | None,
    programmes: Mapping[str, Programme],
    code: str,
    owed: Sequence[OwedView],
) -> Bilingual:
    if run is None and not owed:
        return Bilingual(en="No run of this month has been computed yet.", zh="本月的发放批次尚未试算。")
    state = _STATES[run.state] if run is not None else Bilingual(en="there is none", zh="尚无批次")
    if status == "entitled" and row is not None:
        many = yuan(row.amount_fen or 0)
        return Bilingual(en=f"The month's run pays {many} yuan; {state.en}.", zh=f"本月批次应发{many}元；{state.zh}。")
    if status == "excluded" and row is not None:
        return _excluded(row, programmes, code)
    if status == "undetermined" and row is not None:
        return _undetermined(row)
    if status == "owed_already":
        each = owed[0]
        return Bilingual(
            en=f"It is owed already since the run of {each.period}: {each.said.en}",
            zh=f"已由{each.period}的批次列为应发：{each.said.zh}",
        )
    return Bilingual(en=f"The month's run pays nothing of this; {state.en}.", zh=f"本月批次中没有此项；{state.zh}。")


def _excluded(row: InRun, programmes: Mapping[str, Programme], code: str) -> Bilingual:
    """By which programme, and why that one won."""
    winner, own = programmes.get(row.excluded_by or ""), programmes.get(code)
    if winner is None or own is None:
        return Bilingual(en=f"It stands back for {row.excluded_by}.", zh=f"因享受{row.excluded_by}而不发。")
    pays_en = f" It pays {yuan(row.winner_fen)} yuan." if row.winner_fen is not None else ""
    pays_zh = f"后者本次应发{yuan(row.winner_fen)}元。" if row.winner_fen is not None else ""
    return Bilingual(
        en=f"It stands back for {winner.code} {winner.title_en}: the two exclude each other within a household and"
        f" month, and the lower number wins ({winner.priority} before {own.priority}).{pays_en}",
        zh=f"与{winner.code}“{winner.title_zh}”同户同月不能同时享受；序号小者优先"
        f"（{winner.priority}先于{own.priority}），故由后者发放。{pays_zh}",
    )


def _undetermined(row: InRun) -> Bilingual:
    facts = [BY_NAME[name] for name in row.missing or () if name in BY_NAME]
    named = [(title(fact), department(owed_by(fact)[1])) for fact in facts]
    return Bilingual(
        en=f"The month's run could not decide; it lacked {'; '.join(f'“{t.en}” ({d.en})' for t, d in named)}.",
        zh=f"本月批次未能确定；当时缺少：{'；'.join(f'“{t.zh}”（{d.zh}）' for t, d in named)}。",
    )


def _owed_view(row: Mapping[str, object]) -> OwedView:
    payment, reason = row["payment"], row["reason"]
    many = yuan(int(str(row["amount_fen"])))
    how = _PAYMENTS.get(str(payment), Bilingual(en="nothing has been prepared to be paid yet", zh="尚未准备支付"))
    ended_en = f" on {row['ended_on']}" if row["ended_on"] else ""
    ended_zh = f"（{row['ended_on']}）" if row["ended_on"] else ""
    why_en, why_zh = (f" ({reason})", f"（{reason}）") if reason else ("", "")
    words = Said(en=f"{many} yuan: {how.en}{ended_en}{why_en}.", zh=f"{many}元：{how.zh}{ended_zh}{why_zh}。")
    return OwedView.model_validate({**row, "said": words})


def _next(status: RunStatus, run: Run | None, row: InRun | None, owed: Sequence[OwedView]) -> Bilingual:
    if owed:
        return _after_payment(owed[-1])
    if status == "entitled" and row is not None and not row.has_payee:
        return Bilingual(
            en="Nobody is known who could receive it: have the household's head registered.",
            zh="没有可收款的人：请先登记户主。",
        )
    if status == "entitled" and run is not None:
        return _of_run(run)
    return _NEXT[status]


_NEXT: Final[Mapping[RunStatus, Bilingual]] = {
    "undetermined": Bilingual(
        en="The departments named send what is missing; the month is then computed anew, or made up for later.",
        zh="由所列部门补齐数据，之后重新试算或补发。",
    ),
    "excluded": Bilingual(en="Nothing is to be done: the other programme pays.", zh="无需办理：由另一项目发放。"),
    "no_run": Bilingual(
        en="Nobody has to apply: the month is computed for everybody when finance previews it.",
        zh="无需申请：财务试算该月批次时自动计算。",
    ),
    "not_in_run": Bilingual(
        en="Nobody has to apply: what would change the answer is told above, and every month is computed anew.",
        zh="无需申请：可改变结果的情形见上文，每月自动重新计算。",
    ),
}


def _of_run(run: Run) -> Bilingual:
    if run.state == "previewed":
        return Bilingual(
            en="Finance freezes the run for public notice, and a second person approves it.",
            zh="由财务冻结公示，再由第二人审批。",
        )
    if run.state == "frozen":
        return Bilingual(
            en=f"The public notice lasts until {run.notice_until}; objections are heard until then, and a second person"
            " approves it afterwards.",
            zh=f"公示至{run.notice_until}，其间可提出异议，之后由第二人审批。",
        )
    return Bilingual(en="It is about to be paid.", zh="即将支付。")


def _after_payment(owed: OwedView) -> Bilingual:
    if owed.payment == "settled":
        return Bilingual(en="Nothing is to be done: it has been paid.", zh="无需办理：已发放。")
    if owed.payment == "rejected" and owed.reason == NO_ACCOUNT:
        return _NEEDS_ACCOUNT
    if owed.payment in ("rejected", "returned", "reversed"):
        return _REPAIR
    if owed.payment == "waiting":
        return Bilingual(
            en="It is paid as soon as the account is verified.", zh="收款账户核验通过后自动支付，无需另行申请。"
        )
    return Bilingual(en="Nothing is to be done: the payment is on its way.", zh="无需办理：款项正在支付途中。")
