"""Sums over materials: what errs together, what errs apart."""

import math
from pathlib import Path

import pytest

from screen.planning.costs import CostModel
from screen.planning.laws import Law
from screen.planning.plan import Total, make_plan, totals
from tests.pipeline.campaigns import tiny, write_fcc

STAGES = ("relax", "fc2_forces", "fc2", "stability", "fc3_forces", "fc3_fit", "fc3")
MORE = ("fc3_more_forces", "conductivity")
LAWS = {"one": Law({"task": 10.0}, 0.2, 50), "other": Law({"task": 70.0}, 0.9, 5)}


def relax_of(folder: Path, *potentials: str) -> Total:
    laws = {(stage, ""): LAWS["one"] for stage in (*STAGES, *MORE)}
    measured = {("relax", name): LAWS[name] for name in potentials}
    costs = CostModel({**laws, **measured}, {}, "a test", "a test")
    crystals = write_fcc(folder / "crystals", "Cu", "Ag", "Al")
    models = [{"family": "springs", "dtype": dtype} for dtype in ("float32", "float64")]
    campaign = tiny(
        folder / "run",
        crystals,
        model=None,
        models=models[: len(potentials)],
        properties=["conductivity"],
    )
    found = totals(make_plan(campaign, costs, potentials))
    return next(total for total in found if total.stage == "relax")


def test_the_laws_of_two_potentials_err_independently(tmp_path: Path) -> None:
    one, other = (relax_of(tmp_path / name, name) for name in LAWS)
    both = relax_of(tmp_path / "both", *LAWS)
    assert both.materials == one.materials + other.materials == 6
    assert both.hours == pytest.approx(one.hours + other.hours)
    below = math.hypot(one.hours - one.low, other.hours - other.low)
    above = math.hypot(one.high - one.hours, other.high - other.hours)
    assert both.low == pytest.approx(max(both.hours - below, 0))
    assert both.high == pytest.approx(both.hours + above)
    assert other.high / other.hours > 2 * one.high / one.hours, "the laws differ"
