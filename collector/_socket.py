"""The running collector's picture for other processes: one JSON text over a socket beside the journal."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

log = logging.getLogger("dodac.collector")

_LONGEST: Final = 100  # bytes of a socket's address; Linux takes 107
_CLIENT_S: Final = 2.0
_TURN_S: Final = 0.25
_MOST: Final = 64 << 20

Picture = dict[str, Any]
"""Plain data for JSON: see docs/reference/ledger.md."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found at a journal's socket: a picture; or nobody; or a collector that does not answer.

    denied: the folder or the socket is another user's, so nobody knows.
    """

    picture: Picture | None = None
    silent: bool = False
    denied: bool = False

    @property
    def running(self) -> bool:
        """True when a collector holds the socket."""
        return self.picture is not None or self.silent


def socket_path(journal: Path) -> Path:
    """Where the collector of a journal listens."""
    return journal.with_name(journal.name + ".sock")


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """The address of a socket; a long path is named through a descriptor of its folder."""
    text = str(path)
    if len(os.fsencode(text)) <= _LONGEST:
        yield text
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


class PictureServer:
    """Answers every connection with one picture, from a thread of its own; only our own user may connect.

    The journal's lock has one holder, so a socket that is there already was left by a process that is gone.
    Where no socket can be made (a read-only folder), one log line says so and collecting goes on.
    """

    def __init__(self, journal: Path, picture: Callable[[], Picture]) -> None:
        self.path = socket_path(journal)
        self._picture = picture
        self._socket: socket.socket | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._told = False

    def start(self) -> bool:
        """Starts listening; False when that is not possible here."""
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            self.path.unlink(missing_ok=True)
            with _address(self.path) as address:
                listening.bind(address)
                # nobody can connect before listen(): there is no moment with wider rights
                self.path.chmod(0o600)
            listening.listen(8)
            listening.settimeout(_TURN_S)
        except OSError as error:
            listening.close()
            log.warning("%s: no socket for dodac status and serve: %s", self.path, error.strerror or error)
            return False
        self._socket = listening
        self._thread = threading.Thread(target=self._run, name="picture", daemon=True)
        self._thread.start()
        return True

    def stop(self) -> None:
        """Ends the thread and takes the socket away."""
        self._stop.set()
        if self._socket is None:
            return
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)
        if self._thread is not None:
            self._thread.join(2.0)
        self._socket.close()
        self._socket = None

    def _run(self) -> None:
        assert self._socket is not None  # noqa: S101  (set before the thread starts)
        while not self._stop.is_set():
            try:
                client, _ = self._socket.accept()
            except TimeoutError:
                continue
            except OSError as error:
                log.debug("picture: %s", error)  # e.g. no descriptor is free just now
                self._stop.wait(1.0)
                continue
            with client:
                self._answer(client)

    def _answer(self, client: socket.socket) -> None:
        try:
            client.settimeout(_CLIENT_S)
            client.sendall(json.dumps(self._picture(), ensure_ascii=False).encode())
        except OSError as error:
            log.debug("picture: a client went away: %s", error)
        except Exception:
            if not self._told:
                self._told = True
                log.exception("the picture of the collector can't be taken")


def look(journal: Path, timeout_s: float = 6.0) -> Seen:
    """The picture of the collector that writes a journal; never raises."""
    path = socket_path(journal)
    try:
        if not path.is_socket():
            return Seen()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel, _address(path) as address:
            channel.settimeout(timeout_s)
            channel.connect(address)
            found = _all_of(channel)
    except (ConnectionRefusedError, FileNotFoundError):
        return Seen()  # left by a process that was killed
    except PermissionError:
        return Seen(denied=True)
    except OSError:
        return Seen(silent=True)
    try:
        picture = json.loads(found)
    except ValueError:
        return Seen(silent=True)
    return (
        Seen(picture)
        if isinstance(picture, dict) and isinstance(picture.get("ledger"), Mapping)
        else Seen(silent=True)
    )


def health_of(seen: Seen) -> dict[str, Any]:
    """ "ok", or "fault" with what is wrong: a code, the part it concerns, words."""
    if seen.picture is not None:
        faults = list(seen.picture["faults"])
    elif seen.silent:
        text = "dodac run holds the journal but does not answer"
        faults = [{"code": "collector_silent", "name": "collector", "text": text}]
    elif seen.denied:
        text = "the journal is another user's: ask as that user (sudo -u dodac dodac status …) or as root"
        faults = [{"code": "collector_denied", "name": "collector", "text": text}]
    else:
        text = "no dodac run works on this journal"
        faults = [{"code": "collector_away", "name": "collector", "text": text}]
    return {"status": "fault" if faults else "ok", "faults": faults}


def _all_of(channel: socket.socket) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while (piece := channel.recv(1 << 16)) and size <= _MOST:
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)
