"""Amplitudes of three-phonon scattering, V(q s, q' s', q'' s''), for one q and all its triplets.

One lattice sum per q, B[d] = Σ_R C[d, R] exp 2πi q·R; then a separable Fourier sum over d for the
lines of the mesh on which there are triplets; then a small rotation per q' and one per triplet.
phono3py sums over all pairs of supercell atoms for every triplet instead.

Axes are taken in the order of grid indices: the third is the slowest, lines run along the first.
A triplet's q' is the lowest of its class (``grid.find_triplets``), so that few lines are needed.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import coo_array, csr_array
from torch import Tensor

from screen.core.crystal import FloatArray, IntArray
from screen.wigner.folding import FoldedForceConstants
from screen.wigner.grid import Grid


@dataclass(frozen=True, eq=False)
class Transform:
    """Folded force constants and Fourier matrices on a device; nb bands, axes third to first."""

    mesh: tuple[int, int, int]
    box: tuple[int, int, int]  # cells along each axis over which d runs
    slots: Tensor  # (nd,) place of each distinct d in the box
    fourier: tuple[Tensor, Tensor, Tensor]  # (N_i, box_i) exp(2πi a d/N)
    matrix: Tensor  # (nd · nb³, nr) eV/Å³, sparse; rows (d, q', q'', q)
    R: Tensor  # (nr, 3)
    bands: int


@dataclass(frozen=True, eq=False)
class Amplitudes:
    """V of m triplets, eV/Å³/amu^{3/2}, up to the rotation of q'' to its bands.

    A row of ``half`` belongs to one q and q'; not every row is used.
    """

    half: Tensor  # (rows, nb', nb, nb'') complex; bands of q' and q, components of q''
    place: IntArray  # (m,) row of ``half``
    owner: IntArray  # (m,) row of γ
    centre: IntArray  # (m,) index of q
    first: IntArray  # (m,) index of q'
    second: IntArray  # (m,) index of q''
    multiplicity: FloatArray  # (m,)


def build_transform(folded: FoldedForceConstants, grid: Grid, device: torch.device) -> Transform:
    """Move the folded force constants to a device and lay d out in a box.

    The phases exp(2πi a·d/N) do not change when d changes by N, so a box longer than the mesh is
    folded back onto it.
    """
    d, mesh = folded.d[:, ::-1], np.array(grid.mesh[::-1])
    low, high = d.min(axis=0), d.max(axis=0)
    periodic = high - low + 1 > mesh
    low = np.where(periodic, 0, low)
    box = np.where(periodic, mesh, high - low + 1)
    place = np.where(periodic, d % mesh, d) - low
    nb, matrix = folded.bands, folded.matrix
    slots = np.ravel_multi_index(tuple(place.T), tuple(box))
    distinct, slot = np.unique(slots, return_inverse=True)
    if len(distinct) < len(slots):  # several d share a place
        terms = matrix.tocoo()
        rows = slot[terms.row // nb**3] * nb**3 + terms.row % nb**3
        shape = (len(distinct) * nb**3, len(folded.R))
        matrix = coo_array((terms.data, (rows, terms.col)), shape=shape).tocsr()
        slots = distinct
    fourier = [
        np.exp(2j * np.pi * np.outer(np.arange(mesh[x]), np.arange(box[x]) + low[x]) / mesh[x])
        for x in range(3)
    ]
    return Transform(
        mesh=(int(mesh[0]), int(mesh[1]), int(mesh[2])),
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
    """Move a sparse matrix to a device; MKL would convert 64-bit indices in every product."""
    index = np.int32 if matrix.nnz < 2**31 else np.int64
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(
            torch.as_tensor(matrix.indptr.astype(index), device=device),
            torch.as_tensor(matrix.indices.astype(index), device=device),
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
    """Rotate the index of q to its bands and lay d out: (box₂, box₁, box₀, nb³), axes (q', q, q'').

    ``sums`` (2, nd · nb³), real and imaginary, with axes (d, q', q'', q); ``eigenvectors`` (nb, nb),
    periodic, at q, [band]. Writes into ``box``, whose places without d stay 0.
    """
    nb = transform.bands
    complex_sums = torch.complex(sums[0], sums[1]).reshape(-1, nb)
    rotated = (complex_sums @ eigenvectors.T.contiguous()).reshape(-1, nb, nb, nb)
    box[transform.slots] = rotated.transpose(2, 3)
    return box.reshape(*transform.box, nb**3)


def half_amplitudes(
    transform: Transform,
    box: Tensor,
    first: IntArray,
    eigenvectors: Tensor,
    lines: int,
    planes: int,
) -> Iterator[tuple[slice, IntArray, Tensor]]:
    """Yield a slice of the triplets (m of them), their rows (m,), and V of all rows at a time.

    V (rows, nb', nb, nb'') is complex, eV/Å³/amu^{3/2}, rotated to the bands of q and q' only.
    ``first`` (n_triplets,) indices of q', ascending; ``eigenvectors`` (n, nb, nb), periodic,
    [:, band]. At most ``planes`` of constant third address, ``lines`` of constant third and
    second are held at once, which bounds the memory.
    """
    _, n1, n0 = transform.mesh
    nb = transform.bands
    line_of = first // n0
    used = np.unique(line_of)
    used_planes = np.unique(used // n1)
    e = eigenvectors.reshape(-1, n0, nb, nb)
    for begin in range(0, len(used_planes), planes):
        some = used_planes[begin : begin + planes]
        along_2 = _index(transform.fourier[0], some) @ box.reshape(len(box), -1)
        along_2 = along_2.reshape(len(some), box.shape[1], -1)
        for chosen in _slabs(used[np.isin(used // n1, some)], n1, lines):
            values = _along_lines(transform, along_2, some, chosen).reshape(-1, nb, nb * nb)
            half = torch.bmm(_index(e, chosen).reshape(-1, nb, nb), values)
            members = slice(*np.searchsorted(line_of, (chosen[0], chosen[-1] + 1)))
            row = np.searchsorted(chosen, line_of[members])
            place = row * n0 + first[members] % n0
            yield members, place, half.reshape(-1, nb, nb, nb)


def join(parts: Sequence[Amplitudes]) -> Amplitudes:
    """Triplets of several q in one."""
    starts = np.cumsum([0, *(len(part.half) for part in parts)])
    return Amplitudes(
        torch.cat([part.half for part in parts]),
        np.concatenate(
            [part.place + start for part, start in zip(parts, starts[:-1], strict=True)]
        ),
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("owner", "centre", "first", "second", "multiplicity")
        ),
    )


def complete(half: Tensor, place: Tensor, eigenvectors: Tensor) -> Tensor:
    """Rotate the last index to the bands of q'': (m, nb', nb, nb'').

    ``half`` (rows, nb', nb, nb''); ``place`` (m,) rows of it; ``eigenvectors`` (m, nb, nb) of q''.
    """
    m, nb = len(place), half.shape[-1]
    values = half[place].reshape(m, nb * nb, nb)
    return torch.bmm(values, eigenvectors.transpose(1, 2)).reshape(m, nb, nb, nb)


def _slabs(lines: IntArray, length: int, most: int) -> Iterator[IntArray]:
    """Split lines into runs of at most ``most``: whole planes of ``length`` lines, or part of one."""
    starts = np.flatnonzero(np.diff(lines // length, prepend=-1))
    begin = 0
    while begin < len(lines):
        end = begin + most
        if end < len(lines):
            whole = int(starts[starts <= end][-1])
            end = whole if whole > begin else end
        yield lines[begin:end]
        begin = end


def _along_lines(
    transform: Transform, along_2: Tensor, planes: IntArray, lines: IntArray
) -> Tensor:
    """Fourier sums along the second and the first axis: (lines, N₀, nb³).

    ``along_2`` (planes, box₁, box₀·nb³); the lines' planes are neighbours among ``planes``.
    """
    n1 = transform.mesh[1]
    own, plane = np.unique(np.searchsorted(planes, lines // n1), return_inverse=True)
    rows, row = np.unique(lines % n1, return_inverse=True)
    columns = along_2[own[0] : own[-1] + 1]
    along_1 = torch.matmul(_index(transform.fourier[1], rows), columns)
    along_1 = along_1.reshape(len(own) * len(rows), transform.box[2], -1)
    if len(along_1) > len(lines):
        along_1 = _index(along_1, plane * len(rows) + row)
    return torch.matmul(transform.fourier[2], along_1)


def _index(tensor: Tensor, places: IntArray) -> Tensor:
    return tensor[torch.as_tensor(places, device=tensor.device)]
