"""What a running collector does to its journal besides writing: packs, holds limits, checks all of it, counts bytes."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from collector._age import BelievedNow
from collector._clock_trust import Trust
from collector._written import Written
from dodac.clock import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS, Clock, duration_ns, iso_utc
from dodac.contracts import Event, EventKind
from dodac.errors import ConfigError, StorageError
from dodac.site import Site
from dodac.sizes import size_bytes, size_text
from store import Journal, Keeper, Limits

log = logging.getLogger("dodac.collector")

SOURCE: Final = "journal"
PLACE: Final = "#upkeep"
"""Under this name, which no instrument can have, stands what other commands show of it."""

FULL: Final = 0.90
_EMPTIER: Final = 0.85
_EVERY_S: Final = 1.0
_CHECK_FIRST_NS: Final = 10 * MINUTE_NS
_CHECK_EVERY_NS: Final = 7 * DAY_NS
_CHECK_SHARE: Final = 0.1
_PACK_SHARE: Final = 0.25


@dataclass(frozen=True, slots=True)
class Plan:
    """What [store] of the site file asks for."""

    limits: Limits = field(default_factory=Limits)
    pack_after_ns: int = DAY_NS
    per_day: int | None = None
    zone: str = "UTC"


def plan_of(site: Site) -> Plan:
    """The plan of a site file; ConfigError for a limit that no journal can be held to."""
    told = site.store
    age_ns = duration_ns(told.max_age) if told.max_age is not None else None
    try:
        limits = Limits(size_bytes(told.max_size) if told.max_size is not None else None, age_ns)
    except ValueError as error:
        raise ConfigError(
            f"max_size {told.max_size} is too small: {error}", site.where("store", "max_size")
        ) from None
    per_day = size_bytes(told.written_per_day) if told.written_per_day is not None else None
    return Plan(limits, duration_ns(told.pack_after), per_day, site.site.timezone)


class Upkeep:
    """One thread that takes little of the machine; the journal's writer goes before it.

    Each second it looks at the size, each minute at shares and written bytes, each hour it packs and
    applies max_age; ten minutes after the start and each week it reads the whole journal and tells what
    is wrong. A fault of the disk is ingest's to tell: here it only means to try again.
    """

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        report: Callable[[Event], None],
        plan: Plan,
        sinks: Sequence[str] = (),
        trust: Callable[[], Trust] = lambda: Trust.FREE,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._report = report
        self._plan = plan
        self._sinks = tuple(sinks)
        self._keeper = Keeper(journal, plan.limits, self._sinks)
        self._kept = dict(journal.facts().get(PLACE, {}))
        self.written = Written(clock, plan.zone, self._kept.get("written", ""))
        self._trust = trust
        newest = [
            ns
            for name in {layout.instrument for layout in journal.layouts().values()}
            if (ns := journal.newest_ns(name)) is not None
        ]
        self._believed = BelievedNow(clock, max(newest, default=None), self._kept.get("age", ""))
        self._stop = threading.Event()
        self._due_ns: dict[str, int] = {}
        self._told_full = self._told_held = self._told_ahead = False
        self._told_day = ""
        self._sized_ns = clock.monotonic_ns()
        self.thread: threading.Thread | None = None
        self.turned_ns = clock.monotonic_ns()
        if plan.limits.max_bytes is not None:
            journal.tune(plan.limits.wal_bytes)

    def start(self) -> None:
        """Starts the thread."""
        self._due_ns["check"] = self._clock.monotonic_ns() + _CHECK_FIRST_NS
        self.thread = threading.Thread(target=self._run, name="upkeep", daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Ends the thread after its step, and notes the bytes written."""
        self._stop.set()
        if self.thread is not None:
            self.thread.join(5.0)
            self._try(self._note_written)

    def _run(self) -> None:
        self._try(self._keeper.tell_left_over)
        while not self._clock.wait(self._stop, _EVERY_S):
            self.turn()

    def turn(self) -> None:
        """One look at everything that is due."""
        self._go_on()
        self._try(self.hold_size)
        age_ns = self._plan.limits.max_age_ns
        jobs: tuple[tuple[str, int, Callable[[], None]], ...] = (
            ("share", MINUTE_NS, self._hold_shares),
            ("written", 5 * MINUTE_NS, self._note_written),
            ("pack", HOUR_NS, self.pack),
            ("age", max(HOUR_NS, (age_ns or 0) // 100), self._hold_age),
            ("check", _CHECK_EVERY_NS, self.check),
        )
        for name, every_ns, job in jobs:
            if self._go_on() and self._clock.monotonic_ns() >= self._due_ns.get(name, 0):
                self._due_ns[name] = self._clock.monotonic_ns() + every_ns
                self._try(job)

    def hold_size(self) -> None:
        """Brings the journal below max_size, and what it takes of the disk too."""
        self._sized_ns = self._clock.monotonic_ns()
        limits, limit = self._plan.limits, self._plan.limits.max_bytes
        if limit is None or self._keeper.disk_bytes() < limit * _EMPTIER:
            self._told_full = self._told_held = False
            return
        self._keeper.by_share()  # first: a flood of letters or events must push no sample out
        space = self._keeper.space()
        if limits.held(space) and self._journal.checkpoint():
            space = self._keeper.space()
        filled = limits.against(space)
        if filled >= limit * FULL and not self._told_full:
            self._told_full = True
            self._tell_full(filled, limit)
        elif filled < limit * _EMPTIER:
            self._told_full = False
        if limits.held(space) and not self._told_held:
            self._told_held = True
            self._tell_held(space.wal)
        elif not limits.held(space):
            self._told_held = False
        dropped = self._keeper.by_size(self._go_on)
        if dropped.samples:
            log.info("journal: %d samples dropped for %s", dropped.samples, dropped.limit)
        while self._go_on() and not limits.held(space := self._keeper.space()) and space.total > limit * 0.99:
            left = self._keeper.give_back()
            if not self._journal.checkpoint() or not left:
                break

    def _hold_size_meanwhile(self) -> None:
        """What takes hours keeps the size below its limit all the while."""
        if self._clock.monotonic_ns() - self._sized_ns >= _EVERY_S * SECOND_NS:
            self._try(self.hold_size)

    def pack(self) -> None:
        """Moves what is older than pack_after and no sink waits for into column blocks."""
        before_ns = self._clock.now_ns() - self._plan.pack_after_ns
        while self._go_on():
            begun_ns = self._clock.monotonic_ns()
            if not self._journal.pack(before_ns, self._sinks):
                return
            self._rest(begun_ns, _PACK_SHARE)
            self._hold_size_meanwhile()

    def check(self) -> None:
        """Reads the whole journal, a small share of the time, and tells what is wrong with it."""
        begun_ns = [self._clock.monotonic_ns()]

        def pause(_seen: int) -> bool:
            self._go_on()
            self._rest(begun_ns[0], _CHECK_SHARE)
            self._hold_size_meanwhile()
            begun_ns[0] = self._clock.monotonic_ns()
            return self._go_on()

        findings = self._journal.verify(pause)
        if not self._go_on():
            return
        now_ns = self._clock.now_ns()
        self._keep(
            "check", json.dumps({"time_ns": now_ns, "findings": findings[:20], "count": len(findings)})
        )
        if findings:
            self._report(
                Event(
                    now_ns,
                    EventKind.ALARM,
                    f"the full check of the journal found {len(findings)} faults, the first: {findings[0]}. Copy it "
                    "(dodac store backup), then start dodac run again: it saves what can be read.",
                    SOURCE,
                    data={"findings": len(findings)},
                )
            )

    def _hold_age(self) -> None:
        now_ns = self._believed.now_ns(self._trust())
        self._keep("age", self._believed.as_text())
        if not self._believed.waits:
            self._told_ahead = False
        elif self._plan.limits.max_age_ns is not None and not self._told_ahead:
            self._told_ahead = True
            self._tell_ahead(now_ns)
        dropped = self._keeper.by_age(now_ns, self._go_on)
        if dropped.samples:
            log.info("journal: %d samples dropped for %s", dropped.samples, dropped.limit)

    def _hold_shares(self) -> None:
        self._keeper.by_share()
        today = self.written.count()
        limit, day = self._plan.per_day, self.written.today()
        if limit is not None and today > limit and day != self._told_day:
            self._told_day = day
            self._report(
                Event(
                    self._clock.now_ns(),
                    EventKind.ALARM,
                    f"dodac run wrote {size_text(today)} to the disk today, more than written_per_day "
                    f"{size_text(limit)}: an SD card wears out. Let readings wait for one another ([collector] "
                    "group), ask less often (every), or use an SSD.",
                    SOURCE,
                    data={"written": today, "limit": limit},
                )
            )

    def _note_written(self) -> None:
        self.written.count()
        self._keep("written", self.written.as_text())
        sizes: dict[str, int] = json.loads(self._kept.get("used", "{}"))
        if self.written.today() not in sizes:
            sizes[self.written.today()] = self._keeper.space().used
            self._keep("used", json.dumps(dict(sorted(sizes.items())[-8:])))

    def _tell_full(self, filled: int, limit: int) -> None:
        stake = self._keeper.at_stake()
        if stake < 0.5:
            return  # what will be dropped, a server has
        whose = (
            f"which a server does not have yet ({', '.join(self._sinks)})"
            if self._sinks
            else "and nothing else has them"
        )
        self._report(
            Event(
                self._clock.now_ns(),
                EventKind.ALARM,
                f"the journal is {filled / limit:.0%} full ({size_text(filled)} of max_size {size_text(limit)}). When it "
                f"is full its oldest samples are dropped, {whose}. Raise max_size under [store] of the site file, or "
                "copy the journal first: dodac store backup FILE.",
                SOURCE,
                data={"filled": filled, "limit": limit},
            )
        )

    def _tell_held(self, wal: int) -> None:
        self._report(
            Event(
                self._clock.now_ns(),
                EventKind.ALARM,
                f"another program has been reading the journal for long and keeps {size_text(wal)} of its write-ahead "
                "log on the disk, beside max_size: no sample is dropped for it. End what reads (a report, "
                "dodac serve, dodac store backup, an sqlite3 shell).",
                SOURCE,
                data={"wal": wal},
            )
        )

    def _tell_ahead(self, believed_ns: int) -> None:
        self._report(
            Event(
                self._clock.now_ns(),
                EventKind.ALARM,
                f"the clock says {iso_utc(self._clock.now_ns())} while the journal knows of {iso_utc(believed_ns)}: "
                "max_age goes by the second until NTP has led the clock for an hour, or it has stood for a week. "
                "Check the clock: dodac clock.",
                SOURCE,
                data={"believed_ns": believed_ns},
            )
        )

    def _keep(self, name: str, text: str) -> None:
        if self._kept.get(name) != text:
            self._journal.set_facts(PLACE, {name: text})
            self._kept[name] = text

    def _rest(self, begun_ns: int, share: float) -> None:
        """Waits so long that the work since `begun_ns` was this share of the time."""
        now_ns = self._clock.monotonic_ns()
        pause_s = (now_ns - begun_ns) / SECOND_NS * (1 / share - 1)
        self.turned_ns = now_ns + round(pause_s * SECOND_NS)  # a pause that is meant is no hanging
        self._clock.wait(self._stop, pause_s)

    def _go_on(self) -> bool:
        self.turned_ns = self._clock.monotonic_ns()  # between two steps: it turns, however long the work is
        return not self._stop.is_set()

    def _try(self, job: Callable[[], object]) -> None:
        try:
            job()
        except StorageError as error:
            log.debug("upkeep: %s", error)
        except Exception:
            if self._go_on():
                log.exception("upkeep of the journal failed; trying again later")
