"""Writes the reference pages that come from the code: python docs/make_reference.py (a test holds them current)."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic_core import PydanticUndefined

from analysis._tables import table
from dodac import site
from dodac.quantities import CHANNELS, Measurement
from drivers import load_profile, load_profiles
from drivers._profile_page import accuracy, page
from drivers.catalogue import profile_files
from drivers.profile import as_json_schema

HERE = Path(__file__).parent / "reference"
READMES = tuple(Path(__file__).parents[1] / name for name in ("README.md", "README.vi.md"))
BEGIN, END = "<!-- instruments: made by docs/make_reference.py -->", "<!-- end of instruments -->"
MADE = "\n<!-- Made by docs/make_reference.py: change the code, then run it again. -->\n"

TABLES: tuple[tuple[str, type[Any], str], ...] = (
    ("[site]", site.SiteInfo, "Who and where. The ids go into every reading's tags: choose them once."),
    ('[connections.ID], kind = "serial"', site.SerialConnection, "A serial line (RS-485, M-Bus converter)."),
    ('[connections.ID], kind = "tcp"', site.TcpConnection, "A gateway: Modbus TCP, or serial frames over TCP."),
    ('[connections.ID], kind = "mqtt"', site.MqttConnection, "A broker; quality of service 1, kept session."),
    ('[connections.ID], kind = "http"', site.HttpConnection, "One instrument that answers over HTTP, such as a testo 300."),
    ('[connections.ID], kind = "usb"', site.UsbConnection, "One instrument on a USB plug; needs the extra `usb`."),
    ('[connections.ID], kind = "manual"', site.ManualConnection, "Readings that a person takes, with `dodac enter` or on the phone page."),
    ('[connections.ID], kind = "file"', site.FileConnection, "Readings come from files with `dodac import`."),
    ("[[instruments]]", site.InstrumentConfig, "One physical meter or analyser; give `profile` or `measurement`."),
    ("calibration of an instrument", site.Calibration, "`calibration = { date = 2026-03-02, due = 2027-03-02 }`"),
    ("[influxdb]", site.InfluxConfig, "Where readings are also sent; leave the table out to work without."),
    ("[sinks.ID]", site.InfluxConfig, "More servers that get every reading, each on its own: the same keys as `[influxdb]`."),
    ("[store]", site.StoreConfig, "Files, relative to the site file."),
    ("[collector]", site.CollectorConfig, "How `dodac run` behaves on its computer."),
    ("[serve]", site.ServeConfig, "Where page and API listen."),
)  # fmt: skip

_DURATION = 'a duration: "500ms", "10s", "15min"'
MEANING: dict[tuple[type[Any], str], str] = {
    (site.SiteInfo, "id"): "the site, in small letters, digits, `.`, `_`, `-`",
    (site.SiteInfo, "company"): "the company, written the same way",
    (site.SiteInfo, "name"): "the site's name for people, shown on pages",
    (site.SiteInfo, "timezone"): "zone of local days, reports and files without an offset",
    (site.SiteInfo, "language"): "language of pages, reports and analyses unless asked otherwise",
    (site.SerialConnection, "kind"): "this table's kind",
    (site.SerialConnection, "port"): "the port, best by its stable name `/dev/serial/by-id/…`; or a pyserial URL: `rfc2217://host:port`, `socket://host:port`",
    (site.SerialConnection, "baud"): "line speed, where an instrument does not say its own",
    (site.SerialConnection, "frame"): "data bits, parity, stop bits, where an instrument does not say its own",
    (site.SerialConnection, "framing"): "of Modbus: `rtu`, or `ascii` (lines of hexadecimal digits, often with 7E1)",
    (site.SerialConnection, "timeout"): f"how long an answer may take; {_DURATION}",
    (site.SerialConnection, "late_guard"): "silence wanted after a timeout, so that a late answer is recognised",
    (site.TcpConnection, "kind"): "this table's kind",
    (site.TcpConnection, "host"): "name or address of the gateway",
    (site.TcpConnection, "port"): "its TCP port",
    (site.TcpConnection, "framing"): "`tcp` for Modbus TCP, `rtu` for serial frames (Modbus RTU, M-Bus) over TCP",
    (site.TcpConnection, "timeout"): f"how long an answer may take; {_DURATION}",
    (site.TcpConnection, "late_guard"): "silence wanted after a timeout",
    (site.MqttConnection, "kind"): "this table's kind",
    (site.MqttConnection, "url"): "`mqtt://host:1883`, or `mqtts://host:8883` with TLS",
    (site.MqttConnection, "client_id"): "the session's name at the broker; empty: made of site and connection",
    (site.MqttConnection, "user"): "user name at the broker",
    (site.MqttConnection, "password_file"): "file (mode 0600) that holds the password",
    (site.MqttConnection, "ca_file"): "certificate of the authority that signed the broker's, for `mqtts`",
    (site.MqttConnection, "cert_file"): "our own certificate, where the broker asks for one; with `key_file`",
    (site.MqttConnection, "key_file"): "the key of `cert_file`, without a password (mode 0600)",
    (site.MqttConnection, "share_group"): "shared subscription: several collectors, each with a `client_id` of its own, divide the messages",
    (site.MqttConnection, "rebirth_requests"): "Sparkplug B: ask a node for its birth certificate when it is missed; the one thing dodac ever publishes",
    (site.HttpConnection, "kind"): "this table's kind",
    (site.HttpConnection, "host"): "name or address of the instrument (`dodac scan` finds a testo 300)",
    (site.HttpConnection, "port"): "its port",
    (site.HttpConnection, "timeout"): f"how long an answer may take; {_DURATION}",
    (site.UsbConnection, "kind"): "this table's kind",
    (site.UsbConnection, "serial_number"): "which one, when several are plugged in",
    (site.UsbConnection, "timeout"): f"how long an answer may take; {_DURATION}",
    (site.ManualConnection, "kind"): "this table's kind",
    (site.FileConnection, "kind"): "this table's kind",
    (site.InstrumentConfig, "id"): "the instrument, unique in the site",
    (site.InstrumentConfig, "asset"): "the equipment it measures: a boiler, a compressor, a line",
    (site.InstrumentConfig, "name"): "name for people, shown on pages and in reports",
    (site.InstrumentConfig, "profile"): "the model: an id of [profiles](profiles.md) or of your own",
    (site.InstrumentConfig, "measurement"): "what it measures, for an instrument fed by files (no profile)",
    (site.InstrumentConfig, "connection"): "id of its connection; needed with a profile",
    (site.InstrumentConfig, "address"): "Modbus: unit 1 to 247 (1 when left out; over Modbus TCP also 0 and 255). M-Bus: primary address or secondary "
    "identification. MQTT: the word that stands for `{address}` in the profile's topic. IEC 62056-21: the meter's own, needed where several share a line",
    (site.InstrumentConfig, "topic"): "MQTT: the whole topic, instead of `address`",
    (site.InstrumentConfig, "silence"): f"MQTT: without a message for so long it is in fault; {_DURATION}. Without it, as its profile says, and at least three times `every` where that is written",
    (site.InstrumentConfig, "taken_by"): "MQTT with `share_group`: the `client_id` of the one collector that takes it; needed for payloads that do not stand alone (Sparkplug, overlays)",
    (site.InstrumentConfig, "baud"): "serial: its own line speed, when it differs from the connection's",
    (site.InstrumentConfig, "frame"): "serial: its own data bits, parity, stop bits",
    (site.InstrumentConfig, "every"): f"how often it is read; {_DURATION}",
    (site.InstrumentConfig, "slow"): "Modbus: how often the slow channels of its profile are read, on whole multiples; default once a minute",
    (site.InstrumentConfig, "intervals"): 'Modbus: channels read more seldom than the rest, `{ energy_import_kwh = "15min" }`, on whole multiples',
    (site.InstrumentConfig, "clock_tolerance"): "how far its own clock may be off ours before its time is not taken; default as in its profile",
    (site.InstrumentConfig, "serial_number"): "as on its plate; printed in reports",
    (site.InstrumentConfig, "accuracy_class"): 'as on its plate, "1" or "0.5S"; gives the meter\'s own ± in reports',
    (site.InstrumentConfig, "ct_ratio"): 'current transformer, "400/5". Multiplied in only for profiles whose channels '
    'say `side: secondary`; meters that know their own transformer are left alone',
    (site.InstrumentConfig, "max_rate"): "most that a counter can rise in an hour, e.g. `{ energy_import_kwh = 250 }`: more is held until the next reading confirms it",
    (site.InstrumentConfig, "vt_ratio"): 'voltage transformer, "22000/110"; used in the same way',
    (site.InstrumentConfig, "calibration"): "the last calibration, see below",
    (site.Calibration, "date"): "day of the calibration",
    (site.Calibration, "due"): "day it is due again",
    (site.Calibration, "laboratory"): "who calibrated",
    (site.Calibration, "certificate"): "number of the certificate",
    (site.InfluxConfig, "url"): "InfluxDB 1.6 to 3",
    (site.InfluxConfig, "bucket"): "bucket (InfluxDB 1: database)",
    (site.InfluxConfig, "org"): "organisation",
    (site.InfluxConfig, "token_file"): "file (mode 0600) that holds the token",
    (site.InfluxConfig, "version"): "of the server; `auto` asks it",
    (site.InfluxConfig, "user"): "user of InfluxDB 1, when it asks for one",
    (site.InfluxConfig, "password_file"): "file (mode 0600) that holds the user's password",
    (site.InfluxConfig, "retention_policy"): "of InfluxDB 1; without it the database's default",
    (site.InfluxConfig, "ca_file"): "certificate of the authority that signed the server's, when the system does not know it",
    (site.InfluxConfig, "backlog_per_s"): "most samples a second that an old backlog may send; new readings always go first",
    (site.StoreConfig, "journal"): "every reading, always written",
    (site.StoreConfig, "register"): "options, plans, baselines and savings of `dodac audit`",
    (site.StoreConfig, "photos"): "folder of photos taken with readings by hand",
    (site.StoreConfig, "max_size"): 'most bytes the journal may take on the disk ("8GB"); without it, it keeps everything',
    (site.StoreConfig, "max_age"): 'how long samples are kept ("400d"); without it, for ever',
    (site.StoreConfig, "pack_after"): "age at which delivered samples move into compressed blocks",
    (site.StoreConfig, "written_per_day"): 'bytes a day that the disk should take at most ("2GB" for an SD card): more is an alarm',
    (site.CollectorConfig, "clock"): "when this computer's clock is believed: `auto` (led by NTP, or kept by a battery), `ntp` (only the first), `trust` (always)",
    (site.CollectorConfig, "group"): "how long readings wait to be written together; a switch at the wall takes at most so much of what was polled. Longer spares an SD card",
    (site.CollectorConfig, "jitter"): "each poll comes up to so much after its grid time, always the same for one instrument",
    (site.CollectorConfig, "power_file"): "file that holds 0 while the mains is away (`/sys/class/power_supply/…/online`)",
    (site.CollectorConfig, "metrics"): "where `dodac run` itself answers /metrics and /health, e.g. 127.0.0.1:9321; this machine only",
    (site.CollectorConfig, "power_grace"): "how long without mains until the collector stops cleanly",
    (site.ServeConfig, "host"): "`127.0.0.1` is this machine only; anything wider needs `token_file`",
    (site.ServeConfig, "port"): "0 takes a free one",
    (site.ServeConfig, "token_file"): "file (mode 0600) with the access token that page and API ask for",
}  # fmt: skip


def _type(annotation: Any) -> str:
    if hasattr(annotation, "__metadata__"):  # Annotated: what checks it is no type
        return _type(get_args(annotation)[0])
    if isinstance(annotation, type):
        words = {
            "str": "text",
            "int": "number",
            "bool": "true or false",
            "date": "date",
            "Calibration": "table",
            "Measurement": "",
        }
        found = words.get(annotation.__name__, annotation.__name__)
        return found or " · ".join(f'"{value.value}"' for value in annotation)  # type: ignore[attr-defined]
    parts = [part for part in get_args(annotation) if part is not type(None)]
    if get_origin(annotation) is dict:
        return f"table of {_type(parts[-1])}"
    if all(isinstance(part, str) for part in parts):
        return " · ".join(f'"{part}"' for part in parts)
    return " or ".join(_type(part) for part in parts)


def site_file() -> str:
    """The page of the site file's keys."""
    out = [
        "# The site file",
        MADE,
        "One TOML file says who, where, how instruments are reached and where readings go. `dodac init FOLDER` writes one",
        "to start from. Unknown keys are refused with line and nearest key; relative paths start at the file's folder;",
        "secrets stand in files of their own that only their owner may read.",
    ]
    for title, model, words in TABLES:
        out += ["", f"## {title}", "", words, "", "| key | type | default | meaning |", "|---|---|---|---|"]
        for name, field in model.model_fields.items():
            key = field.alias or name
            if field.default_factory is not None:
                default = "(none)"
            elif field.default is PydanticUndefined or key == "kind":
                default = "(needed)"
            else:
                default = "(none)" if field.default in (None, "") else f"`{field.default}`"
            out.append(f"| `{key}` | {_type(field.annotation)} | {default} | {MEANING[model, key]} |")
    return "\n".join(out) + "\n"


