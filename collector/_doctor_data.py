"""The doctor at the data: site file, profiles, secrets, journal."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from collector._doctor import Line
from collector.facts import sink_configs
from dodac.clock import SystemClock
from dodac.errors import ConfigError, DodacError
from dodac.site import MqttConnection, Site
from drivers._spool import Spool

_CHECK_S: Final = 3.0
_STUCK_S: Final = 60.0  # a collector that runs takes entries in within a second


def instruments(site: Site) -> Sequence[Line]:
    """Whether profiles, addresses and connections fit together, and the golden tests of those used."""
    from drivers import open_connections
    from drivers.connection_open import load_profile_of
    from drivers.golden import check

    lines: list[Line] = []
    used = {}
    for item in site.instruments:
        if item.profile is not None:
            profile = load_profile_of(site, item)
            used[profile.id] = profile
    for id, profile in used.items():  # noqa: A001  (a profile's id)
        wrong = check(profile)
        if wrong:
            lines.append(Line("profile", id, "bad", "profile_bad", {"words": wrong[0]}))
        else:
            tried = profile.evidence.hardware
            values: dict[str, str | int | float] = {"count": len(profile.tests), "hardware": tried}
            text = "profile_untried" if tried.startswith("not tried") else "profile_ok"
            lines.append(Line("profile", id, "ok", text, values))
    try:
        open_connections(site, SystemClock())
    except DodacError as error:
        lines.append(Line("site", str(site.path), "bad", "told", {"words": str(error)}))
    else:
        lines.append(Line("site", str(site.path), "ok", "site_ok", {"count": len(site.instruments)}))
    return lines


def secrets(site: Site) -> Sequence[Line]:
    """Files of secrets: there, not empty, ours alone; their content is never shown."""
    names = [c.password_file for c in site.connections.values() if isinstance(c, MqttConnection)]
    names += [name for c in sink_configs(site).values() for name in (c.token_file, c.password_file)]
    names.append(site.serve.token_file)
    lines = []
    for name in dict.fromkeys(name for name in names if name):
        try:
            site.secret(name)
        except ConfigError as error:
            lines.append(Line("secret", name, "bad", "told", {"words": str(error)}))
        else:
            lines.append(Line("secret", name, "ok", "secret_ok"))
    return lines


def journal(path: Path) -> Sequence[Line]:
    """Openable, whole as far as a short look tells, and whether a collector writes it now."""
    name = str(path)
    if not path.exists() or path.stat().st_size == 0:  # SQLite leaves an empty one on a full disk
        return [Line("journal", name, "ok", "journal_new")]
    from store import JournalStore

    store = JournalStore(path)
    try:
        count = len(store.instruments())
    finally:
        store.close()
    fault = _quick_check(path)
    if fault is not None:
        return [Line("journal", name, "bad", "journal_damaged", {"words": fault})]
    size_mb = sum(p.stat().st_size for p in path.parent.glob(path.name + "*")) / 1e6
    values: dict[str, str | int | float] = {"count": count, "size": round(size_mb, 1)}
    return [Line("journal", name, "ok", "journal_written" if _held(path) else "journal_ok", values)]


def entries(path: Path) -> Sequence[Line]:
    """Readings by hand on their way into a journal: whether they can be kept, what waits, what was set aside."""
    spool = Spool.beside(path)
    name = str(spool.folder)
    try:
        state = spool.state()
    except OSError as error:
        return [Line("entries", name, "bad", "entries_unreadable", {"words": error.strerror or str(error)})]
    parent = spool.folder if spool.folder.exists() else path.parent
    lines: list[Line] = []
    if parent.exists() and not os.access(parent, os.W_OK | os.X_OK):
        lines.append(Line("entries", name, "bad", "entries_read_only"))
    if state.refused:
        values: dict[str, str | int | float] = {"count": state.refused}
        lines.append(Line("entries", f"{name}/refused", "warn", "entries_refused", values))
    if state.waiting:
        minutes = round(state.oldest_s / 60)
        values = {"count": state.waiting, "minutes": minutes}
        if not _held(path):
            lines.append(Line("entries", name, "warn", "entries_waiting", values))
        elif state.oldest_s > _STUCK_S:
            lines.append(Line("entries", name, "warn", "entries_stuck", values))
    return lines or [Line("entries", name, "ok", "entries_ok", {"count": state.waiting})]


def _quick_check(path: Path) -> str | None:
    """What SQLite finds wrong within a few seconds; a large file is looked at as far as that goes."""
    end = time.monotonic() + _CHECK_S
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=2)
    try:
        db.set_progress_handler(lambda: int(time.monotonic() > end), 10_000)
        row = db.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        return None if "interrupted" in str(error) or "locked" in str(error) else str(error)
    except sqlite3.DatabaseError as error:
        return str(error)
    finally:
        db.close()
    return None if row is None or row[0] == "ok" else str(row[0])


def _held(path: Path) -> bool:
    lock = path.with_name(path.name + "-lock")
    try:
        fd = os.open(lock, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False
