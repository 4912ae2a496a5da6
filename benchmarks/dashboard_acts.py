"""What a user does on each page of the dashboard, for ``benchmarks/dashboard.py``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from streamlit.testing.v1 import AppTest

from screen.store.examples import examples

Act = Callable[[AppTest, int], object]
"""Changes a widget; the number differs at every repetition, so that the question is a new one."""


@dataclass(frozen=True)
class Page:
    """A page, and what a user does there."""

    name: str  # of its file in dashboard/views
    acts: dict[str, Act] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)  # of its address
    several: dict[str, Act] = field(default_factory=dict)  # done in a run of several potentials


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

ONE_OF_SEVERAL: dict[str, Act] = {
    "one potential": lambda app, n: app.selectbox(key="results").select_index(1 + n % 3)
}

PAGES = (  # add a page here: its file, what is done there, its address
    Page(
        "overview",
        {"kind of failure": lambda app, n: app.selectbox(key="failed").select_index(1 + n % 3)},
    ),
    Page("insulators", RANKING, several=ONE_OF_SEVERAL),
    Page("heat_spreaders", RANKING, several=ONE_OF_SEVERAL),
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
    Page(
        "sql",
        {
            f"saved query {n + 1}": lambda app, _, n=n: app.selectbox(
                key="saved_query"
            ).select_index(n)
            for n in reversed(range(len(examples())))  # it opens with the first
        },
    ),
    Page("benchmark"),
    Page("runs"),
)
