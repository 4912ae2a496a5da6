"""Force sets of any code: forces on displaced supercells, read from files into records."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from screen.core.crystal import Crystal, FloatArray, IntArray
from screen.core.errors import ForceConstantsError, SettingsError
from screen.core.records import Candidate, Metadata, Nac, Record
from screen.core.registry import find

CELL = ("lattice", "numbers", "fractional")
SUPERCELLS = ("fc2_supercell", "fc3_supercell")
COMPRESSIONS = ("", ".xz", ".gz", ".bz2")  # that phonopy reads
PREFIX = "phono3py_params"
DISPLACEMENTS = "phono3py_disp.yaml"


@dataclass(frozen=True, eq=False)
class StoredResult(Record):
    """What another code made of the same forces at 300 K; None where the file does not say."""

    frequencies: FloatArray | None = None  # (n, nb) THz, of irreducible or of all grid points
    kappa_p: FloatArray | None = None  # (3,) W/m/K, xx, yy, zz
    kappa_c: FloatArray | None = None  # (3,) W/m/K, xx, yy, zz
    mode_kappa: FloatArray | None = None  # (nq, nb) W/m/K, mean of xx, yy, zz, weights included


@dataclass(frozen=True, eq=False)
class OrderedForces(Record):
    """Forces on the supercells of phono3py's finite differences, in its order."""

    fc2: FloatArray  # (n, n_atoms, 3) eV/Å
    fc3: FloatArray  # (n, n_atoms, 3) eV/Å


@dataclass(frozen=True, eq=False)
class DisplacedForces(Record):
    """Displacements with their forces, in Å and eV/Å, as phono3py keeps them."""

    fc3: Mapping[str, Any]  # phono3py's ``dataset``
    fc2: Mapping[str, Any] | None  # ``phonon_dataset``; None: fc2 comes from those of fc3
    primitive_matrix: FloatArray | None = None  # (3, 3); None: by symmetry
    nac: Nac | None = None


@dataclass(frozen=True, eq=False)
class ForceSet(Record):
    """Forces of one compound, with what is needed to make a conductivity of them."""

    compound: str  # id in the benchmark's catalog, else the file's own name
    path: Path
    unitcell: Crystal  # of which the supercells are multiples
    own_cell: bool  # False: the file has no cell, the one of the catalog stands in
    fc2_supercell: IntArray  # (3, 3)
    fc3_supercell: IntArray  # (3, 3)
    forces: OrderedForces | DisplacedForces
    mesh: IntArray | None = None  # (3,) q-mesh of the primitive cell
    metadata: Metadata = field(default_factory=Metadata)  # of the catalog
    stored: StoredResult = field(default_factory=StoredResult)


def find_force_sets(folder: Path) -> tuple[Path, ...]:
    """Force sets of a folder by name: files, and subfolders that hold one.

    ``NAME.npz``; ``NAME.yaml``, also ``phono3py_params_NAME.yaml``, compressed or not; a folder
    ``NAME`` with ``phono3py_params*.yaml``, or with ``phono3py_disp.yaml`` and ``FORCES_FC3``.

    Raises
    ------
    SettingsError
        The folder does not exist, holds no force set, or two of one name.
    """
    if not folder.is_dir():
        raise SettingsError(f"no folder {folder}: give the folder of the force sets")
    found = [path for path in sorted(folder.iterdir()) if _is_force_set(path)]
    if not found:
        raise SettingsError(
            f"{folder} holds no force set: neither NAME.npz nor a phono3py_params file "
            "(docs/conformance.md says how they are written)"
        )
    by_name: dict[str, Path] = {}
    for path in found:
        other = by_name.setdefault(name_of(path), path)
        if other is not path:
            raise SettingsError(f"{other} and {path} are both called {name_of(path)!r}: rename one")
    return tuple(found)


