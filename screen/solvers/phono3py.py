"""Wigner conductivity on phono3py's three-phonon scattering rates.

phono3py ≥ 4 offers ``transport_type="SMM19"``, whose velocity operator is
⟨e|∂D|e'⟩/2√(ωω') instead of ⟨e|∂√D|e'⟩ = ⟨e|∂D|e'⟩/(ω+ω') (Simoncelli, Marzari, Mauri,
PRX 12, 041011, 2022, eq. 45). Both enter κ as V·V*, pair by pair, so each pair (s, s') is
scaled by 4ωω'/(ω+ω')², which gives the published Wigner conductivity. Degenerate pairs,
|Δf| < 1e-4 THz, belong to κ_P.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from screen.core.crystal import FloatArray
from screen.core.pairs import degenerate_pairs, pair_factors, shared_coherences
from screen.core.records import Conductivity, ForceConstants
from screen.core.settings import ConductivitySettings
from screen.core.voigt import from_voigt, mean_normal
from screen.physics.displacements import restored
from screen.physics.isotopes import mass_variances, set_masses
from screen.solvers._checks import require_anharmonic, require_finite

REVISION = 1  # rises with every change that moves a number


def solve(
    force_constants: ForceConstants,
    mesh: tuple[int, int, int],
    temperatures: Sequence[float],
    settings: ConductivitySettings,
) -> Conductivity:
    """Relaxation-time solution with the tetrahedron method; see ``core.protocols``."""
    require_anharmonic(force_constants)
    phono3py = _run(force_constants, mesh, temperatures, settings)
    result, volume = phono3py.thermal_conductivity, float(phono3py.primitive.volume)
    frequencies = np.array(result.frequencies)
    weights = np.array(result.grid_weights, dtype=np.int64)
    isotopes, boundary = _temperature_independent(result, settings.boundary_mean_free_path)
    linewidths = 2 * np.array(result.gamma[0])
    for part in (isotopes, boundary):
        linewidths = linewidths if part is None else linewidths + part
    pairs = np.array(result.mode_kappa_matrix[0]) * wigner_factor(frequencies)[None, ..., None]
    pairs_p = pairs * degenerate_pairs(frequencies)[None, ..., None]
    pairs_c = pairs - pairs_p
    heat = np.array(result.mode_heat_capacities)
    coherences = shared_coherences(mean_normal(pairs_c), heat)
    points = weights.sum()
    kappa_p = from_voigt(pairs_p.sum(axis=(1, 2, 3)) / points)
    kappa_c = from_voigt(pairs_c.sum(axis=(1, 2, 3)) / points)
    require_finite(kappa_p, kappa_c)
    return Conductivity(
        temperatures=np.array(temperatures, dtype=np.float64),
        kappa_p=kappa_p,
        kappa_c=kappa_c,
        mesh=np.array(mesh),
        q=np.array(result.qpoints),
        weights=weights,
        frequencies=frequencies,
        linewidths=linewidths,
        mode_kappa=mean_normal(pairs_p).sum(axis=-1) + coherences,
        pair_velocities=pair_velocities(
            mean_normal(pairs), temperatures, frequencies, linewidths, volume
        ),
        volume=volume,
        solver="phono3py",
        solver_version=version("phono3py"),
        isotopes=settings.isotopes,
        nac=force_constants.nac is not None,
        isotope_linewidths=isotopes,
        boundary_linewidths=boundary,
    )


def _run(
    force_constants: ForceConstants,
    mesh: tuple[int, int, int],
    temperatures: Sequence[float],
    settings: ConductivitySettings,
) -> Any:
    """Run phono3py's SMM19 variant; returns the ``Phono3py``."""
    phono3py = restored(force_constants)
    set_masses(phono3py, settings.isotope_abundances)
    phono3py.mesh_numbers = mesh
    if settings.smearing is not None:
        phono3py.sigmas = [settings.smearing]
    phono3py.init_phph_interaction()
    symbols = phono3py.primitive.symbols
    variances = mass_variances(symbols, settings.isotope_abundances) if settings.isotopes else None
    phono3py.run_thermal_conductivity(
        temperatures=list(temperatures),
        is_isotope=settings.isotopes,
        mass_variances=variances,  # given, they would count without is_isotope
        boundary_mfp=settings.boundary_mean_free_path,
        transport_type="SMM19",
        log_level=0,
    )
    return phono3py


def wigner_factor(frequencies: FloatArray) -> FloatArray:
    """4ff'/(f+f')² for frequencies (nq, nb); 0 where a frequency is not positive."""
    positive = np.where(frequencies > 0, frequencies, 0.0)
    product = positive[:, :, None] * positive[:, None, :]
    total = (positive[:, :, None] + positive[:, None, :]) ** 2
    factor: FloatArray = np.divide(4 * product, total, out=np.zeros_like(product), where=total > 0)
    return factor


def pair_velocities(
    pairs: FloatArray,
    temperatures: Sequence[float],
    frequencies: FloatArray,
    linewidths: FloatArray,
    volume: float,
) -> FloatArray:
    """Squares of velocities from which κ of pairs (nT, nq, nb, nb) W/m/K follows: (nq, nb, nb).

    In (THz·Å)², by division through the factor of ``core.pairs`` at the temperature where it is
    largest; phono3py shows its velocity matrix to nobody. Linewidths (nT, nq, nb) THz.
    """
    factors = np.array(
        [
            pair_factors(frequencies, widths, temperature, volume)
            for temperature, widths in zip(temperatures, linewidths, strict=True)
        ]
    )
    largest = factors.argmax(axis=0)[None]
    factor = np.take_along_axis(factors, largest, axis=0)[0]
    kappa = np.take_along_axis(pairs, largest, axis=0)[0]
    return np.asarray(np.divide(kappa, factor, out=np.zeros_like(kappa), where=factor > 0))


def _temperature_independent(
    result: Any, mean_free_path: float | None
) -> tuple[FloatArray | None, FloatArray | None]:
    """Linewidths by isotopes and by boundaries, full widths, (nq, nb) THz; None where absent."""
    isotopes = boundary = None
    if result.gamma_isotope is not None:
        isotopes = 2 * np.array(result.gamma_isotope[0])
    if mean_free_path is not None:
        speed = np.linalg.norm(np.array(result.group_velocities), axis=-1)  # THz·Å
        boundary = speed / (2 * np.pi * mean_free_path * 1e4)  # µm to Å
    return isotopes, boundary
