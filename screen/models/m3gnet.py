"""M3GNet potentials (Chen and Ong, Nat. Comput. Sci. 2, 718, 2022) in matgl, several cells per call.

A named potential is downloaded into Thermoscreen's data folder; ``weights`` names a folder that
matgl saved: ``model.pt``, ``state.pt`` and ``model.json``. A network that matgl before 3.0 trained
looks the same but was made for messages that went the wrong way (matgl's change log, 3.0.0): it
gives wrong numbers. Among them is the network of the published κ_SRME, which its authors withdrew.

LiBr, 64 atoms, one core, per cell: 75 ms with matgl's calculator in float32, 70 ms here; 117 ms in
float64, of which 0.5 ms are the graph.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from ase.data import atomic_numbers

from screen.core.crystal import N_ELEMENTS, IntArray
from screen.core.digest import digest_of_json
from screen.core.errors import ModelUnavailableError
from screen.core.protocols import ModelIdentity
from screen.core.settings import ModelSettings
from screen.models._batched import BatchedForceField
from screen.models._batches import Result
from screen.models._download import checked_digest, download, weights_folder
from screen.models._edges import pairs_of_edges, result_of
from screen.models._m3gnet_cards import CARDS, HUB, REPOSITORIES, WITHDRAWN
from screen.models._topology import Copy, graphs_of
from screen.models._torch import budget_of, memory_of, quiet, to_device, torch_device, torch_dtype
from screen.models._weights import card_named, chosen_head, package_version, reading

PACKAGE = "matgl"
DEFAULT = "m3gnet-matpes-pbe-2025.2"
FILES = ("model.pt", "state.pt", "model.json")
# One core, float64: cells of 8 atoms (208 edges) gain 37 % in batches of 8; cells of 64 atoms
# (1,664 edges) take the same time in batches of 1 to 4.
CPU_EDGES = 2048
BYTES_PER_EDGE = 100e3  # peak memory in float64: 66 kB for LiBr, 79 kB for MgO


def identify(settings: ModelSettings) -> ModelIdentity:
    """Resolve the weights; a named potential that is not at hand is downloaded.

    Raises
    ------
    ModelUnavailableError
        matgl or the weights are missing or corrupt, the name or the head is unknown, or the
        download failed.
    """
    installed = package_version(PACKAGE, "m3gnet")
    folder = _folder(settings)
    return ModelIdentity(
        family="m3gnet",
        name=_name(settings),
        weights_digest=_digest(folder),
        dtype=settings.dtype,
        package=PACKAGE,
        package_version=installed,
    )


def load(settings: ModelSettings) -> M3GNet:
    """Load a potential.

    Raises
    ------
    ModelUnavailableError
        matgl or the weights are missing or unreadable, the name, the head or the device is
        unknown, or the network is none that was trained as a potential by matgl 3.0 or later.
    """
    package_version(PACKAGE, "m3gnet")
    folder = _folder(settings)
    _digest(folder)
    device, dtype = torch_device(settings.device), torch_dtype(settings.dtype)
    with quiet(), reading(folder, "M3GNet potential of matgl"):
        potential = _read(folder)
    memory = memory_of(device)
    return M3GNet(
        name=_name(settings),
        potential=potential.to(device=device, dtype=dtype),
        device=device,
        dtype=dtype,
        cutoff=float(potential.model.cutoff),
        elements=frozenset(potential.model.element_types),
        memory=memory,
        budget=budget_of(memory, BYTES_PER_EDGE, on_cpu=CPU_EDGES),
    )


@dataclass(frozen=True, eq=False)
class M3GNet(BatchedForceField):
    """A loaded M3GNet: a ``core.protocols.ForceField``."""

    potential: Any  # matgl.apps.pes.Potential

    def forward(self, copies: Sequence[Copy]) -> Result:
        """Evaluate one batch in one pass."""
        graphs = graphs_of(copies, self.cutoff)
        arrays = {
            "node_type": _types(self.potential.model.element_types)[graphs.numbers],
            "crystal_of": graphs.crystal_of,
            "edge_index": graphs.edge_index,
            "vectors": graphs.vectors,
        }
        tensors = to_device(arrays, self.device, self.dtype)
        tensors["vectors"].requires_grad_(True)
        return result_of(graphs, tensors, _energies(self.potential, tensors, len(copies)))


def _name(settings: ModelSettings) -> str:
    """Name of the potential; for a local folder without name, the folder's."""
    if settings.name is not None:
        return settings.name
    return DEFAULT if settings.weights is None else settings.weights.absolute().name


