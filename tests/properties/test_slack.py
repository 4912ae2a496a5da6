"""Slack-type estimates: speeds of sound, and how well they rank DFT conductivities."""

import gzip
import json

import numpy as np
import pytest
from ase.io import read
from scipy.stats import spearmanr

from screen.core.records import SoundWaves
from screen.physics.convert import from_ase
from screen.physics.phonons import harmonic_lattice
from screen.physics.sound import (
    debye_temperature,
    estimated_conductivity,
    gruneisen_of_poisson,
    mean_velocity,
    poisson_ratio,
    sound_waves,
    spread_directions,
)
from tests.crystals import fcc
from tests.shared import dft_force_constants, shared_path


def isotropic(transverse: float, longitudinal: float) -> SoundWaves:
    """Waves of an isotropic solid, velocities in km/s."""
    velocities = np.tile(np.array([transverse, transverse, longitudinal]) * 10, (5, 1))
    return SoundWaves(spread_directions(5), velocities)


def test_directions_are_spread_evenly() -> None:
    directions = spread_directions(500)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1)
    np.testing.assert_allclose(directions.T @ directions / 500, np.eye(3) / 3, atol=2e-3)


def test_an_isotropic_solid_has_the_textbook_debye_temperature() -> None:
    """Aluminium: v_t 3.13, v_l 6.36 km/s, Θ_D 428 K (Kittel; Anderson 1963: 423 K)."""
    waves = isotropic(3.13, 6.36)
    assert mean_velocity(waves) == pytest.approx(3.51e3, rel=5e-3)
    assert debye_temperature(waves, 4.05**3 / 4) == pytest.approx(420, rel=0.03)
    assert poisson_ratio(waves) == pytest.approx(0.34, abs=0.01)


def test_a_cauchy_solid_has_its_poisson_ratio_and_gruneisen_parameter() -> None:
    """v_l = √3 v_t: ν = 1/4, γ = 1.5."""
    assert poisson_ratio(isotropic(1.0, 3**0.5)) == pytest.approx(0.25)
    assert gruneisen_of_poisson(0.25) == pytest.approx(1.5)


def test_the_estimate_falls_with_temperature_and_with_atoms_per_cell() -> None:
    waves, crystal = isotropic(3.0, 5.0), fcc(4.0, 29)
    one = estimated_conductivity(waves, crystal, 1, 300.0)
    assert estimated_conductivity(waves, crystal, 1, 600.0) == pytest.approx(one / 2)
    assert estimated_conductivity(waves, crystal, 8, 300.0) < 0.6 * one


def test_speeds_of_silicon_are_its_group_velocities_at_long_waves() -> None:
    """The same by derivatives of the dynamical matrix; both agree as q → 0; 0.5 % dispersion."""
    force_constants = dft_force_constants("Si-PBE")
    waves = sound_waves(force_constants)
    lattice = harmonic_lattice(force_constants)
    q = 1e-3 * waves.directions @ lattice.primitive.cell.T
    lattice.run_qpoints(q, with_group_velocities=True)
    group = np.array(lattice.qpoints.group_velocities)[:, :3]
    along = np.sort(np.einsum("nbi,ni->nb", group, waves.directions), axis=1)
    np.testing.assert_allclose(waves.velocities, along, rtol=0.005)


def test_estimates_rank_103_dft_conductivities() -> None:
    """Spearman's ρ between the estimate from the same DFT phonons and κ: 0.87; 20 of 40 hold 19."""
    data = shared_path("phonondb/kappas_phononDB_PBE_noNAC.json.gz")
    with gzip.open(data) as handle:
        reference = json.load(handle)
    structures = {
        atoms.info["mp_id"]: atoms
        for atoms in read(shared_path("phonondb/structures_103.extxyz"), index=":")
    }
    kappa, estimate = [], []
    for key, name in reference["mp_id"].items():
        atoms = structures[name]
        primitive = atoms.cell.array
        if len(atoms) == 8:
            primitive = (np.ones((3, 3)) - np.eye(3)) / 2 * atoms.cell[0, 0]
        q, weights = np.array(reference["qpoints"][key]), reference["weights"][key]
        images = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3), axis=-1).reshape(-1, 3)
        reduced = (q - np.rint(q))[:, None] + images
        length = np.linalg.norm(reduced @ np.linalg.inv(primitive).T, axis=2).min(axis=1)
        near = (length > 0) & (length < 3.2 * np.sort(length)[1])
        frequencies = np.array(reference["frequencies"][key])
        velocities = frequencies[near, :3] / length[near, None]
        copies = np.repeat(velocities, np.array(weights)[near], axis=0)
        waves = SoundWaves(spread_directions(len(copies)), copies)
        n_primitive = frequencies.shape[1] // 3
        estimate.append(estimated_conductivity(waves, from_ase(atoms), n_primitive, 300.0))
        kappa.append(np.ravel(reference["kappa_TOT_ave"][key])[0])
    assert len(kappa) == 103
    assert spearmanr(kappa, estimate).statistic == pytest.approx(0.87, abs=0.01)
    order, guess = np.argsort(kappa), np.argsort(estimate)
    assert len(set(order[:20]) & set(guess[:40])) >= 19
    assert len(set(order[-20:]) & set(guess[-40:])) >= 19
    assert 0.3 < np.median(np.divide(estimate, kappa)) < 0.7
