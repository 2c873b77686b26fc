"""The watch: a loop that hangs is seen, told with its stack, and replaced; the others are not touched."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collector._notify import Notify
from collector._watch import Loop, Watch, within
from dodac.clock import SECOND_NS, ManualClock
from dodac.contracts import Event, EventKind


class Manager:
    """A service manager's socket."""

    def __init__(self, name: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + name[1:] if name.startswith("@") else name)
        self.socket.settimeout(2.0)
        self.environment = {"NOTIFY_SOCKET": name}

    def heard(self) -> list[str]:
        found = []
        self.socket.setblocking(False)
        while True:
            try:
                found.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return found


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    made = Manager(str(tmp_path / "notify") if request.param == "path" else f"@dodac-test-{id(tmp_path)}")
    yield made
    made.socket.close()


class Room:
    """Loops whose turns a test makes, a watch, and what it told."""

    def __init__(self, environment: dict[str, str] | None = None) -> None:
        self.clock = ManualClock()
        self.told: list[Event] = []
        self.notify = Notify(environment or {})
        self.watch = Watch(self.clock, self.told.append, self.notify)
        self.turned = {"one": 0, "two": 0}

    def loop(self, name: str, **extra: object) -> Loop:
        made = Loop(name, 30.0, lambda: self.turned[name], lambda: None, **extra)  # type: ignore[arg-type]
        self.watch.add(made)
        return made

    def seconds(self, number: int, *alive: str) -> list[bool]:
        sound = []
        for _ in range(number):
            self.clock.advance(1)
            for name in alive:
                self.turned[name] = self.clock.monotonic_ns()
            sound.append(self.watch.check())
        return sound


def test_the_manager_hears_ready_status_alive_and_stopping(manager: Manager) -> None:
    notify = Notify({**manager.environment, "WATCHDOG_USEC": "60000000"})
    assert notify.watchdog_s == 60
    assert notify.ready("10 instruments")
    assert notify.status("3 in flight\nREADY=1")
    assert notify.status("3 in flight\nREADY=1")
    assert notify.alive()
    assert notify.stopping()
    assert manager.heard() == [
        "READY=1\nSTATUS=10 instruments",
        "STATUS=3 in flight READY=1",
        "WATCHDOG=1",
        "STOPPING=1",
    ]


