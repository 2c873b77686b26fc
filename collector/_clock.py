"""The host's clock as the collector uses it: jumps are seen and told, live time never goes back."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from collector._clock_parts import Decision, Moment, Past, Stretch, read
from collector._clock_trust import Trust
from collector._clock_words import jump_event, state_event, state_words
from dodac.clock import SECOND_NS, Clock
from dodac.contracts import Event
from dodac.samples import Reason

JUMP_NS: Final = SECOND_NS // 10
"""Wall time that steps away from monotonic time by more than this is a jump; what NTP slews stays below."""
TOLERANCE_NS: Final = 2 * SECOND_NS
"""Live times that are held back by less than this are good all the same."""
_NOISE_NS: Final = 1_000_000
_SLOWER: Final = 10
_LOOK_NS: Final = SECOND_NS
_SAME_NS: Final = 60 * SECOND_NS
_ALERT_NS: Final = 120 * SECOND_NS

Report = Callable[[Event], None]


class HostClock:
    """Watches wall against monotonic time; any thread may call it.

    trust: how far a wall time is believed. floor_ns: the newest live time that is stored and stands; peak_ns: with
    those that were corrected since. past: what an earlier
    run in this boot knew. seq: the journal's last row now. report: takes events; decide: takes decisions, after
    the event that tells of them; note: is called when `past` is another than before, at once.

    Live time is wall time while that is believed and goes forward. After a step back it runs on from the
    latest time at a tenth of the speed until wall time has caught up; without a good clock it runs on from
    the newest stored time. What differs from wall time by more than TOLERANCE_NS is doubtful.
    """

    def __init__(
        self,
        clock: Clock,
        trust: Callable[[int], Trust],
        *,
        boot: str = "",
        floor_ns: int = 0,
        peak_ns: int = 0,
        past: Past | None = None,
        seq: Callable[[], int] = lambda: 0,
        report: Report = lambda _: None,
        decide: Callable[[Decision], None] = lambda _: None,
        note: Callable[[], None] = lambda: None,
    ) -> None:
        self.boot = boot
        self.jumps = 0
        self._clock = clock
        self._trust_of = trust
        self._seq = seq
        self._report = report
        self._decide = decide
        self._note = note
        self._floor_ns, peak_ns = floor_ns, max(floor_ns, peak_ns)
        self._past = past if past is not None and past.fits(boot) else None
        self._lock = threading.RLock()
        wall_ns, boot_ns = read(clock)
        self._offset_ns = wall_ns - boot_ns
        # earlier settings of the clock: from, to (monotonic), wall time minus monotonic time
        self._earlier: deque[tuple[int, int, int]] = deque(maxlen=16)
        self._set_ns = boot_ns
        self._pending: Stretch | None = None
        self._jumped_ns = boot_ns - _ALERT_NS
        self._peak_ns, self._held_from_ns, self._speed = peak_ns, boot_ns, _SLOWER
        self._right = True
        self._faulty = ""
        self._looked_ns = self._seen_ns = boot_ns
        self._wall_ns = wall_ns
        self._doubtful, self._uneasy = False, True
        self._stretches = [Stretch(boot_ns, self._offset_ns, Trust.NONE, seq())]
        level = trust(wall_ns)
        if self._past is None and level is not Trust.SYNCED and wall_ns < floor_ns - TOLERANCE_NS:
            level = Trust.NONE
        self._level = self._stretches[0].trust = level
        if level is Trust.NONE:
            self._lose(max(peak_ns, wall_ns), boot_ns)
        elif wall_ns < peak_ns:
            self._right = level is Trust.SYNCED or wall_ns >= floor_ns
            self._doubtful = self._uneasy = True
        self._began = wall_ns, boot_ns
        if self._past is not None:
            self._earlier.extend(
                (s.begin_ns, min(s.end_ns, boot_ns), s.offset_ns) for s in self._past.stretches
            )
        self._kept: tuple[object, ...] = ()

    @property
    def trust(self) -> Trust:
        """The trust in the clock at the last look."""
        return self._level

    @property
    def offset_ns(self) -> int:
        """Wall time minus monotonic time at the last look."""
        return self._offset_ns

    def start(self) -> None:
        """Tells what is wrong from the start."""
        with self._lock:
            wall_ns, boot_ns = self._began
            if self._past is not None and self._level is not Trust.NONE:
                self._take_up(self._past, wall_ns, boot_ns)
            elif self._level is not Trust.NONE and self._floor_ns - wall_ns > JUMP_NS:
                self._tell_jump(wall_ns, boot_ns, wall_ns - self._floor_ns, "since the last run")
            self._tell_state(wall_ns, boot_ns)
            self._keep()

    @property
    def past(self) -> Past:
        """What a later run in this boot has to know."""
        with self._lock:
            return Past(
                self.boot, list(self._stretches), pending=self._pending is not None, right=self._right
            )

    @property
    def alert(self) -> bool:
        """True while times that wall time gives can't be taken as they are."""
        if not self._uneasy:
            return False
        with self._lock:
            self._uneasy = self._doubtful or self._clock.monotonic_ns() - self._jumped_ns < _ALERT_NS
            return self._uneasy

    def look(self) -> int:
        """Compares wall and monotonic time; gives the number of jumps so far."""
        if not self._uneasy:
            # the plain case, for every sample: no lock
            boot_ns, wall_ns = self._clock.monotonic_ns(), self._clock.now_ns()
            even = -_NOISE_NS < wall_ns - boot_ns - self._offset_ns < _NOISE_NS
            if even and wall_ns >= self._wall_ns and boot_ns - self._looked_ns < _LOOK_NS:
                self._seen_ns, self._wall_ns = boot_ns, wall_ns
                return self.jumps
        with self._lock:
            wall_ns, boot_ns = read(self._clock)
            step_ns = wall_ns - boot_ns - self._offset_ns
            if abs(step_ns) > JUMP_NS:
                self._jump(wall_ns, boot_ns, step_ns)
            else:
                # NTP slews by up to a tenth: wall time then still goes forward
                if wall_ns < self._wall_ns or step_ns < -_NOISE_NS - (boot_ns - self._seen_ns) // 10:
                    self._hold()
                # slow drift is followed, so that a year of slewing is never taken for a jump
                self._offset_ns += step_ns
                self._stretches[-1].offset_ns = self._offset_ns
            self._seen_ns, self._wall_ns = boot_ns, wall_ns
            if abs(step_ns) > JUMP_NS or boot_ns - self._looked_ns >= _LOOK_NS:
                self._looked_ns = boot_ns
                self._judge(wall_ns, boot_ns)
            if self._doubtful and self._level is not Trust.NONE and wall_ns >= self._held(boot_ns):
                self._doubtful, self._right = False, True
                self._tell_state(wall_ns, boot_ns)
            self._keep()
            return self.jumps

    def live(self, stamp_ns: int) -> Moment | None:
        """What becomes of a time that wall time gave just now; None when it is good as it is.

        The caller has looked before.
        """
        if not self.alert:
            return None
        with self._lock:
            now_ns = self._clock.monotonic_ns()
            boot_ns = stamp_ns - self._offset_ns
            if not now_ns - _SAME_NS <= boot_ns <= now_ns + _NOISE_NS:
                # taken before a jump that was just seen?
                for _, _, offset_ns in list(self._earlier)[-1:-5:-1]:
                    if now_ns - _SAME_NS <= stamp_ns - offset_ns <= now_ns + _NOISE_NS:
                        boot_ns = stamp_ns - offset_ns
                        break
            boot_ns = min(boot_ns, now_ns)
            right_ns = boot_ns + self._offset_ns
            if self._level is Trust.NONE:
                # what was taken before the clock was lost has its place before the rest
                time_ns = stamp_ns if boot_ns < self._held_from_ns else self._held(boot_ns)
                return Moment(boot_ns, time_ns, Reason.TIME_UNKNOWN)
            if right_ns > stamp_ns and boot_ns != stamp_ns - self._offset_ns:
                return Moment(boot_ns, right_ns)  # stamped just before the clock went forward
            if not self._doubtful or boot_ns < self._held_from_ns:
                return None
            time_ns = self._held(boot_ns)
            if right_ns >= time_ns:
                return None
            if time_ns - right_ns <= TOLERANCE_NS:
                return Moment(boot_ns, time_ns)
            return Moment(boot_ns, time_ns, Reason.CLOCK, right_ns if self._right else None)

    def since(self, wall_ns: int) -> int:
        """When that was by the clock as it is set now: a time that it gave in this boot, before a jump or after."""
        with self._lock:
            if not self._set_ns <= wall_ns - self._offset_ns <= self._clock.monotonic_ns():
                for begin_ns, end_ns, offset_ns in reversed(self._earlier):
                    if begin_ns - SECOND_NS <= wall_ns - offset_ns <= end_ns:
                        step_ns = self._offset_ns - offset_ns
                        # what a slewed clock drifts is no reason to tell another time than the event's own
                        return wall_ns + step_ns if abs(step_ns) > JUMP_NS else wall_ns
            return wall_ns

    # ---- inside, with the lock

    def _take_up(self, past: Past, wall_ns: int, boot_ns: int) -> None:
        """Goes on from an earlier run in this boot; wall time that moved since is a jump like any other."""
        old = past.stretches[-1]
        self._stretches = list(past.stretches)
        self._pending = self._stretches[-2] if past.pending and len(self._stretches) > 1 else None
        step_ns = wall_ns - boot_ns - old.offset_ns
        if abs(step_ns) <= JUMP_NS:
            old.offset_ns += step_ns
            self._right = past.right or self._level is Trust.SYNCED or wall_ns >= self._floor_ns
            self._judge(wall_ns, boot_ns)
            return
        self._offset_ns, self._level = old.offset_ns, old.trust
        self._jump(wall_ns, boot_ns, step_ns, "since the last run", self._peak_ns)
        self._doubtful = self._uneasy = wall_ns < self._peak_ns

    def _keep(self) -> None:
        latest = self._stretches[-1]
        known = (len(self._stretches), latest.begin_ns, latest.trust, self._pending is None, self._right)
        if known != self._kept:
            self._kept = known
            self._note()

    def _held(self, boot_ns: int) -> int:
        return self._peak_ns + (boot_ns - self._held_from_ns) // self._speed

    def _given(self) -> int:
        """The latest live time that may have been given until the look before this one."""
        wall_ns = self._seen_ns + self._offset_ns
        if self._level is Trust.NONE:
            return self._held(self._seen_ns)
        return max(wall_ns, self._held(self._seen_ns)) if self._doubtful else wall_ns

    def _hold(self, peak_ns: int | None = None) -> None:
        """Live time goes on slowly from the latest that was given: that of the look before this one.

        Between the two lies the jump; what was stamped there has its place by its monotonic time.
        """
        from_ns, peak_ns = self._seen_ns, self._given() if peak_ns is None else peak_ns
        self._peak_ns, self._held_from_ns, self._speed = peak_ns, from_ns, _SLOWER
        self._doubtful = self._uneasy = True

    def _lose(self, from_ns: int, boot_ns: int) -> None:
        """Nobody knows the time: what is stored runs on from the newest known one, at full speed."""
        self._peak_ns, self._held_from_ns, self._speed = from_ns, boot_ns, 1
        self._doubtful = self._uneasy = True

    def _jump(
        self,
        wall_ns: int,
        boot_ns: int,
        step_ns: int,
        words: str = "against monotonic time",
        given_ns: int | None = None,
    ) -> None:
        old = self._stretches[-1]
        old_offset_ns = self._offset_ns
        given_ns = self._given() if given_ns is None else given_ns
        if self._level is not Trust.NONE and step_ns < 0:
            self._hold(given_ns)
        self._earlier.append((self._set_ns, boot_ns, old_offset_ns))
        self._set_ns = self._seen_ns
        self._offset_ns = wall_ns - boot_ns
        self._jumped_ns, self._pending, self._uneasy = boot_ns, None, True
        self.jumps += 1
        self._tell_jump(wall_ns, boot_ns, step_ns, words)
        level = self._trust_of(wall_ns)
        old.end_ns, old.until_ns = boot_ns, given_ns
        self._stretches.append(Stretch(self._seen_ns, self._offset_ns, level, self._seq(), after_ns=given_ns))
        del self._stretches[:-16]
        if self._level is Trust.NONE:
            return  # _judge sees whether it is good now
        if level is Trust.NONE:
            latest_ns = self._seen_ns + old_offset_ns
            if self._doubtful:
                latest_ns = max(latest_ns if step_ns > 0 else 0, self._held(self._seen_ns))
            self._level = level
            self._lose(latest_ns, self._seen_ns)
            self._tell_state(wall_ns, boot_ns)
            return
        self._right = False
        near_ns = min(TOLERANCE_NS if level > old.trust else _SAME_NS, abs(step_ns) // 10)
        near = [s for s in self._stretches[-3::-1] if abs(s.offset_ns - self._offset_ns) <= near_ns]
        back = min(near, key=lambda s: abs(s.offset_ns - self._offset_ns), default=None)
        if back is not None and level >= old.trust:
            at = self._stretches.index(back)
            for wrong in self._stretches[at + 1 : -1]:
                self._wrong(wrong, boot_ns, "the clock went there and back")
            # what is moved to the new setting is of it
            latest = self._stretches[-1]
            latest.begin_ns, latest.seq = self._stretches[at + 1].begin_ns, self._stretches[at + 1].seq
            del self._stretches[at + 1 : -1]
            if (
                abs(back.offset_ns - self._offset_ns) <= JUMP_NS
            ):  # the same again; else it has still to be confirmed
                trust = max(back.trust, level)
                self._stretches[at:] = [
                    Stretch(back.begin_ns, self._offset_ns, trust, back.seq, after_ns=back.after_ns)
                ]
            self._right = True
        elif old.trust is Trust.FREE and level is Trust.SYNCED and abs(step_ns) > TOLERANCE_NS:
            self._set_by_ntp(boot_ns, "NTP has set a clock that ran on its own")
            self._right = True
        elif old.trust is Trust.FREE and abs(step_ns) > TOLERANCE_NS:
            self._pending = old
        self._level = level
        if self._doubtful:
            self._tell_state(wall_ns, boot_ns)

    def _set_by_ntp(self, now_ns: int, why: str) -> None:
        """All that ran on its own before the latest stretch, one setting after another, and elsewhere, was wrong."""
        while len(self._stretches) > 1 and self._stretches[-2].trust is Trust.FREE:
            free = self._stretches.pop(-2)
            if abs(free.offset_ns - self._offset_ns) > TOLERANCE_NS:
                self._wrong(free, now_ns, why)

    def _wrong(self, wrong: Stretch, now_ns: int, why: str) -> None:
        end_ns, until_ns = min(wrong.end_ns, now_ns), min(wrong.until_ns, self._given())
        self._decide(
            Decision(
                self.boot,
                wrong.begin_ns,
                end_ns,
                self._offset_ns,
                wrong.offset_ns,
                wrong.seq,
                why,
                wrong.after_ns,
                until_ns,
            )
        )

    def _judge(self, wall_ns: int, boot_ns: int) -> None:
        level = self._trust_of(wall_ns)
        latest = self._stretches[-1]
        latest.trust = max(latest.trust, level)
        if self._level is not Trust.NONE:
            # one that NTP leads no more goes on by itself; it was set
            self._level = max(level, Trust.FREE)
            before, self._pending = self._pending, None if level is Trust.SYNCED else self._pending
            if before is not None and level is Trust.SYNCED:
                self._set_by_ntp(boot_ns, "NTP confirms a clock that was set")
                if self._doubtful:
                    self._wrong(latest, boot_ns, "NTP confirms the time that was doubtful")
                self._right = True
            return
        held_ns = self._held(boot_ns)
        if level is Trust.NONE or (level is Trust.FREE and wall_ns < held_ns - TOLERANCE_NS):
            return
        if wall_ns < held_ns:
            self._hold()
        self._level = level
        begin_ns = min(s.begin_ns for s in self._stretches)
        seq = self._stretches[0].seq
        self._stretches = [Stretch(boot_ns, self._offset_ns, level, self._seq(), after_ns=held_ns)]
        self._doubtful, self._right, self._uneasy = wall_ns < held_ns, True, True
        self._tell_state(wall_ns, boot_ns)
        self._decide(
            Decision(
                self.boot,
                begin_ns,
                boot_ns,
                self._offset_ns,
                self._offset_ns,
                seq,
                "the clock is good now",
                unknown_only=True,
            )
        )

    def _tell_jump(self, wall_ns: int, boot_ns: int, step_ns: int, words: str) -> None:
        self._report(jump_event(wall_ns, boot_ns, step_ns, self.boot, self._level, words))

    def _tell_state(self, wall_ns: int, boot_ns: int) -> None:
        words = state_words(
            self._level,
            self._held(boot_ns) - wall_ns if self._doubtful else 0,
            TOLERANCE_NS,
            right=self._right,
        )
        if bool(words) != bool(self._faulty):
            self._faulty = words
            self._report(state_event(wall_ns, boot_ns, self.boot, words))
