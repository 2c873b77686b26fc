"""What stands and somebody should know: of the collector itself, and faults of lines, meters and servers."""

from __future__ import annotations

from typing import Final

from api.deps import Context
from api.words import WORDS, say
from dodac.clock import local_text, parse_time_ns
from dodac.words import Language

_MOST: Final = 20


def alarms_of(context: Context, language: Language) -> list[dict[str, str]]:
    """Rows of the strip: since (local), name, text; what concerns the collector itself comes first.

    A site where nothing is collected by itself, only typed or imported, misses no collector.
    """
    seen = context.collector.seen()
    if seen.picture is None and not _collects(context):
        return []
    found = []
    for fault in context.collector.health()["faults"]:
        key = f"a_{fault['code']}"
        text = say(key, language) if key in WORDS else fault["text"]
        found.append({"since": "", "name": "", "text": text})
    zone = context.site.site.timezone
    for alarm in (seen.picture or {}).get("alarms", []):
        if alarm["source"] == "ledger":
            continue  # told above
        since = local_text(parse_time_ns(alarm["since"], "UTC"), zone, "%d.%m. %H:%M")
        name = alarm["instrument"] or alarm["source"]
        found.append({"since": since, "name": name, "text": alarm["text"]})
    return found[:_MOST]


def _collects(context: Context) -> bool:
    kinds = {name: connection.kind for name, connection in context.site.connections.items()}
    return any(
        item.profile is not None and kinds.get(item.connection or "") not in ("manual", "file", None)
        for item in context.site.instruments
    )
