"""Grüneisen parameters from fc3 against phonons of cells that really are strained.

Springs give exact force constants of any cell, so that γ = −∂ln ω/∂ln V by central differences
of ±0.01 % in volume is exact to 1e-7; nothing else is left: tolerance 1e-5.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from screen.core.crystal import Crystal, FloatArray
from screen.core.records import ForceConstants
from screen.physics.displacements import restored
from screen.physics.elasticity import Elasticity
from screen.physics.expansion import thermal_expansion
from screen.physics.gruneisen import mode_gruneisen
from screen.physics.phonons import harmonic_lattice
from tests.crystals import fcc, rocksalt, wurtzite
from tests.physics.analytic import SHORT, SPRINGS, exact_force_constants, without_stress

STEP = 1e-4  # of the volume
POINTS = np.array([[0.1, 0.2, 0.3], [0.5, 0.5, 0], [0.5, 0, 0], [0.25, 0.1, 0], [0, 0, 0]])
KB = 8.617333262e-5  # eV/K
H = 4.135667696e-3  # eV/THz
GPA = 160.21766208  # per eV/Å³

FACES = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2
COPPER = Crystal(
    without_stress(lambda a: fcc(a, 29), 3.4, 3.9, SHORT).lattice @ FACES, [29], [[0, 0, 0]]
)
FOUR = (4, 4, 4)  # multiples of COPPER


def exact(
    crystal: Crystal, multiples: tuple[int, int, int], third_order: bool = True
) -> ForceConstants:
    """Force constants of a supercell wider than two cutoffs; copper has the short springs."""
    model = SHORT if 29 in crystal.numbers else SPRINGS
    return exact_force_constants(crystal, multiples, third_order, model)


def frequencies(crystal: Crystal, multiples: tuple[int, int, int], q: FloatArray) -> FloatArray:
    phonopy = harmonic_lattice(exact(crystal, multiples, third_order=False))
    phonopy.run_qpoints(q)
    return np.array(phonopy.qpoints.frequencies)


def from_strained_cells(
    smaller: Crystal, larger: Crystal, multiples: tuple[int, int, int], q: FloatArray
) -> FloatArray:
    """γ = −∂ln ω/∂ln V, (nq, nb); modes sorted by frequency; 0 for the acoustic ones at Γ."""
    low, high = (frequencies(crystal, multiples, q) for crystal in (smaller, larger))
    gamma = np.zeros_like(low)
    moving = np.abs(low) > 1e-3
    gamma[moving] = -np.log(high[moving] / low[moving]) / np.log(larger.volume / smaller.volume)
    return gamma


def scaled(crystal: Crystal, strain: float) -> Crystal:
    return crystal.with_lattice(crystal.lattice * (1 + strain) ** (1 / 3))


def traces(constants: ForceConstants, q: FloatArray) -> FloatArray:
    _, tensors = mode_gruneisen(constants, harmonic_lattice(constants), q)
    return np.trace(tensors, axis1=2, axis2=3) / 3


def assert_same_over_degenerate_sets(
    ours: FloatArray, theirs: FloatArray, w: FloatArray, tolerance: float = 1e-5
) -> None:
    """Inside a degenerate set only the sum has a meaning."""
    for one, two, frequency in zip(ours, theirs, w, strict=True):
        borders = np.flatnonzero(np.diff(frequency) > 1e-3) + 1
        for members in np.split(np.arange(len(frequency)), borders):
            expected = pytest.approx(two[members].sum(), rel=tolerance, abs=tolerance)
            assert one[members].sum() == expected


@pytest.fixture(scope="module")
def copper() -> ForceConstants:
    return exact(COPPER, FOUR)


def test_mode_parameters_of_an_fcc_crystal(copper: ForceConstants) -> None:
    strained = from_strained_cells(scaled(COPPER, -STEP), scaled(COPPER, STEP), FOUR, POINTS)
    w = frequencies(COPPER, FOUR, POINTS)
    assert_same_over_degenerate_sets(traces(copper, POINTS), strained, w)
    assert strained[:4].min() > 0.5


def test_the_parameters_do_not_depend_on_the_choice_of_the_cell(copper: ForceConstants) -> None:
    """A skewed cell of the same lattice with the supercell turned back: the same γ."""
    turn = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1]])
    skewed = exact(Crystal(turn @ COPPER.lattice, [29], [[0, 0, 0]]), FOUR)
    k = POINTS @ np.linalg.inv(restored(copper).primitive.cell).T  # 1/Å
    q = k @ restored(skewed).primitive.cell.T
    np.testing.assert_allclose(traces(skewed, q), traces(copper, POINTS), rtol=1e-6, atol=1e-6)


def cubic(c11: float, c12: float, c44: float) -> Elasticity:
    """Elastic constants in GPa; the bulk modulus is (c11 + 2 c12)/3."""
    stiffness = np.diag([c11 - c12] * 3 + [c44] * 3)
    stiffness[:3, :3] += c12
    return Elasticity(stiffness, 0.0)


def test_expansion_of_an_fcc_crystal(copper: ForceConstants) -> None:
    """α_V = Σ c γ / (N V B) with γ of strained cells and c by Einstein's formula; 1e-5."""
    mesh, temperatures, modulus = (4, 4, 4), [50.0, 300.0], 120.0
    found = thermal_expansion(copper, mesh, temperatures, cubic(150.0, 105.0, 75.0))
    gamma = from_strained_cells(scaled(COPPER, -STEP), scaled(COPPER, STEP), FOUR, found.q)
    w = frequencies(COPPER, FOUR, found.q)
    for index, temperature in enumerate(temperatures):
        x = np.where(w > 1e-3, w, np.nan) * H / (KB * temperature)
        heat = np.nan_to_num(KB * x**2 * np.exp(x) / (np.exp(x) - 1) ** 2)
        heat *= found.weights[:, None] / 64
        total = (heat * gamma).sum()
        assert found.heat_capacity[index] == pytest.approx(heat.sum(), rel=1e-6)
        assert found.gruneisen[index] == pytest.approx(total / heat.sum(), rel=1e-5)
        expected = total / (COPPER.volume * modulus / GPA)
        assert found.alpha_volume[index] == pytest.approx(expected, rel=1e-5)
    np.testing.assert_array_equal(found.alpha_linear, found.alpha_volume / 3)


