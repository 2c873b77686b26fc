"""The sample of a plain MQTT message in one step, for models that publish JSON."""

from __future__ import annotations

from collections.abc import Callable

from dodac.clock import SECOND_NS
from dodac.samples import Layout, Sample, TimeSource
from drivers._device_clock import SANE_FROM_NS
from drivers.profile import MqttJsonProfile, MqttProfile

Quick = Callable[[bytes, int, bool], Sample | None]
"""A payload, our time (UTC ns), and whether the message may have waited for us; None: not a plain one."""


def quick_sample(layout: Layout, profile: MqttProfile, zone: str, skew_s: float | None) -> Quick | None:
    """What makes the samples of an instrument's plain messages; None where the model has none.

    Plain: good readings with a time that is believed (see stamp_of), not retained. What it gives is what
    the long way gives (a test holds the two together); the rest goes the long way.
    """
    if (
        not isinstance(profile, MqttJsonProfile)
        or profile.overlay
        or (profile.time is None) != (skew_s is None)
    ):
        return None
    from drivers.protocols.mqtt_quick import quick_of

    plain = quick_of(profile, zone)
    if plain is None:
        return None
    instrument, number = layout.instrument, layout.id
    skew_ns = round(skew_s * SECOND_NS) if profile.time is not None and skew_s is not None else None

    def timed(payload: bytes, now_ns: int, waited: bool) -> Sample | None:
        found = plain(payload)
        if found is None:
            return None
        values, present, time_ns = found
        if time_ns is None or skew_ns is None:
            return None
        # what waited for us may be as old as our absence
        oldest_ns = SANE_FROM_NS if waited else max(SANE_FROM_NS, now_ns - skew_ns)
        if not oldest_ns <= time_ns <= now_ns + skew_ns:
            return None
        return Sample(instrument, time_ns, 0, TimeSource.DEVICE, number, values, present)

    def untimed(payload: bytes, now_ns: int, waited: bool) -> Sample | None:
        found = None if waited else plain(payload)
        if found is None:
            return None
        return Sample(instrument, now_ns, 0, TimeSource.HOST, number, found[0], found[1])

    return untimed if skew_ns is None else timed
