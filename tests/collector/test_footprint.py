"""A field kit is a small computer: a collector of 100 instruments loads no pandas and stays small."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import json, re, sys, time
from pathlib import Path
from collector import Collector
from dodac.clock import SystemClock
from dodac.site import load_site
from drivers.catalogue import _cached

collector = Collector(load_site(sys.argv[1]), SystemClock())
collector.start()
time.sleep(1.0)
status = Path("/proc/self/status").read_text()
rss = int(re.search(r"VmRSS:\\s+(\\d+)", status)[1]) / 1024
large = sorted(set(sys.modules) & {"pandas", "numpy", "scipy", "influxdb_client", "fastapi"})
collector.stop()
print(json.dumps({"rss": rss, "large": large, "profiles": _cached.cache_info().currsize}))
"""


def test_a_collector_of_100_instruments_is_small_and_loads_only_what_it_uses(tmp_path: Path) -> None:
    lines = ['[site]\nid = "kit"\ncompany = "centre"\n']
    for line in range(5):
        lines.append(f'[connections.bus{line}]\nkind = "serial"\nport = "{tmp_path}/away{line}"\n')
    for number in range(100):
        lines.append(
            f'[[instruments]]\nid = "m{number}"\nprofile = "eastron.sdm630"\nconnection = "bus{number % 5}"\n'
            f'address = {number // 5 + 1}\nevery = "500ms"\n'
        )
    (tmp_path / "site.toml").write_text("".join(lines), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["large"] == []
    assert found["profiles"] == 1
    assert found["rss"] < 80


_HEALTH = """
import sys
from collector.cli import status

status(["--site", sys.argv[1], "--health"])
ours = {"collector", "drivers", "store"}
print(*sorted(m for m in sys.modules if m.split(".")[0] in ours or m in ("sqlite3", "paho")), file=sys.stderr)
"""


def test_the_question_of_each_minute_loads_nothing_of_what_collects(tmp_path: Path) -> None:
    # a container's HEALTHCHECK on a small computer: it took longer to load the collector than to ask it
    (tmp_path / "site.toml").write_text('[site]\nid = "kit"\ncompany = "centre"\n', encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", _HEALTH, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.startswith("fault\ncollector_away")
    assert done.stderr.split() == ["collector", "collector._socket", "collector.cli"]
