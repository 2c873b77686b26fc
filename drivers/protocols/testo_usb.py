"""Reads a testo 350 or 330-2 on USB: two handshakes, then status, values and status again."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from dodac.clock import Clock
from dodac.quantities import CHANNELS
from dodac.samples import Flag, Layout, Reason, Sample
from dodac.units import Conversion, conversion
from drivers.bus import Bus, BusFault
from drivers.links.usb import UsbLink
from drivers.noting_connection import Note
from drivers.profile import UsbChannel, UsbViewProfile, unit_of
from drivers.protocols.testo_usb_codes import NAMES, reason_of
from drivers.protocols.testo_usb_frame import (
    COUNT,
    STATUS,
    VIEW,
    MeasuringStatus,
    ViewRecord,
    ask_ident,
    ask_serial,
    body_of,
    find_frame,
    query,
    serial_of,
    status_of,
    view_of,
)


class UsbViewReader:
    """One analyser; see Reader and Noting.

    A reading counts only when the analyser says before and after that it measures. Records whose ident no
    channel names are told once each as notes, and kept in `unmapped`.
    """

    unit = "usb"

    def __init__(self, instrument: str, profile: UsbViewProfile) -> None:
        self.layout = Layout(instrument, tuple(profile.channels))
        self.profile = profile
        self.fault_text = ""
        self.refused_channels: set[str] = set()
        self.notes: list[Note] = []
        self.unmapped: dict[tuple[int, int], ViewRecord] = {}
        self._told: set[tuple[object, ...]] = set()
        self.status = b""  # its measuring status after the last list of values, as it came
        self._opened = -1
        self._serial = self._ident = b""

    def read(self, bus: Bus, *, everything: bool = False) -> Sample:
        """One sample; raises LinkDown when the plug is pulled."""
        self.fault_text = ""
        sent_ns, start = bus.clock.now_ns(), bus.clock.monotonic_ns()
        body = b""
        try:
            self._shake_hands(bus)
            before = status_of(self._ask(bus, STATUS, 14))
            (count,) = struct.unpack("<H", self._ask(bus, COUNT, 2))
            body = self._ask(bus, VIEW, None)
            self.status = self._ask(bus, STATUS, 14)
            after = status_of(self.status)
            records = view_of(body)
            if len(records) != count:
                raise ValueError(f"{len(records)} values came where it said {count}")
            values, flags = readings(self.profile, records, (before, after))
        except BusFault as fault:
            self._opened = -1  # whatever went wrong: shake hands again
            self.fault_text = fault.text
            values, flags = {}, [Flag(name, fault.reason) for name in self.layout.channels]
        except (ValueError, struct.error) as error:
            self._opened = -1
            self.fault_text = f"the answer is not understood: {error}"
            values, flags = {}, [Flag(name, Reason.CRC) for name in self.layout.channels]
        else:
            self._note(records, before if not before.running else after)
        span = bus.clock.monotonic_ns() - start
        raw = body if (flags or everything) and body else None
        return self.layout.sample(sent_ns + span // 2, values, flags=flags, span_ns=span, raw=raw)

    def probe(self, bus: Bus) -> bool:
        """True when it says what it does."""
        try:
            self._shake_hands(bus)
            status_of(self._ask(bus, STATUS, 14))
        except BusFault as fault:
            self._opened = -1
            self.fault_text = fault.text
            return False
        except ValueError as error:
            self._opened = -1
            self.fault_text = str(error)
            return False
        return True

    def _shake_hands(self, bus: Bus) -> None:
        link = bus.link
        assert isinstance(link, UsbLink)  # noqa: S101  (connections are opened with the link that fits)
        if self._opened == link.opened:
            return
        answer = handshake(bus)
        self._serial = answer[4:]
        self._ident = body_of(bus.exchange(ask_ident(), lambda came: find_frame(came, 6)).data)[4:]
        self._opened = link.opened
        number = serial_of(answer)
        self._tell(
            ("serial", number), f"testo analyser with the serial number {number}", serial_number=number
        )

    def _ask(self, bus: Bus, command: int, size: int | None) -> bytes:
        request = query(self._ident, self._serial, command)
        return body_of(bus.exchange(request, lambda came: find_frame(came, size)).data)

    def _note(self, records: Sequence[ViewRecord], status: MeasuringStatus) -> None:
        """Tells its state when that hides readings, and each record that no channel takes."""
        if not status.running:
            self._tell(("state", status.state), f"no readings: {status.text}")
        else:
            self._told = {key for key in self._told if key[0] != "state"}
        if not self.profile.mapped:
            words = (
                f"{self.profile.id} does not say yet which line is which channel: write a profile of your own"
            )
            self._tell(("template",), words)
        named = {spec.ident for spec in self.profile.channels.values()}
        for place, record in enumerate(records, start=1):
            if record.ident in named:
                continue
            self.unmapped[record.ident, record.connector] = record
            shown = f"error {record.error}" if record.value is None else f"{record.value:.6g}"
            name = f" ({NAMES[record.ident]})" if record.ident in NAMES else ""
            words = (
                f"not mapped: line {place}, ident 0x{record.ident:08X}{name}, "
                f"unit_word 0x{record.unit_word:04X}, connector {record.connector}, value {shown}"
            )
            self._tell(("ident", record.ident, record.connector), words, ident=record.ident, line=place)

    def _tell(self, key: tuple[object, ...], text: str, **facts: str | int) -> None:
        if key not in self._told and len(self._told) < 1000:
            self._told.add(key)
            self.notes.append(Note(text, facts))


def handshake(bus: Bus) -> bytes:
    """The body of the answer to the first handshake; raises BusFault and LinkDown."""
    return body_of(bus.exchange(ask_serial(), lambda came: find_frame(came, 8)).data)


def has_serial(link: UsbLink, serial: str, clock: Clock) -> bool:
    """True when the plugged-in instrument has that serial number; raises LinkDown."""
    try:
        found = serial_of(handshake(Bus(link, clock, timeout_s=2.0, late_guard_s=0.2)))
    except (BusFault, ValueError):
        return False
    return found.lstrip("0") == serial.strip().lstrip("0")


def readings(
    profile: UsbViewProfile, records: Sequence[ViewRecord], statuses: Sequence[MeasuringStatus]
) -> tuple[dict[str, float], list[Flag]]:
    """Values and flags of the profile's channels, in its order.

    Every channel is flagged device_status unless all statuses say that it measures. A code in place of a value
    is flagged sentinel, out_of_range or device_status; another unit than the profile's, two records for one
    channel and a dilution are flagged decode, as is everything while no channel has an ident yet.
    """
    if not all(status.running for status in statuses):
        return {}, [Flag(name, Reason.DEVICE_STATUS) for name in profile.channels]
    if not profile.mapped:
        return {}, [Flag(name, Reason.DECODE) for name in profile.channels]
    values: dict[str, float] = {}
    flags: list[Flag] = []
    for name, spec in profile.channels.items():
        fitting = [
            record
            for record in records
            if record.ident == spec.ident and spec.connector in (None, record.connector)
        ]
        if not fitting:
            continue
        reading = _reading(name, spec, fitting)
        if isinstance(reading, Flag):
            flags.append(reading)
        else:
            values[name] = reading
    return values, flags


def _reading(name: str, spec: UsbChannel, fitting: Sequence[ViewRecord]) -> float | Flag:
    """The reading of one channel out of the records with its ident."""
    units = _conversions(name, spec)
    # a display may show a gas in ppm and in mg/m3 as well: the line in a unit that is known counts
    record = next((each for each in fitting if each.unit_word in units), fitting[0])
    # it may show a line twice; two different ones can't both be it
    if any(
        (each.value, each.error) != (record.value, record.error)
        for each in fitting
        if each.unit_word == record.unit_word
    ):
        return Flag(name, Reason.DECODE)
    if record.value is None:
        return Flag(name, reason_of(record.error))
    if record.unit_word not in units or record.dilution not in (1.0, -1.0, 0.0):
        return Flag(name, Reason.DECODE, record.value)
    value = units[record.unit_word](record.value * spec.scale + spec.offset)
    low, high = spec.range or (CHANNELS[name].low, CHANNELS[name].high)
    if low <= value <= high and CHANNELS[name].in_range(value):
        return value
    return Flag(name, Reason.OUT_OF_RANGE, value)


def _conversions(name: str, spec: UsbChannel) -> dict[int, Conversion]:
    """How a value becomes the channel's own, by the number of its unit."""
    units = dict(spec.units)
    if spec.unit_word is not None:
        units[spec.unit_word] = unit_of(name, spec)
    return {word: conversion(unit, CHANNELS[name].unit) for word, unit in units.items()}
