"""SevenNet potentials (Park et al., J. Chem. Theory Comput. 20, 4857, 2024), several cells per call.

The networks were trained in float32 and are evaluated in float64: finite differences of forces
at 0.03 Å need it, and it costs 1.7 times the time (LiBr, 64 atoms, one core: 0.41 s and 0.70 s;
forces differ by 7e-7 eV/Å at most, the noise of float32).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols

from screen.core.crystal import Crystal
from screen.core.digest import digest_of_file
from screen.core.errors import ModelUnavailableError
from screen.core.protocols import ModelCard, ModelIdentity, check_elements
from screen.core.records import Evaluation
from screen.core.settings import ModelSettings
from screen.models._batches import Result, batches, gathered
from screen.models._elements import MPTRJ
from screen.models._torch import edge_budget, quiet, torch_device
from screen.models._weights import card_named, existing, package_folder, package_version, reading

PACKAGE = "sevenn"
DEFAULT = "sevennet-0"
DTYPE = "float64"

_MATBENCH = "matbench-discovery, July 2026"
_SHARED: dict[str, Any] = {
    "family": "sevennet",
    "licence": "MIT",
    "citation": "Park et al., J. Chem. Theory Comput. 20, 4857 (2024)",
    "training_set": "MPtrj",
    "functional": "PBE, PBE+U as in the Materials Project",
    "bundled": True,
    "elements": MPTRJ,
}
CARDS = (
    ModelCard(
        name="sevennet-0",
        description="SevenNet-0 of 11 July 2024: lmax 2, 5 layers, 0.84 M parameters",
        cutoff=5.0,
        kappa_srme=0.767,
        kappa_srme_source="k_SRME",
        **_SHARED,
    ),
    ModelCard(
        name="sevennet-l3i5",
        description="SevenNet-l3i5: lmax 3, 5 layers; 2.8 times the cost of sevennet-0",
        cutoff=5.0,
        kappa_srme=0.550,
        kappa_srme_source=_MATBENCH,
        **_SHARED,
    ),
)
_BUNDLED = {
    "sevennet-0": "SevenNet_0__11Jul2024/checkpoint_sevennet_0.pth",
    "sevennet-l3i5": "SevenNet_l3i5/checkpoint_l3i5.pth",
}

# On a CPU a batch does not pay: LiBr, 64 atoms (1,664 edges), float64, one core: 0.70 s per cell
# alone, 1.0 s per cell in batches of 4 (the messages leave the cache). Cells of 8 atoms
# (208 edges) gain 3–8 % in batches of 2 to 4 and lose from 8 on.
CPU_EDGES = 800
# Peak memory per edge in float64: 276 kB for sevennet-0, 598 kB for l3i5 (measured at 11,232 edges)
BYTES_PER_EDGE = 600e3

_VOIGT_TO_MATRIX = [[0, 3, 5], [3, 1, 4], [5, 4, 2]]  # sevenn's order: xx yy zz xy yz zx


def identify(settings: ModelSettings) -> ModelIdentity:
    """Resolve the checkpoint; see ``core.protocols.ModelModule``.

    Raises
    ------
    ModelUnavailableError
        sevenn or the checkpoint is missing, or the name is unknown.
    """
    installed = package_version(PACKAGE, "sevennet")
    path = _checkpoint(settings)
    return ModelIdentity(
        family="sevennet",
        name=_name(settings),
        weights_digest=digest_of_file(path),
        dtype=DTYPE,
        package=PACKAGE,
        package_version=installed,
    )


def load(settings: ModelSettings) -> SevenNet:
    """Load a checkpoint in float64.

    Raises
    ------
    ModelUnavailableError
        sevenn or the checkpoint is missing or unreadable, the name or the device is unknown, or
        the checkpoint has several fidelities.
    """
    package_version(PACKAGE, "sevennet")
    path = _checkpoint(settings)
    device = torch_device(settings.device)
    with quiet(), reading(path, "SevenNet checkpoint"):
        model = _build(path)
    if model.modal_map:
        raise ModelUnavailableError(
            f"{path} has several fidelities ({', '.join(model.modal_map)}); "
            "only checkpoints of one fidelity are supported"
        )
    return SevenNet(
        name=_name(settings),
        model=model.to(device),
        device=device,
        elements=frozenset(chemical_symbols[number] for number in model.type_map),
    )


@dataclass(frozen=True, eq=False)
class SevenNet:
    """A loaded SevenNet: a ``core.protocols.ForceField``."""

    name: str
    model: Any  # sevenn's AtomGraphSequential, float64
    device: Any  # torch.device
    elements: frozenset[str]

    def evaluate(self, crystals: Sequence[Crystal]) -> Evaluation:
        """Energies, forces and stresses; see ``core.protocols.ForceField``.

        Raises
        ------
        UnsupportedElementError
            A crystal holds an element without training data.
        EvaluationError
            A result is not finite.
        """
        for crystal in crystals:
            check_elements(self.elements, crystal, self.name)
        graphs = (_graph(crystal, float(self.model.cutoff)) for crystal in crystals)
        budget = edge_budget(self.device, BYTES_PER_EDGE, on_cpu=CPU_EDGES)
        results = (
            _forward(self.model, self.device, batch) for batch in batches(graphs, _n_edges, budget)
        )
        return gathered(self.name, crystals, results)


def _name(settings: ModelSettings) -> str:
    """Name of the potential; for a local checkpoint without name, the file's stem."""
    if settings.name is not None:
        return settings.name
    return DEFAULT if settings.weights is None else settings.weights.stem


