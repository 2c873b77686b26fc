"""Real wired frames (rscada/libmbus, in ../shared) through the driver path of a serial meter.

DODAC_LIBMBUS=<libmbus>/test reads all 76 good frames of that project instead of the 26 shared ones.
"""

from __future__ import annotations

import contextlib
import os
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

SHARED = Path(__file__).parents[4] / "shared" / "data" / "meters" / "mbus-libmbus"
CORPUS = Path(os.environ.get("DODAC_LIBMBUS", SHARED))
FUNCTIONS = {
    "Instantaneous value": "instantaneous",
    "Maximum value": "maximum",
    "Minimum value": "minimum",
    "Value during error state": "error",
    "Actual value": "instantaneous",
    "Stored value": "instantaneous",
}
UNITS = {"m^3": "m3", "m^3/h": "m3/h", "°C": "degC", "-": "", "": "", "Units for H.C.A.": "HCA"}
# what the reference reads as a plain number, and what the record's extension says it is (decision 0011)
ON_PURPOSE = {
    ("SEN_Pollustat", 12): "seconds below the limit, not m3/h",
    ("SEN_Pollustat", 13): "seconds above the limit, not m3/h",
    ("landis+gyr_ultraheat_t230", 19): "no date set, not 0 W",
    ("landis+gyr_ultraheat_t230", 20): "no date set, not 0 m3/h",
    ("landis+gyr_ultraheat_t230", 21): "2011-08-26T20:50:00, not 41 million degrees",
    ("landis+gyr_ultraheat_t230", 22): "2011-08-09T11:43:00, not 41 million degrees",
}


def frames(folder: str) -> list[Path]:
    return sorted((CORPUS / folder).glob("*.hex"))


def need_corpus() -> None:
    if not CORPUS.is_dir():
        pytest.skip(f"{CORPUS} is not there")


def expected(path: Path) -> Iterator[ET.Element]:
    """The reference's records; an empty one is a code without meaning, which it can't normalise."""
    text = path.with_suffix(".norm.xml").read_bytes().replace(b"ISO-8859-1", b"utf-8")
    for record in ET.fromstring(text).findall("DataRecord"):  # noqa: S314  (our own test data)
        if len(record) == 0 or record.findtext("Function") in FUNCTIONS:
            yield record


def differences(want: ET.Element, got: Record) -> list[str]:
    if len(want) == 0:
        return [] if got.quantity.startswith("reserved") else [f"{got.quantity} where the reference has none"]
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
            for place, (want, got) in enumerate(zip(wanted, telegram.records, strict=True))
            if (path.stem, place) not in ON_PURPOSE
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


def test_what_differs_from_the_reference_on_purpose_does_differ() -> None:
    need_corpus()
    for (stem, place), why in ON_PURPOSE.items():
        path = CORPUS / "test-frames" / f"{stem}.hex"
        if path.exists():
            record = decode_frame(bytes.fromhex(path.read_text())).records[place]
            assert differences(list(expected(path))[place], record), why
            assert record.modifiers, why  # so that it never fits a channel without modifiers


def test_frames_the_reference_does_not_support_are_refused_or_decoded() -> None:
    need_corpus()
    for path in frames("unsupported-frames"):
        digits = "".join(path.read_text().split())
        frame = bytes.fromhex(digits[: len(digits) // 2 * 2])
        with contextlib.suppress(MbusRefusal):
            decode_frame(frame)


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
