"""A simulated IEC 62056-21 meter on a pseudo-terminal: modes A, B and C upon sign-on, or pushing by itself."""

from __future__ import annotations

import contextlib
import os
import random
import re
import select
import termios
import time
from typing import Final

from drivers.profile import Iec62056Profile
from drivers.protocols import iec62056
from drivers.simulator._own_line import OwnLine

METER_FAULTS: Final[dict[str, str]] = {
    "dead": "no answer at all, or nothing is sent",
    "late": "the readout comes `seconds` later than it should",
    "crc": "one digit of the telegram is another than its check sum says",
    "truncated": "the telegram breaks off",
    "noise": "bytes that mean nothing come before the telegram",
    "echo": "what the client sends comes back to it first",
}
"""Every kind of fault and what it means."""

_SPEEDS: Final = {
    getattr(termios, f"B{baud}"): baud
    for baud in (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
}
_SIGN_ON: Final = re.compile(rb"/\?([^!\r\n]{0,32})!\r\n")
_ACKNOWLEDGE: Final = re.compile(rb"\x060([0-9])0\r\n")
_NAK: Final = b"\x15"
_REACTION_S: Final = 0.2  # the standard asks for 200 to 1500 ms
_PATIENCE_S: Final = 1.5  # for an acknowledgement; then the readout comes at the speed of the sign-on


class SimulatedIec62056Meter(OwnLine):
    """Serves a profile's golden telegram: upon "/?…!" (mode readout), else every `every_s` (mode push).

    telegram: bytes to serve instead, from "/" to the check sum. address: the meter's own; "" answers to
    the general sign-on only. baud: the speed of the sign-on or of what is pushed; None: the profile's
    first. After an identification with a speed the meter goes to it: with the acknowledgement in mode C
    (digits), by itself in mode B (letters). A client at another speed is not heard, and hears garbage.
    reaction_s: from a request to its answer. `signed_on` and `printed` count.
    """

    def __init__(
        self,
        profile: Iec62056Profile,
        *,
        telegram: bytes | None = None,
        address: str = "",
        every_s: float = 1.0,
        baud: int | None = None,
        reaction_s: float = _REACTION_S,
        seed: int = 1,
    ) -> None:
        super().__init__()
        self.telegram = profile.tests[0].data() if telegram is None else telegram
        ident = iec62056.find_ident(self.telegram)
        if profile.link.check == "sml":
            self._ident, self._rest, self._speed = b"", self.telegram, ""
        elif ident is None:
            raise ValueError("the telegram has no identification line.")
        else:
            self._ident = self.telegram[ident.start() : ident.end()]
            self._rest = self.telegram[ident.end() :]
            if iec62056.STX not in self._rest and not self._rest.endswith(b"\n"):
                self._rest += b"\r\n"  # a golden telegram ends with its check sum
            self._speed = ident.group(2).decode("latin-1")
        self._push = profile.link.mode == "push"
        self.address = address
        self.every_s = every_s
        self.baud = baud or profile.link.baud[0]
        self.signed_on = self.printed = 0
        self._reaction_s = reaction_s
        self._chance = random.Random(seed)  # noqa: S311  (noise on a line, no secret)
        self._late_s = 0.0

    def fault(self, kind: str, count: int = 1, seconds: float = 1.0) -> None:
        """Makes the next `count` telegrams show a fault; seconds: of `late`. ValueError for an unknown kind."""
        if kind not in METER_FAULTS:
            raise ValueError(f'"{kind}" is not a fault; known are: {", ".join(METER_FAULTS)}.')
        with self._lock:
            self._faults[kind] += count
            self._late_s = seconds

    # ---- the meter's thread

    def _run(self) -> None:
        (self._run_push if self._push else self._run_readout)()

    def _run_push(self) -> None:
        while not self._stopping.is_set():
            begin = time.monotonic()
            struck = self._struck()
            if "late" in struck:
                self._stopping.wait(self._late_s)
            if "dead" not in struck:
                self._say(self._spoilt(self._ident + self._rest, struck), self.baud)
                self.printed += 1
            self._stopping.wait(max(0.0, self.every_s - (time.monotonic() - begin)))

    def _run_readout(self) -> None:
        heard = b""
        while not self._stopping.is_set():
            heard = (heard + self._hear(0.05, self.baud))[-256:]
            match = _SIGN_ON.search(heard)
            if match is None:
                continue
            heard = heard[match.end() :]
            address = match.group(1).decode("latin-1")
            if address and address.lstrip("0") != self.address.lstrip("0"):
                continue
            self.signed_on += 1
            heard = self._serve(match.group())

    def _serve(self, sign_on: bytes) -> bytes:
        """One readout, repeated when the client asks for it; gives what was heard afterwards."""
        struck = self._struck()
        if "dead" in struck:
            return b""
        if "echo" in struck:
            self._say(sign_on, self.baud)
        self._stopping.wait(self._reaction_s)
        self._say(self._ident, self.baud)
        speed = iec62056.MODE_B_BAUDS.get(self._speed, self.baud)
        if self._speed in iec62056.BAUDS:
            acknowledge = self._acknowledgement()
            if acknowledge is not None and "echo" in struck:
                self._say(acknowledge.group(), self.baud)
            if acknowledge is not None:
                speed = iec62056.BAUDS.get(acknowledge.group(1).decode(), self.baud)
        self._stopping.wait(self._reaction_s + (self._late_s if "late" in struck else 0.0))
        while True:
            self._say(self._spoilt(self._rest, struck), speed)
            self.printed += 1
            heard = self._hear(_PATIENCE_S, speed, self.baud)
            if heard != _NAK:
                return heard
            struck = self._struck()

    def _acknowledgement(self) -> re.Match[bytes] | None:
        end, heard = time.monotonic() + _PATIENCE_S, b""
        while time.monotonic() < end and not self._stopping.is_set():
            # a pty has no bytes under way: the client may have changed its speed when they are looked at
            heard += self._hear(0.02, self.baud, *iec62056.BAUDS.values())
            if match := _ACKNOWLEDGE.search(heard):
                return match
        return None

    def _spoilt(self, telegram: bytes, struck: set[str]) -> bytes:
        if "crc" in struck:
            places = [n for n, byte in enumerate(telegram) if chr(byte).isdigit()]
            place = places[len(places) // 2]
            digit = ord("0") + (telegram[place] - ord("0") + 1) % 10
            telegram = telegram[:place] + bytes((digit,)) + telegram[place + 1 :]
        if "truncated" in struck:
            telegram = telegram[: len(telegram) // 2]
        if "noise" in struck:
            telegram = bytes(self._chance.choice((0x00, 0x7F, 0xFF)) for _ in range(8)) + telegram
        return telegram

    # ---- the line

    def _client_at(self, baud: int) -> bool:
        speed = _SPEEDS.get(termios.tcgetattr(self._master)[4])
        return speed is None or speed == baud

    def _hear(self, wait_s: float, *bauds: int) -> bytes:
        """What the client sends within a time; nothing when it speaks at another speed."""
        end = time.monotonic() + wait_s
        while not select.select([self._master], [], [], min(0.05, wait_s))[0]:
            if time.monotonic() >= end or self._stopping.is_set():
                return b""
        try:
            data = os.read(self._master, 4096)
        except (BlockingIOError, OSError):
            return b""
        return data if any(self._client_at(baud) for baud in bauds) else b""

    def _say(self, data: bytes, baud: int) -> None:
        """Sends at a speed, a piece every 10 ms; a client at another one gets other bytes."""
        piece = max(1, round(baud / 10 / 100))
        for start in range(0, len(data), piece):
            step = data[start : start + piece]
            if self._stopping.wait(len(step) * 10 / baud):
                return
            if not self._client_at(baud):
                step = bytes(self._chance.randrange(256) for _ in step)
            with contextlib.suppress(BlockingIOError, OSError):
                os.write(self._master, step)
