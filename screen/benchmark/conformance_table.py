"""Results of ``screen.benchmark.conformance`` as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from screen.benchmark.conformance import Conformance
from screen.benchmark.from_forces import number_of_supercells
from screen.core.columns import Column
from screen.store.frames import table_of
from screen.store.scores import KAPPA_300, REFERENCE, SRD, SRE

COLUMNS = (
    Column(
        "compound", "VARCHAR", "compound", "Id of the benchmark's catalog, else the file's name."
    ),
    Column("formula", "VARCHAR", "formula", "Reduced formula."),
    Column(
        "prototype", "VARCHAR", "prototype", "Rocksalt, zincblende, wurtzite; empty if unknown."
    ),
    Column("protocol", "VARCHAR", "protocol", "Name of the protocol."),
    Column("solver", "VARCHAR", "solver", "Transport solver."),
    Column("status", "VARCHAR", "status", "complete, unstable or failed."),
    Column("failure_kind", "VARCHAR", "failure", "Kind of failure, empty if complete."),
    Column("message", "VARCHAR", "message", "What is wrong with the force set, and the way out."),
    Column("stable", "BOOLEAN", "stable", "No imaginary modes on the mesh."),
    Column("mesh", "VARCHAR", "q-mesh", "q-points along the primitive reciprocal axes."),
    Column("supercells", "BIGINT", "supercells", "Displaced supercells whose forces went in."),
    Column("own_cell", "BOOLEAN", "own cell", "The file has its cell; else that of the catalog."),
    KAPPA_300,
    Column("kappa_p_300", "DOUBLE", "κ_P (300 K)", "Particle-like conductivity at 300 K.", "W/m/K"),
    Column("kappa_c_300", "DOUBLE", "κ_C (300 K)", "Wave-like conductivity at 300 K.", "W/m/K"),
    Column("conforms", "BOOLEAN", "conforms", "Equal to what the file stores, within the limits."),
    Column(
        "frequency_difference",
        "DOUBLE",
        "max |Δf| to stored",
        "Largest difference from the stored frequencies.",
        "THz",
    ),
    Column("kappa_stored_300", "DOUBLE", "stored κ (300 K)", "κ stored with the forces.", "W/m/K"),
    Column("kappa_p_ratio", "DOUBLE", "κ_P/stored", "Our κ_P over the stored one, 300 K."),
    Column("kappa_c_ratio", "DOUBLE", "κ_C/stored", "Our κ_C over the stored one, 300 K."),
    Column(
        "stretch_x", "DOUBLE", "cell/catalog x", "Cell of the forces over the catalog's, by κ_P."
    ),
    Column("stretch_z", "DOUBLE", "cell/catalog z", "The same along z."),
    Column(
        "srme_stored", "DOUBLE", "SRME to stored", "SRME between our modes and the stored ones."
    ),
    Column("kappa_published_300", "DOUBLE", "published κ (300 K)", "Published κ.", "W/m/K"),
    Column("srme_published", "DOUBLE", "published SRME", "Published SRME against DFT."),
    Column("nac", "BOOLEAN", "NAC", "DFT with NAC is the reference; Born charges of files count."),
    REFERENCE,
    SRD,
    SRE,
    Column("srme_300", "DOUBLE", "SRME (300 K)", "SRME against DFT; 2 without κ, empty: no modes."),
    Column("cpu_s", "DOUBLE", "CPU time", "Processor time from reading to κ.", "s"),
    Column("wall_s", "DOUBLE", "wall time", "Wall time from reading to κ.", "s"),
)


def conformance_table(results: Sequence[Conformance]) -> pa.Table:
    """One row per force set."""
    return table_of("conformance", COLUMNS, [conformance_row(result) for result in results])


def conformance_row(result: Conformance) -> dict[str, Any]:
    """Values of ``COLUMNS``, as JSON takes them."""
    srd = result.srd_300
    published = result.published
    return {
        "compound": result.compound,
        "protocol": result.protocol.name,
        "solver": result.protocol.conductivity.solver,
        "status": result.status,
        "stable": result.stable,
        "nac": result.nac,
        **_input(result),
        **_failure(result),
        **_solved(result),
        **_stored(result),
        "kappa_published_300": None if published is None else published.kappa_300,
        "srme_published": None if published is None else published.srme,
        "kappa_reference_300": result.kappa_reference_300,
        "srd_300": srd,
        "sre_300": None if srd is None else abs(srd),
        "srme_300": result.srme_300,
        "cpu_s": result.cpu_s,
        "wall_s": result.wall_s,
    }


def _input(result: Conformance) -> dict[str, Any]:
    force_set = result.force_set
    if force_set is None:
        return {}
    return {
        "formula": force_set.unitcell.formula,
        "prototype": force_set.metadata.prototype,
        "supercells": number_of_supercells(force_set.forces),
        "own_cell": force_set.own_cell,
    }


def _failure(result: Conformance) -> dict[str, Any]:
    failure = result.failure
    return {} if failure is None else {"failure_kind": failure.kind, "message": failure.message}


def _solved(result: Conformance) -> dict[str, Any]:
    solved = result.solved
    if solved is None:
        return {}
    return {
        "mesh": "×".join(str(n) for n in solved.phonons.mesh),
        "kappa_300": solved.kappa_300,
        "kappa_p_300": solved.kappa_p_300,
        "kappa_c_300": solved.kappa_c_300,
    }


def _stored(result: Conformance) -> dict[str, Any]:
    stored = result.stored
    x, z = (None, None) if stored.stretch is None else stored.stretch[[0, 2]].tolist()
    return {
        "conforms": stored.conforms,
        "frequency_difference": stored.frequency_difference,
        "kappa_stored_300": stored.kappa_300,
        "kappa_p_ratio": stored.kappa_p_ratio,
        "kappa_c_ratio": stored.kappa_c_ratio,
        "stretch_x": x,
        "stretch_z": z,
        "srme_stored": stored.srme,
    }
