"""Metering chains, water meters, analysers: limits by class where they hold, and words where they don't."""

from __future__ import annotations

import math
from datetime import date

import pytest

from analysis.metrology import (
    Accuracy,
    Certificate,
    Chain,
    ClampOnMeter,
    ElectricityMeter,
    FlowPoint,
    Instrument,
    LoadPoint,
    MagneticMeter,
    Transformer,
    WaterMeter,
    accuracy,
    flow_meter,
    flue_loss_limit_pct,
    instrument_parts,
    meter_chain,
    pulse_quantisation,
)
from analysis.metrology.chain import class_word
from analysis.results import Refusal
from dodac.errors import ConfigError

FULL = [LoadPoint(1.0, 1.0)]


def chain(found: Chain | Refusal) -> Chain:
    assert isinstance(found, Chain), found
    return found


def codes(found: Chain) -> set[str]:
    return {note.code for note in found.findings}


@pytest.mark.parametrize(
    ("meter", "ct", "wanted"),
    [
        (ElectricityMeter("m", "1"), None, 1.15),
        (ElectricityMeter("m", "0.5S", "ct"), Transformer("t", "0.5"), 0.82),
        (ElectricityMeter("m", "1", "ct"), Transformer("t", "1"), 1.63),
    ],
)
def test_the_full_load_examples_of_meters_md(
    meter: ElectricityMeter, ct: Transformer | None, wanted: float
) -> None:
    """k = 2, power factor 1: direct class 1 1.15 %, CT 0.5 + 0.5S 0.82 %, CT 1 + class 1 1.63 %."""
    assert chain(meter_chain(meter, ct=ct, profile=FULL)).expanded_pct() == pytest.approx(wanted, abs=0.005)


@pytest.mark.parametrize(
    ("accuracy_class", "load", "pf", "wanted_pct"),
    [("0.5", 1.0, 0.8, 0.65), ("0.5", 0.05, 0.8, 1.96), ("0.5", 1.0, 0.5, 1.5), ("0.5", 0.05, 0.5, 4.5), ("1", 0.2, 0.5, 4.5)],
)  # fmt: skip
def test_the_phase_error_of_a_transformer_grows_with_tan_phi(
    accuracy_class: str, load: float, pf: float, wanted_pct: float
) -> None:
    """meters.md §5.3: class 0.5 at PF 0.8 0.65 % (full load), 1.96 % (5 %); at PF 0.5 1.5 and 4.5 %."""
    found = chain(
        meter_chain(
            ElectricityMeter("m", "C", "ct"),
            ct=Transformer("t", accuracy_class),
            profile=[LoadPoint(load, pf)],
        )
    )
    phase = next(line for line in found.lines if line.source == "t/phase")
    assert 100.0 * phase.standard * math.sqrt(3.0) == pytest.approx(wanted_pct, rel=0.01)


def test_a_split_core_of_class_3_gets_two_degrees_and_a_word_about_it() -> None:
    found = chain(
        meter_chain(
            ElectricityMeter("m", "1", "ct"), ct=Transformer("clamp", "3"), profile=[LoadPoint(0.8, 0.8)]
        )
    )
    phase = next(line for line in found.lines if line.source == "clamp/phase")
    assert 100.0 * phase.standard * math.sqrt(3.0) == pytest.approx(2.6, abs=0.03)
    assert "phase_assumed" in codes(found)
    stated = chain(
        meter_chain(
            ElectricityMeter("m", "1", "ct"),
            ct=Transformer("clamp", "3", phase_min=60),
            profile=[LoadPoint(0.8, 0.8)],
        )
    )
    assert "phase_assumed" not in codes(stated)
    assert stated.relative_standard < found.relative_standard


def test_an_oversized_transformer_is_seen_in_the_figure_and_then_refused() -> None:
    meter, ct = ElectricityMeter("m", "1", "ct"), Transformer("t", "1")
    wide = chain(meter_chain(meter, ct=ct, profile=[LoadPoint(0.2, 1.0)]))
    full = chain(meter_chain(meter, ct=ct, profile=FULL))
    assert wide.relative_standard > full.relative_standard
    part = chain(meter_chain(meter, ct=ct, profile=[LoadPoint(1.0, 1.0, 0.95), LoadPoint(0.03, 1.0, 0.05)]))
    assert "without_guarantee" in codes(part)
    assert part.relative_standard > 0.05 / math.sqrt(3.0)
    lost = meter_chain(meter, ct=ct, profile=[LoadPoint(0.03, 1.0)])
    assert isinstance(lost, Refusal)
    assert lost.code == "without_guarantee"


