"""A person's account: each one that an identity names is a version; what we do and what the bank says moves it.

Nobody is paid to an account before it is in force. A first account is in force as soon as the bank says that it is the
person's. Another one later is a change: it is verified as well, cools off, and is seen by two people, unless the bank
has said that the old one is closed or the county takes the register's word. Words of a bank come late, twice and out of
order: that an account is not the person's is more than that it is, which is more than that nobody can tell, so that
every order of the same words ends in the same state.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, Literal, get_args

from qingdan.bank_events import AccountChecked
from qingdan.ids import AccountCheckId, BankCode, PersonId
from runtime.problems import Refusal

AccountState = Literal[
    "proposed",  # an identity names it; the bank has not been asked
    "asked",
    "verified",  # it is the person's, says the bank
    "unverifiable",  # the bank cannot tell: two people must
    "mismatched",  # it is not the person's, or closed, says the bank
    "in_force",
    "replaced",  # another one is in force
    "refused",  # somebody has looked, and said no
    "withdrawn",  # a newer identity names another one, or none
    "expired",  # nobody looked in time
]
OurAct = Literal["ask", "pass_over", "put_in_force", "refuse", "withdraw", "expire", "replace"]
BankWord = Literal["matches", "differs", "cannot_tell"]
Oddity = Literal[
    "unknown_check",  # nobody here asked under this id
    "not_asked",  # no bank was asked about this account
    "foreign_bank",  # another bank was asked
    "repeated",  # the same answer again
    "contradicted",  # what it answered before cannot be true as well
]
Trust = Literal[
    "renamed",  # the same account under another name
    "dormant",  # the bank has said that the old one lies dormant
]

STATES: Final[tuple[AccountState, ...]] = get_args(AccountState)
ACTS: Final[tuple[OurAct, ...]] = get_args(OurAct)
WORDS: Final[tuple[BankWord, ...]] = get_args(BankWord)
UNDER_WAY: Final[tuple[AccountState, ...]] = ("proposed", "asked", "verified", "unverifiable")
"""At most one of a person's accounts is on its way into force; the bank or people owe a word about it."""
CANDIDATES: Final[tuple[AccountState, ...]] = (*UNDER_WAY, "mismatched")
"""What an identity named last and is not in force, or is not any more: withdrawn when it names another one."""
OVER: Final[tuple[AccountState, ...]] = ("replaced", "refused", "withdrawn", "expired")
LOOKED_AT: Final[tuple[AccountState, ...]] = ("verified", "unverifiable")
"""What can wait for people."""

NOT_STATED: Final = "not_stated"
CANNOT_CHECK: Final = "bank_cannot_check"
"""Why an account is unverifiable, when its bank is one that answers no such question."""


class NotWaitingForEyes(Refusal):
    """This account does not wait for anybody to look at it. 该账户当前无需人工确认。

    The bank has not answered yet, or it is decided already. 银行尚未答复，或已有结论。
    """

    status = 409


class SamePersonTwice(Refusal):
    """You have confirmed this account already: somebody else must be the second. 您已确认过该账户，须由另一人复核。"""

    status = 403


class AboutYourself(Refusal):
    """This account is your own: others must look at it. 该账户为您本人账户，须由他人确认。"""

    status = 403


@dataclass(frozen=True, slots=True)
class Step:
    """What one act or word does to an account: its next state (None: it cannot be done), and what is odd about it."""

    state: AccountState | None
    oddity: Oddity | None = None


def _row(state: AccountState, **steps: Step) -> dict[OurAct | BankWord, Step]:
    """A row of the table: an act that is not named cannot be done, a word that is not named changes nothing."""
    ours: dict[OurAct | BankWord, Step] = {act: steps.get(act, Step(None)) for act in ACTS}
    return ours | {word: steps.get(word, Step(state)) for word in WORDS}


_OUT: Final = {"withdraw": Step("withdrawn"), "refuse": Step("refused"), "expire": Step("expired")}

