"""Who is entitled and does not receive: why not, who owes what, and what helps; services find people."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args
from uuid import UUID

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import DepartmentCode, FactName, ProgrammeCode, RunId
from qingdan.subsidy_events import Period
from runtime.problems import Bilingual, NotFound, Refusal
from subsidy.run_rules import RunState
from subsidy.vocabulary_rules import BY_NAME
from subsidy.why_facts_rules import owed_by
from subsidy.why_titles_rules import Said, department, said, title, yuan

Reason = Literal[
    "no_payee",
    "no_account",
    "account_not_verified",
    "held",
    "rejected",
    "returned",
    "reversed",
    "undetermined",
    "excluded_for_less",
]
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)

EXPORTED_MAX: Final = 20_000


class NoRunHere(NotFound):
    """There is no run of this county that you may see. 没有您可查看的本县发放批次。

    Above a county, name the run. 县级以上请指明批次。
    """


class TooManyToExport(Refusal):
    """These are too many for one file. 数量过多，无法导出为一个文件。

    Name a township or a village, or one reason. 请指明乡镇、村或一种原因。
    """

    status = 422


@dataclass(frozen=True, slots=True)
class RunNamed:
    """The run whose entitlements are looked at."""

    id: RunId
    period: Period
    state: RunState
    programme_version: int

    @property
    def early(self) -> bool:
        """Whether nothing of it has been paid yet, so that who could not be is only foreseen."""
        return self.state in ("previewed", "frozen")


class UnclaimedView(BaseModel):
    """An entitlement, or what may be one, that does not reach whom it is for; by opaque ids."""

    run: RunId
    period: Period
    programme: ProgrammeCode
    beneficiary: UUID
    occurrence: str
    kind: Literal["person", "household"]
    division: DivisionCode
    department: DepartmentCode
    amount_fen: int | None
    reason: Reason
    bank_reason: str | None = Field(description="why the bank rejected or returned it")
    missing: list[FactName]
    owed_by: list[DepartmentCode] = Field(description="departments that owe the missing facts")
    excluded_by: ProgrammeCode | None
    winner_fen: int | None = Field(description="what the programme pays for which this stands back")
    said: Said
    next: Said = Field(description="what helps, and who does it")

    @property
    def position(self) -> tuple[str, UUID, str]:
        """Its place in the list, where the next page begins."""
        return self.programme, self.beneficiary, self.occurrence


class ReasonCount(BaseModel):
    """How many do not receive, for one reason, of one department's programmes."""

    reason: Reason
    department: DepartmentCode
    entitlements: int
    amount_fen: int = Field(description="as far as it is known")


class OwedCount(BaseModel):
    """How many wait for facts that a department owes; who waits for several is counted with each."""

    department: DepartmentCode
    entitlements: int


class UndeterminedView(BaseModel):
    """How many cases of a programme could not be decided for want of the same facts."""

    run: RunId
    period: Period
    programme: ProgrammeCode
    department: DepartmentCode
    missing: list[FactName]
    owed_by: list[DepartmentCode] = Field(description="departments that owe the missing facts")
    cases: int
    said: Said
    next: Said = Field(description="what helps, and who does it")
    digest: str = Field(exclude=True)

    @property
    def position(self) -> tuple[str, str]:
        """Its place in the list, where the next page begins."""
        return self.programme, self.digest


class UnclaimedCounts(BaseModel):
    """Counts in the asker's scope."""

    run: RunId
    period: Period
    division: DivisionCode
    reasons: list[ReasonCount]
    owed_by: list[OwedCount]


_SAID: Final[Mapping[Reason, Bilingual]] = {
    "no_payee": Bilingual(en="Nobody is known who could receive it", zh="没有可收款的人"),
    "no_account": Bilingual(en="There is no account to pay it to", zh="没有可用的收款账户"),
    "account_not_verified": Bilingual(en="Its account is still being verified", zh="收款账户尚在核验"),
    "held": Bilingual(en="It is held until somebody decides", zh="已暂停发放，等待处理"),
    "rejected": Bilingual(en="The bank refused the payment", zh="银行拒付"),
    "returned": Bilingual(en="The money came back", zh="款项被退回"),
    "reversed": Bilingual(en="The bank took the money back", zh="款项被银行冲回"),
    "undetermined": Bilingual(en="It could not be decided", zh="尚不能确定"),
    "excluded_for_less": Bilingual(en="It stands back for a programme that pays less", zh="因享受金额较低的项目而不发"),
}
_NEXT: Final[Mapping[Reason, Bilingual]] = {
    "no_payee": Bilingual(
        en="Visit the household and have its head registered with the police station.",
        zh="请入户核实，并到派出所登记户主。",
    ),
    "no_account": Bilingual(
        en="Help them to have the social card's account opened or registered; finance then pays it.",
        zh="请协助办理或登记社保卡账户，之后由财务支付。",
    ),
    "account_not_verified": Bilingual(
        en="It is paid as soon as the account is verified; look at it when that takes long.",
        zh="账户核验通过后即自动支付；如久未通过，请查看账户核验情况。",
    ),
    "held": Bilingual(
        en="Finance, or the inspection that doubts, decides; the list of holds says what each waits for.",
        zh="由财务或提出存疑的督查处理；暂停发放列表说明各项等待什么。",
    ),
    "rejected": Bilingual(en="Correct what the reason names; finance pays again.", zh="请按原因更正，由财务重新支付。"),
    "returned": Bilingual(en="Check the account with them; finance pays again.", zh="请核对账户，由财务重新支付。"),
    "reversed": Bilingual(en="Finance asks the bank why, and pays again.", zh="由财务向银行查明原因后重新支付。"),
    "undetermined": Bilingual(
        en="The departments named send what is missing; nobody has to bring a certificate.",
        zh="由所列部门补齐数据，群众无需开具证明。",
    ),
    "excluded_for_less": Bilingual(
        en="The department checks which of the two the household would rather have.",
        zh="请主管部门核实该户宜享受哪一项。",
    ),
}


