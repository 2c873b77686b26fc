"""The command doctor: everything a technician's box needs, one line each, and what to do about it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from collector._doctor import Check, Line, examine
from collector.facts import sink_configs
from dodac.errors import ConfigError, Exit
from dodac.site import (
    HttpConnection,
    MqttConnection,
    SerialConnection,
    Site,
    TcpConnection,
    load_site,
)
from dodac.words import Language


def doctor(argv: Sequence[str]) -> int:
    """`dodac doctor`: exit code 1 when a line is bad."""
    parser = argparse.ArgumentParser(
        prog="dodac doctor",
        description="Looks at ports, clock, disk, journal, broker, InfluxDB, certificates, profiles and secrets of a site, "
        "in less than ten seconds even when everything is away. Each line says what to do. Nothing is changed, "
        "no secret is shown.",
        epilog="Example: dodac doctor --site my-plant",
    )
    parser.add_argument("--site", type=Path, default=Path("site.toml"), help="site file (default site.toml)")
    parser.add_argument("--json", action="store_true", help="as JSON")
    args = parser.parse_args(argv)
    site: Site | None = None
    first: list[Line] = []
    try:
        site = load_site(args.site)
    except ConfigError as error:
        first = [Line("site", str(args.site), "bad", "told", {"words": str(error)})]
    lines = first + examine(checks(site, args.site))
    language: Language = site.site.language if site is not None else "en"
    (_tell_json if args.json else _tell)(lines, language)
    return Exit.FINDING if any(line.status == "bad" for line in lines) else Exit.OK


def checks(site: Site | None, path: Path) -> list[Check]:
    """What there is to look at; without a site only the machine."""
    from collector import _doctor_data as data
    from collector import _doctor_machine as machine
    from collector import _doctor_net as net
    from collector import _doctor_ports as ports
    from collector._doctor_clock import times
    from drivers._spool import Spool

    kinds = {c.kind for c in site.connections.values()} if site is not None else set()
    folder = site.journal_path.parent if site is not None else path.absolute().parent
    found = [
        Check("clock", "", machine.clock),
        Check("disk", str(folder), partial(machine.disk, folder)),
        Check("memory", "", machine.memory),
        Check("python", "", partial(machine.python, kinds)),
    ]
    if site is None:
        return found
    if "manual" in kinds or Spool.beside(site.journal_path).folder.exists():
        found.append(Check("entries", "", partial(data.entries, site.journal_path)))
    found += [
        Check("site", str(site.path), partial(data.instruments, site)),
        Check("journal", str(site.journal_path), partial(data.journal, site.journal_path)),
        Check("clock", "", partial(times, site.journal_path)),
        Check("secret", "", partial(data.secrets, site)),
    ]
    for name, config in site.connections.items():
        match config:
            case SerialConnection():
                found.append(Check("port", name, partial(ports.serial_port, name, config.port)))
            case TcpConnection() | HttpConnection():
                found.append(Check("network", name, partial(ports.gateway, name, config.host, config.port)))
            case MqttConnection():
                found.append(Check("broker", name, partial(net.broker, site, name, config)))
                if config.ca_file:
                    found.append(Check("certificate", name, partial(net.authority, site, name, config)))
    for name, sink in sink_configs(site).items():
        found.append(Check("influxdb", name, partial(net.influxdb, site, sink)))
    return found


def _tell(lines: Sequence[Line], language: Language) -> None:
    from collector._doctor_words import area, sentence, sign, todo

    width = max(len(sign(line, language)) for line in lines)
    for line in lines:
        words = f"{sign(line, language):<{width}}  {area(line, language)}: {sentence(line, language)}"
        what = todo(line, language)
        sys.stdout.write(f"{words}{f' → {what}' if what and line.status != 'ok' else ''}\n")


def _tell_json(lines: Sequence[Line], language: Language) -> None:
    from collector._doctor_words import sentence, todo

    rows = [
        {
            "area": line.area,
            "subject": line.subject,
            "status": line.status,
            "code": line.text,
            "text": sentence(line, language),
            "todo": todo(line, language),
        }
        for line in lines
    ]
    worst = next(status for status in ("bad", "warn", "ok") if any(line.status == status for line in lines))
    sys.stdout.write(json.dumps({"result": worst, "lines": rows}, indent=2, ensure_ascii=False) + "\n")
