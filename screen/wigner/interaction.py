"""Amplitudes of three-phonon scattering, V(q s, q' s', q'' s''), for one q and all its triplets.

One lattice sum per q, B[d] = Σ_R C[d, R] exp 2πi q·R; then a separable Fourier sum over d for the
whole mesh of q'; then two small rotations per triplet. phono3py sums over all pairs of supercell
atoms for every triplet instead.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import coo_array, csr_array
from torch import Tensor

from screen.core.crystal import IntArray
from screen.wigner.folding import FoldedForceConstants
from screen.wigner.grid import Grid, Triplets


@dataclass(frozen=True, eq=False)
class Transform:
    """Folded force constants and Fourier matrices on a device; nb bands."""

    mesh: tuple[int, int, int]
    box: tuple[int, int, int]  # cells along each axis over which d runs
    slots: Tensor  # (nd,) place of each distinct d in the box
    fourier: tuple[Tensor, Tensor, Tensor]  # (N_i, box_i) exp(2πi a d/N)
    matrix: Tensor  # (nd · nb³, nr) eV/Å³, sparse; rows (d, q', q'', q)
    R: Tensor  # (nr, 3)
    bands: int


def build_transform(folded: FoldedForceConstants, grid: Grid, device: torch.device) -> Transform:
    """Move the folded force constants to a device and lay d out in a box.

    The phases exp(2πi a·d/N) do not change when d changes by N, so a box longer than the mesh is
    folded back onto it.
    """
    low, high = folded.d.min(axis=0), folded.d.max(axis=0)
    mesh = np.array(grid.mesh)
    periodic = high - low + 1 > mesh
    low = np.where(periodic, 0, low)
    d = np.where(periodic, folded.d % mesh, folded.d)
    box = np.where(periodic, mesh, high - low + 1)
    place = d - low
    nb = folded.bands
    slots, slot = np.unique(np.ravel_multi_index(tuple(place.T), tuple(box)), return_inverse=True)
    matrix = folded.matrix
    if not np.array_equal(slot, np.arange(len(d))):  # several d share a place
        terms = matrix.tocoo()
        rows = slot[terms.row // nb**3] * nb**3 + terms.row % nb**3
        shape = (len(slots) * nb**3, len(folded.R))
        matrix = coo_array((terms.data, (rows, terms.col)), shape=shape).tocsr()
    fourier = [
        np.exp(2j * np.pi * np.outer(np.arange(mesh[x]), np.arange(box[x]) + low[x]) / mesh[x])
        for x in range(3)
    ]
    return Transform(
        mesh=grid.mesh,
        box=(int(box[0]), int(box[1]), int(box[2])),
        slots=torch.as_tensor(slots, device=device),
        fourier=(
            torch.as_tensor(fourier[0], device=device),
            torch.as_tensor(fourier[1], device=device),
            torch.as_tensor(fourier[2], device=device),
        ),
        matrix=_sparse(matrix, device),
        R=torch.as_tensor(folded.R.astype(np.float64), device=device),
        bands=nb,
    )


def _sparse(matrix: csr_array, device: torch.device) -> Tensor:
    """Move a sparse matrix to a device."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(
            torch.as_tensor(matrix.indptr, device=device),
            torch.as_tensor(matrix.indices, device=device),
            torch.as_tensor(matrix.data, device=device),
            size=matrix.shape,
            check_invariants=True,
        )


def empty_box(transform: Transform) -> Tensor:
    """Zeros in the shape that ``into_box`` fills: (places, nb', nb, nb'') complex."""
    nb = transform.bands
    shape = (int(np.prod(transform.box)), nb, nb, nb)
    return torch.zeros(shape, dtype=torch.complex128, device=transform.R.device)


