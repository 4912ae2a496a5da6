"""Quality of a fit of fc3, and what follows from it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from phono3py.phonon3.fc3 import compact_fc3_to_full_fc3
from phonopy.interface.symfc import SymfcFCSolver

from screen.core.crystal import FloatArray
from screen.core.errors import ForceConstantsError
from screen.core.records import FitQuality, ForceConstants, SupercellForces
from screen.core.settings import DisplacementSettings
from screen.physics import fit_basis as module
from screen.physics.anharmonic_forces import AnharmonicForces
from screen.physics.displacements import as_array, restored
from screen.physics.fit import fit_third_order, more_pairs
from screen.physics.fit_basis import basis_of_fit, basis_within
from screen.physics.force_constants import require_third_order, third_order
from screen.physics.random_displacements import displace_at_random, random_displacements
from tests.crystals import fcc, rocksalt
from tests.physics.analytic import SPRINGS, exact_force_constants, without_stress

RANDOM = DisplacementSettings(fc3_scheme="random")
COPPER = exact_force_constants(without_stress(lambda a: fcc(a, 29), 3.4, 3.9), (2, 2, 2))
SALT = exact_force_constants(without_stress(rocksalt, 5.5, 6.3), (2, 2, 2))


def forces(constants: ForceConstants, pairs: int, noise: float = 0.0) -> SupercellForces:
    """Forces of springs with normal noise in eV/Å."""
    cells = displace_at_random(restored(constants), RANDOM, range(pairs))
    exact = as_array(SPRINGS.evaluate(cells).forces)
    return SupercellForces(exact + noise * np.random.default_rng(0).standard_normal(exact.shape))


def quality(constants: ForceConstants, pairs: int, noise: float = 0.0) -> FitQuality:
    found = third_order(constants, forces(constants, pairs, noise), RANDOM).fit
    assert found is not None
    return found


def error(found: FloatArray | None, constants: ForceConstants) -> float:
    """Norm of the deviation over that of the exact fc3."""
    assert found is not None
    assert constants.fc3 is not None
    return float(np.linalg.norm(found - constants.fc3) / np.linalg.norm(constants.fc3))


def test_the_quality_counts_what_went_in() -> None:
    """32 atoms, four pairs: 4 · 96 components of F_even for 90 unknowns."""
    found = quality(COPPER, 4)
    assert (found.supercells, found.unknowns, found.force_components) == (8, 90, 384)
    assert found.cutoff is None
    assert 1 < found.condition < 10


def test_the_held_out_error_is_the_noise_of_the_forces() -> None:
    """σ/√2 in F_even; a fit of p unknowns to m components adds p/(m − p) to its square.

    Ten of eleven pairs: 90 of 960, 5 % more. Within 15 %, two standard errors of 96 components.
    """
    noise = 1e-3
    found = quality(COPPER, 11, noise)
    expected = noise / math.sqrt(2) * math.sqrt(1 + 90 / (960 - 90))
    assert found.held_out_error == pytest.approx(expected, rel=0.15)
    rms = found.held_out_error / found.held_out_relative
    even = forces(COPPER, 11).forces[-2:].sum(axis=0) / 2
    assert rms == pytest.approx(math.sqrt((even**2).mean() + noise**2 / 2), rel=0.15)


def test_the_held_out_error_tells_the_error_of_the_force_constants() -> None:
    """The ratio of the relative errors, for noise of 0 to 1e-3 eV/Å."""
    for noise in (0.0, 1e-4, 1e-3):
        constants = third_order(SALT, forces(SALT, 8, noise), RANDOM)
        assert constants.fit is not None
        ratio = error(constants.fc3, SALT) / constants.fit.held_out_relative
        assert 0.4 < ratio < 1.2


def test_all_pairs_are_in_the_fit_also_those_held_out() -> None:
    """A garbled last pair, which is held out, spoils fc3."""
    good = forces(COPPER, 4)
    bad = good.forces.copy()
    bad[-1] += 0.1 * np.random.default_rng(1).standard_normal(bad[-1].shape)
    clean, spoilt = (third_order(COPPER, found, RANDOM) for found in (good, SupercellForces(bad)))
    assert error(clean.fc3, COPPER) < 0.003
    assert error(spoilt.fc3, COPPER) > 0.1
    assert spoilt.fit is not None
    assert spoilt.fit.held_out_relative > 0.5


def test_the_condition_number_is_that_of_the_design_matrix() -> None:
    """All singular values against the coefficients of conjugate gradients, from below by 5 %."""
    phono3py = restored(COPPER)
    basis = basis_within(phono3py, None).made()
    displacements = random_displacements(32, RANDOM, range(4))[::2]
    matrix = AnharmonicForces(basis, displacements)
    exact = np.linalg.cond(matrix @ np.eye(90))
    assert 0.95 * exact < quality(COPPER, 4).condition <= exact


@pytest.mark.parametrize("constants", [COPPER, SALT], ids=["Cu", "LiBr"])
def test_the_force_constants_are_those_of_the_normal_equations_of_symfc(
    constants: ForceConstants,
) -> None:
    """symfc's own solver on the even forces, whose noise fixes all force constants; 1e-6."""
    given = forces(constants, 8, 1e-4)
    phono3py = restored(constants)
    n_atoms = len(phono3py.supercell)
    solver = SymfcFCSolver(
        phono3py.supercell,
        displacements=random_displacements(n_atoms, RANDOM, range(8))[::2],
        forces=(given.forces[::2] + given.forces[1::2]) / 2,
        symmetry=phono3py.symmetry,
    )
    solver.run(orders=[3], is_compact_fc=True)
    theirs = solver.force_constants[3]
    found = third_order(constants, given, RANDOM).fc3
    assert found is not None
    np.testing.assert_allclose(found, theirs, atol=1e-6 * np.abs(theirs).max())


