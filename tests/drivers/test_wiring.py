"""A meter that is wired wrong is not trusted, and a healthy one is not suspected."""

from __future__ import annotations

import cmath
import math
import string
import struct

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from drivers._wiring_words import LABELS, TEXTS, label, sentence, sign
from drivers.simulator.electric import Load, Wiring, readings, totals, wiring_fault
from drivers.wiring import Check, Known, Moment, Status, diagnose

_ANGLE = st.floats(0.0, 72.5)  # power factor 1 to 0.3, as motors and lamps have it
_AMPS = st.floats(5.0, 100.0)
_VOLTS = st.floats(225.0, 235.0)
_THREE = st.tuples(_AMPS, _AMPS, _AMPS)


def moments(load: Load, wired: Wiring, *without: str, seconds: float = 4.0) -> list[Moment]:
    found = []
    for number in range(3):
        at = seconds * number / 2
        shown = readings(load, wired) | totals(readings(load, wired), at)
        found.append(Moment(at, {k: v for k, v in shown.items() if not k.startswith(tuple(without) or "-")}))
    return found


def verdict(checks: list[Check], name: str = "direction") -> Check:
    return next(check for check in checks if check.name == name)


def wrong(checks: list[Check]) -> list[str]:
    return [check.text for check in checks if check.status is Status.FINDING]


def causes(check: Check) -> list[str]:
    return str(check.values["causes"]).split("|")


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    amps=_THREE,
    volts=st.tuples(_VOLTS, _VOLTS, _VOLTS),
    angles=st.tuples(_ANGLE, _ANGLE, _ANGLE),
    without=st.sampled_from([(), ("reactive",), ("reactive", "apparent", "power_factor")]),
)
def test_a_healthy_plant_is_never_said_to_be_wired_wrong(amps, volts, angles, without) -> None:
    checks = diagnose(moments(Load(volts, amps, angles), Wiring(), *without), Known())
    assert wrong(checks) == []
    assert verdict(checks).text == "direction_ok"


@settings(max_examples=200, deadline=None, derandomize=True)
@given(amps=st.floats(5, 100), angle=st.floats(-25, 78), uneven=st.floats(0.8, 1.2), seen=st.booleans())
def test_a_healthy_meter_with_two_transformers_is_not_suspected(amps, angle, uneven, seen) -> None:
    # below a power factor of 0.5 one of its two elements is negative, and that is right
    load = Load(current_a=(amps, amps, amps * uneven), angle_deg=(angle, angle, angle + 3))
    checks = diagnose(moments(load, Wiring(wires=3), *(() if seen else ("reactive",))), Known(wires=3))
    assert wrong(checks) == []


@settings(max_examples=200, deadline=None, derandomize=True)
@given(phase=st.integers(1, 3), amps=_THREE, angle=_ANGLE, seen=st.booleans())
def test_a_reversed_transformer_is_found_and_named(phase, amps, angle, seen) -> None:
    load = Load(current_a=amps, angle_deg=(angle, angle, angle))
    shown = moments(load, wiring_fault(f"ct_reversed:{phase}"), *(() if seen else ("reactive",)))
    found = verdict(diagnose(shown, Known()))
    assert (found.status, found.text) == (Status.FINDING, "mixed_signs")
    assert f"reversed {phase}" in causes(found)
    if seen:
        assert causes(found)[0] == f"reversed {phase}"


@settings(max_examples=200, deadline=None, derandomize=True)
@given(pair=st.sampled_from(["12", "13", "23"]), amps=_THREE, angle=_ANGLE)
def test_crossed_transformers_are_found_and_named(pair, amps, angle) -> None:
    load = Load(current_a=amps, angle_deg=(angle, angle, angle))
    found = verdict(diagnose(moments(load, wiring_fault(f"ct_crossed:{pair}")), Known()))
    assert found.status is Status.FINDING
    assert causes(found)[0] == f"crossed {pair[0]}-{pair[1]}"


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    pair=st.sampled_from(["12", "13", "23"]),
    phase=st.integers(1, 3),
    angles=st.tuples(_ANGLE, _ANGLE, _ANGLE),
    seen=st.booleans(),
    name=st.sampled_from(["ct_crossed", "ct_reversed"]),
)
# two crossed transformers whose second element shows no power were taken for a meter with two transformers
@example(pair="12", phase=1, angles=(30.0, 0.0, 0.0), seen=False, name="ct_crossed")
def test_uneven_loads_hide_no_wrong_transformer(pair, phase, angles, seen, name) -> None:
    fault = f"{name}:{pair if name == 'ct_crossed' else phase}"
    shown = moments(Load(angle_deg=angles), wiring_fault(fault), *(() if seen else ("reactive",)))
    assert wrong(diagnose(shown, Known(generation=False)))


def test_all_reversed_is_asked_for_and_then_told() -> None:
    shown = moments(Load(), wiring_fault("ct_all_reversed"))
    asked = verdict(diagnose(shown, Known()))
    assert (asked.status, asked.text) == (Status.OPEN, "all_negative")
    told = verdict(diagnose(shown, Known(generation=False)))
    assert (told.status, causes(told)[0]) == (Status.FINDING, "reversed 1+reversed 2+reversed 3")


