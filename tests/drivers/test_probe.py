"""dodac probe: every Modbus profile's simulator is known for what it is, or told as inseparable."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from dodac.clock import ManualClock
from dodac.errors import ConfigError, Exit, InstrumentError
from dodac.quantities import CHANNELS
from drivers._simulate import plausible
from drivers.bus import Bus
from drivers.catalogue import load_profiles, parse_profile
from drivers.golden import check
from drivers.probe import Candidate, deciding, inseparable
from drivers.probe_cli import run
from drivers.probe_orders import ORDERS, turned, under_all_orders
from drivers.probe_read import Probe, patience, probe
from drivers.profile import ModbusProfile, Order
from drivers.protocols.modbus_identity import Identity
from drivers.scan import ModbusScan
from drivers.scan_ask import Asker
from drivers.scan_modbus import modbus_scan
from drivers.simulator import Fault, SimulatedBus, SimulatedGateway, SimulatedUnit
from drivers.simulator.electric import Load, Wiring, readings

MODBUS = {p.id: p for p in load_profiles().values() if isinstance(p, ModbusProfile)}

# Maps that are the same register for register: the type plate decides. Whoever adds a profile that can't
# be told from another writes it down here.
INSEPARABLE = [
    {"eastron.sdm120", "eastron.sdm220", "eastron.sdm230"},
]


def coherent(profile: ModbusProfile) -> dict[str, float]:
    """Plausible values in which P is the sum of U·I·PF."""
    values = plausible(profile, 12.0)
    phases = [p for p in ("l1", "l2", "l3") if f"current_{p}_a" in values]
    total = 0.0
    for phase in phases:
        factor = values.get(f"power_factor_{phase}", values.get("power_factor", 0.95))
        power = values.get(f"voltage_{phase}_v", 230.0) * values[f"current_{phase}_a"] * factor
        total += power
        if f"power_{phase}_w" in values:
            values[f"power_{phase}_w"] = power
    if "power_w" in values and phases:
        values["power_w"] = total
    return values


def probed(
    loop_link: Any, profile: ModbusProfile, values: Mapping[str, float] | None = None, *faults: Fault
) -> Probe:
    clock = ManualClock()
    shown = dict(values) if values is not None else coherent(profile)
    link = loop_link(clock, {7: SimulatedUnit(profile, lambda: shown)}, lambda _: list(faults))
    asker = Asker(Bus(link, clock, timeout_s=1.0, late_guard_s=0.5, byte_s=10 / 9600), remember=True)
    return probe(asker, 7, list(MODBUS.values()))


@pytest.mark.parametrize("id", list(MODBUS))
def test_every_profile_is_known_from_its_simulated_instrument(loop_link: Any, id: str) -> None:
    ranked = probed(loop_link, MODBUS[id]).ranked
    first = ranked[0].profile
    group = next((group for group in INSEPARABLE if id in group), {id})
    assert first == id or {first, id} <= group, [(c.profile, c.score) for c in ranked[:4]]
    told = {c.profile for c in inseparable(ranked)}
    assert group - {first} <= told
    assert ranked[0].order == ""


@pytest.mark.parametrize(
    "id", [i for i, p in MODBUS.items() if any(c.type == "f32" for c in p.channels.values())]
)
def test_floats_with_exchanged_words_are_found_out(loop_link: Any, id: str) -> None:
    """Word order is a setting of the meter: the same model may send either."""
    profile = MODBUS[id]
    swapped = turned(profile, "CDAB")
    values = coherent(profile)
    clock = ManualClock()
    link = loop_link(clock, {7: SimulatedUnit(swapped, lambda: values)})
    ranked = probe(Asker(Bus(link, clock), remember=True), 7, list(MODBUS.values())).ranked
    best = next(c for c in ranked if c.profile in {id, ranked[0].profile})
    group = next((group for group in INSEPARABLE if id in group), {id})
    if best.order:
        assert best.profile in group
        assert best.order == "words exchanged"
    else:  # another profile is just that: the same map with the other order
        other = MODBUS[best.profile]
        assert {n: c.order for n, c in other.channels.items()} != {
            n: c.order for n, c in profile.channels.items()
        }
        assert best.values == pytest.approx(values, rel=1e-3)


@pytest.mark.parametrize("order", ORDERS)
def test_voltage_and_frequency_are_shown_under_all_four_orders(loop_link: Any, order: Order) -> None:
    profile = MODBUS["eastron.sdm630"]
    swapped = turned(profile, order)
    unit = SimulatedUnit(swapped, lambda: coherent(profile))
    shown = under_all_orders(profile, unit.image())
    assert list(shown) == ["ABCD", "CDAB", "BADC", "DCBA"]
    right = [o for o, values in shown.items() if 45 <= values.get("frequency_hz", 0.0) <= 65]
    assert right == [order]
    assert 80 <= shown[order]["voltage_l1_v"] <= 500


def test_turning_twice_gives_the_profile_back() -> None:
    for profile in MODBUS.values():
        for order in ORDERS:
            assert turned(turned(profile, order), order).channels == profile.channels


def test_the_larger_of_two_maps_that_agree_is_the_meters_even_when_most_of_it_has_no_value(
    loop_link: Any,
) -> None:
    """A three-phase meter on a bench with one phase connected: the rest reads NaN."""
    found = probed(loop_link, MODBUS["eastron.sdm630"], {"voltage_l1_v": 230.0, "frequency_hz": 50.0})
    assert found.ranked[0].profile == "eastron.sdm630"


def test_profiles_with_the_same_map_are_told_and_what_would_decide(loop_link: Any) -> None:
    ranked = probed(loop_link, MODBUS["eastron.sdm120"]).ranked
    words = deciding(ranked[0], inseparable(ranked)[0])
    assert "type plate" in words
    # E23 and E34 differ in the scale of their frequency: 50 Hz decides
    ranked = probed(loop_link, MODBUS["socomec.countis-e34"]).ranked
    assert ranked[0].profile == "socomec.countis-e34"
    other = next((c for c in ranked if c.profile == "socomec.countis-e23"), None)
    assert other is None or any("register" in words for words in other.against)


def test_the_reading_that_decides_is_named_with_both_values() -> None:
    one = Candidate("a", 9.0, values={"power_w": 1500.0, "voltage_l1_v": 230.0})
    other = Candidate("b", 8.5, values={"power_w": 15000.0, "voltage_l1_v": 230.0})
    assert inseparable([one, other]) == [other]
    assert deciding(one, other).startswith("power_w is 1500 W as a, 15000 W as b")


def test_a_device_that_says_who_it_is_decides_at_once(loop_link: Any) -> None:
    from drivers.probe import rank, weigh

    unit = SimulatedUnit(MODBUS["schneider.iem3000"], lambda: coherent(MODBUS["schneider.iem3000"]))
    image = unit.image()
    said = Identity({0: b"Schneider Electric", 1: b"METSEIEM3155"})
    other = Identity({0: b"Acme", 1: b"X1"})
    ranked = rank(weigh(MODBUS[n], image, (), said) for n in ("schneider.iem3000", "schneider.pm5000"))
    assert ranked[0].profile == "schneider.iem3000"
    assert inseparable(ranked) == []
    assert weigh(MODBUS["schneider.iem3000"], image, (), other).score < ranked[0].score - 10


def test_the_device_is_asked_who_it_is_over_the_line(loop_link: Any) -> None:
    profile = MODBUS["schneider.iem3000"]
    clock = ManualClock()
    says = {0: "Schneider Electric", 1: "METSEIEM3155", 2: "1.2"}
    values = coherent(profile)
    link = loop_link(clock, {7: SimulatedUnit(profile, lambda: values, says=says)})
    found = probe(Asker(Bus(link, clock), remember=True), 7, list(MODBUS.values()))
    assert str(found.identity) == "Schneider Electric METSEIEM3155, 1.2"
    assert "says of itself" in found.ranked[0].strong[0]
    assert inseparable(found.ranked) == []


def test_power_that_does_not_fit_speaks_against_a_profile(loop_link: Any) -> None:
    values = coherent(MODBUS["abb.b23"])
    good = probed(loop_link, MODBUS["abb.b23"], values).ranked[0]
    bad = probed(loop_link, MODBUS["abb.b23"], {**values, "power_w": values["power_w"] * 0.4}).ranked[0]
    assert any("fits U·I·PF" in words for words in good.supports)
    assert any("does not fit" in words for words in bad.against)
    assert good.score > bad.score


@pytest.mark.parametrize("phase", [1, 2, 3])
def test_a_turned_transformer_does_not_make_another_model_of_the_meter(loop_link: Any, phase: int) -> None:
    """The single-phase models of a family read the same registers: their power fitted, the right one's did not."""
    profile = MODBUS["eastron.sdm630"]
    shown = readings(Load(), Wiring(reversed=frozenset({phase})))
    found = probed(loop_link, profile, {**coherent(profile), **shown}).ranked
    assert found[0].profile == profile.id
    assert any("see dodac wiring" in words for words in found[0].supports)


