"""Every crystal system: γ and the whole tensor κ against phono3py on the same force constants.

RbI of springs, strained to the symmetry wanted, and wurtzite. Both programs average over degenerate
sets, so that nothing arbitrary is left.
"""

from __future__ import annotations

import numpy as np
import pytest

from screen.core.crystal import Crystal
from screen.core.records import ForceConstants
from screen.core.voigt import VOIGT
from screen.wigner.engine import Conventions
from screen.wigner.scattering import boundary_rates
from screen.wigner.transport import compute_transport
from tests.crystals import wurtzite
from tests.physics.analytic import exact_force_constants
from tests.wigner.cases import BOUNDARY, TEMPERATURES, by_phono3py, prepared, solved

CONVENTIONS = Conventions(canonical_levels=False, operator="smm19", phono3py_diagonal=True)
SYSTEMS = {
    # system: strain xx yy zz yz xz xy, mesh, point group operations with inversion
    "cubic": ((0, 0, 0, 0, 0, 0), (5, 5, 5), 48),
    "tetragonal": ((0, 0, 0.04, 0, 0, 0), (5, 5, 5), 16),
    "orthorhombic": ((0.03, 0, -0.02, 0, 0, 0), (5, 5, 5), 8),
    "trigonal": ((0, 0, 0, 0.02, 0.02, 0.02), (5, 5, 5), 12),
    "monoclinic": ((0.03, 0, -0.02, 0, 0.02, 0), (5, 5, 5), 4),
    "triclinic": ((0.03, 0, -0.02, 0.01, 0.02, -0.015), (5, 3, 5), 2),
}


def strained(strain: tuple[float, ...]) -> ForceConstants:
    xx, yy, zz, yz, xz, xy = strain
    deformation = np.eye(3) + np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
    lattice = 7.3 / 2 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) @ deformation
    ions = Crystal(lattice, np.array([37, 53]), np.array([[0.0] * 3, [0.5] * 3]))
    return exact_force_constants(ions, (3, 3, 3))


def assert_as_phono3py(constants: ForceConstants, mesh: tuple[int, int, int], order: int) -> None:
    """γ of all modes, then all six components of κ; both programs look at the same phonons."""
    phono3py = prepared(constants, mesh)
    theirs = by_phono3py(phono3py)
    ours = solved(constants, mesh, CONVENTIONS)
    assert len(ours.grid.rotations) == order
    for found, expected in (
        (ours.scattering.phonons, np.array(theirs.gamma[0])),
        (ours.scattering.isotopes, np.array(theirs.gamma_isotope[0])),
    ):
        assert expected.max() > 0
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-12 * expected.max())
    speed = np.linalg.norm(theirs.group_velocities, axis=-1)
    gamma = np.array(theirs.gamma[0]) + theirs.gamma_isotope[0] + boundary_rates(speed, BOUNDARY)
    volume = phono3py.primitive.volume
    transport = compute_transport(
        TEMPERATURES, ours.frequencies, gamma, ours.velocities, ours.grid, volume
    )
    kappa = (transport.kappa_p + transport.kappa_c)[:, *np.transpose(VOIGT)]
    np.testing.assert_allclose(
        kappa, np.array(theirs.kappa[0]), rtol=1e-8, atol=1e-8 * theirs.kappa.max()
    )


@pytest.mark.parametrize("system", SYSTEMS)
def test_rates_and_conductivity_equal_those_of_phono3py(system: str) -> None:
    strain, mesh, order = SYSTEMS[system]
    assert_as_phono3py(strained(strain), mesh, order)


def test_hexagonal_crystals_too() -> None:
    cell = wurtzite(4.0, 6.4, 30, 8)
    assert_as_phono3py(exact_force_constants(cell, (3, 3, 2)), (5, 5, 3), 24)
