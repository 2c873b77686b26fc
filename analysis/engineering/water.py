"""Water: balance with uncertainty, night flow outside production, leaks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
import pandas as pd

from analysis.engineering import _words as words
from analysis.results import Finding, Refusal, Uncertainty
from dodac.errors import DataError

_LEAK_HOURS: Final = 24.0
_ROLLING_MIN: Final = 60.0


@dataclass(frozen=True)
class Stream:
    """One metered stream of a balance: volume (m³) and relative standard uncertainty (0.01 = 1 %)."""

    volume_m3: float
    relative_standard_uncertainty: float = 0.0


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
    """Inflow less outflows and storage, with meters taken as independent (JCGM 100:2008 §5.1.2).

    Refused without inflow or with a volume that is no number. A loss smaller than its uncertainty is
    told as "can't be told apart from none"; a negative one beyond it, as a meter that is wrong.
    """
    for name, stream in {**inflows, **outflows}.items():
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
    variance = sum(
        (stream.volume_m3 * stream.relative_standard_uncertainty) ** 2
        for stream in (*inflows.values(), *outflows.values())
    )
    half = NormalDist().inv_cdf(0.5 + confidence / 2.0) * math.sqrt(variance)
    lost = inflow - accounted
    findings = []
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
    source = "JCGM 100:2008 §5.1.2, meters independent"
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

    minimum_m3h: lowest mean over an hour (or over one interval, when that is longer) in windows without
    production, at `at`; nights: windows' local dates that were seen; median_m3h: of each date's minimum;
    still_hours: hours without any flow; leak_m3_day: 24 × (median − legitimate), not below 0.
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
) -> NightFlow | Refusal:
    """The minimum flow outside production, by the shift calendar and not by the clock.

    volume_m3: amounts per interval (index = starts, an hour at most); producing: bool on the same
    index; legitimate_m3h: use that belongs there at rest (cooling tower make-up, people);
    starting_flow_m3h: Q1 of the meter, below which it guarantees nothing (ISO 4064): a figure below
    is told as "below Q1". Refused when production never rests for an hour. Raises DataError for
    times that are none.
    """
    index = volume_m3.index
    if not isinstance(index, pd.DatetimeIndex) or len(index) < 2 or not index.is_monotonic_increasing:
        raise DataError(
            "the volumes have no times in order as their index.", todo="Give starts of intervals."
        )
    step_min = float(np.median(np.diff(index.as_unit("s").asi8))) / 60.0
    if step_min > 60.0:
        raise DataError("a night flow needs intervals of an hour or less.", todo="Use hourly volumes.")
    refusal = words.checked(legitimate_m3h=legitimate_m3h)
    if refusal is not None:
        return refusal
    width = max(1, round(_ROLLING_MIN / step_min))
    rest = ~producing.reindex(index, fill_value=True).to_numpy(dtype=bool)
    resting = pd.Series(np.where(rest, volume_m3.to_numpy(dtype="float64"), np.nan), index=index)
    even = np.concatenate([[True], np.abs(np.diff(index.as_unit("s").asi8) / 60.0 - step_min) < 0.5])
    # an hour across a gap is no hour
    runs = pd.Series(np.cumsum(~even), index=index)
    hourly = resting.groupby(runs.to_numpy()).rolling(width, min_periods=width).sum().droplevel(0)
    hourly = hourly / (width * step_min / 60.0)
    known = hourly.dropna()
    if known.empty:
        return Refusal(
            "never_at_rest",
            "Production never rests for an hour with readings: there is no night flow to see.",
            "Không có giờ nào nghỉ sản xuất mà có số liệu: không xác định được lưu lượng đêm.",
            {"intervals": len(index)},
        )
    minimum = float(known.min())
    nights = known.groupby(pd.DatetimeIndex(known.index).date).min()
    median = float(nights.median())
    findings: list[Finding] = []
    if len(nights) < 3:
        findings.append(
            Finding(
                "few_nights",
                f"Only {len(nights)} nights were seen; three or more tell a leak from a forgotten tap.",
                f"Mới có {len(nights)} đêm; cần từ ba đêm để phân biệt rò rỉ với vòi quên khoá.",
                {"nights": len(nights)},
            )
        )
    if starting_flow_m3h is not None and 0.0 < median < starting_flow_m3h:
        findings.append(
            Finding(
                "below_q1",
                f"The flow is below Q1 = {starting_flow_m3h:g} m³/h: the meter guarantees no figure there.",
                f"Lưu lượng nhỏ hơn Q1 = {starting_flow_m3h:g} m³/h: đồng hồ không bảo đảm con số này.",
                {"q1_m3h": starting_flow_m3h, "median_m3h": median},
            )
        )
    return NightFlow(
        minimum,
        str(known.idxmin()),
        median,
        len(nights),
        legitimate_m3h,
        24.0 * max(0.0, median - legitimate_m3h),
        tuple(findings),
    )


@dataclass(frozen=True)
class Leak:
    """A flow that never stopped: since when, the least hourly flow (m³/h), and the hours it lasted."""

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
    DataError for times that are none.
    """
    index = volume_m3.index
    if not isinstance(index, pd.DatetimeIndex) or len(index) < 2:
        raise DataError("the volumes have no times as their index.", todo="Give starts of intervals.")
    seconds = np.diff(index.as_unit("s").asi8)
    step_h = float(np.median(seconds)) / 3600.0
    width = max(1, round(1.0 / step_h))
    runs = np.concatenate([[0], np.cumsum(np.abs(seconds / 3600.0 - step_h) > 0.01)])
    series = pd.Series(volume_m3.to_numpy(dtype="float64"), index=index)
    hourly = series.groupby(runs).rolling(width, min_periods=width).sum().droplevel(0) / (width * step_h)
    flowing = hourly.reindex(index).to_numpy() > threshold_m3h
    change = np.concatenate([[True], (flowing[1:] != flowing[:-1]) | (np.diff(runs) > 0)])
    found = []
    for piece in np.split(np.arange(len(index)), np.flatnonzero(change)[1:]):
        # the first rolling hour began width − 1 intervals earlier
        first = piece[0] - (width - 1)
        lasted = (piece[-1] - first + 1) * step_h
        if flowing[piece[0]] and lasted >= hours:
            least = float(np.min(hourly.reindex(index).to_numpy()[piece]))
            found.append(Leak(str(index[first]), str(index[piece[-1]]), lasted, least))
    return tuple(found)
