"""Write ``catalogs/wigner_reference.csv``: the published Wigner solver, by phono3py 3.30.0.

phono3py ≥ 4 no longer holds the solver of Simoncelli, Marzari and Mauri; 3.30.0 does, as
``transport_type="MS-SMM19"``: ⟨e|∂√D|e'⟩ by finite differences of √D, relaxation-time
approximation, tetrahedron method, pairs |Δf| < 1e-4 THz in κ_P. It needs phonopy < 4 and hence an
environment of its own:

    python3 -m venv /tmp/phono3py-3.30
    /tmp/phono3py-3.30/bin/pip install "phono3py==3.30.0" "phonopy==3.5.1" "numpy==2.4.6"
    OMP_NUM_THREADS=1 /tmp/phono3py-3.30/bin/python tests/wigner_reference/make_reference.py

Reads ``$THERMOSCREEN_SHARED/data/dft/force_constants`` (default ``../shared``); takes four minutes
of one core. Everything is 3.30.0 as released but ``isotopes = "complete"``: released, it gives
weight 0 to tetrahedra with a vertex at ω exactly (see ``lost_ties``); complete takes the mean of
the weights at ω ± 1e-5 THz.

Meshes are so fine that LAPACK's choice among degenerate eigenvectors, over whose tetrahedron
weights 3.30.0 does not average, stays below 1e-3 of κ (NaCl 11×11×11: 1.3e-3, 19×19×19: 4e-4).
The acoustic frequencies at Γ, which are rounding there, matter by 3e-5 (AlN 9×9×7).
"""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import phono3py
from phono3py.other import isotope
from phono3py.other.tetrahedron_method import get_integration_weights

HERE = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("THERMOSCREEN_SHARED", HERE.parent / "shared"))
TARGET = HERE / "catalogs" / "wigner_reference.csv"
TEMPERATURES = (100.0, 300.0, 800.0)  # K
SHIFT = 1e-5  # THz
AXES = ("xx", "yy", "zz")  # the other components vanish by symmetry


class Case(NamedTuple):
    """One run; NAC is on where the material has Born charges (NaCl, AlN)."""

    material: str
    mesh: tuple[int, int, int]
    isotopes: str = "none"  # none, released, complete


CASES = (
    Case("Si-PBE", (11, 11, 11)),
    Case("Si-PBE", (11, 11, 11), "released"),
    Case("Si-PBE", (11, 11, 11), "complete"),
    Case("NaCl-rd", (19, 19, 19)),
    Case("AlN-LDA", (11, 11, 9)),
)


def run(case: Case) -> Any:
    """Return phono3py's conductivity calculator."""
    folder = SHARED / "data" / "dft" / "force_constants"
    crystal = phono3py.load(folder / f"{case.material}.yaml.xz", produce_fc=False, log_level=0)
    with np.load(folder / f"{case.material}_fc.npz") as arrays:
        crystal.fc2 = np.array(arrays["fc2"], order="C")
        crystal.fc3 = np.array(arrays["fc3"], order="C")
    crystal.mesh_numbers = case.mesh
    crystal.init_phph_interaction()
    complete = case.isotopes == "complete"
    isotope.get_integration_weights = complete_weights if complete else get_integration_weights
    crystal.run_thermal_conductivity(
        temperatures=TEMPERATURES,
        is_isotope=case.isotopes != "none",
        transport_type="MS-SMM19",
        log_level=0,
    )
    return crystal.thermal_conductivity


def complete_weights(frequencies: Any, *args: Any, **options: Any) -> Any:
    """Integration weights beside ω, where nothing ties."""
    above = get_integration_weights(frequencies + SHIFT, *args, **options)
    return (above + get_integration_weights(frequencies - SHIFT, *args, **options)) / 2


def rows(case: Case) -> list[dict[str, str]]:
    """One row per temperature: κ_P and κ_C in W/m/K."""
    found = run(case)
    return [
        {
            "material": case.material,
            "mesh": "x".join(map(str, case.mesh)),
            "isotopes": case.isotopes,
            "temperature": f"{temperature:g}",
        }
        | {f"kappa_p_{name}": f"{x:.7g}" for name, x in zip(AXES, populations, strict=True)}
        | {f"kappa_c_{name}": f"{x:.7g}" for name, x in zip(AXES, coherences, strict=True)}
        for temperature, populations, coherences in zip(
            TEMPERATURES, found.kappa_P_RTA[0][:, :3], found.kappa_C[0][:, :3], strict=True
        )
    ]


def main() -> None:
    """Compute all cases."""
    table = [row for case in CASES for row in rows(case)]
    with TARGET.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)


if __name__ == "__main__":
    main()
