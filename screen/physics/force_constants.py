"""Forces on displaced supercells to symmetrised force constants.

The symmetrisation is not cosmetic: without it κ of LiBr is 32 % lower with the same forces.
"""

from __future__ import annotations

from dataclasses import replace
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
from screen.physics.fit import fit_third_order


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

    A fit takes any number of pairs of randomly displaced supercells, from the first one on. Where
    they do not determine fc3 it is None, and ``fit.condition`` infinite.

    Raises
    ------
    ForceConstantsError
        The number of forces does not fit, symmetry leaves nothing to fit, or a force constant is
        not finite.
    """
    phono3py = restored(harmonic)
    if settings.fc3_scheme == "random":
        _require_pairs(forces.forces, len(phono3py.supercell))
        fc3, fit = fit_third_order(phono3py, forces.forces, settings)
    else:
        fc3, fit = _by_differences(phono3py, forces.forces, settings), None
    return replace(
        harmonic,
        fc3=None if fc3 is None else _finite(fc3, "fc3"),
        n_supercells=harmonic.n_supercells + len(forces.forces),
        fit=fit,
    )


def require_third_order(force_constants: ForceConstants) -> None:
    """Refuse force constants whose fit did not determine fc3.

    Raises
    ------
    ForceConstantsError
        fc3 is missing.
    """
    fit = force_constants.fit
    if force_constants.fc3 is None and fit is not None:
        raise ForceConstantsError(
            f"{fit.supercells} randomly displaced supercells do not determine the {fit.unknowns} "
            "third-order force constants; raise displacements.oversampling or max_supercells"
        )


def _by_differences(
    phono3py: Any, forces: FloatArray, settings: DisplacementSettings
) -> FloatArray:
    """Return compact fc3; phono3py wants zeros for the cells that a cutoff leaves out."""
    _require_forces(forces, displace_for_fc3(phono3py, settings), "fc3")
    evaluated = [cell is not None for cell in phono3py.supercells_with_displacements]
    of_all = np.zeros((len(evaluated), *forces.shape[1:]))
    of_all[evaluated] = forces
    phono3py.forces = of_all
    phono3py.produce_fc3()
    phono3py.symmetrize_fc3()
    return np.asarray(phono3py.fc3)


def _require_pairs(forces: FloatArray, n_atoms: int) -> None:
    """Refuse forces that are not those of at least two pairs of supercells."""
    if forces.shape[1:] != (n_atoms, 3) or len(forces) % 2 or len(forces) < 4:
        raise ForceConstantsError(
            f"fc3 needs forces of shape (2 · pairs, {n_atoms}, 3), got {forces.shape}"
        )
    _finite(forces, "the set of forces for fc3")


def _require_forces(forces: FloatArray, cells: list[Crystal], order: str) -> None:
    expected = (len(cells), len(cells[0]), 3)
    if forces.shape != expected:
        raise ForceConstantsError(f"{order} needs forces of shape {expected}, got {forces.shape}")


def _finite(values: FloatArray, order: str) -> FloatArray:
    if not np.isfinite(values).all():
        raise ForceConstantsError(f"{order} holds values that are not finite")
    return np.array(values)
