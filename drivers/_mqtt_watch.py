"""Faults of a broker and of the instruments on it: told once when they start and when they end."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

from dodac.clock import SECOND_NS, Clock
from dodac.contracts import Event, EventKind, Inbox, Memory
from dodac.samples import Flag, Reason, Sample
from drivers._device_clock import off_data, off_words
from drivers._mqtt_stations import MqttStation

_GRACE_S = 600.0


class MqttWatch:
    """What is in fault on one broker, since when, and what is told of it.

    A member of a shared subscription can't know what the others are sent: for what is shared silence is no
    fault, and no reading is flagged for it. look: called at every turn of run().
    """

    def __init__(self, id: str, stations: Mapping[str, MqttStation], clock: Clock) -> None:
        self._id = id
        self._stations = stations
        self._clock = clock
        self._lock = threading.RLock()
        self._down_ns: int | None = None  # UTC: since when the broker is a told fault
        self._away_ns: int | None = None  # monotonic: since when nothing can come
        self._up_ns = 0
        self.up = False
        self.inbox: Inbox | None = None
        self.memory: Memory | None = None
        self.look: Callable[[], None] = _nothing

    def last_good(self) -> dict[str, int]:
        """Time of the last good reading of each instrument that had one."""
        with self._lock:
            return {n: s.last_good_ns for n, s in self._stations.items() if s.last_good_ns is not None}

    def listening(self) -> None:
        """Silence counts from an instrument's newest sample, from now where it has none."""
        now, now_ns = self._clock.monotonic_ns(), self._clock.now_ns()
        newest = {} if self.memory is None else {n: self.memory.newest_ns(n) for n in self._stations}
        with self._lock:
            self._away_ns = None
            for name, station in self._stations.items():
                last_ns = newest.get(name)
                station.heard_ns = now - (max(0, now_ns - last_ns) if last_ns is not None else 0)

    def session_lost(self) -> None:
        """The broker kept nothing for us while we were away: what was sent meanwhile never comes."""
        now, now_ns = self._clock.monotonic_ns(), self._clock.now_ns()
        with self._lock:
            since_ns = self._down_ns
            away_ns = self._away_ns if self._away_ns is not None else now
            for station in self._stations.values():
                station.heard_ns = max(station.heard_ns, away_ns)
        if since_ns is None and self.memory is not None:
            known = [last for n in self._stations if (last := self.memory.newest_ns(n)) is not None]
            since_ns = max(known, default=None)
        text = (
            "the broker has lost our session (restarted without persistence, or it expired): "
            "what was sent to it while we were away is lost there"
        )
        start_ns = min(now_ns, since_ns if since_ns is not None else now_ns)
        self.tell(EventKind.GAP, text, time_ns=start_ns, end_ns=now_ns)

    def broker_there(self, host: str) -> None:
        """The broker has taken us; while it was away nothing could come."""
        now = self._clock.monotonic_ns()
        with self._lock:
            if self._away_ns is not None:
                for station in self._stations.values():
                    station.heard_ns = min(now, station.heard_ns + now - self._away_ns)
            self._away_ns, self._up_ns, self.up = None, now, True
            was_down, self._down_ns = self._down_ns, None
        if was_down is not None:
            self.tell(EventKind.FAULT_END, f"the broker {host} is back")

    def topics_refused(self, refused: Mapping[str, Sequence[MqttStation]], asked: Iterable[str]) -> None:
        """Which of the topics asked for the broker refuses: told once, and once when it takes them."""
        names = {station.layout.instrument: topic for topic, theirs in refused.items() for station in theirs}
        for name, station in self._stations.items():
            if not set(station.filters) & set(asked):
                continue
            with self._lock:
                before, station.refused = station.refused, name in names
                fresh = station.refused and station.fault_ns is None
                if fresh:
                    station.fault_ns = self._clock.now_ns()
            if station.refused and not before:
                text = f'the broker refuses the topic "{names[name]}": may this user read it?'
                self.tell(EventKind.FAULT_START, text, station)
                if fresh:
                    self._flag_all(station)
            elif before and not station.refused:
                self.tell(EventKind.FAULT_END, "the broker takes its topic now", station)

    def broker_lost(self, text: str) -> None:
        """The broker can't be had: one event, and one flagged sample of each instrument."""
        with self._lock:
            self.up = False
            if self._away_ns is None:
                self._away_ns = self._clock.monotonic_ns()
            if self._down_ns is not None:
                return
            self._down_ns = self._clock.now_ns()
            fresh = [s for s in self._stations.values() if s.fault_ns is None]
            for station in fresh:
                station.fault_ns = self._down_ns
        self.tell(EventKind.FAULT_START, text)
        for station in fresh:
            self._flag_all(station)

    def heard(self, station: MqttStation, samples: Sequence[Sample], clock_off_ns: int | None = None) -> None:
        """An instrument has sent something: what ends or begins with it is told.

        clock_off_ns: how far the clock is off for which all its readings are doubtful.
        """
        good = [sample.time_ns for sample in samples if _is_good(sample.values)]
        gap: tuple[int, int] | None = None
        with self._lock:
            station.heard_ns = self._clock.monotonic_ns()
            silent, station.silent = station.silent, False
            was_off = station.clock_off
            station.clock_off = clock_off_ns is not None or (was_off and not good)
            if clock_off_ns is not None and station.fault_ns is None:
                station.fault_ns = self._clock.now_ns()
            if good:
                since_ns = station.last_good_ns if station.last_good_ns is not None else station.fault_ns
                if station.fault_ns is not None and since_ns is not None:
                    # what a device stored fills the gap: it ends with the first reading after the fault
                    later = [time_ns for time_ns in good if time_ns > since_ns]
                    gap = (since_ns, min(later)) if later else None
                station.fault_ns = None
                station.last_good_ns = max(*good, station.last_good_ns or 0)
        if silent:
            self.tell(EventKind.FAULT_END, "sends again", station)
        if clock_off_ns is not None and not was_off:
            words, off = _clock_words(clock_off_ns), off_data(clock_off_ns)
            self.tell(EventKind.FAULT_START, words, station, data=off)
        elif was_off and not station.clock_off:
            self.tell(EventKind.FAULT_END, "the time in its messages is right again", station)
        if gap is not None:
            self.tell(EventKind.GAP, "no readings", station, time_ns=gap[0], end_ns=gap[1])

    def run(self, stopping: threading.Event) -> None:
        """Looks for silence until told to stop; on a thread of its own."""
        shortest = min(station.silence_s for station in self._stations.values())
        while not self._clock.wait(stopping, min(1.0, shortest / 4)):
            self.check_silence()
            self.look()

    def check_silence(self) -> None:
        """Tells once of each instrument that has sent nothing for longer than its profile allows."""
        now = self._clock.monotonic_ns()
        for station in self._stations.values():
            limit_s = station.silence_s
            # what waited for us is given time to come; and what is sent with QoS 0 does not wait: a meter
            # whose messages came to nobody while we were away is heard within its own time
            grace_ns = round(min(limit_s, _GRACE_S) * SECOND_NS)
            with self._lock:
                late = now - station.heard_ns > limit_s * SECOND_NS and now - self._up_ns > grace_ns
                told = station.silent or station.refused or station.shared
                if not self.up or told or not late:
                    continue
                station.silent = True
                fresh = station.fault_ns is None
                if fresh:
                    station.fault_ns = self._clock.now_ns()
            self.tell(EventKind.FAULT_START, f"no message for {limit_s:g} s", station)
            if fresh:
                self._flag_all(station)

    def _flag_all(self, station: MqttStation) -> None:
        """One sample with every channel flagged, when a fault starts."""
        if self.inbox is None or station.fault_ns is None or station.shared:
            return
        flags = [Flag(name, Reason.NO_ANSWER) for name in station.layout.channels]
        with contextlib.suppress(RuntimeError):
            self.inbox.sample(station.layout.sample(station.fault_ns, {}, flags=flags), source=self._id)

    def tell(
        self,
        kind: EventKind,
        text: str,
        station: MqttStation | None = None,
        *,
        time_ns: int | None = None,
        end_ns: int | None = None,
        data: Mapping[str, str | int | float] | None = None,
    ) -> None:
        """An event of the broker or of one instrument; now, where no time is given."""
        if self.inbox is not None:
            instrument = station.layout.instrument if station is not None else None
            when = self._clock.now_ns() if time_ns is None else time_ns
            with contextlib.suppress(RuntimeError):
                self.inbox.event(Event(when, kind, text, self._id, instrument, end_ns, data or {}))


def _nothing() -> None:
    pass


def _is_good(values: tuple[float, ...]) -> bool:
    return values[0] == values[0] or any(value == value for value in values)


def _clock_words(off_ns: int) -> str:
    off = off_words(off_ns)
    return f"the clock in its messages {off}: its readings are flagged clock; set its time and time zone"
