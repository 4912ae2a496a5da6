"""How long the server of the dashboard works for each page and each interaction.

Writes runs of made-up materials through the real writer, opens each page by Streamlit's own test
harness, in this process and without a browser, and interacts with it as a user would. Every page
is opened with empty caches, as the first visitor of a new snapshot does, and no interaction asks
what has been asked before. The last line is JSON; ``p95_ms_100k`` is the 95th percentile of the
seconds on the wall, ``p95_cpu_ms_100k`` that of the CPU time of all threads, which a busy machine
does not lengthen.

    python benchmarks/dashboard.py [--materials 100 10000 100000] [--pages overview insulators]
        [--folder RUNS] [--repeat 5] [--potentials 1]

Runs in ``--folder`` are kept and used again.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import streamlit as st
from streamlit import config
from streamlit.testing.v1 import AppTest

sys.path.insert(0, str(Path(__file__).parents[1]))  # for benchmarks and tests by name

from benchmarks.synthetic_run import write_synthetic_run  # after sys.path
from dashboard.launch import APP

Act = Callable[[AppTest, int], object]
"""Changes a widget; the number differs at every repetition, so that the question is a new one."""

SIZES = {100: "100", 10_000: "10k", 100_000: "100k"}
TIMEOUT = 600  # s


@dataclass(frozen=True)
class Page:
    """A page, and what a user does there."""

    name: str  # of its file in dashboard/views
    acts: dict[str, Act] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)  # of its address


def boxed(app: AppTest, n: int) -> None:
    """Draw a box in the plot of a ranking."""
    points = [{"customdata": ["syn-000000"]}]
    box = [{"x": [5.0, 30.0 + n], "y": [0.5, 20.0]}]
    key = next(item.proto.id for item in app.get("plotly_chart")).split("-")[-1]
    app.session_state[key] = {"selection": {"points": points, "box": box, "lasso": []}}


RANKING: dict[str, Act] = {
    "temperature": lambda app, n: app.slider(key="T").set_value(310.0 + 10 * n),
    "element": lambda app, n: app.multiselect(key="with").set_value([("O", "S", "F", "N", "C")[n]]),
    "element off": lambda app, n: app.multiselect(key="with").set_value([]),
    "periodic table": lambda app, n: app.toggle(key="periodic").set_value(True),
    "click on element": lambda app, n: app.button(
        key=f"element-{('B', 'P', 'I', 'H', 'As')[n]}"
    ).click(),
    "prototype": lambda app, n: app.multiselect(key="prototype").set_value(
        ["rocksalt", "spinel", "rutile", "corundum"][: n % 4 + 1]
    ),
    "band gap": lambda app, n: app.number_input(key="gap_from").set_value(0.5 + 0.1 * n),
    "above hull": lambda app, n: app.number_input(key="hull_to").set_value(0.05 + 0.01 * n),
    "filters off": lambda app, n: [
        app.multiselect(key="prototype").set_value([]),
        app.number_input(key="gap_from").set_value(None),
        app.number_input(key="hull_to").set_value(None),
    ],
    "trust": lambda app, n: app.pills(key="trust").set_value(["complete"]),
    "criterion": lambda app, n: app.selectbox(key="x").set_value(
        ("density", "bulk modulus", "band gap", "mean atomic mass", "energy above hull")[n]
    ),
    "order": lambda app, n: app.selectbox(key="order").set_value(
        ("expansion", "coherence_share", "kappa_p", "formula", "band_gap")[n]
    ),
    "page": lambda app, n: app.number_input(key="page").set_value(2),
    "front only": lambda app, n: app.toggle(key="only_front").set_value(True),
    "front off": lambda app, n: app.toggle(key="only_front").set_value(False),
    "substrate": lambda app, n: app.selectbox(key="match").set_value("another value"),
    "substrate off": lambda app, n: app.selectbox(key="match").set_value(None),
    "box": boxed,
}

PAGES = (  # add a page here: its file, what is done there, its address
    Page(
        "overview",
        {"kind of failure": lambda app, n: app.selectbox(key="failed").select_index(1 + n % 3)},
    ),
    Page("insulators", RANKING),
    Page("heat_spreaders", RANKING),
    Page(
        "material",
        {
            "temperature": lambda app, n: app.select_slider(key="mode_temperature").set_value(
                (100.0, 200.0, 400.0, 500.0, 600.0)[n]
            ),
            "another": lambda app, n: app.selectbox[0].select(
                ("LiBr-rs", "MgO-rs", "GaAs-zb", "syn-000003", "syn-000007")[n]
            ),
            "search": lambda app, n: app.text_input(key="search").set_value(
                ("si", "o3", "syn-0000", "mgo", "al")[n]
            ),
        },
        {"id": "SiC-zb"},
    ),
    Page(
        "compare",
        {
            "search": lambda app, n: app.text_input(key="search").set_value(
                ("si", "o3", "syn-0000", "mgo", "al")[n]
            ),
            "one more": lambda app, n: app.multiselect[0].set_value(
                [*app.multiselect[0].value, app.multiselect[0].options[-1].rpartition(" ")[2]]
            ),
        },
        {"materials": "SiC-zb,LiBr-rs"},
    ),
    Page(
        "regimes",
        {
            "temperature": lambda app, n: app.select_slider(key="T").set_value(
                (100.0, 200.0, 400.0, 500.0, 600.0)[n]
            ),
            "threshold": lambda app, n: app.slider(key="from").set_value((5, 10, 15, 30, 50)[n]),
        },
    ),
    Page("sql"),
    Page("runs"),
)


@dataclass(frozen=True)
class Sample:
    """One measurement."""

    materials: int
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
        for materials in arguments.materials:
            run = folder / f"run-{materials}-{arguments.potentials}"
            if not run.exists():
                write_synthetic_run(run, materials, arguments.potentials)
            measured(run, pages[0], 0, materials)  # modules are imported once
            found = [
                sample
                for page in pages
                for turn in range(arguments.repeat)
                for sample in measured(run, page, turn, materials)
            ]
            print_table(found)
            samples += found
    print(json.dumps(figures(samples)))


def parsed() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--materials", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--pages", nargs="+", choices=[page.name for page in PAGES])
    parser.add_argument("--folder", type=Path, help="where runs are kept; default: thrown away")
    parser.add_argument("--repeat", type=int, default=5, choices=range(1, 6))
    parser.add_argument("--potentials", type=int, default=1, choices=(1, 2, 3))
    return parser.parse_args()


def measured(run: Path, page: Page, turn: int, materials: int) -> list[Sample]:
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
    samples: list[Sample] = []
    for name, act in acts.items():
        act(app, turn)
        wall, cpu = time.perf_counter(), time.process_time()
        app.run()
        spent = time.perf_counter() - wall, time.process_time() - cpu
        if app.exception:
            raise RuntimeError(f"{page.name}, {name}: {app.exception[0].value}")
        samples.append(Sample(materials, page.name, name, 1e3 * spent[0], 1e3 * spent[1]))
    return samples


def print_table(samples: Sequence[Sample]) -> None:
    """Print median and largest time of each act."""
    print(f"\n{samples[0].materials:,} materials")
    print(f"{'page':>16} {'':>18} {'wall ms':>8} {'largest':>8} {'CPU ms':>8} {'largest':>8}")
    for page, act in dict.fromkeys((sample.page, sample.act) for sample in samples):
        same = [item for item in samples if (item.page, item.act) == (page, act)]
        wall, cpu = [item.wall_ms for item in same], [item.cpu_ms for item in same]
        print(
            f"{page:>16} {act:>18} {np.median(wall):8.0f} {max(wall):8.0f} "
            f"{np.median(cpu):8.0f} {max(cpu):8.0f}"
        )


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
