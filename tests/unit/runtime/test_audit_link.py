"""An audit entry's hash is over its RFC 8785 form: what an auditor computes with any library for it."""

from datetime import UTC
from hashlib import sha256
from typing import Any

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from runtime.audit import GENESIS, link

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))  # what PostgreSQL stores
ENTRIES = st.fixed_dictionaries(
    {
        "seq": st.integers(1, 2**53 - 1),
        "lane": st.integers(0, 3),
        "at": st.datetimes(timezones=st.just(UTC)),
        "actor": TEXT,
        "roles": TEXT,
        "action": TEXT,
        "subject": TEXT,
        "before": st.none() | TEXT,
        "after": TEXT,
        "trace_id": st.none() | TEXT,
    }
)


@given(ENTRIES)
def test_the_hash_is_over_the_canonical_form(entry: dict[str, Any]) -> None:
    canonical = rfc8785.dumps({**entry, "at": entry["at"].isoformat()})
    assert link(GENESIS, entry) == sha256(GENESIS + canonical).digest()
