"""Clocks of instruments: one rule for all, told with how far they are off, and a tolerance of the site's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dodac.clock import HOUR_NS, MINUTE_NS, SECOND_NS
from dodac.errors import ConfigError
from dodac.samples import Reason, TimeSource
from dodac.site import parse_site
from drivers._device_clock import SANE_FROM_NS, agrees, off_data, off_words
from drivers._mqtt_stamp import Arrival, stamp_of
from drivers.connection_open import load_profile_of
from drivers.protocols.message import Decoded

NOW = 1_790_000_000 * SECOND_NS


@given(off=st.integers(-2 * HOUR_NS, 2 * HOUR_NS), tolerance_s=st.floats(0.001, 3600))
def test_a_clock_is_believed_within_its_tolerance_and_not_beyond(off: int, tolerance_s: float) -> None:
    assert agrees(NOW + off, NOW, tolerance_s) == (abs(off) <= round(tolerance_s * SECOND_NS))


def test_a_clock_of_1970_is_never_believed_even_when_ours_stands_there_too() -> None:
    assert not agrees(10 * SECOND_NS, 11 * SECOND_NS, 300)
    assert not agrees(SANE_FROM_NS - 1, SANE_FROM_NS, 300)
    stamp = stamp_of(Decoded({}, (), 10 * SECOND_NS), 300.0, Arrival(11 * SECOND_NS, False, False))
    assert (stamp.source, stamp.doubt) == (TimeSource.HOST, Reason.CLOCK)


@pytest.mark.parametrize(
    ("off", "words"),
    [
        (7 * HOUR_NS, "is 7 h 0 min ahead of ours"),
        (-90 * SECOND_NS, "is 1 min 30 s behind ours"),
        (-31 * SECOND_NS, "is 31 s behind ours"),
        (-NOW, "was never set"),
    ],
)
def test_how_far_it_is_off_is_said_in_words(off: int, words: str) -> None:
    assert off_words(off) == words
    assert off_data(90 * SECOND_NS) == {"clock_off_s": 90.0}


def site(instrument: str, kind: str = "mqtt"):  # type: ignore[no-untyped-def]
    connection = {
        "mqtt": 'kind = "mqtt"\nurl = "mqtt://127.0.0.1"',
        "serial": 'kind = "serial"\nport = "/dev/p"',
    }
    return parse_site(
        f'[site]\nid = "s"\ncompany = "c"\n[connections.c]\n{connection[kind]}\n'
        f'[[instruments]]\nid = "m"\nconnection = "c"\n{instrument}\n',
        Path("site.toml"),
    )


def test_the_site_may_allow_a_clock_more_or_less_than_its_profile() -> None:
    wide = site('profile = "tasmota.energy"\naddress = "a"\nclock_tolerance = "1h"')
    profile = load_profile_of(wide, wide.instruments[0])
    assert profile.time.max_skew_s == 3600  # type: ignore[union-attr]
    assert agrees(NOW - 59 * MINUTE_NS, NOW, profile.time.max_skew_s)  # type: ignore[union-attr]
    meter = site('profile = "eastron.sdm630"\nclock_tolerance = "1h"', "serial")
    with pytest.raises(ConfigError, match="takes no time from its instruments") as caught:
        load_profile_of(meter, meter.instruments[0])
    assert caught.value.where.line == 11
