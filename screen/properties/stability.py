"""Dynamical stability: phonons on the mesh, and the gate before third-order force constants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from screen.core.columns import Column
from screen.core.protocols import StageInputs
from screen.core.records import Failure, ForceConstants, Phonons, Record, Relaxed
from screen.core.settings import Protocol

NEEDS = ("relax", "fc2")
COLUMNS = (
    Column("stable", "BOOLEAN", "stable", "No imaginary phonon and the space group was kept."),
    Column(
        "min_frequency",
        "DOUBLE",
        "lowest frequency",
        "Lowest phonon frequency apart from the acoustic modes at Γ; imaginary as negative.",
        "THz",
    ),
    Column(
        "min_acoustic_gamma",
        "DOUBLE",
        "lowest acoustic frequency at Γ",
        "Lowest acoustic frequency at Γ, zero for exact force constants.",
        "THz",
    ),
    Column(
        "max_frequency",
        "DOUBLE",
        "highest frequency",
        "Highest phonon frequency on the mesh.",
        "THz",
    ),
    Column("space_group", "BIGINT", "space group", "International number after the relaxation."),
    Column(
        "space_group_before",
        "BIGINT",
        "initial space group",
        "International number of the candidate.",
    ),
    Column("volume_per_atom", "DOUBLE", "volume per atom", "Relaxed volume per atom.", "Å³"),
    Column("relaxation_steps", "BIGINT", "relaxation steps", "Optimiser steps of both stages."),
    Column("max_force", "DOUBLE", "largest force", "Largest force after the relaxation.", "eV/Å"),
)
measure = None


def settings(protocol: Protocol) -> Mapping[str, Any]:
    """Stability thresholds and the q-mesh."""
    return {
        "stability": protocol.stability.model_dump(mode="json"),
        "mesh": protocol.conductivity.mesh.model_dump(mode="json"),
    }


def compute(inputs: StageInputs) -> Phonons:
    """Phonons on the conductivity's mesh and along the band path."""
    from screen.physics.meshes import mesh_of
    from screen.physics.phonons import phonons_on_mesh

    harmonic = inputs.get("fc2", ForceConstants)
    mesh = mesh_of(harmonic, inputs.candidate.hints, inputs.protocol.conductivity.mesh)
    return phonons_on_mesh(harmonic, mesh, inputs.protocol.stability)


def gate(inputs: StageInputs, record: Record) -> Failure | None:
    """Why this crystal goes no further, or None: imaginary modes, changed space group."""
    phonons, relaxed = _checked(inputs, record)
    if relaxed.space_group_after != relaxed.space_group_before:
        return Failure(
            "stability",
            "symmetry_changed",
            f"the relaxation changed the space group from {relaxed.space_group_before} to "
            f"{relaxed.space_group_after}",
        )
    if phonons.imaginary:
        return Failure(
            "stability",
            "imaginary_modes",
            f"dynamically unstable: lowest frequency {phonons.min_frequency:.3f} THz, lowest "
            f"acoustic frequency at Γ {phonons.min_acoustic_gamma:.3f} THz",
        )
    return None


def row(inputs: StageInputs, record: Record) -> Mapping[str, Any]:
    """Values for ``COLUMNS``."""
    phonons, relaxed = _checked(inputs, record)
    return {
        "stable": gate(inputs, record) is None,
        "min_frequency": phonons.min_frequency,
        "min_acoustic_gamma": phonons.min_acoustic_gamma,
        "max_frequency": float(phonons.frequencies.max()),
        "space_group": relaxed.space_group_after,
        "space_group_before": relaxed.space_group_before,
        "volume_per_atom": relaxed.crystal.volume / len(relaxed.crystal),
        "relaxation_steps": relaxed.steps,
        "max_force": relaxed.max_force,
    }


def _checked(inputs: StageInputs, record: Record) -> tuple[Phonons, Relaxed]:
    if not isinstance(record, Phonons):
        raise TypeError(f"stability needs Phonons, got {type(record).__name__}")
    return record, inputs.get("relax", Relaxed)
