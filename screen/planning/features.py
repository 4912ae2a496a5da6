"""What the time of a stage grows with: a short law each, known before anything is computed.

A potential passes messages along the edges of its graph: its time grows with the atoms evaluated
and with their neighbours, as many as the crystal is dense. The stages on any core search for the
symmetry of their supercells (operations × atoms), and do what their name says.
"""

from __future__ import annotations

from collections.abc import Mapping

from screen.core.settings import Protocol
from screen.planning.sizes import Size
from screen.wigner.division import estimate_seconds

Features = Mapping[str, float]

OCCASIONAL = frozenset({"fc3_more_forces", "fc3"})
"""Stages that do nothing for most materials: their mean over all is what counts."""


def features_of(stage: str, size: Size, protocol: Protocol) -> Features:
    """Terms of the time of a stage: what it grows with most first, and one for the task itself."""
    return {**_terms(stage, size, protocol), "task": 1.0}


def _terms(stage: str, size: Size, protocol: Protocol) -> Features:  # noqa: PLR0911  # a table
    in_fc2 = size.fc2_operations * size.fc2_atoms
    in_fc3 = size.fc3_operations * size.fc3_atoms
    tensor = size.primitive_atoms * size.fc3_atoms**2
    match stage:
        case "relax":
            free = size.atoms if size.internal else 0  # more than the cell to relax
            return {"steps": float(free), **_evaluated(size.atoms, size)}
        case "fc2_forces":
            return {
                **_evaluated(size.fc2_cells * size.fc2_atoms, size),
                "symmetry": in_fc2 + in_fc3,
            }
        case "fc3_forces" | "fc3_more_forces":
            return {
                **_evaluated(size.fc3_cells * size.fc3_atoms, size),
                "symmetry": in_fc2 + in_fc3,
            }
        case "expansion_cells":
            strained = 2 * size.symmetric_strains if _strains(protocol) else 0
            return _strained(size.elastic_cells + strained, strained, size)
        case "strained_gruneisen_cells":
            return _strained(size.elastic_cells, size.elastic_cells, size)
        case "qha_cells":
            shapes = len(protocol.qha.shape_strains) if size.uniaxial else 1
            cells = len(protocol.qha.volume_strains) * shapes
            return _strained(cells, cells, size)
        case "fc2":
            return {"symmetry": in_fc2 + in_fc3, "pairs": size.fc2_atoms**2}
        case "stability":
            return {"symmetry": in_fc2, "points": size.irreducible_points * size.bands**2}
        case "slack":
            return {"symmetry": in_fc2}
        case "fc3_fit" | "fc3":
            return {"symmetry": in_fc2 + in_fc3, "tensor": tensor, "fit": tensor * size.fc3_cells}
        case "conductivity":
            points = (size.mesh_points, size.irreducible_points)
            return {"symmetry": in_fc2 + in_fc3, "triplets": estimate_seconds(*points, size.bands)}
        case "expansion" | "strained_gruneisen" | "qha":
            work = size.expansion_points * size.bands**2
            return {"symmetry": in_fc2 + in_fc3, "tensor": tensor, "points": work}
    return {}


def _evaluated(atoms: int, size: Size) -> dict[str, float]:
    return {"edges": atoms * size.density, "atoms": float(atoms)}


def _strained(relaxed: int, displaced: int, size: Size) -> dict[str, float]:
    """Strained unit cells with relaxed ions, and the displaced supercells of some of them."""
    steps = relaxed * size.atoms if size.internal else 0
    return {
        "cells": float(relaxed),
        "steps": float(steps),
        **_evaluated(displaced * size.fc2_cells * size.fc2_atoms, size),
    }


def _strains(protocol: Protocol) -> bool:
    return protocol.expansion.gruneisen == "strained_cells"


def evaluated_atoms(stage: str, size: Size, protocol: Protocol) -> float:
    """Atoms in the supercells that a stage asks the potential for; 0 where it asks for none."""
    return features_of(stage, size, protocol).get("atoms", 0.0)
