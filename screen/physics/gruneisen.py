"""Mode Grüneisen tensors from third-order force constants, ions relaxed or clamped.

γ_qs,kl = −1/(2ω²) ⟨e| ∂D(q)/∂u_kl |e⟩ for a displacement gradient u_kl. Under it the atom M in
a cell at R moves by R plus the internal-strain response X of its sublattice, so that
∂Φ(ν, s)/∂u_kl = Σ_Mm Φ₃(ν, s, M)_ijm (δ_mk R_l + X_M,mkl); the notation is phono3py's
(Togo, Chaput, Tanaka, PRB 91, 094306, 2015; ``phono3py/phonon3/gruneisen.py``).

In polar crystals ω and e hold the non-analytical correction, ∂D/∂u does not, here as in phono3py:
what the strain does to V, Z* and ε∞ in that correction is left out. So γ of an LO mode tends to
γ_TO ω_TO²/ω_LO² at Γ; at the q-points of the supercell, where the correction vanishes, nothing
is missing. Few modes are near Γ: it matters to α at low temperature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from phonopy.structure.cells import get_primitive, get_supercell

from screen.core.crystal import FloatArray
from screen.core.errors import ExpansionError
from screen.core.pairs import DEGENERATE
from screen.core.records import HARMONIC, ForceConstants
from screen.physics.convert import to_phonopy

ACOUSTIC = 1e-3  # THz, below which a mode has no Grüneisen parameter


@dataclass(frozen=True, eq=False)
class StrainDerivative:
    """∂Φ₂/∂u of a supercell between the same atoms: shells do not split."""

    values: FloatArray  # (n_primitive, n_supercell, 3, 3, 3, 3) eV/Å²
    primitive: Any  # phonopy's primitive cell of that supercell
    span: FloatArray  # (9, 9), projects u, row by row, onto the strains that are known

    def beside(self, other: StrainDerivative) -> StrainDerivative:
        """Return the part for the strains that ``other`` does not know."""
        outside = np.eye(9) - other.span
        values = self.values.reshape(*self.values.shape[:4], 9) @ outside
        return replace(self, values=values.reshape(self.values.shape), span=self.span @ outside)


def mode_gruneisen(
    force_constants: ForceConstants, phonopy: Any, q: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Frequencies (nq, nb) THz and Grüneisen tensors (nq, nb, 3, 3) from fc3, ions relaxed.

    ``phonopy`` holds the harmonic part, see ``harmonic_lattice``; see ``projected``.

    Raises
    ------
    ExpansionError
        fc3 is missing or vanishes.
    """
    derivative = third_order_derivative(force_constants, internal_strain(phonopy))
    return projected([derivative], phonopy, q)


def third_order_derivative(
    force_constants: ForceConstants, response: FloatArray
) -> StrainDerivative:
    """∂Φ₂/∂u from fc3 and the ``response`` of the sublattices, (n_primitive, 3, 3, 3) Å.

    The response is ``internal_strain`` for relaxed ions, zero for clamped ones.

    Raises
    ------
    ExpansionError
        fc3 is missing or vanishes.
    """
    if force_constants.fc3 is None:
        raise ExpansionError("fc3 is missing: Grüneisen parameters need third-order constants")
    if np.abs(force_constants.fc3).max() < HARMONIC:
        raise ExpansionError(
            "the crystal is harmonic (all third-order force constants vanish) and does not expand; "
            "a too small fc3 supercell also looks so, raise fc3_minimum_image",
            kind="harmonic",
        )
    primitive = _fc3_primitive(force_constants)
    values = _strain_derivative(force_constants.fc3, primitive, response)
    return StrainDerivative(values, primitive, np.eye(9))


