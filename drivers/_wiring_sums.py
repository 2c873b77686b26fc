"""Do a power meter's numbers add up: phases to the total, power to the energy it counts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from statistics import median

from drivers._wiring_types import Check, Known, Moment, Status, factor_text, phases


def phase_sum(moments: Sequence[Moment], known: Known) -> list[Check]:
    """The phases must add up to the total, each reading by itself."""
    rows = []
    for moment in moments:
        powers = phases(moment.values, "power", "w")
        total = moment.values.get("power_w")
        if total is not None and len(powers) == 3:
            rows.append((total, sum(powers.values()), sum(abs(p) for p in powers.values())))
    if not rows or known.wires == 1:
        return []
    size = median(row[2] for row in rows)
    gap = median(row[0] - row[1] for row in rows)
    words: dict[str, str | float] = {
        "total": round(median(row[0] for row in rows), 1), "phases": round(median(row[1] for row in rows), 1),
    }  # fmt: skip
    if size < 20:
        return [Check("sum", Status.OPEN, "sum_small", words)]
    if abs(gap) <= 0.03 * size:
        return [Check("sum", Status.OK, "sum_ok", words)]
    absolute = median(abs(row[0] - row[2]) for row in rows) <= 0.03 * size
    return [Check("sum", Status.FINDING, "sum_absolute" if absolute else "sum_apart", words)]


def energy(moments: Sequence[Moment], known: Known) -> list[Check]:
    """What the counters moved against the power times the time."""
    rows = [m for m in moments if "power_w" in m.values and "energy_import_kwh" in m.values]
    if len(rows) < 2:
        return []
    want = sum(
        (a.values["power_w"] + b.values["power_w"]) / 2 * (b.seconds - a.seconds) / 3.6e6
        for a, b in itertools.pairwise(rows)
    )
    got = rows[-1].values["energy_import_kwh"] - rows[0].values["energy_import_kwh"]
    exports = [row.values.get("energy_export_kwh") for row in (rows[0], rows[-1])]
    if exports[0] is not None and exports[1] is not None:
        got -= exports[1] - exports[0]
    # single precision shows no more than 24 bits of a large counter, whatever its step is said to be
    step = max(known.resolution_kwh or 0.01, rows[0].values["energy_import_kwh"] * 2.0**-22)
    spent = rows[-1].seconds - rows[0].seconds
    words: dict[str, str | float] = {"want": round(want, 4), "got": round(got, 4), "seconds": round(spent)}
    if abs(want) < 20 * step:
        rate = abs(want) / spent if spent > 0 else 0.0
        words["needed"] = math.ceil(20 * step / rate) if rate > 0 else "–"
        return [Check("energy", Status.OPEN, "energy_small", words)]
    if abs(got - want) <= 0.06 * abs(want) + 2 * step:
        return [Check("energy", Status.OK, "energy_ok", words)]
    return [Check("energy", Status.FINDING, "energy_apart", {**words, "factor": factor_text(got / want)})]
