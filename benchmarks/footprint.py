"""Memory of a collector that reads 100 instruments, and how long it takes to start with every profile there is.

Five simulated lines of twenty SDM630 at 38 400 baud, served by a process of their own; `dodac run` reads each instrument
every ten seconds. Wanted (issue "Drivers"): at most 80 MB, pandas not loaded, start under 0.5 s.
Run: python benchmarks/footprint.py [seconds]
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from _machine import describe

LINES, UNITS, BAUD = 5, 20, 38_400


def serve() -> None:
    """Serves the lines until the end of stdin; prints their ports."""
    from drivers import load_profile
    from drivers.simulator import SimulatedBus, SimulatedUnit
    from drivers.simulator.electric import meter

    profile = load_profile("eastron.sdm630")
    start = time.monotonic()
    values = meter(profile, lambda: time.monotonic() - start)
    buses = [
        SimulatedBus({n: SimulatedUnit(profile, values) for n in range(1, UNITS + 1)}, baud=BAUD)
        for _ in range(LINES)
    ]
    print(json.dumps([bus.start() for bus in buses]), flush=True)
    sys.stdin.read()
    for bus in buses:
        bus.stop()


def site(ports: list[str]) -> str:
    """A site file of all instruments."""
    out = ['[site]\nid = "kit"\ncompany = "centre"\nlanguage = "en"\n']
    for line, port in enumerate(ports):
        out.append(f'[connections.bus{line}]\nkind = "serial"\nport = "{port}"\nbaud = {BAUD}\n')
    for line in range(len(ports)):
        out += [
            f'[[instruments]]\nid = "m{line}-{unit}"\nprofile = "eastron.sdm630"\nconnection = "bus{line}"\n'
            f'address = {unit}\nevery = "10s"\n'
            for unit in range(1, UNITS + 1)
        ]
    return "".join(out)


def many(count: int) -> str:
    """A site file of so many different profiles, on a line and a broker that are away."""
    from drivers import load_profiles
    from drivers.profile import LorawanProfile, ModbusProfile

    chosen = [p for p in load_profiles().values() if isinstance(p, ModbusProfile | LorawanProfile)]
    chosen = sorted(chosen, key=lambda p: p.protocol, reverse=True)[:count]
    out = [
        (
            '[site]\nid = "kit"\ncompany = "centre"\n[connections.bus]\nkind = "serial"\nport = "/dev/ttyAway"\n'
            '[connections.broker]\nkind = "mqtt"\nurl = "mqtt://127.0.0.1:1"\n'
        )
    ]
    for number, profile in enumerate(chosen, start=1):
        modbus = isinstance(profile, ModbusProfile)
        place = (
            f'connection = "bus"\naddress = {number}'
            if modbus
            else f'connection = "broker"\naddress = "d{number}"'
        )
        out.append(f'[[instruments]]\nid = "m{number}"\nprofile = "{profile.id}"\n{place}\n')
    return "".join(out)


def memory_mb(process: int) -> tuple[float, float]:
    """Resident memory now and at most, MB."""
    text = Path(f"/proc/{process}/status").read_text()
    return tuple(int(re.search(rf"{key}:\s+(\d+)", text)[1]) / 1024 for key in ("VmRSS", "VmHWM"))  # type: ignore[index,return-value]


def loaded(process: int) -> list[str]:
    """Which of the large libraries the process has mapped."""
    maps = Path(f"/proc/{process}/maps").read_text()
    return [name for name in ("pandas", "numpy", "pyarrow", "scipy") if f"/{name}/" in maps]


def cpu_s(process: int) -> float:
    """Processor time a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start_s(folder: Path) -> str:
    """From the start of the process to the collector's first line: the best of five, and its processor time."""
    best = (9.9, 9.9)
    for _ in range(5):
        begin = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, "-m", "dodac", "run", "--site", str(folder), "--for", "1s"],
            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        ) as run:  # fmt: skip
            for line in run.stderr or ():
                if "instruments on" in line:
                    best = min(best, (time.perf_counter() - begin, cpu_s(run.pid)))
                    break
            run.send_signal(signal.SIGTERM)
            run.communicate()
    return f"{best[0]:.3f} s, {best[1]:.2f} s of processor time"


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    print(describe())
    begin = time.perf_counter()
    everything = (
        "import time; t = time.perf_counter(); from drivers import load_profiles; n = len(load_profiles()); "
    )
    everything += "print(n, time.perf_counter() - t)"
    count, spent = subprocess.run(
        [sys.executable, "-c", everything], capture_output=True, text=True, check=True
    ).stdout.split()
    one = everything.replace("load_profiles()", 'load_profile("eastron.sdm630")').replace("len(", "id(")
    one = one.replace("load_profiles", "load_profile")
    _, single = subprocess.run(
        [sys.executable, "-c", one], capture_output=True, text=True, check=True
    ).stdout.split()
    print(
        f"loading one profile, library of {count}: {float(single):.3f} s; all {count}: {float(spent):.3f} s"
    )
    serving = subprocess.Popen(
        [sys.executable, __file__, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with tempfile.TemporaryDirectory() as folder:
        ports = json.loads(serving.stdout.readline())  # type: ignore[union-attr]
        (Path(folder) / "site.toml").write_text(site(ports), encoding="utf-8")
        print(
            f"start of dodac run with {LINES * UNITS} instruments: {start_s(Path(folder))} (wanted: under 0.5)"
        )
        run = subprocess.Popen(
            [sys.executable, "-m", "dodac", "run", "--site", folder, "--for", f"{seconds:.0f}s"],
            stderr=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        time.sleep(max(1.0, seconds - 3))
        now, most = memory_mb(run.pid)
        libraries = loaded(run.pid)
        out, _ = run.communicate()
        print(f"resident after {seconds - 3:.0f} s: {now:.1f} MB, at most {most:.1f} MB (wanted: at most 80)")
        print(f"large libraries loaded: {', '.join(libraries) or 'none'} (wanted: no pandas)")
        status = subprocess.run(
            [sys.executable, "-m", "dodac", "status", "--site", folder, "--json"],
            capture_output=True,
            text=True,
            check=False,
        )
        text = status.stdout or out
        found = re.findall(r'"committed": (\d+)', text)
        print(f"samples stored: {sum(map(int, found))}")
        (Path(folder) / "many").mkdir()
        (Path(folder) / "many" / "site.toml").write_text(many(40), encoding="utf-8")
        print(
            f"start of dodac run with 40 different profiles: {start_s(Path(folder) / 'many')} (wanted: under 0.5)"
        )
    serving.communicate("")
    print(f"whole benchmark: {time.perf_counter() - begin:.0f} s, process {os.getpid()}")


if __name__ == "__main__":
    serve() if "--serve" in sys.argv else main()
