"""The devices of an electricity metering chain, as their plates and data sheets describe them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from analysis.metrology.certificates import Certificate


@dataclass(frozen=True)
class LoadPoint:
    """A piece of the load: current as fraction of the rated (CT primary) or reference current, cos φ, share of the energy.

    voltage: fraction of the VT's rated voltage.
    """

    load: float
    power_factor: float
    share: float = 1.0
    voltage: float = 1.0


@dataclass(frozen=True)
class ElectricityMeter:
    """An electricity meter: id, class as on its plate ("1", "0.5S", "B"), direct or behind transformers.

    reading_pct, full_scale_pct: instead of a class, the data sheet's "± x % of reading ± y % of full scale"
    (portable loggers), full scale being the rated or reference current.
    """

    id: str
    accuracy_class: str | None = None
    connection: Literal["direct", "ct"] = "direct"
    quantity: Literal["active", "reactive"] = "active"
    reading_pct: float | None = None
    full_scale_pct: float = 0.0
    certificate: Certificate | None = None


@dataclass(frozen=True)
class Transformer:
    """A set of current or voltage transformers: id, class, burden as fraction of the rated burden if known.

    phase_min: limit of the phase error by the data sheet (minutes), for classes that state none.
    largest: the rated extended current as fraction (1.2 when the plate says nothing). reading_pct,
    full_scale_pct: instead of a class, what the data sheet of a clamp says, with its phase_min; such a
    clamp errs anew at each visit unless left_in_place.
    """

    id: str
    accuracy_class: str | None = None
    burden: float | None = None
    phase_min: float | None = None
    largest: float = 1.2
    reading_pct: float | None = None
    full_scale_pct: float = 0.0
    certificate: Certificate | None = None
    left_in_place: bool = False
