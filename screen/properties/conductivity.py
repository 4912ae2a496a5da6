"""Lattice thermal conductivity of the Wigner transport equation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from screen.core.columns import Column
from screen.core.protocols import DividedSolverModule, StageInputs
from screen.core.records import Conductivity, FitQuality, ForceConstants, Phonons, Record
from screen.core.registry import find
from screen.core.settings import DisplacementSettings, Protocol
from screen.core.spectra import median_mean_free_path, regime_shares
from screen.core.voigt import mean_diagonal, to_voigt
from screen.properties._rows import around, at_temperature, by_powers

NEEDS = ("stability", "fc3")
COLUMNS = (
    Column("temperatures", "DOUBLE[]", "T", "Temperature grid of the conductivity.", "K"),
    Column("kappa", "DOUBLE[]", "κ", "κ_P + κ_C, mean of xx, yy, zz, at temperatures.", "W/m/K"),
    Column("kappa_p", "DOUBLE[]", "κ_P", "Particle-like conductivity at temperatures.", "W/m/K"),
    Column("kappa_c", "DOUBLE[]", "κ_C", "Wave-like conductivity at temperatures.", "W/m/K"),
    Column(
        "kappa_tensor",
        "DOUBLE[6][]",
        "κ tensor",
        "κ_P + κ_C at temperatures: xx, yy, zz, yz, xz, xy.",
        "W/m/K",
    ),
    Column("kappa_300", "DOUBLE", "κ (300 K)", "κ_P + κ_C at 300 K, mean of xx, yy, zz.", "W/m/K"),
    Column("kappa_p_300", "DOUBLE", "κ_P (300 K)", "Particle-like conductivity at 300 K.", "W/m/K"),
    Column("kappa_c_300", "DOUBLE", "κ_C (300 K)", "Wave-like conductivity at 300 K.", "W/m/K"),
    Column(
        "wave_like_share_300",
        "DOUBLE",
        "wave-like share of κ (300 K)",
        "Share of κ in phonons with lifetimes between the Ioffe–Regel and the Wigner limit, 300 K.",
    ),
    Column(
        "overdamped_share_300",
        "DOUBLE",
        "overdamped share of κ (300 K)",
        "Share of κ in phonons with lifetimes below the Ioffe–Regel limit, 300 K.",
    ),
    Column(
        "median_mean_free_path_300",
        "DOUBLE",
        "median mean free path (300 K)",
        "Mean free path up to which half of κ_P accumulates, 300 K.",
        "nm",
    ),
    Column("mesh", "VARCHAR", "q-mesh", "q-points along the primitive reciprocal axes."),
    Column("solver", "VARCHAR", "solver", "Transport solver."),
    Column("solver_version", "VARCHAR", "solver version", "Version of the solver's package."),
    Column("isotopes", "BOOLEAN", "isotopes", "Natural isotope scattering is included."),
    Column("nac", "BOOLEAN", "NAC", "The non-analytical term correction is included."),
    Column(
        "fc3_supercells",
        "BIGINT",
        "supercells of fc3",
        "Randomly displaced supercells that fc3 is fitted to; empty for finite differences.",
    ),
    Column(
        "fc3_fit_condition",
        "DOUBLE",
        "condition of the fc3 fit",
        "Condition number of the design matrix of the fit of fc3.",
    ),
    Column(
        "fc3_held_out_error",
        "DOUBLE",
        "held-out error of fc3",
        "Error of the fit of fc3 on the anharmonic forces of pairs of supercells it has not seen.",
        "eV/Å",
    ),
    Column(
        "fc3_held_out_relative",
        "DOUBLE",
        "relative held-out error of fc3",
        "Held-out error of fc3 over the rms of the anharmonic forces.",
    ),
    Column(
        "fc3_fit_poor",
        "BOOLEAN",
        "poor fc3 fit",
        "The fit of fc3 misses max_fit_error or max_fit_condition of the protocol: doubt κ.",
    ),
    Column(
        "fc3_cutoff",
        "DOUBLE",
        "cutoff of fc3",
        "Distance beyond which fc3 is not fitted; empty where all of the supercell is.",
        "Å",
    ),
)
measure = None


def settings(protocol: Protocol) -> Mapping[str, Any]:
    """Conductivity settings, the solver's revision and temperatures."""
    return {
        "revision": _solver(protocol).REVISION,
        "conductivity": protocol.conductivity.model_dump(mode="json"),
        "temperatures": list(protocol.temperatures),
    }


