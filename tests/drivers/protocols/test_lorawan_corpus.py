"""Every public LoRaWAN payload at hand: read as published, or named as no measuring device of ours."""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from drivers import load_profile
from drivers.profile import LorawanProfile
from drivers.protocols.lorawan import LorawanDecoder
from drivers.protocols.message import MqttRefusal

CORPUS = Path(__file__).parents[4] / "shared" / "data" / "meters"

# published name → channel and what to multiply by
_AIR = {"temperature": ("temperature_c", 1), "humidity": ("humidity_pct", 1)}
_DECENT = {"temperature": ("temperature_c", 1)}
_AIR2 = {"air_temperature": ("temperature_c", 1), "air_humidity": ("humidity_pct", 1)}
_MS = {**_AIR, "co2": ("co2_ppm", 1), "pressure": ("pressure_bar", 1e-3), "distance": ("distance_m", 1e-3)}
_BARO = {"barometric_pressure": ("pressure_bar", 1e-5), "co2_concentration": ("co2_ppm", 1)}
_KPA = {"atmospheric_pressure": ("pressure_bar", 1e-2), "co2_concentration": ("co2_ppm", 1)}
_PROBE = {"pressure": ("pressure_bar", 1), **_DECENT}
_CTD = {
    **_DECENT,
    "water_depth": ("distance_m", 1e-3),
    "electrical_conductivity": ("conductivity_us_cm", 1),
}
_YOBIIQ = {
    **{f"voltageL{n}N": (f"voltage_l{n}_v", 1) for n in (1, 2, 3)},
    **{f"currentL{n}": (f"current_l{n}_a", 1e-3) for n in (1, 2, 3)},
    **{f"activePowerL{n}": (f"power_l{n}_w", 1) for n in (1, 2, 3)},
    **{f"powerFactorL{n}": (f"power_factor_l{n}", 1) for n in (1, 2, 3)},
    "activePowerL123": ("power_w", 1),
    "frequency": ("frequency_hz", 1),
}
_DSMR = {
    "electricityDeliveredToClient": ("energy_import_kwh", 1e-3),
    "electricityDeliveredByClient": ("energy_export_kwh", 1e-3),
    "electricityPowerDelivered": ("power_w", 1),
    **{f"voltageL{n}": (f"voltage_l{n}_v", 1) for n in (1, 2, 3)},
    **{f"currentL{n}": (f"current_l{n}_a", 1) for n in (1, 2, 3)},
}
Names = dict[str, tuple[str, float]]
# codec of the corpus → our profile and its names
READ: dict[str, tuple[str, Names]] = {
    "merryiot-cd10": ("browan.merryiot-cd10", {**_AIR, "co2_ppm": ("co2_ppm", 1)}),
    "tabs-tbhh100": ("browan.tabs-tbhh100", _AIR),
    "dl-atm22": ("decentlab.dl-atm22", _AIR2),
    "dl-atm41": ("decentlab.dl-atm41", {**_AIR2, "relative_humidity": ("humidity_pct", 1), **_KPA}),
    "dl-blg": ("decentlab.dl-blg", _DECENT),
    "dl-ctd10": ("decentlab.dl-ctd10", _CTD),
    "dl-cws": ("decentlab.dl-cws", {**_AIR2, "surface_temperature": ("t_surface_c", 1)}),
    "dl-cws2": (
        "decentlab.dl-cws2",
        {
            "air_temperature_radiation_shield": ("temperature_c", 1),
            "air_humidity_radiation_shield": ("humidity_pct", 1),
            "surface_temperature": ("t_surface_c", 1),
        },
    ),
    "dl-dlr2-002": ("decentlab.dl-dlr2-002", {"cumulative_pulse_count": ("pulses", 1)}),
    "dl-dlr2-004": ("decentlab.dl-dlr2-004", {"current": ("loop_current_ma", 1)}),
    "dl-dlr2-005": ("decentlab.dl-dlr2-005", {"voltage": ("signal_v", 1)}),
    "dl-dlr2-008": ("decentlab.dl-dlr2-008", _DECENT),
    "dl-dlr2-009": ("decentlab.dl-dlr2-009", _DECENT),
    "dl-gmm": ("decentlab.dl-gmm", {**_AIR2, **_KPA}),
    "dl-iam": ("decentlab.dl-iam", {**_AIR2, **_BARO}),
    "dl-ilt": ("decentlab.dl-ilt", {"leaf_temperature": ("t_surface_c", 1)}),
    "dl-itst": ("decentlab.dl-itst", {"temperature_target": ("t_surface_c", 1)}),
    "dl-lp8p": ("decentlab.dl-lp8p", {**_AIR2, **_BARO}),
    "dl-mes5": ("decentlab.dl-mes5", {**_DECENT, "suspended_solid": ("tss_mg_l", 1000)}),
    "dl-ntu": ("decentlab.dl-ntu", _DECENT),
    "dl-pheht": ("decentlab.dl-pheht", {**_DECENT, "ph": ("ph", 1)}),
    "dl-pm": ("decentlab.dl-pm", {**_AIR2, **_BARO}),
    "dl-pr26": ("decentlab.dl-pr26", _PROBE),
    "dl-pr36": ("decentlab.dl-pr36", _PROBE),
    "dl-rad": ("decentlab.dl-rad", {"distance": ("distance_m", 1e-3)}),
    "dl-wrm": ("decentlab.dl-wrm", {**_AIR2, "surface_temperature": ("t_surface_c", 1)}),
    "elsys": ("elsys.ers", _MS),
    "em300-sld-zld": ("milesight.em300-sld", _MS),
    "rak_standard": ("generic.cayenne-ambient", {"voltage_1": ("signal_v", 1)}),
    "pulsedrop": (
        "vutility.pulsedrop",
        {"pulseCount": ("pulses", 1), "temperatureCelsius": ("temperature_c", 1)},
    ),
    "dsmr": ("yobiiq.dsmr", _DSMR),
    "em2101": ("yobiiq.em2101", _YOBIIQ),
    "em4301": ("yobiiq.em4301", _YOBIIQ),
    # models of the same collection whose payloads are not at hand here
    "dl-atm41g2": (
        "decentlab.dl-atm41g2",
        {**_AIR2, "relative_humidity": ("humidity_pct", 1), "barometric_pressure": ("pressure_bar", 1e-2)},
    ),
    "dl-ctd10b": ("decentlab.dl-ctd10b", _CTD),
    "dl-dlr2-010": ("decentlab.dl-dlr2-010", {"ch0_cumulative_pulse_count": ("pulses", 1)}),
    "dl-ds18": ("decentlab.dl-ds18", _DECENT),
    "dl-lid": ("decentlab.dl-lid", {"distance_median": ("distance_m", 1e-3)}),
    "dl-mbx": ("decentlab.dl-mbx", {"distance": ("distance_m", 1e-3)}),
    "dl-optod": ("decentlab.dl-optod", _DECENT),
    "dl-pr21": ("decentlab.dl-pr21", _PROBE),
    "dl-pr36ctd": (
        "decentlab.dl-pr36ctd",
        {
            "pressure": ("pressure_bar", 1),
            "temperature_pt1000": ("temperature_c", 1),
            "electrical_conductivity": ("conductivity_us_cm", 1000),
        },
    ),
    "dl-rhc": ("decentlab.dl-rhc", _AIR2),
    "ldds75": ("dragino.ldds75", {"Distance": ("distance_m", 1e-3)}),
    "lht65n": (
        "dragino.lht65n",
        {
            "TempC_SHT": ("temperature_c", 1),
            "Hum_SHT": ("humidity_pct", 1),
            "TempC_DS": ("t_surface_c", 1),
            "TempC_TMP117": ("t_surface_c", 1),
            "Ext_TempC_SHT": ("t_surface_c", 1),
            "ADC_V": ("signal_v", 1),
        },
    ),
    "lt-22222-l": (
        "dragino.lt-22222",
        {"AVI1_V": ("signal_v", 1), "ACI1_mA": ("loop_current_ma", 1), "Count1_times": ("pulses", 1)},
    ),
    "ht-sensor": (
        "mclimate.ht-sensor",
        {"sensorTemperature": ("temperature_c", 1), "relativeHumidity": ("humidity_pct", 1)},
    ),
    "vicki": (
        "mclimate.vicki",
        {"sensorTemperature": ("temperature_c", 1), "relativeHumidity": ("humidity_pct", 1)},
    ),
    "am102": ("milesight.em320-th", _MS),
    "am102-l": ("milesight.em320-th", _MS),
    "am307": ("milesight.am307", _MS),
    "em300-di": ("milesight.em300-di", {**_MS, "pulse": ("pulses", 1), "water": ("volume_m3", 1)}),
    "em300-mcs": ("milesight.em300-sld", _MS),
    "em300-th": ("milesight.em300-th", _MS),
    "em320-th": ("milesight.em320-th", _MS),
    "em400-tld": ("milesight.em400-tld", _MS),
    "em500-pt100": ("milesight.em500-pt100", _MS),
    "lw005-mp": (
        "mokosmart.lw005-mp",
        {
            "instantaneous_voltage": ("voltage_l1_v", 1),
            "instantaneous_current": ("current_l1_a", 1),
            "instantaneous_current_frequency": ("frequency_hz", 1),
            "instantaneous_active_power": ("power_w", 1),
            "instantaneous_power_factor": ("power_factor", 0.01),
            "total_energy": ("energy_import_kwh", 1),
        },
    ),
    "hotdrop": (
        "vutility.hotdrop",
        {"averageAmps": ("current_l1_a", 1), "temperatureCelsius": ("temperature_c", 1)},
    ),
    "voltdrop": (
        "vutility.voltdrop",
        {
            **{f"voltageL{n}": (f"voltage_l{n}_v", 1) for n in (1, 2, 3)},
            **{f"currentL{n}": (f"current_l{n}_a", 1) for n in (1, 2, 3)},
            **{f"powerFactorL{n}": (f"power_factor_l{n}", 0.01) for n in (1, 2, 3)},
            "averagePowerFactor": ("power_factor", 0.01),
            "activeEnergyAccumulation": ("energy_import_kwh", 1e-3),
            "apparentEnergyAccumulation": ("apparent_energy_kvah", 1e-3),
            "temperatureCelsius": ("temperature_c", 1),
        },
    ),
    # The Things Network
    "axioma/qalcosonic-w1": ("axioma.qalcosonic-w1", {"current_volume_m3": ("volume_m3", 1)}),
    "elvaco/cmi4160": (
        "elvaco.cmi4160",
        {
            "energy_kwh": ("heat_kwh", 1),
            "volume_m3": ("volume_m3", 1),
            "power_kw": ("heat_power_w", 1000),
            "flow_m3h": ("flow_m3h", 1),
            "flow_temperature": ("t_flow_c", 1),
            "return_temperature": ("t_return_c", 1),
        },
    ),
    "minol-zenner/edc-communication-module": ("zenner.edc", {"meter_values.2": ("pulses", 1)}),
    "milesight-iot/em300-di": ("milesight.em300-di", {**_AIR, "pulse": ("pulses", 1)}),
    "milesight-iot/ct303": ("milesight.ct303", {"current_chn1": ("current_l1_a", 1)}),
}
NOT_OURS = {
    "busylightcodec": "lamp",
    "merryiot-dw10": "door contact",
    "tabs-tbms100": "movement",
    "browan-industrial-tracker": "tracker",
    "dl-alb": "solar radiation: no channel",
    "dl-dlr2-003": "state of a contact",
    "dl-dlr2-006": "position of a potentiometer",
    "dl-ifd": "size of a fruit",
    "dl-isf": "flow of sap",
    "dl-smtp": "soil moisture",
    "dl-trs11": "soil moisture",
    "dl-trs21": "soil water",
    "dl-zn2": "growth of a tree",
    "em300-cl": "full or empty",
    "em300-mld": "water leak contact",
    "em320-tilt": "tilt",
    "tg563a": "smoke detector",
    "dl-5tm": "soil moisture",
    "dl-dlr2-011": "states of two contacts",
    "dl-dlr2-012": "strain",
    "dl-dws": "weight of a plant pot",
    "dl-isd": "stem size of a plant",
    "dl-kl66": "strain",
    "dl-lpw": "position of a potentiometer",
    "dl-lws": "wetness of a leaf",
    "dl-par": "light for plants",
    "dl-pyr": "solar radiation: no channel",
    "dl-sdd": "soil moisture",
    "dl-tbrg": "rain",
    "dl-tp": "soil temperature profile",
    "dl-trs12": "soil moisture",
    "dl-zn1": "growth of a tree",
    "digital-matter-g62": "tracker",
    "digital-matter-oyster3-yabby3": "tracker",
    "lds02": "door contact",
    "lwl02": "water leak contact",
    "example": "no device: the corpus's template",
    "sd1001": "smoke detector",
}


