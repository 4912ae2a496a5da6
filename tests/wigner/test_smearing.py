"""Gaussian smearing of energy conservation against phono3py 4.10 and against itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from screen.core.records import ForceConstants
from screen.wigner import compiled
from screen.wigner.engine import Conventions
from screen.wigner.smearing import Smearing
from tests.wigner.cases import TEMPERATURES, constants, eager, prepared, solved

SMEARED = [
    ("Si-PBE", (7, 7, 7), 0.1, None),
    ("Si-PBE", (7, 7, 7), 0.02, None),
    ("Si-PBE", (7, 7, 7), 0.1, 3.0),
    ("AlN-LDA", (5, 5, 4), 0.1, None),
    ("AlN-LDA", (5, 5, 4), 0.1, 3.0),
]


def without_nac(name: str) -> ForceConstants:
    """With Gonze-Lee NAC phonopy's frequencies at q and q + G differ by 1e-8 THz."""
    return replace(constants(name), nac=None)


def by_phono3py(phono3py: Any, sigma: float, cutoff: float | None) -> Any:
    """phono3py's rates with Gaussians of one width."""
    phono3py.sigmas = [sigma]
    phono3py.sigma_cutoff = cutoff
    phono3py.init_phph_interaction(average_degenerate_weights=True, exclude_gamma_acoustic=True)
    phono3py.run_thermal_conductivity(temperatures=list(TEMPERATURES), is_isotope=True, log_level=0)
    return phono3py.thermal_conductivity


@pytest.mark.parametrize(("name", "mesh", "sigma", "cutoff"), SMEARED)
def test_smeared_rates_equal_those_of_phono3py(
    name: str, mesh: tuple[int, int, int], sigma: float, cutoff: float | None
) -> None:
    """Phonons and isotopes, all irreducible points and bands; found: 1e-12."""
    given = without_nac(name)
    theirs = by_phono3py(prepared(given, mesh), sigma, cutoff)
    found = solved(given, mesh, Conventions(smearing=sigma, smearing_cutoff=cutoff)).scattering
    assert found.isotopes is not None
    for ours, reference in (
        (found.phonons, np.array(theirs.gamma[0])),
        (found.isotopes, np.array(theirs.gamma_isotope[0])),
    ):
        assert reference.max() > 0
        np.testing.assert_allclose(ours, reference, rtol=1e-8, atol=1e-12 * reference.max())


def test_with_nac_smeared_rates_differ_as_phonopys_frequencies_do() -> None:
    # found: 1.2e-7 and, for isotopes, 5e-7
    theirs = by_phono3py(prepared(constants("AlN-LDA"), (5, 5, 4)), 0.1, None)
    found = solved("AlN-LDA", (5, 5, 4), Conventions(smearing=0.1)).scattering
    reference = np.array(theirs.gamma[0])
    np.testing.assert_allclose(found.phonons, reference, rtol=1e-6, atol=1e-12 * reference.max())
    np.testing.assert_allclose(found.isotopes, theirs.gamma_isotope[0], rtol=1e-6, atol=1e-15)


@pytest.mark.skipif(not compiled.available(), reason="Numba is not installed")
@pytest.mark.parametrize(("name", "mesh"), [("Si-PBE", (6, 6, 6)), ("AlN-LDA", (4, 4, 3))])
@pytest.mark.parametrize("cutoff", [None, 4.0])
def test_plain_torch_smears_to_the_same_numbers(
    name: str, mesh: tuple[int, int, int], cutoff: float | None
) -> None:
    conventions = Conventions(smearing=0.05, smearing_cutoff=cutoff)
    one = solved(name, mesh, conventions).scattering
    other = solved(name, mesh, conventions, resources=eager()).scattering
    np.testing.assert_allclose(other.phonons, one.phonons, rtol=1e-12, atol=1e-18)
    np.testing.assert_allclose(other.isotopes, one.isotopes, rtol=1e-12, atol=1e-18)


def test_a_wide_cutoff_changes_nothing_and_a_narrow_one_loses_scattering() -> None:
    whole, wide, narrow = (
        solved("Si-PBE", (5, 5, 5), Conventions(smearing=0.2, smearing_cutoff=cutoff)).scattering
        for cutoff in (None, 39.0, 1.0)
    )
    np.testing.assert_array_equal(wide.phonons, whole.phonons)
    assert narrow.phonons.sum() < 0.95 * whole.phonons.sum()
    # isotopes have no cutoff, as in phono3py
    np.testing.assert_array_equal(narrow.isotopes, whole.isotopes)


@pytest.mark.parametrize(("sigma", "cutoff"), [(0.0, None), (-0.1, None), (0.1, 0.0)])
def test_a_width_that_is_not_positive_is_refused(sigma: float, cutoff: float | None) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        Smearing(sigma, cutoff)
