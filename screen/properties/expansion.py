"""Isotropic thermal expansion from mode Grüneisen parameters and the bulk modulus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from screen.core.columns import Column
from screen.core.protocols import ForceField, StageInputs
from screen.core.records import Expansion, ForceConstants, Record, Relaxed, StrainedCells
from screen.core.settings import Protocol
from screen.properties._rows import at_temperature

NEEDS = ("relax", "fc3", "expansion_cells")
COLUMNS = (
    Column("expansion_temperatures", "DOUBLE[]", "T", "Temperature grid of the expansion.", "K"),
    Column(
        "expansion",
        "DOUBLE[]",
        "α_L",
        "Mean linear expansion coefficient at expansion_temperatures.",
        "1/K",
    ),
    Column("expansion_300", "DOUBLE", "α_L (300 K)", "Mean linear expansion at 300 K.", "1/K"),
    Column(
        "gruneisen_300",
        "DOUBLE",
        "γ (300 K)",
        "Macroscopic Grüneisen parameter at 300 K: mode values weighted by heat capacity.",
    ),
    Column(
        "heat_capacity_300", "DOUBLE", "C_V (300 K)", "Heat capacity per atom at 300 K.", "eV/K"
    ),
    Column(
        "bulk_modulus",
        "DOUBLE",
        "B",
        "Bulk modulus from cells of fixed volume, without zero-point motion.",
        "GPa",
    ),
)


def settings(protocol: Protocol) -> Mapping[str, Any]:
    """Mesh and temperatures; the strained cells carry their own key."""
    return {
        "mesh": protocol.expansion.mesh.model_dump(mode="json"),
        "temperatures": list(protocol.temperatures),
    }


def measure_settings(protocol: Protocol) -> Mapping[str, Any]:
    """Strains and how the strained cells are relaxed."""
    return {
        "volume_strains": list(protocol.expansion.volume_strains),
        "relaxation": protocol.relaxation.model_dump(mode="json"),
    }


def measure(inputs: StageInputs, force_field: ForceField) -> StrainedCells:
    """Relax cells of fixed volume around equilibrium."""
    from screen.physics.equation_of_state import strained_cells

    return strained_cells(
        inputs.get("relax", Relaxed).crystal,
        force_field,
        inputs.protocol.expansion.volume_strains,
        inputs.protocol.relaxation,
    )


def compute(inputs: StageInputs) -> Expansion:
    """Mode Grüneisen parameters, bulk modulus and α_V(T)."""
    from screen.physics.equation_of_state import bulk_modulus
    from screen.physics.expansion import thermal_expansion
    from screen.physics.meshes import mesh_of

    force_constants = inputs.get("fc3", ForceConstants)
    mesh = mesh_of(force_constants, inputs.candidate.hints, inputs.protocol.expansion.mesh)
    modulus = bulk_modulus(
        inputs.get("expansion_cells", StrainedCells), inputs.get("relax", Relaxed).crystal.volume
    )
    return thermal_expansion(force_constants, mesh, inputs.protocol.temperatures, modulus)


def row(inputs: StageInputs, record: Record) -> Mapping[str, Any]:
    """Values for ``COLUMNS``."""
    if not isinstance(record, Expansion):
        raise TypeError(f"expansion needs Expansion, got {type(record).__name__}")
    grid = record.temperatures
    n_atoms = record.frequencies.shape[1] / 3
    return {
        "expansion_temperatures": grid.tolist(),
        "expansion": record.alpha_linear.tolist(),
        "expansion_300": at_temperature(grid, record.alpha_linear, 300.0),
        "gruneisen_300": at_temperature(grid, record.gruneisen, 300.0),
        "heat_capacity_300": at_temperature(grid, record.heat_capacity / n_atoms, 300.0),
        "bulk_modulus": record.bulk_modulus,
    }
