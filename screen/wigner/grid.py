"""The q-mesh: addresses, point group, irreducible points, triplets and tetrahedra.

A grid point is its address a (three integers, 0 ≤ a_i < N_i) or its index
a₀ + N₀ (a₁ + N₁ a₂); q = a/N in the primitive reciprocal basis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from screen.core.crystal import FloatArray, IntArray
from screen.core.errors import TransportError


@dataclass(frozen=True, eq=False)
class Grid:
    """A regular mesh with the symmetry of the crystal and of time reversal; ``n`` points."""

    mesh: tuple[int, int, int]
    addresses: IntArray  # (n, 3)
    q: FloatArray  # (n, 3) fractional, inside the first Brillouin zone
    rotated: IntArray  # (n_ops, n) index of the rotated point
    rotations: FloatArray  # (n_ops, 3, 3) Cartesian
    operations: IntArray  # (n_ops, 3, 3) of q, fractional
    irreducible: IntArray  # (nq,) indices
    weights: IntArray  # (nq,) points in the star, sum = n
    star: IntArray  # (n,) index of the irreducible point to whose star the point belongs
    bz: IntArray  # (n,) index on phono3py's Brillouin-zone grid
    vertices: IntArray  # (nv, 3) relative addresses; the first is the centre
    tetrahedra: IntArray  # (nt, 3) vertices besides the centre; nt is a multiple of 24

    @property
    def points(self) -> int:
        """Number of points, n."""
        return len(self.addresses)

    def index(self, addresses: IntArray) -> IntArray:
        """Return the indices of addresses (..., 3), taken modulo the mesh."""
        a = addresses % np.array(self.mesh)
        return np.asarray(a[..., 0] + self.mesh[0] * (a[..., 1] + self.mesh[1] * a[..., 2]))

    def neighbours(self, sign: int) -> IntArray:
        """Return the indices of the vertices at a + sign·vertex of every point a, (n, nv)."""
        return self.index(self.addresses[:, None, :] + sign * self.vertices[None])


@dataclass(frozen=True, eq=False)
class Triplets:
    """Irreducible (q', q'') of one q with q + q' + q'' = G."""

    first: IntArray  # (m,) index of q'
    second: IntArray  # (m,) index of q''
    weights: FloatArray  # (m,) pairs in the orbit, sum = n


def build_grid(bz_grid: Any, symmetrize_tetrahedra: bool = False) -> Grid:
    """Take over a phonopy ``BZGrid``.

    Tetrahedra: 24 around each point, six per cell along the shortest main diagonal of the
    reciprocal microzone (Blöchl, Jepsen, Andersen, PRB 49, 16223, 1994); the cut breaks the point
    group unless ``symmetrize_tetrahedra`` averages over the rotated cuts.

    Raises
    ------
    TransportError
        The mesh is a generalised regular grid.
    """
    from phonopy.phonon.grid import get_ir_grid_points
    from phonopy.phonon.tetrahedron_method import get_tetrahedra_relative_gr_grid_address

    if not np.array_equal(bz_grid.Q, np.eye(3)) or np.any(bz_grid.PS):
        raise TransportError(
            "the Wigner engine needs a Γ-centred mesh along the reciprocal axes, this one is a "
            "generalised grid; give three mesh numbers or use conductivity.solver = 'phono3py'",
            kind="generalised_grid",
        )
    mesh = (int(bz_grid.D_diag[0]), int(bz_grid.D_diag[1]), int(bz_grid.D_diag[2]))
    index = np.arange(int(np.prod(mesh)))
    addresses = np.stack(
        [index % mesh[0], index // mesh[0] % mesh[1], index // (mesh[0] * mesh[1])], axis=1
    )
    rotated = np.einsum("rij,nj->rni", np.array(bz_grid.rotations), addresses) % np.array(mesh)
    relative = get_tetrahedra_relative_gr_grid_address(bz_grid, symmetrize_tetrahedra)
    vertices, tetrahedra = _vertices(np.array(relative))
    irreducible, weights, star = get_ir_grid_points(bz_grid)
    bz = np.array(bz_grid.grg2bzg)
    return Grid(
        mesh=mesh,
        addresses=addresses,
        q=np.array(bz_grid.addresses[bz] @ bz_grid.QDinv.T),
        rotated=rotated[..., 0] + mesh[0] * (rotated[..., 1] + mesh[1] * rotated[..., 2]),
        rotations=np.array(bz_grid.rotations_cartesian),
        operations=np.array(bz_grid.reciprocal_operations),
        irreducible=np.array(irreducible),
        weights=np.array(weights),
        star=np.array(star),
        bz=bz,
        vertices=vertices,
        tetrahedra=tetrahedra,
    )


def find_triplets(grid: Grid, point: int) -> Triplets:
    """Pairs (q', q'') that complete a grid point, reduced by its little group and by exchange.

    A class is represented by its lowest q'; exchanging q' and q'' is exact because the
    24 tetrahedra are inversion symmetric.
    """
    little = grid.rotated[:, point] == point
    lowest = grid.rotated[little].min(axis=0)
    partner = grid.index(-grid.addresses[point] - grid.addresses)
    representative = np.minimum(lowest, lowest[partner])
    weights = np.bincount(representative, minlength=grid.points)
    first = np.flatnonzero(weights)
    return Triplets(first, partner[first], weights[first].astype(np.float64))


def _vertices(relative: IntArray) -> tuple[IntArray, IntArray]:
    """Distinct vertices, centre first, and the other three of each tetrahedron."""
    distinct, inverse = np.unique(relative.reshape(-1, 3), axis=0, return_inverse=True)
    centre = int(np.flatnonzero((distinct == 0).all(axis=1))[0])
    order = np.concatenate([[centre], np.delete(np.arange(len(distinct)), centre)])
    position = np.argsort(order)
    return distinct[order], position[inverse.reshape(-1, 4)][:, 1:]
