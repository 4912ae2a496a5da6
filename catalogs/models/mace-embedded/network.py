"""A MACE of one layer whose energy is linear in the weights that are trained.

The one-particle basis is fixed: each of its channels is a random mixture of Bessel functions and
of neighbour elements, drawn from ``SEED``. The symmetric contraction then makes three- and
four-body invariants of each channel (Batatia et al., NeurIPS 2022, eqs. 8–11), and their weights,
one set an element, sum to the energy. With random channels this is the tensor-reduced atomic
cluster expansion (Darby et al., Phys. Rev. Lett. 131, 028001, 2023), whose weights a linear least
squares finds exactly and fast.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mace  # noqa: F401  # before e3nn: sets how e3nn's constants are read
import numpy as np
import torch
from e3nn import o3
from mace import modules

SEED = 103
CUTOFF = 7.0  # Å
CHANNELS = 64
LARGEST_L = 2  # of the spherical harmonics
CORRELATION = 3  # neighbours in one invariant: bodies less one
BESSEL_FUNCTIONS = 8
TYPICAL_NEIGHBOURS = 40.0  # scale of the basis
STEP = 1e-4  # Å, central difference of the basis: error 1e-8

_PERMUTATIONS = {
    1: ((0,),),
    2: ((0, 1), (1, 0)),
    3: ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)),
}


def build(energies: Mapping[int, float]) -> Any:
    """Return the network for elements with these energies (eV, by atomic number), float64."""
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(SEED)
    network = modules.ScaleShiftMACE(
        r_max=CUTOFF,
        num_bessel=BESSEL_FUNCTIONS,
        num_polynomial_cutoff=5,
        max_ell=LARGEST_L,
        interaction_cls=modules.RealAgnosticResidualInteractionBlock,
        interaction_cls_first=modules.RealAgnosticResidualInteractionBlock,
        num_interactions=1,
        num_elements=len(energies),
        hidden_irreps=o3.Irreps(f"{CHANNELS}x0e"),
        MLP_irreps=o3.Irreps("16x0e"),
        atomic_energies=np.array(list(energies.values())),
        avg_num_neighbors=TYPICAL_NEIGHBOURS,
        atomic_numbers=list(energies),
        correlation=CORRELATION,
        gate=torch.nn.functional.silu,
        radial_MLP=[],
        atomic_inter_scale=1.0,
        atomic_inter_shift=0.0,
    ).requires_grad_(False)
    # No mixing after the basis, no self-connection, a plain sum in the end: e3nn divides the
    # weights of a linear layer by the root of the number of its inputs.
    identity = torch.eye(CHANNELS).flatten() * CHANNELS**0.5
    network.interactions[0].linear.weight.copy_(identity.repeat(LARGEST_L + 1))
    network.interactions[0].skip_tp.weight.zero_()
    network.products[0].linear.weight.copy_(identity)
    network.readouts[0].linear.weight.fill_(CHANNELS**0.5)
    return network


class Design:
    """Derivatives of energy, forces and stress by the trained weights."""

    def __init__(self, network: Any) -> None:
        self._network = network
        self._interaction = network.interactions[0]
        contraction = network.products[0].symmetric_contractions.contractions[0]
        self._couplings, self._paths = [], []
        for order in range(1, CORRELATION + 1):
            coupling, paths = independent(contraction.U_tensors(order), order)
            self._couplings.append(coupling)
            self._paths.append(paths)
        self.n_weights = CHANNELS * sum(len(paths) for paths in self._paths)  # of one element

    def __call__(self, graph: Any) -> tuple[list[int], torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the elements in a cell, and by element the derivatives by its weights.

        Elements are positions in the network's list. Energy (n_elements, n_weights) eV, forces
        (n_elements, 3 n_atoms, n_weights) eV/Å, stress (n_elements, 9, n_weights) eV/Å³.
        """
        n_atoms = len(graph.positions)
        order = torch.argsort(graph.edge_index[1], stable=True)
        sender, receiver = graph.edge_index[:, order]
        vectors = graph.positions[receiver] - graph.positions[sender] + graph.shifts[order]
        message, slope = self._messages(graph.node_attrs, sender, vectors)
        basis = torch.zeros(n_atoms, *message.shape[1:]).index_add(0, receiver, message)
        invariants, gradients = self._invariants(basis)
        element = graph.node_attrs.argmax(dim=1)
        present = element.unique().tolist()
        energy = torch.zeros(len(present), self.n_weights)
        forces = torch.zeros(len(present), n_atoms, 3, self.n_weights)
        virial = torch.zeros(len(present), 3, 3, self.n_weights)
        ends = torch.searchsorted(receiver, torch.arange(n_atoms + 1)).tolist()
        for atom in range(n_atoms):
            edges = slice(ends[atom], ends[atom + 1])
            row = present.index(int(element[atom]))
            pull = torch.bmm(gradients[atom], slope[edges].permute(1, 2, 3, 0).flatten(2))
            pull = pull.reshape(self.n_weights, 3, -1).permute(2, 1, 0)  # dE/d(vector)
            energy[row] += invariants[atom].flatten()
            forces[row, atom] -= pull.sum(dim=0)
            forces[row].index_add_(0, sender[edges], pull)
            virial[row] += torch.einsum("exw,ey->xyw", pull, vectors[edges])
        volume = torch.linalg.det(graph.cell.view(3, 3)).abs()
        return present, energy, forces.flatten(1, 2), virial.flatten(1, 2) / volume

    def install(self, weights: Mapping[int, torch.Tensor]) -> None:
        """Put weights, by position of the element, into the network; all others are zero."""
        contraction = self._network.products[0].symmetric_contractions.contractions[0]
        tables = [*reversed(list(contraction.weights)), contraction.weights_max]
        for table in tables:
            table.zero_()
        for element, values in weights.items():
            by_order = values.reshape(CHANNELS, -1).split([len(p) for p in self._paths], dim=1)
            for table, paths, part in zip(tables, self._paths, by_order, strict=True):
                table[element, paths] = part.T

    def _messages(self, attributes: Any, sender: Any, vectors: Any) -> tuple[Any, Any]:
        """Basis functions of each edge (n_edges, channels, lm) and their gradients (…, 3)."""
        up = self._interaction.linear_up(self._network.node_embedding(attributes))[sender]
        steps = STEP * torch.eye(3)
        slopes = [
            (self._message(up, vectors + step) - self._message(up, vectors - step)) / (2 * STEP)
            for step in steps
        ]
        return self._message(up, vectors), torch.stack(slopes, dim=-1)

    def _message(self, up: Any, vectors: Any) -> Any:
        """Message of each edge; ``linear`` is the identity and left out."""
        lengths = vectors.norm(dim=1, keepdim=True)
        radial, _ = self._network.radial_embedding(lengths, None, None, None)
        weights = self._interaction.conv_tp_weights(radial)
        harmonics = self._network.spherical_harmonics(vectors)
        message = self._interaction.conv_tp(up, harmonics, weights)
        return self._interaction.reshape(message) / self._interaction.avg_num_neighbors

    def _invariants(self, basis: Any) -> tuple[Any, Any]:
        """Invariants (n_atoms, channels, paths) and their derivatives by the basis (…, lm)."""
        first, second, third = self._couplings
        n_atoms, _, size = basis.shape
        one = first.T.expand(n_atoms, CHANNELS, -1, -1)
        two = torch.einsum("nkv,uvp->nkpu", basis, second)
        square = (basis[..., :, None] * basis[..., None, :]).flatten(2)
        three = square @ third.permute(1, 2, 3, 0).reshape(size**2, -1)
        three = three.reshape(n_atoms, CHANNELS, -1, size)
        gradients = torch.cat([one, 2 * two, 3 * three], dim=2)
        products = torch.cat([one, two, three], dim=2)
        return torch.einsum("nkpu,nku->nkp", products, basis), gradients


def independent(coupling: torch.Tensor, order: int) -> tuple[torch.Tensor, list[int]]:
    """Symmetrise couplings (lm, …, paths) over their factors; keep independent paths.

    mace's paths differ in the order of coupling too, which makes no difference for equal factors.
    """
    permuted = [coupling.permute(*p, order) for p in _PERMUTATIONS[order]]
    symmetric = torch.stack(permuted).mean(dim=0)
    columns = symmetric.flatten(0, order - 1)
    paths: list[int] = []
    for path in range(columns.shape[1]):
        if int(torch.linalg.matrix_rank(columns[:, [*paths, path]])) > len(paths):
            paths.append(path)
    return symmetric[..., paths], paths
