"""What is told of this computer's clock: its jumps, and that its times can't be taken as they are."""

from __future__ import annotations

from typing import Final

from collector._clock_trust import Trust
from dodac.clock import SECOND_NS
from dodac.contracts import Event, EventKind

SOURCE: Final = "clock"


def jump_event(wall_ns: int, boot_ns: int, step_ns: int, boot: str, level: Trust, words: str) -> Event:
    """Wall time moved by step_ns; words: against what."""
    seconds = step_ns / SECOND_NS
    data: dict[str, str | int | float] = {
        "jump_s": seconds,
        "boot": boot,
        "boot_ns": boot_ns,
        "trust": level.name.lower(),
    }
    text = f"wall time moved by {seconds:+.3f} s {words}"
    return Event(wall_ns, EventKind.CLOCK_JUMP, text, "collector", data=data)


def state_words(level: Trust, ahead_ns: int, tolerance_ns: int, *, right: bool) -> str:
    """What is wrong with the clock, "" for nothing; ahead_ns: how far live times are held ahead of it."""
    if level is Trust.NONE:
        return (
            "the clock of this computer is not good: readings are stored as time_unknown, with boot id and "
            "monotonic time, until NTP or a person (dodac clock) tells the time"
        )
    if ahead_ns > tolerance_ns:
        return (
            f"the clock was set back: live times are held {ahead_ns / SECOND_NS:.0f} s ahead of it "
            + ("and corrected" if right else "and flagged clock")
            + " until it has caught up"
        )
    return ""


def state_event(wall_ns: int, boot_ns: int, boot: str, words: str) -> Event:
    """The fault of the clock begins (words), or has ended ("")."""
    kind = EventKind.FAULT_START if words else EventKind.FAULT_END
    data: dict[str, str | int | float] = {"boot": boot, "boot_ns": boot_ns, "wall_ns": wall_ns}
    return Event(wall_ns, kind, words or "the clock of this computer is good again", SOURCE, data=data)