def _folder(settings: ModelSettings) -> Path:
    """Local or downloaded folder of the weights."""
    folder = _local(settings.weights) if settings.weights else _downloaded(_name(settings))
    chosen_head((), settings.head, folder)
    return folder


def _local(weights: Path) -> Path:
    """Folder that the settings name."""
    folder = weights.expanduser().absolute()
    if not folder.exists():
        raise ModelUnavailableError(f"there is no weights file {folder}")
    missing = [file for file in FILES if not (folder / file).is_file()]
    if missing:
        raise ModelUnavailableError(
            f"{folder} is no folder that matgl saved: it has no {', '.join(missing)}; give the "
            "folder itself as weights"
        )
    return folder


def _downloaded(name: str) -> Path:
    """Folder of a named potential, fetched if need be."""
    card_named(CARDS, name)
    if name == WITHDRAWN:
        raise ModelUnavailableError(
            f"{name} cannot be loaded: matgl before 3.0, which trained it, passed messages the "
            f"wrong way, and its authors have withdrawn it; use {DEFAULT}"
        )
    folder = weights_folder("m3gnet") / name
    for file in FILES:
        download(f"{HUB}/{REPOSITORIES[name]}/resolve/main/{file}", folder / file)
    return folder


def _digest(folder: Path) -> str:
    """Digest of the network's arguments and parameters, compared with the recorded ones."""
    return digest_of_json([checked_digest(folder / file) for file in ("model.pt", "state.pt")])


def _read(folder: Path) -> Any:
    """Read a potential that matgl saved."""
    from matgl.apps.pes import Potential
    from matgl.models import M3GNet as Network

    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Incompatible model version")
        try:
            potential = Potential.load(folder)
        except UserWarning as warning:
            raise ModelUnavailableError(
                f"{folder} was saved by an older matgl, for which the network is another one; use "
                f"{DEFAULT} or train it again"
            ) from warning
    if not isinstance(potential.model, Network):
        kind = type(potential.model).__name__
        raise ModelUnavailableError(f"{folder} is no M3GNet potential but a {kind}")
    model = potential.model
    if model.is_intensive or model.include_state or potential.calc_repuls:
        raise ModelUnavailableError(
            f"{folder} is an M3GNet that is intensive, needs a state or adds a repulsion; use a "
            "potential as matgl publishes them"
        )
    return potential.eval().requires_grad_(False)


def _types(elements: Sequence[str]) -> IntArray:
    """Index of each atomic number in the network's list of elements."""
    types = np.zeros(N_ELEMENTS + 1, dtype=np.int64)
    types[[atomic_numbers[symbol] for symbol in elements]] = np.arange(len(elements))
    return types


def _energies(potential: Any, tensors: dict[str, Any], n_crystals: int) -> Any:
    """Energies of the crystals of a batch, (m,) eV."""
    import torch

    vectors, edge_index = tensors["vectors"], tensors["edge_index"]
    lengths = torch.norm(vectors.detach(), dim=1)
    short = torch.nonzero(lengths <= potential.model.threebody_cutoff).squeeze(1)
    pairs = pairs_of_edges(edge_index[0].cpu().numpy(), short.cpu().numpy())
    triples = to_device({"pairs": np.stack(pairs)}, vectors.device, vectors.dtype)["pairs"]
    graph = SimpleNamespace(
        node_type=tensors["node_type"],
        edge_index=edge_index,
        # all atoms at the origin, so that the shifts are the vectors of the edges
        pos=vectors.new_zeros((len(tensors["node_type"]), 3)),
        pbc_offshift=vectors,
        batch=tensors["crystal_of"],
        num_graphs=n_crystals,
    )
    line_graph = {
        "line_edge_index": triples,
        "n_triple_ij": torch.bincount(triples[0], minlength=len(vectors)),
        "kept_edge_ids": short,
    }
    energies = potential.model(g=graph, l_g=line_graph).reshape(-1)
    potential.model.feature_dict = {}  # matgl would keep the batch alive
    energies = potential.data_std * energies + potential.data_mean
    if potential.element_refs is None:
        return energies
    return energies + potential.element_refs(graph).reshape(-1)
