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

from screen.core.crystal import FloatArray, IntArray
from screen.core.errors import TransportError
from screen.wigner.memory import free_bytes

NEGLIGIBLE = 1e-14  # eV/Å³


@dataclass(frozen=True, eq=False)
class FoldedForceConstants:
    """C in the order of ``d``: pairs p with ``first[x] <= p < first[x+1]`` belong to d[x]."""

    d: IntArray  # (nd, 3) lattice vectors that go with q'
    R: IntArray  # (nr, 3) lattice vectors that go with q
    first: IntArray  # (nd + 1,)
    which: IntArray  # (n_pairs,) index into R
    values: FloatArray  # (n_pairs, nb, nb, nb) eV/Å³, bands in the order of q'', q', q


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
    images = _images(interaction.primitive)
    fc3 = np.asarray(interaction.fc3)
    if fc3.shape[0] != len(images.cells):
        fc3 = fc3[np.array(interaction.primitive.p2s_map)]
    average = bool(interaction.make_r0_average)
    unique = np.asarray(interaction.all_shortest).astype(bool) & average
    # unique vectors: the start at i stands for all three
    starts = [(0, np.where(unique, 3.0, 1.0))]
    if average:
        starts += [(1, np.where(unique, 0.0, 1.0)), (2, np.where(unique, 0.0, 1.0))]
    parts = [
        _start(fc3[origin] * scale[origin, ..., None, None, None], images, origin, leg)
        for leg, scale in starts
        for origin in range(len(fc3))
    ]
    merged = [np.concatenate(items) for items in zip(*parts, strict=True)]
    values = merged[3] / 3 if average else merged[3]
    return _pack(merged[0], merged[1], merged[2], values, len(fc3))


def _check_memory(needed: int) -> None:
    """Refuse a cell whose folded force constants (about four copies at once) do not fit."""
    free = free_bytes()
    if needed > free:
        raise TransportError(
            f"folding fc3 needs {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free; use a machine "
            "with more memory or conductivity.solver = 'phono3py'",
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


def _pack(
    d: IntArray, R: IntArray, atoms: IntArray, values: FloatArray, n_atoms: int
) -> FoldedForceConstants:
    """Sum equal (d, R, i, j, k), and lay atoms and axes out as bands of q'', q', q."""
    low = np.minimum(d.min(axis=0), R.min(axis=0))
    size = np.maximum(d.max(axis=0), R.max(axis=0)) - low + 1
    key_d = np.ravel_multi_index(tuple((d - low).T), tuple(size))
    key_r = np.ravel_multi_index(tuple((R - low).T), tuple(size))
    keys, pair = np.unique(key_d * size.prod() + key_r, return_inverse=True)
    slot = (pair * n_atoms + atoms[:, 2]) * n_atoms**2 + atoms[:, 1] * n_atoms + atoms[:, 0]
    shape = (len(keys), n_atoms, n_atoms, n_atoms)
    _check_memory(4 * 8 * 27 * int(np.prod(shape)))
    blocks = np.empty((3, 3, 3, *shape))
    for a, b, c in np.ndindex(3, 3, 3):
        total = np.bincount(slot, values[:, a, b, c], minlength=int(np.prod(shape)))
        blocks[c, b, a] = total.reshape(shape)
    packed = blocks.transpose(3, 4, 0, 5, 1, 6, 2).reshape(len(keys), *(3 * n_atoms,) * 3)
    kept = np.abs(packed).max(axis=(1, 2, 3)) > NEGLIGIBLE
    keys, packed = keys[kept], packed[kept]
    d_keys, starts = np.unique(keys // size.prod(), return_index=True)
    r_keys, which = np.unique(keys % size.prod(), return_inverse=True)
    return FoldedForceConstants(
        d=np.stack(np.unravel_index(d_keys, tuple(size)), axis=1) + low,
        R=np.stack(np.unravel_index(r_keys, tuple(size)), axis=1) + low,
        first=np.append(starts, len(keys)),
        which=which,
        values=packed,
    )