def channels() -> str:
    """The page of canonical channels."""
    out = [
        "# Channels",
        MADE,
        "A channel is one quantity of one instrument in one unit; its name carries the unit. Everywhere (profiles, imports,",
        "analyses, InfluxDB fields, exports) only these names count. A **gauge** is a state and is averaged, a **counter** is",
        "a total of which differences count, an **interval** is the amount of the time its sample speaks for and is summed.",
        "A value outside its range is flagged `out_of_range`, whatever the instrument says.",
        "",
        "| channel | unit | kind | believed from … to | English | Tiếng Việt |",
        "|---|---|---|---|---|---|",
    ]
    out += [
        f"| `{c.name}` | {c.unit} | {c.kind.value} | {c.low:g} … {c.high:g} | {c.en} | {c.vi} |"
        for c in CHANNELS.values()
    ]
    return "\n".join(out) + "\n"


def profiles() -> str:
    """The page of instruments that dodac can read: one table, a row a profile."""
    found = sorted(load_profiles().values(), key=lambda profile: (profile.kind.value, profile.id))
    out = [
        "# Instruments dodac can read",
        MADE,
        "Each has a profile with golden frames that every test run decodes, and a page of its own. *Hardware* says whether",
        "the profile was tried on the real device: until then compare the first reading with the display. `dodac profiles",
        "show ID` prints the page and what to write into the site file; another model is",
        "[one YAML file](../how-to/add-a-meter.md), every key of which is in [the JSON Schema](profile.schema.json).",
        "",
        "| profile | maker, models | measures | protocol | accuracy | hardware |",
        "|---|---|---|---|---|---|",
    ]
    out += [
        f"| [`{p.id}`](profiles/{p.id}.md) | {p.maker}: {', '.join(p.models)} | {p.kind.value} "
        f"| {p.protocol} | {'; '.join(accuracy(p))} | {p.evidence.hardware} |"
        for p in found
    ]
    return "\n".join(out) + "\n"


