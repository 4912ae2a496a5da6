"""MACE potentials (Batatia et al., NeurIPS 2022), several cells per call, in float64.

A named potential is downloaded by mace's own loader into mace's cache folder
(``$XDG_CACHE_HOME/mace``, by default ``~/.cache/mace``); any other is a local ``.model`` file.
A ``.model`` file is a pickle: opening it runs what is in it, so use files of known origin only.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
from screen.models._weights import card_named, existing, package_version, reading

PACKAGE = "mace-torch"
DEFAULT = "mace-mpa-0"
DTYPE = "float64"

_MIT = "MIT"
_ACADEMIC = "ASL (academic, non-commercial)"
_PBE = "PBE, PBE+U as in the Materials Project"
_R2SCAN = "r2SCAN"


_SOURCE = "k_SRME"


def _card(
    name: str,
    description: str,
    training_set: str,
    functional: str,
    licence: str,
    kappa_srme: float | None = None,
) -> ModelCard:
    return ModelCard(
        name=name,
        family="mace",
        description=description,
        training_set=training_set,
        functional=functional,
        licence=licence,
        citation="Batatia et al., arXiv:2401.00096",
        bundled=False,
        cutoff=6.0,
        elements=MPTRJ,
        kappa_srme=kappa_srme,
        kappa_srme_source=None if kappa_srme is None else _SOURCE,
    )


CARDS = (
    _card("mace-mpa-0", "MPA-0, medium", "MPtrj and sAlex", _PBE, _MIT, 0.412),
    _card("mace-mp-0-small", "MP-0, 128 scalars", "MPtrj", _PBE, _MIT),
    _card("mace-mp-0-medium", "MP-0, 128 scalars and vectors", "MPtrj", _PBE, _MIT, 0.688),
    _card("mace-mp-0-large", "MP-0, up to l = 2, of September 2022", "MPtrj", _PBE, _MIT, 0.935),
    _card("mace-mp-0b3-medium", "MP-0b3: stable phonons and high pressure", "MPtrj", _PBE, _MIT),
    _card("mace-omat-0-small", "OMAT-0, small", "OMat24", "PBE, PBE+U", _ACADEMIC),
    _card("mace-omat-0", "OMAT-0, medium", "OMat24", "PBE, PBE+U", _ACADEMIC),
    _card("mace-matpes-pbe-0", "OMAT-0 tuned on MatPES", "OMat24, MatPES", "PBE", _ACADEMIC),
    _card("mace-matpes-r2scan-0", "OMAT-0 tuned on MatPES", "OMat24, MatPES", _R2SCAN, _ACADEMIC),
)
_LOADER_NAMES = {  # card -> name that mace's loader knows
    "mace-mpa-0": "medium-mpa-0",
    "mace-mp-0-small": "small",
    "mace-mp-0-medium": "medium",
    "mace-mp-0-large": "large",
    "mace-mp-0b3-medium": "medium-0b3",
    "mace-omat-0-small": "small-omat-0",
    "mace-omat-0": "medium-omat-0",
    "mace-matpes-pbe-0": "mace-matpes-pbe-0",
    "mace-matpes-r2scan-0": "mace-matpes-r2scan-0",
}
_CARD_NAMES = {loader: card for card, loader in _LOADER_NAMES.items()}
_CACHED = {  # card -> file in mace's cache, the URL's last part without dots and dashes
    "mace-mpa-0": "macempa0mediummodel",
    "mace-mp-0-small": "20231210mace128L0_energy_epoch249model",
    "mace-mp-0-medium": "20231203mace128L1_epoch199model",
    "mace-mp-0-large": "MACE_MPtrj_20229model",
    "mace-mp-0b3-medium": "macemp0b3mediummodel",
    "mace-omat-0-small": "maceomat0smallmodel",
    "mace-omat-0": "maceomat0mediummodel",
    "mace-matpes-pbe-0": "MACEmatpespbeomatftmodel",
    "mace-matpes-r2scan-0": "MACEmatpesr2scanomatftmodel",
}

# As for SevenNet, large batches do not pay on a CPU. A network of MPA-0's size, LiBr, float64,
# one core: cells of 8 atoms (256 edges) gain 17 % in batches of 4, cells of 64 atoms (2,048
# edges) lose 24 % in batches of 3. float64 costs 1.9 times float32 (0.81 s and 0.44 s).
CPU_EDGES = 1024
BYTES_PER_EDGE = 500e3  # 250 kB of peak memory per edge measured for that network, and a reserve


def identify(settings: ModelSettings) -> ModelIdentity:
    """Resolve the weights; a named potential that is not in mace's cache is downloaded.

    Raises
    ------
    ModelUnavailableError
        mace or the weights are missing, the name is unknown, or the download failed.
    """
    installed = package_version(PACKAGE, "mace")
    path = _weights(settings)
    return ModelIdentity(
        family="mace",
        name=_name(settings),
        weights_digest=digest_of_file(path),
        dtype=DTYPE,
        package=PACKAGE,
        package_version=installed,
    )


def load(settings: ModelSettings) -> Mace:
    """Load a potential in float64.

    Raises
    ------
    ModelUnavailableError
        mace or the weights are missing or unreadable, the name or the device is unknown, or the
        network has several heads and none is the default.
    """
    package_version(PACKAGE, "mace")
    path = _weights(settings)
    device = torch_device(settings.device)
    with quiet(), reading(path, "MACE model"):
        model = _read(path)
    return Mace(
        name=_name(settings),
        model=model.to(device),
        device=device,
        head=_head(model, path),
        elements=frozenset(chemical_symbols[int(number)] for number in model.atomic_numbers),
    )


@dataclass(frozen=True, eq=False)
class Mace:
    """A loaded MACE: a ``core.protocols.ForceField``."""

    name: str
    model: Any  # mace.modules.MACE, float64
    device: Any  # torch.device
    head: str  # readout; networks trained on several levels of theory have several
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
        graphs = (_graph(crystal, self.model, self.head) for crystal in crystals)
        budget = edge_budget(self.device, BYTES_PER_EDGE, on_cpu=CPU_EDGES)
        results = (
            _forward(self.model, self.device, batch) for batch in batches(graphs, _n_edges, budget)
        )
        return gathered(self.name, crystals, results)


def _name(settings: ModelSettings) -> str:
    """Name of the card; for a local file without name, the file's stem."""
    if settings.weights is not None:
        return settings.name or settings.weights.stem
    name = settings.name or DEFAULT
    return _CARD_NAMES.get(name, name)


