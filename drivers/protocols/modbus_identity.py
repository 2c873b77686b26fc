"""Who answers at a Modbus address: functions 43/14 (device identification) and 17 (server id).

Source: Modbus application protocol V1.1b3 §6.13 and §6.21. Requests and strict answer parsers are pure;
`read_identity` asks over a bus, with the bus's guard after a timeout.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from drivers.bus import Bus, BusFault
from drivers.profile import DeviceText, StandardText
from drivers.protocols import modbus
from drivers.protocols.modbus_serial import ASCII, RTU, ascii_frames

SERVER_ID: Final = 17
ENCAPSULATED: Final = 43
DEVICE_ID: Final = 14
CONFORMITIES: Final = frozenset({0x01, 0x02, 0x03, 0x81, 0x82, 0x83})
NAMES: Final = get_args(StandardText)
"""Names of the standard's objects 0 to 6."""

Level = Literal["basic", "regular", "extended"]
Framing = Literal["rtu", "ascii", "tcp"]
_CODES: Final[dict[Level, int]] = {"basic": 1, "regular": 2, "extended": 3}
_MOST_REQUESTS: Final = 64  # for one level: 256 objects, four and more an answer

Length = Callable[[bytes], int | None]
"""How long the PDU is that begins here; None: this begins none, or it is not whole yet."""


@dataclass(frozen=True, slots=True)
class DeviceId:
    """One answer to 43/14: its objects, whether more follow, and from which on."""

    conformity: int
    objects: Mapping[int, bytes]
    next_object: int | None


@dataclass(frozen=True, slots=True)
class Identity:
    """What a device says of itself.

    objects: those of 43/14 by number, as sent. conformity: the level it claims (1–3, +80h: single
    objects too), None when it answered no 43/14. server_id: the data of function 17 (its parts are the
    maker's own, the run indicator somewhere among them), None when it was not answered.
    """

    objects: Mapping[int, bytes] = field(default_factory=dict)
    conformity: int | None = None
    server_id: bytes | None = None

    @property
    def texts(self) -> dict[str, str]:
        """Readable texts by name (vendor, product_code, …, object_80h, server_id); empty ones left out."""
        found = {
            NAMES[number] if number < len(NAMES) else f"object_{number:02X}h": _text(data)
            for number, data in sorted(self.objects.items())
        }
        found["server_id"] = _text(self.server_id or b"")
        return {name: text for name, text in found.items() if text}

    def __str__(self) -> str:
        texts = self.texts
        named = [texts[n] for n in ("vendor", "product_name", "model_name", "product_code") if n in texts]
        words = " ".join(dict.fromkeys(named)) or texts.get("server_id", "")
        return f"{words}, {texts['revision']}" if words and "revision" in texts else words


def doubts(identity: Identity, wanted: Mapping[DeviceText, str]) -> list[str]:
    """What speaks against a model whose texts match these regular expressions; absent texts do not."""
    texts = identity.texts
    return [
        f'{name} reads "{texts[name]}", expected {expression}'
        for name, expression in wanted.items()
        if name in texts and not re.fullmatch(expression, texts[name], re.IGNORECASE)
    ]


def device_id_pdu(level: Level = "basic", first: int = 0) -> bytes:
    """The request for the objects of a level from one on (43/14, stream access)."""
    if not 0 <= first <= 0xFF:
        raise ValueError(f"objects have numbers from 0 to 255, not {first}.")
    return bytes((ENCAPSULATED, DEVICE_ID, _CODES[level], first))


def server_id_pdu() -> bytes:
    """The request of function 17."""
    return bytes((SERVER_ID,))


def device_id_length(pdu: bytes, level: Level = "basic") -> int | None:
    """How long the answer to 43/14 is that a buffer begins with; None: it begins none, or is not whole."""
    if len(pdu) < 7 or pdu[:3] != bytes((ENCAPSULATED, DEVICE_ID, _CODES[level])):
        return None
    if pdu[3] not in CONFORMITIES or pdu[4] not in (0, 0xFF):
        return None
    end = 7
    for _ in range(pdu[6]):
        if len(pdu) < end + 2:
            return None
        end += 2 + pdu[end + 1]
    return end if end <= len(pdu) else None


def device_id(pdu: bytes, level: Level = "basic") -> DeviceId:
    """The objects of an answer to 43/14.

    Raises ModbusException for a refusal, ValueError for what is no whole answer, for an object that comes
    twice, and for one that is to follow but is no later one.
    """
    _refusal(pdu, ENCAPSULATED)
    if device_id_length(pdu, level) != len(pdu):
        raise ValueError("this is no whole answer of function 43/14.")
    objects: dict[int, bytes] = {}
    at = 7
    while at < len(pdu):
        number, size = pdu[at], pdu[at + 1]
        if number in objects:
            raise ValueError(f"object {number:02X}h comes twice.")
        objects[number] = pdu[at + 2 : at + 2 + size]
        at += 2 + size
    follows = pdu[5] if pdu[4] else None
    if follows is not None and (not objects or follows <= max(objects)):
        raise ValueError(f"object {follows:02X}h is to follow, but no later one than those sent.")
    return DeviceId(pdu[3], objects, follows)


def server_id_length(pdu: bytes) -> int | None:
    """How long the answer to function 17 is that a buffer begins with; None as for 43/14."""
    if len(pdu) < 2 or pdu[0] != SERVER_ID or not pdu[1]:
        return None
    return 2 + pdu[1] if 2 + pdu[1] <= len(pdu) else None


