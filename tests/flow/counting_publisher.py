"""Publishes numbered readings and writes down each number that the broker has acknowledged.

Arguments: HOST PORT FILE RATE CLIENT_ID. Ends at the end of stdin, when all is acknowledged. Topics: plant/timed (with the
device's own time), plant/untimed (without), now and then plant/broken (no reading at all).
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion


def message(number: int) -> tuple[str, str]:
    """Topic and payload of one number; every content differs."""
    if number % 50 == 0:
        return "plant/broken", f"{{broken {number}"
    if number % 2:
        at = time.time_ns()
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at // 10**9)) + f".{at % 10**9:09d}Z"
        return "plant/timed", json.dumps({"time": text, "energy_import_kwh": number})
    return "plant/untimed", json.dumps({"e": number})


def main() -> None:
    host, port, file, rate, name = sys.argv[1:]
    waiting: dict[int, int] = {}  # packet identifier → number
    acknowledged: list[int] = []  # packet identifiers; the network thread only appends
    stop = threading.Event()
    client = Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
    client.max_inflight_messages_set(200)
    client.reconnect_delay_set(1, 1)
    client.on_publish = lambda _client, _data, mid, *_: acknowledged.append(mid)
    client.connect(host, int(port), keepalive=10)
    client.loop_start()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    number = 0
    begin = time.monotonic()
    with Path(file).open("w", encoding="ascii") as out:

        def note() -> None:
            count = len(acknowledged)
            out.writelines(f"{waiting.pop(mid)}\n" for mid in acknowledged[:count])
            del acknowledged[:count]
            out.flush()

        while not stop.is_set():
            due = int((time.monotonic() - begin) * float(rate))
            while number < due and len(waiting) < 1000:
                number += 1
                waiting[client.publish(*message(number), qos=1).mid] = number
            note()
            time.sleep(0.01)
        end = time.monotonic() + 30
        while waiting and time.monotonic() < end:
            note()
            time.sleep(0.01)
        note()
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    main()
