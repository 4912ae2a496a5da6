"""The engine against the published Wigner solver, phono3py 3.30.0 ``MS-SMM19``: Si, NaCl, AlN.

Stored figures: ``catalogs/wigner_reference.csv``, made by ``make_reference.py``.
"""

from __future__ import annotations

import csv
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from screen.core.catalogs import catalog_path
from screen.wigner.engine import run_engine
from tests.wigner.cases import TEMPERATURES, prepared

Key = tuple[str, str, str]  # material, mesh, isotopes
TOLERANCE = 1e-3  # relative, κ_P and κ_C each, every axis

SILICON = ("Si-PBE", "11x11x11")
SODIUM_CHLORIDE = ("NaCl-rd", "19x19x19", "none")
ALUMINIUM_NITRIDE = ("AlN-LDA", "11x11x9", "none")


@cache
def published() -> dict[Key, NDArray[np.float64]]:
    """κ_P and κ_C along x, y, z of each run, (2, nT, 3) W/m/K."""
    runs: dict[Key, list[list[list[float]]]] = {}
    with catalog_path("wigner_reference.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            key = (row["material"], row["mesh"], row["isotopes"])
            runs.setdefault(key, []).append(
                [
                    [float(row[f"kappa_{part}_{axis}"]) for axis in ("xx", "yy", "zz")]
                    for part in "pc"
                ]
            )
    return {key: np.array(rows).swapaxes(0, 1) for key, rows in runs.items()}


@pytest.mark.parametrize(
    "key",
    [
        (*SILICON, "none"),
        (*SILICON, "complete"),
        ALUMINIUM_NITRIDE,
        pytest.param(SODIUM_CHLORIDE, marks=pytest.mark.slow),
    ],
    ids="-".join,
)
def test_populations_and_coherences_equal_the_published_solver(key: Key) -> None:
    name, mesh, isotopes = key
    a, b, c = map(int, mesh.split("x"))
    found = run_engine(prepared(name, (a, b, c)), TEMPERATURES, isotopes != "none").transport
    for tensors, expected in zip((found.kappa_p, found.kappa_c), published()[key], strict=True):
        np.testing.assert_allclose(np.diagonal(tensors, axis1=1, axis2=2), expected, rtol=TOLERANCE)


def test_the_released_solver_scatters_too_little_by_isotopes() -> None:
    """Tetrahedra that tie with ω are lost: κ_P of Si is 1.5, 0.4 and 0.2 % high, see ``lost_ties``."""
    released, complete = (published()[*SILICON, kind] for kind in ("released", "complete"))
    np.testing.assert_allclose((released / complete)[0, :, 0], [1.0153, 1.0037, 1.0017], atol=1e-4)
