"""Accelerated kernels are used only where they give the forces of the plain ones."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
from ase.data import atomic_numbers

from screen.core.crystal import Crystal
from screen.core.errors import ModelUnavailableError
from screen.core.protocols import ForceField

TOLERANCES = {"float64": 1e-6, "float32": 1e-4}  # eV/Å
SPACING = 2.75  # Å between the atoms of the probe


def require_cuequivariance() -> None:
    """Refuse to go on without the package.

    Raises
    ------
    ModelUnavailableError
        cuequivariance is not installed here.
    """
    if find_spec("cuequivariance_torch") is None:
        raise ModelUnavailableError(
            "kernels = 'cuequivariance' needs the packages cuequivariance-torch and, for a GPU, "
            "cuequivariance-ops-torch-cu12 in the potential's environment; install them, or use "
            "kernels = 'plain'"
        )


def checked_kernels(plain: ForceField, fast: ForceField, dtype: str) -> ForceField:
    """Return ``fast`` if its forces on a perturbed crystal are those of ``plain``.

    Raises
    ------
    ModelUnavailableError
        They differ by more than ``TOLERANCES``.
    """
    crystal = _probe(plain.elements)
    expected, found = (each.evaluate([crystal]).forces[0] for each in (plain, fast))
    difference = float(np.abs(found - expected).max())
    if not difference <= TOLERANCES[dtype]:
        raise ModelUnavailableError(
            f"the accelerated kernels give forces that differ by {difference:.1e} eV/Å from the "
            f"plain ones in {dtype}, allowed are {TOLERANCES[dtype]:.0e}; use kernels = 'plain'"
        )
    return fast


def _probe(elements: frozenset[str]) -> Crystal:
    """Build a distorted simple cubic crystal of 8 atoms, from all over the potential's elements."""
    numbers = sorted(atomic_numbers[symbol] for symbol in elements)
    chosen = np.array(numbers)[np.linspace(0, len(numbers) - 1, 8).astype(int)]
    corners = np.array(list(np.ndindex(2, 2, 2))) / 2
    moves = np.random.default_rng(0).uniform(-0.03, 0.03, corners.shape)
    return Crystal(np.eye(3) * 2 * SPACING, chosen, corners + moves)
