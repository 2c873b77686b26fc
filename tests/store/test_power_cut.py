"""A switch at the wall: what was not synced is dropped or torn, and every acknowledged sample is there all the same.

A kill leaves the page cache; a power cut does not. So the writes, syncs and names of a real journal's
files are recorded under load (native/record_writes.c), and the disk is rebuilt as it may stand after a
cut at any moment: each file has what was written before its last sync, and of what came after it
nothing, all, some, or a last write torn at a sector's edge. Names (new, renamed, deleted files) last
from the sync of their folder on; later ones may be kept in their order, as file systems with a log of
metadata keep them.
"""

from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dodac.contracts import EventKind
from dodac.samples import Layout
from store import Journal

ROOT = Path(__file__).resolve().parents[2]
T0 = 1_790_000_000_000_000_000
METER = Layout("meter-1", ("power_w", "energy_import_kwh", "frequency_hz"))
SECTOR = 512
SYNC_FREE = Path("/dev/shm")  # noqa: S108 - the syncs are in the record; what they cost is not tried here

_CHILD = """
import os, random, sys
from pathlib import Path
from collector.ingest import Ingest
from dodac.clock import SystemClock
from dodac.contracts import DeadLetter, Event, EventKind
from dodac.samples import Layout
from store import Journal

folder, total, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
T0 = 1_790_000_000_000_000_000
meter = Layout("meter-1", ("power_w", "energy_import_kwh", "frequency_hz"))
acks = os.open(folder / "acks", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
chance = random.Random(seed)
n = 0
for session in range(4):
    journal = Journal.open(folder / "j.db")
    journal.tune(200_000)  # checkpoints and new rounds of the WAL, many of them
    ingest = Ingest(journal, SystemClock(), window=64, group_ms=3, idle_ms=1)
    ingest.start()
    ingest.layout(meter)
    while n < total * (session + 1) // 4:
        def done(n=n):
            os.write(acks, b"%d\\n" % n)
        sample = meter.sample(T0 + n, {"power_w": n / 7, "energy_import_kwh": float(n), "frequency_hz": 50.0})
        ingest.sample(sample, source="bus", done=done)
        n += 1
        if n % 40 == 0:
            ingest.event(Event(T0 + n, EventKind.NOTE, "note %d" % n, "bus"))
            ingest.dead_letter(DeadLetter(T0 + n, "mqtt", "t", b"x" * chance.randrange(3000), "not JSON"))
        if n % 200 == 0:
            assert ingest.flush()
            journal.mark("influx", range(1, n // 2), "delivered")
            journal.pack(T0 + n - 100, limit=100, whole=False)
    assert ingest.stop()
    journal.close()
"""

# a rebuild at a start and in use, one version back and forward, limits, a backup put back, a journal written anew
_CARE = """
import os, sys
from pathlib import Path
from dodac.contracts import Event, EventKind
from dodac.samples import Layout
from store import Journal, Keeper, Limits
from store.keeping import backup, restore, rewrite
from store.versions import go_back

folder, share, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
T0 = 1_790_000_000_000_000_000
meter = Layout("meter-1", ("power_w", "energy_import_kwh", "frequency_hz"))
acks = os.open(folder / "acks", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
path, n = folder / "j.db", 0

def put(journal):
    global n
    journal.layout(meter)
    for first in range(n, n + share, 10):
        rows = [meter.sample(T0 + k, {"power_w": k / 7, "energy_import_kwh": float(k), "frequency_hz": 50.0})
                for k in range(first, first + 10)]
        journal.commit([("bus", row) for row in rows] + [("bus", Event(T0 + n, EventKind.NOTE, "a", "bus"))])
        n = first + 10
        os.write(acks, b"%d\\n" % (n - 1))

def damage(table, journal):
    sql = "SELECT rootpage FROM sqlite_master WHERE name = ?"
    (page,) = journal._db.execute(sql, (table,)).fetchone()
    journal.checkpoint()
    file = os.open(path, os.O_WRONLY)
    os.pwrite(file, b"\\xa5" * 8, (page - 1) * 4096)
    os.fsync(file)
    os.close(file)

with Journal.open(path) as journal:
    put(journal)
    damage("names", journal)
with Journal.open(path) as journal:
    put(journal)
    damage("samples_key", journal)
    assert journal.verify()
    put(journal)
    assert journal.verify() == []
    while journal.pack(T0 + n - 20, limit=60, whole=False):
        pass
go_back(path)
with Journal.open(path) as journal:
    put(journal)
    Keeper(journal, Limits(max_age_ns=1), []).by_age(T0 + 10)
backup(path, folder / "b.db")
restore(path, folder / "b.db")
with Journal.open(path) as journal:
    put(journal)
rewrite(path, lambda words: None)
with Journal.open(path) as journal:
    put(journal)
    assert journal.verify() == []
"""


