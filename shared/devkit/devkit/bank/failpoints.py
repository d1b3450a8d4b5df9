"""Named places where a test kills the bank; they do nothing unless a test sets them."""

import os
import signal
from enum import StrEnum


class Failpoint(StrEnum):
    """Every place, in the order in which the bank passes them; only with something in hand."""

    AFTER_RECEIVE = "bank.after-receive"
    IN_BOOK = "bank.in-book"
    AFTER_BOOK = "bank.after-book"
    AFTER_SEND_BEFORE_MARK = "bank.after-send-before-mark"
    AFTER_MARK = "bank.after-mark"
    AFTER_OFFSET = "bank.after-offset"


class Failpoints:
    """What is armed, written as for our services: `place=kill[@nth]`, separated by commas; each acts once.

    Raises ValueError for an unknown place or action: a fault that never happens would prove nothing.
    """

    def __init__(self, armed: str) -> None:
        self._passes_left: dict[Failpoint, int] = {}
        for entry in filter(None, (part.strip() for part in armed.split(","))):
            place, _, rest = entry.partition("=")
            action, _, nth = rest.partition("@")
            if action != "kill":
                raise ValueError(f"failpoint {place}: the bank can only kill, not {action!r}")
            self._passes_left[Failpoint(place)] = int(nth or 1)

    def hit(self, place: Failpoint) -> None:
        """Pass a place."""
        if place not in self._passes_left:
            return
        self._passes_left[place] -= 1
        if self._passes_left[place] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
