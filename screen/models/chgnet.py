"""CHGNet potentials (Deng et al., Nat. Mach. Intell. 5, 1031, 2023), several cells per call.

chgnet builds a graph of Python objects for every cell and differentiates twice, each time ready to
differentiate once more. Here the graphs are arrays made for a whole batch, and one gradient by the
vectors of the edges gives forces and stress. LiBr, 64 atoms, one core, per cell: 239 ms with
chgnet's calculator in float32, 110 ms here; 150 ms in float64, of which 0.7 ms are the graph.

chgnet 0.2.0 is not offered: its energy jumps where an angle appears (chgnet issue 79).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase.data import chemical_symbols

from screen.core.errors import ModelUnavailableError
from screen.core.protocols import ModelIdentity
from screen.core.settings import ModelSettings
from screen.models._batched import BatchedForceField
from screen.models._batches import Result
from screen.models._chgnet_cards import BUNDLED, CARDS
from screen.models._download import checked_digest
from screen.models._edges import bonds_of, pairs_of_edges, result_of
from screen.models._elements import MPTRJ
from screen.models._topology import Copy, Graphs, graphs_of
from screen.models._torch import (
    budget_of,
    memory_of,
    quiet,
    to_device,
    torch_device,
    torch_dtype,
)
from screen.models._weights import (
    card_named,
    chosen_head,
    digest_of,
    existing,
    package_folder,
    package_version,
    reading,
)

PACKAGE = "chgnet"
DEFAULT = "chgnet-0.3.0"

_FITTED = 1e-3  # eV; below, an element's reference energy was not fitted: it has no training data

# One core, float64: cells of 8 atoms (256 edges) gain 19 % in batches of 8 and no more beyond;
# cells of 64 atoms (2,048 edges) take the same time in batches of 1 to 4.
CPU_EDGES = 2048
# Peak memory per edge in float64: 55 kB for LiBr, 99 kB for MgO, which has more angles
BYTES_PER_EDGE = 120e3


def identify(settings: ModelSettings) -> ModelIdentity:
    """Resolve the checkpoint; see ``core.protocols.ModelModule``.

    Raises
    ------
    ModelUnavailableError
        chgnet or the checkpoint is missing or corrupt, or the name or the head is unknown.
    """
    installed = package_version(PACKAGE, "chgnet")
    return ModelIdentity(
        family="chgnet",
        name=_name(settings),
        weights_digest=digest_of(_checkpoint(settings), None),
        dtype=settings.dtype,
        package=PACKAGE,
        package_version=installed,
    )


def load(settings: ModelSettings) -> CHGNet:
    """Load a checkpoint.

    Raises
    ------
    ModelUnavailableError
        chgnet or the checkpoint is missing, corrupt or unreadable, the name, the head or the
        device is unknown, or the network's energy jumps or lacks reference energies.
    """
    package_version(PACKAGE, "chgnet")
    path = _checkpoint(settings)
    checked_digest(path)
    device, dtype = torch_device(settings.device), torch_dtype(settings.dtype)
    with quiet(), reading(path, "CHGNet checkpoint"):
        model = _read(path)
    memory = memory_of(device)
    return CHGNet(
        name=_name(settings),
        model=model.to(device=device, dtype=dtype),
        device=device,
        dtype=dtype,
        cutoff=float(model.graph_converter.atom_graph_cutoff),
        angle_cutoff=float(model.graph_converter.bond_graph_cutoff),
        elements=_elements(model),
        memory=memory,
        budget=budget_of(memory, BYTES_PER_EDGE, on_cpu=CPU_EDGES),
    )


@dataclass(frozen=True, eq=False)
class CHGNet(BatchedForceField):
    """A loaded CHGNet: a ``core.protocols.ForceField``."""

    model: Any  # chgnet.model.CHGNet
    angle_cutoff: float  # Å, of the two bonds of an angle

    def forward(self, copies: Sequence[Copy]) -> Result:
        """Evaluate one batch in one pass."""
        graphs = graphs_of(copies, self.cutoff)
        tensors = to_device(_arrays(graphs, self.angle_cutoff), self.device, self.dtype)
        tensors["vectors"].requires_grad_(True)
        return result_of(graphs, tensors, _energies(self.model, tensors))


def _name(settings: ModelSettings) -> str:
    """Name of the potential; for a local checkpoint without name, the file's stem."""
    if settings.name is not None:
        return settings.name
    return DEFAULT if settings.weights is None else settings.weights.stem