FACTORS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("factors_grid", "Electricity from the grid, tCO₂/MWh", "Official rows are taken by the year; a study only where it is named.",
     ("id", "value", "kind", "status", "valid_from", "document")),
    ("factors_ipcc", "Fuels: net calorific value and CO₂", "Limits are those of the 95 % interval.",
     ("id", "resource", "en", "ncv_gj_t", "ncv_low", "ncv_high", "co2_kg_tj", "co2_low", "co2_high", "biogenic")),
    ("factors_toe", "Tonnes of oil equivalent", "Per unit of the column.", ("id", "resource", "en", "toe", "unit")),
    ("factors_air", "Emissions to air, kg per t (gas: per Nm³)", "base + per_sulphur·S + per_ash·A, without filter.",
     ("id", "resource", "pollutant", "en", "base", "per_sulphur", "per_ash")),
    ("norms", "Norms and benchmarks of specific consumption", "A row without a value names a norm whose figure was not seen.",
     ("id", "kind", "en", "vi", "value", "unit", "valid_from", "valid_to", "document")),
    ("programme_rules", "Thresholds, targets, reduction classes", "What programmes and the energy law count.",
     ("id", "kind", "en", "vi", "toe_per_year", "change_pct", "basis", "above_pct")),
)  # fmt: skip


