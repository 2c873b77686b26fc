"""A second hand's encoder of EN 13757-3 answers: whatever it writes, the decoder reads back.

The tables here are written from the standard anew and not from the decoder's: a slip in one of them shows.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from drivers.protocols.mbus_records import Record, decode_frame

# VIF as written on the wire, what it is, unit, power of ten: one line for each row of the standard's tables
POWERS = [
    ("", 0x00, 8, "energy", "Wh", -3), ("", 0x08, 8, "energy", "J", 0), ("", 0x10, 8, "volume", "m3", -6),
    ("", 0x18, 8, "mass", "kg", -3), ("", 0x28, 8, "power", "W", -3), ("", 0x30, 8, "power", "J/h", 0),
    ("", 0x38, 8, "volume_flow", "m3/h", -6), ("", 0x40, 8, "volume_flow", "m3/min", -7),
    ("", 0x48, 8, "volume_flow", "m3/s", -9), ("", 0x50, 8, "mass_flow", "kg/h", -3),
    ("", 0x58, 4, "flow_temperature", "degC", -3), ("", 0x5C, 4, "return_temperature", "degC", -3),
    ("", 0x60, 4, "temperature_difference", "K", -3), ("", 0x64, 4, "external_temperature", "degC", -3),
    ("", 0x68, 4, "pressure", "bar", -3), ("", 0x6E, 1, "heat_cost", "HCA", 0),
    ("FB", 0x00, 2, "energy", "Wh", 5), ("FB", 0x02, 2, "reactive_energy", "kvarh", 0),
    ("FB", 0x08, 2, "energy", "J", 8), ("FB", 0x10, 2, "volume", "m3", 2), ("FB", 0x18, 2, "mass", "kg", 5),
    ("FB", 0x1A, 2, "relative_humidity", "%", -1), ("FB", 0x28, 2, "power", "W", 5),
    ("FB", 0x2C, 4, "frequency", "Hz", -3), ("FB", 0x30, 2, "power", "J/h", 8),
    ("FB", 0x74, 4, "temperature_limit", "degC", -3), ("FB", 0x78, 8, "maximum_power_count", "W", -3),
    ("FD", 0x00, 4, "credit", "currency", -3), ("FD", 0x04, 4, "debit", "currency", -3),
    ("FD", 0x40, 16, "voltage", "V", -9), ("FD", 0x50, 16, "current", "A", -12),
]  # fmt: skip
SECONDS = (1, 60, 3600, 86400)
TIMES = [
    ("", 0x20, "on_time", SECONDS), ("", 0x24, "operating_time", SECONDS),
    ("", 0x70, "averaging_duration", SECONDS), ("", 0x74, "actuality_duration", SECONDS),
    ("FD", 0x24, "storage_interval", SECONDS), ("FD", 0x2C, "duration_since_readout", SECONDS),
    ("FD", 0x31, "tariff_duration", SECONDS[1:]), ("FD", 0x34, "tariff_period", SECONDS),
    ("FD", 0x68, "duration_since_cumulation", SECONDS[2:]), ("FD", 0x6C, "battery_operating_time", SECONDS[2:]),
]  # fmt: skip
PLAIN = [
    ("", 0x78, "fabrication_number"), ("", 0x79, "identification"), ("", 0x7A, "bus_address"),
    ("FD", 0x08, "access_number"), ("FD", 0x0E, "firmware_version"), ("FD", 0x0F, "software_version"),
    ("FD", 0x17, "error_flags"), ("FD", 0x3A, "dimensionless"), ("FD", 0x60, "reset_counter"),
]  # fmt: skip
# one more byte that changes the power of ten, or only what the value is
CORRECTIONS = [(0x70 + n, n - 6) for n in range(8)] + [(0x7D, 3)]
MODIFIERS = [
    b"\x22",
    b"\x3b",
    b"\x3c",
    b"\x3e",
    b"\x7c\x01",
    b"\x7c\x02",
    b"\x7c\x03",
    b"\x7e",
    b"\x40",
    b"\x12",
]
FUNCTIONS = ("instantaneous", "maximum", "minimum", "error")


@dataclass
class Wanted:
    """A record as it must come back; value: exact, None for dates and texts."""

    function: str
    storage: int
    tariff: int
    subunit: int
    quantity: str
    unit: str = ""
    value: Decimal | None = None
    text: str | None = None
    modifiers: bytes = b""
    float32: bool = False


class Encoder:
    """Writes random records, and remembers what they say."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def head(self, kind: int) -> tuple[bytes, str, int, int, int]:
        """DIF and DIFEs: (bytes, function, storage, tariff, subunit)."""
        chance = self.chance
        function = chance.randrange(4)
        more = chance.choice((0, 0, 0, 1, 2, 4, 10))
        storage, tariff, subunit = chance.randrange(2), 0, 0
        out = [kind | function << 4 | storage << 6]
        for n in range(more):
            nibble, rate, unit = chance.randrange(16), chance.randrange(4), chance.randrange(2)
            storage += nibble * 2 * 16**n
            tariff += rate * 4**n
            subunit += unit * 2**n
            out[-1] |= 0x80
            out.append(nibble | rate << 4 | unit << 6)
        return bytes(out), FUNCTIONS[function], storage, tariff, subunit

    def number(self) -> tuple[int, bytes, Decimal, bool]:
        """A numeric data field: (low nibble of the DIF, bytes with a length where there is one, value, real)."""
        chance = self.chance
        kind = chance.choice((1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 14, 13))
        if kind == 5:
            field = struct.pack("<f", chance.uniform(-1, 1) * 10 ** chance.randrange(-3, 9))
            return kind, field, Decimal(struct.unpack("<f", field)[0]), True
        if kind == 13:
            size = chance.randrange(1, 9)
            shape = chance.choice("pni")
            if shape == "i":
                whole = self.whole(size)
                return (
                    kind,
                    bytes([0xE0 + size]) + whole.to_bytes(size, "little", signed=True),
                    Decimal(whole),
                    False,
                )
            decimal = chance.randrange(100**size)
            sign = 1 if shape == "p" else -1
            code = 0xC0 if shape == "p" else 0xD0
            return kind, bytes([code + size]) + self.packed(decimal, size), Decimal(sign * decimal), False
        if kind >= 9:
            size = {9: 1, 10: 2, 11: 3, 12: 4, 14: 6}[kind]
            if chance.random() < 0.3:  # a minus sign takes the place of the highest digit
                decimal = chance.randrange(1, 10 ** (2 * size - 1))
                field = bytearray(self.packed(decimal, size))
                field[-1] |= 0xF0
                return kind, bytes(field), Decimal(-decimal), False
            decimal = chance.randrange(100**size)
            return kind, self.packed(decimal, size), Decimal(decimal), False
        size = {1: 1, 2: 2, 3: 3, 4: 4, 6: 6, 7: 8}[kind]
        whole = self.whole(size)
        return kind, whole.to_bytes(size, "little", signed=True), Decimal(whole), False

    def whole(self, size: int) -> int:
        """Any number but the least, which says that there is none."""
        most = 2 ** (8 * size - 1) - 1
        return self.chance.choice((self.chance.randint(-most, most), most, -most, 0, 1, -1))

    @staticmethod
    def packed(decimal: int, size: int) -> bytes:
        return bytes.fromhex(f"{decimal:0{2 * size}d}")[::-1]

    def information(self) -> tuple[bytes, str, str, Decimal, bytes]:
        """VIF and VIFEs of a number: (bytes, quantity, unit, factor, modifiers)."""
        chance = self.chance
        which = chance.randrange(4)
        if which <= 1:
            table, first, count, quantity, unit, power = chance.choice(POWERS)
            step = chance.randrange(count)
            code, factor = first + step, Decimal(10) ** (power + step)
        elif which == 2:
            table, first, quantity, sizes = chance.choice(TIMES)
            step = chance.randrange(len(sizes))
            code, unit, factor = first + step, "s", Decimal(sizes[step])
        else:
            table, code, quantity = chance.choice(PLAIN)
            unit, factor = "", Decimal(1)
        vif = bytes.fromhex(table) + bytes([code])
        modifiers = b""
        if chance.random() < 0.3:
            modifiers = chance.choice(MODIFIERS)
            vif += modifiers
        if chance.random() < 0.2:
            correction, power = chance.choice(CORRECTIONS)
            vif += bytes([correction])
            factor = factor.scaleb(power)
        return bytes(byte | 0x80 for byte in vif[:-1]) + vif[-1:], quantity, unit, factor, modifiers

    def record(self) -> tuple[bytes, Wanted]:
        which = self.chance.random()
        if which < 0.15:
            return self.moment()
        if which < 0.22:
            return self.words()
        if which < 0.27:
            return self.unit_in_words()
        kind, field, value, real = self.number()
        head, *place = self.head(kind)
        vif, quantity, unit, factor, modifiers = self.information()
        want = Wanted(*place, quantity, unit, value * factor, None, modifiers, real)
        return head + vif + field, want

    def moment(self) -> tuple[bytes, Wanted]:
        """A date (type G), date and time (types F and I) or time of day (type J)."""
        chance = self.chance
        at = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randrange(80 * 365 * 86400))
        year = at.year - 2000
        low, high = at.day | (year & 7) << 5, at.month | (year >> 3) << 4
        kind = chance.choice((2, 3, 4, 6))
        head, *place = self.head(kind)
        if kind == 2:
            return head + b"\x6c" + bytes([low, high]), Wanted(*place, "date", text=at.date().isoformat())
        if kind == 3:
            field, text = bytes([at.second, at.minute, at.hour]), at.strftime("%H:%M:%S")
        elif kind == 4:
            field, text = bytes([at.minute, at.hour | 1 << 5, low, high]), at.strftime("%Y-%m-%dT%H:%M:00")
        else:
            hour = at.hour | at.isoweekday() << 5
            field = bytes([at.second, at.minute, hour, low, high, at.isocalendar().week])
            text = at.strftime("%Y-%m-%dT%H:%M:%S")
        return head + b"\x6d" + field, Wanted(*place, "date_time", text=text)

    def words(self) -> tuple[bytes, Wanted]:
        text = "".join(self.chance.choice("ABCxyz0189 -_/") for _ in range(self.chance.randrange(1, 20)))
        head, *place = self.head(13)
        field = bytes([len(text)]) + text.encode()[::-1]
        return head + b"\xfd\x11" + field, Wanted(*place, "customer", text=text)

    def unit_in_words(self) -> tuple[bytes, Wanted]:
        text = self.chance.choice(("kVA", "%RH", "pH", "ppm O2"))
        kind, field, value, real = self.number()
        head, *place = self.head(kind)
        more = self.chance.random() < 0.5
        vif = bytes([0xFC if more else 0x7C, len(text)]) + text.encode()[::-1] + (b"\x73" if more else b"")
        value = value.scaleb(-3) if more else value
        return head + vif + field, Wanted(*place, text, "", value, float32=real)

    def frame(self) -> tuple[bytes, str, list[Wanted], bool, bytes]:
        """A whole RSP_UD: (bytes, identification, records, whether more follow, the maker's own data)."""
        chance = self.chance
        digits = f"{chance.randrange(10**8):08d}"
        body, wanted = b"", []
        while len(body) < 200 and chance.random() < 0.93:
            code, want = self.record()
            body += code + b"\x2f" * chance.choice((0, 0, 0, 1, 3))
            wanted.append(want)
        tail, more, makers = b"", False, b""
        if chance.random() < 0.4:
            more, makers = chance.random() < 0.5, chance.randbytes(chance.randrange(6))
            tail = (b"\x1f" if more else b"\x0f") + makers
        maker = (ord("K") - 64) << 10 | (ord("A") - 64) << 5 | (ord("M") - 64)
        header = (
            bytes.fromhex(digits)[::-1]
            + maker.to_bytes(2, "little")
            + bytes([0x1B, 4, chance.randrange(256), 0, 0, 0])
        )
        return long(chance.randrange(1, 251), 0x72, header + body + tail), digits, wanted, more, makers


