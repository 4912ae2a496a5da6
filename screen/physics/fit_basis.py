"""The basis in which fc3 is fitted: all that symmetry allows, within a cutoff where it is large.

symfc (Seko and Togo, Phys. Rev. B 110, 214302, 2024) finds it. Its object is used rather than
phonopy's interface to it, which finds the space group's representation anew for every question.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

import numpy as np

from screen.core.errors import ForceConstantsError
from screen.core.settings import DisplacementSettings

MAX_UNKNOWNS = 10_000
"""Of a fit without a cutoff: 208 supercells of 64 atoms at the default oversampling."""


@dataclass(frozen=True)
class FitBasis:
    """symfc's ``FCBasisSetO3`` of the fc3 supercell, and what is known before it is made."""

    symfc: Any
    unknowns: int  # symfc's estimate of the number of independent fc3
    cutoff: float | None  # Å; None: all of the supercell

    def made(self) -> Any:
        """Make the basis.

        Raises
        ------
        ForceConstantsError
            Symmetry leaves nothing to fit.
        """
        try:
            return self.symfc.run()
        except AssertionError as error:  # symfc asserts that symmetry leaves a parameter
            raise ForceConstantsError(
                "symfc finds no third-order force constant that symmetry allows in this "
                "supercell; raise fc3_minimum_image"
            ) from error


def basis_of_fit(phono3py: Any, settings: DisplacementSettings) -> FitBasis:
    """Return the basis within ``fc3_cutoff`` of the fc3 supercell.

    Without, and where the supercell has more unknowns than a fit may have, as crystals of low
    symmetry have, it is that within the largest distance that leaves no more than these.
    """
    if settings.fc3_cutoff is not None:
        return basis_within(phono3py, settings.fc3_cutoff)
    largest = max_unknowns(len(phono3py.supercell), settings)
    whole = basis_within(phono3py, None)
    if whole.unknowns <= largest:
        return whole
    primitive = phono3py.primitive
    distances = np.linalg.norm(primitive.get_smallest_vectors()[0] @ primitive.cell, axis=-1)
    shells = np.unique(distances.round(1))[1:] + 0.05  # without the atom itself
    fitting = bisect_right(
        range(1, len(shells)),
        largest,
        key=lambda shell: basis_within(phono3py, float(shells[shell])).unknowns,
    )
    return basis_within(phono3py, float(shells[fitting]))


def basis_within(phono3py: Any, cutoff: float | None) -> FitBasis:
    """Return the basis within a distance in Å, None for all of the fc3 supercell."""
    from symfc.basis_sets import FCBasisSetO3
    from symfc.utils.utils import SymfcAtoms

    cell, symmetry = phono3py.supercell, phono3py.symmetry
    symfc = FCBasisSetO3(
        SymfcAtoms(cell=cell.cell, scaled_positions=cell.scaled_positions, numbers=cell.numbers),
        cutoff=cutoff,
        spacegroup_operations=symmetry.symmetry_operations,
        symprec=symmetry.tolerance,
    )
    return FitBasis(symfc, int(symfc.estimate_basis_size()), cutoff)


def max_unknowns(n_atoms: int, settings: DisplacementSettings) -> int:
    """Return how many unknowns a fit in a supercell of ``n_atoms`` may have.

    Memory bounds them, and ``fc3_max_atoms``: that many atoms are in so many pairs of supercells.
    """
    if settings.fc3_max_atoms is None:
        return MAX_UNKNOWNS
    cells = 2 * (settings.fc3_max_atoms // (2 * n_atoms))
    return min(MAX_UNKNOWNS, 3 * n_atoms * int(cells / settings.oversampling))
