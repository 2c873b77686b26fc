"""Non-routine events: detection proposes them, a person's entry in the ledger decides."""

from analysis.events._entry import Entry
from analysis.events._rows import interval_of
from analysis.events.detection import Detection, Event, baseline_events, detect, savings_events
from analysis.events.ledger import (
    FactorChange,
    Ledger,
    StaticFactor,
    adjusted,
    adjustments,
    with_indicators,
    without_excluded,
)

__all__ = [
    "Detection",
    "Entry",
    "Event",
    "FactorChange",
    "Ledger",
    "StaticFactor",
    "adjusted",
    "adjustments",
    "baseline_events",
    "detect",
    "interval_of",
    "savings_events",
    "with_indicators",
    "without_excluded",
]
