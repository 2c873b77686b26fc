"""The way in for live connections: what a clock that can't be believed has stamped is kept and says so."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from collector._clock import HostClock
from collector._clock_parts import Moment
from collector._clock_words import SOURCE
from dodac.contracts import DeadLetter, Event, Inbox
from dodac.samples import FIRST_REVISION, Flag, Layout, Reason, Sample, TimeSource

_HEAD: Final = b'{"clock":'
_BACK: Final = 1024
"""A sample that was moved by mistake and comes back to its first time stands above its withdrawal there."""
_DOUBTS: Final = (Reason.TIME_UNKNOWN, Reason.CLOCK)

Done = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Noted:
    """What a sample that wall time alone did not stamp says of it: boot, monotonic time, and why.

    doubt: None for one whose time is good enough. before: its channels that had a doubt of their own.
    """

    boot: str
    boot_ns: int
    doubt: Reason | None
    before: tuple[str, ...] = ()


def noted(raw: bytes | None) -> Noted | None:
    """The note at the head of a sample's raw bytes, if there is one."""
    if raw is None or not raw.startswith(_HEAD):
        return None
    try:
        said = json.loads(raw.partition(b"\n")[0])
        doubt = Reason(said["clock"]) if said["clock"] != "held" else None
        return Noted(said["boot"], int(said["boot_ns"]), doubt, tuple(said.get("before", ())))
    except (ValueError, KeyError, TypeError):
        return None


def is_moved(raw: bytes | None) -> bool:
    """True for what a correction of times has written."""
    return raw is not None and raw.startswith(b'{"clock_moved":')


def _came_from(raw: bytes | None) -> int | None:
    """The time from which a correction has moved a sample."""
    if raw is None or not is_moved(raw):
        return None
    try:
        said = json.loads(raw)
        return int(said["time_ns"]) if said["clock_moved"] == "from" else None
    except (ValueError, KeyError, TypeError):
        return None


def moved_boot_ns(raw: bytes | None) -> int | None:
    """When what a correction has written was taken, by monotonic time; None where it does not say."""
    if raw is None or not is_moved(raw):
        return None
    try:
        return int(json.loads(raw)["boot_ns"])
    except (ValueError, KeyError, TypeError):
        return None


def moved_by(raw: bytes | None) -> str:
    """Which correction has written it; "" for none."""
    if raw is None or not is_moved(raw):
        return ""
    try:
        return str(json.loads(raw)["by"])
    except (ValueError, KeyError, TypeError):
        return "?"


def restamped(sample: Sample, layout: Layout, boot: str, moment: Moment) -> Sample:
    """The sample at its live time, with boot id and monotonic time before its raw bytes; flagged where doubtful."""
    doubt = moment.doubt
    had = [flag.channel for flag in sample.flags if flag.reason in _DOUBTS]
    note: dict[str, object] = {"clock": doubt or "held", "boot": boot, "boot_ns": moment.boot_ns}
    if had and doubt is not Reason.TIME_UNKNOWN:
        note["before"] = had
    raw = json.dumps(note, separators=(",", ":")).encode() + b"\n" + (sample.raw or b"")
    if doubt is None:
        return replace(sample, time_ns=moment.time_ns, raw=raw)
    good = [
        Flag(name, doubt, value)
        for name, value in zip(layout.channels, sample.values, strict=True)
        if value == value
    ]
    return layout.sample(
        moment.time_ns,
        {},
        flags=sorted((*sample.flags, *good), key=lambda flag: layout.index[flag.channel]),
        span_ns=sample.span_ns,
        time_source=TimeSource.UNKNOWN,
        raw=raw,
        part=sample.part,
    )


