"""What one dead unit costs the others on a ten-unit bus: how late each read begins, cycle by cycle.

Ten simulated meters answer on one pseudo-terminal at real line speed; the real connection reads them. After
some healthy cycles one unit falls silent. The interval is set so that the reads take the wanted share of the
line. Two ways of asking are measured: all at once (as the collector's grid does) and evenly spread. A
unit's schedule is the time after the grid at which it is read in the healthy cycles (the median); a read
that begins later is late by the difference. With one unit away the others may begin earlier, never before
their time on the grid. A cycle with a timeout is the one round that is wanted while it lasts or next.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from _machine import describe

from dodac.clock import SECOND_NS, SystemClock
from dodac.contracts import DeadLetter, Event
from dodac.quantities import Measurement
from dodac.samples import Layout, Sample
from drivers.bus import Answer, Bus, BusFault
from drivers.catalogue import load_profile
from drivers.connection import PolledConnection
from drivers.links.serial import SerialLink
from drivers.profile import ModbusProfile
from drivers.protocols.modbus_reader import ModbusReader
from drivers.simulator import SimulatedBus, SimulatedUnit

PROFILE = "eastron.sdm630"
BAUD = 9600
UNITS = 10
DEAD = 3
TIMEOUT_S = 1.0
GUARD_S = 2.0
LIMIT_MS = 50.0


@dataclass
class Diary:
    """An inbox that keeps when each instrument's samples began."""

    starts: list[tuple[str, int]] = field(default_factory=list)
    flagged: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def layout(self, layout: Layout) -> None:
        """Not kept."""

    def sample(self, sample: Sample, **_: object) -> None:
        """Keeps the start of a sample of the fast channels."""
        with self.lock:
            self.flagged += bool(sample.flags)
            if sample.present & 1:
                self.starts.append((sample.instrument, sample.start_ns))

    def samples(self, samples: Sequence[Sample], **_: object) -> None:
        """Several samples."""
        for sample in samples:
            self.sample(sample)

    def event(self, event: Event) -> None:
        """Not kept."""

    def dead_letter(self, letter: DeadLetter, **_: object) -> None:
        """Not kept."""


