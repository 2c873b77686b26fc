"""Writes docs/reference/faults.md from what the tests of faults saw: python docs/make_faults.py [TESTS …].

Runs the tests that use the fixture fault_row (those named, or all, the long ones with --soak) and puts
their rows into the page; rows of tests that were not run stay. Each of these tests compares its row
with the page in every later run.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference" / "faults.md"

TITLES = {
    "power": "Power and the process",
    "disk": "Disk and journal",
    "broker": "Broker and messages",
    "influxdb": "InfluxDB and the network",
    "instruments": "Instruments and lines",
    "clock": "Clocks",
    "keeping": "Keeping, packing, upgrading",
}
HEAD = """# Faults: what happens, and what is lost

<!-- Made by docs/make_faults.py from what the tests saw: change the code or the tests, then run it again. -->

Each line was measured by the test named in it, which fails when the page says something else. *Lost* counts
samples, events and messages that had been acknowledged (MQTT: PUBACK sent; polled: in the ledger as
committed) and were gone afterwards without an order to drop them. *Named* says what could not be had and
where that is told: a gap, damage or alarm event in the journal (`dodac status`), one log line each.

`make test` runs all but those marked *soak*, which `make soak` runs.

Files that faults leave beside a journal `journal.db`, and what they are for:

| file | meaning |
|---|---|
| `journal.db.damaged-TIME` (with `-wal`, `-wal-kept`) | the damaged file as it was found; what could be read is in `journal.db`. Keep it until you are sure that nothing more is wanted from it |
| `journal.db.replaced-TIME` | what stood under the journal's name when it had been replaced under `dodac run` |
| `journal.db-mark` | the numbers of the last stored sample, event and dead letter: tell when the file was cut short |
| `journal.db-damage` | a note that the file must be rebuilt, left until that is done |
| `journal.db-rebuilt`, `journal.db-wal-kept` | a rebuild under way |

What nobody can find, since nothing on the disk contradicts it:

- the whole folder put back as it was yesterday, mark and all: it is the journal of yesterday. Put copies back with
  `dodac store restore`, which writes down what was there before and gives no number out twice;
- a write that the disk claimed and never did, where the older page is sound and full: samples and packed blocks are found (no number
  may be missing, the full check counts them), and so are the last events and dead letters. Counts of the ledger are found by the
  background check that holds them against the rows. A fact, a cursor or a mark of a sink is only older: facts are told again at each
  start, and what a sink already had is sent again, to the same points;
- another journal's `-wal` put beside a file: SQLite takes what is in it for its own. The mark tells how many samples are gone then, but
  not those that came. Move a journal's files together, or use `dodac store backup`;
- one changed letter in a text of a version 1 journal, whose small tables had no check sums, before its upgrade.
"""
_ROW = re.compile(r"^\| (.*) \| (.*) \| (\d+) \| (.*) \| \[(.*)\]\(\.\./\.\./(.*)\) \|$")

Row = dict[str, Any]


def table_line(fault: str, what_happens: str, lost: int, named: str, test: str) -> str:
    """One line of the page's tables."""
    path, _, name = test.partition("::")
    return f"| {fault} | {what_happens} | {lost} | {named or '–'} | [{name}](../../{path}) |"


def rows_of(page: str) -> list[Row]:
    """The rows that a page holds."""
    chapters = {title: chapter for chapter, title in TITLES.items()}
    found: list[Row] = []
    chapter = ""
    for line in page.splitlines():
        if line.startswith("## "):
            chapter = chapters[line.removeprefix("## ")]
        elif match := _ROW.match(line):
            fault, what_happens, lost, named, name, path = match.groups()
            words = {"fault": fault, "what_happens": what_happens, "lost": int(lost)}
            words |= {"named": "" if named == "–" else named, "test": f"{path}::{name}"}
            found.append({"chapter": chapter, **words})
    return found


def page_of(rows: Sequence[Row]) -> str:
    """The page with these rows, ordered by chapter and test."""
    out = [HEAD]
    for chapter, title in TITLES.items():
        own = [row for row in rows if row["chapter"] == chapter]
        if not own:
            continue
        out += [f"## {title}", "", "| fault | what happens | lost | named | test |", "|---|---|---|---|---|"]
        lines = {
            (row["test"], row["fault"]): table_line(
                row["fault"], row["what_happens"], row["lost"], row["named"], row["test"]
            )
            for row in own
        }
        out += [lines[key] for key in sorted(lines)]
        out.append("")
    return "\n".join(out)


def _exists(test: str) -> bool:
    path, _, name = test.partition("::")
    file = ROOT / path
    return file.is_file() and f"def {name.rpartition('::')[2]}(" in file.read_text(encoding="utf-8")


def main() -> int:
    """Runs the tests and writes the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tests", nargs="*", help="files or tests to run (default: all)")
    parser.add_argument("--soak", action="store_true", help="the long ones too")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows"
        file.touch()
        which = [] if args.soak or any("::" in test for test in args.tests) else ["-m", "not soak"]
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--timeout",
            "3600",
            *which,
            "--fault-rows",
            str(file),
        ]
        code = subprocess.run([*command, *args.tests], cwd=ROOT, check=False).returncode
        if code:
            sys.stderr.write("a test of a fault failed: the page is left as it was\n")
            return code
        told = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    ran = {row["test"] for row in told}
    PAGE.touch()
    with PAGE.open("r+", encoding="utf-8") as page:
        fcntl.flock(page, fcntl.LOCK_EX)  # several may write their rows at once
        kept = [row for row in rows_of(page.read()) if row["test"] not in ran and _exists(row["test"])]
        text = page_of(kept + told)
        page.seek(0)
        page.write(text)
        page.truncate()
    sys.stdout.write(f"{PAGE.relative_to(ROOT)}: {len(told)} rows told, {len(kept)} kept\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
