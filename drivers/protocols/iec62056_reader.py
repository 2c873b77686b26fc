"""Reads a meter by IEC 62056-21 sign-on: modes A, B and C, data readout; nothing is ever written to it."""

from __future__ import annotations

import re
from typing import Final, Protocol, runtime_checkable

from dodac.clock import SECOND_NS
from dodac.errors import ConfigError
from dodac.samples import Flag, Layout, Reason, Sample
from dodac.site import InstrumentConfig
from drivers.bus import Bus, BusFault
from drivers.profile import Iec62056Profile
from drivers.protocols import iec62056
from drivers.protocols.iec62056_receive import readings
from drivers.protocols.received import Refused

_ADDRESS: Final = re.compile(r"[0-9A-Za-z ]{0,32}")
_REACTION_S: Final = 0.25  # the standard asks for 200 to 1500 ms between messages
_SPEED_OF_CHARACTER_S: Final = 1.5  # the longest pause inside a readout
_AFTER_WAKING_S: Final = 1.6  # from the last zero byte to the sign-on: 1.5 to 1.7 s
_TRIES: Final = 3
_MOST: Final = 65_536  # bytes of a readout
_NAK: Final = b"\x15"  # the readout once more, please


@runtime_checkable
class SpeedLink(Protocol):
    """A link whose speed can be changed while it is open, after all that was written has gone out."""

    def change_speed(self, baud: int) -> None: ...


