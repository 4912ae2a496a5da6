"""Structures as OPTIMADE 1.x gives them, as entries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from ase.data import atomic_numbers

from screen.core.crystal import Crystal
from screen.core.errors import CatalogError
from screen.core.records import Metadata
from screen.sources._entries import Entry, Problem
from screen.sources._items import Item

FIELDS = (
    *("lattice_vectors", "cartesian_site_positions", "species", "species_at_sites"),
    *("structure_features", "dimension_types"),
)
OCCUPANCY_TOLERANCE = 1e-4
# Features after which positions and species alone are not the crystal (specification 1.2, 5.2.24)
UNFIT = {
    "disorder": "partial_occupancy",
    "implicit_atoms": "incomplete_structure",
    "unknown_positions": "incomplete_structure",
}

Document = Mapping[str, Any]


def item_of_structure(
    document: Document, properties: Mapping[str, str], provided: Metadata
) -> Item:
    """Entry of a structure; ``properties`` names the provider's fields for gap and hull.

    ``provided`` holds what is the same for all entries of the provider.

    Raises
    ------
    CatalogError
        The structure has no id, which OPTIMADE demands.
    """
    if not document.get("id"):
        raise CatalogError("the provider sent a structure without id; ask its keeper")
    identifier = str(document["id"])
    attributes = document.get("attributes") or {}
    facts = {name: _number(attributes.get(field)) for name, field in properties.items()}
    try:
        content = _problem(attributes) or _crystal(attributes)
    except (KeyError, TypeError, ValueError, CatalogError) as error:
        reason = f"{type(error).__name__}: {error}"
        content = Problem("unreadable_entry", f"has no readable structure ({reason})")
    if isinstance(content, Problem):
        return Item(identifier, Problem(content.kind, f"{identifier} {content.message}"), facts)
    metadata = replace(
        provided,
        mp_id=identifier if identifier.startswith("mp-") else None,
        band_gap=facts.get("band_gap"),
        energy_above_hull=facts.get("energy_above_hull"),
    )
    return Item(identifier, Entry(content, metadata=metadata), facts)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _problem(attributes: Document) -> Problem | None:
    """Find what makes a structure no ordered, periodic crystal."""
    if list(attributes.get("dimension_types") or (1, 1, 1)) != [1, 1, 1]:
        return Problem("not_periodic", "is not periodic in three directions")
    used = set(attributes["species_at_sites"])
    for species in attributes["species"]:
        if species["name"] in used:
            problem = _species_problem(species)
            if problem is not None:
                return problem
    for feature in attributes.get("structure_features") or ():
        if feature in UNFIT:
            return Problem(UNFIT[feature], f"has {feature} (structure_features)")
    return None


def _species_problem(species: Document) -> Problem | None:
    """Find a species that is not exactly one atom of one element."""
    symbols, shares = species["chemical_symbols"], species["concentration"]
    if species.get("attached"):
        return Problem("incomplete_structure", f"has {species['name']} with atoms attached to it")
    if "X" in symbols:
        return Problem("incomplete_structure", f"has {species['name']} of an unknown element")
    if len(symbols) != 1 or abs(shares[0] - 1) > OCCUPANCY_TOLERANCE:
        held = " + ".join(
            f"{share:g} {symbol}" for symbol, share in zip(symbols, shares, strict=True)
        )
        return Problem("partial_occupancy", f"has sites that hold {held}; give an ordered cell")
    return None


def _crystal(attributes: Document) -> Crystal:
    """Crystal of an ordered structure."""
    symbols = {item["name"]: item["chemical_symbols"][0] for item in attributes["species"]}
    numbers = [atomic_numbers[symbols[name]] for name in attributes["species_at_sites"]]
    lattice = np.array(attributes["lattice_vectors"], dtype=np.float64)
    positions = np.array(attributes["cartesian_site_positions"], dtype=np.float64)
    if lattice.shape != (3, 3) or abs(np.linalg.det(lattice)) < 1e-3:
        raise CatalogError("the cell has no volume")
    return Crystal(lattice, np.array(numbers), positions @ np.linalg.inv(lattice))
