"""What the labels and units of testo's TJF mean: by xmlid where there is one, else by the label's language.

Facts: samples of github testo/tjf; labels of further languages from an app for the testo 330 (github
aes-multimedia/Gestnet_jelpin at c813fae, enum Idents).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final, Literal

from dodac.quantities import CHANNELS
from dodac.units import Conversion, canonical_unit, conversion

Language = Literal["de", "en", ""]

_BY_XMLID: Final = {
    "T_Flue": "t_flue_c",
    "T_Air": "t_air_c",
    "O2": "o2_pct",
    "CO2": "co2_pct",
    "CO_Dil": "co_ppm",
    "NO_Dil": "no_ppm",
    # not seen, after the pattern of the others
    "NO2_Dil": "no2_ppm",
    "NOx_Dil": "nox_ppm",
    "NOX_Dil": "nox_ppm",
    "SO2_Dil": "so2_ppm",
    "P_Draft": "draught_pa",
}
_COMPUTED: Final = "is computed by the instrument and has no channel here"
_LOSS: Final = f"flue gas loss {_COMPUTED} (on which heating value depends on the language of the display)"
_EFFICIENCY: Final = f"efficiency {_COMPUTED} (on which heating value depends on the language of the display)"
_WITHOUT_CHANNEL: Final = {
    "CO_Norm": f"undiluted CO {_COMPUTED}",
    "QAgr": _LOSS,
    "QAnet": _LOSS,
    "Effg": _EFFICIENCY,
    "Effn": _EFFICIENCY,
    "Efficiency": _EFFICIENCY,
    "Lambda": f"excess air ratio {_COMPUTED}",
    "T_Dew": f"dew point {_COMPUTED}",
    "GT": "temperature inside the instrument has no channel here",
}
LEFT_OUT: Final = frozenset(_WITHOUT_CHANNEL.values())
"""Why something is never read; it is nothing to be told of again."""
# labels of the same, where there is no id
_WITHOUT_CHANNEL_NAMED: Final = {
    name: _WITHOUT_CHANNEL[xmlid]
    for xmlid, names in {
        "CO_Norm": ("uco", "counv"),
        "QAnet": ("qa", "qanet"),
        "QAgr": ("qa +", "qa+", "qagr."),
        "Effn": ("η", "eta", "effn"),
        "Effg": ("η +", "η+", "eta +", "effg"),
        "Lambda": ("λ", "lambda"),
        "T_Dew": ("atp", "dew pt"),
        "GT": ("gt", "itemp"),
    }.items()
    for name in names
}
_BY_NAME: Final = {
    "o2": "o2_pct",
    "co2": "co2_pct",
    "co": "co_ppm",
    "no": "no_ppm",
    "no2": "no2_ppm",
    "nox": "nox_ppm",
    "so2": "so2_ppm",
    "ft": "t_flue_c",
    "vt": "t_air_c",
    "zug": "draught_pa",
    "draught": "draught_pa",
    "draft": "draught_pa",
    # French, Spanish, Italian, Dutch, Czech; none of them is another value in any language
    "tf": "t_flue_c",
    "th": "t_flue_c",
    "tr": "t_flue_c",
    "ts": "t_flue_c",
    "ta": "t_air_c",
    "tv": "t_air_c",
    "tir.": "draught_pa",
    "tiro": "draught_pa",
    "tirag.": "draught_pa",
    "trek": "draught_pa",
    "tah": "draught_pa",
}
# labels that only one language uses: they tell what "AT" is
_CUES: Final[dict[Language, frozenset[str]]] = {
    "de": frozenset({"vt", "zug", "atp", "counv"}),
    "en": frozenset({"ft", "draught", "draft", "dew pt"}),
}
_FLUE_OR_AIR: Final[dict[Language, str]] = {"de": "t_flue_c", "en": "t_air_c"}
_UNITS: Final = {
    "UNIT_DEG_C": "degC",
    "UNIT_PERCENT": "vol%",
    "UNIT_PPM": "ppm",
    "UNIT_PA": "Pa",
    "UNIT_MBAR": "mbar",
}
_VERSION: Final = re.compile(r"\d{1,4}(?:\.\d{1,4}){1,3}")
MASS_UNITS: Final = frozenset({"UNIT_MG_M3", "UNIT_MG_KWH", "mg/m³", "mg/m3", "mg/kWh"})


def label(text: str) -> str:
    """A label without NUL signs, outer blanks, subscripts and capitals: "O₂" and "o2 " are one."""
    return unicodedata.normalize("NFKC", text.replace("\0", "")).strip().casefold()


def language(names: Iterable[str], schema: str = "") -> Language:
    """The language of a set of labels; "" when nothing tells it, or two languages are in it.

    schema: its version; since 1.0.1 names are never translated (testo/tjf, README), so English where no
    label tells another language.
    """
    seen = {label(name) for name in names}
    found = [tongue for tongue, cues in _CUES.items() if seen & cues]
    if not found and _VERSION.fullmatch(schema) and _version(schema) >= (1, 0, 1):
        return "en"
    return found[0] if len(found) == 1 else ""


def _version(schema: str) -> tuple[int, ...]:
    return tuple(int(part) for part in schema.split("."))


def channels_of(xmlid: str, name: str, tongue: Language) -> tuple[tuple[str, ...], str]:
    """The channel of a label, or why there is none.

    One channel: it is known. Two: it is one of them and nothing tells which. None: the words say why. An
    xmlid that is not known is never taken by its label: the same gas may stand there on another basis.
    """
    if xmlid in _BY_XMLID:
        return (_BY_XMLID[xmlid],), ""
    if xmlid in _WITHOUT_CHANNEL:
        return (), _WITHOUT_CHANNEL[xmlid]
    word = label(name)
    if word == "at":
        known = _FLUE_OR_AIR.get(tongue)
        if known is not None and not xmlid:
            return (known,), ""
        words = '"AT" is the flue gas in German and the combustion air in English; nothing tells which'
        words += ": set the display to English"
        return ("t_flue_c", "t_air_c"), words
    if xmlid:
        return (), f'the id "{xmlid[:40]}" is not known'
    if word in _BY_NAME:
        return (_BY_NAME[word],), ""
    if word in _WITHOUT_CHANNEL_NAMED:
        return (), _WITHOUT_CHANNEL_NAMED[word]
    return (), f'"{name[:40]}" has no channel here'


def convert_from(channel: str, xmlid: str, name: str) -> Conversion | str:
    """How a unit becomes the channel's own, or words saying why it can't be."""
    shown = name.replace("\0", "").strip()
    if xmlid in MASS_UNITS or shown in MASS_UNITS:
        wanted = CHANNELS[channel].unit
        return f"{shown or xmlid} needs the gas and its reference state; set the instrument to {wanted}"
    by_id, by_name = _UNITS.get(xmlid), None
    if shown:
        try:
            by_name = canonical_unit(shown)
        except ValueError:
            by_name = None
    if by_id is None and by_name is None:
        return f'the unit "{(shown or xmlid)[:40]}" is not known'
    target = CHANNELS[channel].unit
    try:
        ways = {conversion(unit, target) for unit in (by_id, by_name) if unit is not None}
    except ValueError as error:
        return str(error)
    if len(ways) > 1:
        return f'the unit is "{shown}" by name and {xmlid} by id'
    return ways.pop()
