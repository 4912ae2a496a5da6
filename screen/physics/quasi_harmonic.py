"""Quasi-harmonic approximation: the free energy of cells of several volumes and shapes.

F(V, T) = E(V) + F_phonon(V, T) is minimised at each temperature through a Vinet equation of state
(Vinet et al., J. Phys. C 19, L467, 1986), for uniaxial crystals F(a, c, T) through a polynomial of
third degree; both by phonopy (Togo, Chaput, Tanaka, Hug, PRB 81, 174301, 2010). Unlike the linear
Grüneisen relation it lets γ and the elastic constants follow the expansion.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from screen.core.crystal import Crystal, FloatArray
from screen.core.errors import ExpansionError
from screen.core.protocols import ForceField
from screen.core.records import ForceConstants, QuasiHarmonic, StrainedForces
from screen.core.settings import (
    DisplacementSettings,
    QhaSettings,
    RelaxationSettings,
    StabilitySettings,
)
from screen.core.units import EV_PER_A3_TO_GPA
from screen.physics.meshes import Mesh
from screen.physics.phonons import acoustic_at_gamma, harmonic_lattice
from screen.physics.relax import optimise, relax_ions
from screen.physics.strained_force_constants import fc2_forces, strained_force_constants
from screen.physics.symmetry import space_group

UNIAXIAL = range(75, 195)  # tetragonal, trigonal and hexagonal space groups
FIRST_CUBIC = 195  # space group
MIN_TEMPERATURES = 3  # phonopy derives by T over three points


def is_uniaxial(crystal: Crystal) -> bool:
    """Whether symmetry leaves a = b and c, with the lattice vectors along these axes."""
    a, b, c = crystal.lattice
    lengths_tied = abs(np.linalg.norm(a) / np.linalg.norm(b) - 1) < 1e-4
    upright = max(abs(a @ c), abs(b @ c)) < 1e-4 * (c @ c)
    return space_group(crystal) in UNIAXIAL and bool(lengths_tied and upright)


def relaxed_at_volumes(
    crystal: Crystal,
    force_field: ForceField,
    volume_strains: Sequence[float],
    settings: RelaxationSettings,
) -> list[tuple[Crystal, float]]:
    """Relax shape and ions at volumes V₀(1 + x), symmetry kept: cells and energies in eV.

    Raises
    ------
    ExpansionError
        A cell does not converge.
    """
    found = []
    for strain in volume_strains:
        cell = crystal.with_lattice(crystal.lattice * (1 + strain) ** (1 / 3))
        relaxed = optimise(cell, force_field, settings, fix_symmetry=True, constant_volume=True)
        _require_converged(relaxed.converged, f"at volume strain {strain:+.3f}", settings)
        found.append((relaxed.crystal, relaxed.energy))
    return found


def relaxed_at_shapes(
    crystal: Crystal,
    force_field: ForceField,
    shape_strains: Sequence[float],
    settings: RelaxationSettings,
) -> list[tuple[Crystal, float]]:
    """Stretch ln(c/a) of a uniaxial cell at its volume, ions relaxed: cells and energies in eV.

    Raises
    ------
    ExpansionError
        A cell does not converge.
    """
    found = []
    for strain in shape_strains:
        stretch = np.exp(np.array([-1, -1, 2]) * strain / 3)
        cell = crystal.with_lattice(crystal.lattice * stretch[:, None])
        relaxed = relax_ions(cell, force_field, settings)
        _require_converged(relaxed.converged, f"at shape strain {strain:+.3f}", settings)
        found.append((relaxed.crystal, relaxed.energy))
    return found


def measure_quasi_harmonic(
    harmonic: ForceConstants,
    force_field: ForceField,
    settings: QhaSettings,
    relaxation: RelaxationSettings,
    displacements: DisplacementSettings,
) -> StrainedForces:
    """Relax the cells of each volume, in a uniaxial crystal of each shape, and take forces for fc2.

    Raises
    ------
    ExpansionError
        A cell does not converge.
    """
    crystal = harmonic.unitcell
    cells = relaxed_at_volumes(crystal, force_field, settings.volume_strains, relaxation)
    if is_uniaxial(crystal):
        cells = [
            shaped
            for relaxed, _ in cells
            for shaped in relaxed_at_shapes(
                relaxed, force_field, settings.shape_strains, relaxation
            )
        ]
    per_cell = round(1 / np.linalg.det(harmonic.primitive_matrix))  # primitive cells
    gradients = np.linalg.inv(crystal.lattice) @ np.array([cell.lattice for cell, _ in cells])
    return StrainedForces(
        crystals=tuple(cell for cell, _ in cells),
        energies=np.array([energy for _, energy in cells]) / per_cell,
        strains=(gradients + gradients.swapaxes(1, 2)) / 2 - np.eye(3),
        forces=tuple(fc2_forces(cell, harmonic, force_field, displacements) for cell, _ in cells),
    )


def quasi_harmonic(
    harmonic: ForceConstants,
    measured: StrainedForces,
    mesh: Mesh,
    settings: QhaSettings,
    displacements: DisplacementSettings,
    stability: StabilitySettings,
) -> QuasiHarmonic:
    """V(T), α_V(T), B_T(T), C_P(T), in uniaxial and cubic crystals α along the axes.

    The mesh is made odd, so that it holds Γ, and is the same for every cell. The last temperature,
    and those from which on V(T) or a(T), c(T) leave the sampled cells, are left out.

    Raises
    ------
    ExpansionError
        A cell has imaginary modes, no equation of state fits, or no equilibrium lies within the
        sampled cells.
    """
    a, b, c = (n + 1 - n % 2 for n in mesh)
    odd = (a, b, c)
    strained = strained_force_constants(harmonic, measured, displacements)
    lattices = [harmonic_lattice(constants) for constants in strained]
    for crystal, phonopy in zip(measured.crystals, lattices, strict=True):
        _require_real_modes(phonopy, odd, crystal.volume / harmonic.unitcell.volume, stability)
    shapes = settings.shape_strains if is_uniaxial(harmonic.unitcell) else (0.0,)
    relaxed = slice(shapes.index(0.0), None, len(shapes))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # phonopy's, of extrapolation: it is checked here
        found = _over_volumes(
            lattices[relaxed], measured.energies[relaxed], odd, settings.temperatures
        )
        if len(shapes) > 1:
            return _with_axes(found, lattices, measured.energies, odd)
    if space_group(harmonic.unitcell) < FIRST_CUBIC:
        return found
    return replace(found, alpha_axes=np.repeat(found.alpha_volume[:, None] / 3, 3, axis=1))


def _over_volumes(
    lattices: Sequence[Any], energies: FloatArray, mesh: Mesh, temperatures: Sequence[float]
) -> QuasiHarmonic:
    """Isotropic approximation, cut where V(T) leaves the volumes."""
    from phonopy import run_qha

    try:
        result = run_qha(
            lattices,
            temperatures,
            internal_energies=energies,
            mesh=mesh,
            exclude_gamma_acoustic=True,
        )
    except RuntimeError as error:
        raise ExpansionError(f"no equation of state: {error}", kind="equation_of_state") from error
    volume = result.equilibrium_volumes
    inside = (volume >= result.volumes.min()) & (volume <= result.volumes.max())
    kept = _until_false(inside & (result.temperatures == temperatures[: len(volume)]))
    return QuasiHarmonic(
        temperatures=result.temperatures[:kept],
        volume=volume[:kept],
        alpha_volume=result.thermal_expansion[:kept],
        bulk_modulus=result.bulk_moduli[:kept] * EV_PER_A3_TO_GPA,
        heat_capacity=result.heat_capacity_P.heat_capacities[:kept],
        residual=_residual(result, energies)[:kept],
    )


def _residual(result: Any, energies: FloatArray) -> FloatArray:
    """Return what the equation of state leaves of F(V), rms over that of the phonon part, (nT,).

    Both without their mean over the volumes. A few per cent, or the free energy is not smooth.
    """
    from phonopy.qha.eos import get_eos

    fitted = np.array(
        [get_eos(result.eos_name)(result.volumes, row) for row in result.eos_parameters]
    )
    phonons = result.helmholtz_volume - energies
    left, scale = result.helmholtz_volume - fitted, phonons - phonons.mean(axis=1, keepdims=True)
    return np.asarray(left.std(axis=1) / scale.std(axis=1))


def _with_axes(
    found: QuasiHarmonic, lattices: Sequence[Any], energies: FloatArray, mesh: Mesh
) -> QuasiHarmonic:
    """Anisotropic approximation at the temperatures of ``found``, cut where a or c leave the cells."""
    from phonopy import run_anisotropic_qha

    beyond = 2 * found.temperatures[-1] - found.temperatures[-2]  # for the last derivative
    result = run_anisotropic_qha(
        lattices,
        [*found.temperatures, beyond],
        internal_energies=energies,
        mesh=mesh,
        is_gamma_center=True,
    )
    kept = _until_false(~result.minimum_extrapolated)
    cut = {item.name: getattr(found, item.name) for item in fields(found)}
    cut["alpha_axes"] = result.axial_thermal_expansions
    return QuasiHarmonic(**{name: values[:kept] for name, values in cut.items()})


def _until_false(usable: NDArray[np.bool_]) -> int:
    """Return how many temperatures come before the first unusable one."""
    kept = len(usable) if usable.all() else int(np.argmin(usable))
    if kept < MIN_TEMPERATURES:
        raise ExpansionError(
            "the equilibrium of the free energy lies outside the sampled cells already at the "
            "lowest temperatures; widen qha.volume_strains",
            kind="equation_of_state",
        )
    return kept


def _require_real_modes(
    phonopy: Any, mesh: Mesh, relative_volume: float, settings: StabilitySettings
) -> None:
    """Refuse a cell whose free energy imaginary modes would leave undefined."""
    phonopy.run_mesh(mesh, is_gamma_center=True)
    frequencies = phonopy.mesh.frequencies
    lowest = float(frequencies[~acoustic_at_gamma(phonopy.mesh.qpoints, frequencies)].min())
    if lowest < -settings.tolerance:
        raise ExpansionError(
            f"the cell of {relative_volume:.3f} V₀ has imaginary modes down to {lowest:.3f} THz; "
            "narrow qha.volume_strains or qha.shape_strains",
            kind="imaginary_modes",
        )


def _require_converged(converged: bool, where: str, settings: RelaxationSettings) -> None:
    if not converged:
        raise ExpansionError(
            f"the cell {where} does not relax to fmax={settings.fmax} eV/Å in "
            f"{settings.max_steps} steps; raise relaxation.max_steps",
            kind="not_converged",
        )
