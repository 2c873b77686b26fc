"""The live stream: every new sample reaches every page once, and a slow page does not hold the others."""

import asyncio
import json
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from api.live import BATCH_ROWS, OLD_NS, QUEUE_SIZE, Hub, _Client
from dodac.clock import SECOND_NS, ManualClock
from dodac.errors import StorageError
from dodac.samples import Flag, Layout, Reason, Sample

POWER = Layout("power", ("power_w", "energy_import_kwh"))
FLUE = Layout("flue", ("o2_pct", "co_ppm"))


@dataclass
class FakeTail:
    """A journal in memory."""

    rows: list[tuple[int, Sample]] = field(default_factory=list)
    broken: bool = False

    def add(self, sample: Sample) -> int:
        self.rows.append((len(self.rows) + 1, sample))
        return len(self.rows)

    def last_seq(self) -> int:
        if self.broken:
            raise StorageError("there is no journal here.")
        return len(self.rows)

    def read_after(self, seq: int, limit: int) -> list[tuple[int, Sample]]:
        if self.broken:
            raise StorageError("the journal can't be read.")
        return self.rows[seq : seq + limit]

    def layouts(self) -> dict[int, Layout]:
        return {layout.id: layout for layout in (POWER, FLUE)}

    def newest(self, before_ns: int) -> list[Sample]:
        return list({sample.instrument: sample for _, sample in self.rows}.values())

    def close(self) -> None:
        self.broken = True


def _parse(event: bytes) -> tuple[str, int | None, Any]:
    lines = dict(
        line.split(": ", 1) for line in event.decode().strip().split("\n") if not line.startswith(":")
    )
    number = lines.get("id")
    return lines.get("event", ""), int(number) if number else None, json.loads(lines.get("data", "null"))


async def _next(stream: AsyncIterator[bytes], event: str) -> tuple[int | None, Any]:
    async with asyncio.timeout(30):
        while True:
            name, number, data = _parse(await anext(stream))
            if name == event:
                return number, data


def _hub(tail: FakeTail, clock: ManualClock) -> Hub:
    return Hub(lambda: tail, clock, poll_s=0.005, heartbeat_s=0.05)


def test_a_page_gets_the_present_state_and_then_each_new_sample() -> None:
    async def scenario() -> None:
        tail, clock = FakeTail(), ManualClock()
        tail.add(POWER.sample(clock.now_ns(), {"power_w": 31_500.0}))
        tail.add(FLUE.sample(clock.now_ns(), {"o2_pct": 5.4}, flags=[Flag("co_ppm", Reason.SENTINEL)]))
        hub = _hub(tail, clock)
        hub.start()
        await asyncio.sleep(0.03)
        stream = hub.stream(None)
        number, data = await _next(stream, "snapshot")
        assert number == data["seq"] == 2
        assert data["now_ms"] == clock.now_ns() // 1_000_000
        flue, power = data["instruments"]
        assert flue["readings"][1] == {
            "channel": "co_ppm", "unit": "ppm", "value": None, "time_ms": data["now_ms"], "reason": "sentinel",
        }  # fmt: skip
        assert power["readings"][0]["value"] == 31_500.0
        assert power["course"] == {"channel": "power_w", "points": [[data["now_ms"], 31_500.0]]}
        clock.advance(1)
        tail.add(POWER.sample(clock.now_ns(), {"power_w": 32_000.0}))
        number, data = await _next(stream, "sample")
        assert number == data["seq"] == 3
        assert data["instrument"] == "power"
        assert data["values"] == {"power_w": 32_000.0}
        assert data["units"] == {"power_w": "W"}
        assert data["time"].endswith("Z")
        await _next(stream, "heartbeat")
        await hub.stop()
        with pytest.raises(StopAsyncIteration):
            await _next(stream, "sample")
        assert hub.clients == 0

    asyncio.run(scenario())


def test_a_page_that_comes_back_gets_exactly_what_it_missed() -> None:
    async def scenario() -> None:
        tail, clock = FakeTail(), ManualClock()
        for number in range(10):
            clock.advance(1)
            tail.add(POWER.sample(clock.now_ns(), {"power_w": float(number)}))
        hub = _hub(tail, clock)
        hub.start()
        await asyncio.sleep(0.05)
        stream = hub.stream(7)
        assert [(await _next(stream, "sample"))[0] for _ in range(3)] == [8, 9, 10]
        # an id of another journal, or too long ago, starts afresh
        for unknown in (99, -1):
            assert (await _next(hub.stream(unknown), "snapshot"))[0] == 10
        await hub.stop()

    asyncio.run(scenario())


