"""What `dodac store status` says: how full the journal is, what waits, what the disk has to write, how long it lasts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from collector._upkeep import PLACE, Plan, plan_of
from collector._written import of_text
from collector.facts import sink_configs
from collector.ledger import SinkCount, table
from dodac.clock import DAY_NS, HOUR_NS, iso_utc, local_text
from dodac.site import Site
from dodac.sizes import size_text
from store import JournalStore, SinkCounts
from store.keeping import Standing, standing_of

_DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """A journal's file at one moment; bytes, UTC nanoseconds, days.

    written: local day → bytes that dodac run made the disk write. grows: bytes a day, and `grows_from` how
    that is known ("days" that were noted, or a "guess" from what is there).
    """

    path: str
    standing: Standing
    samples: int
    events: int
    dead_letters: int
    lost: int
    dropped: int
    sinks: tuple[SinkCount, ...]
    plan: Plan
    written: Mapping[str, int]
    grows: float | None
    grows_from: str
    check: Mapping[str, Any] = field(default_factory=dict)

    @property
    def full_in_days(self) -> float | None:
        """Days until max_size is reached at the present rate; None without a limit or a rate."""
        limit = self.plan.limits.max_bytes
        if limit is None or not self.grows or self.grows <= 0:
            return None
        return max(0.0, (limit - self.plan.limits.against(self.standing.space)) / self.grows)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        now = self.standing
        limits = self.plan.limits
        return {
            "journal": self.path,
            "version": now.version,
            "samples": self.samples,
            "fresh": now.fresh,
            "packed": now.packed,
            "blocks": now.blocks,
            "events": self.events,
            "dead_letters": self.dead_letters,
            "lost": self.lost,
            "dropped": self.dropped,
            "oldest": iso_utc(now.first_ns) if now.first_ns is not None else None,
            "newest": iso_utc(now.last_ns) if now.last_ns is not None else None,
            "bytes": {
                "disk": now.on_disk,
                "used": now.space.used,
                "free": now.space.free,
                "wal": now.space.wal,
                "blocks": now.block_bytes,
                "wal_unseen": now.unseen,
            },
            "beside": dict(now.beside),
            "max_size": limits.max_bytes,
            "max_age_s": None if limits.max_age_ns is None else limits.max_age_ns / 1e9,
            "sinks": [
                {"sink": row.sink, "delivered": row.delivered, "waiting": row.waiting, "rejected": row.rejected,
                 "expired": row.expired, "dropped": row.dropped, "removed": row.removed}
                for row in self.sinks
            ],
            "written": dict(self.written),
            "written_per_day": self.plan.per_day,
            "grows_per_day": self.grows,
            "grows_from": self.grows_from,
            "full_in_days": self.full_in_days,
            "check": dict(self.check),
        }  # fmt: skip

    def text(self) -> str:
        """The same for people."""
        now, limits, zone = self.standing, self.plan.limits, self.plan.zone
        lines = [
            (
                f"{self.path}: {self.samples} samples ({now.fresh} in rows, {now.packed} packed in {now.blocks} blocks), "
                f"{self.events} events, {self.dead_letters} dead letters"
            ),
            (
                f"  on the disk    {size_text(now.on_disk)}: {size_text(now.space.used)} used, {size_text(now.space.free)} "
                f"free inside, {size_text(now.space.wal)} WAL"
            ),
        ]
        if now.unseen:
            lines.append(
                f"  NOT SEEN       {size_text(now.unseen)} of the WAL: this disk can't be written, so the newest samples "
                "are left out"
            )
        if now.beside:
            lines.append(
                f"  beside it      {size_text(sum(size for _, size in now.beside))} in {len(now.beside)} old copies "
                f"({now.beside[0][0]} …): delete them when they are not needed"
            )
        if now.first_ns is not None and now.last_ns is not None:
            lines.append(
                f"  oldest, newest {local_text(now.first_ns, zone)}, {local_text(now.last_ns, zone)} ({zone})"
            )
        if self.lost or self.dropped:
            lines.append(f"  gone           {self.dropped} dropped by the limits, {self.lost} lost")
        size = "no max_size" if limits.max_bytes is None else f"max_size {size_text(limits.max_bytes)}"
        age = "no max_age" if limits.max_age_ns is None else f"max_age {limits.max_age_ns / DAY_NS:.3g} d"
        share = (
            f", {limits.against(now.space) / limits.max_bytes:.0%} full"
            if limits.max_bytes is not None
            else ""
        )
        lines.append(f"  limits         {size}{share}, {age}")
        if self.grows is not None:
            how = "a guess from what is there" if self.grows_from == "guess" else "of the last days"
            until = self.full_in_days
            lines.append(
                f"  grows          {size_text(round(self.grows))} a day ({how})"
                + (f", reaches max_size in {until:.0f} days" if until is not None else "")
            )
        budget = f" of {size_text(self.plan.per_day)} a day" if self.plan.per_day is not None else ""
        for day, count in sorted(self.written.items())[-3:]:
            over = "  OVER THE BUDGET" if self.plan.per_day is not None and count > self.plan.per_day else ""
            lines.append(f"  disk writes    {day}: {size_text(count)}{budget}{over}")
        if self.check:
            found = int(self.check.get("count", 0))
            words = "no fault" if not found else f"{found} FAULTS, the first: {self.check['findings'][0]}"
            lines.append(f"  full check     {local_text(int(self.check['time_ns']), zone)}: {words}")
        if self.sinks:
            rows = [(r.label, r.delivered, r.waiting, r.rejected, r.expired, r.dropped) for r in self.sinks]
            head = ("sink", "delivered", "waiting", "rejected", "expired", "dropped")
            lines += ["", table(head, rows)]
            if any(row.removed for row in self.sinks):
                lines.append('To drop a row that is no longer in the site file: dodac store forget "SINK".')
        return "\n".join(lines)


def read_status(path: Path, site: Site | None) -> StoreStatus:
    """Reads it, also while another process writes; StorageError when there is no journal."""
    with JournalStore(path) as store:
        view = store.accounts()
        kept = store.facts().get(PLACE, {})
    now = standing_of(path)
    plan = plan_of(site) if site is not None else Plan()
    counts = view.counts
    fresh = SinkCounts(0, 0, 0, waiting=counts.samples, dropped=counts.dropped)
    named = list(sink_configs(site)) if site is not None else []
    sinks = tuple(
        SinkCount(
            name,
            counts.samples + counts.dropped,
            k.delivered,
            k.waiting,
            k.rejected,
            k.expired,
            k.dropped,
            removed=site is not None and name not in named,
        )
        for name, k in sorted({**dict.fromkeys(named, fresh), **view.sinks}.items())
    )
    grows, how = _growth(now, counts.samples, kept)
    return StoreStatus(
        str(path), now, counts.samples, counts.events, counts.dead_letters, counts.lost, counts.dropped, sinks, plan,
        of_text(kept.get("written", "")), grows, how, _check(kept.get("check", "")),
    )  # fmt: skip


def _growth(now: Standing, samples: int, kept: Mapping[str, str]) -> tuple[float | None, str]:
    """Bytes a day: between the noted days, else what is there over the time it speaks for."""
    from datetime import date

    noted = sorted(of_text(kept.get("used", "")).items())
    if len(noted) > 1:
        try:
            days = (date.fromisoformat(noted[-1][0]) - date.fromisoformat(noted[0][0])).days
        except ValueError:
            days = 0
        if days > 0:
            return (noted[-1][1] - noted[0][1]) / days, "days"
    if (
        samples
        and now.first_ns is not None
        and now.last_ns is not None
        and now.last_ns - now.first_ns > HOUR_NS
    ):
        return now.space.used / ((now.last_ns - now.first_ns) / DAY_NS), "guess"
    return None, ""


def _check(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
        return {
            "time_ns": int(found["time_ns"]),
            "count": int(found["count"]),
            "findings": list(found["findings"]),
        }
    except (ValueError, KeyError, TypeError):
        return {}
