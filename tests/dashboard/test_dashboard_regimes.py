"""Where coherences matter: questions, charts and the page, without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa
import pytest

from dashboard import regimes
from dashboard.charts.regimes import carrier_bins, carrier_scatter, share_map, share_trend
from dashboard.regimes import Question
from screen.store.database import Snapshot, Writer, open_snapshot
from tests.store.samples import candidate

from .conftest import COLUMNS, MODEL_DIGEST, PROTOCOL, RECIPES, conductivity_of
from .reading import OpenPage, charts, checked, table, texts

GRID = list(PROTOCOL.temperatures)


def question(temperature: float = 300.0, threshold: float = 0.0) -> Question:
    return Question(MODEL_DIGEST, PROTOCOL.digest, temperature, threshold)


@pytest.fixture(scope="module")
def opened(run: Path) -> Iterator[Snapshot]:
    with open_snapshot(run) as snapshot:
        yield snapshot


def shares_by_hand() -> np.ndarray:
    """κ_C/κ of the five materials with a conductivity, (material, temperature)."""
    records = [conductivity_of(item) for item in RECIPES if item.fails_at is None]
    return np.array(
        [
            np.trace(item.kappa_c, axis1=1, axis2=2)
            / np.trace(item.kappa_p + item.kappa_c, axis1=1, axis2=2)
            for item in records
        ]
    )


def test_trend_is_the_distribution_over_all_materials(opened: Snapshot) -> None:
    found = opened.query(regimes.trend_sql(question(threshold=0.1)))
    expected = shares_by_hand()
    assert found["temperature"].to_pylist() == GRID
    assert found["materials"].to_pylist() == [5] * len(GRID)
    assert found["middle"].to_pylist() == pytest.approx(np.median(expected, axis=0))
    assert found["high"].to_pylist() == pytest.approx(np.quantile(expected, 0.9, axis=0))
    assert found["beyond"].to_pylist() == pytest.approx((expected >= 0.1).mean(axis=0))


def test_materials_beyond_the_threshold_come_largest_first(opened: Snapshot) -> None:
    expected = np.sort(shares_by_hand()[:, GRID.index(800.0)])[::-1]
    threshold = float(expected[2]) - 1e-9
    found = opened.query(regimes.materials_sql(question(800.0, threshold), 10))
    assert found["coherence_share"].to_pylist() == pytest.approx(expected[:3])
    assert set(found["temperature"].to_pylist()) == {800.0}
    parts = np.add(found["kappa_p"].to_pylist(), found["kappa_c"].to_pylist())
    assert parts == pytest.approx(found["kappa"].to_pylist())
    assert len(opened.query(regimes.materials_sql(question(), 2))) == 2
    assert len(opened.query(regimes.materials_sql(question(), None))) == 5


def test_map_has_every_temperature_of_the_first_materials(opened: Snapshot) -> None:
    found = opened.query(regimes.map_sql(question(800.0), 3))
    last = [row["shares"][GRID.index(800.0)] for row in found.to_pylist()]
    assert last == sorted(last, reverse=True)
    assert len(last) == 3


def test_bins_count_what_the_points_show(opened: Snapshot) -> None:
    points = opened.query(regimes.carriers_sql(question()))
    bins = opened.query(regimes.binned_carriers_sql(question()))
    assert len(points) == sum(bins["materials"].to_pylist()) == 5
    assert opened.query(regimes.count_sql(question()))["materials"].to_pylist() == [5]


def test_share_of_one_lies_in_the_last_bin(tmp_path: Path) -> None:
    values = {"wave_like_share_300": 1.0, "overdamped_share_300": 0.0, "kappa_300": 1.0}
    outcome = pa_outcome(values)
    with Writer(tmp_path, COLUMNS) as writer:
        writer.add_candidates([candidate("m1")])
        writer.upsert([outcome])
        writer.publish()
    asked = Question(outcome.model_digest, outcome.protocol_digest, 300.0, 0.0)
    with open_snapshot(tmp_path) as snapshot:
        (row,) = snapshot.query(regimes.binned_carriers_sql(asked)).to_pylist()
    assert row["wave_like_share_300"] == pytest.approx(0.99)
    assert row["overdamped_share_300"] == pytest.approx(0.01)


def pa_outcome(values: dict[str, float]):
    from tests.store.samples import outcome

    return outcome("m1", rows={"conductivity": values})


def test_runs_without_shares_still_list_their_materials(opened: Snapshot) -> None:
    found = opened.query(regimes.materials_sql(question(), 10, shares=False))
    assert found["overdamped_share_300"].null_count == 5
    assert regimes.has_shares(opened)


# ------------------------------------------------------------------------------ charts


def titles(fig: go.Figure) -> tuple[str, str]:
    return fig.layout.xaxis.title.text, fig.layout.yaxis.title.text


def test_trend_is_drawn_in_percent(opened: Snapshot) -> None:
    fig = share_trend(opened.query(regimes.trend_sql(question(threshold=0.2))), 0.2)
    band, median, beyond = fig.data
    assert titles(fig) == ("T [K]", "share [%]")
    assert median.y == pytest.approx(100 * np.median(shares_by_hand(), axis=0))
    assert len(band.x) == 2 * len(GRID)
    assert beyond.name.endswith("≥ 20 %")


def test_map_tells_materials_of_one_formula_apart() -> None:
    rows = {
        "formula": ["SiO2", "SiO2", None],
        "material_id": ["a", "b", "c"],
        "temperatures": [[100.0, 300.0], [300.0], [100.0, 300.0]],
        "shares": [[0.1, 0.5], [0.2], [None, 0.1]],
    }
    (heat,) = share_map(pa.table(rows)).data
    assert heat.y == ("SiO2", "SiO2 #2", "c")
    assert heat.x == ("100", "300")
    assert [list(row) for row in heat.z] == [[10.0, 50.0], [None, 20.0], [None, 10.0]]
    assert heat.customdata[1][0] == "b"


def test_carriers_are_points_that_know_their_material(opened: Snapshot) -> None:
    fig = carrier_scatter(opened.query(regimes.carriers_sql(question())))
    triangle, points = fig.data
    assert (triangle.x, triangle.y) == ((0, 100), (100, 0))
    assert [item[0] for item in points.customdata] == sorted(
        item.id for item in RECIPES if item.fails_at is None
    )
    assert titles(fig)[0] == "wave-like share of κ (300 K) [%]"


def test_many_carriers_are_counted_in_squares(opened: Snapshot) -> None:
    fig = carrier_bins(opened.query(regimes.binned_carriers_sql(question())))
    assert sum(item[0] for item in fig.data[1].customdata) == 5
    assert fig.data[1].marker.colorbar.title.text == "materials"


# ------------------------------------------------------------------------------ page


def test_page_shows_trend_map_carriers_and_materials(page: OpenPage) -> None:
    app = page("regimes", **{"from": "0"})
    assert set(charts(app)) == {"trend", "carriers", "map"}
    shown = table(app, "κ_C/κ (300 K)")
    assert len(shown["formula"]) == 5
    assert shown["κ_C/κ (300 K)"] == pytest.approx([0.05] * 5)
    assert "Over 5 materials." in texts(app)
    assert {item.proto.label for item in app.get("download_button")} == {"CSV", "Parquet", "SQL"}


def test_page_opens_at_the_temperature_of_its_address(page: OpenPage) -> None:
    app = page("regimes", T="800", **{"from": "10"})
    assert "Materials with κ_C/κ ≥ 10 % at 800 K" in texts(app)
    assert app.select_slider(key="T").value == 800.0


def test_threshold_that_nothing_passes_says_so(page: OpenPage) -> None:
    app = page("regimes")
    app.slider(key="from").set_value(100)
    checked(app.run())
    assert "the BTE is good enough for all" in texts(app)


def test_click_and_row_open_the_material(page: OpenPage) -> None:
    app = page("regimes", **{"from": "0"})
    app.session_state["carriers"] = {
        "selection": {"points": [{"customdata": ["MgO-rs", "MgO", 55]}], "box": [], "lasso": []}
    }
    checked(app.run())
    assert "MgO" in app.title[0].value
    app = page("regimes", **{"from": "0"})
    first = table(app, "κ_C/κ (300 K)")["formula"][0]
    app.session_state["table"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    checked(app.run())
    assert first in app.title[0].value


def test_run_without_conductivity_says_so(page: OpenPage, tmp_path: Path) -> None:
    with Writer(tmp_path, COLUMNS) as writer:
        writer.add_candidates([candidate("m1")])
        writer.publish()
    assert "There is no conductivity yet" in texts(page("regimes", tmp_path))
