"""Keep what a benchmark found: ``python catalogs/record_benchmark.py RUN [RUN ...]``.

Writes ``catalogs/benchmarks/<name of the run>.parquet``, the compounds of runs that `thermoscreen
benchmark` has judged. Compounds of earlier runs of that name stay unless they come again, so that
a benchmark can be made in several sittings, in several places.
"""

from __future__ import annotations

import sys
from pathlib import Path

from screen.benchmark.compounds import RECORDED, read_compounds, record
from screen.store.database import open_snapshot

FOLDER = Path(__file__).parent / RECORDED


def main() -> None:
    """Record each run."""
    for run in map(Path, sys.argv[1:]):
        path = FOLDER / f"{run.name}.parquet"
        with open_snapshot(run) as snapshot:
            table = record(read_compounds(snapshot), path)
        sys.stdout.write(f"{path}: {table.num_rows} compounds\n")


if __name__ == "__main__":
    main()
