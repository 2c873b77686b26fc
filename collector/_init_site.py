"""The commented site file that `dodac init` writes."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Final

from dodac.errors import ConfigError, Where

TEMPLATE: Final = """\
# dodac site file. Every command checks it first and names the line of a mistake.
# A "#" begins a comment. To switch an example on, take the "#" away from its lines; delete what you don't have.

# Who and where. The two ids go into every reading's tags: small letters, digits, "-"; choose them once.
[site]
id = "{id}"
company = "{id}"
name = "{name}"
timezone = "Asia/Ho_Chi_Minh"
language = "vi"                   # of pages and reports: "vi" or "en"

# --- Connections: how instruments are reached -------------------------------------------------
# One RS-485 line; several meters may share it. Give the stable name of the adapter: ls -l /dev/serial/by-id/
# No meter at hand? dodac simulate eastron.sdm630   prints a port that can stand here.
[connections.bus1]
kind = "serial"
port = "{port}"
baud = 9600
frame = "8N1"                     # many meters: "8E1"

# A Modbus TCP gateway:
#[connections.gateway1]
#kind = "tcp"
#host = "192.168.1.50"
#port = 502

# An MQTT broker. The password stands alone in a file that only you can read:
#   mkdir -p secrets && install -m 600 /dev/null secrets/broker
#[connections.broker]
#kind = "mqtt"
#url = "mqtts://broker.local:8883"
#user = "kit-01"
#password_file = "secrets/broker"

# --- Instruments: one table each. Models: dodac profiles; what to write: dodac profiles show ID --
[[instruments]]
id = "boiler1-power"
asset = "boiler1"                 # the equipment it measures
profile = "eastron.sdm630"
connection = "bus1"
address = 1                       # as set in the meter's own menu
every = "10s"
# Facts that stand in the report; fill in what is true, from the plate and the certificate:
#name = "Boiler house power"
#serial_number = "17110042"
#accuracy_class = "1"             # gives the meter's own ± in the report
#calibration = {{ date = 2026-03-02, due = 2027-03-02, laboratory = "", certificate = "" }}
# Only for meters that show the secondary side of their transformers (SDM630 shows the primary side):
#ct_ratio = "400/5"

# A meter that publishes over MQTT:
#[[instruments]]
#id = "compressor1-power"
#asset = "compressor1"
#profile = "generic.mqtt-json"
#connection = "broker"
#topic = "plant/compressor1"

# An instrument whose readings come from files: dodac import FILE --site {file} --instrument building
#[[instruments]]
#id = "building"
#measurement = "electricity"

# --- Where readings go ------------------------------------------------------------------------
[store]
journal = "data/journal.db"       # always written, beside this file
register = "data/register.db"

# Also send everything to InfluxDB 1.8, 2 or 3. The journal keeps what the server has not taken yet.
#   mkdir -p secrets && install -m 600 /dev/null secrets/influx
#[influxdb]
#url = "http://127.0.0.1:8086"
#org = "dodac"
#bucket = "field"
#token_file = "secrets/influx"

[serve]
host = "127.0.0.1"                # only this machine; needs token_file before it is opened wider
port = 8321
"""


def write_site(folder: Path, adapters: Path = Path("/dev/serial/by-id")) -> Path:
    """Writes FOLDER/site.toml with safe defaults, and an empty FOLDER/secrets only you can enter.

    adapters: where the system lists serial adapters by their stable names; a single one is written in.
    Raises ConfigError when the file is there already or can't be written.
    """
    path = folder / "site.toml"
    name = folder.resolve().name
    if any(unicodedata.category(sign) == "Cc" for sign in str(folder)):
        raise ConfigError("a folder's name can't hold control characters.", todo="Name another folder.")
    if folder.exists() and not folder.is_dir():
        raise ConfigError("this is a file, not a folder.", Where(file=str(folder)), "Name another folder.")
    plain = name.replace("\\", "").replace('"', "")
    text = TEMPLATE.format(file=path, id=_site_id(name), name=plain, port=_port(adapters))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
        (folder / "secrets").mkdir(mode=0o700, exist_ok=True)
    except FileExistsError:
        raise ConfigError(
            "there is a site file already; it was left as it is.",
            Where(file=str(path)),
            "Edit it, or name another folder.",
        ) from None
    except OSError as error:
        raise ConfigError(
            f"the site file can't be written: {error.strerror}.", Where(file=str(path))
        ) from None
    return path


def _port(adapters: Path) -> str:
    try:
        found = sorted(adapters.iterdir())
    except OSError:
        found = []
    return str(found[0]) if len(found) == 1 else "/dev/serial/by-id/usb-..."


def _site_id(name: str) -> str:
    plain = unicodedata.normalize("NFD", name.lower().replace("đ", "d"))
    ascii_only = plain.encode("ascii", "ignore").decode()
    word = re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")[:64]
    return word or "my-site"
