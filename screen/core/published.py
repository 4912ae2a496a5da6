"""Published accuracy of potentials, compound by compound (Póta et al., arXiv 2408.00755, k_SRME)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from screen.core.catalog_rows import CatalogRow, read_catalog

CATALOG = "published_ksrme.csv"
COLUMNS = (
    *("model", "compound", "mp_id", "nac"),
    *("srme", "sre", "kappa_300", "kappa_reference_300"),
)
SOURCE = "Póta et al., arXiv 2408.00755, k_SRME's `models/*/metrics.txt`"
COMPOUNDS = 103
"""What a published mean is over; a compound that is not listed (MACE-M) counts as SRME = 2."""
POTENTIALS: Mapping[str, str] = {
    "CHGNet": "chgnet-0.3.0",
    "M3GNet": "m3gnet-mp-2021.2.8",
    "MACE-L": "mace-mp-0-large",
    "MACE-M": "mace-mp-0-medium",
    "MACE-MPA-0": "mace-mpa-0",
    "SevenNet": "sevennet-0",
}
"""Name of a potential in the source to the name of our card of the same weights."""
_PROTOTYPES = {"rs": "rocksalt", "zb": "zincblende", "wz": "wurtzite"}
_NAC = {"true": True, "false": False}


@dataclass(frozen=True)
class PublishedScore:
    """One potential on one compound at 300 K, as published."""

    model: str  # name in the source
    compound: str  # formula and prototype, e.g. LiBr-rs
    srme: float
    sre: float
    kappa_300: float | None  # W/m/K; None: imaginary modes, another space group or failure
    kappa_reference_300: float  # W/m/K, of DFT
    nac: bool  # whether the reference has the non-analytical term correction

    @property
    def potential(self) -> str | None:
        """Name of our card of the same weights; None if we have none."""
        return POTENTIALS.get(self.model)

    @property
    def prototype(self) -> str:
        """Structure type of the compound, e.g. ``rocksalt``."""
        return _PROTOTYPES[self.compound.rpartition("-")[2]]


@cache
def published() -> tuple[PublishedScore, ...]:
    """Return all published scores, in the order of the catalog.

    Raises
    ------
    CatalogError
        The catalog is missing or broken.
    """
    return tuple(_score(row) for row in read_catalog(CATALOG, COLUMNS))


def published_of(model: str) -> tuple[PublishedScore, ...]:
    """Scores of one potential, by its name in the source or by ours; none if it is unknown."""
    return tuple(item for item in published() if model in {item.model, item.potential})


def _score(row: CatalogRow) -> PublishedScore:
    """Return the score of one line."""
    if row.text("nac") not in _NAC:
        raise row.error(f"nac = {row.text('nac')!r} is neither true nor false")
    item = PublishedScore(
        model=row.text("model"),
        compound=row.text("compound"),
        srme=row.number("srme"),
        sre=row.number("sre"),
        kappa_300=row.optional("kappa_300"),
        kappa_reference_300=row.number("kappa_reference_300"),
        nac=_NAC[row.text("nac")],
    )
    if item.compound.rpartition("-")[2] not in _PROTOTYPES:
        raise row.error(f"compound {item.compound!r} does not end in -rs, -zb or -wz")
    if not (0 <= item.sre <= 2 and 0 <= item.srme <= 2):
        raise row.error(f"srme = {item.srme:g} and sre = {item.sre:g} are not from 0 to 2")
    if item.kappa_reference_300 <= 0 or (item.kappa_300 is not None and item.kappa_300 <= 0):
        raise row.error("a conductivity is not positive")
    return item
