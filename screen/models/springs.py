"""Springs: smooth pair potentials with exactly known force constants, for tests and examples.

No chemistry is claimed. Rocksalt, zincblende and wurtzite of the ions below and face-centred
cubic noble gases and metals are (mostly) stable with frequencies of 1 to 15 THz; simple cubic
copper is not. The radial function is in ``_pair_potential``, its force constants in
``_pair_tensors``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from ase.data import atomic_numbers
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from screen.core.crystal import N_ELEMENTS, Crystal
from screen.core.digest import digest_of_json
from screen.core.errors import ModelUnavailableError
from screen.core.protocols import ModelCard, ModelIdentity, check_elements
from screen.core.records import Evaluation
from screen.core.settings import ModelSettings
from screen.models._batches import Result, gathered
from screen.models._pair_potential import PairPotential, evaluate_pairs
from screen.models._weights import card_named, existing

PACKAGE = None
DEFAULT = "springs"
VERSION = "2"  # of the formula: raise it when the same parameters give other numbers

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]

LIKE_DISTANCE = 1.5  # ions of like charge repel with s = 1.5 (r_i + r_j) ...
LIKE_DECAY = 1.0  # 1/Å ...
LIKE_CUTOFF = 7.0  # Å: second neighbours of rocksalt and zincblende up to CsI
UNLIKE_CUTOFF = 1.62  # of r_i + r_j: below the third neighbours of rocksalt, √3
NEUTRAL_CUTOFF = 2.0  # of r_i + r_j: beyond the fourth shell of fcc


class Species(BaseModel):
    """One element: an ion (charge) or a neutral atom."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    radius: Positive  # Å, half the ideal distance of two such atoms
    charge: int = 0
    depth: Positive = 0.8  # eV, of the bond; for ions times the square root of both charges
    decay: Positive = 1.1  # 1/Å


class Parameters(BaseModel):
    """Everything that decides the potential; also the format of a JSON file of weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    species: dict[str, Species] = Field(min_length=1)
    bond_strength: Positive = 1.0  # scales all energies
    like_repulsion: Positive = 0.03  # eV, times the square root of both charges

    @field_validator("species")
    @classmethod
    def _known_symbols(cls, species: dict[str, Species]) -> dict[str, Species]:
        unknown = sorted(symbol for symbol in species if atomic_numbers.get(symbol, 0) < 1)
        if unknown:
            raise ValueError(f"no such elements: {', '.join(unknown)}")
        return species


def _ions(charge: int, **radii: float) -> dict[str, Species]:
    return {symbol: Species(radius=radius, charge=charge) for symbol, radius in radii.items()}


# Shannon (1976) radii for coordination 6 (III: 4), rounded
_IONS = {
    **_ions(1, Li=0.76, Na=1.02, K=1.38, Rb=1.52, Cs=1.67),
    **_ions(2, Be=0.27, Mg=0.72, Ca=1.00, Sr=1.18, Ba=1.35, Zn=0.60, Cd=0.78),
    **_ions(3, Al=0.39, Ga=0.47, In=0.62),
    **_ions(-1, F=1.33, Cl=1.81, Br=1.96, I=2.20),
    **_ions(-2, O=1.40, S=1.84, Se=1.98, Te=2.21),
    **_ions(-3, N=1.46, P=2.00, As=2.10, Sb=2.30),
}
# Metals: Girifalco and Weizer (1959); noble gases: Lennard-Jones wells (Kittel, ch. 3)
_NEUTRAL = {
    "Ne": Species(radius=1.54, depth=0.0031, decay=1.95),
    "Ar": Species(radius=1.91, depth=0.0104, decay=1.57),
    "Kr": Species(radius=2.05, depth=0.0140, decay=1.46),
    "Xe": Species(radius=2.23, depth=0.0200, decay=1.34),
    "Cu": Species(radius=1.433, depth=0.3429, decay=1.359),
    "Ag": Species(radius=1.558, depth=0.3323, decay=1.369),
    "Pb": Species(radius=1.867, depth=0.2348, decay=1.184),
    "Ni": Species(radius=1.390, depth=0.4205, decay=1.420),
}
_TABLE = {
    "springs": Parameters(species={**_IONS, **_NEUTRAL}),
    "springs-soft": Parameters(species={**_IONS, **_NEUTRAL}, bond_strength=0.7),
}
_SHARED: dict[str, Any] = {
    "family": "springs",
    "training_set": "none",
    "functional": "none",
    "licence": "BSD-3-Clause",
    "citation": "Girifalco and Weizer, Phys. Rev. 114, 687 (1959)",
    "cutoff": LIKE_CUTOFF,
    "elements": frozenset(_TABLE["springs"].species),
}
CARDS = (
    ModelCard(
        name="springs",
        description="Pair potentials with exactly known force constants, for tests and examples",
        bundled=True,
        **_SHARED,
    ),
    ModelCard(
        name="springs-soft",
        description="The same potentials times 0.7: frequencies 0.84 times those of springs",
        bundled=True,
        **_SHARED,
    ),
)


def identify(settings: ModelSettings) -> ModelIdentity:
    """Resolve the parameters; see ``core.protocols.ModelModule``.

    Raises
    ------
    ModelUnavailableError
        The name is unknown, or the JSON file is missing or wrong.
    """
    name, parameters = _resolve(settings)
    return ModelIdentity(
        family="springs",
        name=name,
        weights_digest=digest_of_json(parameters.model_dump(mode="json")),
        dtype=settings.dtype,
        package="springs",
        package_version=VERSION,
    )


def load(settings: ModelSettings) -> Springs:
    """Build the potential; see ``core.protocols.ModelModule``.

    Raises
    ------
    ModelUnavailableError
        The name is unknown, or the JSON file is missing or wrong.
    """
    name, parameters = _resolve(settings)
    elements = frozenset(parameters.species)
    return Springs(name, build_potential(parameters), elements, settings.dtype)


@dataclass(frozen=True, eq=False)
class Springs:
    """A pair potential: a ``core.protocols.ForceField``."""

    name: str
    potential: PairPotential
    elements: frozenset[str]
    dtype: str = "float64"  # float32: results are rounded to it

    def evaluate(self, crystals: Sequence[Crystal]) -> Evaluation:
        """Energies, forces and stresses; see ``core.protocols.ForceField``.

        Raises
        ------
        UnsupportedElementError
            A crystal holds an element without parameters.
        EvaluationError
            A result is not finite.
        """
        for crystal in crystals:
            check_elements(self.elements, crystal, self.name)
        results = (self._rounded(crystal) for crystal in crystals)
        return gathered(self.name, crystals, results)

    def _rounded(self, crystal: Crystal) -> Result:
        """Evaluate one crystal in float64 and round to the potential's precision."""
        energy, forces, stress = evaluate_pairs(self.potential, crystal)
        return energy.astype(self.dtype), forces.astype(self.dtype), stress.astype(self.dtype)


