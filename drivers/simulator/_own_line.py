"""A pseudo-terminal of one simulated instrument, served by a thread."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
import tty
from collections import Counter
from pathlib import Path
from typing import Self


class OwnLine:
    """What simulated instruments with a line of their own share; `_run` is the thread's work until `_stopping`."""

    def __init__(self) -> None:
        self._faults: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._folder: Path | None = None
        self._master = self._slave = -1

    def start(self) -> str:
        """Opens the pseudo-terminal and serves it; gives the path to read from."""
        self._folder = Path(tempfile.mkdtemp(prefix="dodac-line-"))
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        port = self._folder / "port"
        port.symlink_to(os.ttyname(self._slave))
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="simulated instrument", daemon=True)
        self._thread.start()
        return str(port)

    def stop(self) -> None:
        """Ends serving and removes the port."""
        self._stopping.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(timeout=5)
        for fd in (self._master, self._slave):
            with contextlib.suppress(OSError):
                os.close(fd)
        self._master = self._slave = -1
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def __enter__(self) -> Self:
        self.path = self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _struck(self) -> set[str]:
        """The faults that strike now, each used up once."""
        with self._lock:
            struck = {kind for kind, left in self._faults.items() if left > 0}
            self._faults.subtract(struck)
        return struck

    def _run(self) -> None:
        raise NotImplementedError
