"""Files that are not tables: testo's TJF, and logs of lines that a profile tells how to read."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from dodac.errors import ConfigError, DataError, Where
from dodac.samples import Flag, Layout, Sample, TimeSource
from drivers.profile import LineProfile
from drivers.protocols.files_spec import FileReading, RowList, held
from drivers.protocols.files_text import open_text
from drivers.protocols.files_time import StampReader, Walls, check_format
from drivers.protocols.line import LineDecoder
from drivers.protocols.received import Refused
from drivers.protocols.tjf import parse_tjf
from drivers.protocols.tjf_json import MAX_BYTES

_MOST_LINES: Final = 1_000_000


def is_tjf(path: Path) -> bool:
    """True for a file that is named TJF or begins as JSON does."""
    if path.suffix.casefold() == ".tjf":
        return True
    try:
        with path.open("rb") as file:
            return file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"
    except OSError:
        return False


def read_tjf_file(path: Path, instrument: str, zone: str) -> FileReading:
    """The measurements of a TJF file as instants; "line" counts them from 1.

    Raises DataError when it is none or no measurement has a time.
    """
    where = Where(file=str(path), instrument=instrument)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError("this file is too large for one set of measurements.", where)
        parsed = parse_tjf(path.read_bytes(), zone)
    except OSError as error:
        raise DataError(f"the file can't be read: {error.strerror}.", where) from None
    except Refused as refused:
        raise DataError(f"{refused}.", where, "Export it again from the instrument's app.") from None
    names: dict[str, None] = {}
    for moment in parsed.moments:
        names.update(dict.fromkeys([*moment.values, *(flag.channel for flag in moment.flags)]))
    layout = Layout(instrument, tuple(names))
    refused_rows, doubted = RowList(), RowList()
    samples: list[Sample] = []
    for number, one in enumerate(parsed.moments, start=1):
        if one.time_ns is None:
            refused_rows.add(
                number, f"the measurement has no time: {one.time_fault or 'none is in the file'}"
            )
            continue
        samples.append(layout.sample(one.time_ns, one.values, flags=one.flags, time_source=TimeSource.DEVICE))
        if one.flags:
            doubted.add(number, _flag_words(one.flags))
    unused = tuple(f"{other.label} = {other.shown or 'nothing'}: {other.why}" for other in parsed.others)
    guesses = [
        f"{name}: the instrument diluted by {factor:g}; values are as it shows them"
        for name, factor in parsed.dilution.items()
    ]
    return held(
        path, layout, samples, refused_rows, rows=len(parsed.moments), guesses=guesses, doubted=doubted,
        facts=dict(parsed.facts), unused=unused,
    )  # fmt: skip


def read_line_log(
    path: Path, instrument: str, profile: LineProfile, zone: str, date_format: str | None = None
) -> FileReading:
    """A log of the lines that an instrument printed, each an instant.

    date_format: how the fields a line begins with say the time, for a profile that does not know it; as in
    FileSpec. Raises ConfigError where it is needed and not given, DataError when the file can't be read or has no line.
    """
    text = open_text(path)
    decoder = LineDecoder(profile, zone)
    if profile.time is None and date_format is None:
        raise ConfigError(
            f"how {profile.id} writes the time is not known for sure.",
            Where(file=str(path)),
            'Say it: --date-format ymd, dmy, mdy or a pattern such as "%y/%m/%d %H:%M:%S".',
        )
    clock = None
    if date_format is not None:
        check_format(date_format, path)
        clock = _Clock(profile, date_format, Walls(ZoneInfo(zone)))
    layout = Layout(instrument, tuple(profile.channels))
    refused, left_out, doubted = RowList(), RowList(), RowList()
    samples: list[Sample] = []
    seen: dict[int, int] = {}
    rows = 0
    for number, line in enumerate(text.lines(), start=1):
        if not line.strip():
            continue
        rows += 1
        if rows > _MOST_LINES:
            raise DataError("the log is longer than a million lines.", Where(file=str(path)), "Split it.")
        sample = _line_sample(line, number, decoder, clock, layout, refused, left_out)
        if sample is None:
            continue
        before = seen.setdefault(sample.time_ns, len(samples))
        if before < len(samples):
            if samples[before].canonical() == sample.canonical():
                left_out.add(number, "says again what a line above says")
            else:
                refused.add(number, "a line above has the same time with another value")
            continue
        samples.append(sample)
        if sample.flags:
            doubted.add(number, _flag_words(sample.flags))
    if not rows:
        raise DataError("the file is empty.", Where(file=str(path)))
    return held(
        path, layout, samples, refused, rows=rows, left_out=left_out, doubted=doubted,
        guesses=(*text.notes, f"lines as {profile.id} prints them"), facts={"profile": profile.id},
    )  # fmt: skip


class _Clock:
    """Times of lines whose profile does not say where they are: the fields they begin with."""

    def __init__(self, profile: LineProfile, date_format: str, walls: Walls) -> None:
        self._shape, self._format, self._walls = profile.line, date_format, walls

    def read(self, line: str) -> int:
        """UTC of a line; ValueError when it can't be read."""
        fields = line.removeprefix(self._shape.start).split(self._shape.delimiter)
        count = 2 if len(fields) > 1 and ":" in fields[1] else 1  # date and time, apart or in one
        reader = StampReader(self._format, self._walls)
        reader.take(0, " ".join(field.strip() for field in fields[:count]))
        if len(reader.refused):
            raise ValueError(reader.refused[0].reason)
        return int(reader.stamps([]).utc[0])


def _line_sample(
    line: str,
    number: int,
    decoder: LineDecoder,
    clock: _Clock | None,
    layout: Layout,
    refused: RowList,
    left_out: RowList,
) -> Sample | None:
    try:
        found = decoder.decode(line.encode("latin-1", "replace"))
    except Refused as error:
        refused.add(number, str(error))
        return None
    if found is None:
        left_out.add(number, "a line that holds no measurement")
        return None
    time_ns = found.time_ns
    if clock is not None:
        try:
            time_ns = clock.read(line)
        except ValueError as error:
            refused.add(number, str(error))
            return None
    if time_ns is None:
        refused.add(number, found.time_fault or "the line has no time")
        return None
    return layout.sample(time_ns, found.values, flags=found.flags, time_source=TimeSource.DEVICE)


def _flag_words(flags: tuple[Flag, ...]) -> str:
    return ", ".join(
        f"{flag.channel} {flag.reason.value}" + ("" if flag.value is None else f" ({flag.value:g})")
        for flag in flags
    )


__all__ = ["is_tjf", "read_line_log", "read_tjf_file"]