def test_a_slow_page_loses_its_queue_and_not_the_others() -> None:
    async def scenario() -> None:
        tail, clock = FakeTail(), ManualClock()
        hub = _hub(tail, clock)
        hub.start()
        slow, quick = hub.stream(None), hub.stream(None)
        await _next(slow, "snapshot")
        await _next(quick, "snapshot")
        seen: list[int | None] = []
        for number in range(QUEUE_SIZE * 2):
            clock.advance(1)
            tail.add(POWER.sample(clock.now_ns(), {"power_w": float(number)}))
            seen.append((await _next(quick, "sample"))[0])
        assert seen == list(range(1, QUEUE_SIZE * 2 + 1))
        _, data = await _next(slow, "snapshot")
        assert data["instruments"][0]["readings"][0]["value"] == QUEUE_SIZE * 2 - 1
        await hub.stop()

    asyncio.run(scenario())


def test_a_replay_of_years_tells_only_the_newest_of_each_instrument() -> None:
    async def scenario() -> None:
        tail, clock = FakeTail(), ManualClock()
        hub = _hub(tail, clock)
        hub.start()
        stream = hub.stream(None)
        await _next(stream, "snapshot")
        old_ns = clock.now_ns() - 100 * OLD_NS
        for number in range(BATCH_ROWS):
            tail.rows.append(
                (number + 1, POWER.sample(old_ns + number * SECOND_NS, {"energy_import_kwh": float(number)}))
            )
        events = 0
        last = None
        while last != BATCH_ROWS:
            last, data = await _next(stream, "sample")
            events += 1
        assert events < 20
        assert data["values"] == {"energy_import_kwh": float(BATCH_ROWS - 1)}
        await hub.stop()

    asyncio.run(scenario())


def test_an_older_sample_never_replaces_a_newer_one() -> None:
    async def scenario() -> None:
        tail, clock = FakeTail(), ManualClock()
        hub = _hub(tail, clock)
        hub.start()
        stream = hub.stream(None)
        await _next(stream, "snapshot")
        tail.add(POWER.sample(clock.now_ns(), {"power_w": 2.0}))
        await _next(stream, "sample")
        tail.add(POWER.sample(clock.now_ns() - SECOND_NS, {"power_w": 1.0}))
        tail.add(POWER.sample(clock.now_ns() + SECOND_NS, {"energy_import_kwh": 7.0}))
        _, data = await _next(stream, "sample")
        assert data["values"] == {"energy_import_kwh": 7.0}
        readings = {reading.channel: reading.value for reading in hub.state.instruments()["power"][0]}
        assert readings == {"power_w": 2.0, "energy_import_kwh": 7.0}
        await hub.stop()

    asyncio.run(scenario())


def test_a_journal_that_comes_later_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.live.RETRY_S", 0.01)

    async def scenario() -> None:
        tail, clock = FakeTail(broken=True), ManualClock()
        hub = _hub(tail, clock)
        hub.start()
        stream = hub.stream(None)
        _, data = await _next(stream, "snapshot")
        assert data["instruments"] == []
        tail.broken = False
        tail.add(POWER.sample(clock.now_ns(), {"power_w": 1.0}))
        assert (await _next(stream, "sample"))[1]["values"] == {"power_w": 1.0}
        await hub.stop()

    asyncio.run(scenario())


def test_the_end_reaches_a_page_even_when_its_queue_is_full() -> None:
    async def scenario() -> None:
        client = _Client()
        for _ in range(QUEUE_SIZE):
            client.put(b"x")
        client.put(None)
        assert client.queue.get_nowait() is None

    asyncio.run(scenario())


def test_a_value_that_json_has_no_word_for_never_reaches_the_stream() -> None:
    sample = POWER.sample(0, {"power_w": 1.0}, flags=[Flag("energy_import_kwh", Reason.CRC, math.inf)])
    from api._state import LiveState

    data = LiveState().sample(1, sample, POWER)
    assert json.loads(json.dumps(data, allow_nan=False))["flags"] == [
        {"channel": "energy_import_kwh", "reason": "crc"}
    ]


def test_the_first_page_after_a_start_shows_what_is_newest() -> None:
    async def act() -> None:
        tail = FakeTail()
        for number in range(3 * BATCH_ROWS + 1):
            tail.add(POWER.sample(number * SECOND_NS, {"energy_import_kwh": float(number)}))
        hub = Hub(lambda: tail, ManualClock())
        hub.start()
        try:
            assert await hub.caught_up(30)
            assert hub.seq == 3 * BATCH_ROWS + 1
        finally:
            await hub.stop()

    asyncio.run(act())


def test_a_start_without_a_journal_does_not_wait_for_one() -> None:
    async def act() -> None:
        hub = Hub(lambda: FakeTail(broken=True), ManualClock())
        hub.start()
        try:
            assert await hub.caught_up(30)
        finally:
            await hub.stop()

    asyncio.run(act())
