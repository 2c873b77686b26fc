"""Any file at all: words, never a crash, a hang or a silent NaN; every line is accounted for."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dodac.errors import DodacError
from dodac.quantities import CHANNELS
from drivers import FileReading, FileSpec, read_interval_file
from drivers.protocols.files import header_of
from drivers.protocols.files_bill_spec import BillSpec
from drivers.protocols.files_bills import read_bills
from drivers.protocols.files_logs import read_tjf_file
from drivers.protocols.files_open import open_grids
from drivers.protocols.files_words import meanings

QUICK = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)

ANALYSER = (
    "Gerät;X350\nSeriennummer;123\n\nDatum;Uhrzeit;FT;O2 [%];CO\n;;°C;;ppm\n"
    "13.01.2026;08:00:00;182,4;3,4;12\n13.01.2026;08:01:00;183,0;----;12\n13.01.2026;08:02:00;>>>;3,5;4294967295\n"
    "Kunde;B\nDatum;Uhrzeit;O2 [%];CO\n14.01.2026;08:00:00;3,4;13\n14.01.2026;08:01:00;3,3;13\n"
)
KEW = "KEW6315\nDATE,TIME,ELAPSED TIME,AVG_V1[V],,,AVG_P[W],,,\n" + "".join(
    f"2026/03/01,10:00:0{s},00000:00:0{s},220,219,221,-2000,-2100,-1900,\n" for s in range(1, 6)
)
BILLS = (
    "Từ ngày;Đến ngày;Chỉ số cũ;Chỉ số mới;Hệ số nhân;Cao điểm;Điện năng (kWh);Thành tiền (VND)\n"
    "05/01/2026;04/02/2026;1000;1100;400;12.000;40.000;80.000.000\n"
    "05/02/2026;04/03/2026;1100;1200;400;12.000;40.000;81.000.000\n"
    "05/03/2026;20/03/2026;1200;1210;400;12.000;-4.000;\n"
)
FLUE = (("FT", "t_flue_c", None), ("O2", "o2_pct", None), ("CO", "co_ppm", "ppm"))


def accounted(reading: FileReading, data: bytes) -> None:
    counts = reading.counts
    assert counts.rows == counts.samples + counts.refused + counts.repeated + counts.empty
    assert len(reading.refused) == counts.refused
    assert len(reading.left_out) == counts.repeated + counts.empty
    assert len(reading.samples) == counts.samples
    for sample in reading.samples:
        flagged = {flag.channel for flag in sample.flags}
        for place, name in enumerate(reading.layout.channels):
            value = sample.values[place]
            if math.isnan(value):  # absent, or flagged with its reason: never just not a number
                assert name in flagged or not sample.present >> place & 1
            else:
                assert CHANNELS[name].in_range(value)
    if b'"' not in data and b"\r" not in data and b"\x00" not in data:
        lines = sum(1 for line in data.split(b"\n") if line.strip())
        assert counts.rows + len(reading.aside) == lines


def try_all(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    specs: list[Any] = [
        FileSpec("m", FLUE),
        FileSpec("m", (("2", "power_w", "kW"),), date_format="dmy", interval="1min", decimal=","),
        FileSpec("m", (("AVG_P", "power_w", None),), stamp="instant"),
    ]
    for spec in specs:
        try:
            reading = read_interval_file(path, spec)
            accounted(reading, data if path.suffix != ".KEW" else b'"')
        except DodacError as error:
            assert str(error)  # noqa: PT017
    try:
        header = header_of(open_grids(path))[1]
        meanings(header.names)
    except DodacError as error:
        assert str(error)  # noqa: PT017
    bill = BillSpec(
        "m", (("Điện năng", "energy_interval_kwh", None),), from_column="Từ ngày", to_column="Đến ngày",
        old_column="Chỉ số cũ", new_column="Chỉ số mới", cost_column="Thành tiền", currency="VND", bounds="inclusive",
    )  # fmt: skip
    try:
        accounted(read_bills(path, bill), b'"')
    except DodacError as error:
        assert str(error)  # noqa: PT017


@QUICK
@given(st.binary(max_size=400))
@example(b"\xff\xfe")
@example(b"\x1f\x8b\x08\x00")
@example(b"PK\x03\x04")
@example(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
@example(b'"' * 300)
def test_bytes_of_any_kind_are_read_or_refused_in_words(tmp_path: Path, data: bytes) -> None:
    try_all(tmp_path / "data.csv", data)
    try:
        accounted(read_tjf_file(tmp_path / "data.csv", "m", "UTC"), b'"')
    except DodacError as error:
        assert str(error)  # noqa: PT017


WORDS = st.sampled_from(
    [
        "Datum", "Uhrzeit", "FT", "O2 [%]", "CO", "°C", "ppm", "13.01.2026", "14/01/2026", "08:00:00", "24:00", "1,5", "2.5",
        "1.234", "-1E38", "4294967295", "----", ">>>", "OFL", "", " ", "Từ ngày", "Đến ngày", "Điện năng", "Serial", "=A1",
        "2026-01-01 00:00", "NaN", "inf", "1e999", "٣", "²", "3 %", "9" * 400,
    ]
)  # fmt: skip


@QUICK
@given(
    st.lists(st.lists(WORDS | st.text(max_size=5), max_size=6), max_size=10),
    st.sampled_from([";", ",", "\t", "|"]),
)
def test_tables_of_any_words_are_accounted_for_line_by_line(
    tmp_path: Path, rows: list[list[str]], sign: str
) -> None:
    text = "\n".join(sign.join(row) for row in rows)
    try_all(tmp_path / "data.csv", text.replace("\n\n", "\n").encode("utf-8", "replace"))


@pytest.mark.parametrize(
    "text",
    [
        "t;" + "[" * 300_000 + "kWh\n2026-01-01 00:00;1\n",
        "t;kWh\n2026-01-01 00:00;1" + " " * 300_000 + "1 1\n2026-01-01 00:01;" + "- " * 200_000 + "x\n",
        "t;kWh\n2026-01-01" + " " * 300_000 + "x;1\n2026-01-01 00:01;1\n",
        "t;kWh\n2026-01-01 00:00;" + "1," * 200_000 + "\n2026-01-01 00:01;" + ",111" * 200_000 + "\n",
        'kWh;"' * 2000 + "\n" + '"' * 300_000,
    ],
    ids=["brackets", "spaces", "date", "commas", "quotes"],
)
def test_cells_without_an_end_take_no_time_and_fill_no_message(tmp_path: Path, text: str) -> None:
    # 300 000 brackets in a header took minutes once, and stood whole in the message
    path = tmp_path / "data.csv"
    path.write_text(text, encoding="utf-8")
    for name in ("kWh", "nothing"):
        try:
            reading = read_interval_file(
                path, FileSpec("m", ((name, "energy_interval_kwh", None),), interval="1min")
            )
            assert all(len(row.reason) < 500 for row in reading.refused)
        except DodacError as error:
            assert len(str(error)) < 6000  # noqa: PT017


@pytest.mark.parametrize("source", [ANALYSER, KEW, BILLS], ids=["analyser", "kew", "bills"])
def test_files_that_were_damaged_on_the_way_lose_no_line_silently(tmp_path: Path, source: str) -> None:
    rng = random.Random(20261122)
    name = "INPS0001.KEW" if source is KEW else "data.csv"
    for _ in range(250):
        data = bytearray(source.encode(rng.choice(["utf-8", "utf-8-sig", "utf-16", "utf-8"])))
        for _ in range(rng.randint(1, 6)):
            place = rng.randrange(len(data))
            match rng.randrange(5):
                case 0:
                    data[place] = rng.randrange(1, 256)
                case 1:
                    del data[place : place + rng.randint(1, 30)]
                case 2:
                    data[place:place] = data[place : place + rng.randint(1, 60)]
                case 3:
                    data[place:place] = rng.choice([b";", b",", b'"', b"\n", b"\r\n", b";;", b"9" * 20, b"-"])
                case _:
                    del data[place:]
            if not data:
                break
        try_all(tmp_path / name, bytes(data))
