"""Entries of the register, each holding the digest of the one before, and records read from them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar

from audit import _sql
from audit.canonical import canonical, plain, record, sha256
from audit.decisions import Decision
from audit.isolated import FrozenTest, IsolatedPlan, IsolatedSaving
from audit.records import FrozenBaseline, Option, Plan, VerifiedSaving
from dodac.errors import DataError, IntegrityError, Where
from dodac.quantities import nearest

Entry = TypeVar(
    "Entry", Option, Plan, Decision, FrozenBaseline, VerifiedSaving, IsolatedPlan, FrozenTest, IsolatedSaving
)

_KINDS: Final[dict[type, str]] = {
    Option: "option",
    Plan: "plan",
    Decision: "decision",
    FrozenBaseline: "baseline",
    VerifiedSaving: "saving",
    IsolatedPlan: "test plan",
    FrozenTest: "frozen test",
    IsolatedSaving: "test saving",
}
_CORRECTED: Final = ("option", "plan", "decision", "test plan")
_START: Final = "0" * 64


class Chain:
    """The entries of one register file; every reading checks all of them."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def entries(self) -> tuple[_sql.Row, ...]:
        """Every entry in order; IntegrityError when one is not what was written."""
        return tuple(self._checked(_sql.read(self.path)))

    def latest(self, cls: type[Entry]) -> tuple[Entry, ...]:
        """The last version of each record of a kind, in the order they were first registered."""
        found: dict[str, _sql.Row] = {}
        for row in self.entries():
            if row.kind == _KINDS[cls]:
                found[row.id] = row
        return tuple(record(cls, json.loads(row.body)) for row in found.values())

    def one(self, cls: type[Entry], id: str) -> Entry:
        """The last version of one record; DataError naming the nearest id otherwise."""
        known = {found.id: found for found in self.latest(cls)}
        if id not in known:
            near = nearest(id, known)
            todo = f'Did you mean "{near}"?' if near else f"There are: {', '.join(known) or 'none yet'}."
            raise DataError(f'there is no {_KINDS[cls]} "{id}" in the register.', todo=todo)
        return known[id]

    def body_digest(self, cls: type[Entry], id: str) -> str:
        """SHA-256 of the last version of a record as it was written, by whatever dodac wrote it."""
        self.one(cls, id)
        rows = [row for row in self.entries() if (row.kind, row.id) == (_KINDS[cls], id)]
        return rows[-1].body_sha256

    def by_body_digest(self, cls: type[Entry], digests: Sequence[str]) -> tuple[Entry, ...]:
        """The records, corrected since or not, whose bodies have these digests, in the order written."""
        rows = [row for row in self.entries() if row.kind == _KINDS[cls] and row.body_sha256 in digests]
        # a correction may say again, word for word, what an earlier version said
        once = {row.body_sha256: row for row in rows}
        return tuple(record(cls, json.loads(row.body)) for row in once.values())

    def version_of(self, cls: type[Entry], id: str, digest: str) -> Entry:
        """The version of a record whose body has this digest; IntegrityError when there is none."""
        for row in self.entries():
            if (row.kind, row.id, row.body_sha256) == (_KINDS[cls], id, digest):
                return record(cls, json.loads(row.body))
        raise IntegrityError(f'the {_KINDS[cls]} "{id}" that was built upon is not in the register.')

    def append(self, entry: Entry, why: str, now_ns: int) -> Entry:
        """Adds an entry; options, plans and decisions may be corrected when a reason `why` is given.

        Raises DataError when the id is taken otherwise.
        """
        kind = _KINDS[type(entry)]
        body = canonical(plain(entry))
        with _sql.appending(self.path) as (rows, new):
            self._checked(rows)
            versions = [row for row in rows if row.kind == kind and row.id == entry.id]
            if versions and not (why and kind in _CORRECTED):
                raise DataError(
                    f'{kind} "{entry.id}" is in the register already.',
                    todo="Entries are never changed: give a reason (--why) to register a correction.",
                )
            row = _sql.Row(
                kind=kind,
                id=entry.id,
                version=len(versions) + 1,
                why=why,
                body=body,
                body_sha256=hashlib.sha256(body.encode()).hexdigest(),
                corrects=versions[-1].digest if versions else "",
                previous=rows[-1].digest if rows else _START,
                digest="",
                registered_ns=now_ns,
            )
            new.append(replace(row, digest=_digest(row)))
        return entry

    def _checked(self, rows: list[_sql.Row]) -> list[_sql.Row]:
        previous = _START
        for row in rows:
            body = hashlib.sha256(row.body.encode()).hexdigest()
            if row.previous != previous or row.body_sha256 != body or row.digest != _digest(row):
                raise IntegrityError(
                    f'the entry {row.kind} "{row.id}" (version {row.version}) is not what was registered.',
                    Where(file=str(self.path)),
                    "Restore the register from a copy, and find out who changed it.",
                )
            previous = row.digest
        return rows


def _digest(row: _sql.Row) -> str:
    return sha256(
        {
            "kind": row.kind,
            "id": row.id,
            "version": row.version,
            "why": row.why,
            "body_sha256": row.body_sha256,
            "corrects": row.corrects,
            "previous": row.previous,
            "registered_ns": str(row.registered_ns),
        }
    )
