"""Force constants of a force set, by finite differences or by a fit to its displacements."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import numpy as np

from screen.benchmark.force_sets import DisplacedForces, ForceSet, OrderedForces
from screen.core.errors import ForceConstantsError
from screen.core.records import ForceConstants, SupercellForces
from screen.core.settings import DisplacementSettings
from screen.physics.convert import to_phonopy
from screen.physics.displacements import SYMPREC
from screen.physics.force_constants import second_order, third_order


def force_constants_of(
    force_set: ForceSet, settings: DisplacementSettings, nac: bool = False
) -> ForceConstants:
    """fc2 and fc3, symmetrised.

    Ordered forces belong to the finite differences of ``settings``. Displacements of a file are
    taken as they are: one or two displaced atoms by finite differences, all atoms at once by symfc
    (Seko and Togo, Phys. Rev. B 110, 214302, 2024). ``nac`` keeps the file's Born charges.

    Raises
    ------
    ForceConstantsError
        The number of supercells or of atoms does not fit, or a force constant is not finite.
    """
    if isinstance(force_set.forces, DisplacedForces):
        return _of_displacements(force_set, force_set.forces, nac)
    try:
        return _of_ordered(force_set, force_set.forces, settings)
    except ForceConstantsError as error:
        raise ForceConstantsError(
            f"{force_set.path}: {error}; supercells and their order are those of phono3py at "
            f"{settings.distance} Å",
            kind="force_set",
        ) from error


def _of_ordered(
    force_set: ForceSet, forces: OrderedForces, settings: DisplacementSettings
) -> ForceConstants:
    supercells = (force_set.fc2_supercell, force_set.fc3_supercell)
    harmonic = second_order(force_set.unitcell, supercells, SupercellForces(forces.fc2), settings)
    return third_order(harmonic, SupercellForces(forces.fc3), settings)


def _of_displacements(force_set: ForceSet, forces: DisplacedForces, nac: bool) -> ForceConstants:
    phono3py = _lattice(force_set, forces)
    phono3py.dataset = deepcopy(forces.fc3)
    _produce(phono3py, 3, forces.fc3)
    if forces.fc2 is not None:
        phono3py.phonon_dataset = deepcopy(forces.fc2)
        _produce(phono3py, 2, forces.fc2)
    constants = ForceConstants(
        unitcell=force_set.unitcell,
        primitive_matrix=np.array(phono3py.primitive_matrix),
        fc3_supercell=force_set.fc3_supercell,
        fc2_supercell=force_set.fc2_supercell,
        fc2=np.array(phono3py.fc2),
        fc3=np.array(phono3py.fc3),
        nac=forces.nac if nac else None,
        n_supercells=number_of_supercells(forces),
    )
    if not (np.isfinite(constants.fc2).all() and np.isfinite(phono3py.fc3).all()):
        raise ForceConstantsError(f"{force_set.path}: a force constant is not finite")
    return constants


def _lattice(force_set: ForceSet, forces: DisplacedForces) -> Any:
    """Return a ``Phono3py``; without a supercell of its own fc2 comes with fc3."""
    from phono3py import Phono3py
    from phonopy.structure.cells import guess_primitive_matrix

    cell = to_phonopy(force_set.unitcell)
    return Phono3py(
        cell,
        supercell_matrix=np.array(force_set.fc3_supercell),
        phonon_supercell_matrix=None if forces.fc2 is None else np.array(force_set.fc2_supercell),
        primitive_matrix=guess_primitive_matrix(cell, symprec=SYMPREC)
        if forces.primitive_matrix is None
        else forces.primitive_matrix,
        symprec=SYMPREC,
        log_level=0,
    )


def _produce(phono3py: Any, order: int, dataset: Mapping[str, Any]) -> None:
    """Make fc2 or fc3; what symfc fits is symmetric already."""
    at_random = "first_atoms" not in dataset
    make = phono3py.produce_fc3 if order == 3 else phono3py.produce_fc2
    make(fc_calculator="symfc" if at_random else None)
    if at_random:
        return
    if order == 3:
        phono3py.symmetrize_fc3()
    if order == 2 or phono3py.phonon_supercell_matrix is None:
        phono3py.symmetrize_fc2()


def number_of_supercells(forces: OrderedForces | DisplacedForces) -> int:
    """Displaced supercells of a force set."""
    if isinstance(forces, OrderedForces):
        return len(forces.fc2) + len(forces.fc3)
    return sum(_count(dataset) for dataset in (forces.fc3, forces.fc2) if dataset is not None)


def _count(dataset: Mapping[str, Any]) -> int:
    if "first_atoms" not in dataset:
        return len(dataset["forces"])
    return sum(1 + len(first.get("second_atoms", ())) for first in dataset["first_atoms"])
