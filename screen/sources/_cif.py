"""Read CIF with pymatgen; ASE would take partly occupied sites as full."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from screen.core.crystal import Crystal, reduced_formula
from screen.sources._entries import Entry, Problem, cell_problem

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

OCCUPANCY_TOLERANCE = 1e-4
SPACE_GROUP_KEYS = (
    "_space_group_IT_number",
    "_symmetry_Int_Tables_number",
    "_space_group_name_H-M_alt",
    "_symmetry_space_group_name_H-M",
    "_space_group_name_Hall",
    "_symmetry_space_group_name_Hall",
)

Block = Mapping[str, Any]  # a data block of a CIF, by data name


def split_blocks(text: str) -> list[str]:
    """Cut a CIF into its data blocks and keep those with atoms, if there are any."""
    blocks = re.split(r"^(?=data_)", text, flags=re.MULTILINE | re.IGNORECASE)
    return [block for block in blocks if "_atom_site_fract_x" in block] or [text]


def parse_block(text: str) -> Entry | Problem:
    """Read one data block of a CIF."""
    from pymatgen.io.cif import CifParser

    if "_atom_site_fract_x" not in text:
        return Problem("unreadable_file", "has no atoms (_atom_site_fract_x); add or remove it")
    parser = CifParser.from_str(text)
    # check_occu=False keeps occupancies as given instead of raising for sums above 1
    (structure,) = parser.parse_structures(primitive=False, check_occu=False, on_error="raise")
    block = next(iter(parser.as_dict().values()))
    problem = (
        _coordinate_problem(block)
        or _symmetry_problem(block, len(parser.symmetry_operations))
        or _occupancy_problem(structure)
        or _composition_problem(structure, block.get("_chemical_formula_sum"))
    )
    return problem or _entry(structure)


def _coordinate_problem(block: Block) -> Problem | None:
    """Find a site without position; pymatgen takes "." as 0."""
    for axis in "xyz":
        if {".", "?"} & set(block[f"_atom_site_fract_{axis}"]):
            return Problem(
                "incomplete_structure", "has a site without position; give it or drop it"
            )
    return None


def _symmetry_problem(block: Block, n_operations: int) -> Problem | None:
    """Find a block whose space group pymatgen did not understand and took as P1."""
    if n_operations > 1 or any(key.lower().endswith("_xyz") for key in block):
        return None
    declared = {str(value).replace(" ", "").upper() for value in map(block.get, SPACE_GROUP_KEYS)}
    if declared & {"1", "P1"}:
        return None
    return Problem(
        "incomplete_structure",
        "gives no space group that can be read; add _space_group_IT_number (1 if it lists all "
        "atoms of the cell) or the symmetry operations",
    )


def _occupancy_problem(structure: Structure) -> Problem | None:
    """Find a site that does not hold exactly one atom."""
    for site in structure:
        total = float(site.species.num_atoms)
        where = f"the site at {np.round(site.frac_coords, 4).tolist()} holds {site.species_string}"
        if total > 1 + OCCUPANCY_TOLERANCE:
            return Problem(
                "overlapping_atoms", f"{where}, {total:g} atoms in sum; remove the surplus"
            )
        if len(site.species) > 1 or total < 1 - OCCUPANCY_TOLERANCE:
            return Problem(
                "partial_occupancy", f"{where}; give an ordered cell, e.g. a supercell approximant"
            )
    return None


def _composition_problem(structure: Structure, formula: object) -> Problem | None:
    """Find atoms that the CIF's own formula counts and its sites do not (often hydrogen)."""
    from pymatgen.core.composition import Composition

    if "implicit_hydrogens" in structure.site_properties:
        return Problem("incomplete_structure", "has sites such as Wat or O-H; add their hydrogen")
    if not isinstance(formula, str):
        return None
    try:
        declared = Composition(formula)
    except ValueError:  # "?" and other placeholders
        return None
    found = structure.composition.remove_charges()
    if not declared or declared.remove_charges().reduced_composition == found.reduced_composition:
        return None
    return Problem(
        "incomplete_structure",
        f"declares the formula {formula.strip()!r}, but its sites make "
        f"{reduced_formula(found)}; add the missing sites or correct the formula",
    )


def _entry(structure: Structure) -> Entry | Problem:
    """Entry of an ordered pymatgen structure."""
    lattice = np.array(structure.lattice.matrix)
    numbers = np.array([site.specie.Z for site in structure], dtype=np.int64)
    problem = cell_problem(lattice, len(numbers))
    return problem or Entry(Crystal(lattice, numbers, structure.frac_coords))