def test_energy_at_a_poor_power_factor_has_no_guarantee() -> None:
    lost = meter_chain(ElectricityMeter("m", "1"), profile=[LoadPoint(1.0, 0.3)])
    assert isinstance(lost, Refusal)


def test_the_burden_decides_whether_the_class_holds() -> None:
    meter = ElectricityMeter("m", "1", "ct")
    assert "burden_unknown" in codes(chain(meter_chain(meter, ct=Transformer("t", "1"), profile=FULL)))
    assert "burden_unknown" not in codes(
        chain(meter_chain(meter, ct=Transformer("t", "1", burden=0.5), profile=FULL))
    )
    light = meter_chain(meter, ct=Transformer("t", "1", burden=0.1), profile=FULL)
    assert isinstance(light, Refusal)
    assert light.code == "burden_outside_class"


@pytest.mark.parametrize(
    ("word", "load", "ambient", "wanted"),
    [("A", 1.0, 23, 3.5), ("B", 1.0, 23, 2.0), ("C", 1.0, 23, 0.7), ("C", 0.03, 23, 1.0), ("B", 1.0, 38, 2.5), ("C", 1.0, 38, 1.0), ("C", 0.03, 38, 1.3)],
)  # fmt: skip
def test_the_letters_of_mid_depend_on_load_and_heat(
    word: str, load: float, ambient: float, wanted: float
) -> None:
    """Directive 2014/32/EU, annex V, table 2: 5…30 °C and 30…40 °C; transformers: Itr = 0.05 In."""
    found = meter_chain(
        ElectricityMeter("m", word, "ct"),
        ct=Transformer("t", "0.2S"),
        profile=[LoadPoint(load, 0.8)],
        ambient_c=ambient,
    )
    line = next(line for line in chain(found).lines if line.source == "m/class")
    assert 100.0 * line.standard * math.sqrt(3.0) == pytest.approx(wanted)


def test_a_voltage_transformer_adds_ratio_and_phase() -> None:
    found = chain(
        meter_chain(
            ElectricityMeter("m", "0.5S", "ct"),
            ct=Transformer("ct", "0.5S", burden=0.5),
            vt=Transformer("vt", "0.5", burden=0.5),
            profile=[LoadPoint(1.0, 0.8)],
        )
    )
    limits = {line.source: 100.0 * line.standard * math.sqrt(3.0) for line in found.lines}
    assert limits["vt/ratio"] == pytest.approx(0.5)
    assert limits["vt/phase"] == pytest.approx(20 * 0.0290888 * 0.75, rel=1e-4)
    # second way: root of the squares by hand
    assert found.relative_standard == pytest.approx(
        math.sqrt(sum(value**2 for value in limits.values()) / 3.0) / 100.0
    )


def test_a_portable_logger_has_the_limits_of_its_data_sheet() -> None:
    """±0.3 % of reading ±0.1 % of full scale, clamp ±0.3 % and ±0.02 % with 1° (60'), at half load and PF 0.8."""
    logger = ElectricityMeter("log", connection="ct", reading_pct=0.3, full_scale_pct=0.1)
    clamp = Transformer("clamp", reading_pct=0.3, full_scale_pct=0.02, phase_min=60)
    found = chain(meter_chain(logger, ct=clamp, profile=[LoadPoint(0.5, 0.8)]))
    limits = (0.3 + 0.2, 0.3 + 0.04, 60 * 0.0290888 * 0.75)
    assert 100.0 * found.relative_standard == pytest.approx(
        math.sqrt(sum(x**2 for x in limits) / 3.0), rel=1e-5
    )
    silent = chain(
        meter_chain(logger, ct=Transformer("clamp", reading_pct=0.3), profile=[LoadPoint(0.5, 0.8)])
    )
    assert "phase_assumed" in codes(silent)
    assert isinstance(meter_chain(logger, ct=clamp, profile=[LoadPoint(0.0, 1.0)]), Refusal)


