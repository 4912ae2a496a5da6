"""Conductivities of the published Wigner solver, computed with phono3py 3.30.0.

phono3py ≥ 4 no longer holds the solver of Simoncelli, Marzari and Mauri; 3.30.0 does, as
``transport_type="MS-SMM19"``: velocity operator ⟨e|∂√D|e'⟩ by finite differences of √D (step
5e-6 1/Å), relaxation-time approximation, tetrahedron method, pairs |Δf| < 1e-4 THz in κ_P. It
needs phonopy < 4 and hence an environment of its own:

    python3 -m venv /tmp/venv-ph3-330
    /tmp/venv-ph3-330/bin/pip install "phono3py==3.30.0" "phonopy==3.5.1" "numpy==2.4.6"
    OMP_NUM_THREADS=1 /tmp/venv-ph3-330/bin/python tests/wigner_reference/make_reference.py

Reads ``$THERMOSCREEN_SHARED/data/dft/force_constants`` (default ``../shared``) and writes
``catalogs/wigner_reference.csv``; takes about six minutes on one free core. Cases named on the
command line (``Si-PBE:11x11x11``) are computed anew, of the others only those that are missing.

``ties``. Where ω equals a vertex of a tetrahedron to the last bit, the integration weight of
3.30.0 falls between ``ω < v`` and ``v < ω`` and is 0; phono3py 4 has half-open intervals. It
happens (a) in isotope scattering always, since ω is a frequency of the grid itself: γ_isotope
comes out some per cent low, up to 3 times for single modes; (b) in three-phonon scattering at
vertices at Γ whose acoustic frequency is rounded to −1e-7 THz and clamped to 0: γ of longitudinal
acoustic modes near Γ comes out up to 1 % low. ``lost`` is 3.30.0 as released; ``kept`` takes the
mean of the weights at ω ± 1e-5 THz in (a) and sets the acoustic frequencies at Γ to +1e-6 THz in
(b), nothing else.

``bases``. The tetrahedron weights differ between degenerate bands, so that γ depends on the
eigenvectors that LAPACK happens to choose among them (κ_P of NaCl 7×7×7: standard deviation
0.2 %, κ_C 0.4 %). ``bases = n`` is the mean of κ over n random choices, 0 is LAPACK's own.
"""

from __future__ import annotations

import csv
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import phono3py
import phonopy
from numpy.typing import NDArray
from phono3py.other import isotope

HERE = Path(__file__).parents[2]
SHARED = Path(os.environ.get("THERMOSCREEN_SHARED", HERE.parent / "shared"))
TARGET = HERE / "catalogs" / "wigner_reference.csv"
TEMPERATURES = (100.0, 300.0, 800.0)  # K
TIE = 1e-6  # THz, for acoustic modes at Γ
DEGENERATE = 1e-4  # THz
SHIFT = 1e-5  # THz, above the 1e-7 THz by which NAC splits equivalent points
KEYS = ("material", "mesh", "isotopes", "nac", "boundary_um", "ties", "bases", "temperature")
VOIGT = ("xx", "yy", "zz", "yz", "xz", "xy")


class Case(NamedTuple):
    """One conductivity run; NAC is on where the material has Born charges."""

    material: str
    mesh: tuple[int, int, int]
    isotopes: bool = True
    nac: bool = False
    boundary: float | None = None  # µm
    ties: str = "kept"  # "lost": phono3py 3.30.0 as released, see the module docstring
    bases: int = 0  # mean over random eigenvectors in degenerate sets; 0: those of LAPACK


CASES = (
    Case("Si-PBE", (11, 11, 11), isotopes=False),
    Case("Si-PBE", (11, 11, 11)),
    Case("Si-PBE", (11, 11, 11), ties="lost"),
    Case("Si-PBE", (11, 11, 11), boundary=1.0),
    Case("NaCl-rd", (7, 7, 7), isotopes=False, nac=True, bases=16),
    Case("NaCl-rd", (9, 9, 9)),
    Case("NaCl-rd", (9, 9, 9), nac=True),
    Case("NaCl-rd", (9, 9, 9), nac=True, ties="lost"),
    Case("AlN-LDA", (9, 9, 7)),
    Case("AlN-LDA", (9, 9, 7), nac=True),
    Case("AlN-LDA", (9, 9, 7), nac=True, ties="lost"),
    Case("NaCl-rd", (13, 13, 13), isotopes=False, nac=True),
    Case("NaCl-rd", (13, 13, 13), nac=True),
    Case("Si-PBE", (19, 19, 19)),
)


