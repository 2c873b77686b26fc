"""TJF documents: both schemas, the label trap, invalid values, units, times, errors and noise."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodac.clock import SECOND_NS, parse_time_ns
from dodac.samples import Reason
from drivers.protocols.received import Refused
from drivers.protocols.tjf import parse_tjf

STAMP = "2026-03-04T09:15:30"


def channel(
    name: str, value: object, unit: str = "%", *, xmlid: str = "", unit_id: str = "", **more: Any
) -> dict[str, Any]:
    """One TJF channel of ours with one value."""
    kind = {"name": name, **({"xmlid": xmlid} if xmlid else {})}
    entry = {"value": value, "timeStamp": STAMP, "description": "1", **more}
    return {
        "type": kind,
        "unit": {"name": unit, **({"xmlid": unit_id} if unit_id else {})},
        "values": [entry],
    }


def tjf(*channels: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"channels": list(channels), "timeStamp": STAMP, **more}).encode()


def values(data: bytes, zone: str = "UTC") -> dict[str, float]:
    (moment,) = parse_tjf(data, zone).moments
    return dict(moment.values)


def reasons(data: bytes) -> dict[str, Reason]:
    (moment,) = parse_tjf(data).moments
    return {flag.channel: flag.reason for flag in moment.flags}


def test_the_old_schema_with_bom_and_german_labels_gives_flue_gas_as_flue_gas() -> None:
    rows = [
        channel("AT", 182.4, "°C", timeStamp=1772615730.25),
        channel("VT", 31.5, "°C", timeStamp=1772615730.25),
        channel("Zug", -4.5, "Pa", timeStamp=1772615730.251),
        channel("O2", 6.25, timeStamp=1772615730.251),
    ]
    data = b"\xef\xbb\xbf" + tjf(
        *rows,
        timeStamp=1772615800123,
        device={"name": "t330-2", "serial": "3055501"},
        properties=[{"name": "Fuel", "description": "Erdgas\0", "values": []}],
    )
    reading = parse_tjf(data)
    (moment,) = reading.moments
    assert moment.values == {"t_flue_c": 182.4, "t_air_c": 31.5, "draught_pa": -4.5, "o2_pct": 6.25}
    assert moment.time_ns == round(1772615730.25 * 1000) * 1_000_000
    assert reading.facts["fuel"] == "Erdgas"
    assert reading.facts["serial_number"] == "3055501"


def test_english_at_is_the_air_and_never_the_flue_gas() -> None:
    data = tjf(channel("FT", 182.4, "°C"), channel("AT", 31.5, "°C"))
    assert values(data) == {"t_flue_c": 182.4, "t_air_c": 31.5}


def test_at_of_unknown_language_is_refused_and_says_why() -> None:
    data = tjf(channel("AT", 31.5, "°C"), channel("O2", 6.25))
    assert reasons(data) == {"t_flue_c": Reason.DECODE, "t_air_c": Reason.DECODE}
    (other,) = parse_tjf(data).others
    assert "nothing tells which" in other.why
    both = tjf(channel("AT", 31.5, "°C"), channel("VT", 30, "°C"), channel("Draught", 1, "Pa"))
    assert reasons(both)["t_flue_c"] == Reason.DECODE


@pytest.mark.parametrize(
    ("schema", "flue", "air"),
    [
        ("1.0.5", None, 31.5),
        ("2.0", None, 31.5),
        ("1.0.0", None, None),
        ("new", None, None),
        ("1.0." + "9" * 5000, None, None),
    ],
)
def test_names_of_a_newer_schema_are_never_translated(
    schema: str, flue: float | None, air: float | None
) -> None:
    data = tjf(channel("AT", 31.5, "°C"), channel("O2", 6.25), schemaVersion=schema)
    (moment,) = parse_tjf(data).moments
    assert (moment.values.get("t_flue_c"), moment.values.get("t_air_c")) == (flue, air)
    # a label that only German has tells more than the version
    german = tjf(channel("AT", 182.4, "°C"), channel("VT", 31.5, "°C"), schemaVersion=schema)
    assert values(german) == {"t_flue_c": 182.4, "t_air_c": 31.5}


def test_the_xmlid_decides_against_the_label() -> None:
    data = tjf(
        channel("AT", 31.5, "°C", xmlid="T_Air", unit_id="UNIT_DEG_C"),
        channel("VT", 182.4, "°C", xmlid="T_Flue", unit_id="UNIT_DEG_C"),
    )
    assert values(data) == {"t_air_c": 31.5, "t_flue_c": 182.4}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (4294967295, "----"),
        (4294967295, "12,5"),
        (-4294967295, "1"),
        (4294967296.0, ""),
        (4.59e-41, "----"),
        (3.5, "--,-"),
    ],
)
def test_an_invalid_value_never_becomes_a_reading(value: float, shown: str) -> None:
    data = tjf(channel("O2", value, description=shown), channel("CO", 12, "ppm"))
    assert reasons(data) == {"o2_pct": Reason.SENTINEL}


@pytest.mark.parametrize("value", [True, float("nan"), float("inf"), None, [], "6"])
def test_what_is_no_number_is_no_reading(value: object) -> None:
    assert reasons(tjf(channel("O2", value), channel("CO", 12, "ppm"))) == {"o2_pct": Reason.DECODE}


def test_one_value_and_one_invalid_of_the_same_gas_are_a_contradiction() -> None:
    data = tjf(channel("O2", 6.25), channel("O2", 4294967295, description="----"))
    assert reasons(data) == {"o2_pct": Reason.CONFLICT}
    near = tjf(channel("O2", 6.25), channel("O2", 6.3))
    assert reasons(near) == {"o2_pct": Reason.CONFLICT}


def test_an_id_that_is_not_known_is_never_taken_by_its_label() -> None:
    data = tjf(channel("CO", 900, "ppm", xmlid="CO_Ref"), channel("O2", 3))
    assert values(data) == {"o2_pct": 3}
    assert parse_tjf(data).others[0].why == 'the id "CO_Ref" is not known'
    german = tjf(channel("AT", 180, "°C", xmlid="T_New"), channel("VT", 30, "°C"))
    assert reasons(german)["t_flue_c"] == Reason.DECODE
    mixed = tjf(channel("VT", 30, "°C", xmlid="T_Air"), channel("AT", 31, "°C"), channel("O2", 3))
    assert reasons(mixed)["t_flue_c"] == Reason.DECODE


def test_the_number_is_taken_and_not_its_localised_text() -> None:
    assert values(tjf(channel("O2", 24.399999618530273, description="1.234,4"))) == {
        "o2_pct": 24.399999618530273
    }
    assert reasons(tjf(channel("O2", "6,25"), channel("CO", 12, "ppm"))) == {"o2_pct": Reason.DECODE}


def test_units_convert_by_id_and_by_name_and_a_contradiction_is_refused() -> None:
    assert values(tjf(channel("Zug", -0.05, "mbar"))) == pytest.approx({"draught_pa": -5.0})
    by_id = tjf(channel("Draught", -0.05, "", xmlid="P_Draft", unit_id="UNIT_MBAR"))
    assert values(by_id) == pytest.approx({"draught_pa": -5.0})
    assert values(tjf(channel("CO", 0.25, "%"))) == pytest.approx({"co_ppm": 2500})
    against = tjf(channel("Draught", -5, "mbar", xmlid="P_Draft", unit_id="UNIT_PA"), channel("O2", 3))
    assert reasons(against) == {"draught_pa": Reason.DECODE}
    assert reasons(tjf(channel("FT", 30, "furlong"), channel("O2", 3))) == {"t_flue_c": Reason.DECODE}


def test_milligrams_are_no_ppm_and_do_not_spoil_the_ppm_beside_them() -> None:
    mass = channel("CO", 264, "mg/m³", xmlid="CO_Dil", unit_id="UNIT_MG_M3")
    ppm = channel("CO", 211, "ppm", xmlid="CO_Dil", unit_id="UNIT_PPM")
    assert values(tjf(mass, ppm)) == {"co_ppm": 211}
    assert reasons(tjf(mass, channel("O2", 3))) == {"co_ppm": Reason.DECODE}
    again = channel("CO", 290, "ppm", xmlid="CO_Dil", unit_id="UNIT_PPM")
    assert reasons(tjf(ppm, again, channel("O2", 3))) == {"co_ppm": Reason.CONFLICT}


def test_undiluted_co_is_never_taken_for_co() -> None:
    data = tjf(channel("uCO", 284, "ppm", xmlid="CO_Norm"), channel("O2", 3))
    assert values(data) == {"o2_pct": 3}
    assert any("undiluted" in other.why for other in parse_tjf(data).others)


@pytest.mark.parametrize(
    ("name", "xmlid", "value", "words"),
    [
        ("η +", "", 106.1, "efficiency"),
        ("Effg", "Effg", 91.2, "efficiency"),
        ("qA +", "", -6.1, "flue gas loss"),
        ("qAnet", "QAnet", 8.1, "flue gas loss"),
        ("λ", "", 3.75, "excess air"),
        ("uCO", "", 284, "undiluted CO"),
        ("ATP", "", 24.4, "dew point"),
    ],
)
def test_what_an_analyser_computes_is_named_and_never_a_reading(
    name: str, xmlid: str, value: float, words: str
) -> None:
    data = tjf(channel(name, value, xmlid=xmlid), channel("O2", 3))
    assert values(data) == {"o2_pct": 3}
    (other,) = parse_tjf(data).others
    assert words in other.why
    assert "computed" in other.why


@pytest.mark.parametrize(
    ("flue", "air", "draught"),
    [
        ("TF", "TA", "Tir."),
        ("TH", "TA", "Tiro"),
        ("TF", "TA", "Tirag."),
        ("Tr", "Tv", "Trek"),
        ("TS", "TV", "tah"),
    ],
)
def test_labels_of_further_languages_are_read(flue: str, air: str, draught: str) -> None:
    data = tjf(channel(flue, 182.4, "°C"), channel(air, 31.5, "°C"), channel(draught, -4, "Pa"))
    assert values(data) == {"t_flue_c": 182.4, "t_air_c": 31.5, "draught_pa": -4}


def test_a_dilution_is_told_and_nox_is_not_taken_for_no() -> None:
    extra = [{"name": "dilutionFactor", "value": 1.5}, {"name": "noxflag", "value": False}]
    assert parse_tjf(tjf(channel("CO", 90, "ppm", additionalData=extra))).dilution == {"co_ppm": 1.5}
    less = [{"name": "dilutionFactor", "value": 0.5}]
    assert parse_tjf(tjf(channel("CO", 90, "ppm", additionalData=less))).dilution == {"co_ppm": 0.5}
    nox = [{"name": "noxflag", "value": True}]
    assert reasons(tjf(channel("NO", 90, "ppm", additionalData=nox), channel("O2", 3))) == {
        "no_ppm": Reason.DECODE
    }


def test_a_value_nobody_can_believe_is_out_of_range() -> None:
    assert reasons(tjf(channel("O2", 133.1), channel("CO", 1, "ppm"))) == {"o2_pct": Reason.OUT_OF_RANGE}


def test_times_of_every_form_are_the_same_moment() -> None:
    wanted = parse_time_ns("2026-03-04T09:15:30+07:00", "UTC")
    unix = wanted // SECOND_NS
    for stamp in (STAMP, "2026-03-04T02:15:30Z", unix, unix * 1000, f"{unix}"):
        data = tjf(channel("O2", 3, timeStamp=stamp), timeStamp=None)
        assert parse_tjf(data, "Asia/Ho_Chi_Minh").moments[0].time_ns == wanted, stamp


def test_a_clock_that_counts_from_1970_is_not_believed() -> None:
    (of_set,) = parse_tjf(tjf(channel("O2", 3, timeStamp="1970-01-18T10:10:38"))).moments
    assert of_set.time_ns == parse_time_ns(STAMP, "UTC")
    (none,) = parse_tjf(tjf(channel("O2", 3, timeStamp="1970-01-18T10:10:38"), timeStamp="soon")).moments
    assert none.time_ns is None
    assert "1970-01-18" in none.time_fault


def test_a_series_gives_every_moment_once_and_in_order() -> None:
    row = channel("O2", 3)
    row["values"] = [{"value": 3 + n, "timeStamp": 1772615730 + 5 * n} for n in (2, 0, 1)]
    moments = parse_tjf(tjf(row)).moments
    assert [dict(moment.values)["o2_pct"] for moment in moments] == [3, 4, 5]


def test_an_error_of_the_instrument_is_told_in_words() -> None:
    data = json.dumps({"errors": [{"errorcode": 1, "name": "TjfError_NoMeasurementDeviceConnected"}]})
    with pytest.raises(Refused, match="no measuring instrument is connected") as caught:
        parse_tjf(data.encode())
    assert caught.value.reason == Reason.EXCEPTION


def test_facts_of_fuel_and_device_are_kept() -> None:
    fuel = {
        "name": "Fuel",
        "id": 100,
        "description": "Heizöl EL",
        "values": [{"name": "O₂-Bezug", "value": 3}, {"id": "CO2Max", "value": 15.4}],
    }
    device = {"name": "t300", "serial": 107, "firmwareVersion": "1.06"}
    facts = parse_tjf(tjf(channel("O2", 3), device=device, properties=[fuel])).facts
    assert facts == {
        "model": "t300",
        "serial_number": "107",
        "firmware": "1.06",
        "fuel": "Heizöl EL",
        "fuel_id": "100",
        "o2_reference_pct": "3",
        "co2_max_pct": "15.4",
    }


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe{",
        b"[]",
        b"null",
        b"{}",
        b'{"channels": 3}',
        b'{"channels": []}',
        b'{"channels": [3, {"type": []}]}',
        b'{"errors": 7}',
        b"[" * 100_000,
        b'{"channels": [{"type": {"name": "\xc3\x98 abs."}, "values": [{"value": 1}]}]}',
        b" " * 8_000_001,
    ],
)
def test_what_is_no_tjf_is_refused_with_words(data: bytes) -> None:
    with pytest.raises(Refused) as caught:
        parse_tjf(data)
    assert len(caught.value.text) > 10


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["channels", "type", "unit", "values", "name", "xmlid", "value", "timeStamp", "device"]
            )
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=40,
)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(JSON, st.sampled_from(["O2", "AT", "FT", "Zug", "CO"]))
def test_no_json_breaks_it(odd: Any, name: str) -> None:
    whole = {
        "channels": [
            {
                "type": {"name": name, "xmlid": odd},
                "unit": {"name": odd},
                "values": [{"value": odd, "timeStamp": odd, "description": odd, "additionalData": odd}],
            },
            {"type": odd, "unit": odd, "values": odd},
        ],
        "properties": odd,
        "device": odd,
        "timeStamp": odd,
    }
    for document in (odd, whole):
        try:
            reading = parse_tjf(json.dumps(document).encode())
        except Refused:
            continue
        for moment in reading.moments:
            assert not {flag.channel for flag in moment.flags} & set(moment.values)
            assert all(abs(value) < 1e6 for value in moment.values.values())


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.binary(max_size=300))
def test_no_bytes_break_it(data: bytes) -> None:
    with pytest.raises(Refused):
        parse_tjf(data)
