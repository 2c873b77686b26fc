"""TJF, testo's JSON of measurements (files and HTTP), as readings; pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from zoneinfo import ZoneInfo

from dodac.clock import SECOND_NS
from dodac.quantities import CHANNELS
from dodac.samples import Flag, Reason
from drivers.protocols.received import Refused
from drivers.protocols.tjf_json import number_of, part_of, read_document, text_of, time_of
from drivers.protocols.tjf_names import LEFT_OUT, Language, channels_of, convert_from, label, language

_INVALID: Final = 4_294_967_040.0  # 2³² − 1 and what a float32 makes of it
_TOGETHER_NS: Final = SECOND_NS  # stamps of one measurement differ by milliseconds
_ERRORS: Final = {
    1: "no measuring instrument is connected; switch it on and join it with the app",
    2: "no measurements are available; start the measurement",
}


@dataclass(frozen=True, slots=True)
class TjfMoment:
    """The readings of one time: good values by channel, and flags (sentinel, decode, out_of_range, conflict).

    time_ns: UTC; None when the file says no time that can be believed, and time_fault why. shown: what the
    instrument says of each channel, with its unit.
    """

    time_ns: int | None
    values: Mapping[str, float]
    flags: tuple[Flag, ...]
    time_fault: str = ""
    shown: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TjfOther:
    """What was in the data and is no reading: its label, the value as shown, and why it was not taken.

    channel: the one that it would have been, "" when it is none.
    """

    label: str
    shown: str
    why: str
    channel: str = ""

    @property
    def expected(self) -> bool:
        """True for what no testo is read for: its own arithmetic, its own temperature."""
        return self.why in LEFT_OUT


@dataclass(frozen=True, slots=True)
class TjfReading:
    """One TJF document.

    facts: model, serial_number, firmware, fuel, fuel_id, o2_reference_pct, co2_max_pct, measurement
    (texts, those that are there). dilution: factors other than 1, as stated; values are not changed.
    """

    moments: tuple[TjfMoment, ...]
    others: tuple[TjfOther, ...]
    facts: Mapping[str, str] = field(default_factory=dict)
    dilution: Mapping[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class _Slot:
    """What is known of one channel at one time, while the channels are gone through."""

    value: float | None = None
    flag: Flag | None = None
    shown: str = ""


def parse_tjf(data: bytes, zone: str = "UTC") -> TjfReading:
    """The readings of a TJF document of any schema; zone: of times without one.

    Raises Refused: exception when the instrument reports an error instead, decode for what is no TJF
    or has no channel that is known.
    """
    document = read_document(data)
    if "errors" in document:
        raise Refused(Reason.EXCEPTION, f"the instrument reports {_errors(document['errors'])}")
    channels = document.get("channels")
    if not isinstance(channels, list):
        raise Refused(Reason.DECODE, 'this is no TJF: it has no list "channels"')
    rows = [row for row in channels if isinstance(row, dict)]
    names = [text_of(part_of(row, "type"), "name") for row in rows if not _xmlid(row)]
    tongue = language(names, text_of(document, "schemaVersion"))
    gathered = _Gathered(ZoneInfo(zone), document.get("timeStamp"))
    for row in rows:
        gathered.channel(row, tongue)
    moments = gathered.moments()
    if not moments:
        seen = ", ".join(dict.fromkeys(other.label for other in gathered.others if other.label))
        raise Refused(
            Reason.DECODE, f"no flue-gas channel that is known is in it ({seen[:200] or 'nothing'})"
        )
    return TjfReading(moments, tuple(gathered.others), _facts(document), gathered.dilution)


class _Gathered:
    """Readings by time and channel, as the channels of a document are gone through."""

    def __init__(self, zone: ZoneInfo, whole_stamp: object) -> None:
        self.others: list[TjfOther] = []
        self.dilution: dict[str, float] = {}
        self._zone = zone
        self._whole_ns = time_of(whole_stamp, zone)
        self._found: list[tuple[int | None, str, _Slot]] = []
        self._fault = ""

    def channel(self, row: Mapping[str, Any], tongue: Language) -> None:
        """Takes one channel with its values."""
        kind, unit = part_of(row, "type"), part_of(row, "unit")
        name = text_of(kind, "name")
        names, why = channels_of(_xmlid(row), name, tongue)
        entries = row.get("values")
        for entry in entries if isinstance(entries, list) else ():
            if not isinstance(entry, dict):
                self.others.append(TjfOther(name, "", "a value that is none"))
                continue
            shown = f"{text_of(entry, 'description') or entry.get('value')} {text_of(unit, 'name')}".strip()
            if len(names) != 1:
                self.others.append(TjfOther(name, shown, why, names[0] if names else ""))
                for one in names:
                    self._add(entry, one, _Slot(flag=Flag(one, Reason.DECODE)), shown)
                continue
            convert = convert_from(names[0], text_of(unit, "xmlid"), text_of(unit, "name"))
            if isinstance(convert, str):
                self.others.append(TjfOther(name, shown, convert, names[0]))
                self._add(entry, names[0], _Slot(flag=Flag(names[0], Reason.DECODE)), shown)
                continue
            extra = _extras(entry)
            if extra.get("noxflag") is True and names[0] == "no_ppm":
                self.others.append(TjfOther(name, shown, "it is marked as NOx, not as NO", names[0]))
                self._add(entry, names[0], _Slot(flag=Flag(names[0], Reason.DECODE)), shown)
                continue
            factor = number_of(extra.get("dilutionFactor"))
            if factor is not None and factor > 0 and factor != 1:
                self.dilution[names[0]] = factor
            self._add(entry, names[0], _reading(names[0], entry, convert.scale, convert.offset), shown)

    def _add(self, entry: Mapping[str, Any], name: str, slot: _Slot, shown: str) -> None:
        slot.shown = shown
        time_ns = time_of(entry.get("timeStamp"), self._zone)
        if time_ns is None:
            time_ns = self._whole_ns
        if time_ns is None and not self._fault:
            self._fault = f"{str(entry.get('timeStamp'))[:40]!r} is no time of a measurement"
        self._found.append((time_ns, name, slot))

    def moments(self) -> tuple[TjfMoment, ...]:
        """The readings, those of one measurement together, in the order of time; without time first."""
        ordered = sorted(self._found, key=lambda item: -1 if item[0] is None else item[0])
        groups: list[tuple[int | None, dict[str, list[_Slot]]]] = []
        for time_ns, name, slot in ordered:
            if not groups or not _together(groups[-1][0], time_ns):
                groups.append((time_ns, {}))
            groups[-1][1].setdefault(name, []).append(slot)
        return tuple(self._moment(time_ns, slots) for time_ns, slots in groups)

    def _moment(self, time_ns: int | None, slots: Mapping[str, list[_Slot]]) -> TjfMoment:
        values: dict[str, float] = {}
        flags: list[Flag] = []
        for name, several in slots.items():
            good = [slot.value for slot in several if slot.value is not None]
            told = [
                slot.flag for slot in several if slot.flag is not None and slot.flag.reason != Reason.DECODE
            ]
            # a gas is often given in ppm and in mg/m³: what can be read counts
            if good and not told and all(math.isclose(value, good[0], rel_tol=1e-6) for value in good):
                values[name] = good[0]
            elif good:
                flags.append(Flag(name, Reason.CONFLICT, good[0]))
            else:
                flags.append((told or [slot.flag for slot in several if slot.flag is not None])[0])
        shown = {
            name: ", ".join(dict.fromkeys(slot.shown for slot in several)) for name, several in slots.items()
        }
        return TjfMoment(time_ns, values, tuple(flags), self._fault if time_ns is None else "", shown)


def _together(first: int | None, second: int | None) -> bool:
    if first is None or second is None:
        return first is second
    return second - first < _TOGETHER_NS


def _reading(name: str, entry: Mapping[str, Any], scale: float, offset: float) -> _Slot:
    shown = text_of(entry, "description").replace("\0", "").strip()
    number = number_of(entry.get("value"))
    if (number is not None and abs(number) >= _INVALID) or (shown and not any(s.isdigit() for s in shown)):
        return _Slot(flag=Flag(name, Reason.SENTINEL))
    if number is None:
        return _Slot(flag=Flag(name, Reason.DECODE))
    value = number * scale + offset
    if not CHANNELS[name].in_range(value):
        return _Slot(flag=Flag(name, Reason.OUT_OF_RANGE, value))
    return _Slot(value=value)


def _errors(errors: object) -> str:
    told = []
    for error in errors if isinstance(errors, list) else ():
        if isinstance(error, dict):
            code, name = error.get("errorcode"), text_of(error, "name")
            words = _ERRORS.get(code, "") if isinstance(code, int) else ""
            said = words or text_of(error, "description")
            told.append(f"error {code}{f' ({name})' if name else ''}{f': {said}' if said else ''}")
    return "; ".join(told)[:300] or "an error without a name"


def _facts(document: Mapping[str, Any]) -> dict[str, str]:
    device = document.get("device")
    devices = [item for item in (device if isinstance(device, list) else [device]) if isinstance(item, dict)]
    found: dict[str, str] = {}
    if devices:
        found["model"] = text_of(devices[0], "name")
        found["serial_number"] = text_of(devices[0], "serial")
        found["firmware"] = text_of(devices[0], "firmwareVersion")
    kind = part_of(document, "type")
    found["measurement"] = text_of(kind, "id") or text_of(kind, "name")
    listed = document.get("properties")
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, dict) and label(text_of(item, "name")) == "fuel":
            found["fuel"], found["fuel_id"] = text_of(item, "description"), text_of(item, "id")
            for name, number in _fuel_values(item.get("values")):
                found[name] = f"{number:g}"
    cleaned = {name: text.replace("\0", "").strip()[:200] for name, text in found.items()}
    return {name: text for name, text in cleaned.items() if text}


def _fuel_values(values: object) -> Iterator[tuple[str, float]]:
    for value in values if isinstance(values, Sequence) and not isinstance(values, str) else ():
        number = number_of(value.get("value")) if isinstance(value, dict) else None
        if number is None:
            continue
        word = label(text_of(value, "id") or text_of(value, "name"))
        if word in ("o2ref", "o2-bezug", "o2 reference", "o2 ref."):
            yield "o2_reference_pct", number
        elif word == "co2max":
            yield "co2_max_pct", number


def _extras(entry: Mapping[str, Any]) -> dict[str, object]:
    extra = entry.get("additionalData")
    items = [item for item in extra if isinstance(item, dict)] if isinstance(extra, list) else []
    return {text_of(item, "name"): item.get("value") for item in items}


def _xmlid(row: Mapping[str, Any]) -> str:
    return text_of(part_of(row, "type"), "xmlid")