def test_a_frequency_that_no_mains_has_speaks_against_a_profile(loop_link: Any) -> None:
    """Two maps that read the same registers, of which one makes 42.5 Hz of what is 50."""
    right = MODBUS["eastron.sdm120"]
    spec = right.channels["frequency_hz"].model_copy(update={"scale": 0.85, "range": None})
    wrong = right.model_copy(
        update={"id": "aaa.slow", "identify": (), "channels": {**right.channels, "frequency_hz": spec}}
    )
    clock = ManualClock()
    link = loop_link(clock, {7: SimulatedUnit(right, lambda: coherent(right))})
    asker = Asker(Bus(link, clock, timeout_s=1.0, late_guard_s=0.5, byte_s=10 / 9600), remember=True)
    plain = right.model_copy(update={"identify": ()})
    found = {c.profile: c for c in probe(asker, 7, [wrong, plain]).ranked}
    assert any("no mains frequency" in words for words in found["aaa.slow"].against)
    # its own evidence is gone, and as much again counts against it
    assert found[right.id].score - found["aaa.slow"].score == pytest.approx(1.5 + 3.0, abs=0.3)


def test_a_profile_of_its_own_comes_before_a_generic_one_that_fits_as_well(loop_link: Any) -> None:
    """A template fits whatever has its shape: named first, it would hide the model that was written down."""
    template = MODBUS["generic.modbus-analyser"]
    own = template.model_copy(update={"id": "zzz.own-analyser"})  # by name it would come last
    clock = ManualClock()
    link = loop_link(clock, {7: SimulatedUnit(template, lambda: coherent(template))})
    asker = Asker(Bus(link, clock, timeout_s=1.0, late_guard_s=0.5, byte_s=10 / 9600), remember=True)
    ranked = probe(asker, 7, [template, own]).ranked
    assert ranked[0].profile == own.id
    assert template.id not in [c.profile for c in inseparable(ranked)]


