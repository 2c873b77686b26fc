"""The doctor on the network: the broker with its limits, InfluxDB, and how long certificates last."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from collector._doctor import Line
from dodac.errors import StorageError
from dodac.site import InfluxConfig, MqttConnection, Site

_WAIT_S: Final = 4.0
_SOON_DAYS: Final = 30
_FEW_IN_FLIGHT: Final = 100
_SMALL_QUEUE: Final = 100_000
_CONFIGS: Final = ("/etc/mosquitto/mosquitto.conf", "/etc/mosquitto/conf.d")
_HERE: Final = ("127.0.0.1", "localhost", "::1")


def broker(
    site: Site, name: str, config: MqttConnection, configs: Sequence[str] = _CONFIGS
) -> Sequence[Line]:
    """Reachable, lets us in, and takes enough messages in flight; under a client id of its own."""
    from drivers._mqtt_config import address_of, tls_context

    host, port = address_of(config)
    place: dict[str, str | int | float] = {"host": host, "port": port}
    context = tls_context(site, config) if config.url.startswith("mqtts") else None
    lines: list[Line] = []
    try:
        with socket.create_connection((host, port), timeout=3) as plain:
            if context is not None:
                with context.wrap_socket(plain, server_hostname=host) as secure:
                    lines += certificate(name, secure.getpeercert())
    except ssl.SSLCertVerificationError as error:
        return [Line("broker", name, "bad", "tls_refused", {**place, "words": error.verify_message})]
    except ssl.SSLError as error:
        return [Line("broker", name, "bad", "tls_refused", {**place, "words": error.reason or str(error)})]
    except OSError as error:
        return [Line("broker", name, "bad", "tcp_away", {**place, "words": error.strerror or str(error)})]
    password = site.secret(config.password_file) if config.password_file is not None else None
    answer = _say_hello(host, port, context, config.user, password)
    if answer.get("refused"):
        return [*lines, Line("broker", name, "bad", "broker_refused", {**place, "words": answer["refused"]})]
    if "in_flight" not in answer:
        return [*lines, Line("broker", name, "bad", "broker_silent", place)]
    lines.append(Line("broker", name, "ok", "broker_ok", place))
    return [*lines, *_limits(name, answer, _queue_of(configs) if host in _HERE else None)]


def _limits(name: str, answer: dict[str, Any], queue: int | None) -> list[Line]:
    flying = int(answer["in_flight"])
    lines = []
    if 0 < flying < _FEW_IN_FLIGHT:
        lines.append(Line("broker", name, "warn", "broker_in_flight", {"count": flying, "rate": flying * 10}))
    elif flying:
        lines.append(Line("broker", name, "ok", "broker_in_flight_ok", {"count": flying}))
    if queue is None:
        lines.append(Line("broker", name, "warn", "broker_queue_unseen"))
    elif 0 < queue < _SMALL_QUEUE:
        lines.append(Line("broker", name, "warn", "broker_queue", {"count": queue}))
    else:
        lines.append(Line("broker", name, "ok", "broker_queue_ok", {"count": queue or "–"}))
    dropped = str(answer.get("dropped", ""))
    if dropped.isdigit() and int(dropped) > 0:
        lines.append(Line("broker", name, "warn", "broker_dropped", {"count": int(dropped)}))
    return lines


def _say_hello(
    host: str, port: int, context: ssl.SSLContext | None, user: str | None, password: str | None
) -> dict[str, Any]:
    """What the broker says to a connection: refused, or in_flight (its receive maximum) and dropped."""
    from paho.mqtt.client import Client, MQTTv5
    from paho.mqtt.enums import CallbackAPIVersion

    found: dict[str, Any] = {}
    ended, told = threading.Event(), threading.Event()
    client = Client(
        CallbackAPIVersion.VERSION2, client_id=f"dodac-doctor-{uuid.uuid4().hex[:12]}", protocol=MQTTv5
    )
    if user is not None:
        client.username_pw_set(user, password)
    if context is not None:
        client.tls_set_context(context)

    def connected(_client: Any, _data: Any, _flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            found["refused"] = str(reason)
        else:
            # left out by a broker it means 65535 (MQTT 5, 3.2.2.3.3)
            found["in_flight"] = getattr(properties, "ReceiveMaximum", 65535) or 65535
            client.subscribe("$SYS/broker/publish/messages/dropped")
        ended.set()

    def message(_client: Any, _data: Any, received: Any) -> None:
        found["dropped"] = received.payload.decode(errors="replace")
        told.set()

    client.on_connect, client.on_message = connected, message
    try:
        client.connect(host, port, keepalive=20)
        client.loop_start()
        ended.wait(_WAIT_S)
        if "in_flight" in found:
            told.wait(0.5)
    except (OSError, ValueError):
        pass
    finally:
        with contextlib.suppress(Exception):
            client.disconnect()
        client.loop_stop()
    return found


def _queue_of(configs: Sequence[str]) -> int | None:
    """max_queued_messages of a Mosquitto on this machine: its setting, its default (1000), or None."""
    found: int | None = None
    for place in configs:
        path = Path(place)
        files = sorted(path.glob("*.conf")) if path.is_dir() else [path]
        for file in files:
            try:
                text = file.read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            found = 1000 if found is None else found
            for match in re.finditer(r"^\s*max_queued_messages\s+(\d+)", text, re.MULTILINE):
                found = int(match[1])
    return found


def certificate(name: str, cert: Any, now_s: float | None = None) -> list[Line]:
    """How long a certificate that was shown is good for."""
    if not cert or "notAfter" not in cert:
        return []
    days = round((ssl.cert_time_to_seconds(cert["notAfter"]) - (now_s or time.time())) / 86_400)
    status, text = ("ok", "cert_ok") if days >= _SOON_DAYS else ("warn", "cert_soon")
    if days < 0:
        status, text = "bad", "cert_over"
    return [Line("certificate", name, status, text, {"days": abs(days), "date": cert["notAfter"]})]  # type: ignore[arg-type]


def authority(site: Site, name: str, config: MqttConnection) -> Sequence[Line]:
    """The authority's own certificate of a ca_file."""
    from drivers._mqtt_config import tls_context

    lines: list[Line] = []
    for cert in tls_context(site, config).get_ca_certs():
        lines += certificate(f"{name} {config.ca_file}", cert)
    return lines


