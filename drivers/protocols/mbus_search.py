"""Finds the meters on a wired M-Bus line: by primary address, and by a search through secondary addresses.

Sent are SND_NKE, REQ_UD2 and selections only; no meter is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from dodac.clock import SECOND_NS
from drivers.bus import Bus
from drivers.protocols.mbus_frame import (
    ACK,
    SELECTED,
    MbusRefusal,
    find_long,
    parse_long,
    req_ud2,
    select_secondary,
    snd_nke,
)
from drivers.protocols.mbus_records import Header, header_of
from drivers.protocols.mbus_vif import MEDIA

_DIGITS: Final = "0123456789"
_MORE_DIGITS: Final = "ABCDE"  # not decimal; a few makers use them
_LONGEST: Final = 261  # bytes of a frame
_MOST: Final = 65_536  # bytes that are listened to: no answers of 250 meters are as long
_TRIES: Final = 3
_HOPELESS: Final = 8  # so many places in a row without a single meter: it is not meters that answer
# what is asked one after another when meters have the same 8 digits: place in the mask, and its values
_MEDIA: Final = (14, (*MEDIA, *(n for n in range(255) if n not in MEDIA)))
_VERSIONS: Final = (12, tuple(range(255)))
_MAKERS_SECOND: Final = (10, tuple(b << 5 | c for b in range(8) for c in range(1, 27)))  # letters 2 (part), 3
_MAKERS_FIRST: Final = (8, (*range(0x04, 0x6C), *range(0x84, 0xEC)))  # letter 1, the rest of letter 2
_ALIKE: Final = (_MEDIA, _VERSIONS, _MAKERS_SECOND, _MAKERS_FIRST)


@dataclass(frozen=True, slots=True)
class FoundMeter:
    """A meter that answered, or a place on the line where no single meter could be made out.

    primary: its link address, None when it was found by its secondary address only. secondary: its 16
    digits as a site file takes them (8 digits, manufacturer, version, medium; F for what was not told).
    problem: "" for a meter that answered alone. answer: its first telegram, to know its model by.
    """

    primary: int | None
    secondary: str | None
    header: Header | None
    problem: str = ""
    answer: bytes = b""

    @property
    def address(self) -> int | str | None:
        """What to write into the site file; None when no address leads to this meter alone."""
        if self.problem:
            return None
        return self.primary if self.primary is not None else self.secondary


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a search has come: requests sent, what is being asked for, what was found so far."""

    asked: int
    where: str
    found: tuple[FoundMeter, ...]


def search(
    bus: Bus,
    *,
    primary: Iterable[int] = range(251),
    secondary: bool = True,
    progress: Callable[[Progress], None] = lambda _: None,
    patience_s: float | None = None,
) -> list[FoundMeter]:
    """Every meter that answers on an open line, in the order found; one entry each.

    primary: link addresses to try (none: ()). secondary: search through secondary addresses as well,
    digit by digit where several meters answer at once, then by medium, version and manufacturer.
    patience_s: how long to wait for an answer; None: 330 bit times and 150 ms, over TCP half a second.
    251 addresses at 2400 baud take about 80 s; a secondary search at most ten requests for each digit
    that meters share. Raises LinkDown. `progress` may raise to end the search.
    """
    return _Search(bus, progress, patience_s).run(primary, secondary)


class _Came(Enum):
    NOTHING = 0
    ONE = 1
    SEVERAL = 2


class _DisturbedError(Exception):
    """Bytes come whatever is asked."""


