"""Readings by hand as a connection: what waits in the spool becomes samples, acknowledged after the commit."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Sequence
from typing import Final, Literal

from dodac.clock import Clock
from dodac.contracts import DeadLetter, Event, EventKind, Inbox
from dodac.quantities import Measurement
from dodac.samples import Layout, Reason
from drivers._spool import Spool, Waiting
from drivers.connection import ConnectionStatus
from drivers.protocols.manual import Form
from drivers.protocols.manual_entry import Kept, read_back
from drivers.protocols.received import Refused

LOOK_S: Final = 1.0


class ManualStream:
    """The forms of a site: takes entries in once a second.

    A file of the spool goes only after the commit that holds its sample: a crash before repeats it,
    and the journal knows it again. A file that can't become a sample is kept as a dead letter, then
    set aside with the reason; entries of instruments that are not here stay where they are.
    """

    polled = False

    def __init__(
        self, id: str, spool: Spool, members: Sequence[tuple[Form, Measurement]], clock: Clock
    ) -> None:
        self.id = id
        self.instruments = tuple(form.instrument for form, _ in members)
        self._forms = {form.instrument: form for form, _ in members}
        self._kinds = {form.instrument: kind for form, kind in members}
        self._spool = spool
        self._clock = clock
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._inbox: Inbox | None = None
        self._under_way: set[str] = set()
        self._counters: Counter[str] = Counter()
        self._last_good: dict[str, int] = {}
        self._fault = ""
        self.turned_ns = 0

    @property
    def thread(self) -> threading.Thread | None:
        """The thread that looks into the spool."""
        return self._thread

    def layouts(self) -> tuple[Layout, ...]:
        """The layouts of the forms."""
        return tuple(form.layout for form in self._forms.values())

    def measurement(self, instrument: str) -> Measurement:
        """Which measurement an instrument belongs to."""
        return self._kinds[instrument]

    def poll(self, instrument: str, due_ns: int) -> bool:  # noqa: ARG002  (the contract's signature)
        """A person reads when there is time: nothing to ask."""
        return False

    def start(self, inbox: Inbox) -> None:
        """Looks into the spool from now on; a folder that can't be read is told and tried again."""
        self._inbox = inbox
        for layout in self.layouts():
            inbox.layout(layout)
        self._stopping.clear()
        with self._lock:
            self._under_way.clear()
        self._thread = threading.Thread(target=self._run, name=f"manual {self.id}", daemon=True)
        self._thread.start()

    def take_once(self, inbox: Inbox) -> None:
        """Takes in what waits now, without a thread."""
        self._inbox = inbox
        for layout in self.layouts():
            inbox.layout(layout)
        self.look()

    def stop(self) -> None:
        """Takes nothing more; what waits is taken at the next start."""
        self._stopping.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(timeout=3)

    def status(self) -> ConnectionStatus:
        """State and counters now."""
        with self._lock:
            state: Literal["up", "down", "starting"] = "down" if self._fault else "up"
            if self._thread is None:
                state = "starting" if self._inbox is None else "down"
            return ConnectionStatus(self.id, state, dict(self._counters), dict(self._last_good))

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.turned_ns = self._clock.monotonic_ns()
            self.look()
            self._clock.wait(self._stopping, LOOK_S)

    def look(self) -> None:
        """Takes in what waits now."""
        try:
            for item in self._spool.waiting():
                if self._stopping.is_set():
                    return
                self._take(item)
        except OSError as error:
            self._fault_starts(f"the spool {self._spool.folder} can't be read: {error.strerror or error}")
        else:
            self._fault_ends()

    def _take(self, item: Waiting) -> None:
        inbox, name = self._inbox, item.path.name
        if inbox is None:
            return
        instrument = self._instrument_of(name)
        with self._lock:
            # what is being committed is not taken twice
            if instrument is None or name in self._under_way:
                return
            self._under_way.add(name)
        try:
            kept = self._kept(item)
            sample = kept.sample(self._forms[kept.instrument])
        except Refused as refusal:
            self._counters["refused"] += 1
            self._dead(inbox, item, instrument, refusal.text)
            return
        self._counters["entries"] += 1
        inbox.sample(sample, source=self.id, done=lambda: self._stored(item, kept))

    def _instrument_of(self, name: str) -> str | None:
        """Whose entry a file is, by its name; ids of instruments may hold points, those of entries none."""
        instrument = name.removesuffix(".json").rpartition(".")[0]
        return instrument if instrument in self._forms else None

    def _kept(self, item: Waiting) -> Kept:
        if item.fault:
            raise Refused(Reason.CRC, item.fault)
        kept = read_back(item.raw)
        if item.path.name != f"{kept.instrument}.{kept.id}.json" or kept.instrument not in self._forms:
            raise Refused(
                Reason.DECODE, f"the file is named for another entry than {kept.instrument}.{kept.id}"
            )
        return kept

    def _stored(self, item: Waiting, kept: Kept) -> None:
        self._spool.remove(item.path)
        with self._lock:
            self._under_way.discard(item.path.name)
            newest = max(kept.start_ns, self._last_good.get(kept.instrument, kept.start_ns))
            self._last_good[kept.instrument] = newest

    def _dead(self, inbox: Inbox, item: Waiting, instrument: str | None, reason: str) -> None:
        now_ns = self._clock.now_ns()

        def aside() -> None:
            self._spool.set_aside(item.path, reason)
            with self._lock:
                self._under_way.discard(item.path.name)

        text = f"{item.path.name} is set aside in {self._spool.folder / 'refused'}: {reason}"
        inbox.event(Event(now_ns, EventKind.ALARM, text, self.id, instrument))
        inbox.dead_letter(
            DeadLetter(now_ns, self.id, item.path.name, item.raw, reason, instrument), done=aside
        )

    def _fault_starts(self, text: str) -> None:
        with self._lock:
            if self._fault:
                return
            self._fault = text
        self._tell(EventKind.FAULT_START, text)

    def _fault_ends(self) -> None:
        with self._lock:
            fault, self._fault = self._fault, ""
        if fault:
            self._tell(EventKind.FAULT_END, "the spool can be read again")

    def _tell(self, kind: EventKind, text: str) -> None:
        if self._inbox is not None:
            with contextlib.suppress(RuntimeError):
                self._inbox.event(Event(self._clock.now_ns(), kind, text, self.id))
