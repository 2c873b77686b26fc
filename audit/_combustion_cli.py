"""The command `dodac combustion`: efficiency and losses of a flue-gas reading, and what tuning would save."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, cast

from audit._arguments import write_json
from dodac.errors import ConfigError, Exit
from dodac.words import LANGUAGES, Language, number_text

if TYPE_CHECKING:
    from analysis import Finding, Fuel, InstrumentLimits, Refusal
    from analysis.combustion import Efficiency, FlueGas, TuningSaving

_EPILOG: Final = """Examples:
  dodac combustion --fuel natural_gas --o2 6 --t-flue 180 --t-air 30 --co 80
  dodac combustion --fuel heavy_oil --method bs845 --o2 8.5 --t-flue 235 --t-air 32 --after 4,195,32 --fuel-use 1500 --unit t
  dodac combustion --fuels
"""
_WORDS: Final[dict[str, dict[Language, str]]] = {
    "efficiency": {"en": "Efficiency ({basis})", "vi": "Hiệu suất ({basis})"},
    "net": {"en": "net calorific value", "vi": "theo nhiệt trị thấp"},
    "gross": {"en": "gross calorific value", "vi": "theo nhiệt trị cao"},
    "counts": {"en": "  counts: {losses}", "vi": "  đã trừ: {losses}"},
    "before": {"en": "Before", "vi": "Trước"},
    "after": {"en": "After", "vi": "Sau"},
    "excess": {"en": "Excess air", "vi": "Không khí thừa"},
    "co": {"en": "CO without air", "vi": "CO không pha loãng"},
    "dew": {"en": "Dew point of the water", "vi": "Điểm sương của hơi nước"},
    "loss": {"en": "Flue-gas loss", "vi": "Tổn thất khói"},
    "saving": {"en": "Fuel saved", "vi": "Nhiên liệu tiết kiệm"},
    "of_fuel": {"en": "of {fuel} {unit}", "vi": "trong {fuel} {unit}"},
    "source": {"en": "Source", "vi": "Nguồn"},
    "findings": {"en": "To know", "vi": "Lưu ý"},
    "refused": {"en": "No number: {text}", "vi": "Không có kết quả: {text}"},
    "confidence": {"en": "at 90 % confidence, instrument only", "vi": "độ tin cậy 90 %, chỉ phần thiết bị"},
}
_LOSSES: Final[dict[str, dict[Language, str]]] = {
    "dry_flue_gas": {"en": "flue gas", "vi": "khói"},
    "fuel_hydrogen": {"en": "hydrogen of the fuel", "vi": "hydro trong nhiên liệu"},
    "fuel_moisture": {"en": "moisture of the fuel", "vi": "ẩm của nhiên liệu"},
    "co": {"en": "CO", "vi": "CO"},
    "condensation": {"en": "condensation (a gain)", "vi": "ngưng tụ (phần được)"},
}


def combustion(argv: Sequence[str]) -> int:
    """`dodac combustion`: losses and efficiency of a reading; 1 when there is no number to give."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    language = cast("Language", arguments.language)
    if arguments.fuels:
        return _fuels(arguments.json, language)
    if arguments.fuel is None or arguments.t_flue is None or arguments.t_air is None:
        raise ConfigError(
            "the fuel, --t-flue and --t-air are needed.",
            todo="dodac combustion --fuels lists the fuels; --help shows an example.",
        )
    from analysis import FlueGas, InstrumentLimits, Refusal, fuel

    _check(arguments)
    limits = InstrumentLimits(*_numbers(arguments.limits, "--limits", 3))
    chosen = fuel(arguments.fuel)
    reading = FlueGas(arguments.o2, arguments.t_flue, arguments.t_air, arguments.co, arguments.co2)
    found = _result(reading, chosen, arguments, limits)
    if isinstance(found, Refusal):
        return _refused(found, arguments.json, language)
    document: dict[str, Any] = {"reading": asdict(reading), **found}
    lines = _lines(found, language)
    findings = list(found["findings"])
    if arguments.after is not None:
        o2, t_flue, t_air, *co = _numbers(arguments.after, "--after", 3, 4)
        later = _result(FlueGas(o2, t_flue, t_air, *co), chosen, arguments, limits)
        if isinstance(later, Refusal):
            return _refused(later, arguments.json, language)
        saving = _saving(found["efficiency"], later["efficiency"], arguments)
        if isinstance(saving, Refusal):
            return _refused(saving, arguments.json, language)
        document |= {"after": later, "saving": saving}
        lines = [
            _WORDS["before"][language],
            *lines,
            "",
            _WORDS["after"][language],
            *_lines(later, language),
            "",
        ]
        lines += _saving_lines(saving, arguments, language)
        findings += [finding for finding in (*later["findings"], *saving.findings) if finding not in findings]
    if arguments.json:
        write_json(_plain(document))
        return Exit.OK
    if findings:
        lines += [_WORDS["findings"][language], *(f"  - {_text(finding, language)}" for finding in findings)]
    lines.append(f"{_WORDS['source'][language]}: {found['source']}")
    sys.stdout.write("\n".join(lines) + "\n")
    return Exit.OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dodac combustion",
        description="Losses and efficiency of one steady flue-gas reading; with --after what the change saves.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--fuel", metavar="ID", help="a fuel of --fuels")
    parser.add_argument("--fuels", action="store_true", help="list the fuels")
    parser.add_argument("--o2", metavar="PCT", help="O2, vol%% dry", type=float)
    parser.add_argument("--co2", metavar="PCT", help="CO2, vol%% dry; instead of O2 or beside it", type=float)
    parser.add_argument("--t-flue", metavar="C", help="flue gas, °C", type=float)
    parser.add_argument("--t-air", metavar="C", help="combustion air, °C", type=float)
    parser.add_argument("--co", metavar="PPM", help="CO, ppm dry (not percent)", type=float)
    parser.add_argument(
        "--method",
        choices=("siegert", "bs845"),
        default="siegert",
        help="siegert (net, default) or bs845 (gross and net)",
    )
    parser.add_argument(
        "--constants",
        choices=("testo", "bacharach"),
        default="testo",
        help="whose Siegert constants (O2 base 21 or 20.9)",
    )
    parser.add_argument("--basis", choices=("gross", "net"), default="gross", help="of bs845 (default gross)")
    parser.add_argument(
        "--humidity", metavar="PCT", type=float, default=0.0, help="relative humidity of the air"
    )
    parser.add_argument(
        "--limits", metavar="O2,FLUE,AIR", default="0.2,2,0.5", help="limits of error of the analyser, ±"
    )
    parser.add_argument("--after", metavar="O2,FLUE,AIR[,CO]", help="the reading after tuning")
    parser.add_argument("--fuel-use", metavar="N", help="fuel of the period before, in --unit", type=float)
    parser.add_argument("--unit", default="t", help="unit of --fuel-use (default t)")
    parser.add_argument("--language", choices=LANGUAGES, default="en", help="vi or en (default en)")
    parser.add_argument("--json", action="store_true", help="as JSON")
    return parser


