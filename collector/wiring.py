"""The command wiring: before a power meter is trusted, is it wired right? From live readings, kept as a fact."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collector.facts import site_facts
from dodac.clock import Clock, SystemClock, duration_ns, iso_utc, local_text
from dodac.contracts import Event, EventKind
from dodac.errors import ConfigError, DataError, Exit, InstrumentError, StorageError, Where
from dodac.quantities import Measurement
from dodac.samples import Reason
from drivers.wiring import Check, Known, Moment, Status, diagnose

if TYPE_CHECKING:
    from dodac.site import InstrumentConfig, Site
    from drivers.profile import ChannelSpec, Profile


def wiring(argv: Sequence[str]) -> int:
    """`dodac wiring INSTRUMENT`: CT and VT check with phases and signs; exit code 1 on a finding."""
    parser = argparse.ArgumentParser(
        prog="dodac wiring",
        description="Checks how a power meter is wired from live readings: voltages, direction and phase of each "
        "current transformer, ratio, sums, energy against power. The outcome is kept in the journal.",
        epilog="Examples: dodac wiring main-power --site my-plant; dodac wiring main-power --clamp 1=183 --clamp 2=176",
    )
    parser.add_argument("instrument", help="its id in the site file")
    parser.add_argument("--site", type=Path, default=Path("site.toml"), help="site file (default site.toml)")
    parser.add_argument(
        "--clamp",
        action="append",
        default=[],
        metavar="PHASE=AMPERES",
        help="current measured with a clamp now",
    )
    parser.add_argument(
        "--wires",
        type=int,
        choices=(1, 3, 4),
        help="4; 3 for two current transformers (Aron); 1 for one phase",
    )
    parser.add_argument(
        "--generation", choices=("yes", "no"), help="can power flow out here (solar, generator)?"
    )
    parser.add_argument("--rated", type=float, metavar="AMPERES", help="rated current (from ct_ratio)")
    parser.add_argument("--readings", type=int, default=5, help="how many readings (5)")
    parser.add_argument(
        "--seconds", type=float, default=4.0, help="over how long (4); a minute checks energy too"
    )
    parser.add_argument(
        "--last",
        metavar="TIME",
        help='take what the journal holds of the last "2min" instead of asking: while dodac run reads, and for '
        "meters that publish",
    )
    parser.add_argument("--no-record", action="store_true", help="keep nothing in the journal")
    parser.add_argument("--json", action="store_true", help="as JSON")
    args = parser.parse_args(argv)
    if not 1 <= args.readings <= 1000 or not 0 <= args.seconds <= 3600:
        raise ConfigError("--readings is 1 to 1000, --seconds 0 to 3600.")
    if args.rated is not None and not 0 < args.rated <= 20_000:
        raise ConfigError(f"--rated: {args.rated:g} is no current.", None, "Write amperes, e.g. --rated 400.")
    from dodac.site import load_site
    from drivers.connection_open import load_profile_of

    site = load_site(args.site)
    item = site.instrument(args.instrument)
    if item.profile is None:
        words = "its readings come from files: there is nothing to ask now."
        raise ConfigError(words, site.where_instrument(item.id, "id"))
    profile = load_profile_of(site, item)
    if profile.kind is not Measurement.ELECTRICITY:
        words = f"{profile.id} measures {profile.kind}, not electricity."
        raise ConfigError(words, site.where_instrument(item.id, "profile"))
    known = _known(args, item, profile)
    clock = SystemClock()
    if args.last is not None:
        moments = _moments_kept(site, item.id, clock, _span_ns(args.last))
    else:
        moments = _moments(site, item.id, clock, args.readings, args.seconds)
    checks = diagnose(moments, known)
    result = _result(checks)
    if not args.no_record:
        try:
            _record(site, item, clock, checks, known)
        except StorageError as error:
            if args.last is None:
                raise
            sys.stderr.write(f"dodac wiring: the outcome was not kept: {error}\n")
    (_tell_json if args.json else _tell)(site, item.id, clock, moments, checks)
    return Exit.FINDING if result is Status.FINDING else Exit.OK


def _known(args: argparse.Namespace, item: InstrumentConfig, profile: Profile) -> Known:
    primary, secondary = (float(side) for side in item.ct_ratio.split("/")) if item.ct_ratio else (None, None)
    secondary_side = any(
        spec.side == "secondary" for name, spec in profile.channels.items() if name.startswith("current")
    )
    phases = {name[9:10] for name in profile.channels if name.startswith("current_l")}
    energy = profile.channels.get("energy_import_kwh")
    return Known(
        wires=args.wires or (1 if phases == {"1"} else 4),
        generation=None if args.generation is None else args.generation == "yes",
        rated_a=args.rated or primary,
        ratio=primary / secondary if primary and secondary else None,
        multiplied=secondary_side and item.ct_ratio is not None,
        secondary_side=secondary_side,
        clamp=dict(_clamp(word) for word in args.clamp),
        resolution_kwh=_step_kwh(energy, item) if energy is not None else None,
    )


def _step_kwh(energy: ChannelSpec, item: InstrumentConfig) -> float | None:
    """The step of the energy counter as readings show it: the transformers multiply it, too."""
    if energy.side != "secondary":
        return energy.resolution
    from drivers.protocols.modbus_map import Ratios

    ratios = Ratios.stated(item.ct_ratio, item.vt_ratio)
    return (energy.resolution or 0.01) * ratios.ct * ratios.vt


def _clamp(word: str) -> tuple[int, float]:
    phase, _, number = word.lower().removeprefix("l").partition("=")
    try:
        amps = float(number.replace(",", "."))
    except ValueError:
        amps = 0.0
    if phase not in ("1", "2", "3") or not 0 < amps <= 20_000:
        raise ConfigError(f'--clamp "{word}" has another shape.', None, "Write PHASE=AMPERES, e.g. 1=183.5")
    return int(phase), amps


def _moments(site: Site, instrument: str, clock: Clock, count: int, seconds: float) -> list[Moment]:
    """Readings spread evenly over the time; InstrumentError when not one came."""
    from drivers.connection_open import read_with

    found: list[Moment] = []
    fault: InstrumentError | None = None
    start_ns = clock.monotonic_ns()
    for number in range(count):
        due_s = seconds * number / max(1, count - 1)
        time.sleep(max(0.0, due_s - (clock.monotonic_ns() - start_ns) / 1e9))
        try:
            sample, reader, _ = read_with(site, instrument, clock)
        except InstrumentError as error:
            fault = error
            continue
        pairs = zip(reader.layout.channels, sample.values, strict=True)
        values = {name: value for name, value in pairs if value == value}
        # a ratio applied twice gives currents that no plant has: they are what is looked for here
        values |= {
            flag.channel: flag.value
            for flag in sample.flags
            if flag.reason is Reason.OUT_OF_RANGE and flag.value is not None
        }
        found.append(Moment(sample.time_ns / 1e9, values))
    if not found and fault is not None:
        raise fault
    return found


def _span_ns(text: str) -> int:
    try:
        return duration_ns(text)
    except ValueError as error:
        raise ConfigError(f"--last: {error}") from None


def _moments_kept(site: Site, instrument: str, clock: Clock, span_ns: int) -> list[Moment]:
    """The good readings of the last while in the journal; DataError when there is none."""
    from store import JournalStore

    now = clock.now_ns()
    store = JournalStore(site.journal_path)
    try:
        names = store.channels(instrument) if instrument in store.instruments() else ()
        frame = store.series(instrument, names, now - span_ns, now + 1)
    finally:
        store.close()
    found = []
    for stamp, row in zip(frame.index, frame.to_dict("records"), strict=True):
        values = {str(name): float(value) for name, value in row.items() if value == value}
        found.append(Moment(float(stamp.value) / 1e9, values))
    if not found:
        words = f'the journal holds no good reading of "{instrument}" from that time.'
        raise DataError(
            words, Where(file=str(site.journal_path)), "Is dodac run collecting? Try a longer --last."
        )
    return found


def _result(checks: Sequence[Check]) -> Status:
    found = {check.status for check in checks}
    return next(status for status in (Status.FINDING, Status.OPEN, Status.OK) if status in found)


def _record(site: Site, item: InstrumentConfig, clock: Clock, checks: Sequence[Check], known: Known) -> None:
    """Keeps the outcome as an event and as facts of the instrument, where an auditor finds it."""
    from store import Journal

    now, result = clock.now_ns(), _result(checks)
    data: dict[str, str | int | float] = {"what": "wiring", "result": result.value, "wires": known.wires}
    data |= {f"clamp_l{n}_a": amps for n, amps in known.clamp.items()}
    for check in checks:
        data[check.name] = f"{data[check.name]}, {check.text}" if check.name in data else check.text
    words = ", ".join(check.text for check in checks if check.status is not Status.OK)
    text = f"wiring checked: {result.value}{f' ({words})' if words else ''}"
    site.journal_path.parent.mkdir(parents=True, exist_ok=True)
    with Journal.open(site.journal_path) as journal:
        journal.set_facts(item.id, site_facts(site, item, Measurement.ELECTRICITY))
        journal.set_facts(item.id, {"wiring_checked": iso_utc(now), "wiring_result": result.value})
        journal.commit([("wiring", Event(now, EventKind.NOTE, text, "wiring", item.id, data=data))])


def _tell(
    site: Site, instrument: str, clock: Clock, moments: Sequence[Moment], checks: Sequence[Check]
) -> None:
    from drivers._wiring_words import label, sentence, sign

    language = site.site.language
    when = local_text(clock.now_ns(), site.site.timezone, "%Y-%m-%d %H:%M:%S %z")
    counted = f"{len(moments)} readings" if language == "en" else f"{len(moments)} lần đọc"
    sys.stdout.write(f"{instrument}  {when}  {counted}\n")
    width = max(len(label(check, language)) for check in checks)
    for check in checks:
        words = (
            f"  {sign(check, language):<8} {label(check, language):<{width}}  {sentence(check, language)}\n"
        )
        sys.stdout.write(words)


def _tell_json(
    site: Site, instrument: str, clock: Clock, moments: Sequence[Moment], checks: Sequence[Check]
) -> None:
    from drivers._wiring_words import sentence

    rows: list[dict[str, Any]] = [
        {
            "check": check.name,
            "status": check.status.value,
            "code": check.text,
            "text": sentence(check, site.site.language),
            "values": dict(check.values),
        }
        for check in checks
    ]
    whole = {
        "instrument": instrument,
        "time": iso_utc(clock.now_ns()),
        "readings": len(moments),
        "result": _result(checks).value,
        "checks": rows,
    }
    sys.stdout.write(json.dumps(whole, indent=2, ensure_ascii=False) + "\n")
