"""The command dashboards: write Grafana's files, send dashboards to a Grafana, publish savings."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dodac.errors import ConfigError, DataError, Exit, StorageError, Where
from dodac.words import LANGUAGES

if TYPE_CHECKING:
    from audit import Register
    from audit.records import VerifiedSaving
    from dashboards.grafana import Grafana
    from dodac.site import Site


def _words(text: str) -> None:
    sys.stderr.write(text + "\n")


def dashboards(argv: Sequence[str]) -> int:
    """`dodac dashboards build | push | publish`."""
    args = _parser().parse_args(argv)
    from dodac.site import load_site

    site = load_site(args.site)
    match args.action:
        case "build":
            return _build(args, site)
        case "push":
            return _push(args, site)
        case _:
            return _publish(args, site)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dodac dashboards",
        description="Grafana: its files, its API, and the savings it shows.",
        epilog="Examples: dodac dashboards build grafana --site my-plant; dodac dashboards push --url "
        "http://127.0.0.1:3000 --token-file secrets/grafana; dodac dashboards publish",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="build | push | publish")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--site", type=Path, default=Path("site.toml"), help="site file (default site.toml)")
    common.add_argument("--json", action="store_true", help="as JSON")
    language = argparse.ArgumentParser(add_help=False)
    language.add_argument("--language", choices=LANGUAGES, help="of titles (default: the site's)")

    build = actions.add_parser(
        "build",
        parents=[common, language],
        help="write the provisioning files",
        description=_BUILD,
        epilog="Example: dodac dashboards build grafana --site my-plant",
    )
    build.add_argument("folder", type=Path, metavar="OUTPUT_DIR", help="provisioning/ is made in it")
    build.add_argument("--influx-url", help="InfluxDB as Grafana sees it (default: the site's)")
    build.add_argument(
        "--token-env",
        metavar="NAME",
        default="DODAC_INFLUX_TOKEN",
        help="variable of Grafana's environment with InfluxDB's token (default DODAC_INFLUX_TOKEN)",
    )
    build.add_argument("--token-path", metavar="PATH", help="or a file with it, as Grafana sees it")
    build.add_argument("--mount", metavar="PATH", help="where Grafana sees provisioning/dashboards")

    push = actions.add_parser(
        "push",
        parents=[common, language],
        help="send the dashboards to a Grafana",
        description="Creates or replaces the two dashboards in a Grafana that runs already.",
        epilog="Example: dodac dashboards push --url http://127.0.0.1:3000 --token-file secrets/grafana --site my-plant",
    )
    push.add_argument("--url", required=True, help='e.g. "http://127.0.0.1:3000"')
    push.add_argument(
        "--token-file", type=Path, required=True, help="service account token, mode 0600, role Editor"
    )
    push.add_argument(
        "--with-datasource",
        action="store_true",
        help="create the datasource too when it is not there (role Admin; sends the site's InfluxDB token)",
    )

    publish = actions.add_parser(
        "publish",
        parents=[common],
        help="write verified savings to InfluxDB, for the savings dashboard",
        description="Works verified savings out again from the readings and writes them to the site's InfluxDB.",
        epilog="Example: dodac dashboards publish --site my-plant",
    )
    publish.add_argument("--saving", metavar="ID", help="one verified saving (default: each plan's newest)")
    return parser


_BUILD = """Writes OUTPUT_DIR/provisioning: datasources/dodac.yaml, dashboards/dodac.yaml and two dashboards.
Mount or copy it to Grafana's /etc/grafana/provisioning. InfluxDB's token is never written: Grafana
reads it from its environment or a file."""


def _build(args: argparse.Namespace, site: Site) -> int:
    from dashboards.provisioning import DEFAULT_MOUNT, write_files

    if args.influx_url is not None and not re.fullmatch(r"https?://[^\s/?#]+(/\S*)?", args.influx_url):
        raise ConfigError(
            f'--influx-url: "{args.influx_url}" is no address.', todo='Write e.g. "http://influxdb:8086".'
        )
    token = f"$__file{{{args.token_path}}}" if args.token_path else f"${args.token_env}"
    written = write_files(
        site,
        args.folder,
        args.language or site.site.language,
        token=token,
        url=args.influx_url,
        mount=args.mount or DEFAULT_MOUNT,
    )
    if args.json:
        sys.stdout.write(json.dumps({"written": [str(path) for path in written]}, indent=2) + "\n")
    else:
        sys.stdout.write("".join(f"{path}\n" for path in written))
    _words(f"Next: give Grafana {args.folder}/provisioning as /etc/grafana/provisioning and start it.")
    return Exit.OK


def _push(args: argparse.Namespace, site: Site) -> int:
    from dashboards.grafana import Grafana
    from dashboards.provisioning import FOLDER_UID, site_dashboards
    from dashboards.words import word

    language = args.language or site.site.language
    with Grafana(args.url, site.secret(str(args.token_file.absolute()))) as grafana:
        source = _ensure_datasource(grafana, site) if args.with_datasource else _datasource(grafana)
        folder = grafana.ensure_folder(FOLDER_UID, word("folder", language))
        sent = {
            str(content["uid"]): grafana.put_dashboard(content, folder.uid, "dodac dashboards push")
            for content in site_dashboards(site, language).values()
        }
    if args.json:
        told = {"folder": folder.uid, "datasource": source, "dashboards": sent}
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
    else:
        sys.stdout.write("".join(f"{args.url.rstrip('/')}{path}\n" for path in sent.values()))
    return Exit.OK


def _datasource(grafana: Grafana) -> str:
    from dashboards.panels import DATASOURCE_UID

    found = grafana.datasource_uid("dodac")
    if found != DATASOURCE_UID:
        told = "is not there" if found is None else f'has the uid "{found}" instead of "{DATASOURCE_UID}"'
        _words(
            f'The datasource "dodac" {told}: the dashboards stay empty until it is. See --with-datasource.'
        )
    return found or ""


def _ensure_datasource(grafana: Grafana, site: Site) -> str:
    from dashboards.provisioning import datasource_file
    from store import InfluxTarget

    if grafana.datasource_uid("dodac") is None:
        content = dict(datasource_file(site)["datasources"][0])
        content["secureJsonData"] = {"httpHeaderValue1": f"Token {InfluxTarget.of_site(site).token}"}
        grafana.create_datasource({key: value for key, value in content.items() if key != "editable"})
    return _datasource(grafana)


def _publish(args: argparse.Namespace, site: Site) -> int:
    from audit import Register
    from dashboards.publish import case_lines
    from dodac.clock import SystemClock
    from store import InfluxSink, InfluxTarget, JournalStore

    target = InfluxTarget.of_site(site)
    register = Register(site.register_path, SystemClock())
    chosen = [register.saving(args.saving)] if args.saving else _newest(register)
    if not chosen:
        raise DataError(
            "the register has no verified saving yet.",
            Where(file=str(site.register_path)),
            "See dodac audit --help.",
        )
    store = JournalStore(site.journal_path)
    sink = InfluxSink(target)
    counts: dict[str, int] = {}
    try:
        for saving in chosen:
            lines = case_lines(register.case(saving.id, store))
            result = sink.write(lines)
            if not result.ok:
                raise StorageError(
                    f"InfluxDB at {target.url} did not take the saving ({result.kind.value}): "
                    f"{result.message.rstrip('.')}.",
                    todo="Nothing is lost: publish again when it answers.",
                )
            counts[saving.id] = len(lines)
    finally:
        sink.close()
        store.close()
    if args.json:
        sys.stdout.write(json.dumps({"published": counts}, indent=2) + "\n")
    else:
        sys.stdout.write("".join(f"{name}: {count} points\n" for name, count in counts.items()))
    return Exit.OK


def _newest(register: Register) -> list[VerifiedSaving]:
    """The newest verified saving of each plan."""
    newest: dict[str, VerifiedSaving] = {}
    for saving in sorted(register.savings(), key=lambda saving: saving.verified_ns):
        newest[saving.plan] = saving
    return list(newest.values())
