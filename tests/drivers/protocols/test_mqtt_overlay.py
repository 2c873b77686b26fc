"""Partial messages: what they leave out is absent, and two of one moment never hide one another."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodac.samples import Flag, Layout, Reason, Sample, TimeSource
from drivers import load_profile
from drivers._mqtt_stamp import Arrival, part_of, stamp_of, stamped
from drivers.profile import MqttJsonProfile
from drivers.protocols.message import MqttRefusal
from drivers.protocols.mqtt_json import MqttJsonDecoder

NOW = 1_795_327_211_000_000_000


def decoder(id: str) -> MqttJsonDecoder:
    profile = load_profile(id)
    assert isinstance(profile, MqttJsonProfile)
    return MqttJsonDecoder(profile, "Asia/Ho_Chi_Minh")


def sample(of: MqttJsonDecoder, payload: str, topic: str = "", *, retained: bool = False) -> Sample:
    layout = Layout("m", tuple(of.profile.channels))
    (decoded,) = of.message(topic, payload.encode()).samples
    arrival = Arrival(NOW, waited=False, retained=retained)
    stamp = stamp_of(decoded, of.profile.time.max_skew_s if of.profile.time else None, arrival)
    part = part_of(layout, decoded, stamp, 0, partial=of.profile.overlay)
    return stamped(layout, decoded, payload.encode(), stamp, arrival, part)


def notify(**components: Any) -> str:
    ts = {"ts": 1795327210.37}
    return json.dumps({"method": "NotifyStatus", "params": {**ts, **components}})


@settings(derandomize=True, deadline=None)
@given(st.sets(st.sampled_from(["a_voltage", "b_voltage", "a_act_power", "total_act_power", "a_freq"])))
def test_a_partial_message_never_brings_back_a_reading_it_does_not_carry(keys: set[str]) -> None:
    shelly = decoder("shelly.pro-3em")
    everything = {"a_voltage": 231, "b_voltage": 232, "a_act_power": 9, "total_act_power": 9, "a_freq": 50}
    shelly.message("", notify(**{"em:0": everything}).encode())
    found = shelly.decode(notify(**{"em:0": dict.fromkeys(keys, 49.5)}).encode())
    assert len(found.values) + len(found.flags) == len(keys)
    assert set(found.values.values()) <= {49.5}
    assert found.time_ns == 1_795_327_210_370_000_000


def test_two_parts_of_one_moment_are_both_kept_and_a_repeated_one_is_the_same() -> None:
    shelly = decoder("shelly.pro-3em")
    power = sample(shelly, notify(**{"em:0": {"total_act_power": 700}}))
    energy = sample(shelly, notify(**{"emdata:0": {"total_act": 5000}}))
    again = sample(shelly, notify(**{"em:0": {"total_act_power": 700}}))
    assert power.time_ns == energy.time_ns == 1_795_327_210_370_000_000
    assert power.time_source == TimeSource.DEVICE
    assert power.part != energy.part
    assert again.digest() == power.digest()
    retained = sample(shelly, notify(**{"em:0": {"total_act_power": 700}}), retained=True)
    assert retained.part not in (power.part, energy.part)
    assert {flag.reason for flag in retained.flags} == {Reason.STALE}


def test_other_notices_of_a_shelly_are_no_readings_and_no_fault() -> None:
    shelly = decoder("shelly.pro-3em")
    assert shelly.message("", b'{"method":"NotifyEvent","params":{"ts":1.5,"events":[]}}').samples == ()


def test_a_value_a_topic_goes_to_its_channel_and_others_are_left_alone() -> None:
    shelly = decoder("shelly.3em")
    base = "shellies/shellyem3-1/emeter"
    assert shelly.decode(b"12.5", f"{base}/1/power").values == {"power_l2_w": 12.5}
    assert shelly.decode(b"1e9", f"{base}/1/voltage").flags[0].reason == Reason.OUT_OF_RANGE
    # topics that the profile does not ask for may hold anything
    assert shelly.message(f"{base}/1/reset", b"on").samples == ()
    with pytest.raises(MqttRefusal, match="not JSON"):
        shelly.decode(b"on", f"{base}/1/power")
    with pytest.raises(MqttRefusal, match="not JSON"):
        shelly.decode(b"", f"{base}/1/power")


def test_watt_minutes_become_kwh() -> None:
    found = decoder("shelly.1pm").decode(b"60000", "shellies/x/relay/0/energy")
    assert found.values["energy_import_kwh"] == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("total", ["[]", "{}", "[1, null]", "[true, 1]", '["1", 2]', "[[1], 2]", "[1, NaN]"])
def test_a_total_with_a_phase_missing_is_flagged_and_never_smaller(total: str) -> None:
    found = decoder("tasmota.energy-phases").decode(f'{{"ENERGY": {{"Total": {total}}}}}'.encode())
    assert found.flags == (Flag("energy_import_kwh", Reason.DECODE),)
    assert not found.values


@settings(derandomize=True, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=60),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["params", "ts", "em:0", "ENERGY", "Total", "0"]), inner)
            ),
        ).map(lambda value: json.dumps(value).encode()),
    ),
    st.sampled_from(["", "shellies/a/emeter/0/power", "a/events/rpc"]),
)
def test_any_payload_gives_readings_or_a_refusal_and_nothing_else(payload: bytes, topic: str) -> None:
    for name in ("shelly.pro-3em", "shelly.3em", "tasmota.energy-phases", "generic.mqtt-array"):
        with contextlib.suppress(MqttRefusal):
            for decoded in decoder(name).message(topic, payload).samples:
                assert all(value == value for value in decoded.values.values())
