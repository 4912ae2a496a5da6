"""The velocity operator ⟨e|∂√D|e'⟩ = ⟨e|∂D|e'⟩/(ω + ω').

Simoncelli, Marzari, Mauri, PRX 12, 041011 (2022), eq. 45, in the gauge where phases carry the
atoms' positions. The SMM19 variant (Nat. Phys. 15, 809, 2019; phono3py ≥ 4) divides by 2√(ωω').
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from screen.core.crystal import FloatArray, IntArray
from screen.core.pairs import CUTOFF
from screen.wigner.grid import Grid
from screen.wigner.phonons import ComplexArray, GridPhonons

Operator = Literal["wigner", "smm19"]

LITTLE_GROUP = 1e-5  # tolerance on fractional q


def velocity_operator(
    dynamical_matrix: Any,
    grid: Grid,
    phonons: GridPhonons,
    factor: float,
    operator: Operator = "wigner",
    as_phono3py: bool = False,
) -> ComplexArray:
    """Velocity operator at the irreducible points: (nq, 3, nb, nb) THz·Å, Hermitian.

    ``factor`` turns √(eV/amu)/Å into THz. ∂D is analytic, including the dipole-dipole part.
    ``as_phono3py`` replaces the diagonal as phono3py 4.10 does, see ``project_diagonal``.
    """
    points = grid.irreducible
    derivatives = _derivatives(dynamical_matrix, grid.q[points])
    e = phonons.eigenvectors[points]
    if as_phono3py:
        e = _resolved(e, phonons.sets[points], derivatives)
    matrix = e.conj().swapaxes(1, 2)[:, None] @ derivatives @ e[:, None] * factor**2
    f = phonons.frequencies[points]
    active = f > CUTOFF
    safe = np.where(active, f, 1.0)
    one, other = safe[:, :, None], safe[:, None, :]
    total = one + other if operator == "wigner" else 2 * np.sqrt(one * other)
    both = active[:, :, None] & active[:, None, :]
    velocities: ComplexArray = matrix * np.where(both, 1 / total, 0.0)[:, None]
    return project_diagonal(velocities, grid) if as_phono3py else velocities


def speeds(velocities: ComplexArray, sets: IntArray) -> FloatArray:
    """|v| of each band, (nq, nb) THz·Å: in a degenerate set the root of the mean of v·v†."""
    same = sets[:, :, None] == sets[:, None, :]
    square = (np.abs(velocities) ** 2).sum(axis=1) * same
    count = same.sum(axis=2)
    per_band = (square.sum(axis=2)[:, None, :] * same).sum(axis=2) / count
    return np.asarray(np.sqrt(per_band))


def project_diagonal(velocities: ComplexArray, grid: Grid) -> ComplexArray:
    """Replace the diagonal by its little-group average, as phono3py 4.10 does.

    ``phono3py.phonon.velocity_matrix`` means to symmetrise group velocities, but writes into a
    view of the operator: in degenerate sets the diagonal then no longer belongs to the rest (κ of
    Si 19×19×19 changes by 0.2 %). Only for comparison.
    """
    projected = velocities.copy()
    bands = np.arange(velocities.shape[-1])
    for x, q in enumerate(grid.q[grid.irreducible]):
        inside = q - np.rint(q)
        moved = np.abs(inside - grid.operations @ inside).max(axis=1)
        average = grid.rotations[moved < LITTLE_GROUP].mean(axis=0)
        projected[x][:, bands, bands] = average @ velocities[x][:, bands, bands].real
    return projected


def _derivatives(dynamical_matrix: Any, q: FloatArray) -> ComplexArray:
    """∂D/∂q of q (nq, 3), Cartesian without 2π: (nq, 3, nb, nb) Hermitian."""
    from phonopy.harmonic.derivative_dynmat import DerivativeOfDynamicalMatrix

    derivative = DerivativeOfDynamicalMatrix(dynamical_matrix, lang=dynamical_matrix.lang)
    found = []
    for point in q:
        derivative.run(point)
        found.append(np.array(derivative.d_dynamical_matrix))
    matrices = np.array(found)
    return np.asarray((matrices + matrices.conj().swapaxes(2, 3)) / 2)


def _resolved(e: ComplexArray, sets: IntArray, derivatives: ComplexArray) -> ComplexArray:
    """Rotate degenerate eigenvectors so that ∂D along (1, 2, 3) is diagonal among them."""
    direction = np.array([1.0, 2.0, 3.0]) / np.sqrt(14)
    along = np.einsum("a,qaij->qij", direction, derivatives)
    resolved = e.copy()
    for x in range(len(e)):
        for start in np.flatnonzero(np.bincount(sets[x]) > 1):
            members = np.flatnonzero(sets[x] == start)
            basis = e[x][:, members]
            resolved[x][:, members] = basis @ np.linalg.eigh(basis.conj().T @ along[x] @ basis)[1]
    return resolved
