"""How many wrong values Modbus clients pass as good when answers come late or damaged, in one run.

Two simulated SDM630 stand on one pseudo-terminal at real line speed. A seeded script gives each request
the line hears its fault; every client gets the same script. Each reads the same registers in cycles:
dodac through its reader, the others in a simple loop, one value a request, with their own defaults.
A value counts as wrong when it is given as good and is not what its register holds (values stand still
and all differ, so a value of another register is seen). Peers are installed with pip into environments
of their own under the user's cache folder; one that can't be installed is said so.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from _machine import describe

from drivers.catalogue import load_profile
from drivers.profile import ModbusProfile
from drivers.simulator import Fault, SimulatedBus, SimulatedUnit

HERE = Path(__file__).parent
PROFILE = "eastron.sdm630"
UNITS = (1, 2)
BAUD = 19200
LATENCY_S = 0.01
TIMEOUT_S = 0.1
GUARD_S = 0.3
NAMES = {
    "late_within": "late, within the guard",
    "late_after": "late, after the guard",
    "crc": "one bit flipped",
    "truncated": "broken off",
    "noise": "noise before the answer",
    "echo": "echo of the request",
    "exception": "exception 04",
    "wrong_unit": "another unit's number",
    "dead": "no answer",
}


@dataclass(frozen=True)
class Peer:
    """A client: its package as pip names it, and the oldest Python it runs on."""

    name: str
    package: str = ""
    python: tuple[int, int] = (3, 11)


PEERS = (
    Peer("dodac"),
    Peer("pymodbus"),
    Peer("minimalmodbus", "minimalmodbus==2.1.1"),
    Peer("tmodbus", "tmodbus[async-serial]==1.1.0", (3, 12)),
)


class NotInstalledError(Exception):
    """A peer that can't be run here; the text says why."""


class Script:
    """Faults by request: the same seed gives the same faults in the same order."""

    def __init__(self, seed: int, rate: float) -> None:
        self._chance = random.Random(seed)
        self._rate = rate
        self.given: Counter[str] = Counter()

    def __call__(self) -> Sequence[Fault]:
        strikes, kind = self._chance.random() < self._rate, self._chance.choice(tuple(NAMES))
        part = self._chance.random()
        if not strikes:
            return ()
        self.given[kind] += 1
        if kind == "late_within":
            return (Fault("late", seconds=TIMEOUT_S + 0.02 + part * (GUARD_S - 0.08)),)
        if kind == "late_after":
            return (Fault("late", seconds=TIMEOUT_S + GUARD_S + 0.05 + part * 0.6),)
        return (Fault(kind),)


@dataclass(frozen=True)
class Outcome:
    """Counts of values: wrong ones given as good, right ones, and none (flagged, failed, left out)."""

    wrong: int
    right: int
    none: int
    requests: int
    faults: Counter[str]


def truths(profile: ModbusProfile) -> dict[int, dict[str, float]]:
    """A value for each channel of each unit, all different and within the profile's ranges."""
    found = {}
    for unit in UNITS:
        values = {name: 100.0 + 10 * unit + place / 4 for place, name in enumerate(profile.channels)}
        found[unit] = {**values, "frequency_hz": 49.0 + unit / 2, "power_factor": 0.5 + unit / 8}
    return found


def run(peer: Peer, python: Path, *, seed: int, rate: float, faults: int) -> Outcome:
    """Reads the line with one client in its own process until the script has given its faults."""
    profile = load_profile(PROFILE)
    assert isinstance(profile, ModbusProfile)
    values = truths(profile)
    wanted = [values[unit][name] for unit in UNITS for name in profile.channels]
    script = Script(seed, rate)
    units = {unit: SimulatedUnit(profile, partial(values.__getitem__, unit)) for unit in UNITS}
    wrong = right = none = 0
    with SimulatedBus(units, baud=BAUD, latency_s=LATENCY_S, seed=seed, script=script) as line:
        job = {
            "client": peer.name,
            "port": line.path,
            "baud": BAUD,
            "timeout_s": TIMEOUT_S,
            "guard_s": GUARD_S,
            "profile": PROFILE,
            "registers": [(unit, c.address) for unit in UNITS for c in profile.channels.values()],
        }
        for cycle in cycles(python, job, script, faults):
            for got, want in zip(cycle, wanted, strict=True):
                if got is None:
                    none += 1
                elif abs(got - want) <= 1e-6 * abs(want):
                    right += 1
                else:
                    wrong += 1
        return Outcome(wrong, right, none, line.requests, script.given)


