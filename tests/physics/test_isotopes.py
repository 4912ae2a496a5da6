"""Isotopic compositions: published mass variances, enriched crystals, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from screen.core.errors import SettingsError
from screen.core.settings import ConductivitySettings, validated
from screen.physics.isotopes import check, mass_variances
from screen.solvers import phono3py as phono3py_solver
from screen.solvers import wigner
from tests.wigner.cases import constants

ENRICHED = {"Si": {28: 1.0}}


@pytest.mark.parametrize(
    ("symbol", "published", "digit"),
    [
        ("Ge", 5.87e-4, 0.01e-4),  # Tamura, PRB 27, 858 (1983)
        ("Si", 2.01e-4, 0.01e-4),  # Inyushkin et al., phys. stat. sol. (c) 1, 2995 (2004)
        ("C", 7.5e-5, 0.2e-5),  # Wei et al., PRL 70, 3764 (1993)
    ],
)
def test_natural_mass_variances_are_the_published_ones(
    symbol: str, published: float, digit: float
) -> None:
    assert mass_variances([symbol], {})[0] == pytest.approx(published, abs=digit)


def test_given_fractions_replace_the_natural_ones() -> None:
    half = {"Li": {6: 0.5, 7: 0.5}}
    found = mass_variances(["Li", "F"], half)
    six, seven = 6.0151223, 7.0160041  # amu, AME 2012
    assert found[0] == pytest.approx(((seven - six) / (seven + six)) ** 2, rel=1e-7)
    assert found[1] == 0.0  # fluorine has one isotope
    assert mass_variances(["Si"], ENRICHED)[0] == 0.0


def test_an_element_without_natural_isotopes_counts_as_one_isotope() -> None:
    np.testing.assert_array_equal(mass_variances(["Tc", "Pu"], {}), 0.0)


@pytest.mark.parametrize(
    ("abundances", "message"),
    [
        ({"Si": {27: 1.0}}, r"'Si' has no isotope 27; known: 28, 29, 30"),
        ({"Tc": {99: 1.0}}, r"'Tc' has no isotope 99; known: none"),
        ({"Xx": {1: 1.0}}, "Xx"),
    ],
)
def test_unknown_isotopes_are_named(abundances: dict[str, dict[int, float]], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        check(abundances)


def test_fractions_must_sum_to_one() -> None:
    wrong = {"isotope_abundances": {"Li": {"6": 0.5, "7": 0.4}}}
    with pytest.raises(SettingsError, match=r"isotope_abundances\.Li sums to 0\.9"):
        validated(ConductivitySettings, wrong, "protocol")


def test_frequencies_scale_with_the_mean_mass() -> None:
    enriched = ConductivitySettings(isotope_abundances=ENRICHED)
    before, after = (
        wigner.solve(constants("Si-PBE"), (3, 3, 3), (300.0,), settings).frequencies
        for settings in (ConductivitySettings(), enriched)
    )
    away_from_gamma = before > 1.0  # THz
    expected = np.sqrt(28.0855 / 27.97692649)  # amu, natural silicon and 28Si
    ratio = after[away_from_gamma] / before[away_from_gamma]
    np.testing.assert_allclose(ratio, expected, rtol=1e-9)


def test_both_solvers_take_the_given_isotopes() -> None:
    """1 %: the solvers treat degenerate sets and ties differently (docs/wigner.md)."""
    settings = ConductivitySettings(isotope_abundances=ENRICHED, boundary_mean_free_path=None)
    natural = ConductivitySettings(boundary_mean_free_path=None)
    kappa = {}
    for solver in (wigner, phono3py_solver):
        for name, chosen in (("enriched", settings), ("natural", natural)):
            found = solver.solve(constants("Si-PBE"), (7, 7, 7), (300.0,), chosen)
            kappa[solver.__name__, name] = found.kappa_p[0, 0, 0]
    ratios = [
        kappa[solver.__name__, "enriched"] / kappa[solver.__name__, "natural"]
        for solver in (wigner, phono3py_solver)
    ]
    assert min(ratios) > 1.03
    assert ratios[0] == pytest.approx(ratios[1], rel=0.01)