LIMITS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("limits_air", "Limits of emissions to air, mg per m³ of dry gas", "at_c: temperature of that m³; o2_reference_pct: the O₂ it is stated at.",
     ("document", "source_kind", "gas", "column", "mg_m3", "at_c", "o2_reference_pct", "capacity_from_t_h", "capacity_below_t_h")),
    ("limits_air_factors", "Factors Kp and Kv of QCVN 19:2009", "Kp by the flow of all stacks in m³/h, Kv by the zone: above < given ≤ to.",
     ("factor", "above", "to", "value")),
    ("limits_air_transition", "Which limit holds when", "existing: in operation before 1 July 2025.",
     ("regulation", "existing", "valid_from", "valid_to")),
    ("gases", "Gases of fuels and flue gas", "m in g/mol; hhv_kj_mol: gross, 25 °C.", ("id", "m", "hhv_kj_mol", "mg_m3_tabulated_0c")),
)  # fmt: skip


def _rows(name: str, title: str, words: str, columns: tuple[str, ...]) -> list[str]:
    """A chapter of a page of tables."""
    out = ["", f"## {title}", "", f"`{name}.toml`. {words}", ""]
    out += [f"| {' | '.join((*columns, 'checked', 'source'))} |", "|---" * (len(columns) + 2) + "|"]
    return out + [
        f"| {' | '.join(str(row.get(column, '')) for column in (*columns, 'checked', 'source'))} |"
        for row in table(name)
    ]


