"""Two-stage relaxation of springs against minima found without ASE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar

from screen.core.crystal import Crystal, FloatArray
from screen.core.errors import RelaxationError
from screen.core.records import Evaluation
from screen.core.settings import RelaxationSettings
from screen.physics.relax import optimise, relax
from tests.crystals import fcc, rocksalt, wurtzite
from tests.physics.analytic import SPRINGS, energy

SETTINGS = RelaxationSettings()
TIGHT = RelaxationSettings(fmax=1e-6, max_steps=1000)
ZINC, OXYGEN = 30, 8


def lengths(crystal: Crystal) -> FloatArray:
    return np.linalg.norm(crystal.lattice, axis=1)


def sheared(crystal: Crystal) -> Crystal:
    """Strain every component of the cell by some per cent and displace atoms by 0.03 Å."""
    rng = np.random.default_rng(7)
    strain = 0.02 * rng.standard_normal((3, 3))
    shifts = 0.03 * rng.standard_normal((len(crystal), 3)) @ np.linalg.inv(crystal.lattice)
    lattice = crystal.lattice @ (np.eye(3) + strain + strain.T)
    return Crystal(lattice, crystal.numbers, crystal.fractional + shifts)


@pytest.mark.parametrize(
    ("make", "low", "high"),
    [(lambda a: fcc(a, 29), 3.4, 3.9), (rocksalt, 5.5, 6.3)],
    ids=["fcc Cu", "rocksalt LiBr"],
)
def test_a_cubic_crystal_relaxes_to_the_minimum_of_its_energy(make, low, high) -> None:
    """Brent's minimum of E(a), good to 1e-7; FIRE stops at fmax, here 3e-6 of a."""
    exact = minimize_scalar(
        lambda a: energy(make(a)), bracket=(low, (low + high) / 2, high), options={"xtol": 1e-9}
    ).x
    relaxed = relax(make(low), SPRINGS, SETTINGS)
    assert relaxed.converged
    np.testing.assert_allclose(lengths(relaxed.crystal), exact, rtol=1e-5)
    assert relaxed.energy == pytest.approx(energy(relaxed.crystal), abs=1e-12)
    per_atom = relaxed.crystal.volume / len(relaxed.crystal)
    assert np.abs(relaxed.stress).max() * per_atom < SETTINGS.fmax  # ASE's cell gradient
    assert relaxed.max_force < SETTINGS.fmax


def test_wurtzite_relaxes_its_axes_and_its_internal_parameter_and_keeps_its_symmetry() -> None:
    """Nelder and Mead over (a, c, u), no symmetry code and no gradient; tolerance 1e-5."""
    start = wurtzite(3.1, 5.6, ZINC, OXYGEN, u=0.39)
    found = minimize(
        lambda x: energy(wurtzite(x[0], x[1], ZINC, OXYGEN, u=x[2])),
        (3.1, 5.6, 0.39),
        method="Nelder-Mead",
        options={"xatol": 1e-8, "fatol": 1e-13, "maxiter": 2000},
    )
    a, c, u = found.x
    relaxed = relax(start, SPRINGS, TIGHT)
    assert relaxed.converged
    np.testing.assert_allclose(lengths(relaxed.crystal), [a, a, c], rtol=1e-5)
    z = relaxed.crystal.fractional[:, 2]
    assert (z[2] - z[0]) % 0.5 == pytest.approx(u % 0.5, abs=1e-5)
    assert relaxed.energy == pytest.approx(found.fun, abs=1e-8)
    assert relaxed.space_group_before == relaxed.space_group_after == 186
    assert abs(c / a - 5.6 / 3.1) > 0.05  # the axes had something to do


def test_a_cell_without_symmetry_finds_the_crystal_again() -> None:
    """Every strain component has to relax: a wrong sign or order of the stress would show.

    The energy is a minimum, quadratic in what is left: tolerance 1e-7 eV at fmax 1e-4.
    """
    target = relax(rocksalt(5.8), SPRINGS, TIGHT)
    stage = optimise(sheared(target.crystal), SPRINGS, SETTINGS, fix_symmetry=False)
    assert stage.converged
    assert stage.energy == pytest.approx(target.energy, abs=1e-7)
    metric = stage.crystal.lattice @ stage.crystal.lattice.T
    a = target.crystal.lattice[0, 0]
    np.testing.assert_allclose(metric / a**2, np.eye(3), atol=2e-4)


def test_masked_strains_stay_as_they_are() -> None:
    """The benchmark's mask (xx, yy, zz) only stretches: no cell vector turns or shears."""
    mask = (True, True, True, False, False, False)
    settings = RelaxationSettings(cell_mask=mask, max_steps=20)
    start = sheared(rocksalt(5.6))
    stage = optimise(start, SPRINGS, settings, fix_symmetry=False)
    deformation = np.linalg.solve(start.lattice, stage.crystal.lattice)
    assert np.abs(np.diag(deformation) - 1).max() > 0.01
    np.testing.assert_allclose(deformation, np.diag(np.diag(deformation)), atol=1e-12)


