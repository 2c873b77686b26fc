"""The time now by which old samples may be dropped: a clock that jumps ahead must not empty the journal."""

from __future__ import annotations

import json
from typing import Final

from collector._clock_trust import Trust
from dodac.clock import DAY_NS, HOUR_NS, Clock

_SLACK_NS: Final = DAY_NS
"""A clock further ahead of what is known than this has jumped: also after months without power."""
_STANDS_NS: Final = {Trust.NONE: None, Trust.FREE: 7 * DAY_NS, Trust.SYNCED: HOUR_NS}
"""So long a jump ahead must stand, while dodac runs, before it is believed: an hour where NTP leads."""


class BelievedNow:
    """Wall time that no jump of the clock gets ahead of what is known before it stood for a while.

    known_ns: a time that it was surely past when nothing is kept: of the newest sample; None when there is none.
    kept: as_text() of an earlier run. A clock that goes back is followed at once: nothing is dropped for it.
    """

    def __init__(self, clock: Clock, known_ns: int | None, kept: str = "") -> None:
        self._clock = clock
        self._seen_ns = clock.monotonic_ns()
        wall_ns = clock.now_ns()
        self._ns, self._stood_ns = _of_text(kept) or (min(wall_ns, known_ns or wall_ns), 0)

    @property
    def waits(self) -> bool:
        """True while the clock is ahead of what is believed."""
        return self._clock.now_ns() > self._ns + _SLACK_NS

    def now_ns(self, trust: Trust) -> int:
        """The time now (UTC) as far as it is believed."""
        wall_ns, turned_ns = self._clock.now_ns(), self._clock.monotonic_ns()
        passed_ns, self._seen_ns = turned_ns - self._seen_ns, turned_ns
        if wall_ns <= self._ns + passed_ns + _SLACK_NS:
            if trust is not Trust.NONE:
                self._ns = wall_ns
            self._stood_ns = 0
            return min(self._ns, wall_ns)
        self._ns += passed_ns
        self._stood_ns += passed_ns
        stands_ns = _STANDS_NS[trust]
        if stands_ns is not None and self._stood_ns >= stands_ns:
            self._ns, self._stood_ns = wall_ns, 0
        return self._ns

    def as_text(self) -> str:
        """For keeping."""
        return json.dumps({"believed_ns": self._ns, "stood_ns": self._stood_ns})


def _of_text(kept: str) -> tuple[int, int] | None:
    try:
        found = json.loads(kept)
        return int(found["believed_ns"]), int(found["stood_ns"])
    except (ValueError, KeyError, TypeError):
        return None
