"""Scattering rates that another code computed, through the Wigner equation.

Linewidths are what a conductivity costs. Whoever has them for the Boltzmann equation needs fc2 alone
to learn what the coherences add.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from screen.core.crystal import FloatArray, IntArray
from screen.core.errors import TransportError
from screen.core.records import Conductivity, ForceConstants, PhononRates, Record
from screen.core.registry import find
from screen.core.settings import ConductivitySettings

SOLVER = "wigner"
SAME_PHONONS = 0.01  # THz; versions of phono3py agree within 2e-6, other Born charges move tenths


@dataclass(frozen=True, eq=False)
class StoredRates(Record):
    """Three-phonon γ at the irreducible points of a mesh, and the phonons that they belong to."""

    temperatures: FloatArray  # (nT,) K
    mesh: IntArray  # (3,)
    weights: IntArray  # (nq,) multiplicities
    frequencies: FloatArray  # (nq, nb) THz
    gamma: FloatArray  # (nT, nq, nb) THz, half width: lifetime = 1 / (4π gamma)


def stored_rates_conductivity(
    force_constants: ForceConstants,
    rates: StoredRates,
    settings: ConductivitySettings | None = None,
) -> Conductivity:
    """Wigner conductivity from stored γ and our own phonons and velocity operator.

    Parameters
    ----------
    force_constants
        fc2 and, where they had it, NAC; fc3 is not needed.
    settings
        Isotopes and boundaries that are added to γ; by default natural ones and 1 m. Its mesh and
        solver are not asked for.

    Raises
    ------
    TransportError
        The rates belong to another mesh or to other phonons (``kind="foreign_rates"``).
    """
    a, b, c = (int(n) for n in rates.mesh)
    everywhere = PhononRates(np.arange(rates.gamma.shape[1]), rates.gamma)
    found: Conductivity = find("solvers", SOLVER).solve(
        force_constants,
        (a, b, c),
        rates.temperatures.tolist(),
        settings or ConductivitySettings(),
        (everywhere,),
    )
    _require_same_phonons(found, rates)
    return replace(found, solver=f"{SOLVER}, stored rates")


def _require_same_phonons(found: Conductivity, rates: StoredRates) -> None:
    """Refuse rates that belong to other modes than those of the force constants."""
    if not np.array_equal(found.weights, rates.weights):
        raise TransportError(
            f"the {len(rates.weights)} q-points of the stored rates have other multiplicities than "
            f"those of this crystal; give the cell that the rates were computed with",
            kind="foreign_rates",
        )
    difference = float(np.abs(found.frequencies - rates.frequencies).max())
    if difference > SAME_PHONONS:
        raise TransportError(
            f"frequencies stored with the rates differ by up to {difference:.3g} THz from those of "
            f"these force constants; give fc2 and Born charges that the rates were computed with",
            kind="foreign_rates",
        )
