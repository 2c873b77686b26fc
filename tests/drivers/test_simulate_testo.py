"""`dodac simulate` serves a testo 300: what is served is what is read, and its faults pass."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from dodac.clock import SystemClock
from dodac.errors import ConfigError, InstrumentError
from dodac.site import parse_site
from drivers._simulate import Options, Simulation, simulation
from drivers.catalogue import load_profile
from drivers.connection_open import read_with

HEAD = '[site]\nid = "s"\ncompany = "c"\n'


def read(made: Simulation) -> dict[str, float]:
    site = parse_site(HEAD + made.site(), Path("site.toml"))
    sample, reader, _ = read_with(site, "my-meter", SystemClock())
    return {n: v for n, v in zip(reader.layout.channels, sample.values, strict=True) if v == v}


@pytest.mark.parametrize("profile", ["testo.300-http", "testo.smart-http"])
def test_what_is_served_is_what_is_read(profile: str) -> None:
    made = simulation(load_profile(profile), Options())
    made.served.start()
    try:
        assert read(made) == pytest.approx(made.expected())
        assert made.where().startswith("127.0.0.1:")
    finally:
        made.served.stop()


def test_a_fault_is_shown_for_a_moment_and_passes() -> None:
    made = simulation(load_profile("testo.300-http"), Options(faults=("missing",), fault_seconds=0.2))
    made.served.start()
    try:
        made.tick()
        with pytest.raises(InstrumentError, match="404"):
            read(made)
        for _ in range(100):
            try:
                values = read(made)
                break
            except InstrumentError:
                time.sleep(0.01)
        assert values == pytest.approx(made.expected())
    finally:
        made.served.stop()


def test_a_fault_that_it_can_not_show_and_a_taken_port_are_told() -> None:
    with pytest.raises(ConfigError, match="can't show"):
        simulation(load_profile("testo.300-http"), Options(faults=("crc",)))
    first = simulation(load_profile("testo.300-http"), Options())
    first.served.start()
    try:
        port = int(first.where().rpartition(":")[2])
        with pytest.raises(ConfigError, match=f"port {port} can't be opened"):
            simulation(load_profile("testo.300-http"), Options(port=port)).served.start()
    finally:
        first.served.stop()
