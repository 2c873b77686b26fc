"""Real wired frames (rscada/libmbus, in ../shared) through the driver path of a serial meter."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from dodac.clock import SystemClock
from dodac.site import InstrumentConfig
from drivers.bus import Bus
from drivers.catalogue import load_profile
from drivers.links.serial import SerialLink
from drivers.profile import MbusIdentify, MbusLink, MbusProfile
from drivers.protocols.mbus import MbusReader
from drivers.protocols.mbus_frame import ANY, MbusRefusal
from drivers.protocols.mbus_records import Record, Telegram, decode_frame
from drivers.simulator import SimulatedBus
from drivers.simulator.mbus import SimulatedMbusMeter

CORPUS = Path(__file__).parents[4] / "shared" / "data" / "meters" / "mbus-libmbus"
FUNCTIONS = {
    "Instantaneous value": "instantaneous",
    "Maximum value": "maximum",
    "Minimum value": "minimum",
    "Value during error state": "error",
    "Actual value": "instantaneous",
    "Stored value": "instantaneous",
}
UNITS = {"m^3": "m3", "m^3/h": "m3/h", "°C": "degC", "-": "", "": "", "Units for H.C.A.": "HCA"}


def frames(folder: str) -> list[Path]:
    return sorted((CORPUS / folder).glob("*.hex"))


def need_corpus() -> None:
    if not CORPUS.is_dir():
        pytest.skip(f"{CORPUS} is not there")


def expected(path: Path) -> Iterator[ET.Element]:
    text = path.with_suffix(".norm.xml").read_bytes().replace(b"ISO-8859-1", b"utf-8")
    for record in ET.fromstring(text).findall("DataRecord"):  # noqa: S314  (our own test data)
        if record.findtext("Function") in FUNCTIONS:
            yield record


def differences(want: ET.Element, got: Record) -> list[str]:
    found = []
    if FUNCTIONS[want.findtext("Function") or ""] != got.function:
        found.append(f"function {got.function}")
    for tag, value in (("StorageNumber", got.storage), ("Tariff", got.tariff), ("Device", got.subunit)):
        if want.findtext(tag) not in (None, str(value)):
            found.append(f"{tag} {value}")
    unit = want.findtext("Unit") or ""
    # a counter "reserved but historic" has the other counter's unit and storage 1
    if UNITS.get(unit, unit) != got.unit and not (unit == "reserved but historic" and got.storage == 1):
        found.append(f"unit {got.unit}, not {unit}")
    text = want.findtext("Value") or ""
    try:
        number = float(text)
    except ValueError:
        # libmbus prints dates that are not set as 2000-00-00 or 1900-01-00: here they are faults
        if not (text.rstrip("Z") == got.text or ("-00" in text and got.fault)):
            found.append(f"{got.text!r}, not {text!r}")
    else:
        if got.value is None or abs(got.value - number) > max(5e-7, 1e-6 * abs(number)):
            found.append(f"{got.value}, not {number}")
    return [f"{want.findtext('Quantity')}: {words}" for words in found]


def compare(path: Path, telegram: Telegram) -> tuple[int, list[str]]:
    wanted = list(expected(path))
    found = [f"{path.stem}: {len(telegram.records)} records, not {len(wanted)}"]
    if len(wanted) == len(telegram.records):
        found = [
            f"{path.stem}: {words}"
            for want, got in zip(wanted, telegram.records, strict=True)
            for words in differences(want, got)
        ]
    return len(wanted), found


def test_every_real_frame_gives_the_values_its_reference_gives() -> None:
    need_corpus()
    records, found = 0, []
    for path in frames("test-frames"):
        count, wrong = compare(path, decode_frame(bytes.fromhex(path.read_text())))
        records += count
        found += wrong
    assert not found
    assert records > 200


def test_every_error_frame_is_refused_with_a_reason() -> None:
    need_corpus()
    for path in frames("error-frames"):
        with pytest.raises(MbusRefusal) as caught:
            decode_frame(bytes.fromhex(path.read_text()))
        assert caught.value.text


def test_real_frames_come_whole_through_a_serial_line() -> None:
    need_corpus()
    profile = load_profile("generic.mbus-heat")
    assert isinstance(profile, MbusProfile)
    profile = profile.model_copy(update={"identify": MbusIdentify(), "link": MbusLink(max_telegrams=1)})
    found = []
    for path in frames("test-frames"):
        frame = bytes.fromhex(path.read_text())
        address = frame[5] if frame[5] <= 250 else ANY
        with SimulatedBus({1: SimulatedMbusMeter([frame])}, baud=115200, bits=11, latency_s=0.002) as line:
            link = SerialLink(line.path, 115200, "8E1")
            link.open()
            bus = Bus(link, SystemClock(), byte_s=11 / 115200)
            reader = MbusReader(InstrumentConfig(id="meter", address=address), profile, SystemClock())
            sample = reader.read(bus)
            link.close()
        assert reader.fault_text == ""
        assert sample.present
        found += compare(path, reader.telegrams[0])[1]
    assert not found
