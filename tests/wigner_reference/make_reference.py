"""Conductivities of the published Wigner solver, computed with phono3py 3.30.0.

phono3py ≥ 4 no longer holds the solver of Simoncelli, Marzari and Mauri; 3.30.0 does, as
``transport_type="MS-SMM19"``: velocity operator ⟨e|∂√D|e'⟩ by finite differences of √D (step
5e-6 1/Å), relaxation-time approximation, tetrahedron method, pairs |Δf| < 1e-4 THz in κ_P. It
needs phonopy < 4 and hence an environment of its own:

    python3 -m venv /tmp/venv-ph3-330
    /tmp/venv-ph3-330/bin/pip install "phono3py==3.30.0" "phonopy==3.5.1" "numpy==2.4.6"
    OMP_NUM_THREADS=1 /tmp/venv-ph3-330/bin/python tests/wigner_reference/make_reference.py

Reads ``$THERMOSCREEN_SHARED/data/dft/force_constants`` (default ``../shared``) and writes
``catalogs/wigner_reference.csv``; takes about @TIME@ minutes on one core. Figures of cases named
on the command line (``Si-PBE:11x11x11``) are replaced, all others kept.
"""

from __future__ import annotations

import csv
import os
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import phono3py
import phonopy

HERE = Path(__file__).parents[2]
SHARED = Path(os.environ.get("THERMOSCREEN_SHARED", HERE.parent / "shared"))
TARGET = HERE / "catalogs" / "wigner_reference.csv"
TEMPERATURES = (100.0, 300.0, 800.0)  # K
VOIGT = ("xx", "yy", "zz", "yz", "xz", "xy")


class Case(NamedTuple):
    """One conductivity run; NAC is on where the material has Born charges."""

    material: str
    mesh: tuple[int, int, int]
    isotopes: bool = True
    nac: bool = False
    boundary: float | None = None  # µm


CASES = (
    Case("Si-PBE", (5, 5, 5)),
    Case("Si-PBE", (11, 11, 11)),
    Case("Si-PBE", (11, 11, 11), isotopes=False),
    Case("Si-PBE", (11, 11, 11), boundary=1.0),
    Case("Si-PBE", (19, 19, 19)),
    Case("NaCl-rd", (5, 5, 5), nac=True),
    Case("NaCl-rd", (9, 9, 9)),
    Case("NaCl-rd", (9, 9, 9), nac=True),
    Case("AlN-LDA", (5, 5, 3), nac=True),
    Case("AlN-LDA", (9, 9, 7)),
    Case("AlN-LDA", (9, 9, 7), nac=True),
)


def interaction(case: Case) -> Any:
    """Return a ``phono3py.Phono3py`` with stored force constants, ready for transport."""
    folder = SHARED / "data" / "dft" / "force_constants"
    crystal = phono3py.load(
        folder / f"{case.material}.yaml.xz", produce_fc=False, is_nac=case.nac, log_level=0
    )
    with np.load(folder / f"{case.material}_fc.npz") as arrays:
        crystal.fc2 = np.array(arrays["fc2"], order="C")
        crystal.fc3 = np.array(arrays["fc3"], order="C")
    if case.nac != (crystal.nac_params is not None):
        raise RuntimeError(f"{case.material}: NAC asked for {case.nac}, found {not case.nac}")
    crystal.mesh_numbers = case.mesh
    crystal.init_phph_interaction()
    return crystal


def compute_rows(case: Case) -> list[dict[str, str]]:
    """κ_P and κ_C of the published Wigner equation, one row per temperature."""
    crystal = interaction(case)
    crystal.run_thermal_conductivity(
        temperatures=TEMPERATURES,
        is_isotope=case.isotopes,
        boundary_mfp=case.boundary,
        transport_type="MS-SMM19",
        log_level=0,
    )
    result = crystal.thermal_conductivity
    rows = []
    for index, temperature in enumerate(TEMPERATURES):
        kappa = {"p": result.kappa_P_RTA[0, index], "c": result.kappa_C[0, index]}
        tensors = {
            f"kappa_{part}_{name}": f"{value:.9g}"
            for part, values in kappa.items()
            for name, value in zip(VOIGT, np.round(values, 9) + 0.0, strict=True)
        }
        rows.append(key_columns(case) | {"temperature": f"{temperature:g}"} | tensors | versions())
    return rows


def key_columns(case: Case) -> dict[str, str]:
    """Columns that identify a case."""
    return {
        "material": case.material,
        "mesh": "x".join(map(str, case.mesh)),
        "isotopes": str(case.isotopes).lower(),
        "nac": str(case.nac).lower(),
        "boundary_um": "" if case.boundary is None else f"{case.boundary:g}",
    }


def versions() -> dict[str, str]:
    """Versions of the packages that the figures come from."""
    return {
        "transport_type": "MS-SMM19",
        "phono3py": phono3py.__version__,
        "phonopy": phonopy.__version__,
    }


def stored_rows() -> list[dict[str, str]]:
    """Rows that the catalog holds already."""
    if not TARGET.exists():
        return []
    with TARGET.open(newline="") as file:
        return list(csv.DictReader(file))


def main(wanted: list[str]) -> None:
    """Compute the wanted cases (all without arguments) and write the catalog in case order."""
    stored = stored_rows()
    rows: list[dict[str, str]] = []
    for case in CASES:
        key = key_columns(case)
        old = [row for row in stored if all(row[name] == key[name] for name in key)]
        if old and wanted and f"{key['material']}:{key['mesh']}" not in wanted:
            rows += old
            continue
        start = time.perf_counter()
        rows += compute_rows(case)
        print(f"{key} {time.perf_counter() - start:.0f} s", file=sys.stderr)
    with TARGET.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main(sys.argv[1:])