def test_a_solar_plant_that_feeds_out_is_right_once_said() -> None:
    load = Load(angle_deg=(180.0, 178.0, -179.0))
    assert verdict(diagnose(moments(load, Wiring()), Known())).status is Status.OPEN
    assert wrong(diagnose(moments(load, Wiring()), Known(generation=True))) == []
    mixed = moments(Load(angle_deg=(180.0, 20.0, 20.0)), Wiring())
    assert verdict(diagnose(mixed, Known(generation=True))).text == "mixed_generation"


def test_rotated_transformers_are_never_called_right() -> None:
    for angle in (0.0, 20.0, 29.0):
        shown = moments(Load(angle_deg=(angle,) * 3), wiring_fault("ct_rotated"))
        found = verdict(diagnose(shown, Known(generation=False)))
        assert "rotated" in causes(found), angle
    # every phase leads: compensation could look the same, so it is asked
    twice = wiring_fault("ct_rotated", wiring_fault("ct_rotated"))
    found = verdict(diagnose(moments(Load(angle_deg=(60.0,) * 3), twice), Known()))
    assert (found.status, found.text) == (Status.OPEN, "all_leading")


@pytest.mark.parametrize(
    ("fault", "cause"),
    [("ct_reversed:1", "reversed 1"), ("ct_reversed:3", "reversed 3"), ("ct_crossed:13", "crossed 1-3")],
)
@pytest.mark.parametrize("angle", [0.0, 25.0, 50.0])
def test_faults_of_two_transformers_are_found(fault: str, cause: str, angle: float) -> None:
    wired = wiring_fault(fault, Wiring(wires=3))
    found = verdict(diagnose(moments(Load(angle_deg=(angle,) * 3), wired), Known(wires=3)))
    assert found.status is Status.FINDING
    assert cause in causes(found)


def test_two_transformers_read_as_four_wires_are_pointed_out() -> None:
    shown = moments(Load(), Wiring(wires=3), "reactive_power_l2", "power_factor_l2")
    assert verdict(diagnose(shown, Known())).text == "looks_like_two"


def test_a_load_too_small_says_so() -> None:
    found = diagnose(
        moments(Load(current_a=(6.0, 7.0, 5.0)), wiring_fault("ct_reversed:1")), Known(rated_a=400)
    )
    assert (verdict(found).status, verdict(found).text) == (Status.OPEN, "load_small")
    one = diagnose(moments(Load(), wiring_fault("ct_open:3")), Known())
    assert verdict(one, "current").values["phases"] == "L3"


def test_a_missing_voltage_is_found() -> None:
    found = verdict(diagnose(moments(Load(), wiring_fault("voltage_missing:2")), Known()), "voltage")
    assert (found.text, found.values["phases"]) == ("voltage_lost", "L2")
    low = diagnose(moments(Load(voltage_v=(231.0, 229.0, 198.0)), Wiring()), Known())
    assert wrong(low) == ["voltage_uneven"]


def test_a_ratio_applied_twice_or_not_at_all_is_told_by_the_clamp() -> None:
    shown = moments(Load(current_a=(2000.0,) * 3), Wiring())
    known = Known(rated_a=400, ratio=80.0, multiplied=True, secondary_side=True)
    assert wrong(diagnose(shown, known)) == ["scaled_twice_seen"]
    clamp = Known(rated_a=400, ratio=80.0, multiplied=True, secondary_side=True, clamp={1: 25.0})
    assert wrong(diagnose(shown, clamp)) == ["scaled_twice"]
    raw = moments(Load(current_a=(2.0,) * 3), Wiring())
    assert "not_scaled" in wrong(diagnose(raw, Known(ratio=80.0, clamp={1: 160.0})))
    assert verdict(diagnose(raw, Known(ratio=80.0, multiplied=True)), "ratio").status is Status.OPEN
    fine = Known(rated_a=400, ratio=80.0, multiplied=True, secondary_side=True, clamp={1: 155.0})
    assert wrong(diagnose(moments(Load(current_a=(160.0,) * 3), Wiring()), fine)) == []


def test_a_total_that_adds_sizes_is_found() -> None:
    shown = moments(Load(), wiring_fault("ct_reversed:1"))
    changed = [
        Moment(m.seconds, {**m.values, "power_w": sum(abs(m.values[f"power_l{n}_w"]) for n in (1, 2, 3))})
        for m in shown
    ]
    assert verdict(diagnose(changed, Known()), "sum").text == "sum_absolute"
    other = [Moment(m.seconds, {**m.values, "power_w": 2 * m.values["power_w"]}) for m in shown]
    assert verdict(diagnose(other, Known()), "sum").text == "sum_apart"


