"""SevenNet potentials (Park et al., J. Chem. Theory Comput. 20, 4857, 2024), several cells per call.

The networks were trained in float32 and are evaluated in float64 unless the settings ask for
float32: finite differences of forces at 0.03 Å need it, and it costs 1.7 times the time (LiBr,
64 atoms, one core: 0.41 s and 0.70 s; forces differ by 7e-7 eV/Å at most, the noise of float32).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from ase.data import chemical_symbols

from screen.core.errors import ModelUnavailableError
from screen.core.protocols import ModelIdentity
from screen.core.settings import ModelSettings
from screen.models._batched import BatchedForceField
from screen.models._batches import Result
from screen.models._download import checked_digest, download, weights_folder
from screen.models._kernels import checked_kernels, require_cuequivariance
from screen.models._sevennet_cards import BUNDLED, CARDS, DOWNLOADS, HEADS, RELEASES
from screen.models._topology import Copy, graphs_of
from screen.models._torch import budget_of, memory_of, quiet, to_device, torch_device, torch_dtype
from screen.models._weights import (
    card_named,
    chosen_head,
    digest_of,
    existing,
    name_with,
    package_folder,
    package_version,
    reading,
)

PACKAGE = "sevenn"
DEFAULT = "sevennet-0"

# On a CPU a batch hardly pays (one core): LiBr, 64 atoms (1,664 edges), float64: 0.87 s per cell
# alone, 0.91 s in batches of 2, 1.12 s of 4 (the messages leave the cache); float32: 0.47, 0.46
# and 0.51 s. Cells of 8 atoms (208 edges): 4 % less in batches of 2 to 4 in float64, 18 % in float32.
CPU_EDGES = 800
# Peak memory per edge in float64: 276 kB for sevennet-0, 598 kB for l3i5 (measured at 11,232 edges)
BYTES_PER_EDGE = 600e3

_VOIGT_TO_MATRIX = [[0, 3, 5], [3, 1, 4], [5, 4, 2]]  # sevenn's order: xx yy zz xy yz zx


def identify(settings: ModelSettings) -> ModelIdentity:
    """Resolve the checkpoint; a named potential that is not at hand is downloaded.

    Raises
    ------
    ModelUnavailableError
        sevenn or the checkpoint is missing or corrupt, the name is unknown, or the download
        failed.
    """
    installed = package_version(PACKAGE, "sevennet")
    return ModelIdentity(
        family="sevennet",
        name=_name(settings),
        weights_digest=digest_of(_checkpoint(settings), _wanted_head(settings)),
        dtype=settings.dtype,
        package=PACKAGE,
        package_version=installed,
    )


def load(settings: ModelSettings) -> SevenNet:
    """Load a checkpoint.

    Raises
    ------
    ModelUnavailableError
        sevenn or the checkpoint is missing, corrupt or unreadable, the name, the device or the
        head (fidelity) is unknown, or the accelerated kernels are missing or wrong.
    """
    package_version(PACKAGE, "sevennet")
    path = _checkpoint(settings)
    checked_digest(path)
    device, dtype = torch_device(settings.device), torch_dtype(settings.dtype)
    with quiet(), reading(path, "SevenNet checkpoint"):
        model = _build(path, dtype)
    heads = model.modal_map or {}
    head = chosen_head(list(heads), _wanted_head(settings), path)
    memory = memory_of(device)
    plain = SevenNet(
        name=_name(settings),
        model=model.to(device),
        device=device,
        dtype=dtype,
        cutoff=float(model.cutoff),
        modal=None if head is None else int(heads[head]),
        elements=frozenset(chemical_symbols[number] for number in model.type_map),
        memory=memory,
        budget=budget_of(memory, BYTES_PER_EDGE, on_cpu=CPU_EDGES),
    )
    if settings.kernels == "plain":
        return plain
    fast = replace(plain, model=_accelerated(path, device, dtype))
    checked_kernels(plain, fast, settings.dtype)
    return fast


@dataclass(frozen=True, eq=False)
class SevenNet(BatchedForceField):
    """A loaded SevenNet: a ``core.protocols.ForceField``."""

    model: Any  # sevenn's AtomGraphSequential
    modal: int | None  # number of the level of theory, where the checkpoint has several

    def forward(self, copies: Sequence[Copy]) -> Result:
        """Evaluate one batch in one pass."""
        import sevenn._keys as keys

        data = self.inputs(copies)
        n_atoms = len(data[keys.POS])
        output = self.model(data)
        energies = output[keys.PRED_TOTAL_ENERGY].detach().cpu().numpy().reshape(-1)
        if keys.PRED_FORCE not in output:  # no edge at all: free atoms
            return energies, np.zeros((n_atoms, 3)), np.zeros((len(copies), 3, 3))
        forces = output[keys.PRED_FORCE].detach().cpu().numpy()
        # sevenn returns the virial over the volume, the negative of the stress
        voigt = -output[keys.PRED_STRESS].detach().cpu().numpy()
        return energies, forces, voigt[:, _VOIGT_TO_MATRIX]

    def inputs(self, copies: Sequence[Copy]) -> dict[str, Any]:
        """Tensors that the network reads."""
        import sevenn._keys as keys

        graphs = graphs_of(copies, self.cutoff)
        arrays = {
            keys.NODE_FEATURE: graphs.numbers,
            keys.ATOMIC_NUMBERS: graphs.numbers,
            keys.POS: graphs.positions,
            keys.EDGE_IDX: graphs.edge_index,
            keys.EDGE_VEC: graphs.vectors,
            keys.CELL_VOLUME: np.abs(np.linalg.det(graphs.lattices)),
            keys.NUM_ATOMS: np.diff(graphs.first),
            keys.BATCH: graphs.crystal_of,
        }
        if self.modal is not None:
            arrays[keys.MODAL_TYPE] = np.full(len(copies), self.modal)
        return to_device(arrays, self.device, self.dtype)


def _name(settings: ModelSettings) -> str:
    """Name of the card, or of a local file without name its stem; and the head that is chosen."""
    if settings.weights is not None:
        return name_with(settings.head, settings.name or settings.weights.stem)
    return name_with(settings.head, settings.name or DEFAULT)


def _wanted_head(settings: ModelSettings) -> str | None:
    """Level of theory that the settings or the card ask for."""
    if settings.head is not None or settings.weights is not None:
        return settings.head
    return HEADS.get(settings.name or DEFAULT)


def _checkpoint(settings: ModelSettings) -> Path:
    """Path of the local, bundled or downloaded checkpoint."""
    if settings.weights is not None:
        return existing(settings.weights)
    name = card_named(CARDS, settings.name or DEFAULT).name
    if name in BUNDLED:
        return existing(package_folder(PACKAGE) / "pretrained_potentials" / BUNDLED[name])
    url = f"{RELEASES}/{DOWNLOADS[name]}"
    return download(url, weights_folder("sevennet") / Path(DOWNLOADS[name]).name)


def _accelerated(path: Path, device: Any, dtype: Any) -> Any:
    """Build the network with the kernels of cuequivariance."""
    require_cuequivariance()
    if device.type != "cuda":  # sevenn would silently build the plain ones
        raise ModelUnavailableError(
            f"sevenn runs the kernels of cuequivariance on a GPU only, the device is {device}; use "
            "kernels = 'plain'"
        )
    with quiet():
        return _build(path, dtype, enable_cueq=True).to(device)


def _build(path: Path, dtype: Any, **kernels: bool) -> Any:
    """Build the network, ready for batches that name their level of theory by its number."""
    import sevenn.train.dataload  # noqa: F401  # here, so that what it warns is hidden
    from sevenn.checkpoint import SevenNetCheckpoint

    model = SevenNetCheckpoint(path).build_model(**kernels).to(dtype)
    model.eval().requires_grad_(False)
    model.set_is_batch_data(True)
    model.eval_modal_map = False
    # sevenn's one-hot embeddings are always float32: lift their outputs to the weights' type.
    for name in ("onehot_idx_to_onehot", "one_hot_modality"):
        if name in model._modules:
            model._modules[name].register_forward_hook(partial(_lift_one_hot, dtype))
    return model


def _lift_one_hot(dtype: Any, module: Any, _inputs: Any, data: Any) -> Any:
    """Turn one-hot features into the weights' type."""
    for key in (module.key_output, module.key_additional_output):
        if key is not None:
            data[key] = data[key].to(dtype)
    return data
