"""Reference data that Thermoscreen did not make; tests skip where it is absent."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from screen.core.records import ForceConstants, Nac
from screen.physics.convert import from_phonopy

SHARED = Path(os.environ.get("THERMOSCREEN_SHARED", Path(__file__).parents[2] / "shared"))
FITTED = {"MgO-rd": "dft/phono3py_params_MgO-222rd-444rd.yaml.xz"}


def shared_path(relative: str) -> Path:
    """Path below the reference data; skips the test where it is absent."""
    path = SHARED / "data" / relative
    if not path.exists():
        pytest.skip(f"reference data {relative} is absent; set THERMOSCREEN_SHARED")
    return path


def dft_force_constants(name: str) -> ForceConstants:
    """DFT force constants of phono3py's examples (BSD-3): Si-PBE, NaCl-rd, AlN-LDA, MgO-rd.

    MgO is distributed as displacements and forces: phono3py fits them with symfc (13 s).
    """
    import phono3py

    if name in FITTED:
        path = shared_path(FITTED[name])
        return _force_constants(phono3py.load(path, fc_calculator="symfc", log_level=0))
    folder = shared_path("dft/force_constants")
    loaded = phono3py.load(folder / f"{name}.yaml.xz", produce_fc=False, log_level=0)
    with np.load(folder / f"{name}_fc.npz") as arrays:
        loaded.fc2, loaded.fc3 = arrays["fc2"], arrays["fc3"]
    return _force_constants(loaded)


def _force_constants(loaded: Any) -> ForceConstants:
    """Record of a ``Phono3py``."""
    fc2_supercell = loaded.phonon_supercell_matrix
    nac = loaded.nac_params
    return ForceConstants(
        unitcell=from_phonopy(loaded.unitcell),
        primitive_matrix=loaded.primitive_matrix,
        fc3_supercell=loaded.supercell_matrix,
        fc2_supercell=loaded.supercell_matrix if fc2_supercell is None else fc2_supercell,
        fc2=loaded.fc2,
        fc3=loaded.fc3,
        nac=None if nac is None else Nac(nac["born"], nac["dielectric"], nac["factor"]),
    )
