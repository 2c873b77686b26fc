"""The picture of each minute as points for the sinks: a line for the whole, one per instrument and one per sink."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from collector._socket import Picture
from dodac.clock import MINUTE_NS, Clock
from store.collector_lines import collector_line

MOST: Final = 500
"""Instruments with a line of their own; those of a larger site are in the line of the whole."""
_COUNTS: Final = ("received", "committed", "duplicate", "conflict", "dead_letter", "in_flight")
_SINK: Final = ("delivered", "waiting", "rejected", "expired", "dropped")


class Mouth(Protocol):
    """Takes lines that are no samples."""

    def note(self, lines: Sequence[str]) -> None: ...


class Points:
    """Gives each sink the points of a picture, at whole minutes: written twice they change nothing."""

    def __init__(
        self, picture: Callable[[], Picture], sinks: Callable[[], Sequence[Mouth]], clock: Clock, company: str
    ) -> None:
        self._picture = picture
        self._sinks = sinks
        self._clock = clock
        self._company = company

    def run(self) -> None:
        """Takes one picture and hands it on."""
        sinks = self._sinks()
        if not sinks:
            return
        now_ns = self._clock.now_ns()
        lines = lines_of(self._picture(), self._company, now_ns - now_ns % MINUTE_NS)
        for sink in sinks:
            sink.note(lines)


def lines_of(picture: Picture, company: str, time_ns: int) -> list[str]:
    """The lines of a picture; tag part says of what: "all", "instrument" or "sink"."""
    site = str(picture["site"])
    whole: Counter[str] = Counter()
    mine: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in picture["ledger"]["sources"]:
        counts = {name: row[name] for name in _COUNTS}
        whole.update(counts)
        mine[row["instrument"]].update(counts)
    for name, ticks in picture["ticks"].items():
        mine[name].update({f"ticks_{what}": count for what, count in ticks.items()})
    _complete(picture.get("completeness", []), whole, mine)
    fields: dict[str, float] = {**whole, "faults": len(picture["faults"]), "standing": len(picture["alarms"])}
    if picture["journal"] is not None:
        fields |= {name: picture["journal"][name] for name in ("size_bytes", "free_bytes")}
    found = [collector_line(company, site, {"part": "all"}, fields, time_ns)]
    if len(mine) <= MOST:
        found += [
            collector_line(company, site, {"part": "instrument", "of": name or "(unknown)"}, counts, time_ns)
            for name, counts in sorted(mine.items())
        ]
    ages = {sink["sink"]: sink["oldest_waiting_s"] for sink in picture["sinks"]}
    for row in picture["ledger"]["sinks"]:
        counts = {name: row[name] for name in _SINK} | {"oldest_waiting_s": ages.get(row["sink"], 0.0)}
        found.append(collector_line(company, site, {"part": "sink", "of": row["sink"]}, counts, time_ns))
    return [line for line in found if line]


def _complete(
    rows: Sequence[Mapping[str, Any]], whole: Counter[str], mine: Mapping[str, Counter[str]]
) -> None:
    today = max((str(row["day"]) for row in rows), default="")
    for row in rows:
        if row["day"] != today or row["expected"] is None:
            continue
        counts = {f"{name}_today": row[name] for name in ("good", "flagged", "missed", "expected")}
        whole.update(counts)
        mine[row["instrument"]].update(counts)
