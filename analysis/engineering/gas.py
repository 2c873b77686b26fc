"""Gas volumes: from line conditions to normal conditions, with the reference kept in the result."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from analysis.engineering import _words as words
from analysis.results import Finding, Refusal

_ZERO_C_K: Final = 273.15
# the atmosphere at 2 500 m; no gas line works below it
_LOWEST_LINE_BAR_ABS: Final = 0.75


class Reference(Enum):
    """Reference conditions by name: (temperature °C, pressure bar absolute), all with their source."""

    NORMAL_0C = (0.0, 1.01325)  # DIN 1343, ISO 10780: "Nm³" of burners and stacks
    STANDARD_15C = (15.0, 1.01325)  # ISO 13443: natural gas
    STANDARD_20C = (20.0, 1.01325)  # GOST 2939: gas in Russia, many makers
    ISO_1217 = (20.0, 1.0)  # ISO 1217 and ISO 2787: free air of compressors
    QCVN_25C = (25.0, 1.01325)  # QCVN 19:2009/BTNMT: 25 °C, 760 mmHg

    @property
    def t_c(self) -> float:
        """Temperature, °C."""
        return self.value[0]

    @property
    def p_bar_abs(self) -> float:
        """Pressure, bar absolute."""
        return self.value[1]


@dataclass(frozen=True)
class GasVolume:
    """A volume that can't be parted from its reference conditions."""

    volume_m3: float
    reference: Reference
    findings: tuple[Finding, ...] = ()

    def at(self, reference: Reference) -> GasVolume:
        """The same gas at other reference conditions (ideal gas)."""
        scale = self.reference.p_bar_abs / reference.p_bar_abs
        scale *= (reference.t_c + _ZERO_C_K) / (self.reference.t_c + _ZERO_C_K)
        return GasVolume(self.volume_m3 * scale, reference, self.findings)


def normal_volume(
    volume_m3: float,
    t_c: float,
    *,
    p_bar_abs: float,
    reference: Reference = Reference.NORMAL_0C,
    compressibility_ratio: float = 1.0,
) -> GasVolume | Refusal:
    """The volume of a meter at line conditions, at reference conditions: V p/p₀ T₀/T · Z₀/Z (EN 12405-1).

    p_bar_abs: absolute (gauge plus ambient: `analysis.engineering.steam.absolute_bar`); compressibility_ratio:
    Z₀/Z, 1 below a few bar. A pressure below any atmosphere is told as a gauge's reading. Refused for a pressure that is not above zero or a temperature below −100 °C.
    """
    refusal = words.checked(volume_m3=volume_m3) or words.checked(
        above=True, p_bar_abs=p_bar_abs, compressibility_ratio=compressibility_ratio
    )
    if refusal is not None:
        return refusal
    if not -100.0 <= t_c <= 1500.0:
        return words.out_of_range("t_c", t_c, "between −100 and 1 500 °C", "từ −100 đến 1 500 °C")
    scale = p_bar_abs / reference.p_bar_abs * (reference.t_c + _ZERO_C_K) / (t_c + _ZERO_C_K)
    findings = (words.looks_like_gauge(p_bar_abs),) if p_bar_abs < _LOWEST_LINE_BAR_ABS else ()
    return GasVolume(volume_m3 * scale * compressibility_ratio, reference, findings)
