"""Forces on displaced supercells to symmetrised force constants.

The symmetrisation is not cosmetic: without it κ of LiBr is 32 % lower with the same forces.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from screen.core.crystal import Crystal, FloatArray, IntArray
from screen.core.errors import ForceConstantsError
from screen.core.records import ForceConstants, SupercellForces
from screen.core.settings import DisplacementSettings
from screen.physics.displacements import (
    displace_for_fc2,
    displace_for_fc3,
    lattice_dynamics,
    restored,
)


def second_order(
    unitcell: Crystal,
    supercells: tuple[IntArray, IntArray],
    forces: SupercellForces,
    settings: DisplacementSettings,
    primitive_matrix: FloatArray | None = None,
) -> ForceConstants:
    """fc2 by finite differences, with translational and permutation symmetry.

    ``supercells`` are the matrices for fc2 and fc3; see ``lattice_dynamics``.

    Raises
    ------
    ForceConstantsError
        The number of forces does not fit, or a force constant is not finite.
    """
    fc2_supercell, fc3_supercell = supercells
    phono3py = lattice_dynamics(unitcell, fc2_supercell, fc3_supercell, primitive_matrix)
    cells = displace_for_fc2(phono3py, settings)
    _require_forces(forces.forces, cells, "fc2")
    phono3py.phonon_forces = np.array(forces.forces)
    phono3py.produce_fc2()
    phono3py.symmetrize_fc2()
    return ForceConstants(
        unitcell=unitcell,
        primitive_matrix=np.array(phono3py.primitive_matrix),
        fc3_supercell=fc3_supercell,
        fc2_supercell=fc2_supercell,
        fc2=_finite(phono3py.fc2, "fc2"),
        n_supercells=len(cells),
    )


def third_order(
    harmonic: ForceConstants, forces: SupercellForces, settings: DisplacementSettings
) -> ForceConstants:
    """Add fc3 to ``harmonic``: finite differences symmetrised, or a symfc fit.

    Raises
    ------
    ForceConstantsError
        The number of forces does not fit, symmetry leaves nothing to fit, or a force constant is
        not finite.
    """
    phono3py = restored(harmonic)
    cells = displace_for_fc3(phono3py, settings)
    _require_forces(forces.forces, cells, "fc3")
    phono3py.forces = np.array(forces.forces)
    if settings.fc3_scheme == "random":
        _fit(phono3py)
    else:
        phono3py.produce_fc3()
        phono3py.symmetrize_fc3()
    return ForceConstants(
        unitcell=harmonic.unitcell,
        primitive_matrix=harmonic.primitive_matrix,
        fc3_supercell=harmonic.fc3_supercell,
        fc2_supercell=harmonic.fc2_supercell,
        fc2=harmonic.fc2,
        fc3=_finite(phono3py.fc3, "fc3"),
        nac=harmonic.nac,
        n_supercells=harmonic.n_supercells + len(cells),
    )


def _fit(phono3py: Any) -> None:
    """Fit fc2 and fc3 by symfc, which asserts that symmetry leaves it a parameter."""
    try:
        phono3py.produce_fc3(fc_calculator="symfc")
    except AssertionError as error:
        raise ForceConstantsError(
            "symfc finds no third-order force constant that symmetry allows in this supercell; "
            "raise fc3_minimum_image"
        ) from error


def _require_forces(forces: FloatArray, cells: list[Crystal], order: str) -> None:
    expected = (len(cells), len(cells[0]), 3)
    if forces.shape != expected:
        raise ForceConstantsError(f"{order} needs forces of shape {expected}, got {forces.shape}")


def _finite(values: FloatArray, order: str) -> FloatArray:
    if not np.isfinite(values).all():
        raise ForceConstantsError(f"{order} holds values that are not finite")
    return np.array(values)
