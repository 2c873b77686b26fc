"""How many wired M-Bus frames a second the decoder reads on one core, beside pyMeterBus when it is installed.

Wanted (issue "drivers"): at least 5 000 frames a second.
Run: python benchmarks/mbus_decode.py [FOLDER]   (*.hex files, one frame each; default: the shared libmbus frames,
else frames of our own). pyMeterBus: pip install pyMeterBus==0.8.5 into an environment of its own that sees this
repository, or set PYMETERBUS to its site-packages.
"""

import argparse
import contextlib
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _machine import describe

from drivers.protocols.mbus_frame import long_frame
from drivers.protocols.mbus_records import decode_frame

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "meters" / "mbus-libmbus" / "test-frames"
WANTED = 5_000
RUNS, RUN_S = 5, 1.0
HEADER = "78563412 8310 01 04 05 00 0000"
OWN = (  # a heat meter with maxima and a month's values, an electricity meter, a water meter
    (
        "0C78 78563412 0406 55BC0000 0413 4FD61200 042B 40FA0000 143B 30180000 025B 5500 025F 3C00 0261 C409"
        " 046D 172ECC13 4406 00B00000 4413 00D01200 426C BF1C 0422 10270000 01FD17 00 1F"
    ),
    "0703 87D6120000000000 05FDC9FF01 0AD7E542 05FDD9FF01 9A99F940 05FDBA7F 3D0A573F 02FB2F 8813 04933C 01000000",
    "0C13 78563412 4C13 56341200 426C BF1C 0A3B 3412 02FD17 0000 0F 0102030405",
)


def frames(folder: Path) -> tuple[str, list[bytes]]:
    """Where the frames are from, and the frames that decode."""
    found = []
    for path in sorted(folder.glob("*.hex")):
        found.append(bytes.fromhex(path.read_text(encoding="ascii")))
    if found:
        return str(folder), found
    return "our own", [long_frame(0x08, 1, 0x72, bytes.fromhex(HEADER + records)) for records in OWN]


def per_second(decode: Callable[[bytes], object], all_frames: Sequence[bytes]) -> list[float]:
    """Frames a second of each run."""
    rates = []
    for _ in range(RUNS):
        begin, count = time.process_time(), 0
        while time.process_time() - begin < RUN_S:
            for frame in all_frames:
                decode(frame)
            count += len(all_frames)
        rates.append(count / (time.process_time() - begin))
    return rates


def peer() -> Callable[[bytes], object] | None:
    """pyMeterBus with its values worked out, as ours are; None when it is not installed."""
    sys.path += [folder for folder in (os.environ.get("PYMETERBUS"),) if folder]
    try:
        import meterbus
    except ImportError:
        return None

    def decode(frame: bytes) -> object:
        return [record.interpreted for record in meterbus.load(frame).records]

    return decode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=SHARED)
    source, all_frames = frames(parser.parse_args().folder)
    print(describe())
    records = sum(len(decode_frame(frame).records) for frame in all_frames)
    size = statistics.mean(len(frame) for frame in all_frames)
    print(
        f"{len(all_frames)} frames ({source}), {size:.0f} bytes and {records / len(all_frames):.1f} records each"
    )
    ours = per_second(decode_frame, all_frames)
    print(f"{'frames a second, one core':<28}{'min':>9}{'median':>9}{'max':>9}")
    print(f"{'dodac':<28}{min(ours):9.0f}{statistics.median(ours):9.0f}{max(ours):9.0f}")
    other = peer()
    if other is None:
        print("pyMeterBus is not installed: no ratio")
    else:
        readable = []
        for frame in all_frames:
            with contextlib.suppress(Exception):  # it can't read some of the frames
                other(frame)
                readable.append(frame)
        theirs = per_second(other, readable)
        print(
            f"{f'pyMeterBus ({len(readable)} frames)':<28}{min(theirs):9.0f}{statistics.median(theirs):9.0f}{max(theirs):9.0f}"
        )
        print(
            f"dodac / pyMeterBus: {statistics.median(per_second(decode_frame, readable)) / statistics.median(theirs):.1f}"
        )
    return 0 if statistics.median(ours) >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
