"""Units as headers of files spell them: in brackets, after a comma, before or after the name, or in a row."""

from __future__ import annotations

import re
from typing import Final

from dodac.units import canonical_unit

_BRACKETS: Final = re.compile(r"^(.*?)\s*[\[({<]\s*([^\])}>]*?)\s*[\])}>]\s*$")
_LONGEST: Final = 200  # what is longer is no name of a column
_BEFORE_END: Final = re.compile(r"^([^\[(]+)[\[(]([^\])]*)[\])](_\d)$")
# spellings whose case can't change the meaning: mW and MW, mWh and MWh are not among them
_ANY_CASE: Final = {
    "w": "W", "kw": "kW", "va": "VA", "kva": "kVA", "var": "var", "kvar": "kvar", "kvarh": "kvarh", "kvah": "kVAh",
    "wh": "Wh", "kwh": "kWh", "v": "V", "kv": "kV", "volt": "V", "a": "A", "amp": "A", "ampere": "A", "hz": "Hz",
    "ppm": "ppm", "vppm": "ppm", "ppmv": "ppm", "vol%": "vol%", "vol.%": "vol%", "vol.-%": "vol%", "vol-%": "vol%",
    "% vol": "vol%", "%vol": "vol%", "% v/v": "vol%", "vol %": "vol%", "vol. %": "vol%", "%": "%", "%rh": "%", "% rh": "%",
    "pa": "Pa", "hpa": "hPa", "kpa": "kPa", "mbar": "mbar", "bar": "bar", "inh2o": "inH2O", "in h2o": "inH2O", "inwc": "inH2O",
    "in wc": "inH2O", "mmh2o": "mmH2O", "mmwc": "mmH2O", "mmws": "mmH2O", "psi": "psi",
    "°c": "degC", "degree c": "degC", "degrees c": "degC", "degree f": "degF", "degrees f": "degF", "c": "degC", "deg c": "degC", "degc": "degC", "℃": "degC", "oc": "degC", "ºc": "degC", "grad c": "degC", "độ c": "degC",
    "°f": "degF", "f": "degF", "deg f": "degF", "degf": "degF", "℉": "degF", "ºf": "degF", "k": "K", "kelvin": "K",
    "m3": "m3", "m³": "m3", "m^3": "m3", "cbm": "m3", "khối": "m3", "nm3": "Nm3", "nm³": "Nm3", "sm3": "Sm3", "sm³": "Sm3",
    "m3/h": "m3/h", "m³/h": "m3/h", "cbm/h": "m3/h", "l": "l", "lit": "l", "lít": "l", "liter": "l", "litre": "l",
    "l/h": "l/h", "l/min": "l/min", "l/phút": "l/min", "lít/phút": "l/min", "m3/giờ": "m3/h", "m³/giờ": "m3/h", "kg/giờ": "kg/h", "tấn/h": "t/h", "tấn/giờ": "t/h", "lpm": "l/min", "l/s": "l/s",
    "kg": "kg", "g": "g", "t": "t", "ton": "t", "tons": "t", "tonne": "t", "tonnes": "t", "tấn": "t", "kg/h": "kg/h", "t/h": "t/h",
    "gj": "GJ", "kcal": "kcal", "acv": "V", "aca": "A",
}  # fmt: skip
# measured in a way that no scale turns into the channel's unit
_FOREIGN: Final = re.compile(
    r"^(m|k|µ|u)?g\s*/\s*(n|s)?m(3|³)(n)?$|^(mg|g)\s*/\s*k?wh$|^(mg|g|lb|lbs)\s*/\s*(mj|gj|mmbtu)$"
    r"|^(in|mm)hg$|^(therm|therms|mmbtu|btu|kbtu|ccf|mcf|cf|cfm|scf|gal|gallon|gallons|lb|lbs|hp|sm3|sm³|bộ|cái)$",
    re.IGNORECASE,
)


# units that are a column's whole name: the numbers below "kW" are in kW
_WHOLE: Final = frozenset(
    ("kw", "mw", "kwh", "mwh", "kva", "kvar", "kvarh", "kvah", "ppm", "hz", "nm3", "m3", "m³", "nm³", "kg", "gj", "m3/h", "m³/h", "kg/h", "t/h", "°c")
)  # fmt: skip


def file_unit(text: str) -> str | None:
    """The canonical unit that a text of a file means, None when it is none that is known."""
    word = " ".join(text.split()).strip("[](){}<>").strip()
    if not word:
        return None
    try:
        return canonical_unit(word)
    except ValueError:
        pass
    found = _ANY_CASE.get(word.casefold())
    if found is None and word in ("MWH", "MWh", "Mwh"):
        return "MWh"
    try:
        return canonical_unit(found) if found else None
    except ValueError:
        return None


def is_foreign(text: str) -> bool:
    """True for a unit that exists and that no channel is measured in (mg/m3: it needs a density)."""
    return len(text) <= _LONGEST and bool(_FOREIGN.match(text.strip().strip("[](){}<>").strip()))


def split_name(name: str) -> tuple[str, str]:
    """A header cell as (name, text of its unit or "").

    "O2 [%]", "P (kW)", "Power, kW", "CO ppm", "ppm CO", "Energy_MWh"; what stands in brackets is given
    whether or not it is a unit.
    """
    text = " ".join(name.split())
    if len(text) > _LONGEST:
        return text, ""
    inside = _BEFORE_END.match(text)
    if inside:  # "I1_INST(A)_1": the unit stands before the number of the load
        return inside.group(1) + inside.group(3), inside.group(2)
    # KEW Windows writes the unit twice: "AVG_V1[V][V]"
    twice = _BRACKETS.match(text)
    if twice:
        inner = _BRACKETS.match(twice.group(1))
        if inner and inner.group(2) == twice.group(2):
            text = twice.group(1)
            twice = inner
        return twice.group(1).strip(), twice.group(2)
    head, sign, tail = text.rpartition(",")
    if sign and _believable(tail.strip()):
        return head.strip(), tail.strip()
    words = text.split(" ")
    for size in (2, 1):
        if len(words) > size:
            tail, front = " ".join(words[-size:]), " ".join(words[:size])
            if _believable(tail):
                return " ".join(words[:-size]), tail
            if front in ("%", "ppm", "°C") or (size == 2 and front.casefold() in ("% vol", "vol %")):
                return " ".join(words[size:]), front
    head, sign, tail = text.rpartition("_")
    if sign and _believable(tail):
        return head, tail
    return text, text if text.casefold() in _WHOLE else ""


def _believable(text: str) -> bool:
    # one letter at the end of a name is as often a name ("Boiler A", "P_F", "Kiln C") as a unit
    if len(text) < 2 and text != "%":
        return False
    return (file_unit(text) is not None and not text[0].isdigit()) or (is_foreign(text) and "/" in text)


def unit_in_header(name: str) -> str | None:
    """The unit that a column's name carries: "Energy [MWh]", "Energy (MWh)", "CO ppm" or "Energy_MWh"."""
    return file_unit(split_name(name)[1])
