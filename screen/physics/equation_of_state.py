"""Bulk modulus from cells of fixed volume, relaxed in shape and positions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from screen.core.crystal import Crystal
from screen.core.errors import ExpansionError
from screen.core.protocols import ForceField
from screen.core.records import StrainedCells
from screen.core.settings import RelaxationSettings
from screen.core.units import EV_PER_A3_TO_GPA
from screen.physics.relax import optimise


def strained_cells(
    crystal: Crystal,
    force_field: ForceField,
    volume_strains: Sequence[float],
    settings: RelaxationSettings,
) -> StrainedCells:
    """Relax ``crystal`` at volumes V₀(1 + x), symmetry kept, with its pressures.

    Raises
    ------
    ExpansionError
        A strained cell does not converge.
    """
    volumes, pressures, energies = [], [], []
    for strain in volume_strains:
        cell = crystal.with_lattice(crystal.lattice * (1 + strain) ** (1 / 3))
        relaxed = optimise(cell, force_field, settings, fix_symmetry=True, constant_volume=True)
        if not relaxed.converged:
            raise ExpansionError(
                f"the cell at volume strain {strain:+.3f} does not relax to fmax={settings.fmax} "
                f"eV/Å in {settings.max_steps} steps; raise relaxation.max_steps",
                kind="not_converged",
            )
        volumes.append(relaxed.crystal.volume)
        pressures.append(-np.trace(relaxed.stress) / 3)
        energies.append(relaxed.energy)
    return StrainedCells(np.array(volumes), np.array(pressures), np.array(energies))


def bulk_modulus(cells: StrainedCells, volume: float) -> float:
    """B = −V dP/dV at ``volume`` (Å³) in GPa, from a parabola through P(V).

    Raises
    ------
    ExpansionError
        B is not positive: the crystal is mechanically unstable.
    """
    strain = cells.volumes / volume - 1
    slope = np.polynomial.Polynomial.fit(strain, cells.pressures, deg=2).deriv()(0.0)
    modulus = float(-slope * EV_PER_A3_TO_GPA)
    if not modulus > 0:
        raise ExpansionError(
            f"the bulk modulus is {modulus:.3g} GPa: the crystal does not resist compression",
            kind="mechanically_unstable",
        )
    return modulus