def build_potential(parameters: Parameters) -> PairPotential:
    """Turn the parameters of elements into tables for all pairs of elements."""
    tables = np.zeros((6, N_ELEMENTS + 1, N_ELEMENTS + 1))
    for (symbol, one), (other, two) in product(parameters.species.items(), repeat=2):
        tables[:, atomic_numbers[symbol], atomic_numbers[other]] = _pair(parameters, one, two)
    return PairPotential(*tables)


def _pair(
    parameters: Parameters, one: Species, two: Species
) -> tuple[float, float, float, float, float, float]:
    """P, p, Q, q, s and cutoff of one pair of elements, as in ``PairPotential``."""
    charges = one.charge * two.charge
    distance = one.radius + two.radius
    if charges > 0:
        repulsion = parameters.bond_strength * parameters.like_repulsion * np.sqrt(charges)
        return repulsion, LIKE_DECAY, 0.0, 0.0, LIKE_DISTANCE * distance, LIKE_CUTOFF
    depth = parameters.bond_strength * np.sqrt(one.depth * two.depth * max(-charges, 1))
    decay = (one.decay + two.decay) / 2
    cutoff = distance * (NEUTRAL_CUTOFF if one.charge == two.charge == 0 else UNLIKE_CUTOFF)
    return depth, 2 * decay, 2 * depth, decay, distance, cutoff


def _resolve(settings: ModelSettings) -> tuple[str, Parameters]:
    """Name and parameters that the settings ask for."""
    if settings.weights is not None:
        path = existing(settings.weights)
        return settings.name or path.stem, _read_parameters(path)
    name = settings.name or DEFAULT
    card_named(CARDS, name)
    return name, _TABLE[name]


def _read_parameters(path: Path) -> Parameters:
    """Read a JSON file in the format of ``Parameters``."""
    try:
        return Parameters.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ModelUnavailableError(f"{path} is no JSON file of springs: {error}") from error
