"""What `dodac simulate` serves of a testo 300: HTTP on this machine, and its UDP calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from dodac.errors import ConfigError
from drivers.profile import HttpTjfProfile
from drivers.protocols.testo_beacon import BEACON_PORT, HTTP_PORT
from drivers.simulator.testo_http import HTTP_FAULTS, SimulatedTesto300

if TYPE_CHECKING:
    from drivers._simulate import Options

_GAS: Final[Mapping[str, float]] = {
    "o2_pct": 6.2,
    "co2_pct": 8.4,
    "co_ppm": 80.0,
    "no_ppm": 42.0,
    "t_flue_c": 180.0,
    "t_air_c": 31.0,
    "draught_pa": -12.0,
}
_ZONE: Final = "Asia/Ho_Chi_Minh"


class ServedTesto:
    """A simulated analyser for a technician: steady values of a gas boiler, on a port of this machine."""

    def __init__(self, profile: HttpTjfProfile, options: Options) -> None:
        unknown = [kind for kind in options.faults if kind not in HTTP_FAULTS]
        if unknown:
            words = f'{profile.id} can\'t show "{unknown[0]}".'
            raise ConfigError(words, None, f"It can show: {', '.join(HTTP_FAULTS)}.")
        self.expected = {name: _GAS[name] for name in profile.channels if name in _GAS}
        self._faults = tuple(options.faults)
        self._seconds = options.fault_seconds
        self._port = options.port
        self._testo = SimulatedTesto300(lambda: self.expected, zone=_ZONE)

    def start(self) -> None:
        """Begins to serve and to call; ConfigError when the port is taken."""
        try:
            self._testo.start(self._port)
        except OSError as error:
            raise ConfigError(f"port {self._port} can't be opened: {error.strerror}.") from None
        self._testo.call_every(1.0, BEACON_PORT)

    def stop(self) -> None:
        """Ends serving."""
        self._testo.stop()

    def tick(self) -> None:
        """Shows the faults for a moment."""
        for kind in self._faults:
            self._testo.show(kind, self._seconds)

    @property
    def where(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._testo.port}"

    def tables(self, site: Callable[[str], str]) -> str:
        """The site's tables that read it, made from those of its connection."""
        return site(f'kind = "http"\nhost = "127.0.0.1"\nport = {self._testo.port or HTTP_PORT}')
