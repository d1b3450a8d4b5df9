"""Pacing: a loop that works off what is there takes a breath in between, so that more is there the next time.

A turn costs much the same for one row as for fifty. Without a breath a busy machine spends itself on turns: the loop of
removal orders over three services went from 73 to 89 orders a second on two cores.
"""

from typing import Final

BREATH_MAX_S: Final = 0.025
_TIMES_THE_TURN: Final = 2.0


def breath_s(turn_s: float) -> float:
    """How long to wait after a turn that took `turn_s` seconds and found little: twice that, and 25 ms at most.

    So a loop is at work a third of its time at most, and an idle machine, whose turns are short, hardly waits.
    """
    return min(BREATH_MAX_S, _TIMES_THE_TURN * turn_s)
