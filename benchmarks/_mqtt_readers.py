"""Who empties the session, each in a process of its own: bare paho, a naive sketch, and the collector."""

from __future__ import annotations

import json
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from _mqtt_broker import HOST, client
from paho.mqtt.client import Client, MQTTMessage

WAIT_S = 600.0
_ROWS = 1000  # of one transaction of the sketch


def memory_mb(field: str = "VmRSS") -> float:
    """Memory of this process now, or its peak (VmHWM), where Linux tells."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(field)), 0.0)


def bare(port: int, name: str, messages: int) -> float:
    """Seconds of a loop that acknowledges each message at once and keeps nothing."""
    return _paho(port, name, messages, lambda one, message: one.ack(message.mid, message.qos))


def naive(port: int, name: str, messages: int, folder: Path) -> float:
    """Seconds of what one writes first: paho, msgspec, one insert a row, a commit each 1 000 rows, then acks."""
    db = sqlite3.connect(folder / "naive.db", isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE samples (seq INTEGER PRIMARY KEY, t INTEGER, a, b, c, d, e, f, g, h, i, j)")
    decode = msgspec.json.Decoder(dict[str, float | int]).decode
    rows: list[dict[str, float | int]] = []
    mids: list[int] = []
    left = messages

    def take(one: Client, message: MQTTMessage) -> None:
        nonlocal left
        rows.append(decode(message.payload))
        mids.append(message.mid)
        left -= 1
        if len(rows) < _ROWS and left:
            return
        db.execute("BEGIN")
        db.executemany(
            "INSERT INTO samples (t,a,b,c,d,e,f,g,h,i,j) VALUES (:t,:a,:b,:c,:d,:e,:f,:g,:h,:i,:j)", rows
        )
        db.execute("COMMIT")
        for mid in mids:
            one.ack(mid, 1)
        rows.clear()
        mids.clear()

    seconds = _paho(port, name, messages, take)
    db.close()
    return seconds


def _paho(port: int, name: str, messages: int, take: Callable[[Client, MQTTMessage], object]) -> float:
    count, begin, done = 0, 0.0, threading.Event()

    def on_message(one: Client, _userdata: object, message: MQTTMessage) -> None:
        nonlocal count, begin
        if not count:
            begin = time.perf_counter()
        take(one, message)
        count += 1
        if count == messages:
            done.set()

    one = client(name)
    one.on_message = on_message
    one.connect(HOST, port)
    one.loop_start()
    if not done.wait(WAIT_S):
        raise SystemExit(f"only {count} of {messages} messages came")
    seconds = time.perf_counter() - begin
    one.disconnect()
    one.loop_stop()
    return seconds


def journal(site: Path, messages: int, tell: Callable[[int], None] | None = None) -> float:
    """Seconds from the first message to the acknowledgement of the last, of the collector of a site.

    tell: called each second with the messages acknowledged so far; then it runs until it has `messages`.
    """
    from collector import Collector
    from dodac.clock import SystemClock
    from dodac.site import load_site

    collector = Collector(load_site(site), SystemClock())
    collector.start()
    begin = told = 0.0
    stop = time.perf_counter() + (WAIT_S if tell is None else 10 * 24 * 3600)
    while True:
        counters = collector.status().connections[0].counters
        now = time.perf_counter()
        if not begin and counters.get("messages"):
            begin = now
        acknowledged = counters.get("acknowledged", 0)
        if tell is not None and now - told >= 1:
            told = now
            tell(acknowledged)
        if acknowledged >= messages:
            break
        if now > stop:
            raise SystemExit(f"only {acknowledged} of {messages} messages came: {collector.status()}")
        time.sleep(0.002 if not begin else 0.02)
    seconds = now - begin
    totals = collector.ledger().totals()
    collector.stop()
    if totals.committed != messages and tell is None:
        raise SystemExit(f"{messages} messages gave {totals}")
    return seconds


def child(words: Sequence[str]) -> int:
    """Runs one reader and prints what it took, as JSON."""
    kind, port, name, messages, folder = words[0], int(words[1]), words[2], int(words[3]), Path(words[4])
    if kind == "bare":
        seconds = bare(port, name, messages)
    elif kind == "naive":
        seconds = naive(port, name, messages, folder)
    else:

        def tell(acknowledged: int) -> None:
            line = {"acknowledged": acknowledged, "memory_mb": memory_mb()}
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()

        seconds = journal(folder / "site.toml", messages, tell if kind == "soak" else None)
    figures = {"seconds": seconds, "memory_mb": memory_mb(), "peak_mb": memory_mb("VmHWM")}
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0
