"""Runs `dodac run` again and again, forked from one warm process, and ends each run with SIGKILL at a set place.

Reads lines from stdin: KIND COUNT DELAY (seconds); answers each with the place of the kill when the run has ended.
KIND: timer (killed from outside after DELAY), or a place inside, reached for the COUNT-th time: write (rows written,
not committed), committed (before any acknowledgement), acknowledging, acknowledged, checkpoint and pack (DELAY after
it has begun); end: no kill, it ends when a line comes.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import collector.cli
import collector.collector
import drivers.mqtt_connection
import drivers.protocols.mqtt_json  # noqa: F401  (loaded before the fork)
import store.journal
from dodac.clock import SystemClock
from dodac.site import load_site
from drivers import _mqtt_wire, open_connections
from store import Journal, _batch, _schema


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def around(
    owner: Any, name: str, count: int, before: Callable[[], None] | None, after: Callable[[], None] | None
) -> None:
    """Puts something before and after the count-th call of a method."""
    whole = getattr(owner, name)
    calls = 0

    def wrapped(*args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        hit = calls == count
        if hit and before is not None:
            before()
        found = whole(*args, **options)
        if hit and after is not None:
            after()
        return found

    setattr(owner, name, wrapped)


def soon(delay: float) -> Callable[[], None]:
    """Dies from another thread that much later."""

    def start() -> None:
        def later() -> None:
            time.sleep(delay)
            die()

        threading.Thread(target=later, daemon=True).start()

    return start


def checkpoint_often() -> None:
    connect = _schema.connect

    def wrapped(*args: Any, **options: Any) -> Any:
        db = connect(*args, **options)
        if not options.get("read_only"):
            db.execute("PRAGMA wal_autocheckpoint = 20")
        return db

    _schema.connect = wrapped


def pack_often(delay: float) -> None:
    """Packs everything that is stored as soon as the journal is open, beside the collecting."""
    opened = Journal.open

    def wrapped(*args: Any, **options: Any) -> Journal:
        journal = opened(*args, **options)

        def pack() -> None:
            soon(delay)()
            while True:
                journal.pack(time.time_ns() - 200_000_000, whole=False)

        threading.Thread(target=pack, daemon=True).start()
        return journal

    Journal.open = wrapped  # type: ignore[method-assign,assignment]


def prepare(kind: str, count: int, delay: float) -> None:
    match kind:
        case "write":
            around(_batch.Batch, "write", count, None, die)
        case "committed":
            around(store.journal.Journal, "commit", count, None, die)
        case "acknowledging":
            around(_mqtt_wire.WireClient, "acknowledge", count, die, None)
        case "acknowledged":
            around(_mqtt_wire.WireClient, "acknowledge", count, None, die)
        case "checkpoint":
            checkpoint_often()
            around(store.journal.Journal, "commit", count, soon(delay), None)
        case "pack":
            pack_often(delay)
        case _:
            pass


def run_once(site: str, log: str, kind: str, count: int, delay: float) -> str:
    child = os.fork()
    if child == 0:
        null, out = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.dup2(null, 0)
        os.dup2(out, 1)
        os.dup2(out, 2)
        code = 99
        try:
            prepare(kind, count, delay)
            code = collector.cli.run(["--site", site])
        finally:
            os._exit(code)
    if kind == "timer":
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
    elif kind == "end":
        sys.stdin.readline()
        os.kill(child, signal.SIGTERM)
    end = time.monotonic() + 15
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        if kind != "end" and time.monotonic() > end:  # nothing came that leads to the place
            os.kill(child, signal.SIGKILL)
            kind = "late"
        time.sleep(0.002)
    if os.WIFSIGNALED(status):
        return f"{kind} {os.WTERMSIG(status)}"
    return f"{kind} exit {os.WEXITSTATUS(status)}"


def main() -> None:
    site, log = sys.argv[1:]
    open_connections(load_site(Path(site)), SystemClock())  # what is loaded once is loaded before the fork
    while line := sys.stdin.readline():
        kind, count, delay = line.split()
        sys.stdout.write(run_once(site, log, kind, int(count), float(delay)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
