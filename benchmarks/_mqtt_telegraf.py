"""Telegraf, where there is one: the same session into a real InfluxDB 2."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from types import ModuleType
from typing import Any

from _mqtt_broker import HOST, TOPIC

_CONFIG = """
[agent]
  interval = "1s"
  flush_interval = "1s"
  metric_batch_size = 5000
  metric_buffer_limit = 1000000
  omit_hostname = true
  quiet = true
{buffer}
[[inputs.mqtt_consumer]]
  servers = ["tcp://{host}:{port}"]
  topics = ["{topic}"]
  qos = 1
  persistent_session = true
  client_id = "{client}"
  max_undelivered_messages = 1000
  data_format = "json"
  json_time_key = "t"
  json_time_format = "unix_ms"
[[outputs.influxdb_v2]]
  urls = ["{url}"]
  token = "{token}"
  organization = "{org}"
  bucket = "{bucket}"
"""


def program() -> str | None:
    """Where Telegraf stands on this machine."""
    return shutil.which("telegraf")


def config(port: int, client: str, server: Any, disk: Path | None) -> str:
    """Its configuration; disk: where its disk buffer stands, None for the buffer in memory."""
    buffer = "" if disk is None else f'  buffer_strategy = "disk"\n  buffer_directory = "{disk}"\n'
    return _CONFIG.format(
        host=HOST, port=port, topic=TOPIC, client=client, buffer=buffer,
        url=server.url, token=server.token, org=server.org, bucket=server.bucket,
    )  # fmt: skip


def rate(port: int, client: str, messages: int, server: Any, *, disk: bool) -> float:
    """Messages/s until InfluxDB holds them all (asked every quarter of a second), from the first one there."""
    name = program()
    assert name is not None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "telegraf.conf"
        path.write_text(config(port, client, server, Path(folder) if disk else None), encoding="utf-8")
        process = subprocess.Popen([name, "--config", str(path)], stderr=subprocess.DEVNULL)
        try:
            begin = 0.0
            stop = time.perf_counter() + 600
            while True:
                held = _count(server)
                now = time.perf_counter()
                if held and not begin:
                    begin, first = now, held
                if held >= messages:
                    return (messages - first) / max(now - begin, 1e-3)
                if now > stop:
                    raise SystemExit(f"Telegraf moved {held} of {messages} messages")
                time.sleep(0.25)
        finally:
            process.terminate()
            process.wait(30)


def _count(server: Any) -> int:
    query = (
        f'from(bucket: "{server.bucket}") |> range(start: 0) '
        '|> filter(fn: (r) => r._field == "a") |> group() |> count()'
    )
    request = urllib.request.Request(  # noqa: S310 - our own loopback server
        f"{server.url}/api/v2/query?org={server.org}",
        json.dumps({"query": query}).encode(),
        {
            "Authorization": f"Token {server.token}",
            "Content-Type": "application/json",
            "Accept": "application/csv",
        },
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - as above
        rows = [line.split(",") for line in answer.read().decode().split() if "," in line]
    return int(rows[1][-1]) if len(rows) > 1 else 0


def servers() -> ModuleType:
    """tests/servers.py, which starts a real InfluxDB 2."""
    path = Path(__file__).parent.parent / "tests" / "servers.py"
    spec = importlib.util.spec_from_file_location("servers", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["servers"] = module
    spec.loader.exec_module(module)
    return module
