"""Words of the command line as numbers (addresses, speeds, frames, times), and words about what to try next."""

from __future__ import annotations

import argparse
import re
from typing import Final

from dodac.errors import ConfigError

FRAMES: Final = ("8N1", "8N2", "8E1", "8O1", "7E1", "7O1")


def addresses(text: str, low: int, high: int, option: str = "--units") -> list[int]:
    """ "1-32,40,247" as numbers in the order written, each once; ConfigError."""
    found: dict[int, None] = {}
    for word in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,5})\s*(?:-\s*(\d{1,5})\s*)?", word)
        first, last = (int(match.group(1)), int(match.group(2) or match.group(1))) if match else (1, 0)
        if not low <= first <= last <= high:
            todo = f"Write numbers from {low} to {high}, e.g. {option} 1-32,40."
            raise ConfigError(f'{option}: "{word.strip()}" is no range of addresses.', None, todo)
        found.update(dict.fromkeys(range(first, last + 1)))
    return list(found)


def bauds(text: str | None) -> list[int]:
    """ "9600,19200" as numbers; ConfigError."""
    found = []
    for word in (text or "").split(",") if text else []:
        if not re.fullmatch(r"\s*\d{2,7}\s*", word) or not 50 <= int(word) <= 4_000_000:
            raise ConfigError(
                f'--baud: "{word.strip()}" is no line speed.', None, "Write e.g. --baud 9600,19200."
            )
        found.append(int(word))
    return found


def frames(text: str | None) -> list[str]:
    """ "8N1,8E1" as frames; ConfigError."""
    found = [word.strip().upper() for word in text.split(",")] if text else []
    for word in found:
        if word not in FRAMES:
            raise ConfigError(f'--frame: "{word}" is no frame.', None, f"Known are: {', '.join(FRAMES)}.")
    return found


def seconds(value: float, option: str, low: float = 0.01, high: float = 86_400.0) -> float:
    """A length of time; ConfigError for one that is none."""
    if not low <= value <= high:
        raise ConfigError(
            f"{option}: {value:g} is no length of time.", None, f"Write {low:g} to {high:g} seconds."
        )
    return value


def what_else(args: argparse.Namespace) -> str:
    """What to look at, and what to try next, where nothing answered."""
    target = args.target or ""
    if target == "beacons":
        return "Is the analyser switched on, in the same network, and does the firewall let UDP in?"
    if target.startswith(("mqtt://", "mqtts://")):
        return "Does anything publish, and may this user read it? Listen longer: --seconds 120."
    if not target:
        return ""
    words = "Look at power, wiring (A and B exchanged?) and the address."
    if args.protocol == "mbus":
        return f"{words} Modbus: leave --protocol out; an instrument that sends by itself: dodac sniff."
    further = [] if args.units or args.all else ["addresses above 32: --units 1-247"]
    further += [] if args.framing == "ascii" else ["Modbus ASCII: --framing ascii"]
    further += ["M-Bus: --protocol mbus", "an instrument that sends by itself: dodac sniff"]
    return f"{words} Try {'; '.join(further)}."
