"""An accepted entry, or a withdrawal, as canonical JSON, the proof that its sample carries, and back as a sample."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from dodac.clock import iso_utc, parse_time_ns
from dodac.samples import FIRST_REVISION, Flag, Layout, Reason, Sample
from drivers.protocols.manual import Form, Read, Typed
from drivers.protocols.received import Refused

FORMAT: Final = "dodac manual entry 1"
WITHDRAWAL: Final = "dodac manual withdrawal 1"
ID: Final = re.compile(r"^[a-z0-9][a-z0-9-]{7,63}$")  # anchored: JSON Schema looks for it anywhere
MAX_NOTE: Final = 2000
MAX_OPERATOR: Final = 80


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture that belongs to an entry: SHA-256 in hexadecimal, type and length of the file."""

    sha256: str
    kind: str
    size: int


@dataclass(frozen=True)
class Entry:
    """What a person hands in: one form, filled in once.

    id: made where it is typed, so that sending it twice counts once. start_ns, end_ns: the moment of
    reading (both the same), or the period. typed_ns: when it was typed. confirmed: keys of questions
    answered with yes. corrects: the id of an earlier entry that this one replaces.
    """

    id: str
    instrument: str
    values: Mapping[str, Typed]
    start_ns: int
    end_ns: int
    operator: str = ""
    note: str = ""
    photo: Photo | None = None
    typed_ns: int | None = None
    confirmed: frozenset[str] = frozenset()
    corrects: str = ""
    revision: int = 0


@dataclass(frozen=True)
class Withdrawal:
    """What a person hands in when an entry should not be there: its time, or its form, was the wrong one.

    id: made where it is typed. withdraws: the id of the entry. note: why. typed_ns: when it was typed.
    """

    id: str
    instrument: str
    withdraws: str
    operator: str = ""
    note: str = ""
    typed_ns: int | None = None


def canonical(entry: Entry, form: Form, read: Mapping[str, Read]) -> bytes:
    """The entry as canonical JSON: sorted keys, numbers as text, no blanks (as RFC 8785 writes it).

    Holds each value as typed, the number and unit understood, and the canonical value that counts.
    """
    fields: dict[str, Any] = {
        "channels": {
            name: {
                "number": f"{one.number:f}",
                "typed": entry.values[name].text.strip(),
                "unit": one.unit,
                "value": repr(one.value),
            }
            for name, one in read.items()
        },
        "confirmed": sorted(entry.confirmed),
        "corrects": entry.corrects,
        "end": iso_utc(entry.end_ns),
        "format": FORMAT,
        "id": entry.id,
        "instrument": entry.instrument,
        "note": entry.note,
        "operator": entry.operator,
        "photo": None
        if entry.photo is None
        else {"kind": entry.photo.kind, "sha256": entry.photo.sha256, "size": entry.photo.size},
        "profile": form.profile.id,
        "revision": entry.revision,
        "start": iso_utc(entry.start_ns),
        "typed_at": "" if entry.typed_ns is None else iso_utc(entry.typed_ns),
    }
    return _json(fields)


def canonical_withdrawal(given: Withdrawal, old: Kept, revision: int) -> bytes:
    """A withdrawal as canonical JSON: what it takes back, with its times and values, by whom and why."""
    fields: dict[str, Any] = {
        "channels": {
            name: {"typed": old.typed[name], "unit": old.units[name], "value": repr(value)}
            for name, value in old.values.items()
        },
        "corrects": old.id,
        "end": iso_utc(old.end_ns),
        "format": WITHDRAWAL,
        "id": given.id,
        "instrument": given.instrument,
        "note": given.note,
        "operator": given.operator,
        "photo": None,
        "revision": revision,
        "start": iso_utc(old.start_ns),
        "typed_at": "" if given.typed_ns is None else iso_utc(given.typed_ns),
    }
    return _json(fields)


def _json(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Kept:
    """An entry read back from its canonical JSON; withdrawal: it takes back the one that it corrects."""

    id: str
    instrument: str
    start_ns: int
    end_ns: int
    values: Mapping[str, float]
    typed: Mapping[str, str]
    units: Mapping[str, str]
    operator: str
    note: str
    photo: str
    corrects: str
    revision: int
    raw: bytes
    withdrawal: bool = False

    @property
    def middle_ns(self) -> int:
        """The time of its sample."""
        return self.start_ns + (self.end_ns - self.start_ns) // 2

    def sample(self, form: Form) -> Sample:
        """The sample of an entry; a value out of the form's range today is flagged, not lost.

        A correction stands at the time of what it corrects, under a part that replaces the lower ones;
        a withdrawal does so with every value flagged.
        Raises Refused when it holds a channel that the form does not have.
        """
        layout: Layout = form.layout
        strange = [name for name in self.values if name not in layout.index]
        if strange:
            raise Refused(Reason.DECODE, f"the form {form.profile.id} has no channel {strange[0]}")
        good: dict[str, float] = {}
        flags: list[Flag] = []
        for name in layout.channels:
            if name not in self.values:
                continue
            value, ratio = self.values[name], form.ratio(name)
            low, high = form.range(name)
            slack = 1e-9 * max(abs(low), abs(high))
            if self.withdrawal:
                flags.append(Flag(name, Reason.WITHDRAWN, value))
            elif low - slack <= value / ratio <= high + slack:
                good[name] = value
            else:
                flags.append(Flag(name, Reason.OUT_OF_RANGE, value))
        return layout.sample(
            self.middle_ns,
            good,
            flags=flags,
            span_ns=self.end_ns - self.start_ns,
            raw=self.raw,
            part=FIRST_REVISION + self.revision - 1 if self.revision else 0,
        )


def read_back(raw: bytes) -> Kept:
    """The entry in its canonical JSON.

    Raises Refused, with the reason, for anything else.
    """
    try:
        data = json.loads(raw)
        if not isinstance(data, dict) or data.get("format") not in (FORMAT, WITHDRAWAL):
            raise Refused(Reason.DECODE, "this is no entry of a form")
        values = {str(name): float(one["value"]) for name, one in data["channels"].items()}
        if not values or any(value - value != 0 for value in values.values()):
            raise Refused(Reason.DECODE, "it holds no values that are numbers")
        kept = Kept(
            id=str(data["id"]),
            instrument=str(data["instrument"]),
            start_ns=parse_time_ns(data["start"], "UTC"),
            end_ns=parse_time_ns(data["end"], "UTC"),
            values=values,
            typed={str(name): f"{one['typed']}" for name, one in data["channels"].items()},
            units={str(name): f"{one['unit']}" for name, one in data["channels"].items()},
            operator=str(data["operator"]),
            note=str(data["note"]),
            photo="" if data["photo"] is None else str(data["photo"]["sha256"]),
            corrects=str(data["corrects"]),
            revision=int(data["revision"]),
            raw=raw,
            withdrawal=data["format"] == WITHDRAWAL,
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise Refused(Reason.DECODE, f"it can't be read: {type(error).__name__}: {error}") from None
    least = 1 if kept.withdrawal else 0
    if not ID.fullmatch(kept.id) or kept.end_ns < kept.start_ns or not least <= kept.revision < 1000:
        raise Refused(Reason.DECODE, "id, times or revision are none of an entry")
    return kept
