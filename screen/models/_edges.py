"""What networks of bonds and angles share: bonds, pairs of bonds, and forces from edges.

An edge goes from an atom i to an image of an atom j. With every neighbour there are two edges,
there and back; together they are a bond. Where the energy of a network depends on the vectors of
the edges alone, its gradient by them gives forces and stress at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from screen.core.crystal import FloatArray, IntArray
from screen.models._batches import Result
from screen.models._topology import Graphs


def bonds_of(edge_index: IntArray, shifts: FloatArray) -> tuple[IntArray, IntArray]:
    """Pair each edge with the one back.

    Parameters
    ----------
    edge_index
        (2, n_edges) atoms i and j.
    shifts
        (n_edges, 3) lattice vectors to the image of j.

    Returns
    -------
    Bond of each edge, (n_edges,), and the first edge of each bond, (n_edges / 2,).
    """
    largest = int(np.abs(shifts).max(initial=0))
    there, back = _keys(edge_index, shifts, largest), _keys(edge_index[::-1], -shifts, largest)
    partner = np.empty(len(there), dtype=np.int64)
    partner[np.argsort(there)] = np.argsort(back)
    first = np.flatnonzero(np.arange(len(partner)) < partner)
    bond = np.empty(len(partner), dtype=np.int64)
    bond[first] = bond[partner[first]] = np.arange(len(first))
    return bond, first


def pairs_of_edges(centers: IntArray, kept: IntArray) -> tuple[IntArray, IntArray]:
    """All ordered pairs of different edges that leave the same atom.

    Parameters
    ----------
    centers
        (n_edges,) atom that each edge leaves, sorted.
    kept
        Indices of the edges to look at, rising.

    Returns
    -------
    Indices of the left and the right edges, (n_pairs,) each; the left ones rise.
    """
    counts = np.bincount(centers[kept])
    counts = counts[counts > 0]  # edges per atom
    edges = np.repeat(counts, counts)  # per edge, at its atom
    left = np.repeat(np.arange(len(kept)), edges)
    first = np.repeat(np.cumsum(counts) - counts, counts)  # per edge, of its atom
    right = np.arange(len(left)) - np.repeat(np.cumsum(edges) - edges - first, edges)
    different = left != right
    return kept[left[different]], kept[right[different]]


def result_of(graphs: Graphs, edges: dict[str, Any], energies: Any) -> Result:
    """Differentiate energies by the vectors of the edges.

    Parameters
    ----------
    graphs
        The crystals.
    edges
        Tensors: ``vectors`` (n_edges, 3) Å, which require the gradient; ``edge_index``
        (2, n_edges); ``crystal_of`` (n_atoms,).
    energies
        Tensor (m,) eV.
    """
    import torch

    vectors, (i, j) = edges["vectors"], edges["edge_index"]
    (gradients,) = torch.autograd.grad(energies.sum(), vectors)
    vectors = vectors.detach()
    forces = vectors.new_zeros((len(graphs.numbers), 3))
    forces.index_add_(0, i, gradients).index_add_(0, j, -gradients)
    virials = vectors.new_zeros((len(graphs.lattices), 3, 3))
    products = vectors[:, :, None] * gradients[:, None, :]
    virials.index_add_(0, edges["crystal_of"][i], (products + products.transpose(1, 2)) / 2.0)
    volumes = np.abs(np.linalg.det(graphs.lattices))[:, None, None]
    return (
        energies.detach().cpu().double().numpy(),
        forces.cpu().double().numpy(),
        virials.cpu().double().numpy() / volumes,
    )


def _keys(edge_index: IntArray, shifts: FloatArray, largest: int) -> IntArray:
    """One integer for each edge; equal edges have equal ones."""
    base = 2 * largest + 1
    keys: IntArray = edge_index[0] * (int(edge_index.max(initial=0)) + 1) + edge_index[1]
    for shift in np.rint(shifts).astype(np.int64).T:
        keys = keys * base + shift + largest
    return keys
