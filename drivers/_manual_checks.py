"""What pydantic can't see in a form's profile: kinds and period, bounds, units that can be chosen, sums."""

from __future__ import annotations

from dodac.quantities import CHANNELS, Kind, nearest
from dodac.units import conversion
from drivers._profile_manual import ManualChannel, ManualProfile
from drivers.manual_words import CODES

Problem = tuple[tuple[str | int, ...], str]


def manual_problems(profile: ManualProfile) -> list[Problem]:
    """What is wrong with a form beyond types: (path in the file, sentence) pairs."""
    found: list[Problem] = []
    period = profile.form.period != "none"
    for name, spec in profile.channels.items():
        if name not in CHANNELS:
            continue  # told already
        here = ("channels", name)
        kind = CHANNELS[name].kind
        if kind is Kind.INTERVAL and not period:
            found.append((here, f"{name} is an amount of a period: give form.period."))
        if kind is Kind.COUNTER and period:
            found.append((here, f"{name} is the register of a moment: this form asks for a period."))
        found += [((*here, *path), words) for path, words in _channel(name, spec)]
    for total, parts in profile.sums.items():
        for name in (total, *parts):
            if name not in profile.channels:
                found.append((("sums", total), _unknown(name, profile)))
            elif _unit(name) != _unit(total):
                words = f"{name} ({_unit(name)}) can't be added up to {total} ({_unit(total)})."
                found.append((("sums", total), words))
    for place, test in enumerate(profile.tests):
        for key in ("entry", "refused", "asked"):
            for name, code in getattr(test, key).items():
                path = ("tests", place, key, name)
                if name not in profile.channels:
                    found.append((path, _unknown(name, profile)))
                elif key != "entry" and code not in CODES:
                    near = nearest(code, CODES)
                    hint = f' Did you mean "{near}"?' if near else ""
                    found.append((path, f'a form says nothing like "{code}".{hint}'))
    return found


def _channel(name: str, spec: ManualChannel) -> list[Problem]:
    found: list[Problem] = []
    if spec.scale == 0:
        found.append((("scale",), "a scale of 0 loses the value."))
    if spec.units and (spec.scale != 1 or spec.offset != 0):
        found.append((("units",), "with a scale or offset of its own the field has one unit only."))
    for unit in spec.units:
        try:
            conversion(unit, CHANNELS[name].unit)
        except ValueError as error:
            found.append((("units",), str(error)))
    if spec.expected is not None:
        low, high = spec.range or (CHANNELS[name].low, CHANNELS[name].high)
        if spec.expected[0] >= spec.expected[1]:
            found.append((("expected",), "the low end must be below the high end."))
        elif not low <= spec.expected[0] or not spec.expected[1] <= high:
            found.append((("expected",), f"what is expected lies within the range {low:g} … {high:g}."))
    return found


def _unit(name: str) -> str:
    return CHANNELS[name].unit if name in CHANNELS else ""


def _unknown(name: str, profile: ManualProfile) -> str:
    near = nearest(name, profile.channels)
    hint = f' Did you mean "{near}"?' if near else ""
    return f'this form has no field "{name}".{hint}'