def unclaimed_view(run: RunNamed, row: Mapping[str, Any]) -> UnclaimedView:
    """A row as it is answered."""
    missing = [*(row["missing"] or ())]
    owing = departments_owing(missing)
    reason: Reason = row["reason"]
    words = _SAID[reason]
    return UnclaimedView.model_validate(
        {
            **row,
            "run": run.id,
            "period": run.period,
            "missing": missing,
            "owed_by": owing,
            "said": said(_detailed(words, row, missing)),
            "next": said(_NEXT[reason]),
        }
    )


def undetermined_view(run: RunNamed, row: Mapping[str, Any]) -> UndeterminedView:
    """A row as it is answered."""
    missing = [*row["missing"]]
    return UndeterminedView.model_validate(
        {
            **row,
            "run": run.id,
            "period": run.period,
            "owed_by": departments_owing(missing),
            "said": said(_detailed(_SAID["undetermined"], {"excluded_by": None, "bank_reason": None}, missing)),
            "next": said(_NEXT["undetermined"]),
        }
    )


def departments_owing(missing: Iterable[str]) -> list[str]:
    """The departments that owe these facts, each once, by code."""
    return sorted({owed_by(BY_NAME[name])[1] for name in missing if name in BY_NAME})


def facts_and_departments() -> tuple[list[str], list[str]]:
    """Every fact of the vocabulary, and who owes it when it is missing."""
    return [*BY_NAME], [owed_by(fact)[1] for fact in BY_NAME.values()]


def _detailed(words: Bilingual, row: Mapping[str, Any], missing: Sequence[str]) -> Bilingual:
    if missing:
        facts = [(title(BY_NAME[name]), department(owed_by(BY_NAME[name])[1])) for name in missing if name in BY_NAME]
        return Bilingual(
            en=f"{words.en}: {'; '.join(f'“{t.en}” is owed by {d.en}' for t, d in facts)}.",
            zh=f"{words.zh}：{'；'.join(f'“{t.zh}”尚缺，须由{d.zh}提供' for t, d in facts)}。",
        )
    if row["excluded_by"] is not None:
        return Bilingual(
            en=f"{words.en}: {row['excluded_by']} pays {yuan(row['winner_fen'])} yuan instead of"
            f" {yuan(row['amount_fen'])}.",
            zh=f"{words.zh}：{row['excluded_by']}发{yuan(row['winner_fen'])}元，本项为{yuan(row['amount_fen'])}元。",
        )
    if row["bank_reason"]:
        return Bilingual(en=f"{words.en} ({row['bank_reason']}).", zh=f"{words.zh}（{row['bank_reason']}）。")
    return Bilingual(en=f"{words.en}.", zh=f"{words.zh}。")


COLUMNS: Final = (
    *("period", "division", "programme", "kind", "beneficiary", "occurrence", "amount_yuan"),
    *("reason", "why_zh", "next_zh", "why_en", "next_en", "owed_by"),
)


def write_csv(views: Iterable[UnclaimedView]) -> str:
    """The list as CSV (RFC 4180) with a header; people and households by their opaque ids."""
    lines = _Lines()
    out = csv.writer(lines)
    out.writerow(COLUMNS)
    for each in views:
        amount = "" if each.amount_fen is None else yuan(each.amount_fen).replace(",", "")
        row = [
            *(each.period, each.division, each.programme, each.kind, each.beneficiary, each.occurrence, amount),
            *(each.reason, each.said.zh, each.next.zh, each.said.en, each.next.en, " ".join(each.owed_by)),
        ]
        out.writerow([_harmless(str(cell)) for cell in row])
    return "".join(lines.written)


class _Lines:
    """What the writer of the standard library writes to."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, line: str) -> None:
        self.written.append(line)


def _harmless(cell: str) -> str:
    """A spreadsheet takes a cell that begins so for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