def _check(arguments: argparse.Namespace) -> None:
    """Raises ConfigError, naming the option, for air that can't be, or a number that stands for nothing here."""
    if not -90.0 <= arguments.t_air <= 400.0:
        raise ConfigError(f"--t-air {arguments.t_air:g}: no combustion air is that warm.", todo="Give °C.")
    if not 0.0 <= arguments.humidity <= 100.0:
        raise ConfigError(
            f"--humidity {arguments.humidity:g} is no relative humidity.", todo="Give 0 to 100 %."
        )
    if arguments.fuel_use is not None and arguments.after is None:
        raise ConfigError("--fuel-use means nothing without --after.", todo="Give the reading after tuning.")


def _numbers(text: str, option: str, least: int, most: int | None = None) -> list[float]:
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not least <= len(found) <= (most or least) or not all(math.isfinite(value) for value in found):
        raise ConfigError(
            f'{option} "{text}" is not {least} numbers with commas between.', todo="See --help."
        )
    return found


def _result(
    reading: FlueGas, chosen: Fuel, arguments: argparse.Namespace, limits: InstrumentLimits
) -> dict[str, Any] | Refusal:
    """What both methods give, under the same names."""
    from analysis import Refusal
    from analysis.combustion import bs845, humidity_kg_kg, siegert, stoichiometry

    damp = humidity_kg_kg(reading.t_air_c, arguments.humidity)
    if arguments.method == "siegert":
        net = siegert(reading, chosen, limits=limits, method=arguments.constants, humidity_kg_kg=damp)
        if isinstance(net, Refusal):
            return net
        loss, co, dew = net.q_a_pct, net.co_air_free_ppm, net.dew_point_c
        efficiency, findings, source, o2 = net.efficiency, net.findings, net.source, net.o2_pct
    else:
        british = bs845(reading, chosen, limits=limits)
        if isinstance(british, Refusal):
            return british
        gross = arguments.basis == "gross"
        efficiency = british.gross if gross else british.net
        loss = british.dry_gross_pct + british.wet_pct if gross else british.dry_net_pct
        findings, source, o2 = british.findings, f"{british.source}; {chosen.source}", british.o2_pct
        co = None if reading.co_ppm is None else max(reading.co_ppm, 0.0) * 20.9 / (20.9 - o2)
        gas = None if chosen.elements is None else stoichiometry(chosen.elements)
        dew = None if gas is None else gas.dew_point_c(gas.excess_air_pct(o2), damp)
    excess = (
        100.0 * o2 / (20.9 - o2)
        if chosen.elements is None
        else stoichiometry(chosen.elements).excess_air_pct(o2)
    )
    from analysis.combustion.efficiency import expanded

    return {
        "efficiency": efficiency,
        "half_width_pct": expanded(efficiency.standard_uncertainty_pct, 0.9).half_width,
        "loss_pct": loss,
        "excess_air_pct": excess,
        "co_air_free_ppm": co,
        "dew_point_c": dew,
        "findings": findings,
        "source": source,
    }