def test_a_panel_meter_of_class_05_is_known() -> None:
    found = chain(meter_chain(ElectricityMeter("p", "0.5", "ct"), ct=Transformer("t", "0.5"), profile=FULL))
    assert found.expanded_pct() == pytest.approx(0.82, abs=0.005)
    assert "remembered" in codes(found)


def test_reactive_energy_has_classes_and_phase_of_its_own() -> None:
    found = chain(
        meter_chain(
            ElectricityMeter("m", "2", "ct", "reactive"),
            ct=Transformer("t", "0.5", burden=0.5),
            profile=[LoadPoint(1.0, 0.8)],
        )
    )
    limits = {line.source: 100.0 * line.standard * math.sqrt(3.0) for line in found.lines}
    assert limits["m/class"] == pytest.approx(2.0)
    assert limits["t/phase"] == pytest.approx(30 * 0.0290888 / 0.75, rel=1e-4)


def test_a_certificate_overrides_the_class_until_it_runs_out() -> None:
    paper = Certificate("K-17", date(2025, 1, 10), date(2026, 1, 10), expanded_pct=0.2)
    meter = ElectricityMeter("m", "1", certificate=paper)
    good = chain(meter_chain(meter, profile=FULL, day=date(2025, 6, 1)))
    assert good.expanded_pct() == pytest.approx(0.2)
    late = chain(meter_chain(meter, profile=FULL, day=date(2026, 6, 1)))
    assert late.expanded_pct() == pytest.approx(1.155, abs=0.001)
    assert "calibration_expired" in codes(late)
    assert "calibration_undated" in codes(chain(meter_chain(meter, profile=FULL)))
    bare = meter_chain(ElectricityMeter("m", certificate=paper), profile=FULL, day=date(2026, 6, 1))
    assert isinstance(bare, Refusal)
    assert bare.code == "no_accuracy_class"
    off = Certificate("K-18", date(2025, 1, 10), date(2026, 1, 10), expanded_pct=0.2, error_pct=-0.8)
    found = chain(meter_chain(ElectricityMeter("m", certificate=off), profile=FULL, day=date(2025, 6, 1)))
    assert found.relative_standard == pytest.approx(math.hypot(0.001, 0.008))
    assert "known_error" in codes(found)


def test_what_is_missing_or_unknown_is_refused_with_a_reason() -> None:
    missing = meter_chain(ElectricityMeter("m"), profile=FULL)
    assert isinstance(missing, Refusal)
    assert missing.code == "no_accuracy_class"
    odd = meter_chain(ElectricityMeter("m", "7"), profile=FULL)
    assert isinstance(odd, Refusal)
    assert odd.code == "unknown_class"
    no_ct = meter_chain(ElectricityMeter("m", "1", "ct"), profile=FULL)
    assert isinstance(no_ct, Refusal)
    empty = meter_chain(ElectricityMeter("m", "1"), profile=[])
    assert isinstance(empty, Refusal)
    assert isinstance(
        meter_chain(ElectricityMeter("m", "1", "ct"), ct=Transformer("t"), profile=FULL), Refusal
    )
    with pytest.raises(ConfigError):
        meter_chain(ElectricityMeter("m", "1"), ct=Transformer("t", "1"), profile=FULL)
    with pytest.raises(ConfigError):
        meter_chain(ElectricityMeter("m", "1"), profile=[LoadPoint(math.nan, 1.0)])
    with pytest.raises(ConfigError):
        meter_chain(ElectricityMeter("m", "1"), profile=[LoadPoint(1.0, 1.2)])


@pytest.mark.parametrize(
    ("text", "word"), [("Class 1.0", "1"), ("cl. 0,5 s", "0.5S"), ("b", "B"), ("1", "1")]
)
def test_a_class_is_read_as_plates_print_it(text: str, word: str) -> None:
    assert class_word(text) == word


