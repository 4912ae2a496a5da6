"""Quasi-harmonic approximation as a check of the linear Grüneisen expansion; off by default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from screen.core.columns import Column
from screen.core.crystal import FloatArray
from screen.core.protocols import ForceField, StageInputs
from screen.core.records import (
    Expansion,
    ForceConstants,
    QuasiHarmonic,
    Record,
    Relaxed,
    StrainedForces,
)
from screen.core.settings import Protocol
from screen.properties._rows import at_temperature

NEEDS = ("relax", "fc2", "expansion", "qha_cells")
COLUMNS = (
    Column("expansion_qha_300", "DOUBLE", "α_L (300 K), QHA", "Mean linear expansion.", "1/K"),
    Column(
        "expansion_a_qha_300", "DOUBLE", "α_a (300 K), QHA", "Along a; uniaxial and cubic.", "1/K"
    ),
    Column(
        "expansion_c_qha_300", "DOUBLE", "α_c (300 K), QHA", "Along c; uniaxial and cubic.", "1/K"
    ),
    Column(
        "expansion_difference_qha",
        "DOUBLE",
        "α_L − QHA (300 K)",
        "Linear Grüneisen minus quasi-harmonic mean linear expansion at 300 K.",
        "1/K",
    ),
    Column(
        "expansion_a_difference_qha",
        "DOUBLE",
        "α_a − QHA (300 K)",
        "Linear Grüneisen minus quasi-harmonic expansion along a at 300 K; uniaxial and cubic.",
        "1/K",
    ),
    Column(
        "expansion_c_difference_qha",
        "DOUBLE",
        "α_c − QHA (300 K)",
        "Linear Grüneisen minus quasi-harmonic expansion along c at 300 K; uniaxial and cubic.",
        "1/K",
    ),
    Column(
        "bulk_modulus_qha_300",
        "DOUBLE",
        "B_T (300 K), QHA",
        "Isothermal bulk modulus of the expanded crystal at 300 K.",
        "GPa",
    ),
    Column(
        "heat_capacity_p_qha_300",
        "DOUBLE",
        "C_P per atom (300 K), QHA",
        "Heat capacity at constant pressure per atom at 300 K.",
        "eV/K",
    ),
    Column(
        "qha_residual_300",
        "DOUBLE",
        "QHA residual (300 K)",
        "What the equation of state leaves of F(V), over the phonon part of it; rms.",
    ),
    Column(
        "qha_up_to",
        "DOUBLE",
        "QHA up to",
        "Highest temperature at which the equilibrium lies within the sampled cells.",
        "K",
    ),
)


def settings(protocol: Protocol) -> Mapping[str, Any]:
    """Mesh, temperatures, and what counts as imaginary; the cells carry their own key."""
    return {
        "mesh": protocol.expansion.mesh.model_dump(mode="json"),
        "temperatures": list(protocol.qha.temperatures),
        "tolerance": protocol.stability.tolerance,
    }


def measure_settings(protocol: Protocol) -> Mapping[str, Any]:
    """Volumes and shapes, how the cells are relaxed, and the displacements."""
    return {
        "cells": protocol.qha.model_dump(mode="json", exclude={"temperatures"}),
        "relaxation": protocol.relaxation.model_dump(mode="json"),
        "distance": protocol.displacements.distance,
    }


def measure(inputs: StageInputs, force_field: ForceField) -> StrainedForces:
    """Relax cells of several volumes and shapes and displace their supercells."""
    from screen.physics.quasi_harmonic import measure_quasi_harmonic

    protocol = inputs.protocol
    return measure_quasi_harmonic(
        inputs.get("fc2", ForceConstants),
        force_field,
        protocol.qha,
        protocol.relaxation,
        protocol.displacements,
    )


def compute(inputs: StageInputs) -> QuasiHarmonic:
    """V(T), α(T), B_T(T) and C_P(T) where the free energy has its minimum."""
    from screen.physics.meshes import mesh_of
    from screen.physics.quasi_harmonic import quasi_harmonic

    harmonic = inputs.get("fc2", ForceConstants)
    protocol = inputs.protocol
    return quasi_harmonic(
        harmonic,
        inputs.get("qha_cells", StrainedForces),
        mesh_of(harmonic, inputs.candidate.hints, protocol.expansion.mesh),
        protocol.qha,
        protocol.displacements,
        protocol.stability,
    )


def row(inputs: StageInputs, record: Record) -> Mapping[str, Any]:
    """Values for ``COLUMNS``."""
    if not isinstance(record, QuasiHarmonic):
        raise TypeError(f"qha needs QuasiHarmonic, got {type(record).__name__}")
    linear = inputs.get("expansion", Expansion)
    crystal = inputs.get("relax", Relaxed).crystal
    axes = linear.alpha_along(crystal.lattice)
    n_atoms = linear.frequencies.shape[1] / 3

    def at_300(values: FloatArray | None) -> float | None:
        return None if values is None else at_temperature(record.temperatures, values, 300.0)

    def difference(values: FloatArray, quasi_harmonic: float | None) -> float | None:
        found = at_temperature(linear.temperatures, values, 300.0)
        return None if found is None or quasi_harmonic is None else found - quasi_harmonic

    along_axes = record.alpha_axes
    mean = at_300(record.alpha_volume / 3)
    a = at_300(None if along_axes is None else along_axes[:, 0])
    c = at_300(None if along_axes is None else along_axes[:, 2])
    return {
        "expansion_qha_300": mean,
        "expansion_a_qha_300": a,
        "expansion_c_qha_300": c,
        "expansion_difference_qha": difference(linear.alpha_linear, mean),
        "expansion_a_difference_qha": difference(axes[:, 0], a),
        "expansion_c_difference_qha": difference(axes[:, 2], c),
        "bulk_modulus_qha_300": at_300(record.bulk_modulus),
        "heat_capacity_p_qha_300": at_300(record.heat_capacity / n_atoms),
        "qha_residual_300": at_300(record.residual),
        "qha_up_to": float(record.temperatures[-1]),
    }
