"""MACE potentials (Batatia et al., NeurIPS 2022), several cells per call.

A named potential that is not in mace's own cache (``$XDG_CACHE_HOME/mace``, by default
``~/.cache/mace``) is downloaded, see ``_download``; any other is a local ``.model`` file.
A ``.model`` file is a pickle: opening it runs what is in it, so use files of known origin only.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from ase.data import chemical_symbols

from screen.core.catalogs import catalog_path
from screen.core.crystal import IntArray
from screen.core.errors import ModelUnavailableError
from screen.core.protocols import ModelIdentity
from screen.core.settings import ModelSettings
from screen.models._batched import BatchedForceField
from screen.models._batches import Result
from screen.models._download import checked_digest, download, weights_folder
from screen.models._kernels import checked_kernels, require_cuequivariance
from screen.models._mace_cards import (
    CARDS,
    DOWNLOADS,
    EMBEDDED,
    EMBEDDED_FILE,
    LOADER_NAMES,
)
from screen.models._topology import Copy, graphs_of
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
    name_with,
    package_version,
    reading,
)

PACKAGE = "mace-torch"
DEFAULT = "mace-mpa-0"
_CARD_NAMES = {loader: card for card, loader in LOADER_NAMES.items()}

# On a CPU batches pay as long as the messages, channels times spherical harmonics per edge, stay in
# the caches. LiBr, float64, one core: a network of MPA-0's size (2,048 numbers per edge) gains 17 %
# from batches of 4 cells of 8 atoms (256 edges each) and loses 24 % with 3 of 64 atoms (2,048
# edges); one of 8 channels (72 numbers) takes 8.1 ms for a cell of 8 atoms alone, 2.1 ms in a batch
# of 16, and 20 ms for one of 64 atoms (1,152 edges) alone, 14 ms in batches of 4, 15 ms of 16.
CPU_NUMBERS = 1024 * 2048
CPU_EDGES = 8192  # at most
BYTES_PER_EDGE = 500e3  # 250 kB of peak memory per edge measured for that network, and a reserve


def identify(settings: ModelSettings) -> ModelIdentity:
    """Resolve the weights; a named potential that is not at hand is downloaded.

    Raises
    ------
    ModelUnavailableError
        mace or the weights are missing or corrupt, the name is unknown, or the download failed.
    """
    installed = package_version(PACKAGE, "mace")
    return ModelIdentity(
        family="mace",
        name=_name(settings),
        weights_digest=digest_of(_weights(settings), settings.head),
        dtype=settings.dtype,
        package=PACKAGE,
        package_version=installed,
    )


def load(settings: ModelSettings) -> Mace:
    """Load a potential.

    Raises
    ------
    ModelUnavailableError
        mace or the weights are missing, corrupt or unreadable, the name, the device or the head
        is unknown, or the accelerated kernels are missing or wrong.
    """
    package_version(PACKAGE, "mace")
    path = _weights(settings)
    checked_digest(path)
    device, dtype = torch_device(settings.device), torch_dtype(settings.dtype)
    with quiet(), reading(path, "MACE model"):
        model = _read(path)
    heads = list(getattr(model, "heads", None) or ["Default"])
    numbers = [int(number) for number in model.atomic_numbers]
    memory = memory_of(device)
    plain = Mace(
        name=_name(settings),
        model=model.to(device, dtype).eval().requires_grad_(False),
        device=device,
        dtype=dtype,
        cutoff=float(model.r_max),
        heads=heads,
        head=str(chosen_head(heads, settings.head, path)),
        numbers=np.array(numbers),
        elements=frozenset(chemical_symbols[number] for number in numbers),
        memory=memory,
        budget=budget_of(memory, BYTES_PER_EDGE, on_cpu=_edges_on_cpu(model)),
    )
    if settings.kernels == "plain":
        return plain
    fast = replace(plain, model=_accelerated(plain.model, device, settings.dtype))
    checked_kernels(plain, fast, settings.dtype)
    return fast


@dataclass(frozen=True, eq=False)
class Mace(BatchedForceField):
    """A loaded MACE: a ``core.protocols.ForceField``."""

    model: Any  # mace.modules.MACE
    heads: list[str]  # readouts; networks trained on several levels of theory have several
    head: str  # the one used
    numbers: IntArray  # atomic numbers in the order of the network's species

    def forward(self, copies: Sequence[Copy]) -> Result:
        """Evaluate one batch in one pass."""
        output = self.model(self.inputs(copies), compute_stress=True)
        energies, forces, stresses = (
            output[key].detach().cpu().numpy() for key in ("energy", "forces", "stress")
        )
        return energies, forces, stresses

    def inputs(self, copies: Sequence[Copy]) -> dict[str, Any]:
        """Tensors that the network reads; those that mace derives from the stress are left out."""
        graphs = graphs_of(copies, self.cutoff)
        arrays = {
            "positions": graphs.positions,
            "cell": graphs.lattices.reshape(-1, 3),
            "node_attrs": (graphs.numbers[:, None] == self.numbers).astype(float),
            "edge_index": graphs.edge_index,
            "unit_shifts": graphs.shifts,
            "batch": graphs.crystal_of,
            "ptr": graphs.first,
            "head": np.full(len(graphs.lattices), self.heads.index(self.head)),
        }
        return to_device(arrays, self.device, self.dtype)


def _name(settings: ModelSettings) -> str:
    """Name of the card, or of a local file without name its stem; and the head that is chosen."""
    if settings.weights is not None:
        name = settings.name or settings.weights.stem
    else:
        name = settings.name or DEFAULT
        name = _CARD_NAMES.get(name, name)
    return name_with(settings.head, name)


def _weights(settings: ModelSettings) -> Path:
    """Path of the local or embedded file, of the one in mace's own cache, or of our download."""
    if settings.weights is not None:
        return existing(settings.weights)
    name = settings.name or DEFAULT
    card = card_named(CARDS, _CARD_NAMES.get(name, name))
    if card is EMBEDDED:
        return catalog_path(EMBEDDED_FILE)
    address = DOWNLOADS[card.name]
    file = Path(address).name
    cached = _cached_by_mace(file)
    return cached if cached.is_file() else download(address, weights_folder("mace") / file)


