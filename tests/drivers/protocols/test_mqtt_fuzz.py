"""Golden messages of every MQTT profile, damaged: readings or a refusal, and nothing else."""

from __future__ import annotations

import base64
import contextlib
import json
import math

from hypothesis import given, settings
from hypothesis import strategies as st

from drivers import load_profiles
from drivers._mqtt_decoders import decoder_of
from drivers.profile import LorawanProfile, MqttJsonProfile, MqttProfile, SparkplugProfile
from drivers.protocols.message import MqttRefusal

Case = tuple[MqttProfile, str, list[tuple[str, bytes]]]
JUNK = [
    b"[" * 3000,
    b'{"a":' * 3000,
    b"9" * 5000,
    b"1e999999999",
    b"-1e-999999999",
    b"NaN",
    b"Infinity",
    b"null",
    b'"\\ud800"',
    b"\xff\xfe",
    b"\x00",
    b'"' + b"A" * 4000 + b'"',
    b"true",
    b"{}",
    b",",
    b"0.1e1,",
]


def _cases() -> list[Case]:
    found: list[Case] = []
    for profile in load_profiles().values():
        for test in profile.tests:
            match profile, test:
                case MqttJsonProfile(), _:
                    found.append((profile, "", [(test.topic or "", test.payload.encode())]))  # type: ignore[union-attr]
                case LorawanProfile(), _:
                    told = {"deviceInfo": {}, "deduplicationId": "1", "fCnt": 1, "fPort": test.port}  # type: ignore[union-attr]
                    told["time"] = "2026-11-22T06:00:05.123456789+00:00"
                    told["data"] = base64.b64encode(bytes.fromhex(test.payload)).decode()  # type: ignore[union-attr]
                    told["object"] = json.loads(test.object or "null")  # type: ignore[union-attr]
                    found.append((profile, "", [("", json.dumps(told).encode())]))
                case SparkplugProfile(), _:
                    messages = [(m.topic, bytes.fromhex(m.payload)) for m in test.messages]  # type: ignore[union-attr]
                    found.append((profile, test.address, messages))  # type: ignore[union-attr]
                case _:
                    pass
    return found


CASES = _cases()


@st.composite
def damaged(draw: st.DrawFn) -> Case:
    profile, address, messages = draw(st.sampled_from(CASES))
    hurt = []
    for topic, payload in messages:
        data = bytearray(payload)
        for _ in range(draw(st.integers(0, 3))):
            at = draw(st.integers(0, len(data)))
            match draw(st.integers(0, 3)):
                case 0:
                    data[at:at] = draw(st.sampled_from(JUNK))
                case 1:
                    data[at : at + draw(st.integers(1, 40))] = b""
                case 2:
                    data[at : at + 1] = bytes([draw(st.integers(0, 255))])
                case _:
                    del data[at:]
        hurt.append((topic, bytes(data)))
    return profile, address, hurt


@settings(derandomize=True, deadline=None, max_examples=1500)
@given(damaged())
def test_a_damaged_message_gives_readings_or_a_reason_and_nothing_else(case: Case) -> None:
    profile, address, messages = case
    decoder = decoder_of(profile, "Asia/Ho_Chi_Minh", address)
    for topic, payload in messages:
        with contextlib.suppress(MqttRefusal):
            for decoded in decoder.message(topic, payload).samples:
                assert all(math.isfinite(value) for value in decoded.values.values())
                assert not set(decoded.values) & {flag.channel for flag in decoded.flags}
                assert set(decoded.values) <= set(profile.channels)
                assert decoded.time_ns is None or 0 < decoded.time_ns < 2**63
