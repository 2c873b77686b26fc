"""The command `dodac serve`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from dodac.errors import ConfigError, Exit
from dodac.site import load_site


def serve(argv: Sequence[str]) -> int:
    """Serves the page and the API until Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="dodac serve",
        description="The web page with live values and savings, and the same figures as JSON under /api.",
        epilog="Example: dodac serve --site plant/site.toml --port 8321",
    )
    parser.add_argument("--site", default="site.toml", help="site file (default site.toml)")
    parser.add_argument("--host", help="address to listen on (default: the site file's, else 127.0.0.1)")
    parser.add_argument(
        "--port", type=int, help="port (default: the site file's, else 8321; 0 takes a free one)"
    )
    parser.add_argument(
        "--token-file", metavar="FILE", help="file (mode 0600) with the access token; needed off this machine"
    )
    options = parser.parse_args(argv)
    site = load_site(options.site)
    host = options.host or site.serve.host
    port = site.serve.port if options.port is None else options.port
    if not 0 <= port <= 65535:
        raise ConfigError(f"{port} is no port.", todo="Choose 0 to 65535.")
    # relative to where the command is typed, unlike a path in the site file
    token = site.secret(str(Path(options.token_file).absolute())) if options.token_file else None

    from api.app import create_app
    from api.server import Server

    server = Server(create_app(site, host=host, token=token), host, port)
    url = server.bind()
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()
    sys.stderr.write(f"dodac serve: open {url} in a browser; Ctrl-C ends.\n")
    server.run()
    return Exit.OK
