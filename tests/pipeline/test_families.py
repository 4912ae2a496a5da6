"""Families that exclude each other, each in its own environment, on one scheduler.

`make test` makes the environments; where they are absent, this skips.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from screen.core.settings import campaign_from, model_named
from screen.environments import questions
from screen.environments.interpreters import THIS, interpreter_of
from screen.pipeline.campaign import run_campaign
from tests.pipeline.campaigns import table

MODELS = ["sevennet-0", "mace-embedded", "chgnet"]
PROTOCOL = {
    "base": "quick",
    "temperatures": [300],
    "displacements": {"fc2_minimum_image": 8.0, "fc3_minimum_image": 8.0},
    "conductivity": {"mesh": {"length": 15}},
}


@pytest.fixture(autouse=True)
def ready() -> None:
    pytest.importorskip("sevenn")
    for family in ("mace", "chgnet"):
        python = interpreter_of(model_named(family))
        if python == THIS or questions.describe(family, python)["package_version"] is None:
            pytest.skip(f"no environment of {family}: thermoscreen models install {family}")


def test_three_families_give_conductivities_in_one_campaign(tmp_path: Path) -> None:
    campaign = campaign_from(
        {
            "name": "families",
            "run": tmp_path / "run",
            "source": {"name": "benchmark", "names": ["MgO-rs"]},
            "models": MODELS,
            "protocol": PROTOCOL,
            "properties": ["conductivity"],
            "cluster": {"name": "local"},
        }
    )
    state = run_campaign(campaign)
    assert state.statuses == {"complete": 3}
    rows = table(tmp_path / "run", "SELECT * FROM results ORDER BY model")
    assert [row["model"] for row in rows] == ["chgnet-0.3.0", "mace-embedded", "sevennet-0"]
    for row in rows:
        assert 5 < row["kappa_300"] < 100, "DFT: 47.6 W/m/K (phononDB-PBE)"
        assert row["models_compared"] == 2, "CHGNet is not fit for κ"
        assert row["kappa_300_spread"] > 0
    pids = table(tmp_path / "run", "SELECT count(DISTINCT pid) AS n FROM costs")
    assert pids == [{"n": 3}]
