r"""Third-order force constants folded so that one lattice sum serves all q'.

With periodic eigenvectors all positions leave the phases:
W_ijk(q, q') = Σ_{d,R} C_ijk[d, R] exp 2πi(q·R + q'·d), V = Σ_ijk ẽ_i(q) ẽ_j(q') ẽ_k(q'') W_ijk,
with integer lattice vectors d and R and real C. phono3py averages over the three atoms at which
the sum may start (``make_r0_average``); for l in sublattice j, m in k and R_l, R_m their cells:

- start at i: d = R_l − R_m, R = −R_m;  start at j: d = −R_m, R = R_l − R_m (l in i);
- start at k: d = R_l, R = R_m (l in j, m in i).

Where all three shortest vectors are unique the three are equal and the first counts three times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import coo_array, csr_array

from screen.core.crystal import FloatArray, IntArray
from screen.core.errors import TransportError
from screen.wigner.memory import free_bytes

NEGLIGIBLE = 1e-14  # eV/Å³
WAY_OUT = "use a machine with more memory or conductivity.solver = 'phono3py'"
PER_TERM = 1400  # bytes at the peak; measured on 22 atoms in 2×2×2 cells, 3.4 million terms


@dataclass(frozen=True, eq=False)
class FoldedForceConstants:
    """C as a sparse matrix: a lattice sum over R is its product with a vector of phases.

    A row is (d, b', b'', b) with nb Cartesian axes of atoms each, of q', q'' and q; a column is R.
    """

    d: IntArray  # (nd, 3) lattice vectors that go with q'
    R: IntArray  # (nr, 3) lattice vectors that go with q
    matrix: csr_array  # (nd · nb³, nr) eV/Å³
    bands: int  # nb


@dataclass(frozen=True, eq=False)
class _Images:
    """Shortest lattice vectors from primitive atoms to supercell atoms, m of them at most."""

    cells: IntArray  # (n_prim, n_sc, m, 3)
    weights: FloatArray  # (n_prim, n_sc, m), 1/multiplicity or 0
    sublattice: IntArray  # (n_sc,)


def fold(interaction: Any) -> FoldedForceConstants:
    """Fold the fc3 of a ``phono3py`` interaction.

    Raises
    ------
    TransportError
        The supercell's vectors are no lattice vectors of the primitive cell, or the memory does
        not suffice.
    """
    try:
        return _fold(interaction)
    except MemoryError as error:
        raise TransportError(f"folding fc3: {error}; {WAY_OUT}", kind="memory") from error


def _fold(interaction: Any) -> FoldedForceConstants:
    images = _images(interaction.primitive)
    fc3 = np.asarray(interaction.fc3)
    if fc3.shape[0] != len(images.cells):
        fc3 = fc3[np.array(interaction.primitive.p2s_map)]
    average = bool(interaction.make_r0_average)
    unique = np.asarray(interaction.all_shortest).astype(bool) & average
    _check_memory(images, average)
    # unique vectors: the start at i stands for all three
    starts = [(0, np.where(unique, 3.0, 1.0))]
    if average:
        starts += [(1, np.where(unique, 0.0, 1.0)), (2, np.where(unique, 0.0, 1.0))]
    terms = [
        _start(fc3[origin] * scale[origin, ..., None, None, None], images, origin, leg)
        for leg, scale in starts
        for origin in range(len(fc3))
    ]
    d, R, atoms, values = (np.concatenate(items) for items in zip(*terms, strict=True))
    del terms
    return _packed(d, R, atoms, values / 3 if average else values, len(fc3))


def _check_memory(images: _Images, average: bool) -> None:
    """Refuse a cell whose terms do not fit into the free memory."""
    equally_near = (images.weights > 0).sum(axis=2)
    terms = int((equally_near.sum(axis=1) ** 2).sum()) * (3 if average else 1)
    needed, free = PER_TERM * terms, free_bytes()
    if needed > free:
        raise TransportError(
            f"folding fc3 may need {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free; {WAY_OUT}",
            kind="memory",
        )


def _images(primitive: Any) -> _Images:
    vectors, multiplicity = primitive.get_smallest_vectors()
    sublattice = np.array([primitive.p2p_map[atom] for atom in primitive.s2p_map])
    tau = np.array(primitive.scaled_positions)
    count = multiplicity[..., 0].T
    slot = np.arange(count.max())
    present = slot < count[..., None]
    position = np.where(present, multiplicity[..., 1].T[..., None] + slot, 0)
    cells = vectors[position] - tau[sublattice][None, :, None] + tau[:, None, None]
    integers = np.rint(cells).astype(np.int64)
    if np.abs((cells - integers)[present]).max() > 1e-4:
        raise TransportError("the supercell's atoms do not sit on the primitive lattice")
    return _Images(integers, present / count[..., None], sublattice)


def _start(
    fc3: FloatArray, images: _Images, origin: int, leg: int
) -> tuple[IntArray, IntArray, IntArray, FloatArray]:
    """All terms with the lattice sum started at one atom: d, R, (i, j, k), values (n, 3, 3, 3)."""
    atoms_l, atoms_m = np.nonzero(np.abs(fc3).max(axis=(2, 3, 4)) > 0)
    weights = images.weights[origin]
    pair = weights[atoms_l][:, :, None] * weights[atoms_m][:, None, :]
    term, image_l, image_m = np.nonzero(pair)
    cell_l = images.cells[origin, atoms_l[term], image_l]
    cell_m = images.cells[origin, atoms_m[term], image_m]
    values = pair[term, image_l, image_m, None, None, None] * fc3[atoms_l[term], atoms_m[term]]
    of_l, of_m = images.sublattice[atoms_l[term]], images.sublattice[atoms_m[term]]
    start = np.full_like(of_l, origin)
    if leg == 0:
        return cell_l - cell_m, -cell_m, np.stack([start, of_l, of_m], 1), values
    if leg == 1:
        return -cell_m, cell_l - cell_m, np.stack([of_l, start, of_m], 1), values.swapaxes(1, 2)
    return cell_l, cell_m, np.stack([of_m, of_l, start], 1), values.swapaxes(1, 3)


def _packed(
    d: IntArray, R: IntArray, atoms: IntArray, values: FloatArray, n_atoms: int
) -> FoldedForceConstants:
    """Sum terms of equal (d, R, i, j, k) and lay them out as a sparse matrix."""
    d_vectors, d_number = _distinct(d)
    r_vectors, r_number = _distinct(R)
    i, j, k = atoms.T
    block = ((d_number * n_atoms + j) * n_atoms + k) * n_atoms + i
    place = block * len(r_vectors) + r_number
    order = np.argsort(place, kind="stable")
    starts = np.flatnonzero(np.diff(place[order], prepend=-1))
    values = np.add.reduceat(values[order], starts)  # (n_blocks, 3, 3, 3), axes i, j, k
    block, r_number = np.divmod(place[order[starts]], len(r_vectors))
    kept = np.abs(values).max(axis=(1, 2, 3)) > NEGLIGIBLE
    return FoldedForceConstants(
        d=d_vectors,
        R=r_vectors,
        matrix=_matrix(
            block[kept], r_number[kept], values[kept], n_atoms, (len(d_vectors), len(r_vectors))
        ),
        bands=3 * n_atoms,
    )


def _distinct(vectors: IntArray) -> tuple[IntArray, IntArray]:
    """Distinct integer vectors (n, 3) of many (m, 3), and the number of each, (m,)."""
    low = vectors.min(axis=0)
    size = tuple(vectors.max(axis=0) - low + 1)
    keys, number = np.unique(
        np.ravel_multi_index(tuple((vectors - low).T), size), return_inverse=True
    )
    return np.stack(np.unravel_index(keys, size), axis=1) + low, number


def _matrix(
    block: IntArray, column: IntArray, values: FloatArray, n_atoms: int, shape: tuple[int, int]
) -> csr_array:
    """Rows (d, b', b'', b) from blocks (d, j, k, i) of 3×3×3 values with axes i, j, k."""
    nb = 3 * n_atoms
    outer, j, k, i = np.unravel_index(block, (shape[0], n_atoms, n_atoms, n_atoms))
    x = np.arange(3)[:, None, None]
    inside = (x.transpose(1, 0, 2) * nb + x.transpose(1, 2, 0)) * nb + x  # axes i, j, k
    corner = ((outer * nb + 3 * j) * nb + 3 * k) * nb + 3 * i
    rows = corner[:, None, None, None] + inside
    columns = np.broadcast_to(column[:, None, None, None], rows.shape)
    whole = (shape[0] * nb**3, shape[1])
    return coo_array((values.ravel(), (rows.ravel(), columns.ravel())), shape=whole).tocsr()
