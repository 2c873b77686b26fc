"""Receipts of messages, kept in the transaction that holds the messages: what is sent again is known again."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable
from typing import Final

from dodac.contracts import Receipt
from store._sums import row_sum

log = logging.getLogger("dodac.store")

KEPT: Final = 160 * 1024  # bytes of each session at least: 16 384 receipts of ten bytes
SESSIONS: Final = 64  # that spoke last; a client_id that changes with every start must not fill the disk
_ROW: Final = 2048  # a last row shorter than this grows instead of a new one: one page a commit

_SELECT: Final = "SELECT id, session, body, crc FROM receipts "
_INSERT: Final = "INSERT INTO receipts (session, body, crc) VALUES (?, ?, ?)"
_SESSIONS: Final = "SELECT session FROM receipts GROUP BY session ORDER BY max(id) DESC"
_UPDATE: Final = "UPDATE receipts SET body = ?, crc = ? WHERE id = ?"


class Receipts:
    """Each session's receipts in the order told; the oldest are forgotten beyond KEPT bytes, and beyond SESSIONS."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[int, bytes]] = {}

    def write(self, db: sqlite3.Connection, receipts: Iterable[Receipt]) -> dict[str, tuple[int, bytes]]:
        """Inside a transaction; what it gives goes to settle() after the commit."""
        told: dict[str, list[bytes]] = {}
        for receipt in receipts:
            told.setdefault(receipt.session, []).append(receipt.body)
        return {session: self._append(db, session, b"".join(bodies)) for session, bodies in told.items()}

    def settle(self, written: dict[str, tuple[int, bytes]]) -> None:
        """What was written is on the disk."""
        self._last.update(written)

    def read(self, db: sqlite3.Connection, session: str) -> bytes:
        """All of one session, oldest first; nothing when a row is damaged: better twice than not at all."""
        rows = db.execute(_SELECT + "WHERE session = ? ORDER BY id", (session,)).fetchall()
        if any(crc != row_sum("receipts", name, body) for _, name, body, crc in rows):
            log.error("receipts of %s are damaged: messages sent again are not recognised", session)
            return b""
        return b"".join(body for _, _, body, _ in rows)

    def _append(self, db: sqlite3.Connection, session: str, body: bytes) -> tuple[int, bytes]:
        last = self._last.get(session)
        if last is not None and len(last[1]) < _ROW:
            body = last[1] + body
            db.execute(_UPDATE, (body, row_sum("receipts", session, body), last[0]))
            return last[0], body
        made = db.execute(_INSERT, (session, body, row_sum("receipts", session, body))).lastrowid
        kept = 0
        for row, size in db.execute(
            "SELECT id, length(body) FROM receipts WHERE session = ? ORDER BY id DESC", (session,)
        ).fetchall():
            if kept > KEPT:
                db.execute("DELETE FROM receipts WHERE session = ? AND id <= ?", (session, row))
                break
            kept += size
        if last is None:
            old = [row for row in db.execute(_SESSIONS).fetchall()[SESSIONS:] if row[0] not in self._last]
            db.executemany("DELETE FROM receipts WHERE session = ?", old)
        return made or 0, body
