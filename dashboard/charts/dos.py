"""Density of phonon states from the mesh of the stability stage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from screen.core.crystal import FloatArray
from screen.core.records import Phonons

POINTS = 300
WIDTH = 1 / 100  # of the range of frequencies: standard deviation of the smearing
MARGIN = 4  # widths beyond the lowest and the highest frequency


@dataclass(frozen=True, eq=False)
class DensityOfStates:
    """States per frequency of one primitive cell; its integral is the number of bands."""

    frequencies: FloatArray  # (n,) THz, imaginary as negative
    states: FloatArray  # (n,) 1/THz


def density_of_states(phonons: Phonons) -> DensityOfStates:
    """Smear each mode, weighted by its star, by a Gaussian of 1 % of the range of frequencies."""
    lowest, highest = float(phonons.frequencies.min()), float(phonons.frequencies.max())
    width = WIDTH * max(highest - min(lowest, 0.0), 1e-6)
    grid = np.linspace(lowest - MARGIN * width, highest + MARGIN * width, POINTS)
    step = grid[1] - grid[0]
    weights = np.broadcast_to(phonons.weights[:, None], phonons.frequencies.shape)
    edges = np.append(grid - step / 2, grid[-1] + step / 2)
    counted, _ = np.histogram(phonons.frequencies, bins=edges, weights=weights)
    blur = np.exp(-0.5 * ((grid[:, None] - grid) / width) ** 2)
    blur /= blur.sum(axis=0)  # no state is lost at the ends
    return DensityOfStates(grid, blur @ counted / (phonons.weights.sum() * step))