def long(address: int, ci: int, data: bytes, control: int = 0x08) -> bytes:
    body = bytes([control, address, ci]) + data
    return b"\x68" + bytes([len(body)] * 2) + b"\x68" + body + bytes([sum(body) % 256, 0x16])


def check(want: Wanted, got: Record) -> None:
    assert (got.function, got.storage, got.tariff, got.subunit) == (
        want.function, want.storage, want.tariff, want.subunit,
    )  # fmt: skip
    assert (got.quantity, got.unit, got.modifiers) == (want.quantity, want.unit, want.modifiers)
    assert got.text == want.text
    assert got.fault is None
    if want.value is None:
        assert got.value is None
    elif want.float32:
        assert got.value == pytest.approx(float(want.value), rel=1e-12)
    else:
        assert got.value == float(want.value)  # the nearest number to the decimal one, not its neighbour


@pytest.mark.parametrize("start", range(0, 1500, 300))
def test_whatever_a_meter_may_write_comes_back_as_it_was_meant(start: int) -> None:
    for seed in range(start, start + 300):
        frame, digits, wanted, more, makers = Encoder(seed).frame()
        telegram = decode_frame(frame)
        assert telegram.header is not None
        assert (telegram.header.identification, telegram.header.manufacturer) == (digits, "KAM"), seed
        assert (telegram.more, telegram.makers) == (more, makers), seed
        assert len(telegram.records) == len(wanted), seed
        for want, got in zip(wanted, telegram.records, strict=True):
            check(want, got)


