"""What each entry may import: start-up time is lost one careless import at a time."""

import subprocess
import sys
from pathlib import Path

import pytest

from store import Journal

HEAVY = [
    "numpy",
    "pandas",
    "pydantic",
    "fastapi",
    "starlette",
    "uvicorn",
    "paho",
    "serial",
    "influxdb_client",
    "yaml",
    "jinja2",
    "requests",
    "holidays",
    "grafana_api",
    "google_crc32c",
    "scipy",
    "matplotlib",
]


def imported_by(statement: str) -> list[str]:
    """Heavy packages that a fresh Python has loaded after a statement."""
    code = f"import sys\n{statement}\nprint(' '.join(m for m in {HEAVY!r} if m in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.split()


def test_importing_analysis_loads_numpy_and_pandas_and_nothing_else_heavy():
    # what pandas itself pulls in where it is installed is pandas' cost, not ours
    allowed = set(imported_by("import numpy, pandas"))
    assert set(imported_by("import analysis")) <= allowed


def test_the_command_line_starts_without_any_heavy_package():
    assert imported_by("import dodac.cli") == []


def test_the_kernel_words_need_no_data_frames():
    assert (
        imported_by("import dodac.samples, dodac.quantities, dodac.units, dodac.contracts, dodac.clock") == []
    )


def test_reading_a_meter_needs_no_data_frames_and_no_web():
    loaded = imported_by("import drivers.connection_open, collector.collector")
    assert not {"pandas", "fastapi", "uvicorn", "influxdb_client", "jinja2"} & set(loaded)


SITE = """
[site]
id = "kit"
company = "test"

[connections.bus]
kind = "serial"
port = "/dev/dodac-no-such-port"
"""

METERS = ("eastron.sdm630", "tuf-2000m", "generic.modbus-thermocouple", "fuji.zpa")

COLLECT = """
import sys
from pathlib import Path
from dodac.cli import main
code = main(sys.argv[1:])
peak = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
sys.stderr.write(f"\\n{code} {peak[0]} {' '.join(m for m in HEAVY if m in sys.modules)}")
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells a process' peak memory")
@pytest.mark.parametrize("words", [("run", "--for", "200ms"), ("read", "m0"), ("status",)])
def test_a_raspberry_pi_collects_without_data_frames_in_80_megabytes(tmp_path: Path, words: tuple[str, ...]):
    meters = [
        f'\n[[instruments]]\nid = "m{n}"\nprofile = "{profile}"\nconnection = "bus"\naddress = {n + 1}\n'
        for n, profile in enumerate(METERS)
    ]
    site = tmp_path / "site.toml"
    site.write_text(SITE + "".join(meters), encoding="utf-8")
    Journal.open(tmp_path / "data" / "journal.db").close()
    done = subprocess.run(
        [sys.executable, "-c", f"HEAVY = {HEAVY!r}{COLLECT}", *words, "--site", str(site)],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    code, peak_kb, *loaded = done.stderr.splitlines()[-1].split()
    assert int(code) == (3 if words[0] == "read" else 0)
    assert set(loaded) <= {"pydantic", "serial", "yaml", "google_crc32c"}
    assert int(peak_kb) < 80_000
