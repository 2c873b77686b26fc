"""The clocks of instruments: when one is believed, how far off it is in words, and the site's own tolerance."""

from __future__ import annotations

from typing import Final, TypeVar, cast

from dodac.clock import SECOND_NS
from drivers.profile import (
    HttpTjfProfile,
    LineProfile,
    LorawanProfile,
    MqttJsonProfile,
    Profile,
    SparkplugProfile,
)

SANE_FROM_NS: Final = 1_577_836_800 * SECOND_NS  # 2020-01-01: an older clock was never set
_NEVER_SET_H: Final = 365 * 24  # so far off, how far says nothing

P = TypeVar("P", bound=Profile)


def agrees(said_ns: int, now_ns: int, tolerance_s: float) -> bool:
    """True when a device's time can be believed: a clock that was ever set, no further from ours than that."""
    return abs(said_ns - now_ns) <= round(tolerance_s * SECOND_NS) and said_ns >= SANE_FROM_NS


def off_words(off_ns: int) -> str:
    """How far a clock is off ours, for people; positive: ahead."""
    minutes, seconds = divmod(abs(off_ns) // SECOND_NS, 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= _NEVER_SET_H:
        return "was never set"
    long = (
        f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    )
    return f"is {long} {'ahead of' if off_ns > 0 else 'behind'} ours"


def off_data(off_ns: int) -> dict[str, str | int | float]:
    """The same as data of an event."""
    return {"clock_off_s": round(off_ns / SECOND_NS, 3)}


def with_tolerance(profile: P, seconds: float) -> P | None:
    """The profile with another tolerance of its clock; None for one whose instruments tell no time."""
    changed: Profile
    match profile:
        case MqttJsonProfile() | LineProfile():
            if profile.time is None:
                return None
            time = profile.time.model_copy(update={"max_skew_s": seconds})
            changed = profile.model_copy(update={"time": time})
        case SparkplugProfile() | LorawanProfile():
            changed = profile.model_copy(update={"max_skew_s": seconds})
        case HttpTjfProfile():
            link = profile.link.model_copy(update={"max_skew_s": seconds})
            changed = profile.model_copy(update={"link": link})
        case _:
            return None
    return cast("P", changed)
