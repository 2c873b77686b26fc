"""What payload codecs of LoRaWAN devices give: fields of one or more moments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dodac.samples import Reason


@dataclass(frozen=True, slots=True)
class Point:
    """The fields of one moment.

    values: by the codec's field names, in the unit that the codec's module states. faults: fields whose
    value (if any) is no reading, and why. time_ns: UTC of the device's own clock; None: the uplink's.
    current: measured when it was sent, so that its time tells how right the device's clock is.
    """

    values: Mapping[str, float]
    faults: Mapping[str, Reason] = field(default_factory=dict)
    time_ns: int | None = None
    current: bool = False


# the payload's bytes → its moments, oldest first; raises MqttRefusal
Decode = Callable[[bytes], tuple[Point, ...]]
