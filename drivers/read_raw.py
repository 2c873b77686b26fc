"""What an instrument said, beside what was made of it: raw by channel, and test blocks for profiles."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from dodac.samples import Sample
from drivers.bus import Reader
from drivers.profile import (
    HttpTjfProfile,
    Iec62056Profile,
    LineProfile,
    MbusProfile,
    ModbusProfile,
    Profile,
    UsbViewProfile,
)
from drivers.protocols.received import Refused
from drivers.sniff import Heard
from drivers.sniff_golden import block_of, modbus_block, with_expected

_BETWEEN: Final = 6  # bytes of an M-Bus long frame beside those that its length counts


def raw_by_channel(profile: Profile, reader: Reader, sample: Sample) -> dict[str, str]:
    """What the instrument sent for each channel: bytes in hexadecimal, or text as it prints it.

    Channels that did not come, or came in what can't be read, are absent.
    """
    raw = sample.raw or b""
    try:
        match profile:
            case ModbusProfile():
                return _registers(reader)
            case MbusProfile():
                return _records(profile, reader)
            case LineProfile():
                return _fields(profile, raw)
            case Iec62056Profile():
                from drivers.protocols.iec62056_receive import printed

                return printed(profile, raw)
            case HttpTjfProfile():
                from drivers.protocols.tjf import parse_tjf

                shown = parse_tjf(raw).moments[-1].shown
                return {name: text for name, text in shown.items() if name in profile.channels}
            case UsbViewProfile():
                return _lines_of_display(profile, raw)
            case _:
                return {}
    except (Refused, ValueError):
        return {}  # the flags of the sample say why


def golden_block(profile: Profile, reader: Reader, sample: Sample) -> tuple[str, str]:
    """A `tests:` block of a profile out of one good reading, and words about it; empty when nothing fits."""
    raw = sample.raw or b""
    values = {n: v for n, v in zip(reader.layout.channels, sample.values, strict=True) if v == v}
    flags = {flag.channel: flag.reason.value for flag in sample.flags}
    match profile:
        case ModbusProfile():
            return modbus_block(profile, transactions(reader))
        case MbusProfile():
            return block_of(profile, [Heard(0, "answer", frame, "") for frame in _frames(raw)])
        case LineProfile():
            return block_of(profile, _heard(profile, raw))
        case Iec62056Profile():
            return block_of(profile, [Heard(0, "message", raw, "", values=values, flags=flags)])
        case HttpTjfProfile():
            return with_expected([f"  - body: {json.dumps(raw.decode('utf-8-sig'))}"], values, flags)
        case UsbViewProfile():
            from drivers.protocols.testo_usb import UsbViewReader

            assert isinstance(reader, UsbViewReader)  # noqa: S101  (profile and reader belong together)
            answers = [
                f'  - status: "{reader.status.hex(" ").upper()}"',
                f'    view: "{raw.hex(" ").upper()}"',
            ]
            return with_expected(answers, values, flags)
        case _:
            return block_of(profile, [])


def _registers(reader: Reader) -> dict[str, str]:
    from drivers.protocols.modbus_map import raw_hex
    from drivers.protocols.modbus_reader import ModbusReader

    assert isinstance(reader, ModbusReader)  # noqa: S101  (profile and reader belong together)
    found = {name: raw_hex(reader.image, mapped) for name, mapped in reader.map.channels.items()}
    return {name: text for name, text in found.items() if text}


def transactions(reader: Reader) -> list[tuple[bytes, bytes]]:
    """Requests and answers as RTU frames, whatever frames they came in."""
    from drivers.protocols import modbus
    from drivers.protocols.modbus_reader import ModbusReader

    assert isinstance(reader, ModbusReader)  # noqa: S101  (profile and reader belong together)
    unit, found = int(reader.unit), []
    for block in dict.fromkeys(reader.blocks):
        function = modbus.FUNCTIONS[block.table]
        words = [reader.image.get((block.table, block.address + n), 0) for n in range(block.count)]
        if function <= 2:
            bits = sum(bit << n for n, bit in enumerate(words))
            data = bits.to_bytes(modbus.byte_count(function, block.count), "little")
        else:
            data = b"".join(word.to_bytes(2, "big") for word in words)
        request = modbus.rtu(unit, modbus.read_pdu(function, block.address, block.count))
        found.append((request, modbus.rtu(unit, bytes((function, len(data))) + data)))
    return found


def _records(profile: MbusProfile, reader: Reader) -> dict[str, str]:
    from drivers.protocols.mbus import MbusReader
    from drivers.protocols.mbus_map import record_of

    assert isinstance(reader, MbusReader)  # noqa: S101  (profile and reader belong together)
    records = [record for telegram in reader.telegrams for record in telegram.records]
    found = {name: record_of(spec.match, records) for name, spec in profile.channels.items()}
    return {name: record.raw.hex(" ") for name, record in found.items() if record is not None}


def _frames(raw: bytes) -> list[bytes]:
    """M-Bus telegrams that stand one after the other."""
    found = []
    while len(raw) > 1:
        length = raw[1] + _BETWEEN
        found.append(raw[:length])
        raw = raw[length:]
    return found


def _fields(profile: LineProfile, raw: bytes) -> dict[str, str]:
    from drivers.protocols.line import LineDecoder

    return LineDecoder(profile).printed(_line(profile, raw))


def _line(profile: LineProfile, raw: bytes) -> bytes:
    """The last line of what came that is a measurement; nothing when there is none."""
    from drivers.protocols.line import LineReceiver

    receiver = LineReceiver("read", profile)
    receiver.reset(synced=True)
    end = (profile.line.terminator or "\r\n").encode("latin-1")
    lines = [line for line, _ in receiver.take(raw + end)]
    return next((line for line in reversed(lines) if _is_reading(receiver.decode, line)), b"")


def _heard(profile: LineProfile, raw: bytes) -> list[Heard]:
    """The line as a message with its readings; what the time of reading adds (stale) is not the line's."""
    from drivers.protocols.line import LineDecoder

    line = _line(profile, raw)
    received = LineDecoder(profile).decode(line) if line else None
    if received is None:
        return []
    flags = {flag.channel: flag.reason.value for flag in received.flags}
    return [Heard(0, "message", line, "", values=received.values, flags=flags)]


def _is_reading(decode: Callable[[bytes], object], line: bytes) -> bool:
    try:
        return decode(line) is not None
    except Refused:
        return False


def _lines_of_display(profile: UsbViewProfile, raw: bytes) -> dict[str, str]:
    from drivers.protocols.testo_usb_frame import view_of

    records = view_of(raw)
    found: dict[str, str] = {}
    for name, spec in profile.channels.items():
        fitting = [r for r in records if r.ident == spec.ident and spec.connector in (None, r.connector)]
        told = [
            f"ident {r.ident:08X} unit {r.unit_word:04X} "
            + (f"error {r.error}" if r.value is None else f"{r.value:.7g}")
            for r in fitting
        ]
        if told:
            found[name] = ", ".join(dict.fromkeys(told))
    return found
