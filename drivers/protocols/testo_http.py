"""Reads a testo 300 or the testo Smart app over HTTP: GET only, one TJF a read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from dodac.clock import SECOND_NS
from dodac.samples import Flag, Layout, Reason, Sample, TimeSource
from drivers._device_clock import agrees, off_words
from drivers.bus import Bus
from drivers.links import LinkDown
from drivers.links.http import HttpFault, HttpLink
from drivers.noting_connection import Note
from drivers.profile import HttpTjfProfile
from drivers.protocols.received import Refused
from drivers.protocols.tjf import TjfMoment, TjfReading, parse_tjf

_REASONS = {
    "silent": Reason.NO_ANSWER,
    "damaged": Reason.CRC,
    "refused": Reason.EXCEPTION,
}


_MOST_TOLD = 100  # an instrument of which every answer is another is told of no further


class HttpTjfReader:
    """One analyser: asks for its current measurement; see Reader and Noting.

    Its own time is taken when it agrees with our clock and goes forward, else the middle of request and
    answer. When its time and values stand still the measurement is over: readings are flagged stale. serial_number:
    of the site file; another instrument at the address gives no readings.
    """

    unit = "http"

    def __init__(
        self, instrument: str, profile: HttpTjfProfile, *, zone: str = "UTC", serial_number: str = ""
    ) -> None:
        self.layout = Layout(instrument, tuple(profile.channels))
        self.profile = profile
        self.fault_text = ""
        self.refused_channels: set[str] = set()
        self.notes: list[Note] = []
        self._zone = zone
        self._serial = serial_number.strip()
        self._info: Mapping[str, str] | None = None
        self._told: dict[str, str] = {}
        self._shown: object = None  # its own time with its values, and since when it shows these
        self._since_ns = 0
        self._last_ns = 0

    def read(self, bus: Bus, *, everything: bool = False) -> Sample:
        """One sample; raises LinkDown when the instrument takes no connection."""
        self.fault_text = ""
        sent_ns, start = bus.clock.now_ns(), bus.clock.monotonic_ns()
        try:
            body = self._get(bus, self.profile.link.path)
            span = bus.clock.monotonic_ns() - start
            reading = parse_tjf(body, self._zone)
            self._identify(bus, reading)
        except (HttpFault, Refused) as fault:
            span = bus.clock.monotonic_ns() - start
            # what is no TJF is another answer than the one asked for, however whole
            reason = _REASONS[fault.kind] if isinstance(fault, HttpFault) else Reason.EXCEPTION
            self.fault_text = fault.text
            flags = [Flag(channel, reason) for channel in self.layout.channels]
            return self.layout.sample(sent_ns + span // 2, {}, flags=flags, span_ns=span)
        return self._sample(reading, body, sent_ns, span, bus.clock.monotonic_ns(), keep_raw=everything)

    def probe(self, bus: Bus) -> bool:
        """True when it answers with something."""
        try:
            self._get(bus, self.profile.link.path)
        except HttpFault as fault:
            self.fault_text = fault.text
            return False
        return True

    def _get(self, bus: Bus, path: str) -> bytes:
        link = bus.link
        assert isinstance(link, HttpLink)  # noqa: S101  (connections are opened with the link that fits)
        bus.counters["requests"] += 1
        try:
            body = link.get(path).body
        except HttpFault as fault:
            bus.counters["timeouts" if fault.kind == "silent" else fault.kind] += 1
            raise
        bus.counters["answers"] += 1
        return body

    def _identify(self, bus: Bus, reading: TjfReading) -> None:
        """Tells who it is, once and whenever that changes; raises Refused for another instrument."""
        if self._info is None:
            self._info = self._ask_info(bus)
        facts = {**self._info, **reading.facts}
        serial = facts.get("serial_number", "")
        if self._serial and serial and serial.lstrip("0") != self._serial.lstrip("0"):
            self._info = None
            words = f"the serial number is {serial}, not {self._serial} of the site file: another instrument"
            raise Refused(Reason.EXCEPTION, words)
        self._tell("facts", facts_text(facts), facts)
        if self._serial and not serial:
            self._tell("serial", f"it names no serial number: {self._serial} can't be checked")
        read = reading.moments[-1].values
        for other in reading.others:
            if not other.expected and other.channel not in read:
                words = f'"{other.label}" = {other.shown or "nothing"} is no reading: {other.why}'
                self._tell(f"other {other.label} {other.why}", words)
        for channel, factor in reading.dilution.items():
            words = (
                f"{channel} comes with the dilution factor {factor:g}; it is taken as the analyser gives it"
            )
            self._tell(f"dilution {channel}", words)

    def _ask_info(self, bus: Bus) -> Mapping[str, str]:
        """What it says of itself beside the measurement; nothing when it can't be asked."""
        path = self.profile.link.info_path
        if path is None:
            return {}
        try:
            said = json.loads(self._get(bus, path).decode("utf-8-sig"))
        except (HttpFault, LinkDown, ValueError, RecursionError) as error:
            self._tell("info", f"{path} can't be read: {str(error)[:100]}")
            return {}
        return info_facts(said)

    def _sample(
        self, reading: TjfReading, body: bytes, sent_ns: int, span: int, now: int, *, keep_raw: bool
    ) -> Sample:
        moment = reading.moments[-1]
        values, flags = kept(moment, self.profile)
        shown = (moment.time_ns, dict(moment.values), moment.flags)
        if moment.time_ns is None or shown != self._shown:
            self._shown, self._since_ns = shown, now
        elif now - self._since_ns > self.profile.link.stale_s * SECOND_NS:
            flags += [Flag(name, Reason.STALE, value) for name, value in values.items()]
            values = {}
            seconds = (now - self._since_ns) / SECOND_NS
            self._tell(
                "stale", f"its time and values have stood still for {seconds:.0f} s: start its measurement"
            )
        middle_ns = sent_ns + span // 2
        time_ns, source = middle_ns, TimeSource.HOST
        if moment.time_ns is None:
            self._tell("clock", f"its own time is not taken: {moment.time_fault}")
        elif not agrees(moment.time_ns, middle_ns, self.profile.link.max_skew_s):
            off = off_words(moment.time_ns - middle_ns)
            self._tell("clock", f"its own time is not taken: its clock {off}; set it")
        elif moment.time_ns > self._last_ns:
            time_ns, source, span = moment.time_ns, TimeSource.DEVICE, 0
        self._last_ns = max(self._last_ns, time_ns)
        flags.sort(key=lambda flag: self.layout.index[flag.channel])
        raw = body if flags or keep_raw else None
        return self.layout.sample(time_ns, values, flags=flags, span_ns=span, time_source=source, raw=raw)

    def _tell(self, key: str, text: str, facts: Mapping[str, str] | None = None) -> None:
        known = key in self._told or len(self._told) >= _MOST_TOLD
        if text and (not known or (key == "facts" and self._told[key] != text)):
            self._told[key] = text
            self.notes.append(Note(text, dict(facts or {})))


