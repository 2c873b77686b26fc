"""How long `dodac --help` and `import analysis` take, beside bare Python and beside numpy + pandas.

Wanted (issue "main job"): --help under 0.2 s, importing analysis under 0.5 s and at most 1.3 of numpy + pandas.
Run: python benchmarks/startup.py
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from _machine import describe

RUNS = 11
COMMANDS = {
    "bare python": [sys.executable, "-c", "pass"],
    "dodac --help": [sys.executable, "-m", "dodac", "--help"],
    "import numpy, pandas": [sys.executable, "-c", "import numpy, pandas"],
    "import analysis": [sys.executable, "-c", "import analysis"],
}


def main() -> None:
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for run in range(
        RUNS + 1
    ):  # in turn, so that a slow moment hits all alike; the first run warms the caches
        for name, command in COMMANDS.items():
            begin = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            if run:
                times[name].append(time.perf_counter() - begin)
    print(describe())
    print(f"{'whole process, s':<24}{'min':>8}{'median':>8}{'max':>8}")
    for name, values in times.items():
        print(f"{name:<24}{min(values):8.3f}{statistics.median(values):8.3f}{max(values):8.3f}")
    ratio = statistics.median(times["import analysis"]) / statistics.median(times["import numpy, pandas"])
    print(f"import analysis / (numpy + pandas): {ratio:.2f}")


if __name__ == "__main__":
    main()
