"""UDP beacons of a testo 300: heard once each, whatever else is sent to the port."""

from __future__ import annotations

import json
import socket
import threading

from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.protocols.testo_beacon import Beacon, listen, parse_beacon

SAID = {
    "DeviceId": "300",
    "DeviceName": "testo 300",
    "FirmwareVersion": "1.09.1",
    "HttpServerIPv4": "192.0.2.9",
    "HttpServerPort": "55000",
    "SerialNumber": "61300001",
}


def test_the_announced_port_is_never_used_and_the_senders_address_counts() -> None:
    beacon = parse_beacon(json.dumps(SAID).encode(), "127.0.0.1")
    assert beacon == Beacon("testo 300", "61300001", "1.09.1", "127.0.0.1", 54000)


def test_an_instrument_that_calls_often_is_found_once_among_noise() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    stop = threading.Event()

    def call() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            while not stop.wait(0.02):
                for data in (b"\xff\x00noise", b"[1]", json.dumps(SAID).encode()):
                    sock.sendto(data, ("127.0.0.1", port))

    caller = threading.Thread(target=call)
    caller.start()
    try:
        found = listen(0.3, port=port, host="127.0.0.1")
    finally:
        stop.set()
        caller.join()
    assert [beacon.serial_number for beacon in found] == ["61300001"]


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.binary(max_size=200))
def test_no_datagram_breaks_it(data: bytes) -> None:
    assert parse_beacon(data) is None
