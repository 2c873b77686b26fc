"""A profile for people: how it is known, accuracy, counters, and the site file's tables; as text and as a page."""

from __future__ import annotations

from dodac.quantities import CHANNELS, Kind
from drivers.profile import (
    ChannelSpec,
    HttpTjfProfile,
    Iec62056Profile,
    LineProfile,
    LorawanProfile,
    ManualProfile,
    MbusProfile,
    ModbusChannel,
    ModbusProfile,
    MqttProfile,
    Profile,
    Register,
    SparkplugProfile,
    UsbChannel,
    UsbViewProfile,
)
from drivers.protocols.modbus_values import BOUNDS, WORDS
from drivers.rollover import rollover

UNKNOWN_ACCURACY = "No source that was read states it: the plate and the maker's data sheet count."


def identification(profile: Profile) -> list[str]:
    """How the model is told from others, one sentence a way."""
    match profile:
        case ModbusProfile():
            said = [
                f"{i.table or 'holding'} register {i.address} ({i.type}, {i.order}) {_wanted(i)}"
                for i in profile.identify
            ]
            said += [f"it says of itself: {name} like `{text}`" for name, text in profile.device_id.items()]
            return said or ["by plausible values: every channel within its range"]
        case MbusProfile():
            known = profile.identify
            parts = [f"manufacturer {known.manufacturer}"] if known.manufacturer else []
            parts += [f"version {', '.join(map(str, known.versions))}"] if known.versions else []
            parts += [f"medium {', '.join(map(str, known.media))}"] if known.media else []
            return [f"the fixed header of its answer: {', '.join(parts)}" if parts else "any M-Bus header"]
        case Iec62056Profile():
            return ["its identification line, and the OBIS codes of its telegram"]
        case LineProfile():
            return ["the shape of its lines: any other line is refused"]
        case HttpTjfProfile():
            return ["the document it serves, and its serial number where the site file names one"]
        case UsbViewProfile():
            return ["the maker's USB number and its answer to the handshake"]
        case ManualProfile():
            return ["a person chooses the form"]
        case SparkplugProfile():
            return ["its group, node and device in the topic, and the metrics of its birth message"]
        case LorawanProfile():
            return ["its EUI in the topic; the payload must decode wholly"]
    return [f"its topic `{profile.topic}`"] if isinstance(profile, MqttProfile) else ["its payload's fields"]


def _wanted(register: Register) -> str:
    low_high = getattr(register, "range", None)
    values = getattr(register, "values", ())
    if values:
        return f"is {' or '.join(map(str, values))}"
    return f"within {low_high[0]:g} to {low_high[1]:g}" if low_high else "is read"


def rollover_text(profile: Profile, name: str) -> str:
    """Where a counter begins again from 0, for people; empty for what is no counter."""
    spec, channel = profile.channels[name], CHANNELS[name]
    if channel.kind is not Kind.COUNTER:
        return ""
    if spec.rollover is not None:
        return f"{spec.rollover:,.10g} {channel.unit}".removesuffix(" 1")
    if not isinstance(spec, ModbusChannel):
        return "as the meter's display"
    bits = 16 * WORDS[spec.type]
    if spec.type not in BOUNDS:
        return f"{bits}-bit float: no rollover of the register, it loses its last digits"
    top = rollover(name, spec)
    shown = f"{top:,.10g} {channel.unit} ({bits} bits)" if top is not None else f"{bits} bits"
    times = ", times the transformers' ratio" if spec.side == "secondary" else ""
    return f"{shown} at the latest{times}; the display may begin again earlier"


def place_text(spec: ChannelSpec) -> str:
    """Where a channel is read, in the words of its protocol; empty where there is nothing to name."""
    if isinstance(spec, ModbusChannel):
        order = f", {spec.order}" if WORDS[spec.type] > 1 else ""
        parts = "".join(f" + {part.address}" for part in spec.add)
        scale = f" · {spec.scale:g}" if spec.scale != 1 else ""
        return f"{spec.table} {spec.address}{parts} ({spec.address:X}h), {spec.type}{order}{scale}"
    if isinstance(spec, UsbChannel) and spec.ident is not None:
        words = ", ".join(f"{word:02X}h is {unit}" for word, unit in spec.units.items())
        if spec.unit_word is not None:
            words = f"{spec.unit_word:02X}h" + (f" is {spec.unit}" if spec.unit else "")
        socket = f", connector {spec.connector}" if spec.connector is not None else ""
        return f"ident {spec.ident:04X}h{socket}; unit {words}"
    shared = {*ChannelSpec.model_fields, "sentinel", "units", "expected", "digits"}
    own = {key: value for key, value in spec.model_dump(exclude_unset=True).items() if key not in shared}
    return ", ".join(f"{key.replace('_', ' ')} {_code(value)}" for key, value in own.items())


