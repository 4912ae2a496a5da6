"""Isotropic thermal expansion by the linear Grüneisen relation.

α_V(T) = Σ_qs c_qs(T) γ_qs / (N_q V B), with γ_qs = tr γ_qs,kl / 3 (Grüneisen, Ann. Phys. 344,
257, 1912; Ritz, Li, Benedek, J. Appl. Phys. 126, 171102, 2019).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from screen.core.crystal import FloatArray
from screen.core.records import Expansion, ForceConstants
from screen.core.units import EV_PER_A3_TO_GPA, KELVIN_TO_EV, THZ_TO_EV
from screen.physics.gruneisen import mode_gruneisen
from screen.physics.meshes import Mesh
from screen.physics.phonons import acoustic_at_gamma, harmonic_lattice


def thermal_expansion(
    force_constants: ForceConstants,
    mesh: Mesh,
    temperatures: Sequence[float],
    bulk_modulus: float,
) -> Expansion:
    """Expansion on a q-mesh; ``bulk_modulus`` in GPa.

    Raises
    ------
    ExpansionError
        fc3 is missing.
    """
    phonopy = harmonic_lattice(force_constants)
    phonopy.run_mesh(mesh, is_gamma_center=True)
    q, weights = np.array(phonopy.mesh.qpoints), np.array(phonopy.mesh.weights)
    frequencies, tensors = mode_gruneisen(force_constants, phonopy, q)
    gamma = np.trace(tensors, axis1=2, axis2=3) / 3
    grid = np.array(temperatures, dtype=np.float64)
    heat = mode_heat_capacity(q, frequencies, grid)
    per_cell = weights[None, :, None] * heat / weights.sum()
    heat_capacity = per_cell.sum(axis=(1, 2))
    driving = (per_cell * gamma[None]).sum(axis=(1, 2))
    volume = float(phonopy.primitive.volume)
    return Expansion(
        temperatures=grid,
        alpha_volume=driving / (volume * bulk_modulus / EV_PER_A3_TO_GPA),
        heat_capacity=heat_capacity,
        gruneisen=driving / heat_capacity,
        mesh=np.array(mesh),
        q=q,
        weights=weights,
        frequencies=frequencies,
        mode_gruneisen=gamma,
        bulk_modulus=bulk_modulus,
        volume=volume,
    )


def mode_heat_capacity(
    q: FloatArray, frequencies: FloatArray, temperatures: FloatArray
) -> FloatArray:
    """k_B x² eˣ/(eˣ − 1)², (nT, nq, nb) eV/K; 0 for the acoustic modes at Γ and below 0."""
    x = np.abs(frequencies) * THZ_TO_EV / (KELVIN_TO_EV * temperatures[:, None, None])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        heat = KELVIN_TO_EV * (x / (2 * np.sinh(x / 2))) ** 2
    counted = np.isfinite(heat) & (frequencies > 0) & ~acoustic_at_gamma(q, frequencies)
    return np.where(counted, heat, 0.0)
