"""From messages to the journal: a message sent again is counted once, two parts of one moment are both kept."""

from __future__ import annotations

import base64
import json
from collections import Counter
from pathlib import Path

from dodac.clock import SECOND_NS
from dodac.samples import Layout, Sample
from drivers import load_profile
from drivers._mqtt_decoders import decoder_of, limits_of
from drivers._mqtt_stamp import Arrival, part_of, stamp_of, stamped
from drivers.profile import LorawanProfile, MqttJsonProfile
from store import Journal

NOW = 1_795_327_211 * SECOND_NS


def samples(
    profile: LorawanProfile | MqttJsonProfile, payload: bytes, now_ns: int = NOW, *, waited: bool = False
) -> tuple[Layout, list[Sample]]:
    layout = Layout("m", tuple(profile.channels))
    skew_s, partial = limits_of(profile)
    arrival = Arrival(now_ns, waited=waited, retained=False)
    found = []
    for place, decoded in enumerate(decoder_of(profile, "UTC", None).message("", payload).samples):
        stamp = stamp_of(decoded, skew_s, arrival)
        part = part_of(layout, decoded, stamp, place, partial=partial)
        found.append(stamped(layout, decoded, payload, stamp, arrival, part))
    return layout, found


def outcomes(path: Path, layout: Layout, *batches: list[Sample]) -> list[dict[str, int]]:
    journal = Journal.open(path)
    try:
        journal.layout(layout)
        return [
            dict(Counter(str(o) for o in journal.commit([("broker", sample) for sample in batch])))
            for batch in batches
        ]
    finally:
        journal.close()


def test_a_days_uplink_sent_again_after_hours_is_24_duplicates(tmp_path: Path) -> None:
    profile = load_profile("axioma.qalcosonic-w1")
    assert isinstance(profile, LorawanProfile)
    uplink = {
        "deduplicationId": "a",
        "time": "2026-11-22T06:00:05Z",
        "deviceInfo": {},
        "fCnt": 4,
        "fPort": 100,
        "data": base64.b64encode(bytes.fromhex(profile.tests[0].payload)).decode(),
    }
    payload = json.dumps(uplink).encode()
    layout, first = samples(profile, payload)
    _, again = samples(profile, payload, NOW + 5 * 3600 * SECOND_NS, waited=True)
    told = outcomes(tmp_path / "journal.db", layout, first, again)
    assert told == [{"committed": 24}, {"duplicate": 24}]


def test_two_parts_of_a_shellys_moment_are_both_in_the_journal(tmp_path: Path) -> None:
    profile = load_profile("shelly.pro-3em")
    assert isinstance(profile, MqttJsonProfile)
    power, energy = (test.payload.encode() for test in profile.tests[:2])  # one time, two components
    layout, first = samples(profile, power)
    _, second = samples(profile, energy)
    assert first[0].time_ns == second[0].time_ns
    told = outcomes(tmp_path / "journal.db", layout, [*first, *second], [*second, *first])
    assert told == [{"committed": 2}, {"duplicate": 2}]


def test_more_moments_than_the_journal_has_parts_for_do_no_harm(tmp_path: Path) -> None:
    profile = load_profile("shelly.pro-3em")
    assert isinstance(profile, MqttJsonProfile)
    layout = Layout("m", tuple(profile.channels))
    (decoded,) = decoder_of(profile, "UTC", None).message("", profile.tests[0].payload.encode()).samples
    arrival = Arrival(NOW + 3600 * SECOND_NS, waited=False, retained=False)
    stamp = stamp_of(decoded, 300, arrival)
    parts = [part_of(layout, decoded, stamp, place, partial=True) for place in (0, 1, 2046, 2047, 99_999)]
    batch = [stamped(layout, decoded, b"", stamp, arrival, part) for part in parts]
    (told,) = outcomes(tmp_path / "journal.db", layout, batch)
    assert sum(told.values()) == 5