def _code(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_code(word)}" for key, word in value.items())
    words = value if isinstance(value, list | tuple) else (value,)
    return " or ".join(f"`{word}`" for word in words)


def accuracy(profile: Profile) -> list[str]:
    """What is known of its accuracy, one sentence each."""
    told = [profile.accuracy] if profile.accuracy else []
    for name, known in profile.metrology.items():
        words = [f"class {known.accuracy_class}"] if known.accuracy_class else []
        words += [known.standard] if known.standard else []
        words += [known.text] if known.text else []
        told.append(f"`{name}`: {', '.join(words)}")
    return told or [UNKNOWN_ACCURACY]


def page(profile: Profile) -> str:
    """The documentation page of a profile, Markdown."""
    out = [f"# {profile.maker} {', '.join(profile.models)}", ""]
    out += [profile.summary, ""] if profile.summary else []
    out += [
        f"- profile: `{profile.id}`",
        f"- measures: {profile.kind.value}",
        f"- protocol: {profile.protocol}",
        f"- on real hardware: {profile.evidence.hardware}",
    ]
    if isinstance(profile, ModbusProfile | MbusProfile | LineProfile | Iec62056Profile):
        baud, frame = ", ".join(map(str, profile.link.baud)), ", ".join(profile.link.frame)
        out.append(f"- line: {baud} baud; {frame}; the first is the usual setting")
    golden = len(profile.tests)
    out.append(f"- golden tests: {golden}, decoded at every test run (`dodac profiles check {profile.id}`)")
    out += ["", "## How it is known", *(f"- {words}" for words in identification(profile))]
    out += ["", "## Accuracy", *(f"- {words}" for words in accuracy(profile))]
    out += [
        "",
        "## Channels",
        "",
        "| channel | read from | unit | kind | values that mean nothing | begins again from 0 at |",
    ]
    out.append("|---|---|---|---|---|---|")
    for name, spec in profile.channels.items():
        channel = CHANNELS[name]
        none = getattr(spec, "sentinel", ())
        shown = ", ".join(f"`{n:X}h`" if isinstance(spec, ModbusChannel) else f"`{n}`" for n in none)
        out.append(
            f"| `{name}` | {place_text(spec).replace('|', chr(92) + '|')} | {channel.unit} | {channel.kind.value} "
            f"| {shown} | {rollover_text(profile, name)} |"
        )
    if profile.caveats:
        out += ["", "## What bites", *(f"- {c.text} ({c.source})" for c in profile.caveats)]
    out += ["", "## Known from", *(f"- {source}" for source in profile.evidence.map)]
    out += ["", "## In the site file", "", "```toml", *_lines(site_example(profile)), "```"]
    return "\n".join(out) + "\n"


def _lines(text: str) -> list[str]:
    return [line.removeprefix("  ") for line in text.splitlines()]


def site_example(profile: Profile) -> str:
    """The tables that a site file needs for an instrument of this profile."""
    if isinstance(profile, MqttProfile):
        connection = 'broker]\nkind = "mqtt"\nurl = "mqtt://127.0.0.1:1883"'
        place, words = 'connection = "broker"\n', ""
        if isinstance(profile, SparkplugProfile):
            place += 'address = "GROUP/NODE/DEVICE"'
            words = "    # as in the topics of its messages"
        elif "{address}" in profile.topic:
            place += 'address = "WORD"'
            words = f"    # topic {profile.topic}"
        else:
            place += f'topic = "{profile.topic}"'
    elif isinstance(profile, HttpTjfProfile):
        connection = 'analyser]\nkind = "http"\nhost = "192.168.1.50"'
        place, words = (
            'connection = "analyser"\nserial_number = "61300001"',
            "    # on the analyser; checked at every read",
        )
    elif isinstance(profile, UsbViewProfile):
        connection, place, words = 'analyser]\nkind = "usb"', 'connection = "analyser"', ""
    elif isinstance(profile, ManualProfile):
        connection, place, words = 'hand]\nkind = "manual"', 'connection = "hand"', ""
    else:
        connection = 'bus1]\nkind = "serial"\nport = "/dev/serial/by-id/..."'
        connection += f'\nbaud = {profile.link.baud[0]}\nframe = "{profile.link.frame[0]}"'
        place = 'connection = "bus1"'
        place += "" if isinstance(profile, LineProfile | Iec62056Profile) else "\naddress = 1"
        if isinstance(profile, Iec62056Profile) and profile.link.mode == "readout":
            place += '\nevery = "5min"'
        if any(spec.side == "secondary" for spec in profile.channels.values()):
            place += '\nct_ratio = "400/5"    # of your transformers; without any leave it out'
        words = (
            ""
            if isinstance(profile, ModbusProfile | LineProfile | Iec62056Profile)
            else '    # or the 8 digits on the meter: "12345678"'
        )
    text = f'[connections.{connection}\n\n[[instruments]]\nid = "my-meter"\nprofile = "{profile.id}"\n{place}{words}'
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())
