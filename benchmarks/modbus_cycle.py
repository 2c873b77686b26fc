"""How long a full SDM630 cycle takes at 9600 baud: planned blocks against one request a value.

Both run through the real driver over a pseudo-terminal at real line speed, in one run.
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
from drivers.protocols.modbus_reader import ModbusReader
from drivers.protocols.planner import Limits
from drivers.simulator import SimulatedBus, SimulatedUnit

WANTED_S = 0.8
ROUNDS = 5


@dataclass(frozen=True)
class Result:
    """Median seconds of a cycle and its requests."""

    seconds: float
    requests: int


def measure(profile: ModbusProfile, baud: int, *, one_by_one: bool) -> Result:
    """Reads a simulated meter several times."""
    values = {name: 100.0 + place for place, name in enumerate(profile.channels)}
    values |= {name: 0.9 for name in values if name.startswith("power_factor")}
    values["frequency_hz"] = 50.0
    clock = SystemClock()
    with SimulatedBus({1: SimulatedUnit(profile, lambda: values)}, baud=baud) as line:
        link = SerialLink(line.path, baud)
        link.open()
        bus = Bus(link, clock, byte_s=10 / baud)
        reader = ModbusReader("meter", profile, 1, clock)
        if one_by_one:
            reader.map.limits = Limits(max_registers=2, max_gap=0)
        seconds = []
        for _ in range(ROUNDS):
            sample = reader.read(bus, everything=True)
            assert not sample.flags
            seconds.append(sample.span_ns / 1e9)
        link.close()
        return Result(statistics.median(seconds), bus.counters["requests"] // ROUNDS)


def main() -> int:
    """Prints the machine, both and their ratio; 1 when a cycle takes longer than wanted."""
    profile = load_profile("eastron.sdm630")
    assert isinstance(profile, ModbusProfile)
    blocks = measure(profile, 9600, one_by_one=False)
    single = measure(profile, 9600, one_by_one=True)
    print(describe())
    print(f"{profile.id}, {len(profile.channels)} channels, 9600 baud, 30 ms to answer")
    print(
        f"planned blocks  {blocks.seconds:.3f} s  {blocks.requests} requests  (wanted: {WANTED_S} s at most)"
    )
    print(f"one by one      {single.seconds:.3f} s  {single.requests} requests")
    print(f"ratio           {single.seconds / blocks.seconds:.1f}")
    return 0 if blocks.seconds <= WANTED_S else 1


if __name__ == "__main__":
    sys.exit(main())
