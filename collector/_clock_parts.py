"""What the host clock tells: times in which it ran evenly, moments, decisions about what was wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from collector._clock_trust import Trust
from dodac.clock import Clock
from dodac.samples import Reason

_READ_NS: Final = 200_000


@dataclass(slots=True)
class Stretch:
    """A time in which wall time ran with monotonic time: from when (monotonic), their difference, the best trust.

    seq: the journal's last row when it began. Both ends reach from look to look: the jump lies somewhere between.
    after_ns, until_ns: the latest live times that were given before it and in it; live times only go forward.
    """

    begin_ns: int
    offset_ns: int
    trust: Trust
    seq: int = 0
    end_ns: int = 1 << 62
    after_ns: int = -1
    until_ns: int = 1 << 62


@dataclass(frozen=True, slots=True)
class Decision:
    """Which readings had a wrong time, and which is the right one.

    Of the boot `boot`, those taken from begin_ns to end_ns (monotonic): right = monotonic + offset_ns. Rows
    after `seq` are looked at; those that do not say their monotonic time themselves have a time after after_ns, up
    to until_ns, and were stamped monotonic + wrong_ns. unknown_only: only such as say it, and were taken without
    a good clock.
    """

    boot: str
    begin_ns: int
    end_ns: int
    offset_ns: int
    wrong_ns: int
    seq: int
    why: str
    after_ns: int = 0
    until_ns: int = 0
    unknown_only: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """What a run knew of the clock in one boot, the latest stretch last.

    pending: NTP has still to confirm the latest one against the one before. right: its time is known to be right.
    """

    boot: str
    stretches: list[Stretch]
    pending: bool = False
    right: bool = True

    def fits(self, boot: str) -> bool:
        """True where it can be gone on from: the same boot, and its clock was good."""
        return self.boot == boot and bool(self.stretches) and self.stretches[-1].trust is not Trust.NONE

    def as_text(self) -> str:
        """For keeping in the journal."""
        rows = [
            [s.begin_ns, s.offset_ns, s.trust.name, s.seq, s.end_ns, s.after_ns, s.until_ns]
            for s in self.stretches
        ]
        return json.dumps([self.boot, self.pending, self.right, rows], separators=(",", ":"))

    @classmethod
    def of_text(cls, text: str) -> Past | None:
        """What as_text() kept; None where it can't be read."""
        try:
            boot, pending, right, rows = json.loads(text)
            stretches = [Stretch(int(b), int(o), Trust[t], *map(int, rest)) for b, o, t, *rest in rows]
            return cls(str(boot), stretches, pending=bool(pending), right=bool(right))
        except (ValueError, KeyError, TypeError):
            return None


@dataclass(frozen=True, slots=True)
class Moment:
    """A live moment: monotonic time, the time to store, why it is doubtful, and the time that is right if known."""

    boot_ns: int
    time_ns: int
    doubt: Reason | None = None
    right_ns: int | None = None


def read(clock: Clock) -> tuple[int, int]:
    """Wall and monotonic time of one moment; a pause between the two reads is not taken for a jump."""
    best, least = (0, 0), 1 << 62
    for _ in range(5):
        before = clock.monotonic_ns()
        wall_ns = clock.now_ns()
        took = clock.monotonic_ns() - before
        if took < least:
            best, least = (wall_ns, before + took // 2), took
        if took < _READ_NS:
            break
    return best
