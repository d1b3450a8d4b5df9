"""Whoever knows how entries are sealed can seal again what was changed; `verify` still tells, up to the lane's head."""

from collections.abc import Sequence

import asyncpg
import pytest

from qingdan.divisions import COUNTRY
from runtime import audit
from runtime.actor import Actor, Role
from runtime.db import Pool, transaction
from tests.integration.runtime.conftest import OPERATOR, SERVICE, OpenSession, Session, person, progressed

AUDITOR = person(Role.AUDITOR, COUNTRY)
LANE = 1  # of the task below
TASK = 2
ENTRIES = 6


@pytest.fixture
async def sealed(pool: Pool) -> Pool:
    """Six sealed entries in one lane."""
    for share in range(1, ENTRIES + 1):
        async with transaction(pool, OPERATOR) as tx:
            await audit.append(tx, OPERATOR, progressed(TASK, share))
    assert await audit.seal(pool, SERVICE) == ENTRIES
    async with transaction(pool, SERVICE) as tx:
        assert await tx.fetchval("SELECT array_agg(DISTINCT lane) FROM audit_entry") == [LANE]
    assert await audit.verify(pool, AUDITOR) == audit.Verdict(ENTRIES, None)
    return pool


async def tamper(session: Session, position: int) -> None:
    """Change what an entry says, with triggers switched off as only a superuser can."""
    await session.execute("SET session_replication_role = replica")
    changed = await session.execute(
        "UPDATE audit_entry SET after = replace(after, '40', '90') WHERE lane = $1 AND position = $2", LANE, position
    )
    assert changed == "UPDATE 1"


async def seal_again(session: Session, positions: Sequence[int]) -> bytes:
    """Recompute the hashes of these entries, in order; return the last."""
    last = b""
    for position in positions:
        row = await session.fetchrow("SELECT * FROM audit_entry WHERE lane = $1 AND position = $2", LANE, position)
        before = await session.fetchval(
            "SELECT hash FROM audit_entry WHERE lane = $1 AND position = $2", LANE, position - 1
        )
        assert row is not None
        last = audit.link(before or audit.GENESIS, row)
        await session.execute("UPDATE audit_entry SET hash = $2 WHERE seq = $1", row["seq"], last)
    return last


async def broken(pool: Pool) -> str:
    verdict = await audit.verify(pool, AUDITOR)
    assert verdict.broken is not None
    return verdict.broken


async def test_an_entry_that_was_changed_and_sealed_again_breaks_the_next(sealed: Pool, superuser: OpenSession) -> None:
    async with superuser() as session:
        await tamper(session, 3)
        assert (await broken(sealed)).startswith(f"lane {LANE}: entry 3 (seq")
        await seal_again(session, [3])
        assert (await broken(sealed)).startswith(f"lane {LANE}: entry 4 (seq")


@pytest.mark.parametrize("first", [1, 3, ENTRIES])
async def test_a_tail_that_was_sealed_again_does_not_fit_its_head(
    sealed: Pool, superuser: OpenSession, first: int
) -> None:
    async with superuser() as session:
        await tamper(session, first)
        await seal_again(session, range(first, ENTRIES + 1))
    assert await broken(sealed) == f"lane {LANE}: the head was changed"


async def test_a_lane_forged_up_to_its_head_holds_in_itself_and_only_a_head_noted_elsewhere_tells(
    sealed: Pool, superuser: OpenSession
) -> None:
    """What `verify` cannot know: this is why heads are to be signed and published, out of this database's reach."""
    async with superuser() as session:
        noted = await session.fetchval("SELECT hash FROM audit_head WHERE lane = $1", LANE)
        await tamper(session, 3)
        head = await seal_again(session, range(3, ENTRIES + 1))
        await session.execute("UPDATE audit_head SET hash = $2 WHERE lane = $1", LANE, head)
    assert (await audit.verify(sealed, AUDITOR)).holds
    assert head != noted


PLACED = {
    "before the first": ("-5", "entry -5"),
    "in no place": ("0", "entry 0"),
    "beside the first": ("1", "entry 1"),
    "beside the second, where a new page begins": ("2", "entry 2"),
    "beside the last": (str(ENTRIES), f"entry {ENTRIES}"),
}


@pytest.mark.parametrize("where", PLACED)
async def test_an_added_entry_is_named_wherever_it_was_put(
    sealed: Pool, superuser: OpenSession, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """With the unique index gone, as it may be for whoever can add entries; pages of two, so that each has a border."""
    monkeypatch.setattr(audit, "_VERIFIED_AT_ONCE", 2)
    position, named = PLACED[where]
    async with superuser() as session:
        await session.execute("DROP INDEX audit_entry_position")
        await session.execute(
            "INSERT INTO audit_entry (lane, at, actor, roles, action, subject, after, position, hash)"
            f" SELECT lane, at, 'somebody', roles, action, subject, after, {position}, hash FROM audit_entry"
            f" WHERE lane = {LANE} AND position = 1"
        )
    assert (await broken(sealed)).startswith(f"lane {LANE}: {named}")


async def test_entries_over_many_pages_are_walked(sealed: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    for at_once in (1, 2, 3, ENTRIES - 1, ENTRIES):
        monkeypatch.setattr(audit, "_VERIFIED_AT_ONCE", at_once)
        assert await audit.verify(sealed, AUDITOR) == audit.Verdict(ENTRIES, None)


# -- what the application itself cannot do ----------------------------------------------------------------------------


SEAL_AGAIN = "UPDATE audit_entry SET hash = decode(repeat('ab', 32), 'hex') WHERE position = 3"
UNSEAL = "UPDATE audit_entry SET position = NULL, hash = NULL WHERE position = 6"


NEVER = [
    "UPDATE audit_entry SET after = '{}'",
    "DELETE FROM audit_entry",
    "TRUNCATE audit_entry",
    "ALTER TABLE audit_entry DISABLE TRIGGER sealed_once",
    "DROP TRIGGER sealed_once ON audit_entry",
    "SET LOCAL session_replication_role = replica",
    "DELETE FROM audit_head",
]


async def attempt(pool: Pool, actor: Actor, statement: str) -> str:
    async with transaction(pool, actor) as tx:
        return await tx.execute(statement)


async def test_the_service_seals_an_entry_once_and_an_operator_none(sealed: Pool) -> None:
    for statement in (SEAL_AGAIN, UNSEAL):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="is sealed"):
            await attempt(sealed, SERVICE, statement)
        assert await attempt(sealed, OPERATOR, statement) == "UPDATE 0"
    assert await audit.verify(sealed, AUDITOR) == audit.Verdict(ENTRIES, None)


@pytest.mark.parametrize("actor", [SERVICE, OPERATOR], ids=lambda actor: actor.kind)
async def test_the_application_neither_changes_nor_removes_entries_nor_their_guard(sealed: Pool, actor: Actor) -> None:
    for statement in NEVER:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await attempt(sealed, actor, statement)
    assert await audit.verify(sealed, AUDITOR) == audit.Verdict(ENTRIES, None)


async def test_the_application_cannot_enter_what_is_sealed_already(sealed: Pool) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction(sealed, SERVICE) as tx:
            await tx.execute(
                "INSERT INTO audit_entry (lane, at, actor, roles, action, subject, after, position, hash)"
                " SELECT lane, at, app_actor(), roles, action, subject, after, 7, hash FROM audit_entry"
                " WHERE position = 6"
            )
    assert await audit.verify(sealed, AUDITOR) == audit.Verdict(ENTRIES, None)
