"""Each reason to doubt an expansion is named exactly where it holds."""

from dataclasses import replace

import numpy as np
import pytest

from screen.core.records import Expansion
from screen.physics.trust import (
    expansion_flags,
    largest_gruneisen,
    linear_up_to,
    softest_mode,
    zero_point_expansion,
)

GRID = np.arange(0.0, 1001.0, 25.0)
GAMMA, ALPHA = 2.0, 4e-6  # of all modes and temperatures; α in 1/K


def isotropic(values: float | np.ndarray, size: int) -> np.ndarray:
    """Voigt components of values times the unit tensor, (size, 6)."""
    return np.outer(np.broadcast_to(values, size), [1.0, 1, 1, 0, 0, 0])


SOUND = Expansion(
    temperatures=GRID,
    alpha=isotropic(ALPHA, len(GRID)),
    heat_capacity=np.full(len(GRID), 5e-4),
    gruneisen=np.full(len(GRID), GAMMA),
    mesh=np.array([2, 1, 1]),
    q=np.array([[0.0, 0, 0], [0.5, 0, 0]]),
    weights=np.array([1, 1]),
    frequencies=np.array([[0.0, 0, 0, 4, 4, 5], [1, 1, 2, 4, 4, 5]]),
    mode_gruneisen=isotropic(GAMMA, 12).reshape(2, 6, 6),
    stiffness=np.diag([1e6] * 6),  # so that zero-point motion does nothing
    elastic_residual=0.001,
    volume=40.0,
    alpha_fc3=isotropic(1.1 * ALPHA, len(GRID)),
    gruneisen_fc3=np.full(len(GRID), 1.1 * GAMMA),
)
WILD = isotropic(GAMMA, 12).reshape(2, 6, 6)
WILD[1, 0] *= -6
SOFT = np.array(SOUND.frequencies)
SOFT[1, 0] = 0.05
LONG = np.array([[0.0, 0, 0], [0.1, 0, 0.2]])  # the acoustic modes at 0.05 THz: long waves


@pytest.mark.parametrize(
    ("changes", "flags"),
    [
        ({}, []),
        ({"elastic_residual": 0.06}, ["elastic_residual"]),
        ({"mode_gruneisen": WILD}, ["gruneisen_outlier"]),
        ({"frequencies": SOFT}, ["soft_mode"]),
        ({"frequencies": SOFT, "q": LONG}, []),
        ({"alpha": 10 * SOUND.alpha}, ["nonlinear_at_300"]),
        ({"alpha_fc3": SOUND.alpha}, ["fc3_alone"]),
        ({"frequencies": SOFT, "mode_gruneisen": WILD}, ["gruneisen_outlier", "soft_mode"]),
    ],
)
def test_flags(changes: dict[str, np.ndarray], flags: list[str]) -> None:
    assert expansion_flags(replace(SOUND, **changes)) == flags


def test_outliers_and_soft_modes_have_their_numbers() -> None:
    assert largest_gruneisen(replace(SOUND, mode_gruneisen=WILD)) == 12
    assert softest_mode(SOUND) == 1  # the acoustic modes at Γ do not count
    assert softest_mode(replace(SOUND, q=LONG)) == 4
    assert softest_mode(replace(SOUND, frequencies=SOFT)) == 0.05


@pytest.mark.parametrize(("factor", "last"), [(1, 1000.0), (4, 250.0), (1000, 0.0)])
def test_linear_while_the_volume_grows_by_less_than_an_eightieth(
    factor: float, last: float
) -> None:
    """8 · 3α T < 0.1: with α = 1.6e-5 1/K below 260 K, on a grid of 25 K up to 250 K."""
    assert linear_up_to(replace(SOUND, alpha=factor * SOUND.alpha)) == last


def test_a_grid_that_starts_too_warm_is_linear_nowhere() -> None:
    warm = {
        name: getattr(SOUND, name)[12:20]
        for name in ("temperatures", "heat_capacity", "gruneisen", "alpha_fc3", "gruneisen_fc3")
    }
    hot = replace(SOUND, **warm, alpha=100 * SOUND.alpha[12:20])
    assert linear_up_to(hot) == 0
    assert expansion_flags(hot) == ["nonlinear_at_300"]


def test_zero_point_motion_counts() -> None:
    """Σ ħω γ/2 = 2 · 15 THz h/2 a cell in each normal component, times 3/(100 GPa · 40 Å³)."""
    soft = replace(SOUND, stiffness=np.diag([100.0] * 6))
    energy = 15.0 * 4.135667696e-3  # eV; the modes at Γ sum to 13 THz, the others to 17
    expected = 3 * energy / (100 / 160.21766) / 40
    assert zero_point_expansion(soft) == pytest.approx(expected, rel=1e-6)
    assert linear_up_to(soft) == np.floor((0.0125 - expected) / (3 * ALPHA) / 25) * 25


def test_a_grid_that_ends_below_room_temperature_is_not_called_nonlinear_there() -> None:
    few = GRID <= 100
    cold = replace(
        SOUND,
        **{
            name: getattr(SOUND, name)[few]
            for name in ("temperatures", "heat_capacity", "gruneisen", "alpha_fc3", "gruneisen_fc3")
        },
        alpha=30 * SOUND.alpha[few],
    )
    assert linear_up_to(cold) < 100
    assert expansion_flags(cold) == []
