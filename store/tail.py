"""A journal followed from outside: what a page beside the collector needs, read only."""

from __future__ import annotations

from dodac.errors import IntegrityError
from dodac.samples import Sample
from store import _codec as codec
from store._rows import SELECT_SAMPLES, is_sound
from store.journal_store import JournalStore


class JournalTail(JournalStore):
    """A JournalStore that also reads in the order of arrival, while another process writes."""

    def last_seq(self) -> int:
        """The seq of the newest sample, 0 in an empty journal."""
        newest = self._read("SELECT max(seq) FROM samples")[0][0]
        return int(newest or 0)

    def read_after(self, seq: int, limit: int) -> list[tuple[int, Sample]]:
        """Up to `limit` samples with a later seq, in the order of seq; damaged rows are left out."""
        rows = self._read(SELECT_SAMPLES + "WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))
        layouts = self._by_number()
        found: list[tuple[int, Sample]] = []
        for row in rows:
            if not is_sound(row):
                continue
            try:
                found.append((int(row[0]), codec.decode(row, layouts[row[4]])))
            except IntegrityError:
                continue
        return found

    def tallies(self) -> dict[tuple[str, str], dict[str, int]]:
        """Since the journal began, per (instrument, source): committed, duplicate, conflict, dead_letter."""
        found: dict[tuple[str, str], dict[str, int]] = {}
        for instrument, source, outcome, count in self._read("SELECT * FROM tallies"):
            found.setdefault((instrument, source), {})[outcome] = count
        return found
