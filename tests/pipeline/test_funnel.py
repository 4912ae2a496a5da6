"""The funnel: who gets fc3, in campaigns on real crystals of springs."""

from pathlib import Path
from typing import Any

import pytest

from screen.core.errors import SettingsError
from screen.core.settings import FunnelSettings, PurposeSettings
from screen.pipeline.campaign import run_campaign
from screen.pipeline.funnel import selected, verdict
from tests.pipeline.campaigns import EXECUTIONS, TINY, table, tiny, write_fcc

STATUS = "SELECT material_id, status FROM outcomes ORDER BY material_id"
WIDE = {**TINY, "displacements": {**TINY["displacements"], "fc2_minimum_image": 12.0}}
"""Long waves of a springs' metal need a supercell wider than the springs are long."""
ESTIMATES = {"a": 1.0, "b": 3.0, "c": 10.0, "d": 30.0, "e": 100.0}


def funnel(**purposes: dict[str, Any]) -> FunnelSettings:
    return FunnelSettings(
        **{name: PurposeSettings(**values) for name, values in purposes.items()}  # type: ignore[arg-type]
    )


def statuses(run: Path) -> dict[str, str]:
    return {row["material_id"]: row["status"] for row in table(run, STATUS)}


def test_limits_judge_each_material_alone() -> None:
    settings = funnel(insulators={"limit": 3.0}, heat_spreaders={"limit": 50.0})
    assert [verdict(settings, kappa) for kappa in ESTIMATES.values()] == [
        *(True, True, False, False, True)
    ]
    assert selected(settings, ESTIMATES) == {"a", "b", "e"}


def test_the_best_are_the_lowest_for_insulators_and_the_highest_for_heat_spreaders() -> None:
    settings = funnel(insulators={"best": 2}, heat_spreaders={"fraction": 0.2})
    assert all(verdict(settings, kappa) is None for kappa in ESTIMATES.values())
    assert selected(settings, ESTIMATES) == {"a", "b", "e"}


def test_the_best_within_a_limit_are_never_beyond_it() -> None:
    settings = funnel(insulators={"limit": 2.0, "best": 3})
    assert selected(settings, ESTIMATES) == {"a"}
    assert verdict(settings, 5.0) is False
    assert verdict(settings, 1.5) is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"insulators": {"best": 2, "fraction": 0.1}}, "best or fraction, not both"),
        ({"insulators": {}}, "give limit"),
        ({}, "give insulators, heat_spreaders or both"),
        ({"insulators": {"limit": -1}}, "greater than 0"),
    ],
)
def test_a_funnel_that_says_nothing_is_refused(
    values: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=message):
        tiny(tmp_path, tmp_path, funnel=values)


def test_only_the_selected_get_fc3_and_a_wider_funnel_lets_more_in(tmp_path: Path) -> None:
    crystals = write_fcc(tmp_path / "crystals", "Cu", "Ag", "Ni", "Au")  # springs knows no gold
    run = tmp_path / "run"
    best = {"funnel": {"insulators": {"best": 1}}, "properties": ["conductivity"], "protocol": WIDE}
    state = run_campaign(tiny(run, crystals, **best))
    found = statuses(run)
    assert sorted(found.values()) == ["complete", "failed", "not_selected", "not_selected"]
    assert state.done == state.total == 4
    estimates = {
        row["material_id"]: row["kappa_slack_300"]
        for row in table(run, "SELECT material_id, kappa_slack_300 FROM slack")
    }
    lowest = min(estimates, key=lambda name: estimates[name])
    assert set(estimates) == {"Ag", "Ni", "Cu"}
    assert found[lowest] == "complete"
    stages = {row["material_id"]: set() for row in table(run, EXECUTIONS)}
    for row in table(run, EXECUTIONS):
        stages[row["material_id"]].add(row["stage"])
    assert {name for name in stages if "fc3_forces" in stages[name]} == {lowest}
    message = table(run, "SELECT message FROM failure_log WHERE kind = 'not_selected' LIMIT 1")
    assert "the best 1 insulators" in message[0]["message"]

    wider = {**best, "funnel": {"insulators": {"best": 2}}}
    run_campaign(tiny(run, crystals, **wider))
    assert sorted(statuses(run).values()) == ["complete", "complete", "failed", "not_selected"]
    assert statuses(run)[lowest] == "complete"
    run_campaign(tiny(run, crystals, properties=["conductivity"], protocol=WIDE))
    assert sorted(statuses(run).values()) == ["complete", "complete", "complete", "failed"]
    assert all(row["n"] == 1 for row in table(run, EXECUTIONS))  # nothing was computed twice


@pytest.mark.slow
def test_an_unstable_crystal_is_judged_by_its_stability_alone(tmp_path: Path) -> None:
    from ase.build import bulk
    from ase.io import write

    crystals = write_fcc(tmp_path / "crystals", "Cu")
    write(crystals / "simple_cubic.vasp", bulk("Cu", "sc", a=2.5))
    limit = {"insulators": {"limit": 1e6}}
    changes = {"funnel": limit, "properties": ["conductivity"], "protocol": WIDE}
    run_campaign(tiny(tmp_path / "run", crystals, **changes))
    assert statuses(tmp_path / "run") == {"Cu": "complete", "simple_cubic": "failed"}


def test_a_crystal_without_an_estimate_goes_on(tmp_path: Path) -> None:
    """Nothing speaks against it; in this narrow supercell a long wave of Cu is imaginary."""
    crystals = write_fcc(tmp_path / "crystals", "Cu")
    limit = {"insulators": {"limit": 1e-6}}
    run_campaign(tiny(tmp_path / "run", crystals, funnel=limit, properties=["conductivity"]))
    assert statuses(tmp_path / "run") == {"Cu": "partial"}
    (failure,) = table(tmp_path / "run", "SELECT stage, kind FROM failures")
    assert failure == {"stage": "slack", "kind": "no_speed_of_sound"}
    assert len(table(tmp_path / "run", "SELECT kappa_300 FROM conductivity")) == 1
