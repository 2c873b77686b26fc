"""The UDP beacons by which a testo 300 tells that it is in the local network."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from typing import Final

from dodac.clock import SECOND_NS, Clock, SystemClock

BEACON_PORT: Final = 53955
HTTP_PORT: Final = 54000  # the maker's page says to ignore the port in the beacon
_MAX_BYTES: Final = 8192
_MAX_FOUND: Final = 256


@dataclass(frozen=True, slots=True)
class Beacon:
    """One instrument that told of itself; `port` is always 54000, whatever it said."""

    model: str
    serial_number: str
    firmware: str
    host: str
    port: int = HTTP_PORT


def parse_beacon(data: bytes, sender: str = "") -> Beacon | None:
    """The beacon in a datagram; None for anything else. Its host is the sender's, where one is given.

    The address that the beacon names itself counts only without a sender: whoever can send here can
    name any host.
    """
    try:
        said = json.loads(data[:_MAX_BYTES].decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    model = _word(said.get("DeviceName")) or _word(said.get("DeviceId"))
    serial = _word(said.get("SerialNumber")) or _word(said.get("Serial"))
    host = sender or _word(said.get("HttpServerIPv4"))
    if not model or not host or "HttpServerPort" not in said:
        return None
    return Beacon(model, serial, _word(said.get("FirmwareVersion")), host)


def listen(
    seconds: float, *, port: int = BEACON_PORT, host: str = "", clock: Clock | None = None
) -> list[Beacon]:
    """Listens for beacons for so long; each instrument once, in the order heard. Sends nothing.

    Raises OSError when the port can't be opened (another program listens there).
    """
    clock = clock or SystemClock()
    found: dict[tuple[str, str], Beacon] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        end = clock.monotonic_ns() + round(seconds * SECOND_NS)
        while (left := end - clock.monotonic_ns()) > 0 and len(found) < _MAX_FOUND:
            sock.settimeout(max(left / SECOND_NS, 0.001))
            try:
                data, (sender, _) = sock.recvfrom(_MAX_BYTES)
            except TimeoutError:
                break
            beacon = parse_beacon(data, sender)
            if beacon is not None:
                found.setdefault((beacon.serial_number, beacon.host), beacon)
    return list(found.values())


def _word(value: object) -> str:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return "".join(sign for sign in text if sign.isprintable()).strip()[:64]
