"""From force constants to the Wigner conductivity: the steps in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from screen.core.crystal import FloatArray
from screen.physics.isotopes import mass_variances
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
from screen.wigner.smearing import Smearing
from screen.wigner.tables import build_tables
from screen.wigner.transport import Transport, compute_transport
from screen.wigner.velocity import Operator, speeds, velocity_operator


@dataclass(frozen=True)
class Conventions:
    """Choices that decide digits; the defaults depend on no basis, labels or orientation."""

    average_degenerate: bool = True  # |V|², isotope and boundary γ over degenerate sets
    zero_gamma_acoustic: bool = True  # the three acoustic modes at Γ take no part
    canonical_levels: bool = True  # ties of frequencies are exact, see phonons
    smearing: float | None = None  # THz, width of Gaussians; None: tetrahedra
    smearing_cutoff: float | None = None  # widths, phono3py's ``sigma_cutoff_width``
    symmetrize_tetrahedra: bool = False  # average over the symmetry-equivalent cuts of a cell
    operator: Operator = "wigner"
    phono3py_diagonal: bool = False  # phono3py's overwritten diagonal, see velocity

    @property
    def gaussian(self) -> Smearing | None:
        """Gaussians instead of tetrahedra, or None."""
        return None if self.smearing is None else Smearing(self.smearing, self.smearing_cutoff)


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


@dataclass(frozen=True, eq=False)
class Harmonic:
    """What is known before anything scatters: the mesh, its phonons and where they came from."""

    interaction: Any  # phono3py's, holds force constants and the dynamical matrix
    grid: Grid
    phonons: GridPhonons
    conventions: Conventions


def solve_harmonic(phono3py: Any, conventions: Conventions | None = None) -> Harmonic:
    """Build the mesh and solve the phonons of a ``Phono3py`` with force constants and a mesh.

    Raises
    ------
    TransportError
        The mesh is a generalised grid.
    """
    conventions = conventions or Conventions()
    phono3py.init_phph_interaction(exclude_gamma_acoustic=conventions.zero_gamma_acoustic)
    interaction = phono3py.phph_interaction
    grid = build_grid(interaction.bz_grid, conventions.symmetrize_tetrahedra)
    phonons = solve_phonons(interaction, grid, conventions.canonical_levels)
    return Harmonic(interaction, grid, phonons, conventions)


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
    harmonic = solve_harmonic(phono3py, conventions)
    everywhere = range(len(harmonic.grid.irreducible))
    resources = resources or choose_resources()
    rates = three_phonon_rates(harmonic, temperatures, everywhere, resources)
    variances = mass_variances(phono3py.primitive.symbols, {}) if isotopes else None
    return solve_transport(
        harmonic, temperatures, rates, variances, boundary_mean_free_path, resources
    )


def three_phonon_rates(
    harmonic: Harmonic,
    temperatures: Sequence[float],
    members: Sequence[int],
    resources: Resources,
) -> FloatArray:
    """γ of three phonons at some members of ``grid.irreducible``: (nT, len(members), nb) THz.

    Each point is independent of the others: any division over workers gives the same numbers.
    """
    grid, phonons = harmonic.grid, harmonic.phonons
    conventions = harmonic.conventions
    points = grid.irreducible[list(members)]
    tables = build_tables(
        grid,
        phonons,
        temperatures,
        resources.device,
        conventions.average_degenerate,
        conventions.gaussian,
    )
    transform = build_transform(fold(harmonic.interaction), grid, resources.device)
    rates = phonon_rates(transform, tables, grid, points.tolist(), resources)
    return average_sets(rates, phonons.sets[points])


def solve_transport(
    harmonic: Harmonic,
    temperatures: Sequence[float],
    phonon_rates: FloatArray,
    variances: FloatArray | None,
    boundary_mean_free_path: float | None,
    resources: Resources,
) -> Solution:
    """Conductivity from three-phonon γ (nT, nq, nb) THz at all irreducible points.

    ``variances`` of the masses of the primitive cell's atoms, (n_atoms,); None: no isotopes.
    """
    interaction, grid, phonons = harmonic.interaction, harmonic.grid, harmonic.phonons
    velocities = velocity_operator(
        interaction.dynamical_matrix,
        grid,
        phonons,
        interaction.frequency_factor_to_THz,
        harmonic.conventions.operator,
        harmonic.conventions.phono3py_diagonal,
    )
    boundary = None
    if boundary_mean_free_path is not None:
        speed = _speeds(velocities, phonons, grid, harmonic.conventions.average_degenerate)
        boundary = boundary_rates(speed, boundary_mean_free_path)
    isotope = None if variances is None else _isotope_rates(harmonic, variances, resources)
    scattering = Scattering(phonon_rates, isotope, boundary)
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


def _isotope_rates(harmonic: Harmonic, variances: FloatArray, resources: Resources) -> FloatArray:
    """γ of isotopes at the irreducible points, (nq, nb) THz."""
    grid, phonons = harmonic.grid, harmonic.phonons
    average = harmonic.conventions.average_degenerate
    tables = build_tables(
        grid, phonons, (), resources.device, average, harmonic.conventions.gaussian
    )
    rates = isotope_rates(tables, grid, grid.irreducible.tolist(), variances, resources)
    return average_sets(rates, phonons.sets[grid.irreducible]) if average else rates


def _speeds(
    velocities: ComplexArray, phonons: GridPhonons, grid: Grid, average: bool
) -> FloatArray:
    if average:
        return speeds(velocities, phonons.sets[grid.irreducible])
    diagonal = np.diagonal(velocities, axis1=2, axis2=3).real
    return np.asarray(np.linalg.norm(diagonal, axis=1))
