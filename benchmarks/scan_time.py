"""How long dodac scan takes on one port: 32 addresses, where the line is set as likely, less likely, and empty.

The instruments hang on a simulated line at real line speed; the settings tried are the likeliest eight.
"""

from __future__ import annotations

import sys

from _machine import describe

from dodac.clock import SystemClock
from drivers._simulate import plausible
from drivers.catalogue import load_profile, load_profiles
from drivers.links import LineSettings, Link
from drivers.links.serial import SerialLink
from drivers.profile import ModbusProfile
from drivers.scan import ModbusScan
from drivers.scan_settings import LIKELY, likely_settings
from drivers.simulator import SimulatedBus, SimulatedUnit

UNITS = range(1, 33)


def measure(units: tuple[int, ...], setting: LineSettings) -> ModbusScan:
    """One scan of a line with such units at such a setting."""
    profile = load_profile("eastron.sdm630")
    assert isinstance(profile, ModbusProfile)
    values = plausible(profile, 1.0)
    meters = {unit: SimulatedUnit(profile, lambda: values) for unit in units}
    settings = likely_settings(load_profiles().values())[:LIKELY]
    with SimulatedBus(meters, setting.baud, frame=setting.frame) as line:

        def open_line(wanted: LineSettings | None) -> tuple[Link, float]:
            assert wanted is not None
            return SerialLink(line.path, wanted.baud, wanted.frame), wanted.byte_s

        work = ModbusScan(open_line, SystemClock(), list(UNITS), list(settings))
        work.run()
    found = tuple(unit.unit for unit in work.found)
    if found != units:
        raise SystemExit(f"wrong: found {found}, there are {units}")
    return work


def main() -> int:
    """Prints a table."""
    sys.stdout.write(f"{describe()}\n\n| line | units | requests | seconds |\n|---|---|---|---|\n")
    settings = likely_settings(load_profiles().values())[:LIKELY]
    for words, units, setting in (
        ("the first setting", (1, 7, 20), settings[0]),
        ("the fourth setting", (1, 7, 20), settings[3]),
        ("the eighth setting, no unit among the first three addresses", (7, 20), settings[-1]),
        ("nothing on it", (), settings[0]),
    ):
        work = measure(units, setting)
        sys.stdout.write(
            f"| {setting}: {words} | {len(units)} of 32 | {work.requests} | {work.seconds:.1f} |\n"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
