"""Third-order forces of displaced supercells as a linear function of few coefficients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator

from screen.core.crystal import FloatArray

BATCH_BYTES = 1e8  # of the intermediate array of an application


class AnharmonicForces(LinearOperator):  # type: ignore[misc]
    """Map from coefficients c of symfc's basis to the forces −½ Φ₃(c) u u of given supercells.

    Forces on an atom at displacements u are those on its translation in the primitive cell at the
    translated u. So fc3 is never expanded beyond the rows of the primitive cell, nor is the
    matrix, of all force components by all unknowns, ever made.

    Parameters
    ----------
    basis
        symfc's ``FCBasisSetO3`` with the basis computed.
    displacements
        (supercells, n_atoms, 3) Å.
    """

    def __init__(self, basis: Any, displacements: FloatArray) -> None:
        self._to_compressed = basis.blocked_basis_set
        self._to_fc3 = basis.compact_compression_matrix
        self._rows = basis.p2s_map
        self._translations = basis.translation_permutations
        n_atoms = displacements.shape[1]
        self._displacements = displacements[:, self._translations].reshape(-1, 3 * n_atoms)
        self._n_forces = 3 * len(self._rows)  # on the atoms of a primitive cell
        components = self._n_forces * len(self._displacements)
        super().__init__(dtype=float, shape=(components, self._to_compressed.shape[1]))

    def flattened(self, forces: FloatArray) -> FloatArray:
        """Order forces (supercells, n_atoms, 3) as those of this map."""
        translated = forces[:, self._translations[:, self._rows]]  # supercell, translation, atom
        return translated.transpose(2, 3, 0, 1).ravel()

    def compact_fc3(self, coefficients: FloatArray) -> FloatArray:
        """Expand coefficients to fc3 (n_primitive, n_atoms, n_atoms, 3, 3, 3) of symfc's rows."""
        n_atoms = self._translations.shape[1]
        found = self._to_fc3 @ (self._to_compressed @ coefficients)
        return np.asarray(found.reshape(-1, n_atoms, n_atoms, 3, 3, 3))

    def _matvec(self, coefficients: FloatArray) -> FloatArray:
        fc3 = self.compact_fc3(np.ravel(coefficients)).transpose(0, 3, 1, 4, 2, 5)
        fc3 = fc3.reshape(-1, self._displacements.shape[1])
        forces = [
            np.einsum("fjs,sj->fs", (fc3 @ some.T).reshape(self._n_forces, -1, len(some)), some)
            for some in self._batches()
        ]
        return -0.5 * np.concatenate(forces, axis=1).ravel()

    def _rmatvec(self, forces: FloatArray) -> FloatArray:
        n_atoms = self._translations.shape[1]
        columns = np.ravel(forces).reshape(self._n_forces, 1, -1)
        summed = np.zeros((self._n_forces * 3 * n_atoms, 3 * n_atoms))
        begin = 0
        for some in self._batches():
            products = columns[:, :, begin : begin + len(some)] * some.T
            summed += products.reshape(len(summed), -1) @ some
            begin += len(some)
        gradient = summed.reshape(-1, 3, n_atoms, 3, n_atoms, 3).transpose(0, 2, 4, 1, 3, 5)
        found = self._to_compressed.T @ (self._to_fc3.T @ gradient.ravel())
        return np.asarray(-0.5 * found)

    def _batches(self) -> Iterator[FloatArray]:
        bytes_of_one = 8 * self._n_forces * self._displacements.shape[1]
        size = max(1, int(BATCH_BYTES / bytes_of_one))
        for begin in range(0, len(self._displacements), size):
            yield self._displacements[begin : begin + size]
