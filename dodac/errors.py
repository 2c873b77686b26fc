"""Errors that say what happened, where, and what to do; each carries its exit code."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command (design §9)."""

    OK = 0
    FINDING = 1
    USAGE = 2
    INSTRUMENT = 3
    STORAGE = 4
    INTEGRITY = 5
    INTERRUPTED = 130


@dataclass(frozen=True)
class Where:
    """The place of a fault: any of file, line, instrument, channel, connection."""

    file: str | None = None
    line: int | None = None
    instrument: str | None = None
    channel: str | None = None
    connection: str | None = None

    def __str__(self) -> str:
        parts = []
        if self.file is not None:
            parts.append(self.file if self.line is None else f"{self.file}:{self.line}")
        elif self.line is not None:
            parts.append(f"line {self.line}")
        for word in ("connection", "instrument", "channel"):
            value = getattr(self, word)
            if value is not None:
                parts.append(f"{word} {value}")
        return ", ".join(parts)


class DodacError(Exception):
    """What happened, where, and what to do next.

    `what` is one sentence, `where` the place, `todo` the next step (may be empty).
    """

    exit_code: Exit = Exit.USAGE

    def __init__(self, what: str, where: Where | None = None, todo: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where or Where()
        self.todo = todo

    def __str__(self) -> str:
        place = str(self.where)
        text = f"{place}: {self.what}" if place else self.what
        return f"{text} {self.todo}" if self.todo else text


class ConfigError(DodacError):
    """The site file, a profile or the command line is wrong (exit code 2)."""

    exit_code = Exit.USAGE


class DataError(DodacError):
    """A file or a set of readings can't be used as asked (exit code 1)."""

    exit_code = Exit.FINDING


class InstrumentError(DodacError):
    """An instrument or its connection does not answer rightly (exit code 3)."""

    exit_code = Exit.INSTRUMENT


class StorageError(DodacError):
    """A journal or a database can't be read or written (exit code 4)."""

    exit_code = Exit.STORAGE


class IntegrityError(DodacError):
    """Stored data are not what was written (exit code 5)."""

    exit_code = Exit.INTEGRITY