TABLE: Final[Mapping[AccountState, Mapping[OurAct | BankWord, Step]]] = {
    "proposed": _row("proposed", ask=Step("asked"), pass_over=Step("unverifiable"), withdraw=Step("withdrawn")),
    "asked": _row(
        "asked",
        ask=Step("asked"),  # once more, under the same id
        withdraw=Step("withdrawn"),
        matches=Step("verified"),
        differs=Step("mismatched"),
        cannot_tell=Step("unverifiable"),
    ),
    "verified": _row(
        "verified",
        **_OUT,
        put_in_force=Step("in_force"),
        matches=Step("verified", "repeated"),
        differs=Step("mismatched", "contradicted"),
    ),
    "unverifiable": _row(
        "unverifiable",
        **_OUT,
        put_in_force=Step("in_force"),
        matches=Step("verified"),
        differs=Step("mismatched"),
        cannot_tell=Step("unverifiable", "repeated"),
    ),
    "mismatched": _row(
        "mismatched",
        withdraw=Step("withdrawn"),
        matches=Step("mismatched", "contradicted"),
        differs=Step("mismatched", "repeated"),
    ),
    "in_force": _row(
        "in_force",
        withdraw=Step("withdrawn"),
        replace=Step("replaced"),
        matches=Step("in_force", "repeated"),
        differs=Step("mismatched", "contradicted"),  # nothing more goes there; what went is for people to look into
    ),
    **{state: _row(state) for state in OVER},
}
"""Every state and everything that can befall it; what is over stays over, and a late answer to it is nothing odd."""


# -- what an identity names -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Named:
    """What an identity names, as keyed hashes: the account, and the account with its owner's name."""

    account_hash: bytes = field(repr=False)
    owner_hash: bytes = field(repr=False)
    last_four: str


@dataclass(frozen=True, slots=True)
class Version:
    """One of a person's accounts. Hashes are None when they were never read."""

    id: AccountCheckId
    number: int
    state: AccountState
    owner_hash: bytes | None = field(repr=False)
    was_in_force: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """What comes of an identity that was read: versions that are withdrawn, one that it is the newest seal of, or a new
    one, by its number; change: another account was in force before."""

    withdrawn: tuple[AccountCheckId, ...] = ()
    same: AccountCheckId | None = None
    proposed: int | None = None
    change: bool = False


def read(versions: Sequence[Version], named: Named | None) -> Reading:
    """What the newest identity of a person comes to; named is None when it names no account.

    versions: all of the person, by number. What the bank said no to, or nobody looked at, is tried again when an
    identity names it anew; what somebody refused is not. Who names no account any more is paid to none.
    """
    if named is None:
        return Reading(withdrawn=tuple(each.id for each in versions if _can_be_withdrawn(each)))
    candidate = next((each for each in versions if each.state in UNDER_WAY), None)
    in_force = next((each for each in versions if each.state == "in_force"), None)
    others = tuple(each.id for each in versions if each.state in CANDIDATES)
    if in_force is not None and in_force.owner_hash == named.owner_hash:
        return Reading(withdrawn=others, same=in_force.id)
    if candidate is not None and candidate.owner_hash == named.owner_hash:
        return Reading(same=candidate.id)
    newest = versions[-1] if versions else None
    if newest is not None and newest.state == "refused" and newest.owner_hash == named.owner_hash:
        return Reading()
    return Reading(
        withdrawn=others,
        proposed=newest.number + 1 if newest else 1,
        change=any(each.was_in_force for each in versions),
    )


def _can_be_withdrawn(version: Version) -> bool:
    return TABLE[version.state]["withdraw"].state is not None


# -- what a bank says of it -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the bank's words meet it. bank is None for one that no bank was asked about."""

    id: AccountCheckId
    person: PersonId
    state: AccountState
    is_change: bool
    bank: BankCode | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Odd:
    """Something a bank said of an account that does not fit; check may be nobody's."""

    kind: Oddity
    bank: BankCode
    check: AccountCheckId
    said: BankWord


@dataclass(slots=True)
class Heard:
    """What a run of answers comes to: accounts as they are left, in the order of persons."""

    changed: list[Account]
    odd: list[Odd]

    def digest(self) -> str:
        """SHA-256 over what became of these accounts, for the audit trail: one entry seals them all."""
        lines = (f"{account.id} {account.state} {account.reason}\n" for account in self.changed)
        return sha256("".join(lines).encode()).hexdigest()


