"""The relaxed cell in numbers and as a CIF file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dashboard import display
from screen.core.crystal import Crystal, FloatArray
from screen.core.records import Relaxed
from screen.core.units import EV_PER_A3_TO_GPA


def lengths_and_angles(lattice: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return a, b, c in Å and α, β, γ in degrees of a lattice (3, 3) with vectors as rows."""
    lengths = np.linalg.norm(lattice, axis=1)
    cosines = (lattice @ lattice.T) / np.outer(lengths, lengths)
    opposite = cosines[[1, 0, 0], [2, 2, 1]]
    return lengths, np.degrees(np.arccos(np.clip(opposite, -1.0, 1.0)))


def relaxation_facts(given: Crystal | None, relaxed: Relaxed) -> list[tuple[str, str]]:
    """Return what the relaxation did to the cell and to its symmetry, with units.

    Parameters
    ----------
    given
        The crystal before it; None if the source's is not known.
    """
    crystal = relaxed.crystal
    lengths, angles = lengths_and_angles(crystal.lattice)
    pressure = -np.trace(relaxed.stress) / 3 * EV_PER_A3_TO_GPA
    facts = [
        ("a, b, c [Å]", ", ".join(f"{length:.4f}" for length in lengths)),
        ("α, β, γ [°]", ", ".join(f"{angle:.2f}" for angle in angles)),
        ("atoms in the cell", str(len(crystal))),
        ("volume [Å³/atom]", display.plain(crystal.volume / len(crystal))),
    ]
    if given is not None and len(given) == len(crystal):
        change = 100 * (crystal.volume / given.volume - 1)
        facts.append(("volume against the given cell [%]", f"{change:+.2f}"))
    return [
        *facts,
        ("density [g/cm³]", display.plain(_density(crystal))),
        ("energy [eV/atom]", f"{relaxed.energy / len(crystal):.4f}"),
        ("largest force [eV/Å]", f"{relaxed.max_force:.1e}"),
        ("pressure left [GPa]", f"{pressure:.1e}" if pressure else "0"),
        ("optimiser steps", str(relaxed.steps)),
        ("converged", display.number(relaxed.converged)),
        ("space group as given", display.space_group(relaxed.space_group_before)),
        ("space group relaxed", display.space_group(relaxed.space_group_after)),
    ]


def cif(crystal: Crystal, comments: Sequence[tuple[str, str]] = ()) -> str:
    """Write a crystal as CIF, in space group 1 so that cell and atoms are exactly the stored ones.

    Parameters
    ----------
    comments
        Names and values for the lines before the data.
    """
    from pymatgen.core.structure import Structure  # takes a second to import
    from pymatgen.io.cif import CifWriter

    structure = Structure(crystal.lattice, crystal.numbers.tolist(), crystal.fractional)
    head = [f"# {name}: {' '.join(value.split())}" for name, value in comments]
    return "\n".join([*head, str(CifWriter(structure, significant_figures=10))])


def cell_numbers(relaxed: Relaxed) -> Mapping[str, object]:
    """Return a relaxed cell for JSON; the units are in the names."""
    lengths, angles = lengths_and_angles(relaxed.crystal.lattice)
    return {
        "lattice_angstrom": relaxed.crystal.lattice,
        "lengths_angstrom": lengths,
        "angles_degree": angles,
        "atomic_numbers": relaxed.crystal.numbers,
        "fractional_positions": relaxed.crystal.fractional,
        "energy_ev_per_cell": relaxed.energy,
        "stress_ev_per_angstrom3": relaxed.stress,
        "max_force_ev_per_angstrom": relaxed.max_force,
        "space_group_before": relaxed.space_group_before,
        "space_group_after": relaxed.space_group_after,
        "optimiser_steps": relaxed.steps,
        "converged": relaxed.converged,
    }


def _density(crystal: Crystal) -> float:
    """Mass per volume in g/cm³."""
    from ase.data import atomic_masses
    from scipy.constants import atomic_mass

    kilograms = float(atomic_masses[crystal.numbers].sum()) * atomic_mass
    return float(kilograms * 1e3 / (crystal.volume * 1e-24))