def name_of(path: Path) -> str:
    """Name of a force set: of its folder, or of its file without prefix and endings."""
    if path.is_dir():
        return path.name
    name = path.name
    for ending in (".npz", *(f".yaml{compression}" for compression in COMPRESSIONS)):
        name = name.removesuffix(ending)
    return name.removeprefix(f"{PREFIX}_")


def read_force_set(path: Path) -> ForceSet:
    """Read one force set that ``find_force_sets`` gave.

    Raises
    ------
    ForceConstantsError
        The file cannot be read (``kind="force_set"``), lacks forces or holds some that are not
        finite, or its compound is unknown (``kind="unknown_compound"``) and it has no cell.
    CatalogError
        The file's own cell is none.
    """
    if path.suffix == ".npz":
        return _from_arrays(path, _arrays(path))
    from screen.benchmark.phono3py_force_sets import read_phono3py

    return read_phono3py(path)


def known(name: str) -> Candidate | None:
    """Benchmark compound of that id or Materials Project id; None if there is none."""
    return _catalog().get(name)


def unusable(path: Path, problem: str, kind: str = "force_set") -> ForceConstantsError:
    """Return the error that names this file."""
    return ForceConstantsError(f"{path}: {problem}", kind=kind)


def members_of(folder: Path) -> list[Path]:
    """Files of a folder from which phono3py's forces can be read: one, or none."""
    whole = [path for path in sorted(folder.glob(f"{PREFIX}*.yaml*")) if _is_yaml(path)]
    if whole:
        return whole
    displaced = [path for path in sorted(folder.glob(f"{DISPLACEMENTS}*")) if _is_yaml(path)]
    return displaced if any(folder.glob("FORCES_FC3*")) else []


def _is_force_set(path: Path) -> bool:
    if path.is_dir():
        return bool(members_of(path))
    return path.suffix == ".npz" or _is_yaml(path)


def _is_yaml(path: Path) -> bool:
    return any(path.name.endswith(f".yaml{compression}") for compression in COMPRESSIONS)


@cache
def _catalog() -> Mapping[str, Candidate]:
    """Benchmark compounds by id and by Materials Project id."""
    found: dict[str, Candidate] = {}
    for candidate in find("sources", "benchmark").candidates({}):
        found[candidate.id] = candidate
        if candidate.metadata.mp_id is not None:
            found[candidate.metadata.mp_id] = candidate
    return found


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as arrays:
            return dict(arrays)
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise unusable(path, f"cannot be read ({error}); write it with numpy.savez") from error


def _from_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> ForceSet:
    """Force set of the arrays of one ``.npz`` file."""
    candidate = _candidate(path, arrays)
    own_cell = all(name in arrays for name in CELL)
    if candidate is None and not own_cell:
        raise unusable(
            path,
            f"{name_of(path)!r} is no benchmark compound; name the file after one (LiBr-rs.npz), "
            f"or put its cell into it: {', '.join((*CELL, *SUPERCELLS))}",
            kind="unknown_compound",
        )
    unitcell = (
        Crystal(arrays["lattice"], arrays["numbers"], arrays["fractional"])
        if own_cell or candidate is None
        else candidate.crystal
    )
    fc2_supercell, fc3_supercell = (
        _supercell(path, arrays, name, candidate) for name in SUPERCELLS
    )
    return ForceSet(
        compound=name_of(path) if candidate is None else candidate.id,
        path=path,
        unitcell=unitcell,
        own_cell=own_cell,
        fc2_supercell=fc2_supercell,
        fc3_supercell=fc3_supercell,
        forces=OrderedForces(
            _forces(path, arrays, "fc2_forces"), _forces(path, arrays, "fc3_forces")
        ),
        mesh=_mesh(path, arrays, candidate),
        metadata=Metadata() if candidate is None else candidate.metadata,
        stored=_stored(path, arrays),
    )


