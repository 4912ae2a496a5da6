"""Which phonons carry the heat: what follows from a stored conductivity, mode by mode.

Everything is κ in W/m/K, the mean of xx, yy and zz, at one stored temperature (``index``), and sums
or integrates to the record's κ_P and κ_C.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import erf

from screen.core.crystal import FloatArray, IntArray
from screen.core.lifetimes import Regime, lifetimes, regimes
from screen.core.pairs import (
    degenerate_pairs,
    heat_capacities,
    pair_factors,
    shared_coherences,
)
from screen.core.records import Conductivity

BINS = 200
PLANE_BINS = 80
WIDTH = 1 / 100  # of the highest frequency: standard deviation of the smearing
MARGIN = 4  # widths above the highest frequency


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Spectral conductivity, smeared by Gaussians; its integral is κ."""

    edges: FloatArray  # (n + 1,) THz, of n bins of equal width
    kappa_p: FloatArray  # (n,) W/m/K/THz, populations
    kappa_c: FloatArray  # (n,) W/m/K/THz, coherences, each shared by its two modes
    width: float  # THz, standard deviation of the Gaussians

    @property
    def frequencies(self) -> FloatArray:
        """Centres of the bins, (n,) THz."""
        return np.asarray((self.edges[1:] + self.edges[:-1]) / 2)

    @property
    def cumulative_p(self) -> FloatArray:
        """κ_P of all modes below each edge, (n + 1,) W/m/K."""
        return self._cumulative(self.kappa_p)

    @property
    def cumulative_c(self) -> FloatArray:
        """κ_C of all modes below each edge, (n + 1,) W/m/K."""
        return self._cumulative(self.kappa_c)

    def _cumulative(self, density: FloatArray) -> FloatArray:
        return np.concatenate([[0.0], np.cumsum(density * np.diff(self.edges))])


@dataclass(frozen=True, eq=False)
class CoherencePlane:
    """κ_C(ω, ω'): between which frequencies heat tunnels. Symmetric; its integral is κ_C."""

    edges: FloatArray  # (n + 1,) THz, of n bins of equal width
    kappa_c: FloatArray  # (n, n) W/m/K/THz²
    width: float  # THz, standard deviation of the Gaussians

    @property
    def frequencies(self) -> FloatArray:
        """Centres of the bins, (n,) THz."""
        return np.asarray((self.edges[1:] + self.edges[:-1]) / 2)


@dataclass(frozen=True)
class RegimeShares:
    """Shares of κ by the kind of carrier, from 0 to 1; they sum to 1."""

    particle_like: float
    wave_like: float
    overdamped: float


def pair_conductivities(record: Conductivity, index: int) -> tuple[FloatArray, FloatArray]:
    """Return populations and coherences of every pair of bands: two (nq, nb, nb) W/m/K.

    Their sums are κ_P and κ_C; the star of each irreducible q is included.
    """
    temperature = float(record.temperatures[index])
    pairs = record.pair_velocities * pair_factors(
        record.frequencies, record.linewidths[index], temperature, record.volume
    )
    pairs /= record.weights.sum()
    populations = np.where(degenerate_pairs(record.frequencies), pairs, 0.0)
    return populations, pairs - populations


def mode_conductivities(record: Conductivity, index: int) -> tuple[FloatArray, FloatArray]:
    """Return populations and coherences of every mode: two (nq, nb) W/m/K.

    Their sums are κ_P and κ_C. A coherence belongs to its two modes in the ratio of their heat capacities.
    """
    populations, coherences = pair_conductivities(record, index)
    heat = heat_capacities(record.frequencies, float(record.temperatures[index]))
    return populations.sum(axis=-1), shared_coherences(coherences, heat)


def spectral_conductivity(
    record: Conductivity, index: int, bins: int = BINS, width: float | None = None
) -> Spectrum:
    """κ_P(ω) and κ_C(ω) in W/m/K/THz.

    Parameters
    ----------
    width
        Standard deviation of the Gaussians in THz; default: 1 % of the highest frequency. They
        are reflected at zero, so that nothing is lost.
    """
    width = _width(record, width)
    edges = _edges(record, bins, width)
    place = _bins(record, edges)
    blur = _smearing(edges, width) / np.diff(edges)[:, None]
    kappa_p, kappa_c = (
        blur @ np.bincount(place.ravel(), weights=modes.ravel(), minlength=bins)
        for modes in mode_conductivities(record, index)
    )
    return Spectrum(edges, kappa_p, kappa_c, width)


