"""κ of pairs of bands against numbers by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import constants

from screen.core.pairs import (
    degenerate_pairs,
    heat_capacities,
    pair_factors,
    shared_coherences,
)

K_B = constants.k / constants.e  # eV/K
CONSTANTS = 2e-6  # phonopy's k_B, e and h differ from CODATA by up to 1e-6


def test_a_hot_mode_holds_one_boltzmann_constant() -> None:
    """c → k_B (1 − x²/12 + …) with x = hf/k_BT: 1 THz at 3000 K, x = 0.016."""
    assert heat_capacities(np.array([1.0]), 3000.0)[0] == pytest.approx(K_B, rel=3e-5)


def test_heat_capacity_of_einstein() -> None:
    """c/k_B = x² eˣ/(eˣ − 1)², 10 THz at 300 K, x = 1.5997."""
    x = constants.h * 1e13 / (constants.k * 300.0)
    expected = K_B * x**2 * np.exp(x) / np.expm1(x) ** 2
    assert heat_capacities(np.array([10.0]), 300.0)[0] == pytest.approx(expected, rel=CONSTANTS)


def test_modes_that_do_not_move_hold_no_heat() -> None:
    found = heat_capacities(np.array([-2.0, 0.0, 1e-4, 1.0]), 300.0)
    assert found[:3].tolist() == [0.0, 0.0, 0.0]
    assert found[3] > 0
    assert heat_capacities(np.array([1.0]), 0.0)[0] == 0.0
    assert heat_capacities(np.array([100.0]), 1.0)[0] < 1e-200  # x = 4800: no overflow


def test_the_diagonal_is_the_kinetic_formula() -> None:
    """c v² τ/V with τ = 1/(2π linewidth); 1 THz·Å = 100 m/s, 1 Å³ = 1e-30 m³."""
    f, width, temperature, volume = 3.0, 0.02, 300.0, 40.0
    factor = pair_factors(np.array([f]), np.array([width]), temperature, volume)
    heat = heat_capacities(np.array([f]), temperature)[0] * constants.e  # J/K
    expected = heat * 100.0**2 / (2 * np.pi * width * 1e12) / (volume * 1e-30)
    assert factor.shape == (1, 1)
    assert factor[0, 0] == pytest.approx(expected, rel=CONSTANTS)


def test_a_pair_of_bands_by_hand() -> None:
    """Two modes, f = 2 and 3 THz, widths 0.2 and 0.6, in angular units as the paper writes it."""
    f, width = np.array([2.0, 3.0]), np.array([0.2, 0.6])
    temperature, volume = 500.0, 100.0
    omega, gamma = 2e12 * np.pi * f, 2e12 * np.pi * width  # rad/s
    heat = heat_capacities(f, temperature) * constants.e  # J/K
    capacity = omega.sum() / 4 * (heat / omega).sum()
    mean = gamma.sum() / 2
    lorentzian = mean / ((omega[0] - omega[1]) ** 2 + mean**2)
    expected = capacity * lorentzian * 100.0**2 / (volume * 1e-30)
    factor = pair_factors(f, width, temperature, volume)
    assert factor[0, 1] == factor[1, 0]
    assert factor[0, 1] == pytest.approx(expected, rel=CONSTANTS)


def test_what_nothing_scatters_and_what_does_not_move_is_left_out() -> None:
    factor = pair_factors(np.array([0.0, 1.0, 2.0]), np.array([0.1, 0.0, 0.0]), 300.0, 10.0)
    np.testing.assert_array_equal(factor, np.zeros((3, 3)))


def test_pairs_closer_than_the_tolerance_are_populations() -> None:
    found = degenerate_pairs(np.array([1.0, 1.00005, 1.0002]))
    assert found.tolist() == [[True, True, False], [True, True, False], [False, False, True]]


def test_a_coherence_belongs_to_its_modes_in_the_ratio_of_their_heat_capacities() -> None:
    """Two modes, c = 1 and 3, κ_C(1, 2) = κ_C(2, 1) = 4: mode 1 gets 2·4·1/4, mode 2 2·4·3/4."""
    coherences = np.array([[[0.0, 4.0], [4.0, 0.0]]])
    shared = shared_coherences(coherences, np.array([[1.0, 3.0]]))
    np.testing.assert_allclose(shared, [[2.0, 6.0]])
    cold = shared_coherences(coherences, np.zeros((1, 2)))
    np.testing.assert_allclose(cold, [[4.0, 4.0]])  # no heat, no preference