def cases() -> Iterator[dict[str, Any]]:
    """The cases of both corpora, each with the name of its codec."""
    for path in (
        CORPUS / "lorawan-ttn-MIT/examples.jsonl",
        CORPUS / "lorawan-chirpstack-MIT/decode_tests.jsonl",
    ):
        if not path.is_file():
            pytest.skip(f"no payloads at {path}")
        for line in path.read_text().splitlines():
            case = json.loads(line)
            model = str(case["source"]).removeprefix("vendor/").removesuffix("-codec.yaml")
            yield {**case, "codec": case.get("codec", model)}


def wanted(case: dict[str, Any], names: Names) -> dict[str, float]:
    """What the case publishes of our channels."""
    found = {}
    told = case["expected"]
    told = told.get("data", told)
    if "history" in told and not any(path in told for path in names):
        told = told["history"][-1]
    for path, (channel, scale) in names.items():
        here: Any = told
        for word in path.split("."):
            here = here[int(word)] if isinstance(here, list) else here.get(word)
        if isinstance(here, dict):
            here = here.get("value", here.get("data"))
        if isinstance(here, str):
            number = re.match(r"-?[\d.]+", here)
            here = float(number[0]) if number else None
        if here is not None:
            found[channel] = here * scale
    return found


def test_public_payloads_decode_to_their_published_values(capsys: pytest.CaptureFixture[str]) -> None:
    kinds: Counter[str] = Counter()
    for case in cases():
        codec = case["codec"]
        if codec in NOT_OURS:
            kinds["not a measuring device of ours"] += 1
            continue
        assert codec in READ, f"{codec}: neither read nor named as no measuring device"
        profile_id, names = READ[codec]
        profile = load_profile(profile_id)
        assert isinstance(profile, LorawanProfile)
        port = case["fPort"] if case["fPort"] is not None else (profile.port or 5)
        told = {"deviceInfo": {}, "fCnt": 1, "fPort": port}
        told["data"] = base64.b64encode(bytes.fromhex(case["hex"])).decode()
        expected = wanted(case, names)
        found = LorawanDecoder(profile).message("", json.dumps(told).encode()).samples
        if not expected:
            assert not found, (codec, case["name"], found)
            kinds["a message without our readings: none given"] += 1
            continue
        assert not found[-1].flags, (codec, found[-1].flags)
        assert found[-1].values == pytest.approx(expected, rel=1e-5), (codec, case.get("name"))
        kinds["every published reading equal"] += 1
    with capsys.disabled():
        print("\nLoRaWAN corpus:", ", ".join(f"{n} {kind}" for kind, n in kinds.most_common()))  # noqa: T201
    assert kinds["every published reading equal"] >= 24