def coherence_plane(
    record: Conductivity, index: int, bins: int = PLANE_BINS, width: float | None = None
) -> CoherencePlane:
    """κ_C(ω, ω') in W/m/K/THz² (Simoncelli, Marzari, Mauri, Nat. Phys. 15, 809, 2019, fig. 3).

    ``width`` as for ``spectral_conductivity``. Each pair of bands is there twice, as (ω, ω') and
    as (ω', ω).
    """
    width = _width(record, width)
    edges = _edges(record, bins, width)
    place = _bins(record, edges)
    pair = place[:, :, None] * bins + place[:, None, :]
    _, coherences = pair_conductivities(record, index)
    counted = np.bincount(pair.ravel(), weights=coherences.ravel(), minlength=bins * bins)
    blur = _smearing(edges, width) / np.diff(edges)[:, None]
    plane = blur @ counted.reshape(bins, bins) @ blur.T
    return CoherencePlane(edges, (plane + plane.T) / 2, width)


def speeds(record: Conductivity) -> FloatArray:
    """|v| of every mode, (nq, nb) THz·Å; in a degenerate set the root of the mean of v·v†."""
    same = degenerate_pairs(record.frequencies)
    square = (record.pair_velocities * same).sum(axis=-1) * 3 / record.weights[:, None]
    mean = (square[:, None, :] * same).sum(axis=-1) / same.sum(axis=-1)
    return np.asarray(np.sqrt(np.maximum(mean, 0.0)))


def mean_free_paths(record: Conductivity, index: int) -> FloatArray:
    """Λ = |v| τ of every mode, (nq, nb) nm; 0 for a mode that does not move."""
    speed = speeds(record)
    tau = lifetimes(record.linewidths[index])
    return np.asarray(np.multiply(speed, tau, out=np.zeros_like(speed), where=speed > 0) / 10)


def cumulative_by_mean_free_path(
    record: Conductivity, index: int, lengths: FloatArray
) -> FloatArray:
    """κ_P of all modes with Λ up to each of ``lengths`` (n,) nm: (n,) W/m/K.

    Coherences have no mean free path.
    """
    paths, total = _accumulated_paths(record, index)
    return np.asarray(np.append(0.0, total)[np.searchsorted(paths, lengths, side="right")])


def median_mean_free_path(record: Conductivity, index: int) -> float:
    """Λ in nm of the modes up to which half of κ_P accumulates."""
    paths, total = _accumulated_paths(record, index)
    return float(paths[np.searchsorted(total, total[-1] / 2)])


def regime_shares(record: Conductivity, index: int) -> RegimeShares:
    """Shares of κ = κ_P + κ_C carried by particle-like, wave-like and overdamped modes."""
    populations, coherences = mode_conductivities(record, index)
    kind = regimes(record.frequencies, record.linewidths[index])
    carried = np.bincount(
        kind.ravel(), weights=(populations + coherences).ravel(), minlength=len(Regime)
    )
    return RegimeShares(*(carried / carried.sum()).tolist())


def _accumulated_paths(record: Conductivity, index: int) -> tuple[FloatArray, FloatArray]:
    """Mean free paths in ascending order, nm, and κ_P up to each of them, W/m/K: two (nq·nb,)."""
    paths = mean_free_paths(record, index).ravel()
    order = np.argsort(paths)
    populations, _ = pair_conductivities(record, index)
    return paths[order], np.cumsum(populations.sum(axis=-1).ravel()[order])


def _width(record: Conductivity, width: float | None) -> float:
    return WIDTH * float(record.frequencies.max()) if width is None else width


def _edges(record: Conductivity, bins: int, width: float) -> FloatArray:
    highest = float(record.frequencies.max()) + MARGIN * width
    return np.linspace(0.0, highest, bins + 1)


def _bins(record: Conductivity, edges: FloatArray) -> IntArray:
    """Bin of each mode, (nq, nb); modes without frequency, which carry nothing, in the first."""
    found = np.searchsorted(edges, record.frequencies, side="right") - 1
    return np.clip(found, 0, len(edges) - 2)


def _smearing(edges: FloatArray, width: float) -> FloatArray:
    """Share that bin i gets of what lies in bin j, (n, n); columns sum to 1.

    Gaussians around the centres, reflected at zero, cut at the last edge.
    """
    bins = len(edges) - 1
    if width <= 0:
        return np.eye(bins)
    centres = (edges[1:] + edges[:-1]) / 2
    scale = 1 / (np.sqrt(2) * width)
    direct = erf((edges[:, None] - centres) * scale)
    mirrored = erf((edges[:, None] + centres) * scale)
    shares = np.diff(direct + mirrored, axis=0)
    return np.asarray(shares / shares.sum(axis=0))
