"""Documents of the Materials Project as entries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from ase.data import atomic_numbers

from screen.core.crystal import Crystal
from screen.core.errors import CatalogError
from screen.core.records import Metadata
from screen.sources._entries import Entry, Problem
from screen.sources._items import Item
from screen.sources._mp_query import GNOME_BATCH

CITATION = "A. Jain et al., APL Materials 1, 011002 (2013), doi:10.1063/1.4812323"
GNOME_CITATION = "A. Merchant et al., Nature 624, 80 (2023), doi:10.1038/s41586-023-06735-9"
LICENCES = {"BY-C": "CC BY 4.0", "BY-NC": "CC BY-NC 4.0"}  # as the documents abbreviate them
NON_COMMERCIAL = "BY-NC"

Document = Mapping[str, Any]


def is_gnome(document: Document) -> bool:
    """Whether an entry comes from GNoME, whose licence forbids commercial use."""
    meta = document.get("builder_meta") or {}
    return meta.get("batch_id") == GNOME_BATCH or meta.get("license") == NON_COMMERCIAL


def item_of_document(document: Document, db_version: str) -> Item:
    """Entry of a document; anything else than an ordered crystal is a problem."""
    identifier = str(document["material_id"])
    symmetry = document.get("symmetry") or {}
    system = symmetry.get("crystal_system")
    facts = {
        "band_gap": document.get("band_gap"),
        "energy_above_hull": document.get("energy_above_hull"),
        "space_group": symmetry.get("number"),
        "crystal_system": None if system is None else str(system).lower(),
        "magnetic_ordering": document.get("ordering"),
        "theoretical": document.get("theoretical"),
        "deprecated": document.get("deprecated"),
        "gnome": is_gnome(document),
    }
    return Item(identifier, _content(document, identifier, db_version), facts)


def _content(document: Document, identifier: str, db_version: str) -> Entry | Problem:
    """Crystal and metadata of a document."""
    try:
        crystal = _crystal(document["structure"])
    except (KeyError, TypeError, ValueError, CatalogError) as error:
        reason = f"{type(error).__name__}: {error}"
        return Problem("unreadable_entry", f"{identifier} has no readable structure ({reason})")
    if isinstance(crystal, Problem):
        return Problem(crystal.kind, f"{identifier} {crystal.message}")
    licence = str((document.get("builder_meta") or {}).get("license") or "")
    metadata = Metadata(
        mp_id=identifier,
        band_gap=document.get("band_gap"),
        energy_above_hull=document.get("energy_above_hull"),
        theoretical=document.get("theoretical"),
        magnetic_ordering=document.get("ordering"),
        licence=LICENCES.get(licence, licence) or None,
        citation=f"{CITATION}; {GNOME_CITATION}" if is_gnome(document) else CITATION,
        db_version=db_version,
    )
    return Entry(crystal, metadata=metadata)


def _crystal(structure: Mapping[str, Any]) -> Crystal | Problem:
    """Crystal of a structure as ``pymatgen.Structure.as_dict`` writes it."""
    sites = structure["sites"]
    for site in sites:
        if len(site["species"]) != 1 or abs(site["species"][0]["occu"] - 1) > 1e-8:
            return Problem("partial_occupancy", "has a site that does not hold exactly one atom")
    numbers = [atomic_numbers[site["species"][0]["element"]] for site in sites]
    fractional = np.array([site["abc"] for site in sites], dtype=np.float64)
    return Crystal(np.array(structure["lattice"]["matrix"]), np.array(numbers), fractional)