def divide(inputs: StageInputs) -> int:
    """Into how many parts the solver would divide this crystal."""
    solver = _solver(inputs.protocol)
    phonons = inputs.get("stability", Phonons)
    return solver.divide(phonons) if isinstance(solver, DividedSolverModule) else 1


def compute_part(inputs: StageInputs, part: int, parts: int) -> Record:
    """Solve one part."""
    record: Record = _solver(inputs.protocol).solve_part(*_problem(inputs), part, parts)
    return record


def compute(inputs: StageInputs) -> Conductivity:
    """Solve on the mesh that the stability gate looked at."""
    solver = _solver(inputs.protocol)
    more = (inputs.parts,) if inputs.parts else ()
    result: Conductivity = solver.solve(*_problem(inputs), *more)
    return result


def _solver(protocol: Protocol) -> Any:
    return find("solvers", protocol.conductivity.solver)


def _problem(inputs: StageInputs) -> tuple[Any, ...]:
    """Return what every solver takes."""
    a, b, c = (int(n) for n in inputs.get("stability", Phonons).mesh)
    protocol = inputs.protocol
    constants = inputs.get("fc3", ForceConstants)
    return constants, (a, b, c), protocol.temperatures, protocol.conductivity


def row(inputs: StageInputs, record: Record) -> Mapping[str, Any]:
    """Values for ``COLUMNS``."""
    if not isinstance(record, Conductivity):
        raise TypeError(f"conductivity needs Conductivity, got {type(record).__name__}")
    temperatures = record.temperatures
    kappa_p, kappa_c = mean_diagonal(record.kappa_p), mean_diagonal(record.kappa_c)
    return {
        "temperatures": temperatures.tolist(),
        "kappa": (kappa_p + kappa_c).tolist(),
        "kappa_p": kappa_p.tolist(),
        "kappa_c": kappa_c.tolist(),
        "kappa_tensor": to_voigt(record.kappa_p + record.kappa_c).tolist(),
        "kappa_300": by_powers(temperatures, kappa_p + kappa_c, 300.0),
        "kappa_p_300": by_powers(temperatures, kappa_p, 300.0),
        "kappa_c_300": by_powers(temperatures, kappa_c, 300.0),
        **_carriers(record),
        "mesh": "×".join(str(n) for n in record.mesh),
        "solver": record.solver,
        "solver_version": record.solver_version,
        "isotopes": record.isotopes,
        "nac": record.nac,
        **_fit(inputs.get("fc3", ForceConstants).fit, inputs.protocol.displacements),
    }


def _fit(fit: FitQuality | None, settings: DisplacementSettings) -> dict[str, float | None]:
    """Columns on the fit of fc3, empty for finite differences."""
    from screen.physics.fit import is_poor

    return {
        "fc3_supercells": None if fit is None else fit.supercells,
        "fc3_fit_condition": None if fit is None else fit.condition,
        "fc3_held_out_error": None if fit is None else fit.held_out_error,
        "fc3_held_out_relative": None if fit is None else fit.held_out_relative,
        "fc3_fit_poor": None if fit is None else is_poor(fit, settings),
        "fc3_cutoff": None if fit is None else fit.cutoff,
    }


def _carriers(record: Conductivity) -> dict[str, float | None]:
    """Kinds of carriers and their mean free path at 300 K, from the grid points around it."""
    nearest = around(record.temperatures, 300.0)
    grid = record.temperatures[nearest]
    shares = [regime_shares(record, index) for index in nearest]
    paths = np.array([median_mean_free_path(record, index) for index in nearest])
    wave_like = np.array([share.wave_like for share in shares])
    overdamped = np.array([share.overdamped for share in shares])
    return {
        "wave_like_share_300": at_temperature(grid, wave_like, 300.0),
        "overdamped_share_300": at_temperature(grid, overdamped, 300.0),
        "median_mean_free_path_300": by_powers(grid, paths, 300.0),
    }
