"""From raw series, counters, stamps and bills to data a baseline can be fitted on."""

from analysis.prepare._exchange import Exchange
from analysis.prepare.bills import bills_frame
from analysis.prepare.counters import UNDETECTABLE, CounterAmounts, Gap, counter_intervals
from analysis.prepare.onecall import prepare
from analysis.prepare.series import Resampled, flag_outliers, interpolate_gauge, one_row_a_time, resample
from analysis.prepare.stamps import Stamps, read_stamps
from analysis.prepare.sufficiency import not_enough, profiles, sufficiency
from analysis.prepare.windows import baseline_window, same_season, window

__all__ = [
    "UNDETECTABLE",
    "CounterAmounts",
    "Exchange",
    "Gap",
    "Resampled",
    "Stamps",
    "baseline_window",
    "bills_frame",
    "counter_intervals",
    "flag_outliers",
    "interpolate_gauge",
    "not_enough",
    "one_row_a_time",
    "prepare",
    "profiles",
    "read_stamps",
    "resample",
    "same_season",
    "sufficiency",
    "window",
]
