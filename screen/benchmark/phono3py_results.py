"""Read what phono3py leaves behind: rates in ``kappa-*.hdf5``, and cell, fc2 and Born charges."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from screen.benchmark.stored_rates import StoredRates
from screen.core.crystal import FloatArray
from screen.core.errors import CatalogError
from screen.core.records import ForceConstants, Nac
from screen.physics.convert import from_phonopy
from screen.physics.displacements import lattice_dynamics

NEEDED = ("temperature", "mesh", "weight", "frequency", "gamma")


def read_phono3py_gammas(path: Path) -> StoredRates:
    """Read γ of three phonons from phono3py's ``kappa-m*.hdf5``; rates of isotopes are left out.

    Raises
    ------
    CatalogError
        The file is missing, broken, of a single q-point or band, or has no γ.
    """
    import h5py

    try:
        with h5py.File(path) as file:
            absent = [name for name in NEEDED if name not in file]
            if absent:
                raise CatalogError(
                    f"{path} has no {', '.join(absent)}; phono3py writes them with --br, for all "
                    f"q-points at once"
                )
            values: dict[str, Any] = {name: np.array(file[name]) for name in NEEDED}
    except OSError as error:
        raise CatalogError(f"{path} is no file of phono3py's: {error}") from error
    shape = (len(np.ravel(values["temperature"])), *values["frequency"].shape)
    if values["gamma"].shape != shape or values["mesh"].shape != (3,):
        raise CatalogError(
            f"{path} has γ of shape {values['gamma'].shape} on mesh {values['mesh'].tolist()}; "
            f"needed is {shape}, temperatures × q-points × bands, on three mesh numbers"
        )
    return StoredRates(
        temperatures=np.ravel(values["temperature"]).astype(np.float64),
        mesh=values["mesh"].astype(np.int64),
        weights=values["weight"].astype(np.int64),
        frequencies=values["frequency"].astype(np.float64),
        gamma=values["gamma"].astype(np.float64),
    )


def read_harmonic(
    poscar: Path,
    fc2: Path,
    fc2_supercell: Sequence[int],
    born: Path | None = None,
    primitive_matrix: FloatArray | None = None,
) -> ForceConstants:
    """Read second-order force constants and Born charges of a phono3py calculation.

    Parameters
    ----------
    poscar
        Unit cell, VASP's format.
    fc2
        ``fc2.hdf5``.
    fc2_supercell
        Multiples of the unit cell along its three axes (``--dim-fc2``, else ``--dim``).
    born
        phonopy's ``BORN``; None for no NAC.
    primitive_matrix
        (3, 3), of the unit cell (``--pa``); None: found by symmetry, as ``--pa auto``.

    Raises
    ------
    CatalogError
        A file is missing or broken, or fc2 is of another supercell.
    """
    from phono3py.file_IO import read_fc2_from_hdf5
    from phonopy.interface.vasp import read_vasp

    for path in (poscar, fc2, *(() if born is None else (born,))):
        if not path.is_file():
            raise CatalogError(f"{path} does not exist; give the files of a phono3py calculation")
    supercell = np.diag(fc2_supercell)
    unitcell = from_phonopy(_read(read_vasp, poscar))
    phono3py = lattice_dynamics(unitcell, supercell, np.eye(3, dtype=np.int64), primitive_matrix)
    constants = _read(read_fc2_from_hdf5, fc2)
    atoms = len(phono3py.phonon_supercell)
    if constants.shape[1:] != (atoms, 3, 3):
        raise CatalogError(
            f"{fc2} is of a supercell of {constants.shape[1]} atoms, {poscar} × "
            f"{tuple(fc2_supercell)} has {atoms}; give the supercell of fc2"
        )
    nac = None if born is None else _nac(phono3py.primitive, born)
    return ForceConstants(
        unitcell=unitcell,
        primitive_matrix=np.array(phono3py.primitive_matrix),
        fc3_supercell=np.eye(3, dtype=np.int64),
        fc2_supercell=supercell,
        fc2=constants,
        nac=nac,
    )


def _nac(primitive: Any, born: Path) -> Nac:
    """Born charges of the atoms of a primitive cell."""
    from phonopy.file_IO import parse_BORN

    parameters = _read(lambda path: parse_BORN(primitive, filename=path), born)
    factor = parameters.get("factor")
    charges, dielectric = parameters["born"], parameters["dielectric"]
    return Nac(charges, dielectric) if factor is None else Nac(charges, dielectric, factor)


def _read(reader: Any, path: Path) -> Any:
    """Return what a reader of phonopy's makes of a file."""
    try:
        return reader(path)
    except (OSError, ValueError, KeyError, IndexError, RuntimeError) as error:
        raise CatalogError(f"{path} cannot be read: {error}") from error