def test_energies_fall() -> None:
    start = wurtzite(3.1, 5.6, ZINC, OXYGEN)
    previous = energy(start)
    for steps in (5, 20, 300):
        stage = optimise(start, SPRINGS, RelaxationSettings(max_steps=steps), fix_symmetry=True)
        assert stage.energy < previous
        assert stage.energy == energy(stage.crystal)
        previous = stage.energy


def test_the_start_is_the_conventional_cell_unless_the_protocol_says_otherwise() -> None:
    primitive = Crystal(np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) * 1.8, [29], [[0, 0, 0]])
    conventional = relax(primitive, SPRINGS, TIGHT).crystal
    kept = relax(primitive, SPRINGS, TIGHT.model_copy(update={"standardize": False})).crystal
    assert (len(conventional), len(kept)) == (4, 1)
    assert conventional.volume / 4 == pytest.approx(kept.volume, rel=1e-5)


def test_what_does_not_converge_is_flagged_and_counted() -> None:
    relaxed = relax(wurtzite(3.1, 5.6, ZINC, OXYGEN), SPRINGS, RelaxationSettings(max_steps=3))
    assert not relaxed.converged
    assert relaxed.steps == 6  # three in each stage
    assert relaxed.max_force > SETTINGS.fmax


def test_the_free_stage_can_be_left_out() -> None:
    settings = RelaxationSettings(max_steps=3, free_stage=False)
    assert relax(wurtzite(3.1, 5.6, ZINC, OXYGEN), SPRINGS, settings).steps == 3


def test_a_relaxed_crystal_takes_no_step() -> None:
    relaxed = relax(rocksalt(5.8), SPRINGS, TIGHT)
    again = relax(relaxed.crystal, SPRINGS, SETTINGS)
    assert again.steps == 0
    assert again.converged
    np.testing.assert_allclose(again.crystal.lattice, relaxed.crystal.lattice, atol=1e-12)


def test_atoms_on_top_of_each_other_are_a_relaxation_error() -> None:
    crystal = Crystal(np.eye(3) * 4, np.array([29, 29]), np.zeros((2, 3)))
    with pytest.raises(RelaxationError, match="on top of each other") as caught:
        relax(crystal, SPRINGS, SETTINGS)
    assert caught.value.kind == "no_space_group"


@dataclass
class Pulled:
    """Springs whose first atom is pulled along x by a force too weak for anything to break."""

    force: float  # eV/Å
    seen: list[Crystal] = field(default_factory=list)
    elements: frozenset[str] = SPRINGS.elements

    def evaluate(self, crystals: Sequence[Crystal]) -> Evaluation:
        self.seen.extend(crystals)
        plain = SPRINGS.evaluate(crystals)
        pull = np.zeros((len(crystals[0]), 3))
        pull[:, 0] = -self.force / (len(pull) - 1)
        pull[0, 0] = self.force
        forces = tuple(forces + pull for forces in plain.forces)
        energies = [
            value - float((pull * crystal.positions).sum())
            for value, crystal in zip(plain.energies, crystals, strict=True)
        ]
        return Evaluation(np.array(energies), forces, plain.stresses)


def test_a_structure_that_loses_its_symmetry_is_given_back_as_stage_1_left_it() -> None:
    """The pull averages to zero over the operations of rocksalt: only stage 2 gives way to it."""
    pulled = Pulled(force=0.05)
    relaxed = relax(rocksalt(5.6), pulled, SETTINGS)
    assert relaxed.space_group_before == relaxed.space_group_after == 225
    assert relaxed.converged  # stage 1 did
    free = relax(rocksalt(5.6), SPRINGS, SETTINGS).crystal
    np.testing.assert_allclose(relaxed.crystal.lattice, free.lattice, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(relaxed.crystal.fractional % 1, free.fractional % 1, atol=1e-9)
    # stage 2 did go elsewhere, and what is reported belongs to the crystal given back
    moved = np.abs(pulled.seen[-1].fractional - relaxed.crystal.fractional).max()
    assert moved * 5.6 > 1e-3
    assert relaxed.energy == pytest.approx(pulled.evaluate([relaxed.crystal]).energies[0])
    assert relaxed.max_force == pytest.approx(0.05, rel=1e-6)


def test_a_symmetry_kept_in_stage_2_takes_the_result_of_stage_2() -> None:
    """Stage 1 is cut off early; stage 2 goes on from there and keeps the space group."""
    settings = RelaxationSettings(max_steps=15)
    start = wurtzite(3.1, 5.6, ZINC, OXYGEN)
    first = optimise(start, SPRINGS, settings, fix_symmetry=True)
    relaxed = relax(start, SPRINGS, settings)
    assert not first.converged
    assert relaxed.space_group_after == 186
    assert relaxed.energy < first.energy
