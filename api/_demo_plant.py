"""The demo's simulated plant: two serial lines at real speed, a broker if there is one, and its site file."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import math
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dodac.clock import SystemClock
from dodac.errors import ConfigError

if TYPE_CHECKING:
    from drivers.plant import Plant
    from drivers.profile import ModbusProfile
    from drivers.simulator import SimulatedBus

ZONE = "Asia/Ho_Chi_Minh"
MQTT_PROFILE = "generic.mqtt-json"
MQTT_TOPIC = "demo-brewery/compressor-power"

_SITE = """\
# Written by `dodac demo`: a simulated plant. Copy it as a start for your own: see README.md.
[site]
id = "demo-brewery"
company = "bia-mo-phong"
name = "Nhà máy bia (mô phỏng)"
timezone = "{zone}"
language = "vi"

[connections.bus-meters]            # a simulated RS-485 line on a pseudo-terminal
kind = "serial"
port = "{meters}"
baud = 9600

[connections.bus-analyser]
kind = "serial"
port = "{analyser}"
baud = 38400
{broker}
[[instruments]]
id = "main-power"
asset = "main-switchboard"
name = "Điện toàn nhà máy"
profile = "eastron.sdm630"
connection = "bus-meters"
address = 1
every = "2s"
serial_number = "SIM-0001"
accuracy_class = "1"
calibration = {{ date = 2026-01-15, due = 2028-01-15, laboratory = "simulated", certificate = "SIM-C1" }}

[[instruments]]
id = "main-water"
asset = "water-inlet"
name = "Nước cấp"
profile = "tuf-2000m"
connection = "bus-meters"
address = 2
every = "2s"
serial_number = "SIM-0002"

[[instruments]]
id = "boiler1-temperatures"
asset = "boiler1"
name = "Nhiệt độ lò hơi 1"
profile = "generic.modbus-thermocouple"
connection = "bus-meters"
address = 3
every = "2s"
serial_number = "SIM-0003"

[[instruments]]
id = "boiler1-flue"
asset = "boiler1"
name = "Khói lò hơi 1"
profile = "fuji.zpa"
connection = "bus-analyser"
address = 1
every = "2s"
serial_number = "SIM-0004"
calibration = {{ date = 2026-05-04, due = 2026-11-30, laboratory = "simulated", certificate = "SIM-C4" }}
{mqtt}
[[instruments]]
id = "weather"
measurement = "ambient"
name = "Trạm thời tiết"

[[instruments]]
id = "brewhouse"
measurement = "production"
name = "Sản lượng nhà nấu (hl)"
"""

_BROKER = """
[connections.broker]
kind = "mqtt"
url = "mqtt://{host}:{port}"
"""

_MQTT = """
[[instruments]]
id = "compressor-power"
asset = "compressor1"
name = "Máy nén khí 1 (MQTT)"
profile = "{profile}"
connection = "broker"
topic = "{topic}"
serial_number = "SIM-0005"
"""


def start_plant(plant: Plant, folder: Path, stack: contextlib.ExitStack, say: Callable[[str], None]) -> Path:
    """Starts the simulated instruments and writes the site file that reads them; the stack ends them."""
    from drivers.simulator import SimulatedBus, SimulatedUnit

    show = plant.live(SystemClock())
    meters = SimulatedBus(
        {
            1: SimulatedUnit(_modbus("eastron.sdm630"), show["power"], 1),
            2: SimulatedUnit(_modbus("tuf-2000m"), show["water"], 2),
            3: SimulatedUnit(_modbus("generic.modbus-thermocouple"), show["temperatures"], 3),
        },
        baud=9600,
    )
    analyser = SimulatedBus({1: SimulatedUnit(_modbus("fuji.zpa"), show["gas"], 1)}, baud=38400)
    ports = [_start_bus(stack, bus) for bus in (meters, analyser)]
    say(f"simulated RS-485 lines: {ports[0]} (9600 8N1, three meters), {ports[1]} (38400 8N1, analyser)")
    broker, mqtt = "", ""
    found = _find_broker(folder, stack)
    if found is None:
        say("no MQTT broker here (Mosquitto): the MQTT meter is left out")
    else:
        host, port = found
        meter = _MqttMeter(host, port, MQTT_TOPIC)
        meter.start()
        stack.callback(meter.stop)
        say(f"MQTT meter on {host}:{port}, topic {MQTT_TOPIC}")
        broker = _BROKER.format(host=host, port=port)
        mqtt = _MQTT.format(profile=MQTT_PROFILE, topic=MQTT_TOPIC)
    path = folder / "site.toml"
    text = _SITE.format(zone=ZONE, meters=ports[0], analyser=ports[1], broker=broker, mqtt=mqtt)
    path.write_text(text, encoding="utf-8")
    return path


def _start_bus(stack: contextlib.ExitStack, bus: SimulatedBus) -> str:
    port = bus.start()
    stack.callback(bus.stop)
    return port


def _modbus(id: str) -> ModbusProfile:
    from drivers import load_profile
    from drivers.profile import ModbusProfile

    profile = load_profile(id)
    if not isinstance(profile, ModbusProfile):
        raise ConfigError(f"the demo needs {id} as a Modbus profile.")
    return profile


def _find_broker(folder: Path, stack: contextlib.ExitStack) -> tuple[str, int] | None:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", 1883), timeout=0.3):
        return "127.0.0.1", 1883
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin")
    if program is None:
        return None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    config = folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n", encoding="utf-8"
    )
    process = subprocess.Popen(
        [program, "-c", str(config)],
        start_new_session=True,  # Ctrl-C is ours to handle
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def end() -> None:
        process.terminate()
        process.wait(timeout=5)

    stack.callback(end)
    for _ in range(50):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.2):
            return "127.0.0.1", port
        time.sleep(0.05)
    return None


class _MqttMeter:
    """A simulated meter that publishes JSON every two seconds, QoS 1, as gateways do."""

    def __init__(self, host: str, port: int, topic: str) -> None:
        self._host, self._port, self._topic = host, port, topic
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._publish, name="demo-mqtt-meter", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=5)

    def _publish(self) -> None:
        import paho.mqtt.client as mqtt
        from paho.mqtt.enums import CallbackAPIVersion

        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="demo-compressor-meter")
        client.connect(self._host, self._port)
        client.loop_start()
        total_kwh, begin = 88_412.0, time.monotonic()
        while not self._stop.wait(2.0):
            seconds = time.monotonic() - begin
            watts = 31_500.0 + 6_000.0 * math.sin(seconds / 6)
            total_kwh += watts * 2.0 / 3.6e6
            now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
            payload = {"time": now, "power_w": round(watts, 1), "energy_import_kwh": round(total_kwh, 3)}
            client.publish(self._topic, json.dumps(payload), qos=1)
        client.disconnect()
        client.loop_stop()