def test_more_supercells_improve_condition_and_error() -> None:
    """Noise of 1e-4 eV/Å, four times the cells: error and condition about half."""
    few, many = (third_order(COPPER, forces(COPPER, n, 1e-4), RANDOM) for n in (4, 16))
    assert few.fit is not None
    assert many.fit is not None
    assert many.fit.condition < 0.7 * few.fit.condition
    assert error(many.fc3, COPPER) < 0.7 * error(few.fc3, COPPER)


def test_too_few_supercells_are_no_error_until_there_are_no_more() -> None:
    """Two pairs of 64 atoms: 384 components for 758 unknowns."""
    found = third_order(SALT, forces(SALT, 2), RANDOM)
    assert found.fc3 is None
    assert found.fit is not None
    assert found.fit.condition == found.fit.held_out_error == math.inf
    assert more_pairs(found.fit, RANDOM) == range(2, 8)
    with pytest.raises(ForceConstantsError, match="4 randomly displaced supercells do not"):
        require_third_order(found)


def test_a_poor_fit_asks_for_two_to_four_times_as_many_cells() -> None:
    def lacking(relative: float, condition: float = 5.0, **changes: int) -> range:
        judged = FitQuality(16, 758, 1536, condition, 1e-5, relative)
        return more_pairs(judged, RANDOM.model_copy(update=changes))

    assert len(lacking(0.0499)) == 0
    assert lacking(0.0501) == range(8, 16)
    assert lacking(0.05 * math.sqrt(3)) == range(8, 24)  # the error falls as 1/√n
    assert lacking(0.5) == range(8, 32)
    assert lacking(0.01, condition=101) == range(8, 16)
    assert lacking(0.5, max_supercells=21) == range(8, 10)
    assert len(lacking(0.5, max_supercells=16)) == 0


def test_a_larger_primitive_cell_than_symfc_finds_gets_the_same_force_constants() -> None:
    """Conventional cell as primitive cell: four rows, each the one of the true primitive cell."""
    given = forces(COPPER, 4)
    true = third_order(COPPER, given, RANDOM).fc3
    conventional = exact_force_constants(COPPER.unitcell, (2, 2, 2))
    phono3py = restored(conventional)
    phono3py = type(phono3py)(
        phono3py.unitcell, supercell_matrix=np.diag([2, 2, 2]), primitive_matrix=np.eye(3)
    )
    found, _ = fit_third_order(phono3py, given.forces, RANDOM)
    assert true is not None
    assert found is not None
    of_all = compact_fc3_to_full_fc3(restored(COPPER).primitive, true)
    np.testing.assert_allclose(found, of_all[phono3py.primitive.p2s_map], atol=1e-8)


@pytest.mark.slow
def test_without_a_cutoff_all_of_the_supercell_is_fitted_up_to_a_number_of_unknowns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """LiBr, 768 unknowns. At most 300: 228 within 6.65 Å; at most 40: 36 within 4.25 Å."""
    phono3py = restored(SALT)
    assert basis_of_fit(phono3py, RANDOM).cutoff is None
    assert basis_of_fit(phono3py, RANDOM.model_copy(update={"fc3_cutoff": 5.0})).cutoff == 5.0
    for limit in (40, 300):
        monkeypatch.setattr(module, "MAX_UNKNOWNS", limit)
        cutoff = basis_of_fit(phono3py, RANDOM).cutoff
        assert cutoff is not None
        found = third_order(SALT, forces(SALT, 8), RANDOM)
        assert found.fit is not None
        assert found.fit.cutoff == cutoff
        assert found.fit.unknowns <= limit
        assert error(found.fc3, SALT) < 0.0015  # springs end at 4.4 Å