def test_a_counter_of_another_scale_is_found_when_there_is_time() -> None:
    load = Load(current_a=(100.0,) * 3)
    assert (
        verdict(diagnose(moments(load, Wiring()), Known(resolution_kwh=0.01)), "energy").text
        == "energy_small"
    )
    long = moments(load, Wiring(), seconds=60.0)
    assert verdict(diagnose(long, Known(resolution_kwh=0.01)), "energy").text == "energy_ok"
    odd = [
        Moment(m.seconds, {**m.values, "energy_import_kwh": m.values["energy_import_kwh"] * 10}) for m in long
    ]
    assert verdict(diagnose(odd, Known(resolution_kwh=0.01)), "energy").text == "energy_apart"


def test_a_large_counter_in_single_precision_is_not_suspected() -> None:
    def single(value: float) -> float:
        return float(struct.unpack("f", struct.pack("f", value))[0])

    load = Load(current_a=(400.0,) * 3)
    shown = [
        Moment(m.seconds, {**m.values, "energy_import_kwh": single(4_812_345.3 + 0.0725 * m.seconds)})
        for m in moments(load, Wiring(), seconds=6.0)
    ]
    assert wrong(diagnose(shown, Known(resolution_kwh=0.01))) == []


def test_every_outcome_has_words_in_both_languages() -> None:
    for vietnamese, english in TEXTS.values():
        fields = [{f for _, f, _, _ in string.Formatter().parse(text) if f} for text in (vietnamese, english)]
        assert fields[0] == fields[1]
        assert vietnamese != english or " " not in english.replace("{volts} V", "").replace("{hertz} Hz", "")
    for check in diagnose(moments(Load(), wiring_fault("ct_crossed:12")), Known(clamp={1: 10.0})):
        for language in ("vi", "en"):
            assert sentence(check, language)
            assert sign(check, language)
            assert label(check, language) in LABELS[check.name]


def test_a_ratio_typed_wrong_is_told_with_the_one_that_fits() -> None:
    # transformers of 400/5, and the site file says 200/5: half the amperes of the clamp
    known = Known(ratio=40, multiplied=True, secondary_side=True, clamp={1: 50.0})
    check = verdict(diagnose(moments(Load(), Wiring()), known), "ratio")
    assert (check.status, check.text) == (Status.FINDING, "ratio_apart")
    assert "80" in sentence(check, "en")
    assert "400/5" in sentence(check, "en")
    assert "400/5" in sentence(check, "vi")


def test_volts_of_a_voltage_transformer_are_not_passed_for_the_mains() -> None:
    low = Load(voltage_v=(63.5, 63.6, 63.4), current_a=(2.0, 2.0, 2.0))
    check = verdict(diagnose(moments(low, Wiring()), Known()), "voltage")
    assert (check.status, check.text) == (Status.OPEN, "voltage_secondary")
    assert "vt_ratio" in sentence(check, "vi")
    mains = Load(voltage_v=(127.0, 127.5, 126.5))
    assert verdict(diagnose(moments(mains, Wiring()), Known()), "voltage").text == "voltage_ok"


def test_transformers_a_phase_off_and_turned_round_do_not_pass_for_an_idle_load() -> None:
    wired = wiring_fault("ct_all_reversed", wiring_fault("ct_rotated", wiring_fault("ct_rotated")))
    load = Load(angle_deg=(23.0, 22.0, 24.0))  # they show 83 degrees
    check = verdict(diagnose(moments(load, wired), Known(generation=False)))
    assert (check.status, check.text) == (Status.OPEN, "no_power")


@pytest.mark.parametrize("language", ["vi", "en"])
def test_an_electrician_is_told_which_wires_to_change_and_how_not_to_be_hurt(language) -> None:
    check = verdict(diagnose(moments(Load(), wiring_fault("ct_reversed:2")), Known(generation=False)))
    told = sentence(check, language)
    assert "L2" in told
    assert "S1" in told
    assert ("nối tắt thứ cấp" if language == "vi" else "short a ct's secondary") in told.lower()


@pytest.mark.parametrize("pair", [(1, 2), (2, 3), (1, 3)])
def test_exchanged_voltage_leads_are_found_like_exchanged_transformers(pair: tuple[int, int]) -> None:
    turn = [cmath.rect(1.0, math.radians(-120.0 * n)) for n in range(3)]
    seen = {1: 1, 2: 2, 3: 3, pair[0]: pair[1], pair[1]: pair[0]}
    shown = {}
    for n in (1, 2, 3):
        volts = 230.0 * turn[seen[n] - 1]
        amps = 20.0 * turn[n - 1] * cmath.rect(1.0, math.radians(-25.0))
        power = volts * amps.conjugate()
        shown |= {f"voltage_l{n}_v": 230.0, f"current_l{n}_a": 20.0, f"power_l{n}_w": power.real}
        shown[f"reactive_power_l{n}_var"] = power.imag
    check = verdict(diagnose([Moment(0.0, shown)], Known(generation=False)))
    assert check.status is Status.FINDING
    assert causes(check)[0] == f"crossed {pair[0]}-{pair[1]}"
    assert "two voltage leads" in sentence(check, "en")
