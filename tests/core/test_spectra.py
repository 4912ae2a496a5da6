"""Spectra of a conductivity made by hand: sum rules, symmetry, and known numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from screen.core.crystal import FloatArray
from screen.core.lifetimes import lifetimes
from screen.core.pairs import heat_capacities
from screen.core.records import Conductivity
from screen.core.spectra import (
    coherence_plane,
    cumulative_by_mean_free_path,
    mean_free_paths,
    median_mean_free_path,
    mode_conductivities,
    pair_conductivities,
    regime_shares,
    spectral_conductivity,
    speeds,
)

WATTS = 1.602176634e-19 * 1e22  # W/m/K from eV/K (THz·Å)² ps/Å³
CONSTANTS = 2e-6  # phonopy's constants differ from CODATA by up to 1e-6
WEIGHTS = np.array([1, 3])
FREQUENCIES = np.array([[0.0, 2.0, 2.0], [1.0, 4.0, 6.0]])  # THz; a degenerate pair at the first q
LINEWIDTHS = np.array([[0.0, 0.1, 0.1], [0.2, 0.4, 3.0]])  # THz
VOLUME = 50.0  # Å³


def operator() -> FloatArray:
    """A Hermitian velocity operator, (2, 3, 3, 3) THz·Å."""
    generator = np.random.default_rng(3)
    shape = (2, 3, 3, 3)
    half = generator.normal(size=shape) + 1j * generator.normal(size=shape)
    return np.asarray(half + half.conj().swapaxes(2, 3)) * 10


def squares(velocities: FloatArray) -> FloatArray:
    """trace/3 of Re v v*, summed over a star, (nq, nb, nb)."""
    return WEIGHTS[:, None, None] * (np.abs(velocities) ** 2).sum(axis=1) / 3


def made_by_hand(velocities: FloatArray | None = None) -> Conductivity:
    """One temperature, 300 K; κ_P, κ_C and mode κ play no part here."""
    return Conductivity(
        temperatures=np.array([300.0]),
        kappa_p=np.zeros((1, 3, 3)),
        kappa_c=np.zeros((1, 3, 3)),
        mesh=np.array([4, 1, 1]),
        q=np.zeros((2, 3)),
        weights=WEIGHTS,
        frequencies=FREQUENCIES,
        linewidths=LINEWIDTHS[None],
        mode_kappa=np.zeros((1, 2, 3)),
        pair_velocities=squares(operator() if velocities is None else velocities),
        volume=VOLUME,
        solver="hand",
        solver_version="1",
        isotopes=False,
        nac=False,
    )


def totals(record: Conductivity) -> tuple[float, float]:
    populations, coherences = pair_conductivities(record, 0)
    return float(populations.sum()), float(coherences.sum())


def test_a_single_mode_carries_what_the_kinetic_formula_says() -> None:
    """κ = w c v² τ/(3 N V) of the mode at 6 THz alone: v = 20 THz·Å along x."""
    velocities = np.zeros((2, 3, 3, 3))
    velocities[1, 0, 2, 2] = 20.0
    record = made_by_hand(velocities)
    heat = heat_capacities(np.array([6.0]), 300.0)[0]
    tau = 1 / (2 * np.pi * 3.0)  # ps
    expected = 3 * heat * 20.0**2 * tau / (3 * 4 * VOLUME) * WATTS
    populations, coherences = mode_conductivities(record, 0)
    assert populations[1, 2] == pytest.approx(expected, rel=CONSTANTS)
    assert populations.sum() == populations[1, 2]
    assert not coherences.any()
    assert mean_free_paths(record, 0)[1, 2] == pytest.approx(20.0 * tau / 10)  # nm
    assert median_mean_free_path(record, 0) == pytest.approx(20.0 * tau / 10)
    # linewidth 3 THz: wider than the mean spacing, 2 THz, and narrower than the frequency
    assert regime_shares(record, 0).wave_like == 1.0


def test_degenerate_pairs_are_populations_and_the_rest_are_coherences() -> None:
    populations, coherences = pair_conductivities(made_by_hand(), 0)
    near = np.array([[[1, 0, 0], [0, 1, 1], [0, 1, 1]], np.eye(3)], dtype=bool)
    assert not populations[~near].any()
    assert not coherences[near].any()
    assert (populations[1].diagonal() > 0).all()
    assert (coherences[1][~near[1]] > 0).all()
    assert not populations[0, 0].any()  # nothing moves at zero frequency


def test_modes_share_all_of_it() -> None:
    record = made_by_hand()
    kappa_p, kappa_c = totals(record)
    populations, coherences = mode_conductivities(record, 0)
    assert populations.sum() == pytest.approx(kappa_p, rel=1e-14)
    assert coherences.sum() == pytest.approx(kappa_c, rel=1e-14)
    shares = regime_shares(record, 0)
    assert shares.particle_like + shares.wave_like + shares.overdamped == pytest.approx(1.0)
    carried = populations + coherences
    assert shares.wave_like == pytest.approx(carried[1, 2] / carried.sum())


@pytest.mark.parametrize("width", [None, 0.0, 0.03, 2.0])
def test_spectra_integrate_to_the_conductivity(width: float | None) -> None:
    """However wide the Gaussians are, and although one mode has no frequency."""
    record = made_by_hand()
    kappa_p, kappa_c = totals(record)
    found = spectral_conductivity(record, 0, width=width)
    step = np.diff(found.edges)
    assert (found.kappa_p * step).sum() == pytest.approx(kappa_p, rel=1e-12)
    assert (found.kappa_c * step).sum() == pytest.approx(kappa_c, rel=1e-12)
    assert found.cumulative_p[0] == found.cumulative_c[0] == 0.0
    assert found.cumulative_p[-1] == pytest.approx(kappa_p, rel=1e-12)
    assert found.cumulative_c[-1] == pytest.approx(kappa_c, rel=1e-12)
    assert (np.diff(found.cumulative_p) >= 0).all()


def test_a_histogram_puts_each_mode_where_it_is() -> None:
    record = made_by_hand()
    populations, coherences = mode_conductivities(record, 0)
    found = spectral_conductivity(record, 0, bins=6, width=0.0)
    np.testing.assert_allclose(found.edges, np.arange(7.0))
    expected = [0, populations[1, 0], populations[0, 1:].sum(), 0, populations[1, 1]]
    np.testing.assert_allclose(found.kappa_p, [*expected, populations[1, 2]])
    assert found.kappa_c[1] == pytest.approx(coherences[1, 0])
    assert found.kappa_c[5] == pytest.approx(coherences[1, 2])  # the highest, on the last edge


def test_smearing_is_a_gaussian_of_the_given_width() -> None:
    """Far from zero: mean 6 THz and standard deviation 0.2 THz of a single mode's line."""
    velocities = np.zeros((2, 3, 3, 3))
    velocities[1, 0, 2, 2] = 20.0
    found = spectral_conductivity(made_by_hand(velocities), 0, bins=1000, width=0.2)
    line = found.kappa_p / found.kappa_p.sum()
    mean = (line * found.frequencies).sum()
    deviation = np.sqrt((line * (found.frequencies - mean) ** 2).sum())
    assert mean == pytest.approx(6.0, abs=0.01)  # a bin is 0.007 THz
    assert deviation == pytest.approx(0.2, rel=0.01)  # cut at four widths