def _candidate(path: Path, arrays: Mapping[str, NDArray[Any]]) -> Candidate | None:
    """Benchmark compound that the file's name or its ``mp_id`` means; both must mean the same."""
    by_name = known(name_of(path))
    by_id = known(str(arrays["mp_id"])) if "mp_id" in arrays else by_name
    if by_name is not None and by_id is not by_name:
        raise unusable(
            path,
            f"its mp_id {arrays['mp_id']} is not that of {by_name.id}, "
            f"{by_name.metadata.mp_id}; rename the file or leave mp_id out",
            kind="unknown_compound",
        )
    return by_id


def _forces(path: Path, arrays: Mapping[str, NDArray[Any]], name: str) -> FloatArray:
    if name not in arrays:
        raise unusable(path, f"holds no {name}; it holds {', '.join(sorted(arrays)) or 'nothing'}")
    return finite_forces(path, name, arrays[name])


def finite_forces(path: Path, name: str, values: Any) -> FloatArray:
    """Return forces as (n, n_atoms, 3) eV/Å.

    Raises
    ------
    ForceConstantsError
        They have another shape, or one is not finite.
    """
    forces = np.asarray(values, dtype=np.float64)
    if forces.ndim != 3 or forces.shape[2] != 3:
        raise unusable(path, f"{name} must be of shape (n, n_atoms, 3), not {forces.shape}")
    bad = np.flatnonzero(~np.isfinite(forces).all(axis=(1, 2)))
    if len(bad):
        raise unusable(
            path,
            f"{name} of supercell {bad[0]} (from 0) is not finite, {len(bad)} of {len(forces)} "
            "in all; compute them again",
        )
    return forces


def _supercell(
    path: Path, arrays: Mapping[str, NDArray[Any]], name: str, candidate: Candidate | None
) -> IntArray:
    """Supercell matrix (3, 3) of the file, else of the catalog."""
    if name in arrays:
        given = np.array(arrays[name], dtype=np.int64)
        matrix = np.diag(given) if given.shape == (3,) else given
        if matrix.shape != (3, 3):
            raise unusable(path, f"{name} must be of shape (3,) or (3, 3), not {given.shape}")
        return matrix
    hint = None if candidate is None else getattr(candidate.hints, name)
    if hint is None:
        raise unusable(path, f"holds no {name}: multiples of the cell, shape (3,) or (3, 3)")
    return np.array(hint)


def _mesh(
    path: Path, arrays: Mapping[str, NDArray[Any]], candidate: Candidate | None
) -> IntArray | None:
    """q-mesh (3,) of the file, else of the catalog; None if neither has one."""
    if "mesh" not in arrays:
        return None if candidate is None else candidate.hints.mesh
    mesh = np.array(arrays["mesh"], dtype=np.int64)
    if mesh.shape != (3,) or mesh.min() < 1:
        raise unusable(path, f"mesh must be three positive numbers, not {mesh.tolist()}")
    return mesh


def _stored(path: Path, arrays: Mapping[str, NDArray[Any]]) -> StoredResult:
    """Results beside the forces, named as k_SRME and phono3py name them."""
    modes = arrays.get("mode_kappa_TOT")
    if modes is not None and (modes.ndim != 4 or len(modes) != 1 or modes.shape[3] < 3):
        raise unusable(path, f"mode_kappa_TOT must be of shape (1, nq, nb, 6), not {modes.shape}")
    return StoredResult(
        frequencies=arrays.get("frequencies"),
        kappa_p=_diagonal(path, arrays, "kappa_P_RTA"),
        kappa_c=_diagonal(path, arrays, "kappa_C"),
        mode_kappa=None if modes is None else modes[0, :, :, :3].mean(axis=-1, dtype=np.float64),
    )


def _diagonal(path: Path, arrays: Mapping[str, NDArray[Any]], name: str) -> FloatArray | None:
    """xx, yy, zz of a stored conductivity."""
    values = arrays.get(name)
    if values is None:
        return None
    flat = np.asarray(values, dtype=np.float64).ravel()
    if flat.shape != (6,):
        raise unusable(path, f"{name} must be xx, yy, zz, yz, xz, xy at 300 K, not {values.shape}")
    return flat[:3]
