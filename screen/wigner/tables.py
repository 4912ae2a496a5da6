"""What the scattering sums look up: frequencies around each point, occupations, eigenvectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from screen.core.crystal import FloatArray
from screen.core.pairs import CUTOFF
from screen.wigner.grid import Grid
from screen.wigner.phonons import GridPhonons
from screen.wigner.smearing import Smearing
from screen.wigner.units import units


@dataclass(frozen=True, eq=False)
class Tables:
    """Tensors on one device; n grid points, nb bands, nv vertices, nT temperatures."""

    frequencies: Tensor  # (n, nb) THz
    levels: Tensor  # (n, nb) THz, what energy conservation compares
    inverse: Tensor  # (n, nb) 1/THz; 0 where a mode takes no part
    periodic: Tensor  # (n, nb, nb) complex, 1/√amu, [:, band]
    eigenvectors: Tensor  # (n, nb, n_atoms, 3) complex, [:, band]
    sets: Tensor  # (n, nb) first band of the degenerate set; of each band itself if not averaged
    degenerate: Tensor  # (n,) bool: has a set of several bands
    around: Tensor  # (n, nb, nv) THz at the vertices, not clamped
    plus: Tensor  # (n, nb, nv) THz at a + vertex, imaginary as 0
    minus: Tensor  # (n, nb, nv) THz at a − vertex, imaginary as 0
    bounds: Tensor  # (n, nb, 2) lowest and highest of ``around``
    bounds_plus: Tensor  # (n, nb, 2)
    bounds_minus: Tensor  # (n, nb, 2)
    tetrahedra: Tensor  # (nt, 3)
    smearing: Smearing | None  # instead of tetrahedra
    occupations: Tensor  # (n·nb, nT) Bose-Einstein; 0 where a mode takes no part

    @property
    def bands(self) -> int:
        """Number of bands, nb."""
        return int(self.frequencies.shape[1])


def build_tables(
    grid: Grid,
    phonons: GridPhonons,
    temperatures: Sequence[float],
    device: torch.device,
    average: bool,
    smearing: Smearing | None = None,
) -> Tables:
    """Prepare the look-ups; ``average`` over degenerate sets makes γ independent of their basis."""
    f, levels = phonons.frequencies, phonons.levels
    n, nb = f.shape
    sets = phonons.sets if average else np.broadcast_to(np.arange(nb), f.shape)
    e = phonons.eigenvectors.transpose(0, 2, 1).reshape(n, nb, nb // 3, 3)
    around = levels[grid.neighbours(1)].transpose(0, 2, 1)
    minus = np.maximum(levels, 0)[grid.neighbours(-1)].transpose(0, 2, 1)

    def moved(array: np.ndarray) -> Tensor:
        return torch.tensor(np.ascontiguousarray(array), device=device)

    def bounds(values: FloatArray) -> Tensor:
        return moved(np.stack([values.min(axis=2), values.max(axis=2)], axis=2))

    return Tables(
        frequencies=moved(f),
        levels=moved(levels),
        inverse=moved(np.divide(1.0, f, out=np.zeros_like(f), where=f > CUTOFF)),
        periodic=moved(phonons.periodic.transpose(0, 2, 1)),
        eigenvectors=moved(e),
        sets=moved(sets),
        degenerate=moved((sets != np.arange(nb)).any(axis=1)),
        around=moved(around),
        plus=moved(np.maximum(around, 0)),
        minus=moved(minus),
        bounds=bounds(around),
        bounds_plus=bounds(np.maximum(around, 0)),
        bounds_minus=bounds(minus),
        tetrahedra=moved(grid.tetrahedra),
        smearing=smearing,
        occupations=moved(occupations(f, temperatures).reshape(n * nb, -1)),
    )


def occupations(frequencies: FloatArray, temperatures: Sequence[float]) -> FloatArray:
    """Bose-Einstein occupations (..., nT) of frequencies in THz; 0 at T = 0 or f ≤ 1e-4 THz."""
    T = np.array(temperatures, dtype=np.float64)
    f = frequencies[..., None]
    active = (f > CUTOFF) & (T > 0)
    x = np.divide(f, units().thz_per_kelvin * T, out=np.full(active.shape, np.inf), where=active)
    with np.errstate(over="ignore"):
        return np.asarray(1 / np.expm1(x))
