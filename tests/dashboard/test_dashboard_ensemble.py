"""A run of two potentials: the ranking's median and error bars, and the material's word on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from screen.store.artifacts import Artifacts
from screen.store.database import Writer
from screen.store.layout import artifacts_folder

from .conftest import COLUMNS, MODEL, MODEL_DIGEST, PROTOCOL, RECIPES, outcome_of, write_run
from .linked import links, mark
from .reading import OpenPage, charts, checked, table, texts

SECOND = "d" * 24
FACTORS = {"LiBr-rs": 1.2, "MgO-rs": 2.0}  # κ of the second potential over the first's


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The usual run with a second potential for two of its materials."""
    run = write_run(tmp_path_factory.mktemp("runs") / "two")
    with Writer(run, COLUMNS) as writer:
        writer.add_model(SECOND, replace(MODEL, name="second"))
        for recipe in RECIPES:
            if recipe.id in FACTORS:
                scaled = replace(recipe, kappa=FACTORS[recipe.id] * recipe.kappa)
                outcome = outcome_of(scaled, Artifacts(artifacts_folder(run)))
                writer.upsert([replace(outcome, model_digest=SECOND)])
        writer.publish()
    return run


def test_the_median_is_ranked_first_of_all_with_its_spread(page: OpenPage, two: Path) -> None:
    app = page("insulators", two)
    chooser = app.selectbox(key="results")
    assert chooser.value == chooser.options[0]
    assert chooser.value.startswith("median of 2 potentials")
    ranked = table(app, "rank", "± κ [W/m/K]")
    rows = dict(
        zip(
            ranked["formula"],
            zip(ranked["κ [W/m/K]"], ranked["± κ [W/m/K]"], strict=True),
            strict=True,
        )
    )
    assert rows["LiBr"] == pytest.approx((1.8 * 1.1, 1.8 * 0.1))
    assert rows["MgO"] == pytest.approx((55 * 1.5, 55 * 0.5))
    assert np.isnan(rows["SiC"][1])
    disagree = dict(zip(ranked["formula"], ranked["disagree"], strict=True))
    assert (disagree["LiBr"], disagree["MgO"], disagree["SiC"]) == (False, True, None)
    bars = [trace.get("error_y", {}) for trace in charts(app)["scatter"]["data"]]
    assert any(bar.get("array") for bar in bars)


def test_one_potential_is_ranked_without_spreads(page: OpenPage, two: Path) -> None:
    app = page("insulators", two)
    chooser = app.selectbox(key="results")
    chooser.set_value(chooser.options[1])
    checked(app.run())
    ranked = table(app, "rank", "κ [W/m/K]")
    assert "± κ [W/m/K]" not in ranked
    assert len(ranked["formula"]) == 5


def test_a_material_says_what_the_potentials_found_together(page: OpenPage, two: Path) -> None:
    for model in (MODEL_DIGEST, SECOND):
        said = texts(page("material", two, id="MgO-rs", model=model))
        assert "Median of 2 potentials at 300 K: κ = 82.5 ± 28 W/m/K" in said
        assert "potentials disagree" in said
    assert "potentials disagree" not in texts(page("material", two, id="LiBr-rs"))
    assert "Median of" not in texts(page("material", two, id="SiC-zb"))


def test_a_selected_median_leads_to_its_material(page: OpenPage, two: Path) -> None:
    app = mark(page("insulators", two), 4)
    assert links(app) == {"SiC · SiC-zb": "id=SiC-zb&protocol=" + PROTOCOL.digest}