def influxdb(site: Site, config: InfluxConfig | None = None) -> Sequence[Line]:
    """Reachable, which version, does the login open the bucket; config: another one than [influxdb]."""
    from store import InfluxStore, InfluxTarget
    from store.influx_store import NO_INFLUXQL

    target = InfluxTarget.of_site(site, config)
    store = InfluxStore(target)
    lines: list[Line] = []
    try:
        version = store.version()
        lines.append(Line("influxdb", target.url, "ok", "influx_ok", {"version": version}))
        store.events(0, 1)  # InfluxDB 1 says of a missing database only here that it is missing
        count = len(store.instruments())
        lines.append(Line("influxdb", target.bucket, "ok", "bucket_ok", {"count": count}))
    except Exception as error:  # noqa: BLE001  (whatever the server says is told, without the token)
        words = target.hide(str(error))
        if not lines:
            said = error.what if isinstance(error, StorageError) else words
            return [Line("influxdb", target.url, "bad", "influx_away", {"words": said.rstrip(".")})]
        write_only = isinstance(error, StorageError) and error.todo == NO_INFLUXQL
        if write_only:
            lines.append(Line("influxdb", target.bucket, "warn", "bucket_unread"))
        else:
            lines.append(Line("influxdb", target.bucket, "bad", "bucket_bad", {"words": words}))
    finally:
        store.close()
    if target.url.startswith("https"):
        lines += _https_certificate(target.url, target.ca_file)
    return lines


def _https_certificate(url: str, ca_file: str) -> list[Line]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
        with (
            socket.create_connection((host, parts.port or 443), timeout=3) as plain,
            context.wrap_socket(plain, server_hostname=host) as secure,
        ):
            return certificate(url, secure.getpeercert())
    except (OSError, ssl.SSLError) as error:
        return [
            Line(
                "certificate",
                url,
                "bad",
                "tls_refused",
                {"host": host, "port": parts.port or 443, "words": str(error)},
            )
        ]
