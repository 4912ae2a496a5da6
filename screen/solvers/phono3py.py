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
from screen.core.records import Conductivity, ForceConstants
from screen.core.settings import ConductivitySettings
from screen.core.voigt import from_voigt
from screen.physics.displacements import restored
from screen.physics.isotopes import mass_variances, set_masses
from screen.solvers._checks import require_anharmonic, require_finite

REVISION = 1  # rises with every change that moves a number
DEGENERATE = 1e-4  # THz


def solve(
    force_constants: ForceConstants,
    mesh: tuple[int, int, int],
    temperatures: Sequence[float],
    settings: ConductivitySettings,
) -> Conductivity:
    """Relaxation-time solution with the tetrahedron method; see ``core.protocols``."""
    require_anharmonic(force_constants)
    result = _run(force_constants, mesh, temperatures, settings)
    frequencies = np.array(result.frequencies)
    weights = np.array(result.grid_weights, dtype=np.int64)
    gamma = _total_gamma(result, settings.boundary_mean_free_path)
    pairs = np.array(result.mode_kappa_matrix[0]) * wigner_factor(frequencies)[None, ..., None]
    degenerate = np.abs(frequencies[:, :, None] - frequencies[:, None, :]) < DEGENERATE
    pairs_p = pairs * degenerate[None, ..., None]
    pairs_c = pairs - pairs_p
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
        linewidths=2 * gamma,
        mode_kappa=mode_share(pairs_p, pairs_c, np.array(result.mode_heat_capacities)),
        solver="phono3py",
        solver_version=version("phono3py"),
        isotopes=settings.isotopes,
        nac=force_constants.nac is not None,
    )


def _run(
    force_constants: ForceConstants,
    mesh: tuple[int, int, int],
    temperatures: Sequence[float],
    settings: ConductivitySettings,
) -> Any:
    """Run phono3py's SMM19 variant; returns its conductivity calculator."""
    phono3py = restored(force_constants)
    set_masses(phono3py, settings.isotope_abundances)
    phono3py.mesh_numbers = mesh
    if settings.smearing is not None:
        phono3py.sigmas = [settings.smearing]
    phono3py.init_phph_interaction()
    phono3py.run_thermal_conductivity(
        temperatures=list(temperatures),
        is_isotope=settings.isotopes,
        mass_variances=mass_variances(phono3py.primitive.symbols, settings.isotope_abundances),
        boundary_mfp=settings.boundary_mean_free_path,
        transport_type="SMM19",
        log_level=0,
    )
    return phono3py.thermal_conductivity


def wigner_factor(frequencies: FloatArray) -> FloatArray:
    """4ff'/(f+f')² for frequencies (nq, nb); 0 where a frequency is not positive."""
    positive = np.where(frequencies > 0, frequencies, 0.0)
    product = positive[:, :, None] * positive[:, None, :]
    total = (positive[:, :, None] + positive[:, None, :]) ** 2
    factor: FloatArray = np.divide(4 * product, total, out=np.zeros_like(product), where=total > 0)
    return factor


def mode_share(pairs_p: FloatArray, pairs_c: FloatArray, heat: FloatArray) -> FloatArray:
    """κ of each mode: populations + coherences shared by heat capacity, (nT, nq, nb) W/m/K.

    κ(s) = κ_P(s) + 2 Σ_s' κ_C(s, s') c_s / (c_s + c_s'), trace/3 of (nT, nq, nb, nb, 6) pairs
    (Póta et al., arXiv 2408.00755, eq. 8); Σ_qs κ(s) / Σ w is the conductivity.
    """
    total = heat[..., :, None] + heat[..., None, :]
    share = np.divide(heat[..., :, None], total, out=np.full_like(total, 0.5), where=total > 0)
    mean_p = pairs_p[..., :3].mean(axis=-1).sum(axis=-1)
    mean_c = pairs_c[..., :3].mean(axis=-1)
    return np.asarray(mean_p + (2 * mean_c * share).sum(axis=-1))


def _total_gamma(result: Any, mean_free_path: float | None) -> FloatArray:
    """γ of three-phonon, isotope and boundary scattering, half width, (nT, nq, nb) THz."""
    gamma = np.array(result.gamma[0])
    if result.gamma_isotope is not None:
        gamma = gamma + np.array(result.gamma_isotope[0])[None]
    if mean_free_path is not None:
        speed = np.linalg.norm(np.array(result.group_velocities), axis=-1)  # THz·Å
        gamma = gamma + (speed / (4 * np.pi * mean_free_path * 1e4))[None]  # µm to Å
    return np.asarray(gamma)
