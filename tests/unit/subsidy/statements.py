"""Daily statements as text, so that a test changes one thing in one of them."""

from collections.abc import Sequence
from typing import Final

from subsidy.camt053_rules import NAMESPACE

ACCOUNT: Final = "6200000000000000"
DAY: Final = "2026-07-20"


def amount(fen: int, currency: str = "CNY") -> str:
    return f'<Amt Ccy="{currency}">{abs(fen) // 100}.{abs(fen) % 100:02d}</Amt>'


def balance(kind: str, fen: int, day: str = DAY) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>{amount(fen)}"
        f"<CdtDbtInd>{'CRDT' if fen >= 0 else 'DBIT'}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def entry(fen: int, payment: str = "", *, day: str = DAY, reference: str = "R-1", status: str = "PAID") -> str:
    """A movement: money that comes in is positive."""
    return (
        f"<Ntry>{amount(fen)}<CdtDbtInd>{'CRDT' if fen > 0 else 'DBIT'}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>"
        f"<BookgDt><Dt>{day}</Dt></BookgDt><AcctSvcrRef>{reference}</AcctSvcrRef>"
        f"<NtryDtls><TxDtls><Refs><EndToEndId>{payment}</EndToEndId></Refs></TxDtls></NtryDtls>"
        f"<AddtlNtryInf>{status}</AddtlNtryInf></Ntry>"
    )


def camt053(
    *entries: str, opening: int, closing: int, day: str = DAY, number: str = "", account: str = ACCOUNT
) -> bytes:
    """The file."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="{NAMESPACE}"><BkToCstmrStmt><GrpHdr><MsgId>M</MsgId>'
        f"</GrpHdr><Stmt><Id>{number or f'S-{day}'}</Id><Acct><Id><Othr><Id>{account}</Id></Othr></Id><Ccy>CNY</Ccy>"
        f"</Acct>{balance('OPBD', opening, day)}{balance('CLBD', closing, day)}{''.join(entries)}"
        "</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def of_movements(movements: Sequence[tuple[int, str]], *, opening: int, day: str = DAY) -> bytes:
    """A statement that adds up."""
    entries = [entry(fen, payment, day=day) for fen, payment in movements]
    return camt053(*entries, opening=opening, closing=opening + sum(fen for fen, _ in movements), day=day)
