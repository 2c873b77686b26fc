"""How long a full SDM630 cycle takes at 9600 baud: planned blocks against one request a value.

Both run through the real driver over a pseudo-terminal at real line speed, in one run. Beside the measured
cycle stands the wire's own limit for the same requests: for each one 8 bytes out, the meter's own time, 5
bytes and 2 for each register back, and between one answer and the next request the 3.5 bytes of silence that
Modbus RTU wants. Nothing that obeys the standard can be faster with these blocks on this line.
"""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass

from _machine import describe

from dodac.clock import SystemClock
from drivers.bus import Bus
from drivers.catalogue import load_profile
from drivers.links.serial import SerialLink
from drivers.profile import ModbusProfile
from drivers.protocols.modbus_map import ModbusMap
from drivers.protocols.modbus_reader import ModbusReader
from drivers.protocols.planner import Limits, plan
from drivers.simulator import SimulatedBus, SimulatedUnit

WANTED_S = 0.8
WANTED_SHARE = 0.95
BAUD = 9600
LATENCY_S = 0.03
ROUNDS = 9


@dataclass(frozen=True)
class Result:
    """Seconds of a cycle: the median, the fastest, and the wire's own limit; its requests and bytes."""

    seconds: float
    fastest: float
    limit: float
    requests: int
    wire_bytes: int

    @property
    def share(self) -> float:
        """How near the median comes to the limit; 1 is the limit."""
        return self.limit / self.seconds


def measured(profile: ModbusProfile, limits: Limits, seconds: list[float], requests: int) -> Result:
    """The result of some cycles, with the limit of the blocks that were planned for them."""
    spans = ModbusMap(profile).spans(profile.channels)
    blocks = plan(spans, limits)
    assert len(blocks) == requests
    wire_bytes = sum(8 + 5 + 2 * block.count for block in blocks)
    silence = 3.5 * (len(blocks) - 1)
    limit = (wire_bytes + silence) * 10 / BAUD + len(blocks) * LATENCY_S
    return Result(statistics.median(seconds), min(seconds), limit, requests, wire_bytes)


def measure(profile: ModbusProfile, *, one_by_one: bool) -> Result:
    """Reads a simulated meter several times."""
    values = {name: 100.0 + place for place, name in enumerate(profile.channels)}
    values |= {name: 0.9 for name in values if name.startswith("power_factor")}
    values["frequency_hz"] = 50.0
    clock = SystemClock()
    with SimulatedBus({1: SimulatedUnit(profile, lambda: values)}, baud=BAUD, latency_s=LATENCY_S) as line:
        link = SerialLink(line.path, BAUD)
        link.open()
        bus = Bus(link, clock, byte_s=10 / BAUD)
        reader = ModbusReader("meter", profile, 1, clock)
        if one_by_one:
            reader.map.limits = Limits(max_registers=2, max_gap=0)
        seconds = []
        for _ in range(ROUNDS):
            sample = reader.read(bus, everything=True)
            assert not sample.flags
            seconds.append(sample.span_ns / 1e9)
        link.close()
        return measured(profile, reader.map.limits, seconds, bus.counters["requests"] // ROUNDS)


def main() -> int:
    """Prints the machine, both ways and their ratio; 1 when a cycle takes longer than wanted."""
    profile = load_profile("eastron.sdm630")
    assert isinstance(profile, ModbusProfile)
    blocks = measure(profile, one_by_one=False)
    single = measure(profile, one_by_one=True)
    write = sys.stdout.write
    write(describe() + "\n")
    write(
        f"{profile.id}, {len(profile.channels)} channels, {BAUD} baud 8N1, {LATENCY_S * 1000:g} ms to answer\n\n"
    )
    row = "{:<16}{:>9}{:>10}{:>10}{:>10}{:>10}{:>14}\n"
    write(row.format("", "requests", "bytes", "cycle", "fastest", "limit", "limit/cycle"))
    for name, found in (("planned blocks", blocks), ("one by one", single)):
        times = (f"{1000 * s:.0f} ms" for s in (found.seconds, found.fastest, found.limit))
        write(row.format(name, found.requests, found.wire_bytes, *times, f"{found.share:.3f}"))
    write(f"\none by one / planned blocks: {single.seconds / blocks.seconds:.1f}\n")
    write(
        f"wanted for the planned blocks: {1000 * WANTED_S:.0f} ms at most, {WANTED_SHARE} of the limit at least\n"
    )
    return 0 if blocks.seconds <= WANTED_S and blocks.share >= WANTED_SHARE else 1


if __name__ == "__main__":
    sys.exit(main())
