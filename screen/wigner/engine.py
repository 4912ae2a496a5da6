"""From force constants to the Wigner conductivity: the steps in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from screen.core.crystal import FloatArray
from screen.wigner.folding import fold
from screen.wigner.grid import Grid, build_grid
from screen.wigner.interaction import build_transform
from screen.wigner.phonons import ComplexArray, GridPhonons, average_sets, solve_phonons
from screen.wigner.scattering import (
    Resources,
    boundary_rates,
    choose_resources,
    isotope_rates,
    phonon_rates,
)
from screen.wigner.tables import build_tables
from screen.wigner.transport import Transport, compute_transport
from screen.wigner.velocity import Operator, speeds, velocity_operator

REVISION = "1"  # rises with every change that moves a number


@dataclass(frozen=True)
class Conventions:
    """Choices that decide digits; the defaults depend on no basis, labels or orientation."""

    average_degenerate: bool = True  # |V|², isotope and boundary γ over degenerate sets
    zero_gamma_acoustic: bool = True  # the three acoustic modes at Γ take no part
    canonical_levels: bool = True  # ties of frequencies are exact, see phonons
    symmetrize_tetrahedra: bool = False  # average over the symmetry-equivalent cuts of a cell
    operator: Operator = "wigner"
    phono3py_diagonal: bool = False  # phono3py's overwritten diagonal, see velocity


PHONO3PY = Conventions(
    average_degenerate=False,
    zero_gamma_acoustic=False,
    canonical_levels=False,
    phono3py_diagonal=True,
)
"""What phono3py 4.10 does by default, apart from its SMM19 operator."""


@dataclass(frozen=True, eq=False)
class Scattering:
    """Half widths at irreducible points, THz: lifetime = 1/(4πγ)."""

    phonons: FloatArray  # (nT, nq, nb) three-phonon
    isotopes: FloatArray | None  # (nq, nb)
    boundary: FloatArray | None  # (nq, nb)

    @property
    def total(self) -> FloatArray:
        """γ of all mechanisms, (nT, nq, nb)."""
        gamma = self.phonons
        for part in (self.isotopes, self.boundary):
            gamma = gamma if part is None else gamma + part[None]
        return gamma


@dataclass(frozen=True, eq=False)
class Solution:
    """Everything that a calculation found."""

    grid: Grid
    frequencies: FloatArray  # (nq, nb) THz
    velocities: ComplexArray  # (nq, 3, nb, nb) THz·Å
    scattering: Scattering
    transport: Transport


def run_engine(
    phono3py: Any,
    temperatures: Sequence[float],
    isotopes: bool = True,
    boundary_mean_free_path: float | None = None,
    conventions: Conventions | None = None,
    resources: Resources | None = None,
) -> Solution:
    """Solve the Wigner equation for a ``Phono3py`` with force constants and a mesh.

    Parameters
    ----------
    phono3py
        Holds fc2, fc3, perhaps NAC, and ``mesh_numbers``; phonons are solved by it.
    isotopes
        Scattering by natural isotopes.
    boundary_mean_free_path
        In µm; None for no boundary.

    Raises
    ------
    TransportError
        The mesh is a generalised grid.
    """
    conventions = conventions or Conventions()
    resources = resources or choose_resources()
    phono3py.init_phph_interaction(exclude_gamma_acoustic=conventions.zero_gamma_acoustic)
    interaction = phono3py.phph_interaction
    grid = build_grid(interaction.bz_grid, conventions.symmetrize_tetrahedra)
    phonons = solve_phonons(interaction, grid, conventions.canonical_levels)
    velocities = velocity_operator(
        interaction.dynamical_matrix,
        grid,
        phonons,
        interaction.frequency_factor_to_THz,
        conventions.operator,
        conventions.phono3py_diagonal,
    )
    scattering = compute_scattering(
        interaction,
        grid,
        phonons,
        velocities,
        temperatures,
        isotopes,
        boundary_mean_free_path,
        conventions,
        resources,
    )
    frequencies = phonons.frequencies[grid.irreducible]
    transport = compute_transport(
        temperatures,
        frequencies,
        scattering.total,
        velocities,
        grid,
        float(interaction.primitive.volume),
    )
    return Solution(grid, frequencies, velocities, scattering, transport)


def compute_scattering(
    interaction: Any,
    grid: Grid,
    phonons: GridPhonons,
    velocities: ComplexArray,
    temperatures: Sequence[float],
    isotopes: bool,
    boundary_mean_free_path: float | None,
    conventions: Conventions,
    resources: Resources,
) -> Scattering:
    """γ of every mechanism that is asked for, at the irreducible points."""
    average = conventions.average_degenerate
    points = [int(point) for point in grid.irreducible]
    sets = phonons.sets[grid.irreducible]
    tables = build_tables(grid, phonons, temperatures, resources.device, average)
    transform = build_transform(fold(interaction), grid, resources.device)
    three = phonon_rates(transform, tables, grid, points, resources)
    isotope = boundary = None
    if isotopes:
        variances = _mass_variances(interaction.primitive)
        isotope = isotope_rates(tables, grid, points, variances, resources)
        isotope = average_sets(isotope, sets) if average else isotope
    if boundary_mean_free_path is not None:
        boundary = boundary_rates(
            _speeds(velocities, phonons, grid, average), boundary_mean_free_path
        )
    return Scattering(average_sets(three, sets), isotope, boundary)


def _speeds(
    velocities: ComplexArray, phonons: GridPhonons, grid: Grid, average: bool
) -> FloatArray:
    if average:
        return speeds(velocities, phonons.sets[grid.irreducible])
    diagonal = np.diagonal(velocities, axis1=2, axis2=3).real
    return np.asarray(np.linalg.norm(diagonal, axis=1))


def _mass_variances(primitive: Any) -> FloatArray:
    """Natural Σ c_i (1 − m_i/m̄)² of each atom, (n_atoms,)."""
    from phono3py.other.isotope import get_mass_variances

    return np.array(get_mass_variances(primitive), dtype=np.float64)