class Iec62056Reader:
    """One meter; see Reader. The bus's link runs at the sign-on speed (baud; 300 by the standard).

    Sent are zero bytes to wake a battery meter (where the profile says so), the sign-on "/?…!", to a
    meter that proposes a speed its acknowledgement with "data readout" and the speed, and NAK, which
    asks for a damaged readout again: nothing else is in this code. A damaged readout is tried three
    times in all; silence is tried once.
    """

    def __init__(self, item: InstrumentConfig, profile: Iec62056Profile, baud: int = 300) -> None:
        address = "" if item.address is None else str(item.address)
        if not _ADDRESS.fullmatch(address):
            words = f"an IEC 62056-21 address has up to 32 digits or letters, not {item.address!r}."
            raise ConfigError(words, None, "Leave it out when the meter is alone on its line.")
        self.layout = Layout(item.id, tuple(profile.channels))
        self.unit = address
        self.fault_text = ""
        self.refused_channels: set[str] = set()
        self._profile = profile
        self._sign_on_at = baud
        self._tries = _TRIES

    def read(self, bus: Bus, *, everything: bool = False) -> Sample:
        """One sample of a whole readout; its time is the middle of sign-on and last byte."""
        self._tries = _TRIES
        while True:
            start_ns, start = bus.clock.now_ns(), bus.clock.monotonic_ns()
            raw: bytes | None = None
            self.fault_text = ""
            try:
                raw = self._readout(bus)
                received = readings(self._profile, raw)
            except BusFault as fault:
                reason, self.fault_text = fault.reason, fault.text
                if reason != Reason.NO_ANSWER and self._tries > 0:
                    self._let_it_fall_idle(bus)
                    continue
                raw = fault.raw or None
            except Refused as refusal:
                reason, self.fault_text = refusal.reason, refusal.text
            else:
                span_ns = bus.clock.monotonic_ns() - start
                flags = sorted(received.flags, key=lambda flag: self.layout.index[flag.channel])
                return self.layout.sample(
                    start_ns + span_ns // 2,
                    received.values,
                    flags=flags,
                    span_ns=span_ns,
                    raw=raw if flags or everything else None,
                )
            if reason == Reason.CRC and self._tries == 0:
                self.fault_text += f"; tried {_TRIES} times"
            flags = [Flag(channel, reason) for channel in self.layout.channels]
            return self.layout.sample(start_ns, {}, flags=flags, raw=raw)

    def probe(self, bus: Bus) -> bool:
        """True when it answers the sign-on; it is left to fall back to its idle state."""
        try:
            self._sign_on(bus)
        except BusFault as fault:
            self.fault_text = fault.text
            return False
        self._let_it_fall_idle(bus)
        return True

    def _let_it_fall_idle(self, bus: Bus) -> None:
        """A meter that is not answered goes back to waiting for a sign-on."""
        bus.silence(self._profile.link.response_ms.max / 1000 + _SPEED_OF_CHARACTER_S)

    def _readout(self, bus: Bus) -> bytes:
        """Identification and block as they came, wake bytes and echoes apart."""
        ident = self._sign_on(bus)
        match = iec62056.find_ident(ident)
        assert match is not None  # noqa: S101  (the bus found it)
        speed = match.group(2).decode("latin-1")
        by_itself = iec62056.MODE_B_BAUDS.get(speed)
        if by_itself is None and not speed.isdigit():  # mode A: the readout follows at the same speed
            return ident + self._checked_block(bus, b"")
        link = bus.link if isinstance(bus.link, SpeedLink) else None
        try:
            if by_itself is not None:  # mode B: the meter changes its speed unasked
                if link is not None:
                    link.change_speed(by_itself)
                return ident + self._checked_block(bus, b"")
            bus.silence(_REACTION_S)
            chosen = self._chosen(speed) if link is not None else "0"
            acknowledge = b"\x060" + chosen.encode() + b"0\r\n"
            bus.link.write(acknowledge)
            bus.counters["requests"] += 1
            if link is not None:
                link.change_speed(iec62056.BAUDS[chosen])
            return ident + self._checked_block(bus, acknowledge)
        finally:
            if link is not None:
                link.change_speed(self._sign_on_at)

    def _chosen(self, proposed: str) -> str:
        """The highest speed of mode C that meter and profile allow; the sign-on's for digits without one."""
        most = min(iec62056.BAUDS.get(proposed, 0), self._profile.link.max_baud)
        return max((digit for digit, baud in iec62056.BAUDS.items() if baud <= most), default="0")

    def _sign_on(self, bus: Bus) -> bytes:
        def found(came: bytes) -> tuple[int, int] | None:
            match = iec62056.find_ident(came)
            return None if match is None else match.span()

        if self._profile.link.wake_s:
            count = max(1, round(self._profile.link.wake_s / (bus.byte_s or 10 / self._sign_on_at)))
            bus.link.write(bytes(count))
            bus.silence(self._profile.link.wake_s + _AFTER_WAKING_S)
        sign_on = b"/?" + self.unit.encode() + b"!\r\n"
        patience_s = self._profile.link.response_ms.max / 1000
        # seventy characters of the longest identification take their time too
        try:
            return bus.exchange(sign_on, found, timeout_s=patience_s + 70 * bus.byte_s).data
        except BusFault:
            self._tries -= 1
            raise

    def _checked_block(self, bus: Bus, echo: bytes) -> bytes:
        """A block that agrees with its check, asked for again where it does not, or the last of three."""
        block = b""
        while True:
            self._tries -= 1
            try:
                block = self._block(bus, echo)
            except BusFault as fault:
                if not block or fault.reason != Reason.NO_ANSWER:
                    raise
                words = "the readout does not agree with its block check, and is not sent again when asked"
                raise BusFault(Reason.CRC, words, block) from None
            if self._tries <= 0 or not block.startswith(iec62056.STX) or not iec62056.damaged(block):
                return block
            bus.counters["damaged"] += 1
            bus.silence(_REACTION_S)
            echo = _NAK
            bus.link.write(_NAK)
            bus.counters["requests"] += 1

    def _block(self, bus: Bus, echo: bytes) -> bytes:
        """From STX to the block check; BusFault when it does not come, or breaks off."""
        clock = bus.clock
        end = clock.monotonic_ns() + round(self._profile.link.readout_s * SECOND_NS)
        came = b""
        while True:
            if clock.monotonic_ns() >= end or len(came) > _MOST:
                self._tries = -1  # it would not end the next time either
                raise BusFault(
                    Reason.CRC, f"the readout does not end: {len(came)} bytes so far", came[:_MOST]
                )
            chunk = bus.link.read(_SPEED_OF_CHARACTER_S + self._profile.link.response_ms.max / 1000)
            if not chunk:
                break
            came += chunk
            start = came.find(iec62056.STX)
            whole = iec62056.block_end(came[start:]) if start >= 0 else None
            if whole is not None:
                bus.counters["answers"] += 1
                return came[start : start + whole]
        body = (came.replace(echo, b"", 1) if echo else came).strip(iec62056.WAKE)
        if not body:
            bus.counters["timeouts"] += 1
            raise BusFault(Reason.NO_ANSWER, "the meter identified itself and then sent nothing", came)
        # older meters print their lines without block check
        if self._profile.link.check == "none" and iec62056.STX not in body and body.rstrip().endswith(b"!"):
            bus.counters["answers"] += 1
            return body
        bus.counters["damaged"] += 1
        raise BusFault(Reason.CRC, f"the readout broke off after {len(came)} bytes", came)
