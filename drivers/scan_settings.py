"""Speeds and frames in the order in which they are worth trying, from what the profiles say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from drivers.links import LineSettings
from drivers.profile import ModbusProfile, Profile

LIKELY: Final = 8
"""So many settings are tried unless all are asked for."""


def likely_settings(
    profiles: Iterable[Profile], bauds: Sequence[int] = (), frames: Sequence[str] = ()
) -> list[LineSettings]:
    """Every setting of the Modbus profiles, the likeliest first; each profile's own first counts most.

    bauds, frames: only these. 8N2 is left out where 8N1 is tried, unless asked for: a receiver looks at
    the first stop bit only, so that both answer.
    """
    weight: dict[LineSettings, float] = defaultdict(float)
    for profile in profiles:
        if isinstance(profile, ModbusProfile):
            for place, baud in enumerate(profile.link.baud):
                for other, frame in enumerate(profile.link.frame):
                    weight[LineSettings(baud, frame)] += 1 / (1 + place + other)
    if bauds or frames:  # what is asked for is tried, even where no profile has it
        for asked in bauds or (9600, 19200, 2400, 4800, 38400):
            for word in frames or ("8N1", "8E1", "8O1"):
                weight[LineSettings(asked, word)] += 0.0
    return [
        setting
        for setting in sorted(weight, key=lambda s: (-weight[s], s.baud, s.frame))
        if (not bauds or setting.baud in bauds)
        and (setting.frame in frames if frames else setting.frame != "8N2")
    ]
