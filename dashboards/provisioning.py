"""The files Grafana reads when it starts: a datasource, a folder of dashboards, and their JSON."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from dashboards.live import live_dashboard
from dashboards.panels import DATASOURCE_UID, Json
from dashboards.savings import savings_dashboard
from dashboards.words import word
from dodac.errors import ConfigError, StorageError, Where
from dodac.site import Site
from dodac.words import Language

FOLDER_UID = "dodac"
DEFAULT_TOKEN = "$DODAC_INFLUX_TOKEN"  # noqa: S105  (the name of a variable, not a secret)
# where the provider looks for the JSON files: the folder as Grafana sees it
DEFAULT_MOUNT = "/etc/grafana/provisioning/dashboards"


def site_dashboards(site: Site, language: Language) -> dict[str, Json]:
    """File name → dashboard JSON for a site."""
    info = site.site
    slowest_ns = max((item.every_ns for item in site.instruments if item.profile), default=0)
    bridge_ms = max(60_000, 3 * slowest_ns // 1_000_000)
    return {
        "dodac-live.json": live_dashboard(info.company, info.id, info.timezone, language, bridge_ms),
        "dodac-savings.json": savings_dashboard(info.company, info.id, info.timezone, language),
    }


def datasource_file(site: Site, token: str = DEFAULT_TOKEN, url: str | None = None) -> Json:
    """provisioning/datasources/dodac.yaml: InfluxQL over HTTP with the token in a header.

    token: how Grafana finds it ("$NAME" from its environment, "$__file{/path}" from a file), never
    the token itself. url: InfluxDB as Grafana sees it, when that differs from the site file.
    Raises ConfigError when the site has no [influxdb] or `token` is no reference.
    """
    if site.influxdb is None:
        raise ConfigError(
            "the dashboards read InfluxDB, and this site has none.",
            Where(file=str(site.path)),
            "Add [influxdb] with url, bucket and token_file.",
        )
    if not token.startswith("$"):
        raise ConfigError(
            "a token has no place in a provisioning file.",
            todo='Give a reference: "$DODAC_INFLUX_TOKEN" or "$__file{/run/secrets/influx-token}".',
        )
    return {
        "apiVersion": 1,
        "datasources": [
            {
                "name": "dodac",
                "uid": DATASOURCE_UID,
                "type": "influxdb",
                "access": "proxy",
                "url": url or site.influxdb.url,
                "isDefault": True,
                "editable": False,
                "jsonData": {
                    "dbName": site.influxdb.bucket,
                    "httpMode": "POST",
                    "httpHeaderName1": "Authorization",
                    "timeInterval": "10s",
                },
                "secureJsonData": {"httpHeaderValue1": f"Token {token}"},
            }
        ],
    }


def provider_file(language: Language, mount: str = DEFAULT_MOUNT) -> Json:
    """provisioning/dashboards/dodac.yaml: the folder of our dashboards, not to be edited in Grafana."""
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": "dodac",
                "folder": word("folder", language),
                "folderUid": FOLDER_UID,
                "type": "file",
                "disableDeletion": True,
                "allowUiUpdates": False,
                "updateIntervalSeconds": 60,
                "options": {"path": mount},
            }
        ],
    }


def write_files(
    site: Site,
    folder: Path,
    language: Language,
    *,
    token: str = DEFAULT_TOKEN,
    url: str | None = None,
    mount: str = DEFAULT_MOUNT,
) -> list[Path]:
    """Writes all files below folder/provisioning and gives their paths.

    Raises ConfigError as datasource_file does, StorageError when a file can't be written.
    """
    base = folder / "provisioning"
    files = {
        base / "datasources" / "dodac.yaml": _yaml(datasource_file(site, token, url)),
        base / "dashboards" / "dodac.yaml": _yaml(provider_file(language, mount)),
        **{
            base / "dashboards" / name: json.dumps(content, ensure_ascii=False, indent=1) + "\n"
            for name, content in site_dashboards(site, language).items()
        },
    }
    for path, text in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise StorageError(
                f"this file can't be written: {error.strerror}.", Where(file=str(path))
            ) from None
    return list(files)


def _yaml(content: Json) -> str:
    head = "# Written by `dodac dashboards build`; write it again instead of editing it.\n"
    return head + yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
