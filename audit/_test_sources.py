"""A technician's samples from files or from a journal's instruments, as the table that a test is read from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from audit.filestore import Column, column
from dodac.errors import ConfigError, DataError
from dodac.quantities import CHANNELS, Kind

if TYPE_CHECKING:
    from analysis._tables import Row
    from dodac.contracts import Store

Journal = Callable[[], "AbstractContextManager[Store]"]

# a gauge wide enough for any plain number; its unit is told with it, so that the header's is not asked
_PLAIN: Final = ("heat_power_w", "W")
# what a test calls it → the channel that is read, and what one of the channel's units is in the test's
_READ: Final[Mapping[str, tuple[str, float]]] = {
    "o2_pct": ("o2_pct", 1.0),
    "t_flue_c": ("t_flue_c", 1.0),
    "t_air_c": ("t_air_c", 1.0),
    "co_ppm": ("co_ppm", 1.0),
    "power_kw": ("power_w", 1e-3),
    "flow_m3_h": ("flow_m3h", 1.0),
    "pressure_bar": ("pressure_bar", 1.0),
}
# names under which it is looked for when nobody says where it is
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "o2_pct": ("o2", "o₂"),
    "co_ppm": ("co",),
    "load": ("tải", "steam_flow_kgh"),
    "power_kw": ("power_w", "power", "công suất"),
    "flow_m3_h": ("flow_m3h",),
    "pressure_bar": ("pressure", "áp suất"),
}
FURTHER: Final[Mapping[str, tuple[str, ...]]] = {"boiler": ("t_air_c", "co_ppm")}


@dataclass(frozen=True)
class Source:
    """A file or an instrument, and the local days from..to of it (None: all of a file)."""

    name: str
    path: Path | None
    period: tuple[str, str] | None


@dataclass(frozen=True)
class Written:
    """How the times of files are written, where that is not found: column, order or pattern, sheet."""

    time: str | None = None
    date_format: str | None = None
    sheet: str | None = None


def source_of(text: str, option: str) -> Source:
    """FILE, FILE@DAY, INSTRUMENT@DAY or …@FROM..TO.

    Raises ConfigError for an instrument without its days.
    """
    if Path(text).is_file():
        return Source(text, Path(text), None)
    name, at, days = text.rpartition("@")
    if not at:
        if "." in text or "/" in text:
            raise ConfigError(f"{option}: there is no file {text}.")
        raise ConfigError(
            f'{option}: "{text}" is no file, and an instrument needs its days.',
            todo=f"Write {text}@2026-03-02 or {text}@2026-03-02..2026-03-04.",
        )
    start, dots, end = days.partition("..")
    period = (start.strip(), end.strip() if dots else start.strip())
    try:
        if date.fromisoformat(period[0]) > date.fromisoformat(period[1]):
            raise ValueError
    except ValueError:
        raise ConfigError(
            f'{option}: "{days}" is no day and no period.', todo="Write 2026-03-02 or 2026-03-02..2026-03-04."
        ) from None
    return Source(name, Path(name) if Path(name).is_file() else None, period)


def channels_told(texts: Sequence[str]) -> dict[str, Column]:
    """CHANNEL=COLUMN[:UNIT] of --channel, by channel.

    Raises ConfigError for anything else.
    """
    found = {}
    for text in texts:
        role, equals, name = text.partition("=")
        if not equals or not role.strip():
            raise ConfigError(f'--channel "{text}" names no column.', todo="Write e.g. --channel load=steam.")
        found[role.strip()] = column(name, "--channel")
    return found


def samples_frame(
    sources: Sequence[Source],
    rules: Row,
    told: Mapping[str, Column],
    zone: str,
    journal: Journal,
    notes: list[str],
    written: Written,
) -> pd.DataFrame:
    """The channels of a test as columns, one row a sample of the first source that has one of its bands.

    A channel is looked for in every source in turn; those of other sources come to the nearest sample
    within the longest gap of the kind. notes: gets what was guessed. Raises ConfigError for a channel
    that is not there, DataError when a file can't be read without guessing.
    """
    needed = [str(band["channel"]) for band in rules["bands"] if not band.get("optional")]
    wanted = [*(str(band["channel"]) for band in rules["bands"]), *FURTHER.get(str(rules["kind"]), ())]
    unknown = sorted(set(told) - set(wanted))
    if unknown:
        raise ConfigError(
            f'--channel: a {rules["kind"]} has no "{unknown[0]}".', todo=f"There are: {', '.join(wanted)}."
        )
    frames: list[pd.DataFrame] = []
    left = list(dict.fromkeys(wanted))
    for source in sources:
        frame = (
            _file(source, left, told, zone, notes, written)
            if source.path
            else _journal(source, left, told, zone, journal)
        )
        left = [role for role in left if role not in frame.columns]
        frames.append(frame)
    missing = [role for role in needed if role in left]
    if missing:
        where = ", ".join(source.name for source in sources)
        raise ConfigError(
            f'{where}: nothing is called "{missing[0]}".',
            todo=f"Say where it is: --channel {missing[0]}=COLUMN.",
        )
    base = next(frame for frame in frames if set(frame.columns) & set(needed))
    table = base.copy()
    near = pd.Timedelta(minutes=float(rules["gap_min"]))
    for frame in frames:
        if frame is not base and len(frame.columns):
            table = table.join(frame.reindex(table.index, method="nearest", tolerance=near))
    return table


def _file(
    source: Source,
    roles: Sequence[str],
    told: Mapping[str, Column],
    zone: str,
    notes: list[str],
    written: Written,
) -> pd.DataFrame:
    from drivers.protocols.files import FileSpec, header_of, read_interval_file
    from drivers.protocols.files_names import find_place
    from drivers.protocols.files_open import open_grids

    path = source.path
    assert path is not None  # noqa: S101 - told by the caller
    names = header_of(open_grids(path, sheet=written.sheet))[1].names
    columns: dict[str, tuple[str, str, str | None]] = {}
    for role in roles:
        asked = [told[role].name] if role in told else [role, *_NAMES.get(role, ())]
        name = next((one for one in asked if find_place(names, one) is not None), None)
        if name is not None:
            channel, unit = _channel(role, told.get(role), name)
            columns[role] = (name, channel, unit)
    if not columns:
        return pd.DataFrame(index=pd.DatetimeIndex([], tz=zone))
    spec = FileSpec(
        "test",
        tuple(columns.values()),
        zone=zone,
        stamp="instant",
        time_column=written.time,
        date_format=written.date_format,
        sheet=written.sheet,
    )
    found = read_interval_file(path, spec)
    if found.refused:
        first = found.refused[0]
        raise DataError(
            f"{path}: {len(found.refused)} rows can't be used; line {first.line}: {first.reason}.",
            todo="Correct the file.",
        )
    notes += [f"{path.name}: {text}" for text in (*found.guesses, *found.warnings)]
    samples = sorted(found.read(), key=lambda sample: sample.time_ns)
    index = pd.to_datetime(np.array([sample.time_ns for sample in samples], dtype="int64"), utc=True)
    values = np.array([sample.values for sample in samples], dtype="float64").reshape(len(samples), -1)
    places = {channel: number for number, channel in enumerate(found.layout.channels)}
    frame = pd.DataFrame(
        {
            role: values[:, places[channel]] * _factor(role, channel)
            for role, (_, channel, _) in columns.items()
        },
        index=index.tz_convert(zone),
    )
    return _within(frame[~frame.index.duplicated()], source)


def _journal(
    source: Source, roles: Sequence[str], told: Mapping[str, Column], zone: str, journal: Journal
) -> pd.DataFrame:
    from audit.periods import window_ns

    if source.period is None:
        raise ConfigError(f"there is no file {source.name}.")
    start, end = window_ns(zone, source.period)
    with journal() as store:
        have = _has(store, source.name)
        columns = {}
        for role in roles:
            asked = [told[role].name] if role in told else [role, *_NAMES.get(role, ())]
            asked += [_READ[role][0]] if role in _READ else []
            name = next((one for one in asked if one in have), None)
            if name is not None:
                columns[role] = name
        counters = [name for name in columns.values() if CHANNELS[name].kind is not Kind.GAUGE]
        if counters:
            raise ConfigError(
                f"{source.name}: {counters[0]} counts; a test needs a momentary figure (a flow, a power)."
            )
        found = store.series(source.name, sorted(set(columns.values())), start, end)
    frame = pd.DataFrame(
        {role: found[name] * _factor(role, name) for role, name in columns.items()}, index=found.index
    )
    frame.index = pd.DatetimeIndex(frame.index).tz_convert(zone)
    return frame[~frame.index.duplicated()]


def _has(store: Store, instrument: str) -> tuple[str, ...]:
    if instrument not in store.instruments():
        raise ConfigError(
            f'there is no instrument "{instrument}" in the journal, and no such file.',
            todo=f"There are: {', '.join(store.instruments())}.",
        )
    return store.channels(instrument)


def _channel(role: str, told: Column | None, name: str) -> tuple[str, str | None]:
    """The channel that a column becomes and the unit that is told with it."""
    if role not in _READ:
        return _PLAIN
    if told is not None and told.unit is not None:
        return _READ[role][0], told.unit
    # a bare "power_kw" says its unit by its name
    return _READ[role][0], "kW" if role == "power_kw" and name.casefold() == "power_kw" else None


def _factor(role: str, channel: str) -> float:
    return _READ[role][1] if role in _READ and channel == _READ[role][0] else 1.0


def _within(frame: pd.DataFrame, source: Source) -> pd.DataFrame:
    if source.period is None:
        return frame
    days = pd.DatetimeIndex(frame.index).tz_localize(None).normalize()
    found = frame[(days >= pd.Timestamp(source.period[0])) & (days <= pd.Timestamp(source.period[1]))]
    if not len(found):
        raise DataError(f"{source.name} has no samples from {source.period[0]} to {source.period[1]}.")
    return found
