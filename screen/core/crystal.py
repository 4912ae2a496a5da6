"""A crystal as three arrays: frozen, hashable, without calculator or hidden state."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray

from screen.core.digest import digest_of_arrays
from screen.core.errors import CatalogError

if TYPE_CHECKING:
    from pymatgen.core.composition import Composition

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

N_ELEMENTS = 118


def freeze(array: NDArray[np.generic]) -> None:
    """Make an array read-only in place."""
    array.setflags(write=False)


@dataclass(frozen=True, eq=False)
class Crystal:
    """A periodic crystal.

    Raises
    ------
    CatalogError
        Shapes do not fit, values are not finite, the cell has no volume, or an atomic number
        is not an element.
    """

    lattice: FloatArray  # (3, 3) Å, rows are the lattice vectors
    numbers: IntArray  # (n_atoms,) atomic numbers
    fractional: FloatArray  # (n_atoms, 3) in units of the lattice vectors

    def __post_init__(self) -> None:
        lattice = np.array(self.lattice, dtype=np.float64)
        numbers = np.array(self.numbers, dtype=np.int64)
        fractional = np.array(self.fractional, dtype=np.float64)
        if lattice.shape != (3, 3) or fractional.shape != (len(numbers), 3):
            raise CatalogError(
                f"a crystal needs a (3, 3) lattice and (n, 3) positions, "
                f"got {lattice.shape} and {fractional.shape} for {len(numbers)} atoms"
            )
        if len(numbers) == 0:
            raise CatalogError("the cell is empty: a crystal needs at least one atom")
        if not (np.isfinite(lattice).all() and np.isfinite(fractional).all()):
            raise CatalogError("the lattice or a position is not finite")
        if abs(np.linalg.det(lattice)) < 1e-3:
            raise CatalogError(f"the cell has no volume: {np.linalg.det(lattice):.2e} Å³")
        if numbers.min() < 1 or numbers.max() > N_ELEMENTS:
            raise CatalogError(f"atomic numbers must be 1–{N_ELEMENTS}, got {numbers}")
        for name, array in (("lattice", lattice), ("numbers", numbers), ("fractional", fractional)):
            freeze(array)
            object.__setattr__(self, name, array)

    def __reduce__(self) -> tuple[type[Crystal], tuple[FloatArray, IntArray, FloatArray]]:
        return (type(self), (self.lattice, self.numbers, self.fractional))

    def __len__(self) -> int:
        return len(self.numbers)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Crystal) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    @cached_property
    def digest(self) -> str:
        """Identity of this cell as given (not of the structure up to symmetry)."""
        return digest_of_arrays(self.lattice, self.numbers, self.fractional)

    @property
    def positions(self) -> FloatArray:
        """Cartesian positions, (n_atoms, 3) Å."""
        return self.fractional @ self.lattice

    @property
    def volume(self) -> float:
        """Cell volume in Å³."""
        return float(abs(np.linalg.det(self.lattice)))

    @property
    def elements(self) -> tuple[str, ...]:
        """Sorted element symbols, each once."""
        return tuple(sorted({chemical_symbols[n] for n in self.numbers}))

    @cached_property
    def formula(self) -> str:
        """Reduced formula as pymatgen writes it, e.g. ``LiBr``."""
        from pymatgen.core.composition import Composition  # takes a second to import

        symbols = [chemical_symbols[n] for n in self.numbers]
        return reduced_formula(Composition.from_dict(Counter(symbols)))

    def with_lattice(self, lattice: FloatArray) -> Crystal:
        """Return the same fractional positions in another cell."""
        return Crystal(lattice, self.numbers, self.fractional)


def reduced_formula(composition: Composition) -> str:
    """Reduced formula as pymatgen writes it, without its warning that Ne has no electronegativity.

    It sorts by electronegativity, those without one last, which is all that is meant here.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="No Pauling electronegativity for")
        return str(composition.reduced_formula)
