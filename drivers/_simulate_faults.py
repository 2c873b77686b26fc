"""Which faults `dodac simulate` was asked for: those of the line, their shares, and when they are shown."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from dodac.errors import ConfigError
from dodac.quantities import nearest
from drivers.profile import MbusProfile, Profile
from drivers.simulator.faults import FAULTS, Fault

if TYPE_CHECKING:
    from drivers._simulate import Options

_TIMED: Final = ("unplug", "babble")
MORE_FAULTS: Final[dict[str, str]] = {"rollover": "counters begin again from 0 a few seconds after the start"}


def line_faults(options: Options) -> list[str]:
    """The faults of the line among those asked for; ConfigError for one that nobody knows."""
    from drivers.simulator.electric import WIRING_FAULTS

    found = []
    for word in options.faults:
        kind = word.partition(":")[0]
        if kind in FAULTS:
            found.append(word)
        elif kind not in WIRING_FAULTS and kind not in MORE_FAULTS:
            known = [*FAULTS, *MORE_FAULTS, *WIRING_FAULTS]
            near = nearest(kind, known)
            hint = f'Did you mean "{near}"?' if near else f"Known: {', '.join(known)}."
            raise ConfigError(f'"{kind}" is no fault that this instrument can show.', None, hint)
    return found


def known_faults(options: Options, known: Mapping[str, str], profile: Profile) -> list[str]:
    """Faults of an instrument that shows only some, with a share where the line makes them; ConfigError for others."""
    for word in options.faults:
        kind = word.partition(":")[0] if isinstance(profile, MbusProfile) else word
        if kind not in known:
            raise ConfigError(f'{profile.id} can\'t show "{word}".', None, f"It shows: {', '.join(known)}.")
    return list(options.faults)


def _share(word: str) -> tuple[str, float | None]:
    kind, colon, text = word.partition(":")
    if not colon:
        return kind, None
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 < share <= 1 or kind in _TIMED:
        raise ConfigError(
            f'--fault "{word}": the share of answers is above 0 and at most 1.', None, "As in late:0.1"
        )
    return kind, share


def script(options: Options) -> Callable[[], Sequence[Fault]]:
    """Strikes the share of answers that each fault has, at random."""
    shares = [(kind, share) for kind, share in map(_share, line_faults(options)) if share is not None]
    chance = random.Random(options.seed)  # noqa: S311  (no secret)

    def struck() -> list[Fault]:
        return [Fault(kind, 1, options.fault_seconds) for kind, share in shares if chance.random() < share]

    return struck


class _CanFault(Protocol):
    def fault(self, unit: int, kind: str, count: int | None = None, seconds: float | None = None) -> None: ...


def ticker(bus: _CanFault, unit: int, options: Options) -> Callable[[], None]:
    """What shows each fault without a share once more."""
    kinds = [kind for kind, share in map(_share, line_faults(options)) if share is None]

    def tick() -> None:
        for kind in kinds:
            timed = kind in ("late", "dead", *_TIMED)
            bus.fault(unit, kind, seconds=options.fault_seconds if timed else None)

    return tick
