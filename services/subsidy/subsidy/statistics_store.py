"""The SQL statements that count over all tables; row-level security bounds every count to the asker's scope."""

from typing import Any, Final, get_args

from runtime.db import Tx
from subsidy.payment_rules import STATES, Account

ACCOUNTS: Final[tuple[Account, ...]] = get_args(Account)

# Paid twice: as far as our states say, and what a bank paid although another payment had taken the place.
_COUNT = """
SELECT (SELECT count(*) FROM person) AS people, (SELECT count(*) FROM household) AS households,
       run.*, entitlement.*, obligation.*, payment.*
FROM (SELECT count(*) AS runs, count(*) FILTER (WHERE state = 'closed') AS runs_closed,
             (SELECT count(*) FROM run_obliging WHERE ended_at IS NULL) AS runs_being_entered FROM run) AS run,
     (SELECT count(*) AS entitlements, count(DISTINCT programme) AS programmes_entitled
      FROM entitlement WHERE status = 'entitled') AS entitlement,
     (SELECT count(*) AS obligations, count(*) FILTER (WHERE paid = 0) AS obligations_unpaid,
             count(*) FILTER (WHERE paid > 1) AS obligations_paid_twice,
             count(*) FILTER (WHERE rejected_first AND settled > 0) AS payments_rejected_first
      FROM (SELECT count(*) FILTER (WHERE p.state = 'settled') AS settled,
                   count(*) FILTER (WHERE p.state = 'settled') + count(o.id) AS paid,
                   coalesce(bool_or(p.attempt = 1 AND p.state = 'rejected'), false) AS rejected_first
            FROM obligation b LEFT JOIN payment p ON p.obligation_id = b.id
            LEFT JOIN LATERAL (SELECT id FROM bank_oddity o
                               WHERE o.payment_id = p.id AND o.kind = 'settled_though_replaced' LIMIT 1) AS o ON true
            GROUP BY b.id) AS each) AS obligation,
     (SELECT count(*) AS payments,
             count(*) FILTER (WHERE was_unknown AND ended_on IS NOT NULL) AS payments_unknown_resolved
      FROM payment) AS payment
"""


async def count(tx: Tx) -> dict[str, Any]:
    """Every figure by its name."""
    row = await tx.fetchrow(_COUNT)
    assert row is not None  # an aggregate always has a row
    states = await tx.fetch("SELECT state, count(*) AS payments FROM payment GROUP BY state")
    lines = await tx.fetch("SELECT account, sum(amount_fen)::bigint AS fen FROM ledger_line GROUP BY account")
    odd = await tx.fetch("SELECT kind, sum(times)::bigint AS times FROM bank_oddity GROUP BY kind ORDER BY kind")
    by_account = dict.fromkeys(ACCOUNTS, 0) | {line["account"]: line["fen"] for line in lines}
    return {
        **dict(row),
        "payments_by_state": dict.fromkeys(STATES, 0) | {each["state"]: each["payments"] for each in states},
        "ledger_fen_by_account": by_account,
        "ledger_sum_fen": sum(by_account.values()),
        "paid_fen": by_account["paid"],
        "oddities": sum(each["times"] for each in odd),
        "oddities_by_kind": {each["kind"]: each["times"] for each in odd},
    }
