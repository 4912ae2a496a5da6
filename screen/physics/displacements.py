"""Displaced supercells, by phono3py; the same settings always give the same cells in order."""

from __future__ import annotations

from typing import Any

import numpy as np

from screen.core.crystal import Crystal, FloatArray, IntArray
from screen.core.errors import DisplacementError
from screen.core.records import ForceConstants
from screen.core.settings import DisplacementSettings
from screen.physics.convert import from_phonopy, to_nac_params, to_phonopy
from screen.physics.random_displacements import count_pairs, displace_at_random

SYMPREC = 1e-5  # Å


def lattice_dynamics(
    unitcell: Crystal,
    fc2_supercell: IntArray,
    fc3_supercell: IntArray,
    primitive_matrix: FloatArray | None = None,
) -> Any:
    """Return a ``phono3py.Phono3py``; its primitive cell is found by symmetry (1e-5 Å) or given."""
    from phono3py import Phono3py
    from phonopy.structure.cells import guess_primitive_matrix

    cell = to_phonopy(unitcell)
    if primitive_matrix is None:
        primitive_matrix = guess_primitive_matrix(cell, symprec=SYMPREC)
    return Phono3py(
        cell,
        supercell_matrix=np.array(fc3_supercell),
        phonon_supercell_matrix=np.array(fc2_supercell),
        primitive_matrix=primitive_matrix,
        symprec=SYMPREC,
        log_level=0,
    )


def restored(force_constants: ForceConstants) -> Any:
    """Return a ``phono3py.Phono3py`` that holds these force constants."""
    from phono3py import Phono3py

    phono3py = Phono3py(
        to_phonopy(force_constants.unitcell),
        supercell_matrix=np.array(force_constants.fc3_supercell),
        phonon_supercell_matrix=np.array(force_constants.fc2_supercell),
        primitive_matrix=np.array(force_constants.primitive_matrix),
        symprec=SYMPREC,
        log_level=0,
    )
    phono3py.fc2 = np.array(force_constants.fc2, order="C")
    if force_constants.fc3 is not None:
        phono3py.fc3 = np.array(force_constants.fc3, order="C")
    if force_constants.nac is not None:
        phono3py.nac_params = to_nac_params(force_constants.nac)
    return phono3py


def displace_for_fc2(phono3py: Any, settings: DisplacementSettings) -> list[Crystal]:
    """Displace the fc2 supercell by finite differences; sets the data set of ``phono3py``."""
    phono3py.generate_fc2_displacements(distance=settings.distance)
    return [from_phonopy(cell) for cell in phono3py.phonon_supercells_with_displacements]


def displace_for_fc3(phono3py: Any, settings: DisplacementSettings) -> list[Crystal]:
    """Displace the fc3 supercell; finite differences set the data set of ``phono3py``.

    ``finite_differences``: pairs of atoms, reduced by symmetry. ``random``: all atoms by the
    same distance in random directions; ``oversampling`` force components per free parameter.

    Raises
    ------
    DisplacementError
        There would be more than ``max_supercells`` cells, or too many unknowns to fit.
    """
    if settings.fc3_scheme == "random":
        pairs = count_pairs(phono3py, settings)
        _refuse_above_limit(2 * pairs, phono3py, settings)
        return displace_at_random(phono3py, settings, range(pairs))
    phono3py.generate_displacements(
        distance=settings.distance, cutoff_pair_distance=settings.fc3_cutoff
    )
    cells = [cell for cell in phono3py.supercells_with_displacements if cell is not None]
    _refuse_above_limit(len(cells), phono3py, settings)
    return [from_phonopy(cell) for cell in cells]


def _refuse_above_limit(number: int, phono3py: Any, settings: DisplacementSettings) -> None:
    """Refuse a crystal that needs more supercells than the protocol allows."""
    if settings.max_supercells is None or number <= settings.max_supercells:
        return
    way_out = "" if settings.fc3_scheme == "random" else " or use fc3_scheme = 'random'"
    raise DisplacementError(
        f"fc3 needs {number} displaced supercells of {len(phono3py.supercell)} atoms, the "
        f"protocol allows {settings.max_supercells}; raise displacements.max_supercells, set "
        f"displacements.fc3_cutoff (Å){way_out}",
        kind="too_many_supercells",
    )


def as_array(forces: tuple[FloatArray, ...]) -> FloatArray:
    """Stack forces of equal cells: (n, n_atoms, 3) eV/Å."""
    return np.array(forces, dtype=np.float64)
