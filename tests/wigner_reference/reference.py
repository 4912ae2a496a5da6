"""Stored figures of the published Wigner solver, ``catalogs/wigner_reference.csv``."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from screen.core.catalogs import catalog_path
from screen.core.records import ForceConstants
from screen.core.settings import ConductivitySettings
from tests.shared import dft_force_constants

VOIGT = ((0, 0, "xx"), (1, 1, "yy"), (2, 2, "zz"), (1, 2, "yz"), (0, 2, "xz"), (0, 1, "xy"))


@dataclass(frozen=True, eq=False)
class Reference:
    """One run of phono3py 3.30.0, ``transport_type="MS-SMM19"``."""

    material: str
    mesh: tuple[int, int, int]
    isotopes: bool
    nac: bool
    boundary: float | None  # µm
    ties: str  # "kept", or "lost" as in 3.30.0; see make_reference.py
    bases: int  # mean over so many choices of degenerate eigenvectors; 0: LAPACK's choice
    temperatures: tuple[float, ...]
    kappa_p: NDArray[np.float64]  # (nT, 3, 3) W/m/K
    kappa_c: NDArray[np.float64]  # (nT, 3, 3)

    def __str__(self) -> str:
        flags = [self.material, "x".join(map(str, self.mesh))]
        flags += [] if self.isotopes else ["pure"]
        flags += ["nac"] if self.nac else []
        flags += [f"{self.boundary:g}um"] if self.boundary else []
        flags += [f"{self.bases}bases"] if self.bases else []
        return "-".join([*flags, self.ties])

    @property
    def settings(self) -> ConductivitySettings:
        """Settings that repeat the run."""
        return ConductivitySettings(isotopes=self.isotopes, boundary_mean_free_path=self.boundary)

    def force_constants(self) -> ForceConstants:
        """DFT force constants of the run; skips the test where they are absent."""
        constants = _dft(self.material)
        return constants if self.nac else replace(constants, nac=None)


@cache
def _dft(material: str) -> ForceConstants:
    return dft_force_constants(material)


@cache
def references() -> tuple[Reference, ...]:
    """All stored runs, in the order of the catalog."""
    with catalog_path("wigner_reference.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    keys = ("material", "mesh", "isotopes", "nac", "boundary_um", "ties", "bases")
    runs: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in rows:
        runs.setdefault(tuple(row[key] for key in keys), []).append(row)
    return tuple(_reference(group) for group in runs.values())


def _reference(rows: list[dict[str, str]]) -> Reference:
    first = rows[0]
    a, b, c = map(int, first["mesh"].split("x"))
    return Reference(
        material=first["material"],
        mesh=(a, b, c),
        isotopes=first["isotopes"] == "true",
        nac=first["nac"] == "true",
        boundary=float(first["boundary_um"]) if first["boundary_um"] else None,
        ties=first["ties"],
        bases=int(first["bases"]),
        temperatures=tuple(float(row["temperature"]) for row in rows),
        kappa_p=_tensors(rows, "kappa_p"),
        kappa_c=_tensors(rows, "kappa_c"),
    )


def _tensors(rows: list[dict[str, str]], name: str) -> NDArray[np.float64]:
    tensors = np.zeros((len(rows), 3, 3))
    for tensor, row in zip(tensors, rows, strict=True):
        for i, j, component in VOIGT:
            tensor[i, j] = tensor[j, i] = float(row[f"{name}_{component}"])
    return tensors
