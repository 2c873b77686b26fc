"""Lines made of stored rows say what the samples said, whichever way the rows stand in the journal."""

from __future__ import annotations

import math
import random
import struct
from pathlib import Path

from dodac.clock import SECOND_NS
from dodac.quantities import Measurement
from dodac.samples import Flag, Layout, Reason, Sample
from store import Journal, Outgoing, Tags, flag_lines, line

T0 = 1_790_000_000_000_000_000
LAYOUTS = [
    Layout("lò hơi, số=1", ("power_w", "energy_import_kwh", "frequency_hz")),
    Layout("meter2", ("power_w",)),
    Layout("wide", ("voltage_l1_v", "voltage_l2_v", "voltage_l3_v", "power_w", "power_factor")),
]
ODD = [0.0, -0.0, 0.1, 1e16, 1e-7, 5e-324, 1.7976931348623157e308, -273.15, 2.0**53 + 2, 123456789.125]


def tags(instrument: str) -> Tags | None:
    if instrument == "stranger":
        return None
    return Tags("bia {sài gòn}", 'cu:"chi"', "a\\b", instrument, Measurement.ELECTRICITY)


def some(chance: random.Random, count: int) -> list[Sample]:
    made = []
    for number in range(count):
        layout = chance.choice(LAYOUTS)
        carried = [name for name in layout.channels if chance.random() < 0.8]
        flagged = [name for name in carried if chance.random() < 0.1]
        values = {name: chance.choice(ODD) for name in carried if name not in flagged}
        flags = [Flag(name, Reason.SENTINEL, chance.choice([None, 9e9])) for name in flagged]
        span_ns = chance.choice([0, 5_000_000, SECOND_NS, 900 * SECOND_NS])
        part = chance.choice([0, 0, 0, 3])
        made.append(
            layout.sample(T0 + number * 1_000_000_007, values, flags=flags, span_ns=span_ns, part=part)
        )
    return made


def parsed(text: str) -> tuple[str, dict[str, str], str]:
    """Head, fields as the float64 they are, time."""
    head, fields, time_ns = text.replace("\\ ", "\x00").split(" ")
    named = (field.split("=") for field in fields.split(","))
    return head, {name: float(value).hex() for name, value in named}, time_ns


def test_lines_of_stored_rows_are_those_of_the_samples_fresh_and_packed(tmp_path: Path) -> None:
    samples = some(random.Random(5), 600)
    by_id = {layout.id: layout for layout in LAYOUTS}
    expected = []
    for seq, sample in enumerate(samples, 1):
        of = tags(sample.instrument)
        assert of is not None
        text = line(sample, by_id[sample.layout], of)
        expected += [parsed(each) for each in ([text] if text else []) + flag_lines(sample, of, seq)]
    with Journal.open(tmp_path / "journal.db") as journal:
        for layout in LAYOUTS:
            journal.layout(layout)
        journal.commit([("bus", sample) for sample in samples])
        outgoing = Outgoing(journal.layout_numbers, tags)
        for packed in (False, True):
            if packed:
                assert journal.pack(T0 + 10**15, whole=False) > 0
            rows, strange = outgoing.sendable(journal.waiting_rows("sink", 1000))
            assert not strange
            assert [row[2] for row in rows] == sorted(sample.time_ns for sample in samples)
            whole = [parsed(text) for text in outgoing.text(rows).split("\n")]
            single = [parsed(text) for row in rows for text in outgoing.lines(row)]
            assert single == expected
            assert sorted(whole, key=str) == sorted(expected, key=str)


def test_rows_whose_measurement_nobody_knows_are_told_apart_and_known_ones_go(tmp_path: Path) -> None:
    stranger = Layout("stranger", ("power_w",))
    with Journal.open(tmp_path / "journal.db") as journal:
        for layout in (stranger, LAYOUTS[1]):
            journal.layout(layout)
            journal.commit([("bus", layout.sample(T0 + n, {"power_w": 1.0})) for n in range(3)])
        outgoing = Outgoing(journal.layout_numbers, tags)
        known, strange = outgoing.sendable(journal.waiting_rows("sink", 10))
        assert [outgoing.instrument(row) for row in known] == ["meter2"] * 3
        assert [row[0] for row in strange] == [3, 2, 1]


def test_an_instrument_that_moves_to_another_asset_is_sent_with_its_new_tags(tmp_path: Path) -> None:
    layout = LAYOUTS[1]
    where = ["boiler1"]
    known: dict[str, Tags] = {}

    def of(instrument: str) -> Tags:
        return known.setdefault(where[0], Tags("c", "s", where[0], instrument, Measurement.ELECTRICITY))

    with Journal.open(tmp_path / "journal.db") as journal:
        journal.layout(layout)
        journal.commit([("bus", layout.sample(T0, {"power_w": 1.0}))])
        outgoing = Outgoing(journal.layout_numbers, of)
        rows = journal.waiting_rows("sink", 10)
        assert "asset=boiler1," in outgoing.text(rows)
        where[0] = "boiler2"
        assert "asset=boiler2," in outgoing.text(rows)


def test_what_is_no_number_never_goes_out(tmp_path: Path) -> None:
    """The journal takes none; a row of another hand still must not spoil the batch."""
    layout = Layout("meter2", ("power_w", "frequency_hz"))
    sample = layout.sample(T0, {"power_w": 1.0, "frequency_hz": 50.0})
    with Journal.open(tmp_path / "journal.db") as journal:
        journal.layout(layout)
        journal.commit([("bus", sample)])
        outgoing = Outgoing(journal.layout_numbers, tags)
        (row,) = journal.waiting_rows("sink", 10)
        for bad in (math.nan, math.inf, -math.inf):
            spoilt = (*row[:8], struct.pack("<2d", bad, 50.0), *row[9:])
            assert outgoing.text([spoilt]).endswith(f" frequency_hz=50.0 {T0}")
            assert outgoing.text([row, spoilt]).count("frequency_hz=50.0") == 2