def moved(
    old: Sample, layout: Layout, right_ns: int, by: str, boot_ns: int | None = None
) -> tuple[Sample, Sample]:
    """What stands at a wrong time and what at the right one, once a time is corrected: (withdrawal, sample).

    The old sample stays as it is; the withdrawal hides it. Readings whose only fault was the time are good.
    by: which correction it is. boot_ns: when it was taken, by monotonic time, where that is known.
    """
    note = noted(old.raw)
    ours = () if note is None else _DOUBTS
    before = () if note is None else note.before
    values = {n: v for n, v in zip(layout.channels, old.values, strict=True) if v == v}
    flags = []
    for flag in old.flags:
        if flag.reason in ours and flag.value is not None and flag.channel not in before:
            values[flag.channel] = flag.value
        else:
            flags.append(flag)
    carried = [n for place, n in enumerate(layout.channels) if old.present >> place & 1]
    read = {**{flag.channel: flag.value for flag in old.flags}, **values}
    withdrawal = layout.sample(
        old.time_ns,
        {},
        flags=[Flag(name, Reason.WITHDRAWN, read.get(name)) for name in carried],
        span_ns=old.span_ns,
        time_source=old.time_source,
        raw=_moved_note("to", right_ns, old.part, by),
        part=FIRST_REVISION + old.part,  # messages that share a time have parts of their own
    )
    corrected = layout.sample(
        right_ns,
        values,
        flags=flags,
        span_ns=old.span_ns,
        time_source=TimeSource.HOST,
        raw=_moved_note("from", old.time_ns, old.part, by, boot_ns),
        part=FIRST_REVISION + _BACK + old.part % _BACK if _came_from(old.raw) == right_ns else old.part,
    )
    return withdrawal, corrected


def _moved_note(word: str, time_ns: int, part: int, by: str, boot_ns: int | None = None) -> bytes:
    note: dict[str, object] = {"clock_moved": word, "time_ns": time_ns, "part": part, "by": by}
    if boot_ns is not None:
        note["boot_ns"] = boot_ns
    return json.dumps(note, separators=(",", ":")).encode() + b"\n"


class ClockInbox:
    """Passes what live connections give to the inbox behind it; nothing changes while the clock is good.

    doubt: is called before each sample that was taken without a good clock. corrections: where samples go that are
    appended at once with their right time; the inbox itself unless another is given.
    """

    def __init__(
        self,
        inbox: Inbox,
        host: HostClock,
        doubt: Callable[[], None] = lambda: None,
        corrections: Inbox | None = None,
    ) -> None:
        self._inbox = inbox
        self._corrections = inbox if corrections is None else corrections
        self._host = host
        self._doubt = doubt
        self._layouts: dict[int, Layout] = {}

    def layout(self, layout: Layout) -> None:
        """Announces a layout."""
        self._layouts[layout.id] = layout
        self._inbox.layout(layout)

    def sample(self, sample: Sample, *, source: str, done: Done | None = None) -> None:
        """Queues one sample; blocks while the window is full."""
        if sample.time_source is TimeSource.HOST:
            self._host.look()
        if not self._host.alert:
            self._inbox.sample(sample, source=source, done=done)
            return
        (kept, *more) = self._checked(sample)
        self._inbox.sample(kept, source=source, done=done)
        if more:
            self._corrections.samples(more, source=SOURCE)

    def samples(self, samples: Iterable[Sample], *, source: str, done: Done | None = None) -> None:
        """Queues many samples."""
        self._host.look()
        if not self._host.alert:
            self._inbox.samples(samples, source=source, done=done)
            return
        found = [self._checked(sample) for sample in samples]
        self._inbox.samples([kept for kept, *_ in found], source=source, done=done)
        if more := [sample for _, *rest in found for sample in rest]:
            self._corrections.samples(more, source=SOURCE)

    def dead_letter(self, letter: DeadLetter, *, done: Done | None = None) -> None:
        """Queues a payload that could not become samples."""
        self._inbox.dead_letter(letter, done=done)

    def event(self, event: Event) -> None:
        """Queues an event; what began before a jump of the clock gets the time it has by the clock of its end."""
        if event.end_ns is not None:
            event = replace(event, time_ns=min(self._host.since(event.time_ns), event.end_ns))
        self._inbox.event(event)

    def _checked(self, sample: Sample) -> tuple[Sample, ...]:
        """The sample as it is to be stored live, and its correction where the right time is known."""
        layout = self._layouts.get(sample.layout)
        source = sample.time_source
        if layout is None or source is TimeSource.NETWORK:
            return (sample,)
        moment = self._host.live(sample.time_ns)
        if moment is None:
            return (sample,)
        if source is TimeSource.DEVICE and moment.doubt is not Reason.TIME_UNKNOWN:
            return (sample,)  # its own clock was held against one that is good
        if source is TimeSource.UNKNOWN:
            return (replace(sample, time_ns=moment.time_ns),)  # nobody knows when it was taken
        if moment.doubt is Reason.TIME_UNKNOWN:
            self._doubt()
        kept = restamped(sample, layout, self._host.boot, moment)
        if moment.right_ns is None:
            return (kept,)
        return (kept, *moved(kept, layout, moment.right_ns, "live", moment.boot_ns))