def server_id(pdu: bytes) -> bytes:
    """The data of an answer to function 17; raises ModbusException, or ValueError for no whole answer."""
    _refusal(pdu, SERVER_ID)
    if server_id_length(pdu) != len(pdu):
        raise ValueError("this is no whole answer of function 17.")
    return pdu[2:]


def read_identity(
    bus: Bus,
    unit: int,
    *,
    framing: Framing = "rtu",
    level: Level = "regular",
    timeout_s: float | None = None,
) -> Identity | None:
    """Asks a unit who it is: function 43/14 up to a level, and 17 where that gives nothing.

    None when it answers neither (many meters do not, some stay silent). After an unanswered request the
    guard passes, and nothing more of that function is asked: its late answer can't be taken for another.
    Raises LinkDown.
    """
    objects: dict[int, bytes] = {}
    conformity: int | None = None
    try:
        for now in _levels(level):
            if now != "basic" and (conformity or 0) & 0x7F < _CODES[now]:
                break
            conformity, more = _objects(bus, unit, now, framing, timeout_s)
            objects = {**more, **objects}
    except (BusFault, modbus.ModbusException, ValueError):
        pass  # what was read until then stands; a meter without the function is no fault
    if objects:
        return Identity(objects, conformity)
    try:
        pdu = _ask(bus, unit, server_id_pdu(), server_id_length, framing, timeout_s)
        return Identity(server_id=server_id(pdu))
    except (BusFault, modbus.ModbusException, ValueError):
        return None


def _levels(highest: Level) -> list[Level]:
    return [level for level, code in _CODES.items() if code <= _CODES[highest]]


def _objects(
    bus: Bus, unit: int, level: Level, framing: Framing, timeout_s: float | None
) -> tuple[int, dict[int, bytes]]:
    """Conformity and objects of one level, over as many answers as it takes.

    Of a level that breaks off nothing is given: half a list of names may identify another model.
    """
    objects: dict[int, bytes] = {}
    first: int | None = 0
    conformity = 0
    for _ in range(_MOST_REQUESTS):
        assert first is not None  # noqa: S101  (the loop ends with the last part)
        pdu = _ask(
            bus,
            unit,
            device_id_pdu(level, first),
            lambda came: device_id_length(came, level),
            framing,
            timeout_s,
        )
        part = device_id(pdu, level)
        if first and (not part.objects or min(part.objects) < first):
            raise ValueError("the device begins its list anew instead of going on.")
        objects.update(part.objects)
        conformity, first = part.conformity, part.next_object
        if first is None:
            return conformity, objects
    raise ValueError("the device's list of objects does not end.")


def _ask(bus: Bus, unit: int, pdu: bytes, length: Length, framing: Framing, timeout_s: float | None) -> bytes:
    """The PDU of the answer to a request; raises BusFault and LinkDown."""
    if framing == "tcp":
        number = bus.next_number()
        request = modbus.mbap(number, unit, pdu)
        answer = bus.exchange(
            request,
            lambda came: find_mbap(came, number, unit, pdu[0], length),
            timeout_s=timeout_s,
            guard_s=0.0,
        )
        return answer.data[7:]
    serial, find = (ASCII, find_ascii) if framing == "ascii" else (RTU, find_rtu)
    answer = bus.exchange(
        serial.frame(unit, pdu), lambda came: find(came, unit, pdu[0], length), timeout_s=timeout_s
    )
    return serial.pdu(answer.data)


def find_rtu(buffer: bytes, unit: int, function: int, length: Length) -> tuple[int, int] | None:
    """Where an RTU answer stands whose length is its own affair; refusals are found too."""
    for start in range(len(buffer) - 4):
        if buffer[start] != unit or buffer[start + 1] & 0x7F != function:
            continue
        size = 2 if buffer[start + 1] & 0x80 else length(buffer[start + 1 : -2])
        if size is None:
            continue
        end = start + 1 + size + 2
        if end <= len(buffer) and modbus.rtu_whole(buffer[start:end]):
            return start, end
    return None


def find_ascii(buffer: bytes, unit: int, function: int, length: Length) -> tuple[int, int] | None:
    """As find_rtu, among ASCII frames."""
    for start, end, body in ascii_frames(buffer):
        if body[0] == unit and _fits(body[1:], function, length):
            return start, end
    return None


def find_mbap(
    buffer: bytes, transaction: int, unit: int, function: int, length: Length
) -> tuple[int, int] | None:
    """As find_rtu, among Modbus TCP frames with that transaction number."""
    for start, end in modbus.mbap_frames(buffer):
        frame = buffer[start:end]
        numbered = int.from_bytes(frame[:2], "big") == transaction and frame[6] == unit
        if numbered and _fits(frame[7:], function, length):
            return start, end
    return None


def _fits(pdu: bytes, function: int, length: Length) -> bool:
    if pdu[0] == function | 0x80:
        return len(pdu) == 2
    return pdu[0] == function and length(pdu) == len(pdu)


def _refusal(pdu: bytes, function: int) -> None:
    if len(pdu) == 2 and pdu[0] == function | 0x80:
        raise modbus.ModbusException(pdu[1], pdu)


def _text(data: bytes) -> str:
    """The printable characters of a text object; runs of others become one space."""
    shown = "".join(chr(byte) if 0x20 <= byte < 0x7F else "\0" for byte in data)
    return " ".join(" ".join(shown.replace("\0", " ").split()).split())
