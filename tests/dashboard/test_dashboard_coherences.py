"""The picture of κ_C/κ over a set of compounds, and the dashboard's words for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from dashboard import regimes
from dashboard.charts.coherences import LEAST, coherence_panels
from dashboard.regimes import Question
from screen.core.verdicts import verdict
from screen.store.database import open_snapshot

from .conftest import MODEL_DIGEST, PROTOCOL

GRID = [100.0, 300.0, 800.0]


def compounds(**more: list[object]) -> pa.Table:
    """Three with κ = 1 W/m/K of two prototypes, and one without."""
    shares = np.array([[0.001, 0.01, 0.02], [0.05, 0.2, 0.6], [1e-5, 2e-5, 0.1]])
    kappa_c = [*shares.tolist(), None]
    columns = {
        "compound": ["a-rs", "b-rs", "c-zb", "d-zb"],
        "prototype": ["rocksalt", "rocksalt", "zincblende", "zincblende"],
        "temperatures": [GRID] * 4,
        "kappa_p": [*(1 - shares).tolist(), None],
        "kappa_c": kappa_c,
        **more,
    }
    return pa.table(columns)


def test_panels_are_prototypes_with_the_largest_share_first() -> None:
    fig = coherence_panels(compounds())
    rocksalt, zincblende, *_ = fig.data
    assert [item.text for item in fig.layout.annotations] == ["rocksalt (2)", "zincblende (1)"]
    assert rocksalt.y == ("b-rs", "a-rs")
    assert zincblende.y == ("c-zb",)  # no row without κ
    assert rocksalt.x == ("100", "300", "800")
    assert [list(row) for row in rocksalt.text] == [["5.0", "20", "60"], ["0.1", "1.0", "2.0"]]
    np.testing.assert_allclose(10 ** rocksalt.z[0], [0.05, 0.2, 0.6])
    np.testing.assert_allclose(10 ** zincblende.z[0], [LEAST, LEAST, 0.1])


def test_cells_that_are_no_particles_have_a_frame() -> None:
    fig = coherence_panels(compounds())
    frames = [
        (item.xref, (item.x0 + item.x1) / 2, (item.y0 + item.y1) / 2) for item in fig.layout.shapes
    ]
    assert sorted(frames) == [("x", 1.0, 0.0), ("x", 2.0, 0.0), ("x2", 2.0, 0.0)]
    colours = {item.line.color for item in fig.layout.shapes}
    assert len(colours) == 2  # mixed and wave-like
    legend = [item for item in fig.data if item.type == "scatter"]
    assert {item.marker.color for item in legend} == colours


@pytest.mark.parametrize("threshold", [0.0, 0.04])
def test_sql_gives_the_verdict_of_the_core(run: Path, threshold: float) -> None:
    with open_snapshot(run) as snapshot:
        asked = Question(MODEL_DIGEST, PROTOCOL.digest, 800.0, threshold)
        rows = snapshot.query(regimes.materials_sql(asked, None)).to_pylist()
    assert rows
    for row in rows:
        assert row["verdict"] == verdict(row["coherence_share"])
