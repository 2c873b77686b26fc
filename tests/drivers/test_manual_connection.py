"""Readings by hand become samples: acknowledged after the commit, never twice, never blocked by one that is bad."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from dodac.clock import SECOND_NS, ManualClock
from dodac.contracts import DeadLetter, Event, EventKind
from dodac.errors import ConfigError
from dodac.quantities import Measurement
from dodac.samples import Layout, Sample
from dodac.site import parse_site
from drivers import open_connections
from drivers._spool import Spool
from drivers.manual_connection import ManualStream
from drivers.manual_forms import form_of, site_forms
from drivers.protocols.manual import Typed
from drivers.protocols.manual_entry import Entry, canonical

SITE = """[site]
id = "a"
company = "b"
[connections.hand]
kind = "manual"
[[instruments]]
id = "kit"
profile = "manual.water-kit"
connection = "hand"
[[instruments]]
id = "gauge.air"
profile = "manual.gauge-pressure"
connection = "hand"
measurement = "ambient"
"""


class Box:
    """An inbox that commits when told."""

    def __init__(self) -> None:
        self.samples_: list[Sample] = []
        self.letters: list[DeadLetter] = []
        self.events: list[Event] = []
        self.dones: list[Callable[[], None]] = []
        self.came = threading.Event()

    def layout(self, layout: Layout) -> None:
        assert layout.channels

    def sample(self, sample: Sample, *, source: str, done: Callable[[], None] | None = None) -> None:
        assert source == "hand"
        self.samples_.append(sample)
        self.came.set()
        if done is not None:
            self.dones.append(done)

    def samples(self, samples: object, *, source: str, done: object = None) -> None:
        raise AssertionError

    def dead_letter(self, letter: DeadLetter, *, done: Callable[[], None] | None = None) -> None:
        self.letters.append(letter)
        if done is not None:
            self.dones.append(done)

    def event(self, event: Event) -> None:
        self.events.append(event)

    def commit(self) -> None:
        dones, self.dones = self.dones, []
        for done in dones:
            done()


@pytest.fixture
def world(tmp_path: Path) -> tuple[ManualStream, Spool, Box, ManualClock]:
    site = parse_site(SITE, tmp_path / "site.toml")
    clock = ManualClock()
    (stream,) = open_connections(site, clock)
    assert isinstance(stream, ManualStream)
    return stream, Spool.beside(site.journal_path), Box(), clock


def _put(spool: Spool, tmp_path: Path, ph: str, id: str = "abcdef01") -> Path:
    form = form_of(parse_site(SITE, tmp_path / "site.toml"), "kit").form
    at = 1_790_000_000 * SECOND_NS
    entry = Entry(id, "kit", {"ph": Typed(ph)}, at, at)
    return spool.put("kit", id, canonical(entry, form, form.check(entry.values, at, at, at).read))


def test_a_file_goes_only_after_the_commit_that_holds_its_sample(
    world: tuple[ManualStream, Spool, Box, ManualClock], tmp_path: Path
) -> None:
    stream, spool, box, _ = world
    path = _put(spool, tmp_path, "7,2")
    stream.take_once(box)
    stream.look()  # while it is being committed it is not taken again
    assert len(box.samples_) == 1
    assert path.exists()
    box.commit()
    assert not path.exists()
    assert box.samples_[0].raw is not None
    assert stream.status().last_good_ns == {"kit": 1_790_000_000 * SECOND_NS}


def test_a_crash_between_commit_and_removal_gives_the_very_same_sample_again(
    world: tuple[ManualStream, Spool, Box, ManualClock], tmp_path: Path
) -> None:
    stream, spool, box, clock = world
    _put(spool, tmp_path, "7,2")
    stream.take_once(box)
    again = ManualStream("hand", spool, [(o.form, o.measurement) for o in _forms(tmp_path)], clock)
    second = Box()
    again.take_once(second)
    assert [s.digest() for s in second.samples_] == [s.digest() for s in box.samples_]


def _forms(tmp_path: Path) -> list[object]:
    return list(site_forms(parse_site(SITE, tmp_path / "site.toml")).values())


def test_a_damaged_entry_is_a_dead_letter_and_holds_up_no_other(
    world: tuple[ManualStream, Spool, Box, ManualClock], tmp_path: Path
) -> None:
    stream, spool, box, _ = world
    bad = _put(spool, tmp_path, "7,1", "aaaaaaaa")
    bad.write_bytes(bad.read_bytes()[:50])
    spool.put("kit", "bbbbbbbb", b'{"no": "entry"}')
    misnamed = _put(spool, tmp_path, "7,3", "cccccccc")
    misnamed.rename(misnamed.with_name("kit.dddddddd.json"))
    _put(spool, tmp_path, "7,4", "eeeeeeee")
    stream.take_once(box)
    assert [s.values[0] for s in box.samples_] == [7.4]
    assert len(box.letters) == 3
    assert {event.kind for event in box.events} == {EventKind.ALARM}
    assert len(list(spool.waiting())) == 4
    box.commit()
    assert list(spool.waiting()) == []
    assert [entry for entry, _ in spool.refused("kit")] == ["aaaaaaaa", "bbbbbbbb", "dddddddd"]


def test_entries_of_an_instrument_that_is_not_here_wait(
    world: tuple[ManualStream, Spool, Box, ManualClock],
) -> None:
    stream, spool, box, _ = world
    spool.put("elsewhere", "abcdef01", b"whatever")
    stream.take_once(box)
    box.commit()
    assert len(list(spool.waiting())) == 1
    assert not box.letters


def test_a_spool_that_can_not_be_read_is_told_once_and_when_it_is_back(
    world: tuple[ManualStream, Spool, Box, ManualClock],
) -> None:
    stream, spool, box, _ = world
    spool.folder.parent.mkdir(parents=True)
    spool.folder.write_text("a file where the folder should be")
    stream.take_once(box)
    stream.look()
    assert [event.kind for event in box.events] == [EventKind.FAULT_START]
    assert stream.status().state != "up"
    spool.folder.unlink()
    stream.look()
    assert [event.kind for event in box.events] == [EventKind.FAULT_START, EventKind.FAULT_END]


def test_it_starts_looks_and_stops(
    world: tuple[ManualStream, Spool, Box, ManualClock], tmp_path: Path
) -> None:
    stream, spool, box, _ = world
    _put(spool, tmp_path, "7,2")
    stream.start(box)
    assert box.came.wait(10)
    stream.stop()
    assert len(box.samples_) == 1
    assert stream.status().state == "down"
    assert not stream.polled
    assert not stream.poll("kit", 0)


def test_a_gauge_belongs_to_what_the_site_file_says(
    world: tuple[ManualStream, Spool, Box, ManualClock],
) -> None:
    stream = world[0]
    assert stream.measurement("gauge.air") is Measurement.AMBIENT
    assert stream.measurement("kit") is Measurement.WATER
    assert stream.instruments == ("kit", "gauge.air")


def test_a_meter_on_a_line_is_no_form_and_a_form_is_on_no_line(tmp_path: Path) -> None:
    wrong = SITE.replace("manual.water-kit", "eastron.sdm630")
    with pytest.raises(ConfigError, match="read over a line") as error:
        open_connections(parse_site(wrong, tmp_path / "site.toml"), ManualClock())
    assert error.value.where.line == 8
    with pytest.raises(ConfigError, match='Did you mean "kit"'):
        form_of(parse_site(SITE, tmp_path / "site.toml"), "kitt")
    serial = SITE.replace('kind = "manual"', 'kind = "serial"\nport = "/dev/null"')
    with pytest.raises(ConfigError, match="manual"):
        open_connections(parse_site(serial, tmp_path / "site.toml"), ManualClock())
