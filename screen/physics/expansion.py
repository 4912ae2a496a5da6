"""Thermal expansion tensor by the linear Grüneisen relation.

α_i(T) = Σ_j S_ij Σ_qs c_qs(T) γ_qs,j / (N_q V) in Voigt notation, with the compliance S of the
crystal with relaxed ions (Grüneisen, Ann. Phys. 344, 257, 1912; Ritz, Li, Benedek, J. Appl. Phys.
126, 171102, 2019). In a cubic crystal α_V = Σ c γ/(N_q V B).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from screen.core.crystal import FloatArray
from screen.core.records import Expansion, ForceConstants
from screen.core.units import EV_PER_A3_TO_GPA, KELVIN_TO_EV, THZ_TO_EV
from screen.core.voigt import from_voigt, mean_normal, to_voigt
from screen.physics.elasticity import ENGINEERING, Elasticity
from screen.physics.gruneisen import (
    StrainDerivative,
    internal_strain,
    projected,
    third_order_derivative,
)
from screen.physics.meshes import Mesh
from screen.physics.phonons import acoustic_at_gamma, harmonic_lattice
from screen.physics.symmetry import point_group


def thermal_expansion(
    force_constants: ForceConstants,
    mesh: Mesh,
    temperatures: Sequence[float],
    elasticity: Elasticity,
    strained: StrainDerivative | None = None,
) -> Expansion:
    """Expansion on a q-mesh at temperatures in K, 0 included, from fc3.

    ``strained``, from strained cells, takes the place of fc3 for the strains that it spans.

    Raises
    ------
    ExpansionError
        fc3 is missing or vanishes.
    """
    phonopy = harmonic_lattice(force_constants)
    derivative = third_order_derivative(force_constants, internal_strain(phonopy))
    rotations = point_group(force_constants.unitcell)

    def expansion(*parts: StrainDerivative) -> Expansion:
        return linear_expansion(phonopy, parts, rotations, mesh, temperatures, elasticity)

    third_order = expansion(derivative)
    found = third_order if strained is None else expansion(derivative.beside(strained), strained)
    return replace(found, alpha_fc3=third_order.alpha, gruneisen_fc3=third_order.gruneisen)


def linear_expansion(
    phonopy: Any,
    derivatives: Sequence[StrainDerivative],
    rotations: FloatArray,
    mesh: Mesh,
    temperatures: Sequence[float],
    elasticity: Elasticity,
) -> Expansion:
    """Expansion on a q-mesh at temperatures in K, 0 included, from the sum of ∂Φ₂/∂u.

    ``phonopy`` holds the harmonic part; ``rotations`` (n, 3, 3) are the Cartesian point group.
    """
    phonopy.run_mesh(mesh, is_gamma_center=True)
    q, weights = np.array(phonopy.mesh.qpoints), np.array(phonopy.mesh.weights)
    frequencies, tensors = projected(derivatives, phonopy, q)
    gamma = to_voigt((tensors + tensors.swapaxes(2, 3)) / 2)
    grid = np.array(temperatures, dtype=np.float64)
    heat = mode_heat_capacity(q, frequencies, grid)
    per_cell = weights[None, :, None] * heat / weights.sum()
    heat_capacity = per_cell.sum(axis=(1, 2))
    driving = np.einsum("tqs,qsi->ti", per_cell, gamma)  # eV/K
    driving = _mean_of_rotated(driving, rotations)
    volume = float(phonopy.primitive.volume)
    compliance = elasticity.compliance * EV_PER_A3_TO_GPA  # Å³/eV
    trace = mean_normal(driving)
    return Expansion(
        temperatures=grid,
        alpha=driving @ compliance / volume / ENGINEERING,
        heat_capacity=heat_capacity,
        gruneisen=np.divide(trace, heat_capacity, out=np.zeros_like(trace), where=trace != 0),
        mesh=np.array(mesh),
        q=q,
        weights=weights,
        frequencies=frequencies,
        mode_gruneisen=gamma,
        stiffness=elasticity.stiffness,
        elastic_residual=elasticity.residual,
        volume=volume,
    )


def _mean_of_rotated(components: FloatArray, rotations: FloatArray) -> FloatArray:
    """Average symmetric tensors (n, 6) over rotations: irreducible q stand for their stars."""
    tensors = from_voigt(components)
    turned = np.einsum("rax,rby,nxy->nab", rotations, rotations, tensors) / len(rotations)
    return to_voigt(turned)


def heat_capacity_difference(expansion: Expansion) -> FloatArray:
    """C_P − C_V = V T α·C·α, (nT,) eV/K per primitive cell; α_V² B V T in a cubic crystal."""
    strain = expansion.alpha * ENGINEERING
    stress = strain @ expansion.stiffness / EV_PER_A3_TO_GPA
    energy = (strain * stress).sum(axis=1)
    return np.asarray(expansion.volume * expansion.temperatures * energy)


def isotropic_expansion(expansion: Expansion) -> FloatArray:
    """α_L = γ C_V/(3 V B) with Reuss's B, (nT,) 1/K; exact in cubic crystals."""
    bulk = Elasticity(expansion.stiffness, 0.0).bulk_reuss / EV_PER_A3_TO_GPA  # eV/Å³
    return np.asarray(expansion.gruneisen * expansion.heat_capacity / (3 * expansion.volume * bulk))


def mode_heat_capacity(
    q: FloatArray, frequencies: FloatArray, temperatures: FloatArray
) -> FloatArray:
    """k_B x² eˣ/(eˣ − 1)², (nT, nq, nb) eV/K; 0 for the acoustic modes at Γ and below 0."""
    energies = np.abs(frequencies) * THZ_TO_EV
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        x = energies / (KELVIN_TO_EV * temperatures[:, None, None])
        heat = KELVIN_TO_EV * (x / (2 * np.sinh(x / 2))) ** 2
    counted = np.isfinite(heat) & (frequencies > 0) & ~acoustic_at_gamma(q, frequencies)
    return np.where(counted, heat, 0.0)
