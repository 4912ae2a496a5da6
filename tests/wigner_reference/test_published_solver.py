"""Every solver against the published Wigner solver, phono3py 3.30.0 ``MS-SMM19``: Si, NaCl, AlN.

Stored figures: ``catalogs/wigner_reference.csv``, made by ``make_reference.py``. κ_P and κ_C each
agree to 1e-3 at 100, 300 and 800 K, but for causes that are properties of the references:

- LAPACK's choice among degenerate eigenvectors (``bases = 0``) is worth 0.2 % of κ_P of NaCl
  7×7×7 and less on finer meshes; over 16 random choices the mean is ours;
- ``ties = "lost"``: 3.30.0 as released drops tetrahedra with a vertex at ω exactly, which makes
  isotope scattering some 5 % weak: κ_P of Si at 100 K comes out 1.5 % high.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from screen.core.registry import find, names
from tests.wigner_reference.reference import Reference, references

TOLERANCE = 1e-3  # relative, κ_P and κ_C each
WIDER = {
    "NaCl-rd-9x9x9-kept": 5e-3,  # LAPACK's basis
    "NaCl-rd-9x9x9-nac-kept": 5e-3,
    "NaCl-rd-13x13x13-pure-nac-kept": 2e-3,
    "NaCl-rd-13x13x13-nac-kept": 2e-3,
    "Si-PBE-11x11x11-lost": 2e-2,  # isotopes
    "NaCl-rd-9x9x9-nac-lost": 1e-2,
    "AlN-LDA-9x9x7-nac-lost": 3e-3,
}
# In phono3py rounding decides on which side of a tie ω lies, in isotope scattering
ROUNDING = {
    "Si-PBE-11x11x11-kept": 4e-3,
    "Si-PBE-11x11x11-1um-kept": 3e-3,
    "Si-PBE-19x19x19-kept": 2e-3,
}
FAST = {"Si-PBE-11x11x11-pure-kept", "NaCl-rd-7x7x7-pure-nac-16bases-kept"}


@pytest.fixture(scope="module", params=names("solvers"))
def solver(request: pytest.FixtureRequest) -> ModuleType:
    try:
        return find("solvers", request.param)
    except ModuleNotFoundError as error:
        pytest.skip(f"{error.name} is not installed in this environment")


def cases() -> list[object]:
    return [
        pytest.param(
            reference,
            id=str(reference),
            marks=() if str(reference) in FAST else pytest.mark.slow,
        )
        for reference in references()
    ]


def tolerance(solver: ModuleType, reference: Reference) -> float:
    name = str(reference)
    if solver.__name__.endswith("phono3py") and name in ROUNDING:
        return ROUNDING[name]
    return WIDER.get(name, TOLERANCE)


@pytest.mark.parametrize("reference", cases())
def test_populations_and_coherences_equal_the_published_solver(
    solver: ModuleType, reference: Reference
) -> None:
    found = solver.solve(
        reference.force_constants(), reference.mesh, reference.temperatures, reference.settings
    )
    rtol = tolerance(solver, reference)
    pairs = ((found.kappa_p, reference.kappa_p), (found.kappa_c, reference.kappa_c))
    for tensors, published in pairs:
        largest = np.abs(published).max(axis=(1, 2), keepdims=True)
        np.testing.assert_array_less(np.abs(tensors - published) / largest, rtol)


def test_the_released_solver_scatters_too_little_by_isotopes() -> None:
    """κ_P of Si at 100 K: 598.8 as released, 589.8 W/m/K with its tetrahedra complete."""
    runs = {str(reference): reference for reference in references()}
    lost = runs["Si-PBE-11x11x11-lost"].kappa_p[0, 0, 0]
    kept = runs["Si-PBE-11x11x11-kept"].kappa_p[0, 0, 0]
    assert lost / kept == pytest.approx(1.0153, abs=1e-4)
