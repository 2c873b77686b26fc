"""The query interface over InfluxDB: InfluxQL on /query, the same frames as from the journal."""

# ruff: noqa: S608  (what comes from callers passes _text or is a whole number or a canonical channel)

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from dodac.clock import SECOND_NS
from dodac.contracts import Event, EventKind
from dodac.errors import StorageError, Where
from dodac.quantities import CHANNELS, Measurement
from dodac.samples import Flag, Layout, Reason, Sample, TimeSource
from store._frames import CONTEXT_NS, ArrayStore, empty_readings, flag_frame, is_revision, without_corrected
from store._influx_http import Answer, Http
from store._influx_version import Versions
from store.influx import InfluxTarget, message_of
from store.lines import EVENT_MEASUREMENT, FLAG_MEASUREMENT, SPAN_FIELD

if TYPE_CHECKING:
    import pandas as pd

    from store._frames import Readings

_MEASUREMENTS: Final = "/^(" + "|".join(Measurement) + ")$/"
_ALL: Final = "/^(" + "|".join([*Measurement, FLAG_MEASUREMENT]) + ")$/"
NO_INFLUXQL: Final = "VictoriaMetrics takes readings only; read from the journal or another server."
_PIECE_NS: Final = 7 * 86_400 * SECOND_NS