def projected(
    derivatives: Sequence[StrainDerivative], phonopy: Any, q: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Frequencies (nq, nb) THz and Grüneisen tensors (nq, nb, 3, 3) at q-points (nq, 3).

    ``derivatives`` add up. First-order perturbation theory with the phonons of ``phonopy``. Modes
    of a degenerate set are those that a change of volume does not mix: tr γ is theirs, of other
    components only the trace over the set has a meaning. Modes below ``ACOUSTIC``, such as the
    acoustic ones at Γ, get γ = 0.
    """
    phonopy.run_qpoints(q, with_eigenvectors=True)
    frequencies = np.array(phonopy.qpoints.frequencies)
    factor = phonopy.unit_conversion_factor
    gamma = np.zeros((*frequencies.shape, 3, 3))
    for index, (point, modes) in enumerate(zip(q, phonopy.qpoints.eigenvectors, strict=True)):
        matrix = np.sum(
            [_dynamical_matrix(part.values, part.primitive, point) for part in derivatives], axis=0
        )
        chosen = _unmixed(np.array(modes), frequencies[index], np.trace(matrix, axis1=2, axis2=3))
        shifts = np.einsum("as,abkl,bs->skl", chosen.conj(), matrix, chosen, optimize=True)
        positive = np.abs(frequencies[index]) > ACOUSTIC
        squared = np.sign(frequencies[index]) * (frequencies[index] / factor) ** 2
        gamma[index, positive] = -shifts.real[positive] / (2 * squared[positive, None, None])
    return frequencies, gamma


def _unmixed(
    modes: NDArray[np.complex128], frequencies: FloatArray, perturbation: NDArray[np.complex128]
) -> NDArray[np.complex128]:
    """Turn the modes (columns) of each degenerate set so that the perturbation is diagonal."""
    borders = np.flatnonzero(np.diff(frequencies) > DEGENERATE) + 1
    for start, end in pairwise((0, *borders, len(frequencies))):
        if end - start > 1:
            members = modes[:, start:end]
            inside = members.conj().T @ perturbation @ members
            modes[:, start:end] = members @ np.linalg.eigh(inside)[1]
    return modes


def internal_strain(phonopy: Any) -> FloatArray:
    """Displacement of each sublattice per displacement gradient, (n_primitive, 3, 3, 3) Å.

    X_μ,ijk = −Σ_νl G_μν,il Σ_s Φ₂(ν, s)_lj R_s,k with G the inverse of the force constants at
    q = 0 without the three uniform translations, which leaves the centre of mass at rest; a net
    force, left over where fc2 breaks rotational invariance, is shared in proportion to mass.
    """
    primitive = phonopy.primitive
    n_atoms = len(primitive)
    fc2 = compact(phonopy.force_constants, primitive)
    vectors = mean_vectors(primitive)  # (n_primitive, n_supercell, 3)
    force = np.einsum("nslj,nsk->nljk", fc2, vectors)
    sublattice = np.asarray(primitive.s2p_map)
    at_gamma = np.zeros((n_atoms, 3, n_atoms, 3))
    for column, atom in enumerate(primitive.p2s_map):
        at_gamma[:, :, column] = fc2[:, sublattice == atom].sum(axis=1)
    roots = np.repeat(np.sqrt(primitive.masses), 3)
    matrix = at_gamma.reshape(3 * n_atoms, 3 * n_atoms) / np.outer(roots, roots)
    values, modes = np.linalg.eigh((matrix + matrix.T) / 2)
    optical = np.argsort(np.abs(values))[3:]
    inverse = (modes[:, optical] / values[optical]) @ modes[:, optical].T / np.outer(roots, roots)
    response: FloatArray = -(inverse @ force.reshape(3 * n_atoms, 9))
    return response.reshape(n_atoms, 3, 3, 3)


def compact(fc2: FloatArray, primitive: Any) -> FloatArray:
    """fc2 with one row per primitive atom, (n_primitive, n_supercell, 3, 3)."""
    return fc2 if len(fc2) == len(primitive) else fc2[np.asarray(primitive.p2s_map)]


def mean_vectors(primitive: Any) -> FloatArray:
    """Mean of the shortest vectors from primitive to supercell atoms, (n_p, n_s, 3) Å."""
    shortest, multiplicity = primitive.get_smallest_vectors()
    counts, starts = multiplicity[..., 0], multiplicity[..., 1]  # (n_supercell, n_primitive)
    mean = np.zeros((*counts.T.shape, 3))
    for s, p in np.ndindex(counts.shape):
        mean[p, s] = shortest[starts[s, p] : starts[s, p] + counts[s, p]].mean(axis=0)
    return np.asarray(mean @ primitive.cell)


def _fc3_primitive(force_constants: ForceConstants) -> Any:
    """Return phonopy's primitive cell of the fc3 supercell, with its maps and shortest vectors."""
    supercell = get_supercell(
        to_phonopy(force_constants.unitcell), np.array(force_constants.fc3_supercell)
    )
    to_primitive = np.linalg.inv(force_constants.fc3_supercell) @ force_constants.primitive_matrix
    return get_primitive(supercell, to_primitive)


def _strain_derivative(fc3: FloatArray, primitive: Any, response: FloatArray) -> FloatArray:
    """∂Φ₂/∂u, (n_primitive, n_supercell, 3, 3, 3, 3) eV/Å²; ``fc3`` is compact."""
    vectors = mean_vectors(primitive)
    sublattice = [primitive.p2p_map[s] for s in primitive.s2p_map]
    motion = np.broadcast_to(response[sublattice], (len(primitive), *response[sublattice].shape))
    motion = motion + np.einsum("mk,nMl->nMmkl", np.eye(3), vectors)
    derivative: FloatArray = np.einsum("nsMijm,nMmkl->nsijkl", fc3, motion, optimize=True)
    return derivative


def _dynamical_matrix(
    strained: FloatArray, primitive: Any, q: FloatArray
) -> NDArray[np.complex128]:
    """∂D(q)/∂u, (3 n_primitive, 3 n_primitive, 3, 3) eV/Å²/amu."""
    shortest, multiplicity = primitive.get_smallest_vectors()
    waves = np.exp(2j * np.pi * shortest @ q)
    sums = np.add.reduceat(waves, multiplicity[..., 1].ravel())
    phases = sums.reshape(multiplicity.shape[:2]) / multiplicity[..., 0]  # (n_s, n_p)
    n_atoms = len(primitive)
    matrix = np.zeros((n_atoms, 3, n_atoms, 3, 3, 3), dtype=np.complex128)
    sublattice = np.asarray(primitive.s2p_map)
    for column, atom in enumerate(primitive.p2s_map):
        chosen = sublattice == atom
        matrix[:, :, column] = np.einsum("sn,nsijkl->nijkl", phases[chosen], strained[:, chosen])
    masses = np.sqrt(primitive.masses)
    matrix /= masses[:, None, None, None, None, None] * masses[None, None, :, None, None, None]
    return matrix.reshape(3 * n_atoms, 3 * n_atoms, 3, 3)
