"""How a county's bank wants to be told of payments: by events or by files, and what its files look like. Pure data."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from qingdan.ids import OpenCode, Title

Channel = Literal["event", "file"]
FileFormat = Literal["pain.001", "csv", "xlsx"]
Encoding = Literal["utf-8-sig", "gb18030"]
RowWord = Literal["settled", "rejected", "returned", "reversed"]

OrderField = Literal["seq", "payment", "payee", "account", "amount", "currency", "programme", "period"]
ResultField = Literal["seq", "payment", "amount", "currency", "status", "reason", "reference", "date", "ignored"]

CURRENCY: Final = "CNY"

_ORDER_NEEDS: Final = frozenset({"payment", "payee", "account", "amount"})
_RESULT_NEEDS: Final = frozenset({"payment", "amount", "status", "reference"})

Words = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]*$")]
FileName = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9._-]|\{bank\}|\{period\}|\{date\}|\{file\}){1,120}$")]
AccountNumber = Annotated[str, StringConstraints(pattern=r"^[0-9]{8,32}$")]


class OrderColumn(BaseModel):
    """A column of the file that goes to the bank: its title, and what stands in it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    title: Words
    field: OrderField


class ResultColumn(BaseModel):
    """A column of the file that comes back; `ignored` is read and forgotten, as names and accounts are."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    title: Words
    field: ResultField


ORDER_COLUMNS: Final = tuple(
    OrderColumn.model_validate({"title": title, "field": field})
    for title, field in (
        ("序号", "seq"),
        ("付款编号", "payment"),
        ("收款户名", "payee"),
        ("收款账号", "account"),
        ("金额", "amount"),
        ("币种", "currency"),
        ("项目", "programme"),
        ("所属期", "period"),
    )
)
RESULT_COLUMNS: Final = tuple(
    ResultColumn.model_validate({"title": title, "field": field})
    for title, field in (
        ("序号", "seq"),
        ("付款编号", "payment"),
        ("收款户名", "ignored"),
        ("收款账号", "ignored"),
        ("金额", "amount"),
        ("币种", "currency"),
        ("处理状态", "status"),
        ("失败原因", "reason"),
        ("银行流水号", "reference"),
        ("处理日期", "date"),
    )
)
STATUSES: Final[Mapping[str, RowWord]] = {
    "成功": "settled",
    "失败": "rejected",
    "退汇": "returned",
    "冲正": "reversed",
}
REASONS: Final[Mapping[str, str]] = {
    "户名不符": "name_mismatch",
    "账号不存在": "no_such_account",
    "账户已销户": "account_closed",
    "账户已冻结": "account_frozen",
    "长期不动户": "account_dormant",
}


class BankProfile(BaseModel):
    """By which channel a county's bank is paid, and how its files are written and read. Everything has a default."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    channel: Channel = "file"
    format: FileFormat = "pain.001"
    encoding: Encoding = Field("utf-8-sig", description="of CSV files; gb18030 holds every Chinese name too")
    amounts_in: Literal["yuan", "fen"] = Field("yuan", description="yuan have two decimals and a point")
    titles: bool = Field(True, description="whether a row of column titles stands before the payments")
    totals: Literal["first", "last", "none"] = Field("last", description="where the row with count and total stands")
    order_columns: Annotated[tuple[OrderColumn, ...], Field(min_length=4, max_length=40)] = ORDER_COLUMNS
    result_columns: Annotated[tuple[ResultColumn, ...], Field(min_length=4, max_length=40)] = RESULT_COLUMNS
    statuses: Annotated[Mapping[Words, RowWord], Field(min_length=1, max_length=40)] = STATUSES
    reasons: Annotated[Mapping[Words, OpenCode], Field(max_length=100)] = Field(
        REASONS, description="the bank's words for why; other words are kept as `other`, never as they are"
    )
    file_name: FileName = "{bank}-{period}-{file}"
    debtor_name: Title | None = Field(None, description="who pays, for pain.001")
    debtor_account: AccountNumber | None = Field(None, description="the county's account, for pain.001")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for columns, needed in ((self.order_columns, _ORDER_NEEDS), (self.result_columns, _RESULT_NEEDS)):
            fields = [column.field for column in columns if column.field != "ignored"]
            titles = [column.title for column in columns]
            if len(set(fields)) < len(fields) or not needed.issubset(fields):
                raise ValueError(f"each of {sorted(needed)} has one column, and no field has two")
            if len(set(titles)) < len(titles):
                raise ValueError("no two columns have the same title")
        if self.format == "pain.001" and self.channel == "file" and not (self.debtor_name and self.debtor_account):
            raise ValueError("pain.001 names the debtor and the debtor's account")
        return self


DEFAULT: Final = BankProfile(format="csv")
"""CSV in UTF-8 with a byte order mark, amounts in yuan, titles first and totals last."""