def hear(accounts: Iterable[Account], answers: Iterable[AccountChecked]) -> Heard:
    """Weigh answers in their order, against the accounts that they name as far as there are any."""
    before = {account.id: account for account in accounts}
    known, heard = dict(before), Heard([], [])
    for answer in answers:
        account, word = known.get(answer.check), word_of(answer)
        if (mismatch := _mismatch(account, answer)) is not None or account is None:
            heard.odd.append(Odd(mismatch or "unknown_check", answer.bank, answer.check, word))
            continue
        step = TABLE[account.state][word]
        if step.oddity is not None:
            heard.odd.append(Odd(step.oddity, answer.bank, answer.check, word))
        state = step.state or account.state
        if word == "matches" and state == "verified" and not account.is_change:
            state = "in_force"
        if state != account.state:
            reason = None if word == "matches" else (answer.reason or NOT_STATED)
            known[account.id] = replace(account, state=state, reason=reason)
    heard.changed = sorted(
        (known[each] for each in known if known[each] != before[each]), key=lambda one: (one.person, one.id)
    )
    return heard


def word_of(answer: AccountChecked) -> BankWord:
    """The word that an answer comes down to."""
    if answer.owner_matches is None:
        return "cannot_tell"
    return "matches" if answer.owner_matches else "differs"


def _mismatch(account: Account | None, answer: AccountChecked) -> Oddity | None:
    if account is None:
        return "unknown_check"
    if account.bank is None:
        return "not_asked"
    return None if account.bank == answer.bank else "foreign_bank"


# -- what people say of it --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Candidate:
    """An account that may wait for people, with all that decides what becomes of it.

    cooled_at: from when on it can be in force; None before the bank's word. old_is_closed: the bank has said so of the
    account in force. trusted: the county takes the register's word for such a change.
    """

    id: AccountCheckId
    person: PersonId
    state: AccountState
    is_change: bool
    proposed_at: datetime
    cooled_at: datetime | None
    confirmed_by: str | None
    second_by: str | None
    old_is_closed: bool
    trusted: bool


def eyes_missing(candidate: Candidate) -> int:
    """How many people must still look at it (0 to 2). A bank that cannot tell leaves it to two, whatever else is."""
    needed = 2 if candidate.state == "unverifiable" else 2 * candidate.is_change
    if candidate.state == "verified" and (candidate.old_is_closed or candidate.trusted):
        needed = 0
    return max(0, needed - (candidate.confirmed_by is not None) - (candidate.second_by is not None))


def confirm(candidate: Candidate, subject: str) -> Candidate:
    """Somebody of finance has looked. Raises NotWaitingForEyes, SamePersonTwice, AboutYourself."""
    _can_be_looked_at(candidate, subject)
    if not eyes_missing(candidate):
        raise NotWaitingForEyes(state=candidate.state)
    if candidate.confirmed_by is None:
        return replace(candidate, confirmed_by=subject)
    if candidate.confirmed_by == subject:
        raise SamePersonTwice()
    return replace(candidate, second_by=subject)


def refuse(candidate: Candidate, subject: str) -> Candidate:
    """Somebody of finance says no. Raises NotWaitingForEyes, AboutYourself."""
    _can_be_looked_at(candidate, subject)
    return replace(candidate, state="refused")


def settle(candidate: Candidate, *, now: datetime, expires: timedelta) -> AccountState:
    """What becomes of it now: in force, expired, or what it was."""
    if candidate.state not in LOOKED_AT or candidate.cooled_at is None:
        return candidate.state
    if not eyes_missing(candidate):
        return "in_force" if candidate.cooled_at <= now else candidate.state
    return "expired" if candidate.proposed_at + expires <= now else candidate.state


def _can_be_looked_at(candidate: Candidate, subject: str) -> None:
    if candidate.state not in LOOKED_AT:
        raise NotWaitingForEyes(state=candidate.state)
    if str(candidate.person) in subject:
        raise AboutYourself()
