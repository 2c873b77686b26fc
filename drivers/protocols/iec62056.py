"""IEC 62056-21 telegrams: identification, OBIS lines, check sums; pure.

Source of the framing: IEC 62056-21, clauses 6.3 to 6.5 (readout, BCC after ISO 1155); the P1 companion
standard of DSMR 5.0.2, clause 5.2 (CRC16 with polynomial A001 from "/" through "!").
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dodac.samples import Reason
from drivers.protocols.received import Refused

STX, ETX, WAKE = b"\x02", b"\x03", b"\x7f"
BAUDS: Final[Mapping[str, int]] = {
    "0": 300, "1": 600, "2": 1200, "3": 2400, "4": 4800, "5": 9600, "6": 19200,
}  # fmt: skip
"""Mode C: the speed that the identification proposes."""

MODE_B_BAUDS: Final[Mapping[str, int]] = {
    "A": 600, "B": 1200, "C": 2400, "D": 4800, "E": 9600, "F": 19200,
}  # fmt: skip
"""Mode B: the speed to which the meter goes by itself after its identification."""

# brackets only in pairs: "m3/min)" at the end of a line is a unit. Some adapters make LF of CR
_IDENT: Final = re.compile(
    rb"/([A-Za-z]{3})([^\r\n/!?()])((?:[^\r\n/!()]|\([^\r\n/!()]{0,60}\)){0,64})(?:\r{0,2}\n|\n\n)"
)
_SET: Final = re.compile(r"\s*([^()\s]{0,40})\s*\(([^()\r\n]{0,2100})\)")
_CODE: Final = re.compile(
    r"(?:(\d{1,3})-(\d{1,3}):)?([0-9A-Z]{1,3})\.(\d{1,3})(?:\.(\d{1,3}))?(?:([*&.])(\d{1,3}))?"
)
_VALUE: Final = re.compile(r"([+-]?\d{1,20}(?:\.\d{1,20})?)(?:\*([^*]{1,16}))?")
_CURRENT: Final = "255"
_ERROR_CODES: Final = frozenset(("F.F", "F.F.0", "1-0:F.F", "1-0:F.F.0"))


@dataclass(frozen=True, slots=True)
class Item:
    """One line: its code, and what stands in each pair of brackets.

    code: without history ("1-0:1.8.0"; without medium and channel where the meter leaves them out).
    history: which stored value it is ("1.8.0*01": 01); None for the current one ("*255" says so too).
    """

    code: str
    history: str | None
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Telegram:
    """Who sent it (three letters and the rest of the identification), and its lines in order."""

    maker: str
    model: str
    items: tuple[Item, ...]

    @property
    def error(self) -> str | None:
        """What the register of fatal errors (F.F) says, when it is not zero."""
        found = [item.groups[0].strip() for item in self.items if item.code in _ERROR_CODES]
        return next((text for text in found if text.strip("0 ")), None)

    def current(self, code: str) -> list[Item]:
        """The current values of a whole code; the meter may leave medium and channel out."""
        short = code.partition(":")[2]
        return [item for item in self.items if item.history is None and item.code in (code, short)]


def crc16(data: bytes) -> int:
    """CRC-16/ARC: polynomial A001 (reflected 8005), start 0."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def bcc(data: bytes) -> int:
    """The block check character: the bytes after STX through ETX, in exclusive or."""
    total = 0
    for byte in data:
        total ^= byte
    return total