def test_without_a_manager_or_with_one_that_is_gone_nothing_is_raised(tmp_path: Path) -> None:
    assert not Notify({}).ready()
    assert not Notify({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).alive()
    assert not Notify({"NOTIFY_SOCKET": "/" + "x" * 300}).alive()


@pytest.mark.parametrize("usec", ["", "0", "soon", "-5", "٣"])
def test_a_watchdog_interval_that_is_none_is_not_taken_for_one(usec: str) -> None:
    assert Notify({"WATCHDOG_USEC": usec}).watchdog_s is None
    assert Notify({"WATCHDOG_USEC": "5000000", "WATCHDOG_PID": "1"}).watchdog_s is None


def test_a_loop_that_hangs_is_told_once_and_its_end_too() -> None:
    room = Room()
    room.loop("one")
    room.loop("two")
    assert all(room.seconds(120, "one", "two"))
    sound = room.seconds(120, "two")
    assert sound[:30] == [True] * 30
    assert not any(sound[30:])
    (alarm,) = room.told
    assert (alarm.kind, alarm.source) == (EventKind.ALARM, "watch one")
    assert alarm.data["state"] == "start"
    assert "31 s" in alarm.text
    assert [(state.name, state.state) for state in room.watch.states()] == [
        ("one", "stuck"),
        ("two", "turns"),
    ]
    assert all(room.seconds(5, "one", "two"))
    assert [event.kind for event in room.told] == [EventKind.ALARM, EventKind.FAULT_END]
    assert room.told[1].source == "watch one"


def test_a_machine_that_slept_does_not_make_every_loop_look_stuck() -> None:
    room = Room()
    room.loop("one")
    room.seconds(10, "one")
    room.clock.advance(3600)
    assert all(room.seconds(25))
    room.seconds(20, "one")
    assert not room.told


def test_a_loop_that_can_be_replaced_is_and_is_given_more_time_the_next_time(kit: Any) -> None:
    room = Room()
    loop = room.loop("one", restart=lambda: None)
    room.seconds(31)
    kit.until(lambda: loop.restarts == 1)
    assert loop.patience_s == 60
    assert "replaced" in room.told[0].text


def test_a_replacement_that_fails_leaves_the_loop_stuck_and_the_watch_going(
    caplog: pytest.LogCaptureFixture,
) -> None:
    room = Room()
    tried = threading.Event()

    def restart() -> None:
        tried.set()
        raise OSError("no such port")

    room.loop("one", restart=restart)
    with caplog.at_level(logging.ERROR):
        room.seconds(31)
        assert tried.wait(5)
        assert not any(room.seconds(40))
    assert len(room.told) == 1


def test_the_stack_of_the_hanging_thread_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    room = Room()
    free = threading.Event()

    def reading_a_line_that_never_answers() -> None:
        free.wait(30)

    thread = threading.Thread(target=reading_a_line_that_never_answers, daemon=True)
    thread.start()
    room.watch.add(Loop("bus1", 30.0, lambda: 0, lambda: thread))
    with caplog.at_level(logging.ERROR):
        room.seconds(31)
    free.set()
    assert "reading_a_line_that_never_answers" in caplog.text


def test_a_thread_that_has_ended_is_seen_at_once() -> None:
    room = Room()
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
    room.watch.add(Loop("bus1", 30.0, room.clock.monotonic_ns, lambda: thread))
    assert not room.watch.check()
    assert "has ended" in room.told[0].text


def test_a_thread_that_waits_for_room_is_held_up_and_not_stuck() -> None:
    """A full disk holds up every source: killing their threads would lose what they hold."""
    room = Room()
    free = threading.Event()
    thread = threading.Thread(target=free.wait, args=(30,), daemon=True)
    thread.start()
    room.watch.add(Loop("bus1", 30.0, lambda: 0, lambda: thread, held=within(threading.__file__)))
    assert all(room.seconds(40))
    assert not room.told
    assert room.watch.states()[0].state == "held up"
    assert room.watch.states()[0].silent_s == 40
    free.set()


def test_the_manager_is_not_told_alive_while_a_loop_is_stuck(manager: Manager) -> None:
    room = Room(manager.environment)
    turns = 0
    heard: list[str] = []

    class Turns(ManualClock):
        def wait(self, event: threading.Event, seconds: float) -> bool:
            nonlocal turns
            turns += 1
            self.advance(seconds)
            heard.extend(manager.heard())  # the socket of a manager keeps few datagrams
            if turns <= 20:
                room.turned["one"] = self.monotonic_ns()
            return turns > 60

    clock = Turns()
    seen: list[Event] = []
    watch = Watch(clock, seen.append, room.notify)
    watch.add(Loop("one", 10.0, lambda: room.turned["one"], lambda: None))
    watch.start()
    watch.stop()
    assert heard == ["WATCHDOG=1"] * 30
    assert len(seen) == 1
    assert clock.monotonic_ns() == 61 * SECOND_NS


def test_a_chore_that_fails_is_logged_once_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    done = []
    turns = 0

    class Turns(ManualClock):
        def wait(self, event: threading.Event, seconds: float) -> bool:
            nonlocal turns
            turns += 1
            return turns > 5

    def fails() -> None:
        raise OSError("the disk is away")

    watch = Watch(Turns(), lambda event: None, Notify({}), (fails, lambda: done.append(1)))
    with caplog.at_level(logging.ERROR):
        watch.start()
        watch.stop()
    assert len(done) == 5
    assert caplog.text.count("fails failed") == 1
