"""What each entry may import: start-up time is lost one careless import at a time."""

import subprocess
import sys

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
    loaded = imported_by("import drivers, collector")
    assert not {"pandas", "fastapi", "uvicorn", "influxdb_client", "jinja2"} & set(loaded)
