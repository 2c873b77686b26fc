"""Importing analysis stays cheap: what it may bring along is pinned."""

import subprocess
import sys

_SCRIPT = """
import sys
import numpy, pandas
before = set(sys.modules)
import analysis
tops = {name.split(".")[0] for name in set(sys.modules) - before}
print(",".join(sorted(tops - set(sys.stdlib_module_names))))
"""


def test_analysis_brings_nothing_but_numpy_pandas_and_the_kernel():
    found = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True)
    assert set(found.stdout.strip().split(",")) == {"analysis", "dodac"}
