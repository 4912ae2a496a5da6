"""What else than κ decides about a material: the second axis of the plot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from screen.core.columns import Column
from screen.store.macros import EXPANSION, SHARE
from screen.store.ranked import BULK_MODULUS
from screen.store.relations import columns_of, of
from screen.store.schema import MATERIALS
from screen.store.scores import REFERENCE

Side = Literal["low", "high"]


@dataclass(frozen=True)
class Criterion:
    """A quantity that κ is plotted against."""

    name: str  # in the chooser and in the address
    column: Column  # of the ranking
    prefer: Side  # which values the Pareto front likes, unless the user says otherwise
    spread: str | None = None  # column of half the range over several potentials
    fact: str = ""  # what the run has to hold, see ``rankings.facts``


GAP, HULL = columns_of(of(MATERIALS, ["band_gap", "energy_above_hull"]))
MEAN_MASS = Column("mean_mass", "DOUBLE", "mean mass", "Mean atomic mass, natural isotopes", "u")
DENSITY = Column("density", "DOUBLE", "ρ", "Mass density of the relaxed cell", "g/cm³")

CRITERIA: Mapping[str, Criterion] = {
    item.name: item
    for item in (
        Criterion("thermal expansion", EXPANSION, "low", "expansion_spread", "expansion"),
        Criterion("band gap", GAP, "high", fact="band_gap"),
        Criterion("bulk modulus", BULK_MODULUS, "high", fact="bulk_modulus"),
        Criterion("density", DENSITY, "low", fact="volume_per_atom"),
        Criterion("mean atomic mass", MEAN_MASS, "low"),
        Criterion("energy above hull", HULL, "low", fact="energy_above_hull"),
        Criterion("share of coherences", SHARE, "low"),
        Criterion("DFT reference", REFERENCE, "low", fact="reference"),
    )
}


def criteria_of(facts: frozenset[str]) -> dict[str, Criterion]:
    """Return the criteria of which the run holds values."""
    return {name: item for name, item in CRITERIA.items() if not item.fact or item.fact in facts}
