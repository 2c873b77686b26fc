"""Speeds and frames in the order in which they are worth trying, from what the profiles say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from drivers.profile import ModbusProfile, Profile

LIKELY: Final = 8
"""So many settings are tried unless all are asked for."""


@dataclass(frozen=True, slots=True, order=True)
class LineSetting:
    """Speed and frame of a serial line, as in a site file."""

    baud: int
    frame: str

    def __str__(self) -> str:
        return f"{self.baud} {self.frame}"

    @property
    def byte_s(self) -> float:
        """Seconds of one byte: start bit, data bits, parity bit, stop bits."""
        return (1 + int(self.frame[0]) + (self.frame[1] != "N") + int(self.frame[2])) / self.baud


def likely_settings(
    profiles: Iterable[Profile], bauds: Sequence[int] = (), frames: Sequence[str] = ()
) -> list[LineSetting]:
    """Every setting of the Modbus profiles, the likeliest first; each profile's own first counts most.

    bauds, frames: only these. 8N2 is left out where 8N1 is tried, unless asked for: a receiver looks at
    the first stop bit only, so that both answer.
    """
    weight: dict[LineSetting, float] = defaultdict(float)
    for profile in profiles:
        if isinstance(profile, ModbusProfile):
            for place, baud in enumerate(profile.link.baud):
                for other, frame in enumerate(profile.link.frame):
                    weight[LineSetting(baud, frame)] += 1 / (1 + place + other)
    if bauds or frames:  # what is asked for is tried, even where no profile has it
        for asked in bauds or (9600, 19200, 2400, 4800, 38400):
            for word in frames or ("8N1", "8E1", "8O1"):
                weight[LineSetting(asked, word)] += 0.0
    return [
        setting
        for setting in sorted(weight, key=lambda s: (-weight[s], s))
        if (not bauds or setting.baud in bauds)
        and (setting.frame in frames if frames else setting.frame != "8N2")
    ]
