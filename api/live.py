"""The live stream: one task follows the journal and tells every open page, each through a bounded queue."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final, Protocol

from api._state import LiveState
from dodac.clock import DAY_NS, MINUTE_NS, Clock
from dodac.errors import StorageError
from dodac.samples import Layout, Sample

log = logging.getLogger("dodac.api")

POLL_S: Final = 0.3
RETRY_S: Final = 2.0
HEARTBEAT_S: Final = 10.0
QUEUE_SIZE: Final = 64
MAX_CLIENTS: Final = 64
BACKFILL_ROWS: Final = 4000
BATCH_ROWS: Final = 2000
RING_SIZE: Final = 1000
# a comment keeps proxies awake; the event tells the page's script, which can't see comments
HEARTBEAT: Final = b": heartbeat\nevent: heartbeat\ndata: {}\n\n"
# what is older than this comes from an import or a replay: only each instrument's newest is told
OLD_NS: Final = 10 * MINUTE_NS


class Tail(Protocol):
    """Samples in the order of arrival."""

    def last_seq(self) -> int: ...
    def read_after(self, seq: int, limit: int) -> list[tuple[int, Sample]]: ...
    def layouts(self) -> dict[int, Layout]: ...
    def newest(self, before_ns: int) -> list[Sample]:
        """The last sample before a time of every instrument."""
        ...

    def close(self) -> None: ...


class _Client:
    """One open page: its queue, and whether it fell behind."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE_SIZE)
        self.behind = False

    def put(self, event: bytes | None) -> None:
        """Queues an event; a page that can't keep up loses its queue and gets a snapshot instead."""
        if self.queue.full():
            while not self.queue.empty():
                self.queue.get_nowait()
            self.behind = True
        self.queue.put_nowait(event)


def encode(event: str, data: object, id: int | None = None) -> bytes:
    """One server-sent event."""
    head = f"id: {id}\n" if id is not None else ""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return f"{head}event: {event}\ndata: {text}\n\n".encode()


class Hub:
    """Follows a journal and fans its samples out; start and stop within one event loop."""

    def __init__(
        self,
        open_tail: Callable[[], Tail],
        clock: Clock,
        *,
        poll_s: float = POLL_S,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self._open_tail = open_tail
        self._clock = clock
        self._poll_s, self._heartbeat_s = poll_s, heartbeat_s
        self._tail: Tail | None = None
        self._layouts: dict[int, Layout] = {}
        self._clients: set[_Client] = set()
        self._ring: deque[tuple[int, bytes]] = deque(maxlen=RING_SIZE)
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._caught_up = asyncio.Event()
        self.state = LiveState()
        self.seq = 0

    @property
    def clients(self) -> int:
        """How many pages listen."""
        return len(self._clients)

    @property
    def following(self) -> bool:
        """Whether the journal is open."""
        return self._tail is not None

    def start(self) -> None:
        """Starts following in the running loop."""
        self._task = asyncio.get_running_loop().create_task(self._follow())

    async def caught_up(self, seconds: float) -> bool:
        """Waits until all that the journal holds is known, or there is none; False when that takes longer."""
        try:
            await asyncio.wait_for(self._caught_up.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """Ends every stream, so that a server can stop with pages open; call it in the loop."""
        self._closed = True
        for client in self._clients:
            client.put(None)

    async def stop(self) -> None:
        """Ends the streams and the following task."""
        self.close()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._tail is not None:
            self._tail.close()
            self._tail = None

    def snapshot(self) -> bytes:
        """The state of everything now, as an event."""
        return encode("snapshot", self.state.snapshot(self.seq, self._clock.now_ns()), self.seq)

    async def stream(self, last_id: int | None) -> AsyncIterator[bytes]:
        """The events of one page: what it missed after `last_id`, or a snapshot, then each new sample."""
        client = _Client()
        self._clients.add(client)
        try:
            yield b"retry: 2000\n\n"
            missed = self._missed(last_id)
            if missed is None:
                yield self.snapshot()
            else:
                for event in missed:
                    yield event
            while not self._closed:
                try:
                    event_or_end = await asyncio.wait_for(client.queue.get(), self._heartbeat_s)
                except TimeoutError:
                    yield HEARTBEAT
                    continue
                if event_or_end is None:
                    return
                if client.behind:
                    client.behind = False
                    while not client.queue.empty():
                        client.queue.get_nowait()
                    yield self.snapshot()
                    continue
                yield event_or_end
        finally:
            self._clients.discard(client)

    def _missed(self, last_id: int | None) -> list[bytes] | None:
        if last_id is None or not self._ring or not self._ring[0][0] - 1 <= last_id <= self.seq:
            return None
        return [event for seq, event in self._ring if seq > last_id]

    async def _follow(self) -> None:
        told = False
        while True:
            try:
                more = await asyncio.to_thread(self._pull)
            except StorageError as error:
                if not told:
                    log.warning("live page: %s", error)
                    told = True
                if self._tail is not None:
                    self._tail.close()
                    self._tail = None
                self._caught_up.set()
                await asyncio.sleep(RETRY_S)
                continue
            if told:
                log.warning("live page: the journal can be read again.")
                told = False
            events, whole_batch = more
            for seq, event in events:
                self._ring.append((seq, event))
                for client in self._clients:
                    client.put(event)
            if not whole_batch:
                self._caught_up.set()
            await asyncio.sleep(0 if whole_batch else self._poll_s)

    def _pull(self) -> tuple[list[tuple[int, bytes]], bool]:
        """Reads what is new into the state; gives the events to tell, and whether there is more."""
        if self._tail is None:
            self._tail = self._open_tail()
            last = self._tail.last_seq()
            if last < self.seq or self.seq == 0:
                self.seq = max(0, last - BACKFILL_ROWS)
                self._layouts = self._tail.layouts()
                # a clock that is ahead by more than a day is not believed
                latest_ns = self._clock.now_ns() + DAY_NS
                for sample in self._tail.newest(latest_ns) if self.seq else []:
                    self._learn(sample)
        rows = self._tail.read_after(self.seq, BATCH_ROWS)
        if not rows:
            return [], False
        old_ns = self._clock.now_ns() - OLD_NS
        kept: dict[object, tuple[int, Sample]] = {}
        for seq, sample in rows:
            if self._learn(sample):
                # old ones share one place per instrument, fresh ones have each their own
                key: object = seq if sample.time_ns >= old_ns else sample.instrument
                kept.pop(key, None)
                kept[key] = (seq, sample)
        self.seq = rows[-1][0]
        events = [
            (seq, encode("sample", self.state.sample(seq, sample, self._layouts[sample.layout]), seq))
            for seq, sample in sorted(kept.values(), key=lambda item: item[0])
        ]
        return events, len(rows) == BATCH_ROWS

    def _learn(self, sample: Sample) -> bool:
        if sample.layout not in self._layouts and self._tail is not None:
            self._layouts = self._tail.layouts()
        layout = self._layouts.get(sample.layout)
        return layout is not None and self.state.learn(sample, layout)
