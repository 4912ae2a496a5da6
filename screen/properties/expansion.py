"""Thermal expansion tensor from mode Grüneisen tensors and the elastic tensor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from screen.core.columns import Column
from screen.core.protocols import ForceField, StageInputs
from screen.core.records import Expansion, ExpansionCells, ForceConstants, Record, Relaxed
from screen.core.settings import Protocol
from screen.core.voigt import along
from screen.properties._rows import at_temperature

NEEDS = ("relax", "fc2", "fc3", "expansion_cells")
COLUMNS = (
    Column("expansion_temperatures", "DOUBLE[]", "T", "Temperature grid of the expansion.", "K"),
    Column(
        "expansion",
        "DOUBLE[]",
        "α_L",
        "Mean linear expansion coefficient at expansion_temperatures.",
        "1/K",
    ),
    Column(
        "expansion_tensor",
        "DOUBLE[6][]",
        "α tensor",
        "Expansion at expansion_temperatures: xx, yy, zz, yz, xz, xy of the relaxed cell's axes.",
        "1/K",
    ),
    Column("expansion_300", "DOUBLE", "α_L (300 K)", "Mean linear expansion at 300 K.", "1/K"),
    Column("expansion_a_300", "DOUBLE", "α_a (300 K)", "Expansion along a at 300 K.", "1/K"),
    Column("expansion_b_300", "DOUBLE", "α_b (300 K)", "Expansion along b at 300 K.", "1/K"),
    Column("expansion_c_300", "DOUBLE", "α_c (300 K)", "Expansion along c at 300 K.", "1/K"),
    Column(
        "gruneisen_300",
        "DOUBLE",
        "γ (300 K)",
        "Macroscopic Grüneisen parameter at 300 K: mode values weighted by heat capacity.",
    ),
    Column(
        "expansion_fc3_300",
        "DOUBLE",
        "α_L (300 K), fc3",
        "Mean linear expansion at 300 K from third-order force constants alone.",
        "1/K",
    ),
    Column(
        "expansion_a_fc3_300",
        "DOUBLE",
        "α_a (300 K), fc3",
        "The same along a.",
        "1/K",
    ),
    Column(
        "expansion_c_fc3_300",
        "DOUBLE",
        "α_c (300 K), fc3",
        "The same along c.",
        "1/K",
    ),
    Column(
        "expansion_isotropic_300",
        "DOUBLE",
        "α_L (300 K), isotropic",
        "γ C_V/(3 V B) at 300 K: equal to expansion_300 in a cubic crystal, an approximation in others.",
        "1/K",
    ),
    Column(
        "gruneisen_fc3_300",
        "DOUBLE",
        "γ (300 K), fc3",
        "Macroscopic Grüneisen parameter at 300 K from third-order force constants alone.",
    ),
    Column(
        "heat_capacity_300",
        "DOUBLE",
        "C_V per atom (300 K)",
        "Heat capacity per atom at 300 K.",
        "eV/K",
    ),
    Column(
        "heat_capacity_difference_300",
        "DOUBLE",
        "C_P − C_V per atom (300 K)",
        "V T α·C·α per atom at 300 K.",
        "eV/K",
    ),
    Column(
        "elastic_tensor",
        "DOUBLE[6][]",
        "C",
        "Elastic tensor, relaxed ions: Voigt order xx, yy, zz, yz, xz, xy, engineering shear.",
        "GPa",
    ),
    Column("elastic_residual", "DOUBLE", "residual", "What its fit leaves of the stresses, rms."),
    Column("bulk_modulus", "DOUBLE", "B", "Static bulk modulus at uniform stress (Reuss).", "GPa"),
    Column("bulk_modulus_voigt", "DOUBLE", "B (Voigt)", "At uniform strain.", "GPa"),
    Column("bulk_modulus_hill", "DOUBLE", "B (Hill)", "Mean of Reuss and Voigt.", "GPa"),
    Column(
        "largest_mode_gruneisen",
        "DOUBLE",
        "largest |γ|",
        "Largest |tr γ/3| of a mode.",
    ),
    Column(
        "linear_up_to",
        "DOUBLE",
        "linear up to",
        "Temperature up to which α of the static cell is good to about 10 %, a rule of thumb.",
        "K",
    ),
    Column(
        "expansion_flags",
        "VARCHAR[]",
        "flags",
        "Reasons for doubt: elastic_residual, gruneisen_outlier, soft_mode, nonlinear_at_300, "
        "fc3_alone.",
    ),
)


def settings(protocol: Protocol) -> Mapping[str, Any]:
    """Mesh and temperatures; the cells carry their own key."""
    return {
        "mesh": protocol.expansion.mesh.model_dump(mode="json"),
        "temperatures": list(protocol.expansion.temperatures),
    }


def measure_settings(protocol: Protocol) -> Mapping[str, Any]:
    """Strain, how the ions are relaxed, and the displacements."""
    return {
        "strain": protocol.expansion.strain,
        "gruneisen": protocol.expansion.gruneisen,
        "relaxation": protocol.relaxation.model_dump(mode="json"),
        "distance": protocol.displacements.distance,
    }


def measure(inputs: StageInputs, force_field: ForceField) -> ExpansionCells:
    """Relax the ions of strained cells; displace the supercells of those that keep the symmetry."""
    from screen.physics.elasticity import strained_cells
    from screen.physics.strained_force_constants import measure_strained, symmetric_strains
    from screen.physics.symmetry import point_group

    crystal = inputs.get("relax", Relaxed).crystal
    protocol = inputs.protocol
    strain, relaxation = protocol.expansion.strain, protocol.relaxation
    elastic = strained_cells(crystal, force_field, strain, relaxation)
    if protocol.expansion.gruneisen == "fc3":
        return ExpansionCells(elastic)
    harmonic = inputs.get("fc2", ForceConstants)
    strains = symmetric_strains(point_group(harmonic.unitcell), strain)
    strained = measure_strained(harmonic, force_field, strains, relaxation, protocol.displacements)
    return ExpansionCells(elastic, strained)


def compute(inputs: StageInputs) -> Expansion:
    """Mode Grüneisen tensors, elastic tensor and α(T)."""
    from screen.physics.elasticity import fit_elasticity
    from screen.physics.expansion import thermal_expansion
    from screen.physics.meshes import mesh_of
    from screen.physics.strained_force_constants import derivative_of_cells

    force_constants = inputs.get("fc3", ForceConstants)
    cells = inputs.get("expansion_cells", ExpansionCells)
    protocol = inputs.protocol
    settings = protocol.expansion
    elasticity = fit_elasticity(cells.elastic, inputs.get("relax", Relaxed).crystal)
    harmonic = inputs.get("fc2", ForceConstants)
    strained = (
        None
        if cells.strained is None
        else derivative_of_cells(harmonic, cells.strained, protocol.displacements)
    )
    mesh = mesh_of(force_constants, inputs.candidate.hints, settings.mesh)
    return thermal_expansion(force_constants, mesh, settings.temperatures, elasticity, strained)


def row(inputs: StageInputs, record: Record) -> Mapping[str, Any]:
    """Values for ``COLUMNS``."""
    from screen.physics.elasticity import Elasticity
    from screen.physics.expansion import heat_capacity_difference, isotropic_expansion
    from screen.physics.trust import expansion_flags, largest_gruneisen, linear_up_to

    if not isinstance(record, Expansion):
        raise TypeError(f"expansion needs Expansion, got {type(record).__name__}")
    grid = record.temperatures
    n_atoms = record.frequencies.shape[1] / 3
    lattice = inputs.get("relax", Relaxed).crystal.lattice
    axes = record.alpha_along(lattice)
    third_order = None if record.alpha_fc3 is None else along(lattice, record.alpha_fc3).T
    elasticity = Elasticity(record.stiffness, record.elastic_residual)
    return {
        "expansion_temperatures": grid.tolist(),
        "expansion": record.alpha_linear.tolist(),
        "expansion_tensor": record.alpha.tolist(),
        "expansion_300": at_temperature(grid, record.alpha_linear, 300.0),
        "expansion_a_300": at_temperature(grid, axes[:, 0], 300.0),
        "expansion_b_300": at_temperature(grid, axes[:, 1], 300.0),
        "expansion_c_300": at_temperature(grid, axes[:, 2], 300.0),
        "gruneisen_300": at_temperature(grid, record.gruneisen, 300.0),
        "expansion_fc3_300": at_temperature(grid, record.alpha_linear_fc3, 300.0),
        "expansion_a_fc3_300": at_temperature(
            grid, None if third_order is None else third_order[0], 300.0
        ),
        "expansion_c_fc3_300": at_temperature(
            grid, None if third_order is None else third_order[2], 300.0
        ),
        "expansion_isotropic_300": at_temperature(grid, isotropic_expansion(record), 300.0),
        "gruneisen_fc3_300": at_temperature(grid, record.gruneisen_fc3, 300.0),
        "heat_capacity_300": at_temperature(grid, record.heat_capacity / n_atoms, 300.0),
        "heat_capacity_difference_300": at_temperature(
            grid, heat_capacity_difference(record) / n_atoms, 300.0
        ),
        "elastic_tensor": record.stiffness.tolist(),
        "elastic_residual": record.elastic_residual,
        "bulk_modulus": elasticity.bulk_reuss,
        "bulk_modulus_voigt": elasticity.bulk_voigt,
        "bulk_modulus_hill": elasticity.bulk_hill,
        "largest_mode_gruneisen": largest_gruneisen(record),
        "linear_up_to": linear_up_to(record),
        "expansion_flags": expansion_flags(record),
    }