def test_a_disturbed_line_does_not_change_what_is_found(loop_link: Any) -> None:
    import random

    chance = random.Random(3)
    profile = MODBUS["schneider.pm5000"]
    values, clock = coherent(profile), ManualClock()

    def faults(_unit: int) -> list[Fault]:
        kind = chance.choice(["crc", "noise", "echo", "truncated", "", "", "", "", "", ""])
        return [Fault(kind)] if kind else []

    link = loop_link(clock, {7: SimulatedUnit(profile, lambda: values)}, faults)
    found = probe(Asker(Bus(link, clock), remember=True), 7, list(MODBUS.values()))
    assert found.ranked[0].profile == profile.id


def test_a_unit_that_only_refuses_fits_nothing(loop_link: Any) -> None:
    found = probed(loop_link, MODBUS["eastron.sdm630"], None, Fault("exception", None))
    assert found.answered
    assert found.ranked == []


def test_a_silent_unit_is_no_candidate_for_anything_and_costs_no_hour(loop_link: Any) -> None:
    clock = ManualClock()
    link = loop_link(clock, {})
    found = probe(Asker(Bus(link, clock), remember=True), 7, list(MODBUS.values()))
    assert not found.answered
    assert found.ranked == []


class MuteUnit(SimulatedUnit):
    """Stays silent where others refuse, as many cheap meters do."""

    def answer(self, request: bytes, effects: Any = ()) -> bytes | None:
        data = super().answer(request, effects)
        return None if data is not None and data[1] & 0x80 else data


@pytest.mark.parametrize("id", ["eastron.sdm630", "peacefair.pzem-016", "tuf-2000m", "schneider.pm5000"])
def test_a_meter_that_is_silent_where_it_has_nothing_is_known_within_a_minute(
    loop_link: Any, id: str
) -> None:
    profile, clock = MODBUS[id], ManualClock()
    values = coherent(profile)
    link = loop_link(clock, {7: MuteUnit(profile, lambda: values)})
    asker = Asker(Bus(link, clock, timeout_s=1.0, late_guard_s=0.5, byte_s=10 / 9600), remember=True)
    start = clock.monotonic_ns()
    found = probe(asker, 7, list(MODBUS.values()), patience_s=patience(0.05))
    assert found.ranked[0].profile == id
    assert (clock.monotonic_ns() - start) / 1e9 < 70


