"""Which channels of an instrument are due: those read at every poll, and those on longer intervals of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from dodac.clock import SECOND_NS, duration_ns
from dodac.errors import ConfigError
from dodac.quantities import nearest
from dodac.site import InstrumentConfig, Site
from drivers.profile import ModbusProfile, Profile

SLOW_NS: Final = 60 * SECOND_NS


class ChannelTimes:
    """Intervals of channels that are not read at every poll; on whole multiples since 1970 UTC.

    every: their intervals in ns; all others are read at every poll. Of the times that pass without a read
    none is made up for; they are counted.
    """

    def __init__(self, every: Mapping[str, int]) -> None:
        self.every = dict(every)
        self.missed = 0
        self._last: dict[int, int] = {}

    def slow(self, name: str) -> bool:
        """True for a channel with an interval of its own."""
        return name in self.every

    def any_due(self, now_ns: int) -> bool:
        """True when there is one to be read; also before the first read."""
        return any(self._last.get(every) != now_ns // every for every in set(self.every.values()))

    def due(self, now_ns: int) -> list[str]:
        """Those to be read now."""
        return [name for name, every in self.every.items() if self._last.get(every) != now_ns // every]

    def asked(self, names: Iterable[str], now_ns: int) -> None:
        """They are asked for now: due again in their next interval, whatever comes of it."""
        for every in {self.every[name] for name in names if name in self.every}:
            index = now_ns // every
            last = self._last.get(every)
            # a step of wall time is no row of missed reads
            if last is not None and 1 < index - last <= 1 + self._patience(every):
                self.missed += index - last - 1
            self._last[every] = index

    @staticmethod
    def _patience(every: int) -> int:
        return max(1, 3600 * SECOND_NS // every)


def channel_times(site: Site, item: InstrumentConfig, profile: Profile) -> dict[str, int]:
    """The intervals of an instrument's channels that are read more seldom than the rest, in ns.

    Raises ConfigError for a channel that the profile does not have, and where an instrument gives all of its
    channels at once.
    """
    if not isinstance(profile, ModbusProfile):
        for key in ("slow", "intervals"):
            if getattr(item, key):
                raise ConfigError(
                    f"{key} is for Modbus: with {profile.protocol} an instrument gives all its channels at once.",
                    site.where_instrument(item.id, key),
                    "Leave it out; every says how often it is read.",
                )
        return {}
    found = slow_channels(profile, duration_ns(item.slow) if item.slow is not None else SLOW_NS)
    for name, every in item.intervals.items():
        if name not in profile.channels:
            near = nearest(name, profile.channels)
            raise ConfigError(
                f'{profile.id} has no channel "{name}".',
                site.where_instrument(item.id, "intervals"),
                f'Did you mean "{near}"?' if near else f"See dodac profiles show {profile.id}.",
            )
        every_ns = duration_ns(every)
        if every_ns > item.every_ns:
            found[name] = every_ns
        else:
            found.pop(name, None)
    if len(found) == len(profile.channels):
        raise ConfigError(
            "every channel has an interval longer than the instrument's.",
            site.where_instrument(item.id, "intervals"),
            "Make every longer, and leave the most frequent ones out of intervals.",
        )
    return found


def slow_channels(profile: ModbusProfile, slow_ns: int = SLOW_NS) -> dict[str, int]:
    """The slow channels of a profile; none where all are, since every poll is for them then."""
    slow = {name: slow_ns for name, spec in profile.channels.items() if spec.every == "slow"}
    return slow if len(slow) < len(profile.channels) else {}