class _Search:
    def __init__(self, bus: Bus, progress: Callable[[Progress], None], patience_s: float | None) -> None:
        self._bus = bus
        self._tell = progress
        self._patience_s = patience_s or (30 * bus.byte_s + 0.15 if bus.byte_s else 0.5)
        self._asked = 0
        self._where = ""
        self._found: list[FoundMeter] = []

    def run(self, primary: Iterable[int], secondary: bool) -> list[FoundMeter]:
        for address in primary:
            self._where = f"address {address}"
            self._primary(address)
        if secondary:
            before = len(self._found)
            try:
                self._secondary("F" * 16)
            except _DisturbedError:
                good = [meter for meter in self._found[before:] if not meter.problem]
                words = "bytes come whatever is asked: noise, or the wrong baud rate; the search was given up"
                self._found[before:] = [*good, FoundMeter(None, None, None, words)]
            self._hear(snd_nke(SELECTED))  # no meter stays selected
        return self._found

    # ---- primary addresses

    def _primary(self, address: int) -> None:
        if not self._hear(snd_nke(address)):
            return
        came = b""
        for _ in range(_TRIES):
            came = self._hear(req_ud2(address, True))
            if find_long(came, address) == (0, len(came)):
                self._add(FoundMeter(address, *_identity(came), answer=came))
                return
        problem = (
            f"several meters answer at address {address}, or the line is disturbed: use secondary addresses"
            if came
            else f"something acknowledges at address {address} and then sends nothing"
        )
        self._add(FoundMeter(address, None, None, problem, came))

    # ---- secondary addresses

    def _secondary(self, mask: str) -> bool:
        """Finds the meters that a mask fits; False when nothing answers to it."""
        self._where = mask
        # one lost acknowledgement must not hide a whole line on which something was heard before
        surely = "F" not in mask or (mask == "F" * 16 and bool(self._found))
        came, answer = self._select(mask, _TRIES if surely else 1)
        if came is _Came.NOTHING:
            return False
        if came is _Came.ONE:
            secondary, header = _identity(answer)
            self._add(FoundMeter(None, secondary or mask, header, answer=answer))
        elif not self._narrow(mask):
            self._add(FoundMeter(None, mask, None, _unresolved(mask, answer), answer))
        return True

    def _narrow(self, mask: str) -> bool:
        """Asks for each part of what a mask fits; False when no part answers."""
        place = mask.find("F", 0, 8)
        if place >= 0:
            # one after another until something answers: decimal, the few others, and once more if noise hid it
            return any(self._each(mask, place, digits) for digits in (_DIGITS, _MORE_DIGITS, _DIGITS))
        for place, values in _ALIKE:
            if mask[place : place + 2] == "FF":
                return self._each(mask, place, [f"{value:02X}" for value in values])
        return False

    def _each(self, mask: str, place: int, parts: Sequence[str]) -> bool:
        found = [self._secondary(mask[:place] + part + mask[place + len(part) :]) for part in parts]
        return any(found)

    def _select(self, mask: str, tries: int) -> tuple[_Came, bytes]:
        """What a selection brings, with the telegram of the one meter (or the bytes of several)."""
        came = b""
        for _ in range(tries):
            acknowledged = self._hear(select_secondary(secondary_bytes(mask)))
            if not acknowledged:
                continue
            came = acknowledged
            if acknowledged == ACK:
                came = self._hear(req_ud2(SELECTED, True)) or acknowledged
                if find_long(came, None) == (0, len(came)):
                    return _Came.ONE, came
        return (_Came.SEVERAL if came else _Came.NOTHING), came

    # ---- the line

    def _add(self, meter: FoundMeter) -> None:
        """A meter found both ways is one."""
        good = [known.secondary for known in self._found if not known.problem]
        if meter.primary is not None or meter.problem or meter.secondary not in good:
            self._found.append(meter)
        last = self._found[-_HOPELESS:]
        if len(last) == _HOPELESS and all(known.problem and known.primary is None for known in last):
            raise _DisturbedError

    def _hear(self, request: bytes) -> bytes:
        """All that comes upon a request, until the time for answers is over and the line is quiet.

        A second meter's answer may come well after the first one's: the whole time is waited for.
        """
        bus = self._bus
        self._tell(Progress(self._asked, self._where, tuple(self._found)))
        self._asked += 1
        bus.silence(0.0)
        bus.link.write(request)
        bus.counters["requests"] += 1
        now = bus.clock.monotonic_ns()
        first_by = now + _ns(self._patience_s + len(request) * bus.byte_s)
        limit = first_by + _ns(1.0 + 2 * _LONGEST * bus.byte_s)  # a line that never falls quiet
        end, came = first_by, b""
        while now < end and len(came) < _MOST:
            chunk = bus.link.read((end - now) / SECOND_NS)
            now = bus.clock.monotonic_ns()
            if chunk:
                came += chunk
                end = min(limit, max(first_by, now + _ns(bus.quiet_s)))
        return came.removeprefix(request)


def secondary_bytes(mask: str) -> bytes:
    """The 8 bytes of a selection: digits and manufacturer least significant byte first, version, medium."""
    return bytes.fromhex(mask[:8])[::-1] + bytes.fromhex(mask[8:12])[::-1] + bytes.fromhex(mask[12:])


def _identity(answer: bytes) -> tuple[str | None, Header | None]:
    """Secondary address and header by a telegram; neither when it has no header."""
    try:
        long, header = parse_long(answer), header_of(answer)
    except MbusRefusal:
        return None, None
    if header is None or not header.identification:
        return None, header
    if not header.manufacturer:  # fixed data don't tell more
        return header.identification + "F" * 8, header
    maker = long.data[4:6] if long.ci == 0x76 else long.data[5:3:-1]  # with its first bit
    return f"{header.identification}{maker.hex().upper()}{header.version:02X}{header.medium:02X}", header


def _unresolved(mask: str, came: bytes) -> str:
    if came == ACK:
        return f"a meter acknowledges its selection by {mask} and then sends nothing"
    if mask == "F" * 16:
        return "something answers, and no single meter can be made out: noise, or the wrong baud rate"
    if mask[14:] == "FF":
        return f"several answer to {mask}, or the line is disturbed: no single meter can be made out"
    return f"two meters or more have the same secondary address {mask}: read them on lines of their own"


def _ns(seconds: float) -> int:
    return round(seconds * SECOND_NS)
