"""Runs the golden entries of a form: what is typed must give what the profile says, and nothing else."""

from __future__ import annotations

import math

from drivers._profile_manual import ManualProfile, ManualTest
from drivers.protocols.manual import Form, Typed
from drivers.protocols.modbus_map import Ratios

_NOW_NS = 1_790_000_000_000_000_000
_HOUR_NS = 3_600_000_000_000
_RELATIVE = 1e-9


def check_manual(profile: ManualProfile, test: ManualTest) -> list[str]:
    """What one golden entry finds wrong."""
    form = Form("golden", profile, Ratios.stated(test.ct_ratio, None))
    typed = {name: Typed(text) for name, text in test.entry.items()}
    start_ns = _NOW_NS - _HOUR_NS if form.period else _NOW_NS
    checked = form.check(typed, start_ns, _NOW_NS, _NOW_NS)
    found = []
    for name, expected in test.expect.items():
        if name not in checked.read:
            found.append(f"{name} was not understood, expected {expected}.")
        elif not math.isclose(checked.read[name].value, expected, rel_tol=_RELATIVE, abs_tol=1e-12):
            found.append(f"{name} is {checked.read[name].value}, expected {expected}.")
    for word, wanted, given in (
        ("refused", test.refused, {one.channel: one.code for one in checked.findings if one.refused}),
        ("asked about", test.asked, {one.channel: one.code for one in checked.findings if not one.refused}),
    ):
        for name in sorted(wanted.keys() | given.keys()):
            if wanted.get(name) != given.get(name):
                what = f"{name or 'the form'} is {word} for {given.get(name, 'nothing')}"
                found.append(f"{what}, expected {wanted.get(name, 'nothing')}.")
    return found