def test_mode_parameters_of_rocksalt() -> None:
    """RbI: 3×3×3 primitive cells are 15.7 Å wide, the cutoff is 7 Å."""
    crystal = without_stress(lambda a: rocksalt(a, 37, 53), 7.0, 7.8)
    primitive = Crystal(crystal.lattice @ FACES, [37, 53], [[0, 0, 0], [0.5, 0.5, 0.5]])
    three = (3, 3, 3)
    strained = from_strained_cells(scaled(primitive, -STEP), scaled(primitive, STEP), three, POINTS)
    w = frequencies(primitive, three, POINTS)
    ours = traces(exact(primitive, three), POINTS)
    assert_same_over_degenerate_sets(ours, strained, w)


def at_rest(crystal: Crystal, strain: float) -> Crystal:
    """Wurtzite strained, its internal parameter u without force again."""
    lattice = crystal.lattice * (1 + strain) ** (1 / 3)

    def build(u: float) -> Crystal:
        fractional = np.array(crystal.fractional)
        fractional[2:, 2] = [u, 0.5 + u]
        return Crystal(lattice, crystal.numbers, fractional)

    def force(u: float) -> float:
        return float(SPRINGS.evaluate([build(u)]).forces[0][2, 2])

    return build(brentq(force, 0.36, 0.40, xtol=1e-14))


def test_mode_parameters_of_wurtzite_include_the_internal_strain() -> None:
    """InSb. u follows the strain: with ions clamped γ would be off by up to 0.08.

    Soft modes (γ up to 5) leave a curvature of 8e-6 within ±0.01 %: tolerance 5e-5.
    """
    crystal = at_rest(wurtzite(4.8, 7.8, 49, 51), 0.0)
    multiples = (3, 3, 2)  # 14.4 and 15.6 Å, the cutoff is 7 Å
    smaller, larger = (at_rest(crystal, strain) for strain in (-STEP, STEP))
    assert larger.fractional[2, 2] != pytest.approx(smaller.fractional[2, 2], abs=1e-7)
    strained = from_strained_cells(smaller, larger, multiples, POINTS)
    w = frequencies(crystal, multiples, POINTS)
    ours = traces(exact(crystal, multiples), POINTS)
    assert_same_over_degenerate_sets(ours, strained, w, tolerance=5e-5)
    clamped = from_strained_cells(scaled(crystal, -STEP), scaled(crystal, STEP), multiples, POINTS)
    assert np.abs(clamped - strained).max() > 1e-2