@pytest.mark.parametrize("width", [None, 0.0, 1.0])
def test_the_plane_is_symmetric_and_integrates_to_the_coherences(width: float | None) -> None:
    record = made_by_hand()
    _, kappa_c = totals(record)
    found = coherence_plane(record, 0, width=width)
    area = np.outer(np.diff(found.edges), np.diff(found.edges))
    np.testing.assert_array_equal(found.kappa_c, found.kappa_c.T)
    assert (found.kappa_c * area).sum() == pytest.approx(kappa_c, rel=1e-12)
    assert found.kappa_c.min() >= 0


def test_the_plane_shows_each_pair_at_its_two_frequencies() -> None:
    record = made_by_hand()
    _, coherences = pair_conductivities(record, 0)
    found = coherence_plane(record, 0, bins=6, width=0.0)  # bins of 1 THz
    assert found.kappa_c[1, 4] == pytest.approx(coherences[1, 0, 1])
    assert found.kappa_c[4, 5] == pytest.approx(coherences[1, 1, 2])
    assert np.count_nonzero(found.kappa_c) == 6  # three pairs at the second q, none at the first


def test_speeds_do_not_depend_on_the_basis_of_a_degenerate_set() -> None:
    velocities = operator()
    turned = np.eye(3, dtype=complex)
    angle = 0.7
    turned[1:, 1:] = [
        [np.cos(angle), np.sin(angle) * 1j],
        [np.sin(angle) * 1j, np.cos(angle)],
    ]
    other = velocities.copy()
    other[0] = turned.conj().T @ velocities[0] @ turned
    before, after = made_by_hand(velocities), made_by_hand(other)
    assert not np.allclose(before.pair_velocities[0, 1:, 1:], after.pair_velocities[0, 1:, 1:])
    np.testing.assert_allclose(speeds(after), speeds(before), rtol=1e-12)
    assert speeds(before)[0, 1] == speeds(before)[0, 2]
    single = np.sqrt((np.abs(velocities[1, :, 0, 0]) ** 2).sum())
    assert speeds(before)[1, 0] == pytest.approx(single)


def test_mean_free_paths_accumulate_all_populations() -> None:
    record = made_by_hand()
    kappa_p, _ = totals(record)
    paths = mean_free_paths(record, 0)
    np.testing.assert_allclose(paths, speeds(record) * lifetimes(LINEWIDTHS) / 10)
    populations, _ = mode_conductivities(record, 0)
    longest = np.unravel_index(paths[1].argmax(), paths[1].shape)
    lengths = np.array([0.0, 0.999 * paths[1][longest], 1e9])
    found = cumulative_by_mean_free_path(record, 0, lengths)
    assert found[0] == 0.0
    below = populations[paths <= lengths[1]].sum()
    assert found[1] == pytest.approx(below)
    assert found[2] == pytest.approx(kappa_p, rel=1e-14)
    half = cumulative_by_mean_free_path(record, 0, np.array([median_mean_free_path(record, 0)]))
    assert half[0] >= kappa_p / 2


def test_a_mode_that_neither_moves_nor_scatters_has_no_mean_free_path() -> None:
    still = np.zeros((2, 3, 3, 3))
    still[1, 0, 1, 1] = 5.0
    record = replace(made_by_hand(still), linewidths=np.zeros((1, 2, 3)))
    paths = mean_free_paths(record, 0)
    assert paths[1].tolist() == [0.0, np.inf, 0.0]
