"""A simulated Modbus instrument: canonical values in, registers and answers out, by its profile."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from dodac.quantities import CHANNELS, Kind
from drivers.profile import ModbusChannel, ModbusProfile, Register, Table, UnitCode
from drivers.protocols import modbus, modbus_values
from drivers.protocols.modbus_map import Mapped, ModbusMap, place
from drivers.protocols.planner import Block

Values = Callable[[], Mapping[str, float]]


class LineUnit(Protocol):
    """Anything that answers on a simulated line; `address` is set by the bus it hangs on.

    request_length: how long the request at the start of a buffer is; None: more bytes are needed;
    0: this is no request, drop a byte. answer: its bytes, or None when the request is for another
    unit. effects: kinds of faults that the unit itself shows (sentinel, exception …).
    """

    address: int

    def request_length(self, buffer: bytes) -> int | None: ...
    def answer(self, request: bytes, effects: Collection[str] = ()) -> bytes | None: ...
    def of_another(self, answer: bytes) -> bytes: ...


class SimulatedUnit:
    """Serves a Modbus profile; `values` is asked at every request for values by channel name.

    A channel without a value reads as the profile's sentinel, NaN for floats, else 0.
    every_address: it answers whatever unit is asked, as instruments do that stand alone on a line.
    says: what it says of itself (function 43/14), object number → text; without any it refuses.
    """

    def __init__(
        self,
        profile: ModbusProfile,
        values: Values,
        address: int = 1,
        *,
        every_address: bool = False,
        says: Mapping[int, str] | None = None,
    ) -> None:
        self.profile = profile
        self.values = values
        self.address = address
        self.every_address = every_address
        self.says = dict(says or {})
        self.map = ModbusMap(profile)

    def request_length(self, buffer: bytes) -> int | None:
        """Reading requests are eight bytes, who-are-you ones (43/14, 17) seven and four; see LineUnit."""
        size = {0x2B: 7, 0x11: 4}.get(buffer[1], 8) if len(buffer) > 1 else 8
        if len(buffer) < size:
            return None
        return size if modbus.rtu_whole(buffer[:size]) else 0

    def answer(self, request: bytes, effects: Collection[str] = ()) -> bytes | None:
        """The RTU answer to an RTU request, or None when it is for another unit."""
        if request[0] != self.address and not self.every_address:
            return None
        return modbus.rtu(request[0], self.answer_pdu(request[1:-2], effects))

    def of_another(self, answer: bytes) -> bytes:
        """The same answer under another unit's number, whole."""
        return modbus.rtu((answer[0] + 99) % 247 + 1, answer[1:-2])

    def answer_pdu(self, pdu: bytes, effects: Collection[str] = ()) -> bytes:
        """The answer's PDU: data, or an exception."""
        function = pdu[0]
        if "exception" in effects:
            return bytes((function | 0x80, 4))
        if function == 43 and self.says and pdu[1:2] == b"\x0e" and len(pdu) == 4:
            objects = b"".join(bytes((n, len(t))) + t.encode() for n, t in sorted(self.says.items()))
            return bytes((43, 14, pdu[2], 0x02, 0, 0, len(self.says))) + objects
        table = modbus.TABLES.get(function)
        if table is None:
            return bytes((function | 0x80, 1))
        block = Block(table, int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big"))
        if not 1 <= block.count <= self.map.limits.longest(table):
            return bytes((function | 0x80, 3))
        image = self.image(effects)
        if not self._readable(block, image):
            return bytes((function | 0x80, 2))
        words = [image.get((table, address), 0) for address in range(block.address, block.end)]
        if function <= 2:
            bits = sum(bit << place for place, bit in enumerate(words))
            data = bits.to_bytes((block.count + 7) // 8, "little")
        else:
            data = b"".join(word.to_bytes(2, "big") for word in words)
        return bytes((function, len(data))) + data

    def _readable(self, block: Block, image: Mapping[tuple[Table, int], int]) -> bool:
        if any(r.table == block.table for r in self.map.limits.readable):
            return self.map.limits.allows(block)
        known = [address for table, address in image if table == block.table]
        return bool(known) and min(known) <= block.address and block.end <= max(known) + 1

    def image(self, effects: Collection[str] = ()) -> dict[tuple[Table, int], int]:
        """The registers that say the current values."""
        image: dict[tuple[Table, int], int] = {}
        for item in self.profile.identify:
            # channels that stand in the same registers say their own value below
            known = item.values[0] if item.values else sum(item.range or (0.0, 0.0)) / 2
            _put(image, item, "holding", known)
        for status in self.profile.status:
            for table in {status.table or c.table for c in self.profile.channels.values()}:
                _put(image, status, table, _good_value(status.good))
        values = self.values()
        for name, mapped in self.map.channels.items():
            value = values.get(name)
            if "counter_zero_once" in effects and CHANNELS[name].kind == Kind.COUNTER:
                value = 0.0
            if value is None or "sentinel" in effects:
                _put_nothing(image, mapped)
            else:
                _put_value(image, mapped, value)
            if "word_swap" in effects and modbus_values.WORDS[mapped.spec.type] == 2:
                first, second = (
                    (mapped.spec.table, mapped.spec.address),
                    (
                        mapped.spec.table,
                        mapped.spec.address + 1,
                    ),
                )
                image[first], image[second] = image[second], image[first]
        return image


def _put(
    image: dict[tuple[Table, int], int], register: Register | ModbusChannel, table: Table, value: float
) -> None:
    span = place(register, table)
    if register.mask is not None:
        shift = (register.mask & -register.mask).bit_length() - 1
        old = image.get((span.table, span.address), 0)
        value = (old & ~register.mask) | ((round(value) << shift) & register.mask)
    _put_bytes(image, span, modbus_values.encode(value, register.type, register.order))


def _put_bytes(image: dict[tuple[Table, int], int], span: Block, data: bytes) -> None:
    for offset in range(span.count):
        image[span.table, span.address + offset] = int.from_bytes(data[2 * offset : 2 * offset + 2], "big")


def _put_nothing(image: dict[tuple[Table, int], int], mapped: Mapped) -> None:
    spec = mapped.spec
    if spec.sentinel:
        data = modbus_values.encode_bits(spec.sentinel[0], spec.type, spec.order)
        _put_bytes(image, place(spec, spec.table), data)
    else:
        _put(image, spec, spec.table, math.nan if spec.type.startswith("f") else 0)
    _put_decimals(image, mapped, 0)
    for part in spec.add:
        _put(image, part, spec.table, 0)
    if spec.unit_code is not None:
        _put(image, spec.unit_code, spec.table, _code(mapped, spec.unit_code))


def _put_value(image: dict[tuple[Table, int], int], mapped: Mapped, value: float) -> None:
    spec = mapped.spec
    convert = mapped.convert
    if spec.unit_code is not None:
        code = _code(mapped, spec.unit_code)
        _put(image, spec.unit_code, spec.table, code)
        convert = mapped.by_code[code]
    total = (value / mapped.ratio - convert.offset) / convert.scale - spec.offset
    places = _places(mapped, total)
    _put_decimals(image, mapped, places)
    total = total * 10**-places if places <= 0 else total / 10**places
    if spec.add:
        whole = math.floor(total / spec.scale)
        _put(image, spec, spec.table, whole)
        first = spec.add[0]
        _put(image, first, spec.table, (total - whole * spec.scale) / first.scale)
        for part in spec.add[1:]:
            _put(image, part, spec.table, 0)
        return
    _put(image, spec, spec.table, total / spec.scale)


def _code(mapped: Mapped, unit_code: UnitCode) -> int:
    """The unit code that needs no conversion, else the first."""
    plain = (c for c, conversion in mapped.by_code.items() if (conversion.scale, conversion.offset) == (1, 0))
    return next(plain, next(iter(unit_code.codes)))


def _places(mapped: Mapped, total: float) -> int:
    """The power of ten that shows the most digits a 16-bit display holds; 0 for wider numbers."""
    spec = mapped.spec
    if spec.exponent is None or spec.add or modbus_values.WORDS[spec.type] > 1:
        return 0
    for places in (-3, -2, -1):
        if abs(total / spec.scale) * 10**-places <= 9999:
            return places
    return 0


def _put_decimals(image: dict[tuple[Table, int], int], mapped: Mapped, places: int) -> None:
    exponent = mapped.spec.exponent
    if exponent is not None:
        _put(image, exponent, mapped.spec.table, (places - exponent.offset) * exponent.sign)


def _good_value(good: tuple[float, float]) -> float:
    """A value well inside a status register's good range."""
    return good[0] if good[0] == good[1] else round((good[0] + good[1]) / 2)
