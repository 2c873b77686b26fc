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


def test_every_public_name_is_what_it_says_in_whatever_order_it_is_asked_for():
    code = (
        "import sys, types, analysis, analysis.savings, analysis.fixed_conditions, analysis.portfolios\n"
        "names = sorted(analysis.__all__, reverse=True)\n"
        "print([n for n in names if isinstance(getattr(analysis, n), types.ModuleType)])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_the_room_loads_no_savings_and_no_combustion():
    code = "import sys, analysis; print([n for n in sys.modules if n.startswith('analysis.') and 'sav' in n or 'combustion' in n])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
