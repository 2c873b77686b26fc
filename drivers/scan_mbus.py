"""Looks for M-Bus meters on a line, and which profile reads each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from dodac.clock import Clock
from dodac.samples import Layout
from drivers.bus import Bus
from drivers.links import LineSettings, Link
from drivers.profile import MbusProfile, Profile
from drivers.protocols.mbus import sample_of
from drivers.protocols.mbus_frame import MbusRefusal
from drivers.protocols.mbus_search import FoundMeter, Progress, search

MBUS_SETTINGS = tuple(LineSettings(baud, "8E1") for baud in (2400, 300, 9600))


@dataclass
class MbusScan:
    """One scan, speed after speed until meters answer; `found` fills while it runs."""

    open: Callable[[LineSettings], Link]
    clock: Clock
    settings: Sequence[LineSettings] = MBUS_SETTINGS
    primary: Sequence[int] = range(251)
    secondary: bool = True
    everything: bool = False
    progress: Callable[[Progress], None] = lambda _: None
    found: list[tuple[LineSettings, FoundMeter]] = field(default_factory=list)
    requests: int = 0
    seconds: float = 0.0

    def run(self) -> None:
        """Scans; raises LinkDown when the port or host is away."""
        start = time.monotonic()
        try:
            self._each()
        finally:
            self.seconds = time.monotonic() - start

    def _each(self) -> None:
        for setting in self.settings:
            link = self.open(setting)
            link.open()
            bus = Bus(link, self.clock, timeout_s=0.5, late_guard_s=0.1, byte_s=setting.byte_s)
            heard: tuple[FoundMeter, ...] = ()

            def tell(step: Progress) -> None:
                nonlocal heard
                heard = step.found
                self.progress(step)

            try:
                heard = tuple(search(bus, primary=self.primary, secondary=self.secondary, progress=tell))
            finally:  # whoever ends the search early has what was found
                self.found += [(setting, meter) for meter in heard]
                self.requests += bus.counters["requests"]
                link.close()
            if heard and not self.everything:
                return


def mbus_fits(meter: FoundMeter, profiles: Iterable[Profile]) -> list[tuple[str, int]]:
    """The profiles that read a meter's answer, with how many channels; the maker's own before generic ones."""
    found: list[tuple[bool, int, str]] = []
    for profile in profiles:
        if not isinstance(profile, MbusProfile) or not meter.answer:
            continue
        wanted, header = profile.identify, meter.header
        if header is not None and (
            wanted.manufacturer not in (None, header.manufacturer)
            or (wanted.media and header.medium not in wanted.media)
            or (wanted.versions and header.version not in wanted.versions)
        ):
            continue
        layout = Layout("scan", tuple(profile.channels))
        try:
            sample = sample_of(profile, layout, [meter.answer], 0)
        except MbusRefusal:
            continue
        good = sum(
            1 for place, value in enumerate(sample.values) if sample.present >> place & 1 and value == value
        )
        if good:
            found.append((wanted.manufacturer is None, -good, profile.id))
    return [(name, -good) for _, good, name in sorted(found)]
