"""All six components of the Grüneisen tensors from strained cells, without fc3; off by default.

It shares nothing with the route through fc3 beyond the phonons and the elastic tensor, so that
``gruneisen_deviation_300`` measures what fc3 and the formula for the internal strain are worth.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from screen.core.columns import Column
from screen.core.protocols import ForceField, StageInputs
from screen.core.records import Expansion, ForceConstants, Record, StrainedForces
from screen.core.settings import Protocol
from screen.properties._rows import at_temperature

NEEDS = ("fc2", "expansion", "strained_gruneisen_cells")
COLUMNS = (
    Column(
        "gruneisen_strained_300",
        "DOUBLE",
        "γ (300 K), strained cells",
        "Macroscopic Grüneisen parameter at 300 K from force constants of strained cells.",
    ),
    Column(
        "expansion_strained_300",
        "DOUBLE",
        "α_L (300 K), strained cells",
        "Mean linear expansion at 300 K from force constants of strained cells.",
        "1/K",
    ),
    Column(
        "gruneisen_deviation_300",
        "DOUBLE",
        "Δγ/γ (300 K)",
        "Relative difference of γ at 300 K: third-order force constants minus strained cells.",
    ),
)


def settings(protocol: Protocol) -> Mapping[str, Any]:
    """Mesh and temperatures."""
    return {
        "mesh": protocol.expansion.mesh.model_dump(mode="json"),
        "temperatures": list(protocol.expansion.temperatures),
    }


def measure_settings(protocol: Protocol) -> Mapping[str, Any]:
    """Strain, how the ions are relaxed, and the displacements."""
    return {
        "strain": protocol.expansion.strain,
        "relaxation": protocol.relaxation.model_dump(mode="json"),
        "distance": protocol.displacements.distance,
    }


def measure(inputs: StageInputs, force_field: ForceField) -> StrainedForces:
    """Relax the ions of strained cells and displace their supercells."""
    from screen.physics.strained_force_constants import measure_strained, spanning_strains
    from screen.physics.symmetry import point_group

    protocol = inputs.protocol
    harmonic = inputs.get("fc2", ForceConstants)
    return measure_strained(
        harmonic,
        force_field,
        spanning_strains(point_group(harmonic.unitcell), protocol.expansion.strain),
        protocol.relaxation,
        protocol.displacements,
    )


def compute(inputs: StageInputs) -> Expansion:
    """Mode Grüneisen tensors and α(T) of strained cells, with the elastic tensor of ``expansion``."""
    from screen.physics.elasticity import Elasticity
    from screen.physics.expansion import linear_expansion
    from screen.physics.meshes import mesh_of
    from screen.physics.phonons import harmonic_lattice
    from screen.physics.strained_force_constants import derivative_of_cells
    from screen.physics.symmetry import point_group

    harmonic = inputs.get("fc2", ForceConstants)
    measured = inputs.get("strained_gruneisen_cells", StrainedForces)
    expansion = inputs.get("expansion", Expansion)
    settings = inputs.protocol.expansion
    return linear_expansion(
        harmonic_lattice(harmonic),
        [derivative_of_cells(harmonic, measured, inputs.protocol.displacements)],
        point_group(harmonic.unitcell),
        mesh_of(harmonic, inputs.candidate.hints, settings.mesh),
        settings.temperatures,
        Elasticity(expansion.stiffness, expansion.elastic_residual),
    )


def row(inputs: StageInputs, record: Record) -> Mapping[str, Any]:
    """Values for ``COLUMNS``."""
    if not isinstance(record, Expansion):
        raise TypeError(f"strained_gruneisen needs Expansion, got {type(record).__name__}")
    other = inputs.get("expansion", Expansion)
    grid = record.temperatures
    gamma = at_temperature(grid, record.gruneisen, 300.0)
    third_order = at_temperature(other.temperatures, other.gruneisen_fc3, 300.0)
    deviation = None if gamma is None or third_order is None else third_order / gamma - 1
    return {
        "gruneisen_strained_300": gamma,
        "expansion_strained_300": at_temperature(grid, record.alpha_linear, 300.0),
        "gruneisen_deviation_300": deviation,
    }