def lattice_sums(transform: Transform, q: Tensor) -> Tensor:
    """B[d] of several q (m, 3): real and imaginary parts, (2, m, nd · nb³) eV/Å³."""
    angles = 2 * np.pi * transform.R @ q.T
    phases = torch.cat([angles.cos(), angles.sin()], dim=1)  # (nr, 2m): C is real
    return (transform.matrix @ phases).T.reshape(2, len(q), -1)


def into_box(transform: Transform, sums: Tensor, eigenvectors: Tensor, box: Tensor) -> Tensor:
    """Rotate the index of q to its bands and lay d out: (box₀, box₁, box₂, nb³), axes (q', q, q'').

    ``sums`` (2, nd · nb³), real and imaginary; ``eigenvectors`` (nb, nb), periodic, at q. Writes into
    ``box``, whose places without d stay 0.
    """
    nb = transform.bands
    rotated = (torch.complex(sums[0], sums[1]).reshape(-1, nb) @ eigenvectors).reshape(
        -1, nb, nb, nb
    )
    box[transform.slots] = rotated.transpose(2, 3)
    return box.reshape(*transform.box, nb**3)


def halve(grid: Grid, triplets: Triplets) -> Triplets:
    """Exchange q' and q'' where that leaves q' in one half of the mesh's first axis.

    |V|² is symmetric under the exchange and the tetrahedra are inversion symmetric, so only half
    of the Fourier sum is needed.
    """
    a = grid.addresses[:, 0]
    swap = a[triplets.first] > a[triplets.second]
    return Triplets(
        np.where(swap, triplets.second, triplets.first),
        np.where(swap, triplets.first, triplets.second),
        triplets.weights,
    )


def amplitudes(
    transform: Transform,
    grid: Grid,
    box: Tensor,
    triplets: Triplets,
    eigenvectors: Tensor,
    lines: int,
    planes: int,
) -> Iterator[tuple[IntArray, Tensor]]:
    """Yield positions in ``triplets`` (m,) and their V, (m, nb', nb, nb'') complex, in slabs.

    Units eV/Å³/amu^{3/2}. ``planes`` of constant a₀ and ``lines`` of constant (a₀, a₁) are
    transformed at once, which bounds the memory; ``eigenvectors`` (n, nb, nb), periodic.
    """
    address = grid.addresses[triplets.first]
    f0, f1, f2 = transform.fourier
    b0, b1, b2, nb3 = box.shape
    used = np.unique(address[:, 0])
    for begin in range(0, len(used), planes):
        chosen = used[begin : begin + planes]
        along_0 = f0[torch.as_tensor(chosen, device=box.device)] @ box.reshape(b0, -1)
        for plane, columns in zip(chosen, along_0.reshape(-1, b1, b2 * nb3), strict=True):
            members = np.flatnonzero(address[:, 0] == plane)
            rows = np.unique(address[members, 1])
            for first in range(0, len(rows), lines):
                row = rows[first : first + lines]
                inside = members[np.isin(address[members, 1], row)]
                along_1 = f1[torch.as_tensor(row, device=box.device)] @ columns
                values = torch.matmul(f2, along_1.reshape(-1, b2, nb3)).reshape(-1, nb3)
                place = np.searchsorted(row, address[inside, 1]) * len(f2) + address[inside, 2]
                gathered = values[torch.as_tensor(place, device=box.device)]
                yield inside, _rotate(gathered, triplets, inside, eigenvectors, transform.bands)


def _rotate(
    values: Tensor, triplets: Triplets, chosen: IntArray, eigenvectors: Tensor, nb: int
) -> Tensor:
    """Rotate the indices of q'' and q' to bands: (m, nb³) to (m, nb', nb, nb'')."""
    first = torch.as_tensor(triplets.first[chosen], device=values.device)
    second = torch.as_tensor(triplets.second[chosen], device=values.device)
    half = torch.bmm(values.reshape(-1, nb * nb, nb), eigenvectors[second])
    whole = torch.bmm(eigenvectors[first].transpose(1, 2), half.reshape(-1, nb, nb * nb))
    return whole.reshape(-1, nb, nb, nb)
