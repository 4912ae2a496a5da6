"""Cost laws: exact ones are found again, and what scatters is said to scatter."""

import math
from pathlib import Path

import numpy as np
import pytest

from screen.planning.costs import CostModel, read_costs, shipped_costs, write_costs
from screen.planning.laws import Law, fit_law

ATOMS = [64, 96, 128, 216, 512, 1024, 2048, 4096]


def rows(atoms: list[int]) -> list[dict[str, float]]:
    return [{"atoms": float(n), "task": 1.0} for n in atoms]


def test_an_exact_law_is_found_again() -> None:
    law = fit_law(rows(ATOMS), [0.5 + 0.02 * n for n in ATOMS])
    assert law.coefficients == pytest.approx({"atoms": 0.02, "task": 0.5})
    assert law.seconds({"atoms": 100.0, "task": 1.0}) == pytest.approx(2.5)


def test_one_outlier_does_not_move_the_law() -> None:
    seconds = [0.5 + 0.02 * n for n in ATOMS]
    seconds[3] *= 20
    assert fit_law(rows(ATOMS), seconds).seconds({"atoms": 1000.0, "task": 1.0}) == pytest.approx(
        20.5, rel=0.1
    )


def test_the_interval_holds_nine_of_ten_new_materials() -> None:
    chance = np.random.default_rng(1)
    atoms = [int(n) for n in chance.integers(50, 5000, 60)]
    scatter = 0.3

    def measure() -> list[float]:
        return [0.02 * n * math.exp(scatter * chance.standard_normal()) for n in atoms]

    law = fit_law(rows(atoms), measure())
    ratios = [s / law.seconds(row) for row, s in zip(rows(atoms), measure(), strict=True)]
    inside = np.mean([1 / law.factor < ratio < law.factor for ratio in ratios])
    assert 0.8 < inside < 0.98
    assert law.scatter == pytest.approx(scatter, rel=0.4)


def test_few_measurements_determine_few_terms() -> None:
    law = fit_law(rows([64, 128]), [1.0, 2.0])
    assert set(law.coefficients) == {"atoms"}
    assert law.measured == 2


def test_a_stage_that_is_mostly_idle_costs_its_mean() -> None:
    law = fit_law(rows([100, 100, 100, 100]), [0.0, 0.0, 0.0, 8.0], occasional=True)
    assert law.seconds({"atoms": 100.0, "task": 1.0}) == pytest.approx(2.0)


def test_nothing_measured_is_refused() -> None:
    with pytest.raises(ValueError, match="no measured stage"):
        fit_law([], [])


def test_laws_survive_writing_and_reading(tmp_path: Path) -> None:
    law = fit_law(rows(ATOMS), [0.5 + 0.02 * n for n in ATOMS])
    costs = CostModel({("relax", "springs"): law}, {"springs": law}, "one core", "a test")
    write_costs(tmp_path / "costs.json", costs)
    assert read_costs(tmp_path / "costs.json") == costs


def test_a_potential_that_nobody_measured_takes_another_ones_law() -> None:
    law = Law({"atoms": 1.0}, 0.1, 5)
    costs = CostModel({("relax", "springs"): law, ("fc2", ""): law}, {}, "", "")
    assert costs.law("relax", "springs") == (law, True)
    assert costs.law("relax", "unheard") == (law, False)
    assert costs.law("fc2", "") == (law, True)
    assert costs.law("unheard", "springs")[0].measured == 0


def test_the_shipped_laws_know_the_stages_of_a_campaign() -> None:
    costs = shipped_costs()
    assert costs.hardware
    assert costs.source
    stages = {stage for stage, _ in costs.laws}
    assert {"relax", "fc2_forces", "fc3_forces", "fc3_fit", "conductivity", "slack"} <= stages
    for law in costs.laws.values():
        assert min(law.coefficients.values(), default=0.0) >= 0
