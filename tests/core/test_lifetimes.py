"""Lifetimes and their limits against numbers by hand."""

from __future__ import annotations

import numpy as np
import pytest

from screen.core.lifetimes import (
    Regime,
    ioffe_regel_limit,
    lifetimes,
    regimes,
    wigner_limit,
)

FREQUENCIES = np.array([[0.5, 2.0, 6.0]])  # THz; three bands: spacing 2 THz


def test_lifetime_is_the_inverse_of_the_angular_width() -> None:
    """A full width of 1/2π THz is 1e12 1/s: 1 ps."""
    found = lifetimes(np.array([1 / (2 * np.pi), 0.0]))
    assert found[0] == pytest.approx(1.0)
    assert found[1] == np.inf


def test_wigner_limit_is_the_inverse_of_the_mean_spacing_of_bands() -> None:
    """ω_max/(3 N_at) = 2π·6/3 rad/ps: 0.0796 ps."""
    assert wigner_limit(FREQUENCIES) == pytest.approx(1 / (4 * np.pi))


def test_at_the_wigner_limit_the_linewidth_is_the_mean_spacing() -> None:
    assert lifetimes(np.array([2.0]))[0] == pytest.approx(wigner_limit(FREQUENCIES))


def test_at_the_ioffe_regel_limit_the_linewidth_is_the_frequency() -> None:
    np.testing.assert_array_equal(ioffe_regel_limit(FREQUENCIES), lifetimes(FREQUENCIES))
    assert ioffe_regel_limit(np.array([0.0, -1.0])).tolist() == [np.inf, np.inf]


@pytest.mark.parametrize(
    ("linewidths", "expected"),
    [
        ([0.4, 1.9, 1.9], [Regime.PARTICLE_LIKE] * 3),
        ([0.4, 2.1, 2.1], [Regime.PARTICLE_LIKE, Regime.OVERDAMPED, Regime.WAVE_LIKE]),
        # an acoustic mode below its own frequency decays before it has turned once, although
        # its lifetime is above the Wigner limit
        ([0.6, 1.9, 6.1], [Regime.OVERDAMPED, Regime.PARTICLE_LIKE, Regime.OVERDAMPED]),
        ([0.0, 0.0, 0.0], [Regime.PARTICLE_LIKE] * 3),
    ],
)
def test_modes_by_their_lifetimes(linewidths: list[float], expected: list[Regime]) -> None:
    assert regimes(FREQUENCIES, np.array([linewidths]))[0].tolist() == expected
