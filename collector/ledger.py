"""The ledger: what was received, what became of it, and what each sink has of it; unit one sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

UNKNOWN = ""
"""The instrument of payloads that no configured instrument claims."""


@dataclass(frozen=True, slots=True)
class SourceCount:
    """What one source gave for one instrument since the collector started.

    received = committed + duplicate + conflict + dead_letter + in_flight. A conflict (same key, other
    content) is kept and flagged; a dead letter is a payload kept with its reason.
    """

    instrument: str
    source: str
    received: int = 0
    committed: int = 0
    duplicate: int = 0
    conflict: int = 0
    dead_letter: int = 0
    in_flight: int = 0

    @property
    def balanced(self) -> bool:
        """True when every sample received is accounted for."""
        known = self.committed + self.duplicate + self.conflict + self.dead_letter + self.in_flight
        return self.received == known


@dataclass(frozen=True, slots=True)
class SinkCount:
    """What became of the journal's samples at one sink, since the journal was made.

    committed = delivered + waiting + rejected + expired + dropped; committed counts conflicts that are
    kept. dropped: taken by the journal's limits of size and age before the sink had them. removed: the
    site file does not name this sink any more, so what waits for it is sent nowhere.
    """

    sink: str
    committed: int = 0
    delivered: int = 0
    waiting: int = 0
    rejected: int = 0
    expired: int = 0
    dropped: int = 0
    removed: bool = False

    @property
    def label(self) -> str:
        """Its name for people."""
        return f"{self.sink} (no longer in the site file)" if self.removed else self.sink

    @property
    def balanced(self) -> bool:
        """True when every stored sample is accounted for."""
        known = self.delivered + self.waiting + self.rejected + self.expired + self.dropped
        return self.committed == known


@dataclass(frozen=True, slots=True)
class Ledger:
    """A consistent picture of all counts at one moment."""

    sources: tuple[SourceCount, ...] = ()
    sinks: tuple[SinkCount, ...] = ()

    def balanced(self) -> bool:
        """True when no sample is unaccounted for, per instrument and source and per sink."""
        return all(row.balanced for row in self.sources) and all(row.balanced for row in self.sinks)

    def totals(self) -> SourceCount:
        """All sources together."""
        return SourceCount(
            instrument="(all)",
            source="(all)",
            received=sum(row.received for row in self.sources),
            committed=sum(row.committed for row in self.sources),
            duplicate=sum(row.duplicate for row in self.sources),
            conflict=sum(row.conflict for row in self.sources),
            dead_letter=sum(row.dead_letter for row in self.sources),
            in_flight=sum(row.in_flight for row in self.sources),
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "balanced": self.balanced(),
            "sources": [asdict(row) for row in self.sources],
            "sinks": [asdict(row) for row in self.sinks],
        }

    def text(self) -> str:
        """Tables for people; one line more for a row that does not balance."""
        parts = []
        if self.sources:
            head = ("instrument", "source", "received", "committed", "duplicate", "conflict", "dead letter",
                    "in flight")  # fmt: skip
            parts.append(
                table(
                    head,
                    [
                        (
                            row.instrument or "(unknown)",
                            row.source,
                            row.received,
                            row.committed,
                            row.duplicate,
                            row.conflict,
                            row.dead_letter,
                            row.in_flight,
                        )
                        for row in self.sources
                    ],
                )
            )
        if self.sinks:
            sink_head = ("sink", "committed", "delivered", "waiting", "rejected", "expired", "dropped")
            parts.append(
                table(
                    sink_head,
                    [
                        (
                            row.label,
                            row.committed,
                            row.delivered,
                            row.waiting,
                            row.rejected,
                            row.expired,
                            row.dropped,
                        )
                        for row in self.sinks
                    ],
                )
            )
        parts += [
            f"NOT BALANCED: {row.instrument or '(unknown)'} from {row.source}: {row}"
            for row in self.sources
            if not row.balanced
        ]
        parts += [f"NOT BALANCED: sink {row.sink}: {row}" for row in self.sinks if not row.balanced]
        return "\n\n".join(parts)


def table(head: Sequence[str], rows: Sequence[Sequence[str | int]]) -> str:
    """A text table: words to the left, numbers to the right; a head of several words stands in as many lines."""
    cells = [[str(cell) for cell in row] for row in rows]
    heads = [title.split(" ") for title in head]
    high = max(len(words) for words in heads)
    heads = [[""] * (high - len(words)) + words for words in heads]
    titles = [[words[line] for words in heads] for line in range(high)]
    widths = [max(len(row[place]) for row in [*titles, *cells]) for place in range(len(head))]
    numeric = [bool(rows) and all(isinstance(row[place], int) for row in rows) for place in range(len(head))]
    lines = []
    for row in [*titles, *cells]:
        words = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ]
        lines.append("  ".join(words).rstrip())
    return "\n".join(lines)