def test_the_same_meter_on_both_sides_is_one_source_and_an_exchanged_one_two() -> None:
    one = chain(meter_chain(ElectricityMeter("m", "1"), profile=FULL))
    other = chain(meter_chain(ElectricityMeter("n", "1"), profile=FULL))
    same = instrument_parts(one, one)
    assert [(part.source, part.baseline == part.reporting) for part in same] == [("m/class", True)]
    two = {part.source: (part.baseline > 0, part.reporting > 0) for part in instrument_parts(one, other)}
    assert two == {"m/class": (True, False), "n/class": (False, True)}


@pytest.mark.parametrize(
    ("flow", "water_c", "accuracy_class", "limit"),
    [(0.025, 20, "2", 5.0), (0.039, 20, "2", 5.0), (0.04, 20, "2", 2.0), (3.125, 20, "2", 2.0), (1.0, 60, "2", 3.0), (0.03, 20, "1", 3.0), (1.0, 20, "1", 1.0), (1.0, 60, "1", 2.0)],
)  # fmt: skip
def test_a_water_meter_has_its_limits_by_flow(
    flow: float, water_c: float, accuracy_class: str, limit: float
) -> None:
    """ISO 4064-1: Q3 2.5 m³/h, R 100 → Q1 0.025, Q2 0.04, Q4 3.125 m³/h."""
    found = chain(flow_meter(WaterMeter("w", accuracy_class, 2.5, 100, water_c), [FlowPoint(flow)]))
    assert 100.0 * found.relative_standard * math.sqrt(3.0) == pytest.approx(limit)


def test_a_leak_below_q1_is_named_and_not_given_a_class() -> None:
    meter = WaterMeter("w", "2", 2.5, 100)
    part = chain(flow_meter(meter, [FlowPoint(1.0, 0.9), FlowPoint(0.01, 0.1)]))
    assert "without_guarantee" in codes(part)
    lost = flow_meter(meter, [FlowPoint(0.01)])
    assert isinstance(lost, Refusal)
    assert isinstance(flow_meter(meter, [FlowPoint(4.0)]), Refusal)
    assert isinstance(flow_meter(WaterMeter("w"), [FlowPoint(1.0)]), Refusal)
    with pytest.raises(ConfigError):
        flow_meter(WaterMeter("w", "2"), [FlowPoint(1.0)])
    worn = chain(flow_meter(WaterMeter("w", "2", 2.5, 100, in_service=True), [FlowPoint(1.0)]))
    assert 100.0 * worn.relative_standard * math.sqrt(3.0) == pytest.approx(4.0)
    assert "remembered" in codes(worn)


def test_a_clamp_on_pays_for_its_pipe() -> None:
    good = chain(flow_meter(ClampOnMeter("u", 12, 6, 100.0, 1.0), [FlowPoint(20.0)]))
    short = chain(flow_meter(ClampOnMeter("u", 4, 2, 100.0, 1.0), [FlowPoint(20.0)]))
    # 2 % reading, 1 % installation, 2 × 1 % diameter, all rectangular
    assert good.relative_standard == pytest.approx(math.sqrt((2**2 + 1**2 + 2**2) / 3.0) / 100.0)
    assert short.relative_standard > good.relative_standard
    with pytest.raises(ConfigError):
        flow_meter(ClampOnMeter("u", 12, 6, 0.0, 1.0), [FlowPoint(20.0)])


def test_a_magnetic_meter_is_worse_when_water_creeps() -> None:
    meter = MagneticMeter("mag", 100.0)
    fast = chain(flow_meter(meter, [FlowPoint(28.2743)]))  # 1 m/s
    slow = chain(flow_meter(meter, [FlowPoint(0.282743)]))  # 0.01 m/s
    assert fast.relative_standard == pytest.approx(math.hypot(0.5, 0.2) / 100.0 / math.sqrt(3.0), rel=1e-4)
    assert slow.relative_standard == pytest.approx(math.hypot(0.5, 20.0) / 100.0 / math.sqrt(3.0), rel=1e-4)
    assert isinstance(flow_meter(meter, [FlowPoint(0.0)]), Refusal)


def test_a_pulse_counts_by_the_root_of_six() -> None:
    assert pulse_quantisation("w", 0.1).standard == pytest.approx(0.1 / math.sqrt(6.0))


