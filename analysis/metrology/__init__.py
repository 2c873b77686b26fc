"""Metrology: what instruments may be wrong by, and what that does to a result (GUM)."""

from analysis.metrology.budget import (
    Budget,
    Contribution,
    Distribution,
    SourcePart,
    budget,
    from_expanded,
    from_limit,
    from_values,
    propagate,
    sensitivities,
)
from analysis.metrology.certificates import Certificate
from analysis.metrology.chain import Chain, chain_of, instrument_parts, meter_chain, pulse_quantisation
from analysis.metrology.devices import ElectricityMeter, LoadPoint, Transformer
from analysis.metrology.flow import ClampOnMeter, FlowPoint, MagneticMeter, WaterMeter, flow_meter
from analysis.metrology.instruments import Accuracy, Instrument, accuracy, flue_loss_limit_pct

__all__ = [
    "Accuracy",
    "Budget",
    "Certificate",
    "Chain",
    "ClampOnMeter",
    "Contribution",
    "Distribution",
    "ElectricityMeter",
    "FlowPoint",
    "Instrument",
    "LoadPoint",
    "MagneticMeter",
    "SourcePart",
    "Transformer",
    "WaterMeter",
    "accuracy",
    "budget",
    "chain_of",
    "flow_meter",
    "flue_loss_limit_pct",
    "from_expanded",
    "from_limit",
    "from_values",
    "instrument_parts",
    "meter_chain",
    "propagate",
    "pulse_quantisation",
    "sensitivities",
]
