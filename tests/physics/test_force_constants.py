"""Force constants from displaced springs against their exact derivatives.

Central differences with displacement u leave the next even order of the energy: errors of
O(u²), which fall fourfold when u is halved. So do pairs of opposite random displacements.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from phonopy.harmonic.force_constants import compact_fc_to_full_fc

from screen.core.crystal import Crystal, FloatArray
from screen.core.errors import DisplacementError, ForceConstantsError
from screen.core.records import ForceConstants, SupercellForces
from screen.core.settings import DisplacementSettings, RelaxationSettings
from screen.models._pair_tensors import compute_fc3
from screen.physics.convert import from_phonopy
from screen.physics.displacements import (
    as_array,
    displace_for_fc2,
    displace_for_fc3,
    lattice_dynamics,
    restored,
)
from screen.physics.force_constants import second_order, third_order
from screen.physics.phonons import harmonic_lattice
from screen.physics.relax import relax
from tests.crystals import fcc, rocksalt, wurtzite
from tests.physics.analytic import SPRINGS, exact_force_constants, without_stress

DOUBLE = np.diag([2, 2, 2])
COPPER = without_stress(lambda a: fcc(a, 29), 3.4, 3.9)
SALT = without_stress(rocksalt, 5.5, 6.3)  # LiBr


def displaced(
    unitcell: Crystal, settings: DisplacementSettings, supercell: FloatArray = DOUBLE
) -> ForceConstants:
    """Force constants as the pipeline makes them."""

    def forces(cells: list[Crystal]) -> SupercellForces:
        return SupercellForces(as_array(SPRINGS.evaluate(cells).forces))

    matrices = (supercell, supercell)
    cells = displace_for_fc2(lattice_dynamics(unitcell, *matrices), settings)
    harmonic = second_order(unitcell, matrices, forces(cells), settings)
    cells = displace_for_fc3(restored(harmonic), settings)
    return third_order(harmonic, forces(cells), settings)


def error(found: FloatArray | None, exact: FloatArray | None) -> float:
    """Largest deviation in units of the largest force constant."""
    assert found is not None
    assert exact is not None
    return float(np.abs(found - exact).max() / np.abs(exact).max())


@pytest.fixture(scope="module")
def exact() -> ForceConstants:
    return exact_force_constants(SALT, (2, 2, 2))


@pytest.fixture(scope="module")
def by_differences() -> ForceConstants:
    return displaced(SALT, DisplacementSettings())  # 0.03 Å


def test_finite_differences_reach_the_exact_derivatives_as_the_square_of_the_displacement(
    exact: ForceConstants, by_differences: ForceConstants
) -> None:
    """At 0.03 Å errors are some 1e-3; at a sixth of it 36 times less, within 2 % for O(u⁴)."""
    fine = displaced(SALT, DisplacementSettings(distance=0.005))
    for order in ("fc2", "fc3"):
        coarse_error = error(getattr(by_differences, order), getattr(exact, order))
        fine_error = error(getattr(fine, order), getattr(exact, order))
        assert coarse_error < 1.5e-3
        assert fine_error < 5e-5
        assert coarse_error / fine_error == pytest.approx(36, rel=0.02)


def test_random_displacements_reach_the_exact_derivatives_with_far_fewer_cells(
    exact: ForceConstants, by_differences: ForceConstants
) -> None:
    """16 cells instead of 146 (DESIGN §4.8); at 0.03 Å their error is 0.07 %, not 0.12 %."""
    found = displaced(SALT, DisplacementSettings(fc3_scheme="random"))
    assert (found.n_supercells, by_differences.n_supercells) == (2 + 16, 2 + 146)
    assert error(found.fc3, exact.fc3) < error(by_differences.fc3, exact.fc3) < 0.0015
    np.testing.assert_array_equal(found.fc2, by_differences.fc2)  # it has its own displacements


def test_random_displacements_reach_the_exact_derivatives_as_the_square_of_the_displacement() -> (
    None
):
    """Cu: 0.15 % at 0.03 Å; at a sixth of the distance 36 times less, within 2 % for O(u⁴)."""
    exact = exact_force_constants(COPPER, (2, 2, 2))
    coarse, fine = (
        error(
            displaced(COPPER, DisplacementSettings(fc3_scheme="random", distance=distance)).fc3,
            exact.fc3,
        )
        for distance in (0.03, 0.005)
    )
    assert coarse < 2e-3
    assert coarse / fine == pytest.approx(36, rel=0.02)


def test_uniform_translations_cost_nothing(by_differences: ForceConstants) -> None:
    """Acoustic sum rule. fc2: to rounding; fc3 of ~10 eV/Å³: symmetrised in turns, 1e-6."""
    fc2, fc3 = by_differences.fc2, by_differences.fc3
    assert fc3 is not None
    np.testing.assert_allclose(fc2.sum(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(fc3.sum(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(fc3.sum(axis=2), 0, atol=1e-6)


def test_the_order_of_the_derivatives_does_not_matter(by_differences: ForceConstants) -> None:
    """Φ(i, j)_ab = Φ(j, i)_ba and Φ(i, j, k)_abc under all six permutations of three atoms."""
    primitive = harmonic_lattice(by_differences).primitive
    fc2 = compact_fc_to_full_fc(primitive, np.array(by_differences.fc2, order="C"))
    np.testing.assert_allclose(fc2, fc2.transpose(1, 0, 3, 2), atol=1e-12)
    fc3 = full_fc3(by_differences)
    for axes in ((1, 0, 2), (0, 2, 1)):  # they generate all six
        swapped = fc3.transpose(*axes, *(3 + axis for axis in axes))
        assert np.abs(fc3 - swapped).max() < 1e-10


def full_fc3(constants: ForceConstants) -> FloatArray:
    """All rows of a compact fc3, filled in by the lattice translations."""
    assert constants.fc3 is not None
    phono3py = restored(constants)
    supercell, primitive = phono3py.supercell, phono3py.primitive
    fractional = supercell.scaled_positions
    full = np.zeros((len(supercell), *constants.fc3.shape[1:]))
    for atom in range(len(supercell)):
        home = primitive.s2p_map[atom]
        shifted = (fractional - fractional[home] + fractional[atom])[:, None] - fractional[None]
        where = np.abs(shifted - np.rint(shifted)).max(axis=2).argmin(axis=1)  # s -> s + R
        row = constants.fc3[primitive.p2p_map[home]]
        full[atom][np.ix_(where, where)] = row
    return full


def test_noisy_forces_still_give_symmetric_force_constants() -> None:
    """Noise of 1e-3 eV/Å. Unsymmetrised, uniform translations would cost 13 eV/Å³ in fc3.

    fc2 is exact afterwards; the permutations of fc3 are, its sums come after them: 0.007 eV/Å³.
    """
    noise = np.random.default_rng(1)

    def forces(cells: list[Crystal]) -> SupercellForces:
        exact = as_array(SPRINGS.evaluate(cells).forces)
        return SupercellForces(exact + 1e-3 * noise.standard_normal(exact.shape))

    matrices, settings = (DOUBLE, DOUBLE), DisplacementSettings()
    cells = displace_for_fc2(lattice_dynamics(COPPER, *matrices), settings)
    harmonic = second_order(COPPER, matrices, forces(cells), settings)
    found = third_order(harmonic, forces(displace_for_fc3(restored(harmonic), settings)), settings)
    assert found.fc3 is not None
    fc2 = compact_fc_to_full_fc(harmonic_lattice(found).primitive, np.array(found.fc2, order="C"))
    np.testing.assert_allclose(found.fc2.sum(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(fc2, fc2.transpose(1, 0, 3, 2), atol=1e-12)
    np.testing.assert_allclose(found.fc3, found.fc3.transpose(0, 2, 1, 3, 5, 4), atol=1e-12)
    assert np.abs(found.fc3.sum(axis=2)).max() < 0.02


def test_the_exact_rows_of_these_tests_are_those_of_the_full_tensor() -> None:
    """``exact_force_constants`` against ``compute_fc3`` of all atoms of the supercell."""
    constants = exact_force_constants(COPPER, (2, 2, 2))
    supercell = from_phonopy(restored(constants).supercell)
    np.testing.assert_allclose(
        full_fc3(constants), compute_fc3(SPRINGS.potential, supercell), atol=1e-10
    )


def test_wurtzite_needs_no_inversion_centre() -> None:
    """A small polar cell that interacts with its images, at 0.01 Å.

    Measured: fc2 1e-4, falling as u²; fc3 4e-4, falling as u, since the polar axis leaves cubic
    terms in pairs of displacements of which not all signs are made.
    """
    settings = DisplacementSettings(distance=0.01)
    crystal = relax(wurtzite(3.2, 5.2, 30, 8), SPRINGS, RelaxationSettings()).crystal
    found = displaced(crystal, settings, np.diag([2, 2, 1]))
    exact = exact_force_constants(crystal, (2, 2, 1))
    assert error(found.fc2, exact.fc2) < 2e-4
    assert error(found.fc3, exact.fc3) < 8e-4


@pytest.mark.parametrize("scheme", ["finite_differences", "random"])
def test_a_cutoff_beyond_the_range_of_the_potential_saves_cells_and_costs_nothing(
    scheme: Literal["finite_differences", "random"], exact: ForceConstants
) -> None:
    """LiBr: bonds end at 4.4 Å, Li–Li and Br–Br act at 4.2 Å; 46 cells of 146, 8 of 16.

    The unknowns of the fit fall from 758 to 36.
    """
    settings = DisplacementSettings(fc3_scheme=scheme, fc3_cutoff=4.5)
    found = displaced(SALT, settings)
    assert found.n_supercells == 2 + {"finite_differences": 46, "random": 8}[scheme]
    assert error(found.fc3, exact.fc3) < 0.0015
    assert found.fc3 is not None
    distances = pair_distances(found)
    # phono3py restores permutations and sum rule in turns after the cut: 5e-6 eV/Å³
    assert np.abs(found.fc3[distances > 4.5]).max() < 1e-5
    assert found.fc3[distances < 4.5].any(axis=(1, 2, 3, 4)).all()


def pair_distances(constants: ForceConstants) -> FloatArray:
    """Nearest distance of the first two atoms of a compact fc3, (n_primitive, n_atoms) Å."""
    phono3py = restored(constants)
    fractional = phono3py.supercell.scaled_positions
    apart = fractional[phono3py.primitive.p2s_map][:, None] - fractional[None]
    nearest = (apart - np.rint(apart)) @ phono3py.supercell.cell  # of a cubic cell
    return np.asarray(np.linalg.norm(nearest, axis=-1))


def test_a_cutoff_that_is_too_short_shows_in_the_held_out_error() -> None:
    """Cu at 4.5 Å, short of the fourth shell at 5.7 Å: an error of 10 % that 9 % betrays."""
    exact = exact_force_constants(COPPER, (2, 2, 2))
    found = displaced(COPPER, DisplacementSettings(fc3_scheme="random", fc3_cutoff=4.5))
    assert error(found.fc3, exact.fc3) == pytest.approx(0.10, abs=0.01)
    assert found.fit is not None
    assert found.fit.held_out_relative == pytest.approx(0.09, abs=0.01)


def test_a_crystal_that_costs_too_much_is_refused() -> None:
    settings = DisplacementSettings(max_supercells=30)
    with pytest.raises(DisplacementError, match="37 displaced supercells of 32 atoms") as caught:
        displace_for_fc3(lattice_dynamics(COPPER, DOUBLE, DOUBLE), settings)
    assert caught.value.kind == "too_many_supercells"


def test_forces_that_do_not_fit_or_are_not_finite_are_refused() -> None:
    matrices, settings = (DOUBLE, DOUBLE), DisplacementSettings()
    cells = displace_for_fc2(lattice_dynamics(COPPER, *matrices), settings)
    shape = (len(cells), len(cells[0]), 3)
    with pytest.raises(ForceConstantsError, match="fc2 needs forces of shape"):
        second_order(COPPER, matrices, SupercellForces(np.zeros((1, 4, 3))), settings)
    with pytest.raises(ForceConstantsError, match="not finite"):
        second_order(COPPER, matrices, SupercellForces(np.full(shape, np.nan)), settings)
    with pytest.raises(ForceConstantsError, match="fc3 needs forces of shape"):
        third_order(
            exact_force_constants(COPPER, (2, 2, 2)), SupercellForces(np.zeros((2, 4, 3))), settings
        )


def test_forces_of_random_displacements_come_in_pairs() -> None:
    settings = DisplacementSettings(fc3_scheme="random")
    harmonic = exact_force_constants(COPPER, (2, 2, 2))
    for shape in ((3, 32, 3), (2, 32, 3), (8, 31, 3)):  # odd, a single pair, an atom too few
        with pytest.raises(ForceConstantsError, match=r"shape \(2 · pairs, 32, 3\)"):
            third_order(harmonic, SupercellForces(np.zeros(shape)), settings)
    with pytest.raises(ForceConstantsError, match="not finite"):
        third_order(harmonic, SupercellForces(np.full((8, 32, 3), np.nan)), settings)


def test_a_cell_whose_symmetry_forbids_third_order_constants_is_explained() -> None:
    """Rocksalt 1×1×1: each atom sees the others and their images from both sides."""
    single = np.eye(3, dtype=int)
    with pytest.raises(ForceConstantsError, match="raise fc3_minimum_image"):
        displaced(SALT, DisplacementSettings(fc3_scheme="random"), single)
    found = displaced(SALT, DisplacementSettings(), single)
    assert found.fc3 is not None
    assert np.abs(found.fc3).max() < 1e-8  # the solver then says that it looks harmonic