def _weights(settings: ModelSettings) -> Path:
    """Path of the local, cached or freshly downloaded weights."""
    if settings.weights is not None:
        return existing(settings.weights)
    name = card_named(CARDS, _name(settings)).name
    cached = _cache_folder() / _CACHED[name]
    return cached if cached.is_file() else _download(name, cached)


def _cache_folder() -> Path:
    """Cache folder of mace (``mace.tools.utils.get_cache_dir``), without importing torch."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mace"


def _download(name: str, cached: Path) -> Path:
    """Let mace download a named potential into its cache."""
    with quiet():
        from mace.calculators.foundations_models import download_mace_mp_checkpoint, mace_mp_urls
    loader_name = _LOADER_NAMES[name]
    try:
        with quiet():
            return Path(download_mace_mp_checkpoint(loader_name))
    # OSError: no network, no such page, disk full; RuntimeError: a web page instead of weights
    except (OSError, RuntimeError) as error:
        raise ModelUnavailableError(
            f"the weights of {name} are not in {cached.parent} and could not be downloaded "
            f"({error}). Without network: fetch {mace_mp_urls[loader_name]} elsewhere, then "
            f"give the file as --weights PATH or save it as {cached}"
        ) from error


def _read(path: Path) -> Any:
    """Read a ``.model`` file as a network in float64."""
    import mace  # noqa: F401  # before e3nn and torch.load: sets how e3nn's constants are read
    import torch

    model = torch.load(path, map_location="cpu", weights_only=False)
    if not isinstance(model, torch.nn.Module) or not hasattr(model, "r_max"):
        raise ModelUnavailableError(
            f"{path} is no MACE model but a {type(model).__name__}; use the .model file that mace "
            "writes (not a checkpoint, not a LAMMPS file)"
        )
    return model.double().eval().requires_grad_(False)


def _head(model: Any, path: Path) -> str:
    """Name of the only or the default readout."""
    heads = list(getattr(model, "heads", None) or ["Default"])
    default = [head for head in heads if len(heads) == 1 or head.lower() == "default"]
    if not default:
        raise ModelUnavailableError(
            f"{path} has the heads {', '.join(heads)} and none is the default; "
            "write the one you need to a file of its own with mace_select_head"
        )
    return str(default[0])


def _graph(crystal: Crystal, model: Any, head: str) -> Any:
    """Neighbour graph of one crystal in float64."""
    from mace.data import AtomicData, Configuration
    from mace.tools import AtomicNumberTable
    from mace.tools.torch_tools import default_dtype

    configuration = Configuration(
        atomic_numbers=crystal.numbers,
        positions=crystal.positions,
        properties={},
        property_weights={},
        cell=crystal.lattice.copy(),
        pbc=(True, True, True),
        head=head,
    )
    with default_dtype(DTYPE):
        return AtomicData.from_config(
            configuration,
            z_table=AtomicNumberTable([int(number) for number in model.atomic_numbers]),
            cutoff=float(model.r_max),
            heads=list(getattr(model, "heads", [head])),
        )


def _n_edges(graph: Any) -> int:
    """Return the number of directed edges."""
    return int(graph.edge_index.shape[1])


def _forward(model: Any, device: Any, graphs: list[Any]) -> Result:
    """Evaluate one batch in one pass."""
    from mace.tools.torch_geometric import Batch

    data = Batch.from_data_list(graphs).to(device)
    output = model(data.to_dict(), compute_stress=True)
    return (
        output["energy"].detach().cpu().numpy(),
        output["forces"].detach().cpu().numpy(),
        output["stress"].detach().cpu().numpy(),
    )