def _checkpoint(settings: ModelSettings) -> Path:
    """Path of the local or bundled checkpoint."""
    if settings.weights is not None:
        path = existing(settings.weights)
    else:
        card = card_named(CARDS, _name(settings))
        path = existing(package_folder("chgnet") / "pretrained" / BUNDLED[card.name])
    chosen_head((), settings.head, path)
    return path


def _read(path: Path) -> Any:
    """Build the network that a checkpoint holds."""
    import torch
    from chgnet.model import CHGNet as Network
    from chgnet.model.composition_model import AtomRef

    state = torch.load(path, map_location="cpu", weights_only=False)["model"]
    if any(key.endswith("mlp_out.layers.1.bias") for key in state["state_dict"]):
        raise ModelUnavailableError(
            f"{path} is a CHGNet as of 0.2.0, whose energy jumps where an angle appears; use 0.3.0"
        )
    model = Network.from_dict(state)
    reference = model.composition_model
    if not (isinstance(reference, AtomRef) and reference.is_intensive and model.is_intensive):
        raise ModelUnavailableError(
            f"{path} is a CHGNet without reference energies per atom, as the published ones have"
        )
    return model.eval().requires_grad_(False)


def _elements(model: Any) -> frozenset[str]:
    """Symbols of the elements of MPtrj that have a fitted reference energy."""
    energies = model.composition_model.fc.weight[0].tolist()
    fitted = {chemical_symbols[z] for z, e in enumerate(energies, start=1) if abs(e) > _FITTED}
    return MPTRJ & fitted


def _arrays(graphs: Graphs, short: float) -> dict[str, Any]:
    """Bonds, and angles between bonds shorter than ``short`` (Å)."""
    bond, first = bonds_of(graphs.edge_index, graphs.shifts)
    lengths = np.linalg.norm(graphs.vectors, axis=1)
    left, right = pairs_of_edges(graphs.edge_index[0], np.flatnonzero(lengths < short))
    return {
        "numbers": graphs.numbers,
        "crystal_of": graphs.crystal_of,
        "n_atoms": np.diff(graphs.first),
        "edge_index": graphs.edge_index,
        "vectors": graphs.vectors,
        "bond": bond,
        "first": first,
        "left": left,
        "right": right,
        "angles": np.stack([graphs.edge_index[0, left], bond[left], bond[right]], axis=1),
    }


def _energies(model: Any, tensors: dict[str, Any]) -> Any:
    """Energies of the crystals of a batch, (m,) eV."""
    from chgnet.model.model import BatchedGraph

    vectors, owners = tensors["vectors"], tensors["crystal_of"]
    lengths = vectors.norm(dim=1)
    directions = vectors / lengths[:, None]
    bond_lengths = lengths[tensors["first"]]
    radial = model.bond_basis_expansion
    graph = BatchedGraph(
        atomic_numbers=tensors["numbers"],
        bond_bases_ag=radial.rbf_expansion_ag(bond_lengths),
        bond_bases_bg=radial.rbf_expansion_bg(bond_lengths),
        angle_bases=model.angle_basis_expansion(
            directions[tensors["left"]], directions[tensors["right"]]
        ),
        batched_atom_graph=tensors["edge_index"].T,
        batched_bond_graph=tensors["angles"],
        atom_owners=owners,
        directed2undirected=tensors["bond"],
        atom_positions=(),
        strains=(),
        volumes=(),
    )
    per_atom = model._compute(graph)["e"]
    references = model.composition_model.fc.weight[0, tensors["numbers"] - 1]
    return (per_atom * tensors["n_atoms"]).index_add(0, owners, references)
