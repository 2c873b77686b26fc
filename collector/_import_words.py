"""What `dodac import` says of a file: columns, guesses, rows that were not used."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dodac.clock import iso_utc
from dodac.quantities import CHANNELS, channel
from drivers.protocols.files import FileReading, RefusedRow

Column = tuple[str, str, str | None]


def option(column: Column) -> str:
    """A column as it is written on the command line."""
    name, target, unit = column
    text = f"{name}={target}" + (f":{unit}" if unit else "")
    return f"--column '{text}'" if re.search(r"[^\w=:.-]", text) else f"--column {text}"


def _unit_note(column: Column) -> str:
    # a temperature in °F read as °C looks believable: the unit must be seen
    _, target, unit = column
    if unit is not None:
        return ""
    return f"   (in {channel(target).unit}, unless the header names a unit; else add :UNIT)"


def rows_text(rows: Sequence[RefusedRow], limit: int = 20) -> str:
    """Rows by line number with their reasons: the first `limit` so, of the others the lines."""
    lines = [f"  line {row.line}: {row.reason}" for row in rows[:limit]]
    if len(rows) > limit:
        lines.append(
            f"  and {len(rows) - limit} more, on lines {line_ranges([r.line for r in rows[limit:]])}"
        )
    return "\n".join(lines)


def line_ranges(lines: Sequence[int]) -> str:
    """Line numbers as ranges: 3, 7–9."""
    ranges: list[list[int]] = []
    for line in sorted(lines):
        if ranges and line <= ranges[-1][1] + 1:
            ranges[-1][1] = line
        else:
            ranges.append([line, line])
    return ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in ranges)


def doubts_text(reading: FileReading, now_ns: int) -> str:
    """Rows that gave no reading although nothing is broken, and readings that are not good; "" for none."""
    parts = []
    if reading.left_out:
        parts.append(f"rows that say nothing new: {len(reading.left_out)}\n{rows_text(reading.left_out, 5)}")
    if reading.doubted:
        parts.append(
            f"rows with a value that can't be, kept with its reason and never used: {len(reading.doubted)}\n"
            + rows_text(reading.doubted, 5)
        )
    future = sum(1 for sample in reading.samples if sample.start_ns > now_ns)
    if future:
        parts.append(f"rows stamped after the time of this machine: {future}; is a clock or a date wrong?")
    return "\n".join(parts)


def preview_text(
    reading: FileReading, columns: Sequence[Column], *, guessed: bool, now_ns: int, rows: int = 5
) -> str:
    """What would be imported: columns, guesses, counts, the first samples and the refused rows."""
    parts = []
    if guessed:
        parts.append("Columns guessed from their names; to import, give them yourself:")
        parts += [f"  {option(column)}{_unit_note(column)}" for column in columns]
    parts += [f"Guessed: {guess}" for guess in reading.guesses]
    counts = reading.counts
    parts.append(
        f"{counts.rows} rows: {counts.samples} samples, {counts.refused} refused, {counts.repeated} repeated, "
        f"{counts.empty} empty; {counts.flagged} samples with a flagged reading; interval {reading.interval}"
    )
    for sample in reading.samples[:rows]:
        values = ", ".join(
            f"{name} = {value:.6g} {CHANNELS[name].unit}"
            for name, value in zip(reading.layout.channels, sample.values, strict=True)
            if value == value
        )
        flags = ", ".join(f"{flag.channel} {flag.reason.value}" for flag in sample.flags)
        parts.append(
            f"  {iso_utc(sample.start_ns)} – {iso_utc(sample.end_ns)}  {values}{flags and '  ! ' + flags}"
        )
    if reading.refused:
        parts.append(f"Refused rows:\n{rows_text(reading.refused)}")
    doubts = doubts_text(reading, now_ns)
    if doubts:
        parts.append(doubts)
    return "\n".join(parts)
