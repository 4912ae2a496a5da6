"""``python -m dashboard.report`` is what ``thermoscreen report`` runs."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from dashboard.report.content import report
from dashboard.report.page import page
from dashboard.report.sections import Order
from dashboard.report.shortlist import Ranked, Shortlist, named, ranked
from screen.core.errors import SettingsError, ThermoscreenError
from screen.ranking import RANKINGS
from screen.store.database import Snapshot, open_snapshot
from screen.store.files import write_atomically


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the report and return the exit status; an expected error is one line."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    chosen = parser().parse_args(words)
    order = Order(
        run=chosen.run,
        command=shlex.join(["thermoscreen", "report", *words]),
        temperature=chosen.temperature,
        model=chosen.model,
        protocol=chosen.protocol,
    )
    try:
        with open_snapshot(chosen.run) as snapshot:
            shortlist = _shortlist(snapshot, chosen)
            html = page(report(snapshot, order, shortlist))
        _write(chosen.output, html)
    except ThermoscreenError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(f"{chosen.output}: {len(shortlist.materials)} materials\n")
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the options; those of ``thermoscreen report`` are the same."""
    found = argparse.ArgumentParser(prog="thermoscreen report", description=__doc__)
    found.add_argument("--run", type=Path, required=True)
    found.add_argument("--materials", nargs="+", action="extend")
    found.add_argument("--best", type=int)
    found.add_argument("--ranking", choices=list(RANKINGS), default=next(iter(RANKINGS)))
    found.add_argument("--temperature", type=float, default=300.0)
    found.add_argument("--where")
    found.add_argument("--model")
    found.add_argument("--protocol")
    found.add_argument("--output", type=Path, default=Path("report.html"))
    return found


def _shortlist(snapshot: Snapshot, chosen: argparse.Namespace) -> Shortlist:
    """Return the materials that are named, or the best of a ranking."""
    if (chosen.materials is None) == (chosen.best is None):
        raise SettingsError("give --materials A B C or --best N, one of them")
    if chosen.materials is not None:
        return named(snapshot, chosen.materials)
    wanted = Ranked(chosen.ranking, chosen.best, chosen.temperature, chosen.where)
    return ranked(snapshot, wanted, chosen.model, chosen.protocol)


def _write(path: Path, html: str) -> None:
    try:
        write_atomically(path, lambda handle: handle.write(html.encode()))
    except OSError as error:
        raise SettingsError(
            f"cannot write {path}: {error.strerror}; choose another --output"
        ) from error


if __name__ == "__main__":
    sys.exit(main())