# unit codes of the fixed data structure: first code, quantity, then each unit with its multiples 1, 10, 100
FIXED = [
    (0x02, "energy", ("Wh", "kWh", "MWh")), (0x0B, "energy", ("kJ", "MJ", "GJ")), (0x14, "power", ("W", "kW", "MW")),
    (0x1D, "power", ("kJ/h", "MJ/h", "GJ/h")), (0x26, "volume", ("ml", "l", "m3")),
    (0x2F, "volume_flow", ("ml/h", "l/h", "m3/h")),
]  # fmt: skip


@pytest.mark.parametrize("binary", [True, False])
def test_every_unit_of_the_fixed_data_structure_comes_back(binary: bool) -> None:
    chance = random.Random(7)
    for first, quantity, units in FIXED:
        for step in range(9):
            code, unit, factor = first + step, units[step // 3], 10 ** (step % 3)
            now, then = chance.randrange(10**8), chance.randrange(10**8)
            fields = [n.to_bytes(4, "little") if binary else Encoder.packed(n, 4) for n in (now, then)]
            # medium 7 (water): its two low bits with the first unit, its two high bits with the second
            units_of = bytes([code | 3 << 6, 0x3E | 1 << 6])
            data = b"\x78\x56\x34\x12" + bytes([9, int(binary)]) + units_of + b"".join(fields)
            telegram = decode_frame(long(5, 0x73, data))
            assert telegram.header is not None
            assert (telegram.header.identification, telegram.header.medium) == ("12345678", 7)
            for record, raw, storage in zip(telegram.records, (now, then), (0, 1), strict=True):
                check(Wanted("instantaneous", storage, 0, 0, quantity, unit, Decimal(raw * factor)), record)
