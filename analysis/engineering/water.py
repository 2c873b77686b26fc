"""Water: balance with uncertainty, night flow outside production, leaks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Final

import numpy as np
import pandas as pd

from analysis.engineering import _words as words
from analysis.engineering._series import steps
from analysis.results import Finding, Refusal, Uncertainty
from dodac.errors import ConfigError, DataError

_LEAK_HOURS: Final = 24.0
_FEW_NIGHTS: Final = 3
_FEW_PULSES: Final = 10.0


@dataclass(frozen=True)
class Stream:
    """One metered stream of a balance: volume (m³) and relative standard uncertainty (0.01 = 1 %).

    meter: streams of one meter, or of meters checked against one standard, err together: give them one
    name here; else the stream's own name stands for its meter.
    """

    volume_m3: float
    relative_standard_uncertainty: float = 0.0
    meter: str = ""


@dataclass(frozen=True)
class WaterBalance:
    """What goes in less what is accounted for: unaccounted_m3 ± its uncertainty, and its share of the inflow."""

    inflow_m3: float
    accounted_m3: float
    unaccounted_m3: float
    share: float
    uncertainty: Uncertainty
    findings: tuple[Finding, ...]


def water_balance(
    inflows: Mapping[str, Stream],
    outflows: Mapping[str, Stream],
    *,
    storage_increase_m3: float = 0.0,
    confidence: float = 0.9,
) -> WaterBalance | Refusal:
    """Inflow less outflows and storage; meters err apart, streams of one meter together (JCGM 100:2008 §5.1.2, §5.2.2).

    storage_increase_m3 is taken as exact. Refused without inflow or with a volume that is no number. A
    loss smaller than its uncertainty is told as "can't be told apart from none", a negative one beyond
    it as a meter that is wrong, and meters without an uncertainty are named. Raises ConfigError for a
    confidence that is not between 0 and 1.
    """
    if not 0.0 < confidence < 1.0:
        raise ConfigError(f"a confidence of {confidence} is not between 0 and 1.", todo="Write 0.9 for 90 %.")
    for name, stream in (*inflows.items(), *outflows.items()):
        refusal = words.checked(0.0, above=False, **{name: stream.volume_m3}) or words.checked(
            0.0, above=False, **{f"uncertainty of {name}": stream.relative_standard_uncertainty}
        )
        if refusal is not None:
            return refusal
    refusal = words.checked(-math.inf, above=False, storage_increase_m3=storage_increase_m3)
    if refusal is not None:
        return refusal
    inflow = sum(stream.volume_m3 for stream in inflows.values())
    if inflow <= 0.0:
        return words.out_of_range("inflow_m3", inflow, "above 0", "lớn hơn 0")
    accounted = sum(stream.volume_m3 for stream in outflows.values()) + storage_increase_m3
    errors: dict[str, float] = {}
    for sign, side in ((1.0, inflows), (-1.0, outflows)):
        for name, stream in side.items():
            meter = stream.meter or name
            part = sign * stream.volume_m3 * stream.relative_standard_uncertainty
            errors[meter] = errors.get(meter, 0.0) + part
    half = NormalDist().inv_cdf(0.5 + confidence / 2.0) * math.hypot(*errors.values())
    lost = inflow - accounted
    findings = []
    unknown = [
        name
        for name, stream in (*inflows.items(), *outflows.items())
        if stream.volume_m3 != 0.0 and stream.relative_standard_uncertainty == 0.0
    ]
    if unknown:
        findings.append(words.no_meter_uncertainty(unknown))
    if abs(lost) <= half:
        findings.append(
            Finding(
                "not_significant",
                "The loss is smaller than what the meters may be wrong by: it can't be told apart from none.",
                "Lượng thất thoát nhỏ hơn sai số của các đồng hồ: không phân biệt được với không thất thoát.",
                {"unaccounted_m3": lost, "half_width": half},
            )
        )
    elif lost < 0.0:
        findings.append(
            Finding(
                "more_out_than_in",
                "More water leaves than comes in, beyond what the meters may be wrong by: a source is not "
                "metered, or a meter is wrong.",
                "Nước ra nhiều hơn nước vào, vượt quá sai số đồng hồ: còn nguồn chưa đo, hoặc có đồng hồ sai.",
                {"unaccounted_m3": lost, "half_width": half},
            )
        )
    source = "JCGM 100:2008 §5.1.2 and §5.2.2"
    return WaterBalance(
        inflow,
        accounted,
        lost,
        lost / inflow,
        Uncertainty("gum", confidence, half, 1.0, source),
        tuple(findings),
    )


@dataclass(frozen=True)
class NightFlow:
    """The least flow while nothing is produced.

    minimum_m3h: lowest mean over an hour without production, the hour that starts `at`; nights: how
    many were seen, each from noon to noon; median_m3h: of each night's minimum; leak_m3_day: 24 ×
    (median − legitimate), not below 0.
    """

    minimum_m3h: float
    at: str
    median_m3h: float
    nights: int
    legitimate_m3h: float
    leak_m3_day: float
    findings: tuple[Finding, ...]


def night_flow(
    volume_m3: pd.Series,
    producing: pd.Series,
    *,
    legitimate_m3h: float = 0.0,
    starting_flow_m3h: float | None = None,
    pulse_m3: float | None = None,
) -> NightFlow | Refusal:
    """The minimum flow outside production, by the shift calendar and not by the clock.

    volume_m3: amounts per interval (index = starts, an hour at most); producing: bool, on the same
    index or on longer intervals (a row holds until its next one); where it says nothing, production is
    assumed. legitimate_m3h: use that belongs there at rest (cooling tower make-up, people);
    starting_flow_m3h: Q1 of the meter, below which it guarantees nothing (ISO 4064): a figure below is
    told as "below Q1"; pulse_m3: volume of one pulse, so that an hour of few pulses is told. Refused
    when production never rests for an hour. Raises DataError for times that are none, repeat or are
    unequal, values that are no numbers, and zones of which only one is named.
    """
    found = steps(volume_m3, "volume_m3", hourly=True)
    refusal = words.checked(legitimate_m3h=legitimate_m3h)
    if refusal is not None:
        return refusal
    index = found.index
    width = max(1, round(1.0 / found.step_h))
    resting = replace(found, values=np.where(_producing(producing, index), np.nan, found.values))
    hourly = resting.rolling(width) / (width * found.step_h)
    seen = np.flatnonzero(np.isfinite(hourly))
    if not len(seen):
        return Refusal(
            "never_at_rest",
            "Production never rests for an hour with readings: there is no night flow to see.",
            "Không có giờ nào nghỉ sản xuất mà có số liệu: không xác định được lưu lượng đêm.",
            {"intervals": len(index)},
        )
    least = int(seen[int(np.argmin(hourly[seen]))])
    minimum = float(hourly[least])
    # an hour belongs to the night that its start lies in, which runs from noon to noon
    begins = index[seen - (width - 1)] - pd.Timedelta(hours=12)
    nights = pd.Series(hourly[seen]).groupby(begins.date).min()
    median = float(nights.median())
    findings: list[Finding] = []
    if len(nights) < _FEW_NIGHTS:
        findings.append(words.few_nights(len(nights)))
    if starting_flow_m3h is not None and 0.0 < median < starting_flow_m3h:
        findings.append(words.below_q1(starting_flow_m3h, median))
    if pulse_m3 is not None and 0.0 < median < _FEW_PULSES * pulse_m3:
        findings.append(words.few_pulses(pulse_m3, median))
    if np.any(resting.values[resting.good] < 0.0):
        findings.append(words.negative(int(np.sum(resting.values[resting.good] < 0.0))))
    return NightFlow(
        minimum,
        str(index[least - (width - 1)]),
        median,
        len(nights),
        legitimate_m3h,
        24.0 * max(0.0, median - legitimate_m3h),
        tuple(findings),
    )


@dataclass(frozen=True)
class Leak:
    """A flow that never stopped: its first and last interval (starts), its length and least hourly flow (m³/h)."""

    since: str
    until: str
    hours: float
    least_m3h: float


def leaks(
    volume_m3: pd.Series, *, threshold_m3h: float = 0.0, hours: float = _LEAK_HOURS
) -> tuple[Leak, ...]:
    """Stretches in which no hour was still: every rolling hour above a threshold for `hours` on end.

    The rule of water meters' own leak flag (no still hour within 24), with the threshold at the
    meter's Q1. volume_m3: amounts per interval of an hour or less; a gap ends a stretch. Raises
    DataError for times that are none, repeat or are unequal, and for values that are no numbers.
    """
    found = steps(volume_m3, "volume_m3", hourly=True)
    width = max(1, round(1.0 / found.step_h))
    hourly = found.rolling(width) / (width * found.step_h)
    flowing = hourly > threshold_m3h
    change = np.flatnonzero((flowing[1:] != flowing[:-1]) | (np.diff(found.runs) > 0)) + 1
    leaking = []
    for piece in np.split(np.arange(len(hourly)), change):
        # the first rolling hour began width − 1 intervals earlier
        first = piece[0] - (width - 1)
        lasted = float((piece[-1] - first + 1) * found.step_h)
        if flowing[piece[0]] and lasted >= hours - 1e-9:
            leaking.append(
                Leak(
                    str(found.index[first]), str(found.index[piece[-1]]), lasted, float(np.min(hourly[piece]))
                )
            )
    return tuple(leaking)


def _producing(producing: pd.Series, index: pd.DatetimeIndex) -> np.ndarray:
    """Whether each interval was production; true where nothing says so."""
    own = producing.index
    if not isinstance(own, pd.DatetimeIndex) or not (own.is_monotonic_increasing and own.is_unique):
        raise DataError("producing has no times in order as its index.", todo="Give one row per interval.")
    if (own.tz is None) != (index.tz is None):
        raise DataError(
            "volume_m3 and producing: one has a time zone and one has none.", todo="Give both the same."
        )
    if not producing.dropna().map(lambda one: isinstance(one, bool | np.bool_ | int | float)).all():
        raise DataError("producing holds words.", todo="Give true and false.")
    says = producing.isna().to_numpy() | producing.map(bool, na_action="ignore").fillna(True).to_numpy(
        dtype=bool
    )
    holds = (
        pd.Timedelta(seconds=float(np.median(np.diff(own.as_unit("s").asi8))) - 1e-3)
        if len(own) > 1
        else None
    )
    places = own.get_indexer(index, method="ffill", tolerance=holds)
    # place −1: no row holds, and the last of the appended is true
    found: np.ndarray = np.append(says, True)[places]
    return found
