"""Force sets of springs, whose force constants are known, in each of the layouts."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from phono3py.file_IO import write_FORCES_FC3

from screen.core.crystal import Crystal, FloatArray
from screen.core.settings import DisplacementSettings
from screen.physics.convert import from_phonopy
from screen.physics.displacements import lattice_dynamics
from tests.crystals import fcc
from tests.physics.analytic import SPRINGS, without_stress

SETTINGS = DisplacementSettings()  # 0.03 Å, as ksrme-2024
DOUBLE = np.diag([2, 2, 2])
COPPER = without_stress(lambda a: fcc(a, 29), 3.4, 3.9)


def forces_on(cells: list[Any]) -> FloatArray:
    """Forces (n, n_atoms, 3) eV/Å on phonopy's cells."""
    return np.array(SPRINGS.evaluate([from_phonopy(cell) for cell in cells]).forces)


def displaced(crystal: Crystal = COPPER) -> Any:
    """``Phono3py`` with finite displacements and forces, fc2 and fc3 in the same supercell."""
    phono3py = lattice_dynamics(crystal, DOUBLE, DOUBLE)
    phono3py.generate_displacements(distance=SETTINGS.distance)
    phono3py.generate_fc2_displacements(distance=SETTINGS.distance)
    phono3py.forces = forces_on(phono3py.supercells_with_displacements)
    phono3py.phonon_forces = forces_on(phono3py.phonon_supercells_with_displacements)
    return phono3py


@cache
def copper_arrays() -> dict[str, FloatArray]:
    """Arrays of ``NAME.npz`` for copper: 1 + 37 supercells of 32 atoms."""
    phono3py = displaced()
    return {
        "lattice": COPPER.lattice,
        "numbers": COPPER.numbers,
        "fractional": COPPER.fractional,
        "fc2_supercell": np.array([2, 2, 2]),
        "fc3_supercell": DOUBLE,
        "fc2_forces": np.array(phono3py.phonon_forces),
        "fc3_forces": np.array(phono3py.forces),
    }


def write_arrays(path: Path, **changed: Any) -> Path:
    """Write copper's arrays, some of them changed; None leaves one out."""
    arrays = {**copper_arrays(), **changed}
    np.savez(path, **{name: values for name, values in arrays.items() if values is not None})
    return path


def write_params(path: Path, phono3py: Any) -> Path:
    """Write a params file of phono3py with displacements and forces."""
    phono3py.save(str(path), settings={"force_sets": True, "displacements": True})
    return path


def write_displacements_and_forces(folder: Path) -> Path:
    """Write ``phono3py_disp.yaml`` and ``FORCES_FC3``, the layout of phono3py's command line."""
    folder.mkdir()
    phono3py = lattice_dynamics(COPPER, DOUBLE, DOUBLE)
    alone = type(phono3py)(phono3py.unitcell, DOUBLE, phono3py.primitive_matrix, log_level=0)
    alone.generate_displacements(distance=SETTINGS.distance)
    alone.save(str(folder / "phono3py_disp.yaml"), settings={"displacements": True})
    write_FORCES_FC3(
        alone.dataset,
        forces_fc3=forces_on(alone.supercells_with_displacements),
        filename=str(folder / "FORCES_FC3"),
    )
    return folder