def _cached_by_mace(file: str) -> Path:
    """Where mace itself keeps a download (``foundations_models``), without importing torch."""
    folder = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return folder / "mace" / "".join(c for c in file if c.isalnum() or c == "_")


def _read(path: Path) -> Any:
    """Read a ``.model`` file."""
    import mace  # noqa: F401  # before e3nn and torch.load: sets how e3nn's constants are read
    import torch

    model = torch.load(path, map_location="cpu", weights_only=False)
    if not isinstance(model, torch.nn.Module) or not hasattr(model, "r_max"):
        raise ModelUnavailableError(
            f"{path} is no MACE model but a {type(model).__name__}; use the .model file that mace "
            "writes (not a checkpoint, not a LAMMPS file)"
        )
    return model


def _edges_on_cpu(model: Any) -> int:
    """Return the edges of a batch on a CPU."""
    channels = model.node_embedding.linear.irreps_out.dim
    harmonics = model.spherical_harmonics.irreps_out.dim
    return int(min(CPU_NUMBERS // (channels * harmonics), CPU_EDGES))


def _accelerated(model: Any, device: Any, dtype: str) -> Any:
    """Return the network with the kernels of cuequivariance."""
    require_cuequivariance()
    with quiet():
        from mace.cli.convert_e3nn_cueq import run
        from mace.tools.torch_tools import default_dtype

        with default_dtype(dtype):  # mace's conversion leaves another one behind
            fast = run(model, device=device.type)
    return fast.to(device).eval().requires_grad_(False)
