"""What `dodac export` writes: good readings of a journal as CSV."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from dodac.clock import iso_utc, parse_time_ns
from dodac.errors import ConfigError, DataError, Where
from dodac.quantities import channel, nearest
from store import JournalStore, counting

_FOREVER_NS = 1 << 62


def export_csv(
    path: Path,
    instrument: str,
    channels: Sequence[str],
    start: str | None,
    end: str | None,
    zone: str,
    out: TextIO,
) -> int:
    """Writes good readings as CSV, a row a sample, without what was corrected or withdrawn; gives the number of rows.

    Columns: start and end of what the sample speaks for (ISO 8601 UTC, ns kept), then "channel [unit]".
    Values are written so that reading them gives the same float64 again.
    Raises DataError for an instrument or channel that is not in the journal, ConfigError for a time
    that is none.
    """
    with JournalStore(path) as store:
        known = store.instruments()
        if instrument not in known:
            near = nearest(instrument, known)
            todo = f'Did you mean "{near}"?' if near else f"It has: {', '.join(known) or 'none yet'}."
            raise DataError(f'the journal has no samples of "{instrument}".', Where(file=str(path)), todo)
        has = store.channels(instrument)
        for name in channels:
            if name not in has:
                raise DataError(
                    f'"{instrument}" has no channel "{name}".',
                    Where(file=str(path)),
                    f"It has: {', '.join(has)}.",
                )
        wanted = list(channels) or list(has)
        start_ns = _time(start, zone, 0)
        end_ns = _time(end, zone, _FOREVER_NS)
        if start is not None and end is not None and start_ns >= end_ns:
            raise ConfigError(f"--from {start} is not before --to {end}.", todo="Swap them.")
        layouts = store.layouts()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["start_utc", "end_utc", *(f"{name} [{channel(name).unit}]" for name in wanted)])
        rows = 0
        for sample in counting(store.samples(instrument, start_ns, end_ns)):
            index = layouts[sample.layout].index
            values = [sample.values[index[name]] if name in index else float("nan") for name in wanted]
            if any(value == value for value in values):
                cells = ["" if value != value else repr(value) for value in values]
                writer.writerow([iso_utc(sample.start_ns), iso_utc(sample.end_ns), *cells])
                rows += 1
        return rows


def _time(text: str | None, zone: str, default_ns: int) -> int:
    if text is None:
        return default_ns
    try:
        # beyond what 64 bits hold there are no readings either
        return max(-_FOREVER_NS, min(parse_time_ns(text, zone), _FOREVER_NS))
    except (ValueError, OverflowError):
        raise ConfigError(
            f'"{text}" is not a time.', todo="Write e.g. 2026-11-01 or 2026-11-01T06:00:00+07:00."
        ) from None