def test_an_instrument_of_zeros_is_not_taken_for_a_good_fit(loop_link: Any) -> None:
    """Registers that read 0 are no evidence: nothing then counts as fitting well."""
    values = dict.fromkeys(MODBUS["schneider.pm5000"].channels, 0.0)
    for candidate in probed(loop_link, MODBUS["schneider.pm5000"], values).ranked:
        assert candidate.score < 4.0


# ---- the command


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def gateway() -> Callable[..., Any]:
    profile = MODBUS["carlo-gavazzi.em340"]
    return lambda: SimulatedGateway({3: SimulatedUnit(profile, lambda: coherent(profile))})


def test_probe_names_the_profile_with_its_evidence(
    gateway: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with gateway() as served:
        host, port = served.start()
        assert run([f"{host}:{port}", "3"]) == Exit.OK
        text = capsys.readouterr().out
        assert run([f"{host}:{port}", "3", "--json"]) == Exit.OK
        found = json.loads(capsys.readouterr().out)
    assert "1. carlo-gavazzi.em340  (fits well" in text
    assert "as this model's does" in text
    assert "under each word order" in text
    assert found["candidates"][0]["profile"] == "carlo-gavazzi.em340"
    assert 'profile = "carlo-gavazzi.em340"' in found["site"]


def test_probe_writes_a_test_that_the_profile_passes(
    gateway: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with gateway() as served:
        host, port = served.start()
        assert run([f"{host}:{port}", "3", "--golden", "carlo-gavazzi.em340"]) == Exit.OK
    block = capsys.readouterr().out
    source = next(Path(__file__).parents[2].glob("drivers/profiles/*/carlo-gavazzi.em340.yaml"))
    text = source.read_text(encoding="utf-8")
    profile = parse_profile(text[: text.index("\ntests:") + 1] + block, source)
    assert check(profile) == []
    assert set(yaml.safe_load(block)["tests"][0]["expect"]) == set(profile.channels)


def test_probe_finds_speed_and_parity_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    profile = MODBUS["eastron.sdm72"]
    unit = SimulatedUnit(profile, lambda: coherent(profile))
    with SimulatedBus({3: unit}, 115_200, frame="8E1", latency_s=0.002) as line:
        assert run([line.path, "3", "--baud", "115200,57600"]) == Exit.OK
    assert "unit 3 answers at 115200 8E1" in capsys.readouterr().out


def test_probe_of_an_absent_unit_says_what_to_check(
    gateway: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def impatient(*words: Any) -> ModbusScan:
        work = modbus_scan(*words)
        work.patience_s = 0.2  # what is tested is what it says, not how long it waits
        return work

    monkeypatch.setattr("drivers.probe_cli.modbus_scan", impatient)
    with gateway() as served:
        host, port = served.start()
        with pytest.raises(InstrumentError, match="no answer from unit 9") as told:
            run([f"{host}:{port}", "9", "--framing", "tcp"])
    assert told.value.exit_code == Exit.INSTRUMENT


def test_probe_refuses_what_is_no_unit_or_no_line() -> None:
    for words in (["127.0.0.1", "0"], ["127.0.0.1", "248"], ["mqtt://127.0.0.1", "3"]):
        with pytest.raises(ConfigError):
            run(words)
    with pytest.raises(ConfigError, match="speaks"):
        run(["127.0.0.1:1", "3", "--golden", "tasmota.energy"])


def test_values_shown_as_evidence_are_finite_numbers_of_known_channels(loop_link: Any) -> None:
    for candidate in probed(loop_link, MODBUS["finder.7m"]).ranked:
        assert all(name in CHANNELS and math.isfinite(value) for name, value in candidate.values.items())


def test_a_profile_of_the_site_itself_takes_part(
    gateway: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = next(Path(__file__).parents[2].glob("drivers/profiles/*/carlo-gavazzi.em340.yaml"))
    (tmp_path / "profiles").mkdir()
    text = source.read_text(encoding="utf-8").replace("id: carlo-gavazzi.em340", "id: my.meter")
    (tmp_path / "profiles" / "my.meter.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "profiles" / "bad.yaml").write_text("id: [", encoding="utf-8")
    with gateway() as served:
        host, port = served.start()
        assert run([f"{host}:{port}", "3"]) == Exit.OK
    out, err = capsys.readouterr()
    assert "my.meter and carlo-gavazzi.em340 can't be told apart" in out or (
        "carlo-gavazzi.em340 and my.meter can't be told apart" in out
    )
    assert "the profile bad is left out" in err
