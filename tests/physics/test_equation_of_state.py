"""Bulk modulus of springs against the second derivative of the energy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from screen.core.crystal import Crystal
from screen.core.errors import ExpansionError
from screen.core.records import StrainedCells
from screen.core.settings import RelaxationSettings
from screen.physics.equation_of_state import bulk_modulus, strained_cells
from screen.physics.relax import relax
from tests.crystals import fcc, wurtzite
from tests.physics.analytic import SPRINGS, energy, without_stress

GPA = 160.21766208  # per eV/Å³
STRAINS = (-0.01, -0.005, 0.0, 0.005, 0.01)
SETTINGS = RelaxationSettings()
COPPER = without_stress(lambda a: fcc(a, 29), 3.4, 3.9)


def at_volume(volume: float) -> float:
    return energy(fcc(volume ** (1 / 3), 29))


def test_the_bulk_modulus_is_the_curvature_of_the_energy() -> None:
    """B = V E''(V), five-point stencil of energies, good to 1e-6.

    A parabola through P at ±1 % leaves out P''': 5e-4 with springs, tolerance 1e-3.
    """
    v, h = COPPER.volume, 0.002 * COPPER.volume
    e = [at_volume(v + k * h) for k in (-2, -1, 0, 1, 2)]
    curvature = (-e[0] + 16 * e[1] - 30 * e[2] + 16 * e[3] - e[4]) / (12 * h**2)
    cells = strained_cells(COPPER, SPRINGS, STRAINS, SETTINGS)
    found = bulk_modulus(cells, COPPER.volume)
    assert found == pytest.approx(v * curvature * GPA, rel=1e-3)
    assert 100 < found < 150  # springs of copper; experiment 137 GPa (Kittel)


def test_smaller_strains_come_closer() -> None:
    """The error of the parabola falls with the square of the strain: 16 times from 1 % to 0.25 %."""
    v, h = COPPER.volume, 0.002 * COPPER.volume
    e = [at_volume(v + k * h) for k in (-2, -1, 0, 1, 2)]
    exact = v * (-e[0] + 16 * e[1] - 30 * e[2] + 16 * e[3] - e[4]) / (12 * h**2) * GPA
    errors = []
    for largest in (0.01, 0.0025):
        cells = strained_cells(COPPER, SPRINGS, (-largest, 0.0, largest), SETTINGS)
        errors.append(abs(bulk_modulus(cells, v) / exact - 1))
    assert errors[1] < errors[0] / 8


def test_pressures_are_minus_the_slope_of_the_energies() -> None:
    cells = strained_cells(COPPER, SPRINGS, STRAINS, SETTINGS)
    np.testing.assert_allclose(cells.volumes / COPPER.volume - 1, STRAINS, atol=1e-9)
    h = 1e-3
    slopes = [(at_volume(v + h) - at_volume(v - h)) / (2 * h) for v in cells.volumes]
    np.testing.assert_allclose(cells.pressures, np.negative(slopes), atol=1e-7)
    assert cells.pressures[0] > 0 > cells.pressures[-1]  # compressed cells push


def test_a_strained_wurtzite_relaxes_its_shape_at_its_volume() -> None:
    """c/a and u by Brent's method, one inside the other; energies agree to 1e-6 eV."""
    settings = RelaxationSettings(max_steps=1000)
    crystal = relax(wurtzite(3.2, 5.2, 30, 8), SPRINGS, settings).crystal
    cells = strained_cells(crystal, SPRINGS, (-0.02, 0.0, 0.02), settings)

    def lowest(volume: float) -> float:
        def best_u(ratio: float) -> float:
            a = (2 * volume / (np.sqrt(3) * ratio)) ** (1 / 3)
            return minimize_scalar(
                lambda u: energy(wurtzite(a, ratio * a, 30, 8, u=u)),
                bounds=(0.35, 0.40),
                options={"xatol": 1e-6},
            ).fun

        return minimize_scalar(best_u, bounds=(1.45, 1.75), options={"xatol": 1e-5}).fun

    np.testing.assert_allclose(cells.volumes / crystal.volume, [0.98, 1, 1.02], atol=1e-9)
    for volume, found in zip(cells.volumes, cells.energies, strict=True):
        assert found == pytest.approx(lowest(volume), abs=1e-6)
    homogeneous = energy(crystal.with_lattice(crystal.lattice * 1.02 ** (1 / 3)))
    assert cells.energies[-1] < homogeneous - 1e-5  # the shape had something to gain


def test_a_crystal_without_resistance_is_mechanically_unstable() -> None:
    """Copper stretched far beyond the inflection of E(V): it pulls less the more it is stretched."""
    stretched = COPPER.with_lattice(COPPER.lattice * 1.3)
    cells = strained_cells(stretched, SPRINGS, STRAINS, SETTINGS)
    with pytest.raises(ExpansionError, match="does not resist compression") as caught:
        bulk_modulus(cells, stretched.volume)
    assert caught.value.kind == "mechanically_unstable"


def test_no_slope_at_all_is_no_modulus() -> None:
    free = Crystal(np.eye(3) * 40.0, [29], [[0, 0, 0]])  # an atom alone in its cell
    cells = strained_cells(free, SPRINGS, STRAINS, SETTINGS)
    with pytest.raises(ExpansionError):
        bulk_modulus(cells, free.volume)


def test_a_cell_that_does_not_relax_names_its_strain() -> None:
    start = wurtzite(3.1, 5.6, 30, 8)
    with pytest.raises(ExpansionError, match=r"strain -0\.010 .*max_steps") as caught:
        strained_cells(start, SPRINGS, STRAINS, RelaxationSettings(max_steps=2))
    assert caught.value.kind == "not_converged"


def test_the_modulus_is_taken_at_the_given_volume() -> None:
    """P = −(x + 2x²) eV/Å³: B is 1 at x = 0 and B = (1 + x)(1 + 4x) at x."""
    x = np.array([-0.02, 0.0, 0.02])
    cells = StrainedCells(100 * (1 + x), -(x + 2 * x**2), np.zeros(3))
    assert bulk_modulus(cells, 100.0) == pytest.approx(GPA)
    assert bulk_modulus(cells, 101.0) == pytest.approx(GPA * 1.01 * 1.04)