def _figure(value: float | None, digits: int = 1) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def fuels() -> str:
    """The page of fuels, with what follows from their analysis, and of limits of emissions."""
    from analysis.combustion import FUELS, stoichiometry

    out = [
        "# Fuels and limits of emissions",
        MADE,
        "The fuel library and the limits behind [combustion](../explanation/combustion.md), from the tables in",
        "`analysis/tables/`. Heating values are as received. CO₂max counts CO₂ alone, air is dry, in Nm³ per kg without excess;",
        "kg CO₂/GJ is all carbon over the net value. *checked* `remembered`, or a part named as such: a result says so. The",
        "plant's own laboratory goes before every row (`with_analysis`, `own_fuel`, `own_gas`).",
        "",
        "## Fuels",
        "",
        "| id | fuel | nhiên liệu | gross MJ/kg | net MJ/kg | CO₂max % | air Nm³/kg | kg CO₂/GJ | testo A2 / B | K4 | checked | source |",
        "|---" * 12 + "|",
    ]
    for one in FUELS.values():
        burnt = None if one.elements is None else stoichiometry(one.elements)
        maker = "" if one.a2 is None else f"{one.a2:g} / {one.b:g}"
        seen = (
            one.checked
            if not one.findings or one.checked == "remembered"
            else f"{one.checked}, in part remembered"
        )
        cells = (f"`{one.id}`", one.en, one.vi, _figure(one.hhv_mj_kg, 2), _figure(one.lhv_mj_kg, 2), _figure(one.co2_max_pct),
                 _figure(None if burnt is None else burnt.air_m3_kg, 2), _figure(one.co2_kg_gj()), maker,
                 "" if one.k4 is None else f"{one.k4:g}", seen, one.source)  # fmt: skip
        out.append(f"| {' | '.join(cells)} |")
    for chapter in LIMITS:
        out += _rows(*chapter)
    return "\n".join(out) + "\n"


def factors() -> str:
    """The page of dated factors, norms and rules behind the benefit table."""
    out = [
        "# Factors, norms and rules",
        MADE,
        "Every figure that a benefit is made with, from the tables in `analysis/tables/`. *checked*: `read` in the source,",
        "`computed` from what was read, `remembered` (a result says so), `agreed` (a convention). How they are chosen:",
        "[benefits](../explanation/benefits.md).",
    ]
    for chapter in FACTORS:
        out += _rows(*chapter)
    return "\n".join(out) + "\n"


def supported() -> str:
    """The table of the README: what is measured, by whose instruments, and by any that speak a common form."""
    out = ["| measures | by maker | of any maker |", "|---|---|---|"]
    for kind in Measurement:
        makers: dict[str, list[str]] = {}
        common: list[str] = []
        for p in sorted(load_profiles().values(), key=lambda profile: (profile.maker.casefold(), profile.id)):
            if p.kind is not kind:
                continue
            if p.maker.startswith(("any", "several")):
                common.append(f"[{', '.join(p.models)}](docs/reference/profiles/{p.id}.md)")
            else:
                makers.setdefault(p.maker, []).extend(p.models)
        known = " · ".join(f"**{maker}** {_first(models)}" for maker, models in makers.items())
        out.append(f"| {kind.value.replace('_', ' ')} | {known} | {'; '.join(common)} |")
    return "\n".join(out) + "\n"


def _first(models: list[str], most: int = 8) -> str:
    """Models by name, the first ones of a long list."""
    names = list(dict.fromkeys(models))
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def with_table(text: str) -> str:
    """The text of the README with the table of supported instruments between its marks."""
    head, _, rest = text.partition(BEGIN)
    return f"{head}{BEGIN}\n{supported()}{END}{rest.partition(END)[2]}"


def schema() -> str:
    """The JSON Schema of a profile."""
    return json.dumps(as_json_schema(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _page_of(name: str) -> str:
    head, _, rest = page(load_profile(name)).partition("\n")
    return f"{head}\n{MADE}{rest}"


PAGES: dict[str, Callable[[], str]] = {
    "site-file.md": site_file,
    "channels.md": channels,
    "profiles.md": profiles,
    "factors.md": factors,
    "fuels.md": fuels,
    "profile.schema.json": schema,
    **{f"profiles/{name}.md": partial(_page_of, name) for name in profile_files()},
}


def main() -> int:
    """Writes the pages, takes away those of profiles that are gone, and fills in the README's table."""
    (HERE / "profiles").mkdir(exist_ok=True)
    for path in (HERE / "profiles").glob("*.md"):
        if f"profiles/{path.name}" not in PAGES:
            path.unlink()
    for readme in READMES:
        readme.write_text(with_table(readme.read_text(encoding="utf-8")), encoding="utf-8")
    for name, make in PAGES.items():
        (HERE / name).write_text(make(), encoding="utf-8")
        sys.stdout.write(f"{HERE / name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