class InfluxStore(ArrayStore):
    """A bucket that dodac forwards to as dodac.contracts.Store; any thread may call it.

    Two things do not travel: raw bytes, and the time source (samples() says unknown). Raises
    StorageError when the server can't be reached or refuses.
    """

    def __init__(self, target: InfluxTarget) -> None:
        self._target = target
        self._http = Http(target)
        self._versions = Versions(target, self._http)

    def version(self) -> str:
        """What the server says it is, e.g. "1.6.7"; "unknown" when it does not say.

        Raises StorageError when nobody answers.
        """
        server = self._versions.asked()
        if server.fault:
            raise self._refusal(Answer(0, {}, b"", server.fault), Where(file=self._target.url))
        return server.version

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def instruments(self) -> tuple[str, ...]:
        """Ids of the instruments that have samples, sorted."""
        rows = self._rows(f'SHOW TAG VALUES FROM {_ALL} WITH KEY = "instrument"')
        return tuple(sorted({row["value"] for row in rows}))

    def channels(self, instrument: str) -> tuple[str, ...]:
        """Channels the instrument has had, good or flagged, sorted."""
        where = f'WHERE "instrument" = {_text(instrument)}'
        found = {
            name.removeprefix("last_")
            for row in self._rows(f"SELECT last(*) FROM {_MEASUREMENTS} {where}")
            for name, value in row.items()
            if name.startswith("last_") and value != ""
        }
        flagged = self._rows(f'SHOW TAG VALUES FROM "{FLAG_MEASUREMENT}" WITH KEY = "channel" {where}')
        found.update(row["value"] for row in flagged)
        return tuple(sorted(found & CHANNELS.keys()))

    def layouts(self, instrument: str) -> dict[int, Layout]:
        """The layout that samples() uses: every channel of the instrument, sorted by name."""
        names = self.channels(instrument)
        layout = Layout(instrument, names) if names else None
        return {} if layout is None else {layout.id: layout}

    def samples(self, instrument: str, start_ns: int, end_ns: int) -> Iterator[Sample]:
        """Samples rebuilt from good values and flags, in time order; see layouts() for their channels.

        Raw bytes are not there, the time source is unknown, and spans below a second read 0.
        """
        for layout in self.layouts(instrument).values():
            begin = start_ns
            while begin < end_ns:
                end = min(begin + _PIECE_NS, end_ns)
                yield from self._rebuilt(layout, begin, end)
                begin = end

    def flags(self, instrument: str, start_ns: int, end_ns: int) -> pd.DataFrame:
        """Columns time (UTC), channel, reason, value (as read, NaN when none)."""
        return flag_frame(self._flag_rows(instrument, start_ns, end_ns))

    def events(self, start_ns: int, end_ns: int) -> list[Event]:
        """Events whose time, or gap, touches the window, in time order."""
        inside = self._json_rows(
            f'SELECT * FROM "{EVENT_MEASUREMENT}" WHERE time >= {start_ns} AND time < {end_ns}'
        )
        reaching = self._json_rows(
            f'SELECT * FROM "{EVENT_MEASUREMENT}" WHERE time < {min(start_ns, end_ns)} AND "end_ns" > {start_ns}'
        )
        return _events_of(reaching + inside)

    def counter_events(self, instrument: str) -> list[Event]:
        return _events_of(
            self._json_rows(
                f'SELECT * FROM "{EVENT_MEASUREMENT}" WHERE "instrument" = {_text(instrument)} '
                "AND (\"kind\" = 'exchange' OR \"kind\" = 'rollover')"
            )
        )

    # inside

    def _readings(self, instrument: str, channels: tuple[str, ...], start_ns: int, end_ns: int) -> Readings:
        return self._select(instrument, channels, f"time >= {start_ns} AND time < {end_ns}")

    def _context(
        self, instrument: str, channel: str, before_ns: int, after_ns: int, count: int
    ) -> tuple[Readings, Readings]:
        import numpy as np

        before = self._near(
            instrument, channel, f"time >= {before_ns - CONTEXT_NS} AND time < {before_ns}", "DESC", count
        )
        after = self._near(
            instrument, channel, f"time >= {after_ns} AND time < {after_ns + CONTEXT_NS}", "ASC", count
        )
        order = np.arange(len(before[0]))[::-1]
        return (before[0][order], before[1][order], before[2][order]), after

    def _near(self, instrument: str, channel: str, window: str, order: str, count: int) -> Readings:
        import numpy as np

        limit = 4 * count
        while True:
            found = self._select(instrument, (channel,), window, f"ORDER BY time {order} LIMIT {limit}")
            time_ns, span_ns, values = found
            if order == "DESC":
                time_ns, span_ns, values = time_ns[::-1], span_ns[::-1], values[::-1]
            good = np.flatnonzero(~np.isnan(values[:, 0]))[:count]
            if len(good) == count or len(time_ns) < limit:
                return time_ns[good], span_ns[good], values[good]
            limit *= 8

    def _select(self, instrument: str, channels: tuple[str, ...], window: str, tail: str = "") -> Readings:
        """Rows of the channels, sorted by time and part."""
        import numpy as np

        fields = ", ".join(f'"{name}"' for name in (*channels, SPAN_FIELD))
        text = self._ask(
            f'SELECT {fields}, "part"::tag FROM {_MEASUREMENTS} '
            f'WHERE "instrument" = {_text(instrument)} AND {window} {tail}'
        )
        blocks = [_numbers(block, len(channels)) for block in text.strip().split("\n\n") if block]
        if not blocks:
            return empty_readings(len(channels))
        time_ns, values, span_s, part = (np.concatenate(pieces) for pieces in zip(*blocks, strict=True))
        order = np.lexsort((part, time_ns))
        span_ns = np.rint(np.nan_to_num(span_s) * SECOND_NS).astype(np.int64)
        return without_corrected(
            (time_ns[order], span_ns[order], values[order]),
            part[order],
            self._flagged_revisions(instrument, int(time_ns[order[0]]), int(time_ns[order[-1]])),
        )

    def _flagged_revisions(self, instrument: str, first_ns: int, last_ns: int) -> dict[int, int]:
        """Time → the highest correction with a flag: one that withdraws has no row of values."""
        newest: dict[int, int] = {}
        for row in self._rows(
            f'SELECT "seq", "part"::tag FROM "{FLAG_MEASUREMENT}" WHERE "instrument" = {_text(instrument)} '
            f"AND time >= {first_ns} AND time <= {last_ns} "
            "AND \"part\" != ''"
        ):
            time_ns, part = int(row["time"]), int(row["part"] or 0)
            if is_revision(part):
                newest[time_ns] = max(part, newest.get(time_ns, 0))
        return newest

    def _flag_rows(
        self, instrument: str, start_ns: int, end_ns: int
    ) -> list[tuple[int, int, str, str, float]]:
        rows = self._rows(
            f'SELECT "seq", "value", "channel"::tag, "reason"::tag, "part"::tag FROM "{FLAG_MEASUREMENT}" '
            f'WHERE "instrument" = {_text(instrument)} AND time >= {start_ns} AND time < {end_ns}'
        )
        return [
            (
                int(row["time"]),
                int(row["part"] or 0),
                row["channel"],
                row["reason"],
                float(row["value"]) if row["value"] != "" else math.nan,
            )
            for row in rows
        ]

    def _rebuilt(self, layout: Layout, start_ns: int, end_ns: int) -> list[Sample]:
        names = layout.channels
        fields = ", ".join(f'"{name}"' for name in (*names, SPAN_FIELD))
        rows = self._rows(
            f'SELECT {fields}, "part"::tag FROM {_MEASUREMENTS} '
            f'WHERE "instrument" = {_text(layout.instrument)} AND time >= {start_ns} AND time < {end_ns}'
        )
        values: dict[tuple[int, int], dict[str, float]] = {}
        spans: dict[tuple[int, int], int] = {}
        for row in rows:
            key = (int(row["time"]), int(row["part"] or 0))
            values.setdefault(key, {}).update({name: float(row[name]) for name in names if row[name] != ""})
            if row[SPAN_FIELD] != "":
                spans[key] = round(float(row[SPAN_FIELD]) * SECOND_NS)
        flags: dict[tuple[int, int], list[Flag]] = {}
        for time_ns, part, channel, reason, value in self._flag_rows(layout.instrument, start_ns, end_ns):
            as_read = None if math.isnan(value) else value
            flags.setdefault((time_ns, part), []).append(Flag(channel, Reason(reason), as_read))
        return [
            layout.sample(
                key[0],
                values.get(key, {}),
                flags=sorted(flags.get(key, []), key=lambda flag: layout.index[flag.channel]),
                span_ns=spans.get(key, 0),
                time_source=TimeSource.UNKNOWN,
                part=key[1],
            )
            for key in sorted(values.keys() | flags.keys())
        ]

    def _rows(self, query: str) -> list[dict[str, str]]:
        """Rows of a query's CSV; a blank line and a new head stand between series."""
        return [dict(zip(block[0], row, strict=True)) for block in self._blocks(query) for row in block[1:]]

    def _blocks(self, query: str) -> list[list[list[str]]]:
        text = self._ask(query).strip()
        return [list(csv.reader(io.StringIO(block))) for block in text.split("\n\n")] if text else []

    def _json_rows(self, query: str) -> list[dict[str, Any]]:
        # CSV writes a line break in a text as two signs: texts are asked for as JSON
        answer = json.loads(self._ask(query, "application/json"))
        found = [series for result in answer.get("results", ()) for series in result.get("series", ())]
        if any(series.get("name") == "databases" for series in found):
            # VictoriaMetrics answers every question with a list of databases
            where = Where(file=f"{self._target.url} bucket {self._target.bucket}")
            raise StorageError("the server answers no InfluxQL.", where, NO_INFLUXQL)
        return [dict(zip(s["columns"], row, strict=True)) for s in found for row in s["values"]]

    def _ask(self, query: str, accept: str = "application/csv") -> str:
        target = self._target
        where = Where(file=f"{target.url} bucket {target.bucket}")
        fields = self._versions.server().query_fields(target) | {"epoch": "ns"}
        answer = self._http.ask("POST", "/query", fields, form={"q": query}, accept=accept)
        if not answer.ok:
            raise self._refusal(answer, where)
        text = answer.body.decode(errors="replace")
        if (accept == "application/csv") == text.startswith("{"):
            raise StorageError("the server answers no InfluxQL.", where, NO_INFLUXQL)
        said = self._fault_in(text, accept)
        if said:
            missing = "database not found" in said
            todo = f'Create it on the server: CREATE DATABASE "{target.bucket}".' if missing else ""
            raise StorageError(f"InfluxDB refused the query: {target.hide(said)}.", where, todo)
        return text

    def _refusal(self, answer: Answer, where: Where) -> StorageError:
        if answer.status == 0:
            return StorageError(
                f"InfluxDB can't be reached: {answer.fault}.",
                where,
                "Check that the server runs and url in [influxdb]; the journal has the same data.",
            )
        said = self._target.hide(message_of(answer.body) or f"HTTP {answer.status}")
        login = "user and password_file" if self._target.user else "the token in the token_file"
        todo = {
            401: f"Check {login} of [influxdb].",
            403: f"What {login} stand for has no right to read this bucket.",
            404: "Check url and bucket in [influxdb].",
        }.get(answer.status, "")
        if answer.page:
            said = "a web page came back"
            todo = "Check url in [influxdb]: what answers there is no InfluxDB."
        return StorageError(f"InfluxDB refused the query ({answer.status}): {said}.", where, todo)

    def _fault_in(self, text: str, accept: str) -> str:
        """An error inside a good answer: every version tells those of a statement there."""
        if accept == "application/csv":
            return text[6:].strip() if text.startswith("error\n") else ""
        results = json.loads(text).get("results", ())
        return next((str(result["error"]) for result in results if "error" in result), "")


