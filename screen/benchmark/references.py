"""Mode-resolved DFT conductivities of the 103 phononDB-PBE compounds at 300 K.

Two files of k_SRME (Póta et al., arXiv 2408.00755), without and with the non-analytical term
correction (NAC). The first is fetched once, checked by its SHA-256 and cached; both are also
taken from a folder that is given, or from ``$THERMOSCREEN_SHARED``.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from screen.core.crystal import FloatArray, IntArray
from screen.core.digest import digest_of_file
from screen.core.errors import CatalogError
from screen.core.folders import data_folder

TEMPERATURE = 300.0  # K
SHARED = Path("data") / "phonondb"  # below $THERMOSCREEN_SHARED
SUFFIXES: Mapping[int, str] = {225: "rs", 216: "zb", 186: "wz"}
"""Space group to what an identifier of the catalog ends with."""


@dataclass(frozen=True)
class ReferenceFile:
    """A file of k_SRME."""

    name: str
    sha256: str
    address: str | None  # None: not in the public repository


WITHOUT_NAC = ReferenceFile(
    "kappas_phononDB_PBE_noNAC.json.gz",
    "442f651d3272e8a104baab3e53241220bf66afc90559f593fb3d7697874506ea",
    "https://raw.githubusercontent.com/MPA2suite/k_SRME/1f853887434c860d93b0c13dd575a08d13fe0e4c/data/",
)
WITH_NAC = ReferenceFile(
    "kappas_phononDB_PBE_NAC.json.gz",
    "8de90b66430844e989cc02a2dad47ed1935270e7b966ce9c82f667a51964b765",
    None,
)


@dataclass(frozen=True, eq=False)
class ModeReference:
    """Conductivity of one compound, mode by mode, at 300 K."""

    compound: str  # identifier in the catalog, e.g. LiBr-rs
    q: FloatArray  # (nq, 3) fractional, irreducible points of the primitive reciprocal cell
    weights: IntArray  # (nq,) multiplicities, sum = number of mesh points
    frequencies: FloatArray  # (nq, nb) THz
    mode_kappa: FloatArray  # (nq, nb) W/m/K, trace/3 incl. coherences, weights included

    @property
    def kappa_300(self) -> float:
        """κ_P + κ_C, mean of xx, yy, zz, W/m/K."""
        return float(self.mode_kappa.sum() / self.weights.sum())


def read_references(folder: Path | None = None, nac: bool = False) -> dict[str, ModeReference]:
    """Read the references, by compound.

    Parameters
    ----------
    folder
        Folder with the file, or the file itself; None: ``$THERMOSCREEN_SHARED``, else the cache,
        else the network.
    nac
        With the non-analytical term correction.

    Raises
    ------
    CatalogError
        The file is not to be had, is not the published one, or cannot be read; the message says
        where to put it.
    """
    wanted = WITH_NAC if nac else WITHOUT_NAC
    path = _found(wanted, folder)
    if not wanted.sha256.startswith(digest_of_file(path)):
        raise CatalogError(
            f"{path} is not the published {wanted.name} (SHA-256 {wanted.sha256}); remove it, or "
            "give another folder with --references"
        )
    with gzip.open(path, "rt", encoding="utf-8") as handle:
        columns = json.load(handle)
    found = [_reference(columns, index) for index in columns["name"]]
    return {reference.compound: reference for reference in found}


def _found(wanted: ReferenceFile, folder: Path | None) -> Path:
    """Return where the file lies, fetched if need be."""
    if folder is not None:
        path = folder if folder.is_file() else folder / wanted.name
        if not path.is_file():
            raise CatalogError(f"no {wanted.name} in {folder}; give its folder with --references")
        return path
    shared = os.environ.get("THERMOSCREEN_SHARED")
    if shared and (path := Path(shared) / SHARED / wanted.name).is_file():
        return path
    return _fetched(wanted)


def _fetched(wanted: ReferenceFile) -> Path:
    """Return the cached file; pooch downloads and checks it the first time."""
    import pooch

    cache = data_folder() / "references"
    kept = cache / wanted.name
    if kept.is_file():
        return kept
    if wanted.address is None:
        raise CatalogError(
            f"{wanted.name}, the references with NAC, is in no public repository: put it into "
            f"{cache}, or give its folder with --references"
        )
    pooch.get_logger().setLevel("WARNING")
    try:
        pooch.retrieve(
            f"{wanted.address}{wanted.name}", wanted.sha256, fname=wanted.name, path=cache
        )
    except (OSError, ValueError) as error:  # no network; not the published bytes
        raise CatalogError(
            f"cannot fetch {wanted.address}{wanted.name} ({error}); put the file into {cache}, or "
            "give its folder with --references"
        ) from error
    return kept


def _reference(columns: Mapping[str, Mapping[str, Any]], index: str) -> ModeReference:
    """Return the reference in one column of the file."""
    suffix = SUFFIXES[int(columns["symm.no"][index])]
    return ModeReference(
        compound=f"{columns['name'][index]}-{suffix}",
        q=np.array(columns["qpoints"][index]),
        weights=np.array(columns["weights"][index], dtype=np.int64),
        frequencies=np.array(columns["frequencies"][index]),
        mode_kappa=np.array(columns["mode_kappa_TOT_ave"][index])[0],
    )
