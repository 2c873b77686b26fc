"""What the collector notes beside the samples: how fast instruments answer is seen from another process."""

from __future__ import annotations

import json
from pathlib import Path

from collector._alive import Alive, turnaround_facts
from collector._report import read_report
from dodac.clock import ManualClock
from dodac.site import parse_site
from drivers import ConnectionStatus
from drivers.turnaround import Turnaround
from store import Journal

SITE = '[site]\nid = "s"\ncompany = "c"\n[connections.a]\nkind = "serial"\nport = "x"\n' + "".join(
    f'[[instruments]]\nid = "m{n}"\nconnection = "a"\nprofile = "eastron.sdm120"\naddress = {n}\n'
    for n in (1, 2)
)


def test_dodac_status_says_how_fast_each_instrument_answers(tmp_path: Path) -> None:
    path, clock = tmp_path / "journal.db", ManualClock()
    status = ConnectionStatus("a", "up", {}, {}, {"m1": Turnaround(40, 28.31, 31.0, 122.6, late=3)})
    journal = Journal.open(path)
    alive = Alive(journal, clock, lambda: turnaround_facts([status]))
    alive.start()
    alive.stop()
    journal.close()
    report = read_report(path, parse_site(SITE, tmp_path / "site.toml"))
    text = report.text()
    assert "28/31/123 ms, 3 late" in text
    rows = {row["instrument"]: row for row in json.loads(json.dumps(report.as_dict()))["instruments"]}
    assert rows["m1"]["turnaround"] == {
        "answers": 40.0, "min_ms": 28.3, "median_ms": 31.0, "max_ms": 122.6, "late": 3.0,
    }  # fmt: skip
    assert rows["m2"]["turnaround"] == {}
    assert "#turnaround" not in text