def test_a_days_totals_are_those_published_hour_by_hour() -> None:
    (case,) = [case for case in cases() if case["codec"] == "axioma/qalcosonic-w1"]
    profile = load_profile("axioma.qalcosonic-w1")
    assert isinstance(profile, LorawanProfile)
    data = base64.b64encode(bytes.fromhex(case["hex"])).decode()
    told = {"deviceInfo": {}, "fCnt": 1, "fPort": 100, "data": data}
    found = LorawanDecoder(profile).message("", json.dumps(told).encode()).samples
    totals = [decoded.values["volume_m3"] for decoded in found]
    want = case["expected"]
    assert [b - a for a, b in pairwise(totals)] == pytest.approx(want["deltas_m3"], abs=1e-9)
    assert (totals[0], totals[-1]) == (want["log_volume_m3"], want["current_volume_m3"])


def test_a_payload_cut_anywhere_gives_readings_of_what_is_whole_or_a_reason() -> None:
    for case in cases():
        if case["codec"] not in READ:
            continue
        profile_id, names = READ[case["codec"]]
        profile = load_profile(profile_id)
        assert isinstance(profile, LorawanProfile)
        expected = wanted(case, names)
        data = bytes.fromhex(case["hex"])
        for length in range(1, len(data)):
            cut = base64.b64encode(data[:length]).decode()
            told = {"deviceInfo": {}, "fCnt": 1, "fPort": case["fPort"] or profile.port or 5, "data": cut}
            try:
                found = LorawanDecoder(profile).message("", json.dumps(told).encode()).samples
            except MqttRefusal:
                continue
            for decoded in found:
                for channel, value in decoded.values.items():
                    assert value == pytest.approx(expected[channel], rel=1e-5), (case["codec"], length)