def _checkpoint(settings: ModelSettings) -> Path:
    """Path of the local or bundled checkpoint."""
    if settings.weights is not None:
        return existing(settings.weights)
    card = card_named(CARDS, _name(settings))
    return existing(package_folder(PACKAGE) / "pretrained_potentials" / _BUNDLED[card.name])


def _build(path: Path) -> Any:
    """Build the network in float64, ready for batches."""
    import sevenn.train.dataload  # noqa: F401  # here, so that what it warns is hidden
    import torch_geometric.loader.dataloader  # noqa: F401  # the same
    from sevenn.checkpoint import SevenNetCheckpoint

    model = SevenNetCheckpoint(path).build_model().double().eval().requires_grad_(False)
    model.set_is_batch_data(True)
    # sevenn's one-hot embedding is always float32: lift its outputs to the weights' type.
    embedding = model._modules["onehot_idx_to_onehot"]
    embedding.register_forward_hook(_lift_one_hot)
    return model


def _lift_one_hot(module: Any, _inputs: Any, data: Any) -> Any:
    """Turn the one-hot node features into float64."""
    for key in (module.key_output, module.key_additional_output):
        if key is not None:
            data[key] = data[key].double()
    return data


def _graph(crystal: Crystal, cutoff: float) -> Any:
    """Neighbour graph of one crystal, edge vectors in float64."""
    import torch
    from sevenn.atom_graph_data import AtomGraphData
    from sevenn.train.dataload import unlabeled_atoms_to_graph

    atoms = Atoms(crystal.numbers, crystal.positions, cell=crystal.lattice, pbc=True)
    arrays = unlabeled_atoms_to_graph(atoms, cutoff)
    tensors = {
        key: torch.as_tensor(value)
        for key, value in arrays.items()
        if isinstance(value, np.ndarray)
    }
    return AtomGraphData(**tensors)


def _n_edges(graph: Any) -> int:
    """Return the number of directed edges."""
    return int(graph.num_edges)


def _forward(model: Any, device: Any, graphs: list[Any]) -> Result:
    """Evaluate one batch in one pass."""
    import sevenn._keys as keys
    from torch_geometric.loader.dataloader import Collater

    data = Collater([], follow_batch=None, exclude_keys=None)(graphs).to(device)
    n_atoms = data[keys.POS].shape[0]
    output = model(data)
    energies = output[keys.PRED_TOTAL_ENERGY].detach().cpu().numpy().reshape(-1)
    if keys.PRED_FORCE not in output:  # no edge at all: free atoms
        return energies, np.zeros((n_atoms, 3)), np.zeros((len(graphs), 3, 3))
    forces = output[keys.PRED_FORCE].detach().cpu().numpy()
    # sevenn returns the virial over the volume, the negative of the stress
    voigt = -output[keys.PRED_STRESS].detach().cpu().numpy()
    return energies, forces, voigt[:, _VOIGT_TO_MATRIX]
