"""Water and flow meters: limits by flow, installation of clamp-on meters, slow flow in magnetic ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from analysis._tables import Row, table
from analysis.metrology import _words as words
from analysis.metrology.budget import Contribution, from_limit
from analysis.metrology.certificates import Certificate, in_force, line_of
from analysis.metrology.chain import Chain, chain_of, class_word, settle_unguaranteed
from analysis.results import Finding, Refusal
from dodac.errors import ConfigError


@dataclass(frozen=True)
class FlowPoint:
    """A piece of the flow profile: m³/h and its share of the volume."""

    flow_m3_h: float
    share: float = 1.0


@dataclass(frozen=True)
class WaterMeter:
    """A water meter by its plate: class 1 or 2, Q3 (m³/h), R = Q3/Q1; water_c: temperature of the water.

    in_service: True applies the wider limits of meters in service (usually twice those of a new one).
    """

    id: str
    accuracy_class: str | None = None
    q3_m3_h: float = 0.0
    ratio: float = 0.0
    water_c: float = 20.0
    in_service: bool = False
    certificate: Certificate | None = None


@dataclass(frozen=True)
class ClampOnMeter:
    """A clamp-on ultrasonic meter: straight pipe before and after in diameters, inner diameter ± its limit (mm).

    reading_pct: limit of the instrument by its data sheet; None: the table's. left_in_place: False means it
    is clamped on anew at each visit, which is another error of reading and installation each time (the
    diameter it was told stays).
    """

    id: str
    upstream_d: float
    downstream_d: float
    diameter_mm: float
    diameter_limit_mm: float
    reading_pct: float | None = None
    certificate: Certificate | None = None
    left_in_place: bool = False


@dataclass(frozen=True)
class MagneticMeter:
    """An electromagnetic meter: inner diameter (mm), limits by its data sheet or the table's when None."""

    id: str
    diameter_mm: float
    reading_pct: float | None = None
    velocity_m_s: float | None = None
    certificate: Certificate | None = None


def flow_meter(
    meter: WaterMeter | ClampOnMeter | MagneticMeter, profile: Sequence[FlowPoint], *, day: date | None = None
) -> Chain | Refusal:
    """The relative standard uncertainty of a volume (or mean flow) by the flows at which it was counted.

    Water below Q1 or above Q4 has no guarantee (finding; refused above a fifth of the volume). A
    clamp-on's installation and the diameter it was told (flow goes with D²) are sources of their own.
    Raises ConfigError for figures that can't be. Source: ISO 4064-1:2014, 4.2.
    """
    for point in profile:
        if not all(math.isfinite(value) and value >= 0.0 for value in (point.flow_m3_h, point.share)):
            raise ConfigError(f"{point} has a figure that is no number or below 0.")
    total = math.fsum(point.share for point in profile)
    if total <= 0.0:
        return words.refuse_no_load(meter.id)
    points = [FlowPoint(point.flow_m3_h, point.share / total) for point in profile]
    counts, notes = in_force(meter.certificate, meter.id, day)
    if counts and meter.certificate is not None:
        lines = [line_of(meter.certificate, meter.id, "meter", 1.0)]
        if isinstance(meter, ClampOnMeter):
            lines += _installation(meter)
            return chain_of(lines, notes, _anew(meter))
        return chain_of(lines, notes)
    if isinstance(meter, WaterMeter):
        return _water(meter, points, notes)
    if isinstance(meter, MagneticMeter):
        return _magnetic(meter, points, notes)
    row = _row("clamp-on")
    limit = float(row["reading_pct"]) if meter.reading_pct is None else meter.reading_pct
    own = meter.reading_pct is not None
    line = from_limit(
        f"{meter.id}/reading", "clamp-on reading", limit / 100.0,
        reference="data sheet" if own else str(row["source"]), checked="read" if own else str(row["checked"]),
    )  # fmt: skip
    return chain_of([line, *_installation(meter)], notes, _anew(meter))


def _row(kind: str) -> Row:
    return next(row for row in table("accuracy_flow") if row["kind"] == kind)