def _saving(before: Efficiency, after: Efficiency, arguments: argparse.Namespace) -> TuningSaving | Refusal:
    from analysis.combustion import tuning_saving

    used = 1.0 if arguments.fuel_use is None else arguments.fuel_use
    return tuning_saving(before, after, fuel_before=used, output_before=1.0, unit=arguments.unit)


def _lines(found: dict[str, Any], language: Language) -> list[str]:
    def number(value: float, digits: int = 1) -> str:
        return number_text(value, digits, language)

    efficiency = found["efficiency"]
    basis = _WORDS[efficiency.basis][language]
    counted = ", ".join(_LOSSES[name][language] for name in _LOSSES if name in efficiency.losses)
    width = f" ± {number(found['half_width_pct'], 2)} ({_WORDS['confidence'][language]})"
    lines = [
        f"{_WORDS['efficiency'][language].format(basis=basis)}: {number(efficiency.value_pct)} %{width}",
        _WORDS["counts"][language].format(losses=counted),
        f"{_WORDS['loss'][language]}: {number(found['loss_pct'])} %",
        f"{_WORDS['excess'][language]}: {number(found['excess_air_pct'], 0)} %",
    ]
    if found["co_air_free_ppm"] is not None:
        lines.append(f"{_WORDS['co'][language]}: {number(found['co_air_free_ppm'], 0)} ppm")
    if found["dew_point_c"] is not None:
        lines.append(f"{_WORDS['dew'][language]}: {number(found['dew_point_c'], 0)} °C")
    return lines


def _saving_lines(saving: TuningSaving, arguments: argparse.Namespace, language: Language) -> list[str]:
    share = f"{number_text(100.0 * saving.fraction, 1, language)}"
    if saving.uncertainty is not None:
        share += f" ± {number_text(100.0 * saving.uncertainty.half_width, 1, language)}"
    line = f"{_WORDS['saving'][language]}: {share} %"
    if arguments.fuel_use is not None and saving.half_width is not None:
        used = number_text(arguments.fuel_use, 0, language)
        of = _WORDS["of_fuel"][language].format(fuel=used, unit=saving.unit)
        amount = f"{number_text(saving.saving, 1, language)} ± {number_text(saving.half_width, 1, language)}"
        line += f" = {amount} {saving.unit} {of}"
    return [line]


def _fuels(as_json: bool, language: Language) -> int:
    from analysis import FUELS

    if as_json:
        write_json([_plain(asdict(one)) for one in FUELS.values()])
        return Exit.OK
    width = max(len(name) for name in FUELS)
    for one in FUELS.values():
        name = one.vi if language == "vi" else one.en
        ways = ["siegert"] if one.siegert else []
        ways += ["bs845"] if one.elements is not None else []
        sys.stdout.write(f"{one.id:<{width}}  {name}  [{', '.join(ways)}; {one.checked}]\n")
    return Exit.OK


def _refused(refusal: Refusal, as_json: bool, language: Language) -> int:
    if as_json:
        write_json({"refused": _plain(refusal)})
    else:
        sys.stdout.write(_WORDS["refused"][language].format(text=_text(refusal, language)) + "\n")
    return Exit.FINDING


def _text(item: Finding | Refusal, language: Language) -> str:
    return item.vi if language == "vi" else item.en


def _plain(value: Any) -> Any:
    """Dataclasses, sets, tuples and what is no number (null) as JSON has them."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if hasattr(value, "__dataclass_fields__"):
        value = asdict(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (frozenset, set)):
        return sorted(value)
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
