"""Harmonic phonons on the whole mesh, with eigenvectors in the periodic, mass-weighted gauge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from screen.core.crystal import FloatArray, IntArray
from screen.core.pairs import DEGENERATE
from screen.wigner.grid import Grid

ComplexArray = npt.NDArray[np.complex128]

QUANTUM = 2.0**-20  # THz


@dataclass(frozen=True, eq=False)
class GridPhonons:
    """Frequencies and eigenvectors of n grid points, nb = 3 × atoms bands."""

    frequencies: FloatArray  # (n, nb) THz, ascending, imaginary as negative
    eigenvectors: ComplexArray  # (n, nb, nb) [:, atom and axis, band]
    periodic: ComplexArray  # (n, nb, nb) e exp(2πi q·τ)/√m, 1/√amu; periodic in q
    sets: IntArray  # (n, nb) first band of the degenerate set that holds the band
    levels: FloatArray  # (n, nb) THz, the frequencies that energy conservation compares

    @property
    def bands(self) -> int:
        """Number of bands, nb."""
        return int(self.frequencies.shape[1])

    @property
    def degenerate(self) -> npt.NDArray[np.bool_]:
        """Which points have a degenerate set, (n,)."""
        return np.asarray((self.sets != np.arange(self.bands)).any(axis=1))


def solve_phonons(interaction: Any, grid: Grid, canonical: bool = True) -> GridPhonons:
    """Diagonalise phonopy's dynamical matrices (with NAC where it is set) on the mesh.

    ``canonical`` levels do not depend on rounding, see ``canonical_levels``.
    """
    interaction.run_phonon_solver()
    phonons = interaction.phonons
    frequencies = np.array(phonons.frequencies[grid.bz])
    eigenvectors = np.array(phonons.eigenvectors[grid.bz])
    primitive = interaction.primitive
    positions = np.repeat(np.array(primitive.scaled_positions), 3, axis=0)
    phases = np.exp(2j * np.pi * grid.q @ positions.T)
    phases /= np.sqrt(np.repeat(np.array(primitive.masses), 3))
    sets = degenerate_sets(frequencies)
    levels = canonical_levels(frequencies, sets, grid) if canonical else frequencies
    return GridPhonons(frequencies, eigenvectors, phases[:, :, None] * eigenvectors, sets, levels)


def canonical_levels(frequencies: FloatArray, sets: IntArray, grid: Grid) -> FloatArray:
    """Frequencies (n, nb) THz whose ties are exact: for the tetrahedron method.

    On a symmetric mesh ω often equals the frequency of several vertices, and where three of a
    tetrahedron tie the weight jumps: rounding, and with it the orientation of the crystal, would
    decide (κ of Si 5×5×5 at 100 K by 6 %). Degenerate sets take their mean, a star takes the
    frequencies of its irreducible point, and all are rounded to 2⁻²⁰ THz, so that sums and
    differences of two are exact too.
    """
    mean = average_sets(frequencies, sets)[grid.star]
    return np.asarray(np.round(mean / QUANTUM) * QUANTUM)


def degenerate_sets(frequencies: FloatArray) -> IntArray:
    """First band of the set of each band: neighbours closer than 1e-4 THz are chained, (n, nb)."""
    gaps = np.abs(np.diff(np.sort(frequencies, axis=1), axis=1)) >= DEGENERATE
    starts = np.concatenate([np.ones((len(gaps), 1), dtype=bool), gaps], axis=1)
    bands = np.arange(frequencies.shape[1])
    return np.maximum.accumulate(np.where(starts, bands, 0), axis=1)


def average_sets(values: FloatArray, sets: IntArray) -> FloatArray:
    """Mean of values (..., n, nb) over the degenerate sets (n, nb)."""
    same = (sets[:, :, None] == sets[:, None, :]).astype(np.float64)
    same /= same.sum(axis=-1, keepdims=True)
    return np.asarray(np.einsum("nst,...nt->...ns", same, values))