def cycles(python: Path, job: dict[str, Any], script: Script, faults: int) -> Iterator[list[float | None]]:
    """The client's cycles. Raises NotInstalledError when it ends by itself."""
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent) if job["client"] == "dodac" else ""}
    command = [str(python), str(HERE / "peers" / "modbus_clients.py")]
    pipe = subprocess.PIPE
    with (
        tempfile.TemporaryFile("w+") as words,
        subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=words, text=True, env=environment
        ) as client,
    ):
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdin.write(json.dumps(job) + "\n")
        while script.given.total() < faults:
            client.stdin.write("next\n")
            client.stdin.flush()
            answer = client.stdout.readline()
            if not answer:
                words.seek(0)
                raise NotInstalledError(f"it ended: {' '.join(words.read().splitlines()[-1:])}")
            yield json.loads(answer)


def interpreter(peer: Peer) -> Path:
    """The Python that has the peer; installs it once. Raises NotInstalledError."""
    if not peer.package:
        return Path(sys.executable)
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "dodac" / "benchmark-peers"
    folder = cache / peer.package.replace("[", "-").replace("]", "")
    python = folder / "bin" / "python"
    if (folder / "installed").exists():
        return python
    base = next(pythons(peer.python), None)
    if base is None:
        raise NotInstalledError(f"needs Python {peer.python[0]}.{peer.python[1]}, none found")
    shutil.rmtree(folder, ignore_errors=True)
    commands: tuple[list[str | Path], ...] = (
        [base, "-m", "venv", folder],
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", peer.package],
    )
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            words = (done.stderr.strip().splitlines() or ["no words"])[-1]
            raise NotInstalledError(f"pip could not install {peer.package}: {words}")
    (folder / "installed").touch()
    return python


def pythons(oldest: tuple[int, int]) -> Iterator[Path]:
    """Interpreters of at least that version: this one, those on the path, those of pyenv."""
    if sys.version_info[:2] >= oldest:
        yield Path(sys.executable)
    for minor in range(oldest[1], 20):
        if found := shutil.which(f"python3.{minor}"):
            done = subprocess.run([found, "-c", ""], capture_output=True, check=False)
            if done.returncode == 0:
                yield Path(found)
        yield from sorted(Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python"))


def main() -> int:
    """Prints the machine and the table; 1 when dodac gives a wrong value."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", type=int, default=60, help="faults that each client meets")
    parser.add_argument("--rate", type=float, default=0.1, help="requests that meet a fault, 0 to 1")
    options = parser.parse_args()
    write = sys.stdout.write
    write(describe() + "\n")
    write(
        f"two {PROFILE} at {BAUD} baud, {LATENCY_S * 1000:g} ms to answer; timeout {TIMEOUT_S:g} s, guard of dodac"
        f" {GUARD_S:g} s;\nseed {options.seed}, {options.faults} faults for each client; {options.rate:.0%} of requests meet one of"
        f" {len(NAMES)} faults: {'; '.join(NAMES.values())}\n\n"
    )
    row = "{:<28}{:>14}{:>14}{:>16}{:>10}{:>8}{:>6}\n"
    write(row.format("client", "wrong as good", "right", "flagged/failed", "requests", "faults", "late"))
    failed = False
    for peer in PEERS:
        package = peer.package.replace("[async-serial]", "").replace("==", " ")
        label = package or f"{peer.name} {version(peer.name)}"
        try:
            python = interpreter(peer)
            found = run(peer, python, seed=options.seed, rate=options.rate, faults=options.faults)
        except NotInstalledError as error:
            write(f"{label:<28}not measured: {error}\n")
            continue
        late = found.faults["late_within"] + found.faults["late_after"]
        write(
            row.format(
                label, found.wrong, found.right, found.none, found.requests, found.faults.total(), late
            )
        )
        sys.stdout.flush()
        failed |= peer.name == "dodac" and found.wrong > 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
