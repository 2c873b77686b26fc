"""What stands and somebody should know: of the collector itself, and faults of lines, meters and servers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from api.deps import Context
from api.words import WORDS, say
from dodac.clock import local_text, parse_time_ns
from dodac.words import Language

_MOST: Final = 20
_SINK: Final = "sink "
_WATCH: Final = "watch "
_TIME: Final[dict[Language, str]] = {"vi": "%d/%m %H:%M", "en": "%d %b %H:%M"}


def alarms_of(context: Context, language: Language) -> list[dict[str, str]]:
    """Rows of the strip: since (local), name, text, and detail (English, as in the log); the collector's own come first.

    A site where nothing is collected by itself, only typed or imported, misses no collector.
    """
    seen = context.collector.seen()
    if seen.picture is None and not _collects(context):
        return []
    found = []
    faults = context.collector.health()["faults"]
    for fault in faults:
        key = f"a_{fault['code']}"
        known = key in WORDS
        text = say(key, language) if known else fault["text"]
        found.append({"since": "", "name": "", "text": text, "detail": fault["text"] if known else ""})
    stuck = any(fault["code"] == "loop_stuck" for fault in faults)
    zone = context.site.site.timezone
    for alarm in (seen.picture or {}).get("alarms", []):
        source = str(alarm["source"])
        if source == "ledger" or (stuck and source.startswith(_WATCH)):
            continue  # told above
        since = local_text(parse_time_ns(alarm["since"], "UTC"), zone, _TIME[language])
        name = alarm["instrument"] or source.removeprefix(_SINK)
        key = _kind(alarm, context)
        text, detail = (say(key, language), alarm["text"]) if key else (alarm["text"], "")
        found.append({"since": since, "name": name, "text": text, "detail": detail})
    return found[:_MOST]


def _kind(alarm: Mapping[str, Any], context: Context) -> str:
    """The key of the words for what stands, "" for none."""
    source = str(alarm["source"])
    if alarm["instrument"]:
        return "al_instrument"
    if source.startswith(_SINK):
        return "al_sink"
    if source.startswith(_WATCH):
        return "a_loop_stuck"
    if source in ("clock", "power"):
        return f"al_{source}"
    return "al_connection" if source in context.site.connections else ""


def _collects(context: Context) -> bool:
    kinds = {name: connection.kind for name, connection in context.site.connections.items()}
    return any(
        item.profile is not None and kinds.get(item.connection or "") not in ("manual", "file", None)
        for item in context.site.instruments
    )
