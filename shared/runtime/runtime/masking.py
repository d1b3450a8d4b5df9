"""Masking: numbers that belong to people, and tokens, never leave the process in a log."""

import re

MASK = "***"

_UUID_OR_TRACE = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|(?=[0-9]*[a-f])[0-9a-f]{32}"

# One pass over the text. What is certainly an identifier of ours comes first and is kept; then, whatever surrounds it:
# tokens, numbers of 15 digits or more (resident ids of both kinds, bank accounts) also in the groups people write them
# in, and mobile phone numbers.
_SENSITIVE = re.compile(
    rf"""
      (?<![0-9a-fA-F-])(?P<kept>{_UUID_OR_TRACE})(?![0-9a-fA-F])
    | \b[Bb][Ee][Aa][Rr][Ee][Rr]\s+\S+
    | eyJ[\w-]{{5,}}(?:\.[\w-]*)+
    | \d{{15,}}[Xx]?
    | (?<!\d)\d{{4}}(?:[ -]\d{{4}}){{3}}(?:[ -]?\d{{1,3}})?(?!\d)
    | (?<!\d)\d{{6}}[ -]\d{{8}}[ -]\d{{3}}[\dXx](?!\d)
    | (?<!\d)(?:\+?86[ -]?)?1[3-9]\d(?:[ -]?\d{{4}}){{2}}(?!\d)
    """,
    re.VERBOSE,
)
_SUSPICIOUS = re.compile(r"\d{3}|eyJ|[Bb][Ee][Aa][Rr][Ee][Rr]\s")


def masked(text: str) -> str:
    """The text with resident ids, accounts, phone numbers and tokens replaced by ***; UUIDs and trace ids stay."""
    if _SUSPICIOUS.search(text) is None:
        return text
    return _SENSITIVE.sub(lambda found: found["kept"] or MASK, text)
