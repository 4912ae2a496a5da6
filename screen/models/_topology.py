"""Neighbour graphs of many crystals: one neighbour list for all displaced copies of a supercell.

A pair of atoms that any copy may bring closer than the cutoff is closer than the cutoff plus
twice the largest displacement in the mean of the copies. One list of such pairs serves them all;
what remains for a copy is to compute its vectors and leave out those beyond the cutoff.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from screen.core.crystal import Crystal, FloatArray, IntArray

LARGEST_DISPLACEMENT = 0.5  # Å from the first copy; beyond, a list of its own costs less


@dataclass(frozen=True, eq=False)
class Topology:
    """Pairs of atoms that a supercell's copies may have within the cutoff, both directions."""

    lattice: FloatArray  # (3, 3) Å
    numbers: IntArray  # (n_atoms,)
    edge_index: IntArray  # (2, n_pairs): from atom i to the image of atom j
    shifts: FloatArray  # (n_pairs, 3) lattice vectors to that image


@dataclass(frozen=True, eq=False)
class Copy:
    """One crystal with the topology it shares."""

    topology: Topology
    positions: FloatArray  # (n_atoms, 3) Å, each atom at its image nearest to the topology's

    @property
    def size(self) -> int:
        """Return the largest number of edges it can have."""
        return len(self.topology.shifts)


@dataclass(frozen=True, eq=False)
class Graphs:
    """Neighbour graphs of m crystals as one, each with its own atoms; edges sorted by atom i."""

    lattices: FloatArray  # (m, 3, 3) Å
    first: IntArray  # (m + 1,) index of each crystal's first atom, and the number of atoms
    crystal_of: IntArray  # (n_atoms,) index of the crystal
    numbers: IntArray  # (n_atoms,)
    positions: FloatArray  # (n_atoms, 3) Å
    edge_index: IntArray  # (2, n_edges)
    shifts: FloatArray  # (n_edges, 3) lattice vectors to the image of the second atom
    vectors: FloatArray  # (n_edges, 3) Å


def copies_of(crystals: Sequence[Crystal], cutoff: float) -> Iterator[Copy]:
    """Yield the crystals in order; displaced copies of one supercell share their topology.

    ``cutoff`` in Å. Copies are consecutive crystals of one lattice and one list of elements whose
    atoms lie within ``LARGEST_DISPLACEMENT`` of the first one's.
    """
    for _, group in groupby(crystals, key=lambda c: (c.lattice.tobytes(), c.numbers.tobytes())):
        run = list(group)
        fractional = np.array([crystal.fractional for crystal in run])
        while len(fractional):
            moves = fractional - fractional[0]
            moves -= np.round(moves)
            far = _lengths(moves @ run[0].lattice).max(axis=1) > LARGEST_DISPLACEMENT
            n_near = int(far.argmax()) if far.any() else len(far)
            yield from _share(run[0], fractional[0], moves[:n_near], cutoff)
            fractional = fractional[n_near:]


def graphs_of(copies: Sequence[Copy], cutoff: float) -> Graphs:
    """Join the neighbour graphs of crystals of any cells, with edges shorter than ``cutoff`` Å."""
    edges, shifts, vectors = [], [], []
    n_atoms = 0
    for topology, group in groupby(copies, key=lambda copy: copy.topology):
        positions = np.array([copy.positions for copy in group])  # (m, n, 3)
        i, j = topology.edge_index
        found = positions[:, j] - positions[:, i] + topology.shifts @ topology.lattice
        copy, pair = np.nonzero(np.einsum("mpa,mpa->mp", found, found) < cutoff**2)
        edges.append(topology.edge_index[:, pair] + n_atoms + copy * len(topology.numbers))
        shifts.append(topology.shifts[pair])
        vectors.append(found[copy, pair])
        n_atoms += positions.shape[0] * positions.shape[1]
    sizes = [len(copy.positions) for copy in copies]
    return Graphs(
        lattices=np.array([copy.topology.lattice for copy in copies]),
        first=np.cumsum([0, *sizes]),
        crystal_of=np.repeat(np.arange(len(copies)), sizes),
        numbers=np.concatenate([copy.topology.numbers for copy in copies]),
        positions=np.concatenate([copy.positions for copy in copies]),
        edge_index=np.concatenate(edges, axis=1),
        shifts=np.concatenate(shifts),
        vectors=np.concatenate(vectors),
    )


def _share(crystal: Crystal, first: FloatArray, moves: FloatArray, cutoff: float) -> Iterator[Copy]:
    """Find the pairs in the mean of copies displaced from ``first`` by ``moves``, fractional."""
    mean = first + moves.mean(axis=0)
    mean -= np.floor(mean)
    moves = (moves - moves.mean(axis=0)) @ crystal.lattice
    reach = cutoff + 2.0 * float(_lengths(moves).max())
    topology = _topology(crystal.lattice, crystal.numbers, mean @ crystal.lattice, reach)
    for positions in mean @ crystal.lattice + moves:
        yield Copy(topology, positions)


def _topology(
    lattice: FloatArray, numbers: IntArray, positions: FloatArray, reach: float
) -> Topology:
    """Find all pairs up to ``reach`` Å, but no atom with itself."""
    from pymatgen.optimization.neighbors import find_points_in_spheres

    i, j, shifts, _ = find_points_in_spheres(
        positions, positions, reach, np.ones(3, dtype=np.int64), np.array(lattice)
    )
    kept = np.flatnonzero((i != j) | shifts.any(axis=1))
    return Topology(lattice, numbers, np.stack((i[kept], j[kept])), shifts[kept])


def _lengths(vectors: FloatArray) -> FloatArray:
    lengths: FloatArray = np.sqrt(np.einsum("...a,...a->...", vectors, vectors))
    return lengths