def kept(moment: TjfMoment, profile: HttpTjfProfile) -> tuple[dict[str, float], list[Flag]]:
    """Values and flags of the profile's channels; beyond the profile's range they are flagged."""
    values: dict[str, float] = {}
    flags = [flag for flag in moment.flags if flag.channel in profile.channels]
    for name, value in moment.values.items():
        spec = profile.channels.get(name)
        if spec is None:
            continue
        if spec.range is not None and not spec.range[0] <= value <= spec.range[1]:
            flags.append(Flag(name, Reason.OUT_OF_RANGE, value))
        else:
            values[name] = value
    return values, flags


def info_facts(said: Any) -> dict[str, str]:
    """Facts of a deviceInfo document, of the old form or the new one."""
    if not isinstance(said, dict):
        return {}
    found = {
        "model": said.get("name") or said.get("app"),
        "serial_number": said.get("serial"),
        "firmware": said.get("firmwareVersion"),
        "software": said.get("appVersion") or said.get("version"),
    }
    return {
        name: str(text)[:100]
        for name, text in found.items()
        if isinstance(text, str | int) and not isinstance(text, bool) and str(text)[:100].isprintable()
    }


def facts_text(facts: Mapping[str, str]) -> str:
    """Facts in one line for people: model, serial number, firmware, fuel and O2 reference."""
    words = [facts[name] for name in ("model",) if name in facts]
    for name, before in (("serial_number", "serial number"), ("firmware", "firmware"), ("fuel", "fuel")):
        if name in facts:
            words.append(f"{before} {facts[name]}")
    if "o2_reference_pct" in facts:
        words.append(f"O2 reference {facts['o2_reference_pct']} %")
    return ", ".join(words)
