"""Published scores as tables of compounds, to be summed up like those of a run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from screen.benchmark.summary import WORST_SRD, WORST_SRME
from screen.core.columns import Column
from screen.core.published import PublishedScore, published
from screen.physics.metrics import relative_difference
from screen.store.frames import table_of

COLUMNS = (
    Column("compound", "VARCHAR", "compound", "Formula and prototype, e.g. LiBr-rs."),
    Column("formula", "VARCHAR", "formula", "Cation before anion."),
    Column("prototype", "VARCHAR", "prototype", "Structure type."),
    Column("kappa_300", "DOUBLE", "κ (300 K)", "κ_P + κ_C of the potential.", "W/m/K"),
    Column("kappa_reference_300", "DOUBLE", "κ_ref (300 K)", "κ of DFT.", "W/m/K"),
    Column("srd_300", "DOUBLE", "SRD", "2 (κ − κ_ref)/(κ + κ_ref); −2 without κ."),
    Column("srme_300", "DOUBLE", "SRME", "As published; 2 without κ."),
)
_NOTHING = {"kappa_300": None, "srd_300": WORST_SRD, "srme_300": WORST_SRME}


def scores_table(scores: Iterable[PublishedScore]) -> pa.Table:
    """Return published scores with ``COLUMNS``.

    The source does not say why a compound has no κ: there is no column ``stable``.
    """
    return table_of("published", COLUMNS, [_row(item) for item in scores])


def full_table(model: str) -> pa.Table:
    """Return all 103 compounds of a published potential, by its name in the source.

    A compound that the source leaves out (three of MACE-M's) scores 2, as k_SRME counts it.
    """
    own = {item.compound: item for item in published() if item.model == model}
    nac = {item.nac for item in own.values()}
    all_compounds = {item.compound: item for item in published() if item.nac in nac}
    missing = (item for name, item in all_compounds.items() if name not in own)
    rows = [_row(item) for item in own.values()]
    rows += [_row(item) | _NOTHING for item in missing]
    return table_of("published", COLUMNS, rows)


def _row(item: PublishedScore) -> dict[str, Any]:
    """Return the row of one published score; SRD follows from the conductivities."""
    return {
        "compound": item.compound,
        "formula": item.compound.rpartition("-")[0],
        "prototype": item.prototype,
        "kappa_300": item.kappa_300,
        "kappa_reference_300": item.kappa_reference_300,
        "srd_300": relative_difference(item.kappa_300, item.kappa_reference_300),
        "srme_300": item.srme,
    }