def parse(data: bytes, check: str = "none") -> Telegram:
    """A telegram from its "/" to its check sum; wake bytes and an echoed sign-on before it are skipped.

    check: "crc16" or "bcc" must be there; one that is there is always held to. Raises Refused: crc for
    a wrong or missing check sum, decode for anything that is no telegram.
    """
    ident = find_ident(data)
    if ident is None:
        raise Refused(Reason.DECODE, "no identification line")
    maker, _, model = (part.decode("latin-1") for part in ident.groups())
    rest = data[ident.end() :].lstrip(WAKE)
    if rest.startswith(STX):
        return Telegram(maker, model, _items(_block(rest, check)))
    body, found, end = rest.partition(b"!")
    if not found:
        raise Refused(Reason.DECODE, "the telegram breaks off before its end")
    given = end.partition(b"\n")[0].strip()  # adapters add lines of their own
    if check == "bcc":
        raise Refused(Reason.CRC, "the telegram has no block check")
    if given or check == "crc16":
        right = crc16(data[ident.start() : len(data) - len(end)])
        # some meters print the sum without its leading zeros
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,4}", given) or int(given, 16) != right:
            raise Refused(Reason.CRC, f'the check sum is "{given[:8].decode("latin-1")}", not {right:04X}')
    return Telegram(maker, model, _items(body))


def find_ident(data: bytes) -> re.Match[bytes] | None:
    """The identification line: groups maker, speed, model; an echo of "/?!" is none."""
    return _IDENT.search(data)


def last_ident(data: bytes) -> re.Match[bytes] | None:
    """The last identification line: where a telegram begins that another one, torn, stands before."""
    return max(_IDENT.finditer(data), key=lambda match: match.start(), default=None)


def block_end(data: bytes) -> int | None:
    """Where a block that starts with STX ends (after its BCC), or None while it is not whole."""
    end = data.find(ETX)
    return end + 2 if 0 <= end < len(data) - 1 else None


def damaged(block: bytes) -> bool:
    """True when a block (STX … ETX BCC) does not agree with its block check."""
    end = block_end(block)
    return end is None or bcc(block[1 : end - 1]) != block[end - 1]


def _block(data: bytes, check: str) -> bytes:
    """The lines of a block STX … ! CR LF ETX BCC."""
    end = block_end(data)
    if end is None:
        raise Refused(Reason.CRC, "the readout breaks off before its block check")
    if check == "crc16":
        raise Refused(Reason.CRC, "the telegram has no CRC16")
    right = bcc(data[1 : end - 1])
    if data[end - 1] != right:
        raise Refused(Reason.CRC, f"the block check is {data[end - 1]:02X}, not {right:02X}")
    body, found, _ = data[1 : end - 2].partition(b"!")
    if not found:
        raise Refused(Reason.DECODE, 'the readout has no "!" at its end')
    return body


def _items(body: bytes) -> tuple[Item, ...]:
    text = body.decode("latin-1")
    found: list[Item] = []
    place = 0
    while match := _SET.match(text, place):
        code, group = match.groups()
        place = match.end()
        if code:
            found.append(_item(code, group))
        elif found:
            found[-1] = Item(found[-1].code, found[-1].history, (*found[-1].groups, group))
        else:
            raise Refused(Reason.DECODE, "a value without a code")
    if rest := text[place:].strip():
        raise Refused(Reason.DECODE, f'this is no line of a telegram: "{rest[:30]}"')
    if not found:
        raise Refused(Reason.DECODE, "the telegram is empty")
    return tuple(found)


def _item(text: str, group: str) -> Item:
    """Codes that are none (C.1.0 is one, a maker's own words are not) stay as they are."""
    match = _CODE.fullmatch(text)
    if match is None:
        return Item(text, None, (group,))
    medium, channel, c, d, e, _, stored = match.groups()
    head = f"{int(medium)}-{int(channel)}:" if medium is not None else ""
    code = f"{head}{c}.{int(d)}.{int(e or 0)}"  # "32.7" is 32.7.0
    return Item(code, None if stored in (None, _CURRENT) else stored, (group,))


def value_of(groups: Sequence[str]) -> tuple[float, str | None] | None:
    """Number and unit of a line with one value; None when it is no number or holds more than one value."""
    match = _VALUE.fullmatch(groups[0].strip()) if len(groups) == 1 else None
    return None if match is None else (float(match.group(1)), match.group(2))