def _numbers(block: str, channels: int) -> tuple[Any, Any, Any, Any]:
    """Times, values, spans and parts of a CSV block: name, tags, time, fields, part, as they were asked for."""
    import numpy as np
    import pandas as pd

    fields = range(3, channels + 4)
    # since pandas 3.1 floats are read exactly without being asked for
    exact: dict[str, Any] = {}
    if tuple(int(part) for part in pd.__version__.split(".")[:2]) < (3, 1):
        exact["float_precision"] = "round_trip"
    frame = pd.read_csv(
        io.StringIO(block),
        header=None,
        skiprows=1,
        usecols=[2, *fields, channels + 4],
        dtype={2: np.int64, **dict.fromkeys([*fields, channels + 4], np.float64)},
        **exact,
    )
    numbers = frame[list(fields)].to_numpy()
    part = np.nan_to_num(frame[channels + 4].to_numpy()).astype(np.int64)
    return frame[2].to_numpy(), numbers[:, :-1], numbers[:, -1], part


def _text(value: str) -> str:
    """A string literal of InfluxQL."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"


def _events_of(rows: list[dict[str, Any]]) -> list[Event]:
    """Events of rows, in time order."""
    return [
        Event(
            row["time"],
            EventKind(row["kind"]),
            row["text"],
            row.get("source") or "",
            row.get("instrument"),
            row.get("end_ns"),
            json.loads(row["data"]),
        )
        for row in sorted(rows, key=lambda row: (row["time"], row.get("seq") or 0))
    ]