def test_limits_of_analysers_are_those_of_their_profile() -> None:
    metas = accuracy("metas-2004", "co_ppm")
    assert isinstance(metas, Accuracy)
    assert metas.limit(50.0) == 12.0
    assert metas.limit(1000.0) == 100.0
    probe = accuracy("pt100-b", "t_flue_c")
    assert isinstance(probe, Accuracy)
    assert probe.limit(200.0) == pytest.approx(1.3)
    wire = accuracy("type-k-2", "t_flue_c")
    assert isinstance(wire, Accuracy)
    assert wire.limit(200.0) == 2.5
    assert wire.limit(600.0) == pytest.approx(4.5)
    assert isinstance(accuracy("metas-2004", "t_flue_c"), Refusal)
    assert [flue_loss_limit_pct(o2) for o2 in (5.0, 13.0, 14.0, 16.0, 18.0)] == [0.5, 0.5, 1.0, 1.0, 2.0]
    with pytest.raises(ConfigError):
        accuracy("nobody", "o2_pct")


def test_an_analyser_without_class_or_paper_is_refused() -> None:
    found = Instrument("A1", "o2_pct").lines(5.0)
    assert isinstance(found, Refusal)
    paper = Certificate("C", date(2025, 1, 1), date(2026, 1, 1), expanded=0.1)
    lines = Instrument("A1", "o2_pct", certificate=paper, drift=0.1).lines(
        5.0, day=date(2025, 3, 1), side="before"
    )
    assert not isinstance(lines, Refusal)
    assert [round(line.standard, 4) for line in lines[0]] == [0.05, 0.0577]


def test_no_class_of_the_tables_is_without_limits() -> None:
    """Every class at full load and unity gives a figure: a broken row would show here."""
    from analysis._tables import table

    for row in table("accuracy_electricity"):
        if row["quantity"] != "active":
            continue
        connection = "ct" if row["connection"] == "any" else row["connection"]
        ct = Transformer("t", "0.2S") if connection == "ct" else None
        assert isinstance(
            meter_chain(ElectricityMeter("m", str(row["class"]), connection), ct=ct, profile=FULL), Chain
        )
    for row in table("accuracy_transformers"):
        device = Transformer("t", str(row["class"]), burden=0.8)
        extra = (
            {"ct": Transformer("c", "1", burden=0.8), "vt": device} if row["kind"] == "vt" else {"ct": device}
        )
        assert isinstance(
            meter_chain(ElectricityMeter("m", "1", "ct"), profile=[LoadPoint(1.0, 0.9)], **extra), Chain
        )


def test_what_only_memory_knows_of_a_read_class_shows_in_the_result() -> None:
    """MID's limits were read, its least current was not: said where that decides, silent where it does not."""
    meter = ElectricityMeter("m", "B")
    assert "remembered" not in codes(chain(meter_chain(meter, profile=[LoadPoint(0.1, 1.0)])))
    low = chain(meter_chain(meter, profile=[LoadPoint(1.0, 1.0, 0.9), LoadPoint(0.06, 1.0, 0.1)]))
    assert "remembered" in codes(low)
    assert low.lines[0].checked == "remembered"
    below = chain(meter_chain(meter, profile=[LoadPoint(1.0, 1.0, 0.9), LoadPoint(0.04, 1.0, 0.1)]))
    assert {"remembered", "without_guarantee"} <= codes(below)


def test_an_assumed_phase_error_is_no_figure_of_the_standard() -> None:
    """Class 3: the ratio is the standard's, the 2° are ours; so in the budget of a clamp by data sheet."""
    meter, point = ElectricityMeter("m", "C", "ct"), [LoadPoint(0.8, 0.8)]
    for clamp in (Transformer("k", "3", burden=0.8), Transformer("k", reading_pct=1.0)):
        found = chain(meter_chain(meter, ct=clamp, profile=point))
        by = {line.source: line for line in found.lines}
        assert by["k/phase"].checked == "agreed"
        assert "agreed in dodac" in by["k/phase"].reference
        assert all(line.checked == "read" for name, line in by.items() if name != "k/phase")
    stated = chain(meter_chain(meter, ct=Transformer("k", "3", phase_min=30), profile=point))
    assert {line.source: line for line in stated.lines}["k/phase"].checked == "read"
