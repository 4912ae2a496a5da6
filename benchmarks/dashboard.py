"""How long the server of the dashboard works for each page and each interaction.

Writes runs of made-up materials through the real writer, opens each page by Streamlit's own test
harness, in this process and without a browser, and interacts with it as a user would. Every page
is opened with empty caches, as the first visitor of a new snapshot does, and no interaction asks
what has been asked before. The last line is JSON; ``p95_ms_100k`` is the 95th percentile of the
seconds on the wall, ``p95_cpu_ms_100k`` that of the CPU time of all threads, which a busy machine
does not lengthen.

    python benchmarks/dashboard.py [--materials 100 10000 100000] [--potentials 1 3]
        [--pages overview insulators] [--folder RUNS] [--repeat 5]

Each size is measured on a run of one potential, and on one of three, where rankings are of medians.
Runs in ``--folder`` are kept and used again.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import streamlit as st
from streamlit import config
from streamlit.testing.v1 import AppTest

sys.path.insert(0, str(Path(__file__).parents[1]))  # for benchmarks and tests by name

from benchmarks.dashboard_acts import PAGES, Act, Page  # after sys.path
from benchmarks.synthetic_run import write_synthetic_run
from dashboard.launch import APP

SIZES = {100: "100", 10_000: "10k", 100_000: "100k"}
TIMEOUT = 600  # s


@dataclass(frozen=True)
class Sample:
    """One measurement."""

    materials: int
    potentials: int
    page: str
    act: str
    wall_ms: float
    cpu_ms: float


def main() -> None:
    """Measure, print one table per size and a JSON line."""
    arguments = parsed()
    logging.disable(logging.WARNING)  # the harness has no runtime, and says so at every cache
    config.set_option("server.address", "127.0.0.1")  # elsewhere the app asks for a password
    pages = [page for page in PAGES if not arguments.pages or page.name in arguments.pages]
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        for materials, potentials in product(arguments.materials, arguments.potentials):
            run = folder / f"run-{materials}-{potentials}"
            if not run.exists():
                write_synthetic_run(run, materials, potentials)
            measured(run, pages[0], 0, materials, potentials)  # modules are imported once
            found = [
                sample
                for page in pages
                for turn in range(arguments.repeat)
                for sample in measured(run, page, turn, materials, potentials)
            ]
            print_table(found)
            samples += found
    print_summary(samples)
    print(json.dumps(figures(samples)))


def parsed() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--materials", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--pages", nargs="+", choices=[page.name for page in PAGES])
    parser.add_argument("--folder", type=Path, help="where runs are kept; default: thrown away")
    parser.add_argument("--repeat", type=int, default=5, choices=range(1, 6))
    parser.add_argument("--potentials", type=int, nargs="+", default=(1, 3), choices=(1, 2, 3))
    return parser.parse_args()


def measured(run: Path, page: Page, turn: int, materials: int, potentials: int) -> list[Sample]:
    """Open a page with empty caches and do all that is done there, each act timed."""
    app = AppTest.from_file(str(APP), default_timeout=TIMEOUT)
    sys.argv = ["app.py"]
    app.run()  # the harness looks through all packages once, which a server does at its start
    st.cache_data.clear()
    st.cache_resource.clear()
    sys.argv = ["app.py", "--run", str(run)]
    for key, value in page.query.items():
        app.query_params[key] = value
    app.switch_page(f"views/{page.name}.py")
    acts: dict[str, Act] = {"open": lambda app, turn: None, **page.acts}
    acts |= page.several if potentials > 1 else {}
    samples: list[Sample] = []
    for name, act in acts.items():
        act(app, turn)
        wall, cpu = time.perf_counter(), time.process_time()
        app.run()
        spent = time.perf_counter() - wall, time.process_time() - cpu
        if app.exception:
            raise RuntimeError(f"{page.name}, {name}: {app.exception[0].value}")
        wall_ms, cpu_ms = 1e3 * spent[0], 1e3 * spent[1]
        samples.append(Sample(materials, potentials, page.name, name, wall_ms, cpu_ms))
    return samples


def print_table(samples: Sequence[Sample]) -> None:
    """Print median and largest time of each act."""
    print(f"\n{described(samples[0])}")
    print(f"{'page':>16} {'':>18} {'wall ms':>8} {'largest':>8} {'CPU ms':>8} {'largest':>8}")
    for page, act in dict.fromkeys((sample.page, sample.act) for sample in samples):
        same = [item for item in samples if (item.page, item.act) == (page, act)]
        wall, cpu = [item.wall_ms for item in same], [item.cpu_ms for item in same]
        print(
            f"{page:>16} {act:>18} {np.median(wall):8.0f} {max(wall):8.0f} "
            f"{np.median(cpu):8.0f} {max(cpu):8.0f}"
        )


def described(sample: Sample) -> str:
    """Say which run a sample was measured on."""
    several = f", medians over {sample.potentials} potentials" if sample.potentials > 1 else ""
    return f"{sample.materials:,} materials{several}"


def print_summary(samples: Sequence[Sample]) -> None:
    """Print a table in Markdown: each page opened, and its slowest interaction, medians in ms."""
    runs = list(dict.fromkeys(described(sample) for sample in samples))
    print(f"\n| Page | {' | '.join(runs)} |\n|{'---|' * (1 + len(runs))}")
    for page in dict.fromkeys(sample.page for sample in samples):
        cells = []
        for run in runs:
            found: dict[str, list[float]] = {}
            for sample in samples:
                if (sample.page, described(sample)) == (page, run):
                    found.setdefault(sample.act, []).append(sample.wall_ms)
            opened, *others = (np.median(values) for values in found.values())
            cells.append(f"{opened:.0f}" + (f" / {max(others):.0f}" if others else ""))
        print(f"| {page} | {' | '.join(cells)} |")


def figures(samples: Sequence[Sample]) -> dict[str, float]:
    """Return the 95th percentiles in ms over all pages and acts, by size."""
    found: dict[str, float] = {}
    for materials in dict.fromkeys(sample.materials for sample in samples):
        name = SIZES.get(materials, str(materials))
        same = [sample for sample in samples if sample.materials == materials]
        found[f"p95_ms_{name}"] = float(np.percentile([item.wall_ms for item in same], 95))
        found[f"p95_cpu_ms_{name}"] = float(np.percentile([item.cpu_ms for item in same], 95))
        found[f"slowest_ms_{name}"] = max(item.wall_ms for item in same)
    return {key: round(value, 1) for key, value in found.items()}


if __name__ == "__main__":
    main()