class WatchedBus(Bus):
    """A bus that notes from when to when it was held up by requests that nobody answered."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.unanswered_ns: list[tuple[int, int]] = []

    def exchange(self, *args: Any, **kwargs: Any) -> Answer:
        """As Bus.exchange."""
        sent_ns = self.clock.now_ns()
        try:
            return super().exchange(*args, **kwargs)
        except BusFault:
            self.unanswered_ns.append((sent_ns, self.clock.now_ns()))
            raise


@dataclass(frozen=True)
class Row:
    """One way of asking: reads of each kind of cycle and how late they began at most, in ms."""

    way: str
    load: float
    interval_s: float
    healthy: float
    timeout_reads: int
    with_timeout: float
    other_reads: int
    in_others: float
    missed: int

    def good(self) -> bool:
        """True when the figures are those wanted."""
        return self.in_others <= LIMIT_MS and self.with_timeout <= 1000 * (TIMEOUT_S + GUARD_S) + LIMIT_MS


def measure(load: float, cycles: int, *, spread: bool) -> Row:
    """Reads the line for that many cycles with one unit away, after a tenth as many without."""
    profile = load_profile(PROFILE)
    assert isinstance(profile, ModbusProfile)
    values = {name: 100.0 + place for place, name in enumerate(profile.channels)}
    values |= {name: 0.9 for name in values if name.startswith("power_factor")}
    values["frequency_hz"] = 50.0
    clock, diary = SystemClock(), Diary()
    units = {unit: SimulatedUnit(profile, lambda: values) for unit in range(1, UNITS + 1)}
    with SimulatedBus(units, baud=BAUD) as line:
        bus = WatchedBus(
            SerialLink(line.path, BAUD), clock, timeout_s=TIMEOUT_S, late_guard_s=GUARD_S, byte_s=10 / BAUD
        )
        readers = {f"m{unit:02d}": ModbusReader(f"m{unit:02d}", profile, unit, clock) for unit in units}
        connection = PolledConnection(
            "bus", bus, [(r, Measurement.ELECTRICITY) for r in readers.values()], clock
        )
        connection.start(diary)  # type: ignore[arg-type]
        for name in readers:  # every channel once, and what one read takes
            connection.poll(name, clock.now_ns())
        wait_for(lambda: connection.status().last_good_ns.keys() == readers.keys())
        for name in readers:
            connection.poll(name, clock.now_ns())
        wait_for(lambda: len(diary.starts) == 2 * UNITS)
        begun = [start for _, start in diary.starts[UNITS:]]
        read_s = statistics.median(b - a for a, b in itertools.pairwise(begun)) / SECOND_NS
        interval_ns = round(UNITS * read_s / load * SECOND_NS)
        dues: dict[str, list[int]] = {name: [] for name in readers}
        healthy = max(5, cycles // 10)
        first_ns = clock.now_ns() + SECOND_NS
        diary.starts.clear()
        for cycle in range(healthy + cycles):
            if cycle == healthy:  # just before its first due, when the last healthy cycle is over
                time.sleep(max(0, first_ns + cycle * interval_ns - 20_000_000 - clock.now_ns()) / SECOND_NS)
                line.fault(DEAD, "dead")
            for place, name in enumerate(readers):
                due_ns = first_ns + cycle * interval_ns + (place * interval_ns // UNITS if spread else 0)
                time.sleep(max(0, due_ns - clock.now_ns()) / SECOND_NS)
                connection.poll(name, due_ns)
                dues[name].append(due_ns)
        time.sleep(interval_ns / SECOND_NS)
        missed = connection.status().counters.get("missed_ticks", 0)
        connection.stop()
    return row(
        diary,
        dues,
        healthy,
        bus.unanswered_ns,
        interval_ns,
        missed,
        spread=spread,
        load=UNITS * read_s / (interval_ns / 1e9),
    )


def row(
    diary: Diary,
    dues: dict[str, list[int]],
    healthy: int,
    unanswered_ns: Sequence[tuple[int, int]],
    interval_ns: int,
    missed: int,
    *,
    spread: bool,
    load: float,
) -> Row:
    """Sorts the reads into cycles and measures each against its unit's schedule."""
    after: dict[str, dict[int, float]] = {name: {} for name in dues}
    for name, start_ns in diary.starts:
        cycle = max(n for n, due in enumerate(dues[name]) if due <= start_ns)
        after[name].setdefault(cycle, (start_ns - dues[name][cycle]) / 1e6)
    dead = f"m{DEAD:02d}"
    kinds: dict[str, list[float]] = {"healthy": [], "probe": [], "other": []}
    for name, found in after.items():
        usual = statistics.median(ms for cycle, ms in found.items() if cycle < healthy)
        for cycle, ms in found.items():
            due_ns = dues[name][cycle]
            # the round that is on while the line waits: wanted in the interval before, or while it waits
            ends = ((sent, sent + interval_ns if spread else end) for sent, end in unanswered_ns)
            near = any(sent - interval_ns < due_ns <= end for sent, end in ends)
            kind = "healthy" if cycle < healthy else "probe" if near else "other"
            if name != dead:
                kinds[kind].append(ms - usual)
    return Row(
        "evenly spread" if spread else "all at once",
        load,
        interval_ns / SECOND_NS,
        max(kinds["healthy"]),
        len(kinds["probe"]),
        max(kinds["probe"], default=0.0),
        len(kinds["other"]),
        max(kinds["other"], default=0.0),
        missed,
    )


def wait_for(condition: object, seconds: float = 60.0) -> None:
    """Waits until a condition holds; AssertionError when it does not in time."""
    end = time.monotonic() + seconds
    assert callable(condition)
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def main() -> int:
    """Prints the machine and the table; 1 when the others are later than wanted."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cycles", type=int, default=25, help="cycles with one unit away")
    parser.add_argument("--load", type=float, default=0.6, help="share of the line that the reads take")
    options = parser.parse_args()
    write = sys.stdout.write
    write(describe() + "\n")
    write(f"ten {PROFILE} at {BAUD} baud, one dead; timeout {TIMEOUT_S:g} s, guard {GUARD_S:g} s\n")
    write("how late the others begin at most, against their schedule\n\n")
    line = "{:<15}{:>6}{:>10}{:>14}{:>22}{:>22}{:>8}\n"
    write(
        line.format(
            "asked", "load", "interval", "healthy", "cycle with a timeout", "all other cycles", "missed"
        )
    )
    bad = False
    for spread in (False, True):
        found = measure(options.load, options.cycles, spread=spread)
        write(
            line.format(
                found.way,
                f"{found.load:.0%}",
                f"{found.interval_s:.2f} s",
                f"{found.healthy:.0f} ms",
                f"{found.with_timeout:.0f} ms ({found.timeout_reads})",
                f"{found.in_others:.0f} ms ({found.other_reads})",
                found.missed,
            )
        )
        sys.stdout.flush()
        bad |= not found.good()
    limit = 1000 * (TIMEOUT_S + GUARD_S)
    write(
        f"\nwanted: at most {limit:.0f} ms (a timeout and a guard) with a timeout, {LIMIT_MS:.0f} ms otherwise\n"
    )
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
