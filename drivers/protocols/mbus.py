"""Reads one wired M-Bus meter over a bus: link reset or selection, telegrams, records, channels.

Only three things are ever sent: SND_NKE, REQ_UD2 and the selection of a secondary address.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from dodac.clock import Clock
from dodac.errors import ConfigError, Where
from dodac.samples import Flag, Layout, Reason, Sample
from dodac.site import InstrumentConfig
from drivers.bus import Bus, BusFault, Find
from drivers.profile import MbusProfile
from drivers.protocols.mbus_frame import (
    ANY,
    SELECTED,
    MbusRefusal,
    Refusal,
    find_ack,
    find_long,
    req_ud2,
    select_secondary,
    snd_nke,
)
from drivers.protocols.mbus_map import check_identity, readings
from drivers.protocols.mbus_records import Header, Record, Telegram, decode_frame

__all__ = ["MbusReader", "MbusRefusal", "Record", "Telegram", "decode_frame", "sample_of"]

_SECONDARY: Final = re.compile(r"^[0-9A-Fa-f]{8}([0-9A-Fa-f]{8})?$")
_REASONS: Final = {
    Refusal.FRAME: Reason.CRC,
    Refusal.CHECKSUM: Reason.CRC,
    Refusal.APPLICATION_ERROR: Reason.EXCEPTION,
    Refusal.APPLICATION_BUSY: Reason.EXCEPTION,
    Refusal.ALARM: Reason.EXCEPTION,
}


def sample_of(
    profile: MbusProfile, layout: Layout, frames: Sequence[bytes], time_ns: int, span_ns: int = 0
) -> Sample:
    """The sample that whole answer frames give: the path every wired meter's answer takes.

    Raises MbusRefusal when a frame is no good answer or another model's.
    """
    telegrams = [decode_frame(frame) for frame in frames]
    for telegram in telegrams:
        check_identity(profile.identify, telegram.header)
    values, flags = readings(profile.channels, telegrams)
    if not values and not flags:
        flags = [Flag(name, Reason.DECODE) for name in layout.channels]
    raw = b"".join(frames) if flags else None
    return layout.sample(time_ns, values, flags=flags, span_ns=span_ns, raw=raw)


class MbusReader:
    """One meter at a primary (0–250, 254) or secondary ("12345678") address; used by the bus's thread only.

    A secondary address is the meter's 8 digits, or 16: digits, manufacturer, version and medium in
    hexadecimal; F stands for any digit.
    """

    def __init__(self, item: InstrumentConfig, profile: MbusProfile, clock: Clock) -> None:
        self.profile = profile
        self.layout = Layout(item.id, tuple(profile.channels))
        self.fault_text = ""
        self.refused_channels: set[str] = set()
        self.telegrams: tuple[Telegram, ...] = ()
        self._clock = clock
        self._address, self._select = _address(item)
        self.unit = str(item.address).upper()
        self._frame_count = True
        self._in_step = False
        self._heard = False

    def read(self, bus: Bus, *, everything: bool = False) -> Sample:
        """One sample of all telegrams; when the meter does not answer rightly, all channels are flagged."""
        wall_ns, start_ns = self._clock.now_ns(), self._clock.monotonic_ns()
        frames: list[bytes] = []
        self.fault_text = ""
        self._heard = False
        try:
            self._read_out(bus, frames)
            span_ns = self._clock.monotonic_ns() - start_ns
            sample = sample_of(self.profile, self.layout, frames, wall_ns + span_ns // 2, span_ns)
        except BusFault as fault:
            return self._failed(fault.reason, fault.text, fault.raw or b"".join(frames), wall_ns, start_ns)
        except MbusRefusal as refusal:
            reason = _REASONS.get(refusal.reason, Reason.DECODE)
            return self._failed(reason, refusal.text, b"".join(frames), wall_ns, start_ns)
        if everything and sample.raw is None:
            values = {n: v for n, v in zip(self.layout.channels, sample.values, strict=True) if v == v}
            sample = self.layout.sample(sample.time_ns, values, span_ns=sample.span_ns, raw=b"".join(frames))
        return sample

    def probe(self, bus: Bus) -> bool:
        """True when the meter acknowledges a link reset (or its selection)."""
        self._heard = False
        try:
            self._begin(bus)
        except BusFault as fault:
            self.fault_text = fault.text
            self._in_step = False
            return False
        return True

    def _failed(self, reason: Reason, text: str, raw: bytes, wall_ns: int, start_ns: int) -> Sample:
        self._in_step = False
        self.fault_text = text
        span_ns = self._clock.monotonic_ns() - start_ns
        flags = [Flag(name, reason) for name in self.layout.channels]
        return self.layout.sample(wall_ns + span_ns // 2, {}, flags=flags, span_ns=span_ns, raw=raw or None)

    def _begin(self, bus: Bus) -> None:
        """Link reset, or selection: the next request with frame count bit 1 gets the first telegram."""
        request = snd_nke(self._address) if self._select is None else select_secondary(self._select)
        self._exchange(bus, request, lambda came: find_ack(came, request))
        self._frame_count = True
        self._in_step = True

    def _read_out(self, bus: Bus, frames: list[bytes]) -> None:
        # a selection holds until another meter is selected: it is made anew for every read
        if self._select is not None or not self._in_step:
            self._begin(bus)
        telegrams: list[Telegram] = []
        while len(telegrams) < self.profile.link.max_telegrams:
            frame = self._telegram(bus)
            self._frame_count = not self._frame_count
            if frames and frame == frames[-1]:
                self.fault_text = "the meter says that more telegrams follow and sends the same one again"
                break  # it does not go on: what it sent so far is good
            frames.append(frame)
            telegrams.append(decode_frame(frame))
            self._check_sender(telegrams[0].header, telegrams[-1].header)
            if not telegrams[-1].more:
                break
        if len(telegrams) > 1 or telegrams[-1].more:
            self._in_step = False  # the next read starts again at the first telegram
        self.telegrams = tuple(telegrams)

    def _telegram(self, bus: Bus) -> bytes:
        """One answer; the unchanged frame count bit asks for the same one again if it is damaged."""
        request = req_ud2(self._address, self._frame_count)
        sender = None if self._address in (SELECTED, ANY) else self._address
        return self._exchange(bus, request, lambda came: find_long(came, sender))

    def _exchange(self, bus: Bus, request: bytes, find: Find) -> bytes:
        """Asks, and once more when what comes is no answer (damaged, or an older one that came late).

        A meter that has answered in this read is asked again when nothing comes, too; one that has not
        costs its line one timeout.
        """
        link = self.profile.link
        for attempt in (1, 2):
            try:
                answer = bus.exchange(
                    request,
                    find,
                    timeout_s=link.response_ms.max / 1000,
                    guard_s=min(link.late_guard_ms / 1000, bus.late_guard_s),
                ).data
            except BusFault as fault:
                if attempt == 2 or (fault.reason != Reason.CRC and not self._heard):
                    raise
            else:
                self._heard = True
                return answer
        raise AssertionError("unreachable")

    def _check_sender(self, first: Header | None, last: Header | None) -> None:
        """Raises MbusRefusal when another meter answers than was selected, or than sent the first telegram."""
        if last is None or not last.identification:
            return
        if first is not None and _who(first) != _who(last):
            words = f"telegrams of two meters, {first.identification} and {last.identification}"
            raise MbusRefusal(Refusal.NOT_AN_ANSWER, words)
        if self._select is None:
            return
        digits, rest = self.unit[:8], self._select[4:]
        fits = all(a in ("F", b) for a, b in zip(digits, last.identification, strict=True))
        if fits and last.manufacturer:  # fixed data don't tell more than the digits
            is_maker = "".join(chr(64 + (int.from_bytes(rest[:2], "little") >> n & 0x1F)) for n in (10, 5, 0))
            fits = (
                (rest[:2] == b"\xff\xff" or is_maker == last.manufacturer)
                and rest[2] in (0xFF, last.version)
                and rest[3] in (0xFF, last.medium)
            )
        if not fits:
            words = f"meter {last.identification} {last.manufacturer} answers where {self.unit} was selected"
            raise MbusRefusal(Refusal.NOT_AN_ANSWER, words)


def _who(header: Header) -> tuple[str, str, int, int]:
    return header.identification, header.manufacturer, header.version, header.medium


def _address(item: InstrumentConfig) -> tuple[int, bytes | None]:
    """Link address, and for a secondary address the bytes of its selection."""
    address = item.address
    where = Where(instrument=item.id)
    if isinstance(address, int):
        if 0 <= address <= 250 or address == ANY:
            return address, None
        raise ConfigError(
            f"{address} is no M-Bus address.", where, "Write 0–250, 254 for the only meter, or its 8 digits."
        )
    if address is not None and _SECONDARY.match(address):
        digits = bytes.fromhex(address[:8])[::-1]
        rest = bytes.fromhex(address[8:]) if len(address) == 16 else b"\xff" * 4
        return SELECTED, digits + rest[1::-1] + rest[2:]
    raise ConfigError(
        "an M-Bus meter needs an address." if address is None else f'"{address}" is no M-Bus address.',
        where,
        'Write address = 0–250, 254 for the only meter, or its 8 digits as text ("12345678").',
    )