def _water(meter: WaterMeter, points: Sequence[FlowPoint], notes: list[Finding]) -> Chain | Refusal:
    if meter.accuracy_class is None:
        return words.refuse_no_class(meter.id)
    if not (meter.q3_m3_h > 0.0 and meter.ratio > 1.0):
        raise ConfigError(f"{meter.id} has no Q3 or no R.", todo="Read Q3 (m³/h) and R from its plate.")
    rows = [row for row in table("accuracy_flow") if row["kind"] == "water"]
    word = class_word(meter.accuracy_class)
    row = next((row for row in rows if row["class"] == word), None)
    if row is None:
        return words.refuse_unknown_class(meter.id, meter.accuracy_class, [str(row["class"]) for row in rows])
    q1 = meter.q3_m3_h / meter.ratio
    q2, q4 = q1 * float(row["q2_by_q1"]), meter.q3_m3_h * float(row["q4_by_q3"])
    high = float(row["high_warm_pct" if meter.water_c > float(row["warm_c"]) else "high_pct"])
    weighed, outside = 0.0, 0.0
    for point in points:
        # a flow stated as "at Q1" must not fall out by rounding
        if not q1 * (1.0 - 1e-9) <= point.flow_m3_h <= q4 * (1.0 + 1e-9):
            outside += point.share
        else:
            weighed += point.share * (float(row["low_pct"]) if point.flow_m3_h < q2 * (1.0 - 1e-9) else high)
    reference, checked = str(row["source"]), str(row["checked"])
    if meter.in_service:
        service = _row("in-service")
        weighed *= float(service["factor"])
        reference, checked = str(service["source"]), str(service["checked"])
    lines = [
        from_limit(
            f"{meter.id}/class",
            f"water meter class {word}",
            weighed / 100.0,
            reference=reference,
            checked=checked,
        )
    ]
    return settle_unguaranteed(meter.id, outside, lines, notes) or chain_of(lines, notes)


def _magnetic(meter: MagneticMeter, points: Sequence[FlowPoint], notes: list[Finding]) -> Chain | Refusal:
    row = _row("magnetic")
    area = math.pi / 4.0 * (meter.diameter_mm / 1000.0) ** 2
    if not area > 0.0:
        raise ConfigError(f"{meter.id} has no inner diameter.")
    reading = float(row["reading_pct"]) if meter.reading_pct is None else meter.reading_pct
    zero = float(row["velocity_m_s"]) if meter.velocity_m_s is None else meter.velocity_m_s
    # an offset in velocity does the same in every hour: weighed by time, which is share/flow
    offset = sum(
        point.share * zero * area * 3600.0 / point.flow_m3_h for point in points if point.flow_m3_h > 0.0
    )
    own = meter.reading_pct is not None and meter.velocity_m_s is not None
    reference, checked = ("data sheet", "read") if own else (str(row["source"]), str(row["checked"]))
    lines = [
        from_limit(
            f"{meter.id}/reading", "magnetic reading", reading / 100.0, reference=reference, checked=checked
        ),
        from_limit(f"{meter.id}/zero", "magnetic zero", offset, reference=reference, checked=checked),
    ]
    outside = sum(point.share for point in points if point.flow_m3_h <= 0.0)
    return settle_unguaranteed(meter.id, outside, lines, notes) or chain_of(lines, notes)


def _anew(meter: ClampOnMeter) -> tuple[str, ...]:
    """The sources that are another error each time it is clamped on."""
    return () if meter.left_in_place else (f"{meter.id}/reading", f"{meter.id}/installation")


def _installation(meter: ClampOnMeter) -> list[Contribution]:
    row = _row("clamp-on")
    if not (meter.diameter_mm > 0.0 and meter.diameter_limit_mm >= 0.0):
        raise ConfigError(
            f"{meter.id} has no inner diameter with its limit.", todo="Measure wall and diameter."
        )
    straight = meter.upstream_d >= float(row["upstream_d"]) and meter.downstream_d >= float(
        row["downstream_d"]
    )
    return [
        from_limit(
            f"{meter.id}/installation", "straight pipe", float(row["straight_pct" if straight else "short_pct"]) / 100.0,
            reference=str(row["source"]), checked=str(row["checked"]),
        ),
        from_limit(
            f"{meter.id}/diameter", "inner diameter", meter.diameter_limit_mm / meter.diameter_mm,
            sensitivity=2.0, reference="flow goes with the square of the diameter",
        ),
    ]  # fmt: skip
