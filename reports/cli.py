"""The command `dodac report`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from dodac.clock import SystemClock
from dodac.errors import DataError, Exit, StorageError, Where
from dodac.quantities import nearest
from dodac.site import load_site
from dodac.words import LANGUAGES, Language


def report(argv: Sequence[str]) -> int:
    """Writes the report of a verified saving as one HTML file; its path goes to stdout."""
    parser = argparse.ArgumentParser(
        prog="dodac report",
        description="Write the report of a verified saving as one HTML file, every figure computed again.",
        epilog="Examples: dodac report; dodac report vsd-s1 --language en --output vsd.html",
    )
    parser.add_argument("saving", nargs="?", metavar="SAVING_ID", help="which saving (default: the newest)")
    parser.add_argument("--site", default="site.toml", help="site file (default site.toml)")
    parser.add_argument("--language", choices=LANGUAGES, help="default: the site's language")
    parser.add_argument("--output", metavar="FILE.html", help="default: report-SAVING_ID-LANGUAGE.html")
    options = parser.parse_args(argv)
    site = load_site(options.site)

    from audit import Register
    from reports.html import render_html
    from reports.tests_html import render_tests_html
    from store import JournalStore

    clock = SystemClock()
    where = Where(file=str(site.register_path))
    register = Register(site.register_path, clock)
    when = {item.id: item.verified_ns for item in register.savings()}
    when |= {item.id: item.verified_ns for item in register.isolated.savings()}
    known = sorted(when, key=lambda name: when[name])
    if not known:
        raise DataError(
            "no saving has been verified yet.", where, "Verify one first: dodac audit verify PLAN_ID"
        )
    saving = options.saving or known[-1]
    if saving not in known:
        near = nearest(saving, known)
        raise DataError(
            f'there is no verified saving "{saving}".',
            where,
            f'Did you mean "{near}"?' if near else f"There are: {', '.join(known)}.",
        )
    language: Language = options.language or site.site.language
    words = (language, clock.now_ns(), site.site.timezone, site.site.name)
    if register.isolated.has_saving(saving):
        # tests may be of files alone
        with JournalStore(site.journal_path) if site.journal_path.is_file() else nullcontext() as store:
            facts = {} if store is None else store.facts()
            html = render_tests_html(register.isolated.case(saving, store, facts), *words)
    else:
        with JournalStore(site.journal_path) as store:
            html = render_html(register.case(saving, store, store.facts()), *words)
    path = Path(options.output or f"report-{saving}-{language}.html")
    try:
        path.write_text(html, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"the report can't be written: {error.strerror}.", Where(file=str(path))) from None
    sys.stdout.write(f"{path}\n")
    sys.stderr.write(f"dodac report: {saving} computed again and written to {path}; open it in a browser.\n")
    return Exit.OK
