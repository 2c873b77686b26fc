"""What the words around a table say of the instrument: serial number, model, fuel, when it was triggered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from drivers.protocols.files_head import is_date
from drivers.protocols.files_words import plain


def facts_above(above: Sequence[tuple[int, tuple[str, ...]]]) -> dict[str, str]:
    """What rows above a header say of the instrument: "Serial number;12345" and "Model: X200"."""
    facts: dict[str, str] = {}
    for _, cells in above:
        full = [cell for cell in cells if cell]
        if len(full) == 3 and is_date(full[1]):
            full = [full[0], f"{full[1]} {full[2]}"]
        if len(full) == 3 and full[1] == ":":
            full = [full[0], full[2]]
        if len(full) == 1 and ":" in full[0]:
            key, _, value = full[0].partition(":")
            full = [key.strip(), value.strip()]
        if len(full) == 2 and full[0] and full[1] and len(full[0]) <= 60 and len(facts) < 100:
            facts.setdefault(full[0].rstrip(" :=").strip(), full[1][:200])
    return facts


def trigger_of(facts: Mapping[str, str]) -> str | None:
    """The time at which a logger says it was triggered."""
    words = ("trigger time", "trigger date", "start time", "record start", "recording start")
    return next((value for key, value in facts.items() if plain(key) in words), None)


_FACT_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "serial_number": (
        "serial number", "serial no", "serial", "s n", "sn", "seriennummer", "so seri", "so serial", "so may", "id number",
    ),
    "model": ("model", "type", "instrument", "device", "device type", "gerat", "gerattyp", "typ", "thiet bi", "loai may", "kieu may"),
    "customer": ("customer", "client", "company", "kunde", "khach hang", "ten khach hang", "doanh nghiep", "don vi"),
    "fuel": ("fuel", "fuel type", "brennstoff", "nhien lieu"),
    "location": ("location", "place", "site", "ort", "messort", "dia diem", "vi tri"),
    "operator": ("operator", "user", "tester", "prufer", "nguoi do"),
    "ct_ratio": ("ct ratio", "ct", "ty so bien dong", "ty so ti"),
    "wiring": ("wiring", "wiring system", "connection", "so do dau day"),
    "firmware": ("firmware", "firmware version", "version", "sw version"),
}  # fmt: skip


def named_facts(facts: Mapping[str, str]) -> dict[str, str]:
    """Facts under the house's names where the words are known, under the file's own elsewhere."""
    own: dict[str, str] = {}
    for key, value in facts.items():
        word = plain(key)
        name = next((name for name, words in _FACT_WORDS.items() if word in words), None)
        own.setdefault(name or f"file: {key}", value)
    return own


def fact_in(line: str) -> tuple[str, str] | None:
    """The fact of a line that has nothing but spaces after its word: "SERIAL NO 77123"."""
    parts = line.split()
    for size in (3, 2, 1):
        word = plain(" ".join(parts[:size]))
        if len(parts) > size and any(word in words for words in _FACT_WORDS.values()):
            return " ".join(parts[:size]), " ".join(parts[size:])
    return None