@dataclass(frozen=True)
class Op:
    """One entry of the record."""

    kind: str
    number: int
    place: int
    name: str
    data: bytes


@dataclass
class Inode:
    """A file's writes and sizes; `synced`: how many of them are certain."""

    ops: list[Op] = field(default_factory=list)
    synced: int = 0


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("cc") is None:
        if os.environ.get("DODAC_REQUIRE_SERVERS") == "1":
            pytest.fail("no C compiler (cc)")
        pytest.skip("no C compiler (cc)")
    built = tmp_path_factory.mktemp("shim") / "record_writes.so"
    source = Path(__file__).parent / "native" / "record_writes.c"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", built, source, "-ldl", "-pthread"], check=True)
    return built


def _record(shim: Path, base: Path, total: int, seed: int, child: str = _CHILD) -> list[Op]:
    folder = base / "live"
    folder.mkdir()
    log = base / "record"
    env = os.environ | {"LD_PRELOAD": str(shim), "RECORD_FOLDER": str(folder), "RECORD_LOG": str(log)}
    done = subprocess.run(
        [sys.executable, "-c", child, str(folder), str(total), str(seed)],
        cwd=ROOT, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return list(_read(log.read_bytes()))


def _read(data: bytes) -> Iterator[Op]:
    place = 0
    while place < len(data):
        number, where, names, length = struct.unpack_from("<QQQQ", data, place + 1)
        begin = place + 33
        name = data[begin : begin + names].decode()
        yield Op(chr(data[place]), number, where, name, data[begin + names : begin + names + length])
        place = begin + names + length


class Disk:
    """What is certain and what is not, after each operation."""

    def __init__(self) -> None:
        self.inodes: list[Inode] = []
        self.by_number: dict[int, int] = {}
        self.names: list[Op] = []
        self.names_synced = 0
        self.acked = 0

    def take(self, op: Op) -> None:
        match op.kind:
            case "C":
                self.by_number[op.number] = len(self.inodes)
                self.inodes.append(Inode())
                self.names.append(Op("C", self.by_number[op.number], 0, op.name, b""))
            case "W" | "T":
                self.inodes[self.by_number[op.number]].ops.append(op)
            case "S":
                inode = self.inodes[self.by_number[op.number]]
                inode.synced = len(inode.ops)
            case "D":
                self.names_synced = len(self.names)
            case "R" | "U" | "L":
                self.names.append(op)
            case "A":
                self.acked = max(self.acked, int(op.data.split()[-1]) + 1)

    def build(self, folder: Path, how: str, chance: random.Random) -> None:
        """Writes the folder as it may stand after a cut at this moment."""
        later = len(self.names) - self.names_synced
        kept = {"drop": 0, "all": later}.get(how, chance.randint(0, later))
        names: dict[str, int] = {}
        for op in self.names[: self.names_synced + kept]:
            if op.kind == "C":
                names[op.name] = op.number
            elif op.kind == "U":
                names.pop(op.name, None)
            elif op.name in names:
                names[op.data.decode()] = names[op.name] if op.kind == "L" else names.pop(op.name)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, number in names.items():
            if not name.endswith("/acks"):
                (folder / Path(name).name).write_bytes(_content(self.inodes[number], how, chance))


def _content(inode: Inode, how: str, chance: random.Random) -> bytes:
    content = bytearray()
    for op in inode.ops[: inode.synced]:
        _apply(content, op)
    later = inode.ops[inode.synced :]
    if how == "all":
        for op in later:
            _apply(content, op)
    elif how == "some":
        for op in later:
            if chance.random() < 0.5:
                _apply(content, op)
    elif how == "torn":
        last = chance.randint(0, len(later))
        for op in later[:last]:
            _apply(content, op)
        if last < len(later):
            _apply(content, _torn(later[last], chance))
    elif how == "sectors":
        for op in later:
            for piece in _sectors(op):
                if chance.random() < 0.5:
                    _apply(content, piece)
    return bytes(content)


def _sectors(op: Op) -> list[Op]:
    if op.kind == "T":
        return [op]
    found, begin = [], op.place
    end = op.place + len(op.data)
    while begin < end:
        stop = min(end, (begin // SECTOR + 1) * SECTOR)
        found.append(Op("W", op.number, begin, "", op.data[begin - op.place : stop - op.place]))
        begin = stop
    return found


def _torn(op: Op, chance: random.Random) -> Op:
    pieces = _sectors(op)
    kept = pieces[: chance.randint(0, len(pieces))]
    return op if op.kind == "T" else Op("W", op.number, op.place, "", b"".join(piece.data for piece in kept))


def _apply(content: bytearray, op: Op) -> None:
    if op.kind == "T":
        del content[op.place :]
        content.extend(bytes(op.place - len(content)))
        return
    if not op.data:
        return
    content.extend(bytes(max(0, op.place - len(content))))
    content[op.place : op.place + len(op.data)] = op.data


HOWS = ("drop", "all", "some", "torn", "sectors")


def _check(folder: Path, acked: int, what: str, damaged: bool) -> int:
    """Opens what a cut left; gives how many acknowledged samples are gone, those apart that limits took."""
    with Journal.open(folder / "j.db") as journal:
        rows = journal.read_after(0, 10**6)
        have = {sample.time_ns - T0: sample for _, sample in rows}
        gone = max(0, len(set(range(acked)) - have.keys()) - journal.counts().dropped)
        for n, sample in have.items():
            said = {"power_w": n / 7, "energy_import_kwh": float(n), "frequency_hz": 50.0}
            assert sample.canonical() == METER.sample(T0 + n, said).canonical(), what
        assert len(have) == len(rows), f"{what}: twice"
        assert journal.counts().lost == 0, what
        told = [event.text for _, event in journal.events_after(0, 10_000) if event.kind is EventKind.DAMAGE]
        assert damaged or told == [], what
        journal.layout(METER)
        journal.commit([("bus", METER.sample(T0 + 10**9, {"power_w": 1.0}))])
    return gone


def _cuts(
    ops: list[Op], base: Path, count: int, seed: int, *, damaged: bool = False
) -> tuple[Counter[str], int]:
    chance = random.Random(seed)
    moments = sorted(chance.sample(range(len(ops) + 1), min(count, len(ops) + 1)))
    disk, tried, lost, place = Disk(), Counter[str](), 0, 0
    for number, moment in enumerate(moments):
        for op in ops[place:moment]:
            disk.take(op)
        place = moment
        how = HOWS[number % len(HOWS)]
        disk.build(base / "cut", how, chance)
        lost += _check(
            base / "cut", disk.acked, f"cut after operation {moment} of {len(ops)}, {how}", damaged
        )
        tried[how] += 1
    return tried, lost


@pytest.fixture
def base() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=SYNC_FREE if SYNC_FREE.is_dir() else None) as made:
        yield Path(made)


def test_every_acknowledged_sample_is_there_after_a_power_cut_at_any_of_500_moments(
    shim: Path, base: Path, fault_row: Any
) -> None:
    ops = _record(shim, base, total=1200, seed=1)
    kinds = Counter(op.kind for op in ops)
    assert kinds["A"] == 1200
    assert kinds["S"] > 50
    tried, lost = _cuts(ops, base, count=510, seed=2)
    sys.stdout.write(
        f"{tried.total()} power cuts in {len(ops)} operations {dict(kinds)}: {dict(tried)}, {lost} lost\n"
    )
    assert tried.total() >= 500
    assert lost == 0
    fault_row(
        "power cut at 510 moments under load (starts, commits, checkpoints, packing): what was not synced is dropped, "
        "kept in part, or torn at a sector",
        "the next start has every acknowledged sample bit by bit, and tells no damage",
        lost,
        chapter="power",
    )


def test_a_power_cut_in_a_rebuild_an_upgrade_a_restore_or_while_limits_drop_loses_nothing(
    shim: Path, base: Path, fault_row: Any
) -> None:
    ops = _record(shim, base, total=60, seed=1, child=_CARE)
    tried, lost = _cuts(ops, base, count=400, seed=3, damaged=True)
    sys.stdout.write(f"{tried.total()} power cuts in {len(ops)} operations, {lost} lost\n")
    assert tried.total() == 400
    assert lost == 0
    fault_row(
        "power cut at 400 moments while a journal is made, rebuilt (at a start, in use), brought back and forward, "
        "dropped from by limits, restored and written anew",
        "the next start goes on with what was begun; every acknowledged sample is there or counted as dropped",
        lost,
        "DAMAGE event of what was rebuilt",
        chapter="power",
    )


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_power_cut_at_every_moment_of_a_rebuild_an_upgrade_or_a_restore(shim: Path, base: Path) -> None:
    ops = _record(shim, base, total=60, seed=1, child=_CARE)
    for turn in range(10):
        assert _cuts(ops, base, count=len(ops), seed=turn, damaged=True)[1] == 0


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(10))
def test_every_acknowledged_sample_is_there_after_a_power_cut_at_any_moment(
    shim: Path, base: Path, seed: int
) -> None:
    ops = _record(shim, base, total=2400, seed=seed)
    for how in range(3):
        _, lost = _cuts(ops, base, count=2000, seed=100 * seed + how)
        assert lost == 0
