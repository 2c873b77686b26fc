"""What `dodac import` says of a file: columns, guesses, rows that were not used."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from dodac.clock import iso_utc
from dodac.quantities import CHANNELS, channel
from dodac.samples import Layout, Sample
from drivers.protocols.files import FileReading, RefusedRow
from drivers.protocols.files_words import Meaning

if TYPE_CHECKING:
    from collector._import_read import Taken

Column = tuple[str, str, str | None]


def option(column: Column) -> str:
    """A column as it is written on the command line."""
    name, target, unit = column
    text = f"{name}={target}" + (f":{unit}" if unit else "")
    return f"--column '{text}'" if re.search(r"[^\w=:.-]", text) else f"--column {text}"


def meaning_text(meaning: Meaning) -> str:
    """A column that must be decided, with the options that decide it."""
    if not meaning.choices:
        return f'"{meaning.column}": {meaning.note}'
    choices = " or ".join(option((meaning.column, choice, None)) for choice in meaning.choices)
    return f'"{meaning.column}" {meaning.note}; if so, say {choices}'


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
    future = future_rows(reading, now_ns)
    if future:
        parts.append(f"rows stamped after the time of this machine: {future}; is a clock or a date wrong?")
    parts += [f"! {warning}" for warning in reading.warnings]
    return "\n".join(parts)


def future_rows(reading: FileReading, now_ns: int) -> int:
    """How many samples begin after now."""
    if reading.latest_start_ns <= now_ns:
        return 0
    return sum(1 for sample in reading.read() if sample.start_ns > now_ns)


def not_read(taken: Taken) -> list[str]:
    """What stands in the file and becomes no reading: columns by name, values of a TJF with the reason."""
    names = taken.reading.unused[:60]
    if taken.columns or taken.reading.columns:
        quoted = ", ".join(f'"{name}"' for name in names)
        return [f"Columns not read: {quoted}"] if quoted else []
    return [f"Not read: {name}" for name in names]


def preview_text(taken: Taken, *, now_ns: int, rows: int = 5) -> str:
    """What would be imported: columns, guesses, counts, the first samples and the refused rows."""
    reading, parts = taken.reading, []
    if taken.guessed and taken.columns:
        parts.append("Columns guessed from their names; to import, give them yourself (or --guessed):")
        parts += [f"  {option(column)}{_unit_note(column)}" for column in taken.columns]
    parts += [f"To be decided: {meaning_text(meaning)}" for meaning in taken.to_decide]
    parts += [
        f"Left out: {meaning_text(m)}" if m.channel is None else f"Decided: {meaning_text(m)}"
        for m in taken.meanings
        if m.note and not m.choices
    ]
    parts += [f"Guessed: {guess}" for guess in reading.guesses]
    parts += [f"Column: {_factor_text(reading, number)}" for number in range(len(reading.columns))]
    parts += not_read(taken)
    if reading.facts:
        parts.append("The file says of the instrument:")
        parts += [f"  {name}: {value}" for name, value in islice(reading.facts.items(), 30)]
    if reading.aside:
        parts.append(f"Lines that are no rows (headers, units, words): {line_ranges(reading.aside)}")
    counts = reading.counts
    parts.append(
        f"{counts.rows} rows: {counts.samples} samples, {counts.refused} refused, {counts.repeated} repeated, "
        f"{counts.empty} empty; {counts.flagged} samples with a flagged reading; interval {reading.interval}"
    )
    for sample in islice(reading.read(), rows):
        values = ", ".join(
            f"{name} = {value:.6g} {CHANNELS[name].unit}" for name, value in _good(reading.layout, sample)
        )
        flags = ", ".join(f"{flag.channel} {flag.reason.value}" for flag in sample.flags)
        parts.append(
            f"  {iso_utc(sample.start_ns)} – {iso_utc(sample.end_ns)}  {values}{flags and '  ! ' + flags}"
        )
    parts += [f"  {event.text}" for event in reading.events[:rows]]
    if reading.refused:
        parts.append(f"Refused rows:\n{rows_text(reading.refused)}")
    doubts = doubts_text(reading, now_ns)
    if doubts:
        parts.append(doubts)
    return "\n".join(parts)


def _good(layout: Layout, sample: Sample) -> list[tuple[str, float]]:
    return [(name, v) for name, v in zip(layout.channels, sample.values, strict=True) if v == v]


def _factor_text(reading: FileReading, number: int) -> str:
    column = reading.columns[number]
    text = f'"{column.column}" → {column.channel}'
    if column.scale == 1 and not column.offset:
        return f"{text}, in {column.unit}"
    shift = f" {'+' if column.offset > 0 else '−'} {abs(column.offset):g}" if column.offset else ""
    return f"{text}, in {column.unit}: × {column.scale:.9g}{shift}"


def preview_dict(taken: Taken, *, now_ns: int, rows: int = 5) -> dict[str, Any]:
    """The same for a program."""
    reading = taken.reading
    return {
        "file": str(reading.path),
        "instrument": reading.layout.instrument,
        "columns_guessed": taken.guessed,
        "columns": [
            {"column": c.column, "channel": c.channel, "unit": c.unit, "scale": c.scale, "offset": c.offset}
            for c in reading.columns
        ],
        "options": [option(column) for column in taken.columns],
        "to_decide": [
            {"column": m.column, "choices": list(m.choices), "note": m.note} for m in taken.to_decide
        ],
        "left_out_columns": [
            {"column": m.column, "note": m.note}
            for m in taken.meanings
            if m.channel is None and not m.choices
        ],
        "columns_not_read": list(reading.unused),
        "guesses": list(reading.guesses),
        "warnings": list(reading.warnings),
        "facts": dict(reading.facts),
        "lines_aside": list(reading.aside),
        "interval": reading.interval,
        "counts": {name: getattr(reading.counts, name) for name in reading.counts.__slots__},
        "after_now": future_rows(reading, now_ns),
        "first_rows": [
            {
                "start": iso_utc(sample.start_ns),
                "end": iso_utc(sample.end_ns),
                "values": dict(_good(reading.layout, sample)),
                "flags": {flag.channel: flag.reason.value for flag in sample.flags},
            }
            for sample in islice(reading.read(), rows)
        ],
        "events": [event.text for event in reading.events[:rows]],
        **rows_dict(reading),
    }


def rows_dict(reading: FileReading) -> dict[str, Any]:
    """Every row that gave no good reading, by line."""
    kinds = {
        "refused_rows": reading.refused, "left_out_rows": reading.left_out, "flagged_rows": reading.doubted,
    }  # fmt: skip
    return {
        name: [{"line": row.line, "reason": row.reason} for row in listed] for name, listed in kinds.items()
    }
