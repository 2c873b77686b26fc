"""The electricity metering chain: meter, current and voltage transformers, by class, load and power factor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from analysis._tables import table
from analysis.metrology import _words as words
from analysis.metrology._limits import UNITY, assumed_phase, meter_limit, with_edges
from analysis.metrology.budget import Contribution, Distribution, budget, from_limit
from analysis.metrology.certificates import in_force, line_of
from analysis.metrology.devices import ElectricityMeter, LoadPoint, Transformer
from analysis.results import Finding, InstrumentPart, Refusal
from dodac.errors import ConfigError

_MINUTE: Final = math.pi / 180.0 / 60.0


@dataclass(frozen=True)
class Chain:
    """Relative errors (fractions of the reading) of everything between the cable and the figure.

    lines: budget lines with their sources; relative_standard: combined; findings: what to know.
    per_visit: sources that are another error at each visit (what is clamped on anew).
    """

    lines: tuple[Contribution, ...]
    relative_standard: float
    findings: tuple[Finding, ...]
    per_visit: frozenset[str] = frozenset()

    def expanded_pct(self, k: float = 2.0) -> float:
        """k times the relative standard uncertainty, in %."""
        return 100.0 * k * self.relative_standard


def chain_of(
    lines: Sequence[Contribution], findings: Sequence[Finding] = (), per_visit: Sequence[str] = ()
) -> Chain:
    """A chain of relative lines; limits from memory become a finding."""
    combined = budget(1.0, lines)
    notes = list(findings)
    if combined.remembered:
        notes.append(words.remembered(combined.remembered))
    unique = {(note.code, note.en): note for note in notes}
    return Chain(tuple(lines), combined.standard, tuple(unique.values()), frozenset(per_visit))


def meter_chain(
    meter: ElectricityMeter,
    *,
    ct: Transformer | None = None,
    vt: Transformer | None = None,
    profile: Sequence[LoadPoint],
    ambient_c: float = 23.0,
    day: date | None = None,
) -> Chain | Refusal:
    """The relative standard uncertainty of energy counted by a metering chain, source by source.

    Limits of error are taken as rectangular and, for one device over all of its loads, as one error
    (they add by share of energy). Phase errors δ of transformers act as δ·tan φ on active and δ/tan φ
    on reactive energy. Between the points of a transformer class the limit runs straight; energy
    outside the class is taken as known to ±100 % and refused above a fifth. A certificate in force
    overrides the class of its device. Three-phase sets count as one device (their errors as one).
    Raises ConfigError for a profile or option that can't be.
    Source: IEC 62053-21/-22/-23, Directive 2014/32/EU annex V, IEC 61869-2/-3; JCGM 100:2008, 4.3.7.
    """
    points = _normalised(profile)
    if points is None:
        return words.refuse_no_load(meter.id)
    if ct is not None and meter.connection == "direct":
        raise ConfigError(
            f"{meter.id} is connected directly and has a current transformer.", todo='Say "ct".'
        )
    if meter.connection == "ct" and ct is None:
        return words.refuse_no_class(f"the current transformer of {meter.id}")
    found = _meter(meter, points, ambient_c, day)
    if isinstance(found, Refusal):
        return found
    lines, notes = found
    per_visit: list[str] = []
    for device, kind in ((ct, "ct"), (vt, "vt")):
        if device is None:
            continue
        more = _transformer(device, kind, points, meter.quantity, day)
        if isinstance(more, Refusal):
            return more
        lines += more[0]
        notes += more[1]
        if device.reading_pct is not None and not device.left_in_place:
            per_visit += [line.source for line in more[0]]
    return chain_of(lines, notes, per_visit)


def instrument_parts(baseline: Chain, reporting: Chain) -> tuple[InstrumentPart, ...]:
    """What two chains (the same one twice for the same meter) do to a saving, source by source.

    Lines of one source within a chain are one error; lines of one id on both sides are one error as well.
    """
    effects: dict[str, list[float]] = {}
    for place, chain in enumerate((baseline, reporting)):
        for line in chain.lines:
            effects.setdefault(line.source, [0.0, 0.0])[place] += line.effect
    dof = {line.source: line.dof for chain in (reporting, baseline) for line in chain.lines}
    return tuple(InstrumentPart(source, two[0], two[1], dof[source]) for source, two in effects.items())


def pulse_quantisation(source: str, per_pulse: float) -> Contribution:
    """The difference of two readings of a counter of whole pulses: triangular, K/√6 (unit of K, the amount a pulse).

    Source: JCGM 100:2008, 4.3.9: each reading is cut off somewhere within one pulse.
    """
    return from_limit(
        f"{source}/pulse",
        "pulse",
        per_pulse,
        distribution=Distribution.TRIANGULAR,
        reference="JCGM 100:2008, 4.3.9",
    )


def class_word(text: str) -> str:
    """A class as the tables have it: "cl. 0,5 s" → "0.5S", "Class 1.0" → "1"."""
    word = text.strip().lower().replace(",", ".").replace("class", "").replace("cl.", "").replace("cl", "")
    word = word.replace(" ", "").upper()
    return word.removesuffix(".0")


def settle_unguaranteed(
    id: str, share: float, lines: list[Contribution], notes: list[Finding]
) -> Refusal | None:
    """Adds the line of what was counted outside the class, or refuses when that is too much."""
    rules = {str(row["id"]): float(row["value"]) for row in table("accuracy_rules")}
    if share <= 0.0:
        return None
    if share > rules["unguaranteed_share_max"]:
        return words.refuse_unguaranteed(id, share, rules["unguaranteed_share_max"])
    lines.append(
        from_limit(
            f"{id}/outside-class", "outside its class", share * rules["unguaranteed_limit"],
            reference="dodac: ±100 % of what no class covers", checked="agreed",
        )
    )  # fmt: skip
    notes.append(words.below_guarantee(id, share))
    return None


_Found = tuple[list[Contribution], list[Finding]]


def _normalised(profile: Sequence[LoadPoint]) -> tuple[LoadPoint, ...] | None:
    for point in profile:
        figures = (point.load, point.power_factor, point.share, point.voltage)
        if not all(math.isfinite(value) and value >= 0.0 for value in figures):
            raise ConfigError(f"{point} has a figure that is no number or below 0.")
        if not 0.0 < point.power_factor <= 1.0:
            raise ConfigError(f"a power factor of {point.power_factor} is not between 0 and 1.")
    total = math.fsum(point.share for point in profile)
    if total <= 0.0:
        return None
    return tuple(
        LoadPoint(point.load, point.power_factor, point.share / total, point.voltage) for point in profile
    )


def _meter(
    meter: ElectricityMeter, points: Sequence[LoadPoint], ambient_c: float, day: date | None
) -> _Found | Refusal:
    counts, notes = in_force(meter.certificate, meter.id, day)
    if counts and meter.certificate is not None:
        return [line_of(meter.certificate, meter.id, "meter", 1.0)], notes
    if meter.reading_pct is not None:
        return _by_data_sheet(meter, meter.reading_pct, points, notes)
    if meter.accuracy_class is None:
        return words.refuse_no_class(meter.id)
    rows = [row for row in table("accuracy_electricity") if row["quantity"] == meter.quantity]
    rows = [row for row in rows if row["connection"] in (meter.connection, "any")]
    word = class_word(meter.accuracy_class)
    row = next((row for row in rows if row["class"] == word), None)
    if row is None:
        return words.refuse_unknown_class(meter.id, meter.accuracy_class, [str(row["class"]) for row in rows])
    reference, checked = str(row["source"]), str(row["checked"])
    if "bands" in row:
        row, edge = with_edges(row, meter.connection)
        # above Itr the lower edge decides nothing
        if any(point.load < row["transitional"] for point in points):
            reference, checked = f"{reference}; {edge['source']}", str(edge["checked"])
    weighed, outside = 0.0, 0.0
    for point in points:
        limit = meter_limit(row, point, meter, ambient_c)
        if limit is None:
            outside += point.share
        else:
            weighed += point.share * limit
    lines = [
        from_limit(
            f"{meter.id}/class", f"meter class {word}", weighed / 100.0, reference=reference, checked=checked,
        )
    ]  # fmt: skip
    return settle_unguaranteed(meter.id, outside, lines, notes) or (lines, notes)


def _transformer(
    device: Transformer, kind: str, points: Sequence[LoadPoint], quantity: str, day: date | None
) -> _Found | Refusal:
    counts, notes = in_force(device.certificate, device.id, day)
    if counts and device.certificate is not None:
        return [line_of(device.certificate, device.id, kind, 1.0)], notes
    if device.reading_pct is not None:
        return _by_data_sheet(device, device.reading_pct, points, notes, quantity)
    if device.accuracy_class is None:
        return words.refuse_no_class(device.id)
    rows = [row for row in table("accuracy_transformers") if row["kind"] == kind]
    word = class_word(device.accuracy_class)
    row = next((row for row in rows if row["class"] == word), None)
    if row is None:
        return words.refuse_unknown_class(
            device.id, device.accuracy_class, [str(row["class"]) for row in rows]
        )
    low, high = (float(value) for value in row["burden"])
    if device.burden is None:
        notes.append(words.burden_unknown(device.id, low, high))
    elif not low <= device.burden <= high:
        return words.refuse_burden(device.id, device.burden, low, high)
    at = [float(value) for value in row["at"]]
    phases = row.get("phase_min")
    phase_row = row
    if device.phase_min is not None:
        phases = [device.phase_min] * len(at)
    elif phases is None:
        phase_row = assumed_phase()
        phases = [float(phase_row["assumed_phase_min"])] * len(at)
        if any(point.power_factor < UNITY for point in points):
            notes.append(words.phase_assumed(device.id, phases[0]))
    ratio, phase, outside = 0.0, 0.0, 0.0
    for point in points:
        place = point.load if kind == "ct" else point.voltage
        if not at[0] <= place <= (device.largest if kind == "ct" else at[-1]):
            outside += point.share
            continue
        ratio += (
            point.share * float(np.interp(place, at, [float(value) for value in row["ratio_pct"]])) / 100.0
        )
        turned = float(np.interp(place, at, phases)) * _MINUTE
        phase += point.share * turned * _phase_factor(point, quantity)
    source, checked = str(row["source"]), str(row["checked"])
    lines = [
        from_limit(
            f"{device.id}/ratio", f"{kind} ratio class {word}", ratio, reference=source, checked=checked
        ),
        from_limit(
            f"{device.id}/phase",
            f"{kind} phase class {word}",
            phase,
            reference=str(phase_row["source"]),
            checked=str(phase_row["checked"]),
        ),
    ]
    return settle_unguaranteed(device.id, outside, lines, notes) or (lines, notes)


def _phase_factor(point: LoadPoint, quantity: str) -> float:
    """Relative error of energy per radian of phase error: tan φ (active), 1/tan φ (reactive)."""
    tangent = math.tan(math.acos(point.power_factor))
    return tangent if quantity == "active" else 1.0 / max(tangent, 1e-6)


def _by_data_sheet(
    device: ElectricityMeter | Transformer,
    reading_pct: float,
    points: Sequence[LoadPoint],
    notes: list[Finding],
    quantity: str = "active",
) -> _Found | Refusal:
    """Limits as a data sheet states them: % of reading and % of full scale, and a phase error if any."""
    outside = math.fsum(point.share for point in points if point.load <= 0.0)
    running = [point for point in points if point.load > 0.0]
    limit = math.fsum(point.share * (reading_pct + device.full_scale_pct / point.load) for point in running)
    lines = [from_limit(f"{device.id}/data-sheet", "data sheet", limit / 100.0, reference="data sheet")]
    if isinstance(device, Transformer):
        if device.phase_min is None and any(point.power_factor < UNITY for point in running):
            assumed = assumed_phase()
            minutes, reference, checked = (
                float(assumed["assumed_phase_min"]),
                str(assumed["source"]),
                str(assumed["checked"]),
            )
            notes.append(words.phase_assumed(device.id, minutes))
        else:
            minutes, reference, checked = device.phase_min or 0.0, "data sheet", "read"
        phase = math.fsum(
            point.share * minutes * _MINUTE * _phase_factor(point, quantity) for point in running
        )
        lines.append(from_limit(f"{device.id}/phase", "phase", phase, reference=reference, checked=checked))
    return settle_unguaranteed(device.id, outside, lines, notes) or (lines, notes)
