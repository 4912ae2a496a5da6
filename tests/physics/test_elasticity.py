"""Elastic tensors of springs against energies, pressures and pymatgen's averages."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.analysis.elasticity import ElasticTensor

from screen.core.crystal import Crystal, FloatArray
from screen.core.errors import ExpansionError
from screen.core.records import ElasticCells
from screen.core.settings import RelaxationSettings
from screen.physics.elasticity import Elasticity, distinct_strains, fit_elasticity, strained_cells
from screen.physics.relax import relax
from tests.crystals import fcc, rocksalt, wurtzite
from tests.physics.analytic import SPRINGS, energy, without_stress

GPA = 160.21766208  # per eV/Å³
SETTINGS = RelaxationSettings()
COPPER = without_stress(lambda a: fcc(a, 29), 3.4, 3.9)


def elastic(crystal: Crystal, strain: float = 0.002) -> Elasticity:
    return fit_elasticity(strained_cells(crystal, SPRINGS, strain, SETTINGS), crystal)


def energy_under(strain: FloatArray) -> float:
    return energy(COPPER.with_lattice(COPPER.lattice @ (np.eye(3) + strain)))


@pytest.mark.parametrize(
    ("strain", "combination"),
    [
        (np.diag([1.0, 0, 0]), [(0, 0, 1.0)]),
        (np.diag([1.0, 1.0, 1.0]), [(0, 0, 3.0), (0, 1, 6.0)]),
        (np.array([[0, 0.5, 0], [0.5, 0, 0], [0, 0, 0]]), [(5, 5, 1.0)]),
    ],
)
def test_constants_are_the_curvatures_of_the_energy(
    strain: FloatArray, combination: list[tuple[int, int, float]]
) -> None:
    """E''(x)/V of a cell without stress, five-point stencil; third-order strain: 1e-4."""
    h = 0.002
    e = [energy_under(k * h * strain) for k in (-2, -1, 0, 1, 2)]
    curvature = (-e[0] + 16 * e[1] - 30 * e[2] + 16 * e[3] - e[4]) / (12 * h**2) / COPPER.volume
    stiffness = elastic(COPPER).stiffness
    found = sum(factor * stiffness[a, b] for a, b, factor in combination)
    assert found == pytest.approx(curvature * GPA, rel=1e-4)


def test_springs_between_pairs_obey_the_cauchy_relation() -> None:
    """C12 = C44 for central forces, every atom at an inversion centre, no stress; 1e-4."""
    stiffness = elastic(without_stress(lambda a: rocksalt(a, 37, 53), 7.0, 7.8)).stiffness
    assert stiffness[0, 1] == pytest.approx(stiffness[3, 3], rel=1e-4)


@pytest.mark.parametrize(
    ("crystal", "number"),
    [
        (COPPER, 3),  # ±xx, yz
        (wurtzite(4.0, 6.4, 30, 8), 9),  # ±xx, ±yy, ±zz, yz, xz, xy
        (Crystal(np.array([[4, 0, 0], [0.3, 4.5, 0], [0.4, 0.2, 5]]), [29], np.zeros((1, 3))), 12),
    ],
)
def test_only_distinct_strains_are_computed(crystal: Crystal, number: int) -> None:
    assert len(distinct_strains(crystal, 0.005)) == number


def test_a_hexagonal_tensor_has_its_form() -> None:
    """C66 = (C11 − C12)/2, ions relaxed: 1e-6, by construction of the fit."""
    relaxed = relax(wurtzite(4.0, 6.4, 30, 8), SPRINGS, SETTINGS).crystal
    found = elastic(relaxed)
    c = found.stiffness
    assert c[5, 5] == pytest.approx((c[0, 0] - c[0, 1]) / 2, rel=1e-6)
    assert c[0, 2] == pytest.approx(c[1, 2], rel=1e-6)
    assert np.abs(c[:3, 3:]).max() < 1e-6 * c.max()


@pytest.mark.slow
def test_the_residual_is_what_stresses_have_beyond_the_linear() -> None:
    """Its leading order is the curvature: twice as large at twice the strain (1 %)."""
    fine = RelaxationSettings(fmax=1e-6, max_steps=2000)
    relaxed = relax(wurtzite(4.0, 6.4, 30, 8), SPRINGS, fine).crystal
    small, large = (
        fit_elasticity(strained_cells(relaxed, SPRINGS, strain, fine), relaxed).residual
        for strain in (0.002, 0.004)
    )
    assert small > 1e-3
    assert large / small == pytest.approx(2, rel=0.01)


def test_a_turned_crystal_has_the_turned_tensor() -> None:
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    turned = COPPER.with_lattice(COPPER.lattice @ turn.T)
    before = ElasticTensor.from_voigt(elastic(COPPER).stiffness)
    after = ElasticTensor.from_voigt(elastic(turned).stiffness)
    expected = np.einsum("ai,bj,ck,dl,ijkl", turn, turn, turn, turn, before)
    # strains along other axes: their third orders differ
    np.testing.assert_allclose(after, expected, atol=1e-4 * np.abs(before).max())


def test_averages_are_those_of_pymatgen() -> None:
    relaxed = relax(wurtzite(4.0, 6.4, 30, 8), SPRINGS, SETTINGS).crystal
    ours = elastic(relaxed)
    theirs = ElasticTensor.from_voigt(ours.stiffness)
    assert ours.bulk_voigt == pytest.approx(theirs.k_voigt, rel=1e-9)
    assert ours.bulk_reuss == pytest.approx(theirs.k_reuss, rel=1e-9)
    assert ours.bulk_hill == pytest.approx(theirs.k_vrh, rel=1e-9)
    assert ours.bulk_reuss < ours.bulk_hill < ours.bulk_voigt


def test_an_unstable_crystal_is_refused() -> None:
    """C11 < C12: the crystal gains energy by a tetragonal strain."""
    strains = distinct_strains(COPPER, 0.005)
    wrong = np.diag([60.0, 60, 60, 75, 75, 75])
    wrong[:3, :3] += 80 - 20 * np.eye(3)
    voigt = np.stack([strains[:, a, b] for a, b in ((0, 0), (1, 1), (2, 2))], axis=1)
    stresses = np.zeros_like(strains)
    stresses[:, range(3), range(3)] = voigt @ (wrong[:3, :3] - 50 * np.eye(3)) / GPA
    stresses[:, [1, 2], [2, 1]] = 150 * strains[:, [1, 2], [2, 1]] / GPA
    with pytest.raises(ExpansionError, match="Born criteria") as caught:
        fit_elasticity(ElasticCells(strains, stresses), COPPER)
    assert caught.value.kind == "mechanically_unstable"


def test_ions_that_do_not_come_to_rest_are_reported() -> None:
    hasty = RelaxationSettings(max_steps=1)
    with pytest.raises(ExpansionError, match=r"under the strain .* do not relax") as caught:
        strained_cells(wurtzite(4.0, 6.4, 30, 8), SPRINGS, 0.005, hasty)
    assert caught.value.kind == "not_converged"
