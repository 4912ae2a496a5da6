"""Elastic tensor with relaxed ions, from the stresses of strained cells.

Strains ±δ along each Voigt component, as few as the point group leaves distinct; every stress is
copied by the rotations of the crystal, so that the least-squares fit has its symmetry.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from screen.core.crystal import Crystal, FloatArray
from screen.core.errors import ExpansionError
from screen.core.protocols import ForceField
from screen.core.records import ElasticCells
from screen.core.settings import RelaxationSettings
from screen.core.units import EV_PER_A3_TO_GPA
from screen.core.voigt import VOIGT, to_voigt
from screen.physics.relax import relax_ions
from screen.physics.symmetry import point_group

SAME = 1e-4  # of the strain; below it two strains are equal
FMAX = 1e-4  # eV/Å; at 1e-3 the stiffness of wurtzites with soft ions is off by 2 %
SINGULAR = 1e-6  # of the highest eigenvalue; a lower one is rounding of 0
ENGINEERING = np.array([1.0, 1.0, 1.0, 2.0, 2.0, 2.0])


@dataclass(frozen=True, eq=False)
class Elasticity:
    """Second-order elastic constants, isothermal at 0 K without zero-point motion."""

    stiffness: FloatArray  # (6, 6) GPa, Voigt order xx yy zz yz xz xy, engineering shear
    residual: (
        float  # rms of what the linear fit leaves of the stresses (curvature, noise), relative
    )

    @property
    def compliance(self) -> FloatArray:
        """(6, 6) 1/GPa."""
        return np.asarray(np.linalg.inv(self.stiffness))

    @property
    def lowest_eigenvalue(self) -> float:
        """GPa; positive where all Born stability criteria hold (Mouhat, Coudert, PRB 90, 224104)."""
        return float(np.linalg.eigvalsh(self.stiffness)[0])

    @property
    def stable(self) -> bool:
        """Whether all Born stability criteria hold by more than rounding."""
        return self.lowest_eigenvalue > SINGULAR * float(np.abs(self.stiffness).max())

    @property
    def bulk_voigt(self) -> float:
        """Bulk modulus at uniform strain, upper bound, GPa."""
        return float(self.stiffness[:3, :3].mean())

    @property
    def bulk_reuss(self) -> float:
        """Bulk modulus at uniform stress, lower bound, GPa: −V dP/dV of the single crystal."""
        return float(1 / self.compliance[:3, :3].sum())

    @property
    def bulk_hill(self) -> float:
        """Mean of Voigt's and Reuss's bulk modulus, GPa."""
        return (self.bulk_voigt + self.bulk_reuss) / 2


def distinct_strains(crystal: Crystal, magnitude: float) -> FloatArray:
    """Strains ±``magnitude`` along the Voigt components that no rotation connects, (n, 3, 3)."""
    rotations = point_group(crystal)
    chosen: list[FloatArray] = []
    for a, b in VOIGT:
        for sign in (1.0, -1.0):
            strain = np.zeros((3, 3))
            strain[a, b] = strain[b, a] = sign * magnitude * (1.0 if a == b else 0.5)
            copies = rotations @ strain @ rotations.transpose(0, 2, 1)
            known = any(
                np.abs(copies - other).max(axis=(1, 2)).min() < SAME * magnitude for other in chosen
            )
            if not known:
                chosen.append(strain)
    return np.array(chosen)


def strained_cells(
    crystal: Crystal, force_field: ForceField, magnitude: float, settings: RelaxationSettings
) -> ElasticCells:
    """Relax the ions of ``crystal`` under each of ``distinct_strains``, to ``FMAX`` or finer.

    Raises
    ------
    ExpansionError
        A strained cell does not converge.
    """
    fine = settings.model_copy(update={"fmax": min(settings.fmax, FMAX)})
    strains = distinct_strains(crystal, magnitude)
    stresses = []
    for strain in strains:
        cell = crystal.with_lattice(crystal.lattice @ (np.eye(3) + strain))
        relaxed = relax_ions(cell, force_field, fine)
        if not relaxed.converged:
            raise ExpansionError(
                f"the ions under the strain {_named(strain)} do not relax to fmax={fine.fmax} "
                f"eV/Å in {settings.max_steps} steps; raise relaxation.max_steps",
                kind="not_converged",
            )
        stresses.append(relaxed.stress)
    return ElasticCells(strains, np.array(stresses))


def fit_elasticity(cells: ElasticCells, crystal: Crystal) -> Elasticity:
    """Least-squares stiffness of stresses that are linear in the strain.

    Raises
    ------
    ExpansionError
        The stiffness is not positive definite, or singular: the crystal is mechanically unstable.
    """
    rotations = point_group(crystal)
    strains = to_voigt(_copies(rotations, cells.strains)) * ENGINEERING
    stresses = to_voigt(_copies(rotations, cells.stresses)) * EV_PER_A3_TO_GPA
    opposite = np.linalg.norm(strains[:, None] + strains[None], axis=2).argmin(axis=1)
    stresses = stresses - (stresses + stresses[opposite]).mean(axis=0) / 2  # the stress at rest
    odd = (stresses - stresses[opposite]) / 2  # without curvature
    slopes = np.linalg.lstsq(strains, odd, rcond=None)[0]
    stiffness = (slopes + slopes.T) / 2
    left = strains @ stiffness - stresses
    size = float(np.linalg.norm(stresses))
    residual = float(np.linalg.norm(left)) / size if size > 0 else 0.0
    elasticity = Elasticity(stiffness, residual)
    if not elasticity.stable:
        raise ExpansionError(
            f"the lowest eigenvalue of the elastic tensor is {elasticity.lowest_eigenvalue:.3g} "
            "GPa: the crystal is mechanically unstable (Born criteria)",
            kind="mechanically_unstable",
        )
    return elasticity


def _copies(rotations: FloatArray, tensors: FloatArray) -> FloatArray:
    """Rotate (n, 3, 3) by each of (m, 3, 3): (n · m, 3, 3)."""
    turned = np.einsum("rax,rby,nxy->nrab", rotations, rotations, tensors)
    return np.asarray(turned.reshape(-1, 3, 3))


def _named(strain: FloatArray) -> str:
    """Name the one component of a strain."""
    for name, (a, b) in zip(("xx", "yy", "zz", "yz", "xz", "xy"), VOIGT, strict=True):
        if strain[a, b]:
            return f"{name} = {strain[a, b]:+.4f}"
    return "0"