def interaction(case: Case, seed: int | None = None) -> Any:
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
    if case.ties == "kept":
        set_phonons(crystal, seed)
    return crystal


def set_phonons(crystal: Any, seed: int | None) -> None:
    """Set the acoustic frequencies at Γ to 1e-6 THz: positive, so that they are not clamped to 0.

    With a seed, eigenvectors are also mixed at random inside degenerate sets.
    """
    crystal.run_phonon_solver()
    frequencies, eigenvectors, addresses = crystal.get_phonon_data()
    frequencies, eigenvectors = frequencies.copy(), eigenvectors.copy()
    if seed is not None:
        mix_degenerate(frequencies, eigenvectors, np.random.default_rng(seed))
    gamma = np.flatnonzero(~addresses.any(axis=1))
    frequencies[gamma, :3] = TIE
    crystal.init_phph_interaction()
    crystal.set_phonon_data(frequencies, eigenvectors, addresses)


def mix_degenerate(frequencies: Any, eigenvectors: Any, random: np.random.Generator) -> None:
    """Multiply the eigenvectors of each degenerate set by a random unitary matrix, in place."""
    for values, vectors in zip(frequencies, eigenvectors, strict=True):
        ends = [*(np.flatnonzero(np.diff(values) >= DEGENERATE) + 1), len(values)]
        for start, end in zip([0, *ends], ends, strict=False):
            if end - start > 1:
                shape = (2, end - start, end - start)
                real, imaginary = random.normal(size=shape)
                vectors[:, start:end] @= np.linalg.qr(real + 1j * imaginary)[0]


@contextmanager
def isotope_ties_kept() -> Iterator[None]:
    """Use the mean of the integration weights at ω ± 1e-5 THz in isotope scattering."""
    released = isotope.get_integration_weights

    def beside(frequencies: Any, *args: Any, **options: Any) -> Any:
        above = released(frequencies + SHIFT, *args, **options)
        return (above + released(frequencies - SHIFT, *args, **options)) / 2

    isotope.get_integration_weights = beside
    try:
        yield
    finally:
        isotope.get_integration_weights = released


def compute_tensors(case: Case, seed: int | None = None) -> NDArray[np.float64]:
    """κ_P and κ_C of the published Wigner equation, (2, nT, 6) W/m/K."""
    crystal = interaction(case, seed)
    with isotope_ties_kept() if case.ties == "kept" else nullcontext():
        crystal.run_thermal_conductivity(
            temperatures=TEMPERATURES,
            is_isotope=case.isotopes,
            boundary_mfp=case.boundary,
            transport_type="MS-SMM19",
            log_level=0,
        )
    result = crystal.thermal_conductivity
    return np.array([result.kappa_P_RTA[0], result.kappa_C[0]])


def compute_rows(case: Case) -> list[dict[str, str]]:
    """One row of the catalog per temperature."""
    seeds = range(case.bases) if case.bases else [None]
    kappa = np.mean([compute_tensors(case, seed) for seed in seeds], axis=0)
    rows = []
    for index, temperature in enumerate(TEMPERATURES):
        tensors = {
            f"kappa_{part}_{name}": f"{value:.9g}"
            for part, values in zip("pc", kappa[:, index], strict=True)
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
        "ties": case.ties,
        "bases": str(case.bases),
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
    """Compute the wanted cases (all without arguments); write the catalog after each of them."""
    stored = {tuple(row[name] for name in KEYS): row for row in stored_rows()}
    for case in CASES:
        key = key_columns(case)
        old = any(all(row[name] == key[name] for name in key) for row in stored.values())
        if old and wanted and f"{key['material']}:{key['mesh']}" not in wanted:
            continue
        start = time.perf_counter()
        stored |= {tuple(row[name] for name in KEYS): row for row in compute_rows(case)}
        print(f"{key} {time.perf_counter() - start:.0f} s", file=sys.stderr)
        write(stored)


def write(stored: dict[tuple[str, ...], dict[str, str]]) -> None:
    """Write the catalog in the order of ``CASES``."""
    order = [tuple(key_columns(case).values()) for case in CASES]
    known = [key for key in stored if key[:-1] in order]
    known.sort(key=lambda key: (order.index(key[:-1]), float(key[-1])))
    with TARGET.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(stored[known[0]]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(stored[key] for key in known)


if __name__ == "__main__":
    main(sys.argv[1:])
