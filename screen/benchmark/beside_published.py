"""A run of a potential beside what is published of the same potential, compound by compound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from screen.benchmark.summary import WORST_SRD, WORST_SRME
from screen.core.columns import Column
from screen.core.published import PublishedScore, published_of
from screen.store.frames import table_of

SRME_NAC = "srme_nac_300"
"""Column with our SRME against the reference with NAC, to which some potentials were published."""


@dataclass(frozen=True)
class Beside:
    """One compound at 300 K: ours and the published one."""

    compound: str
    kappa_300: float | None  # W/m/K; None: failed or unstable
    kappa_published_300: float | None  # W/m/K
    srme_300: float | None  # None: nobody compared modes
    srme_published_300: float
    same_reference: bool  # whether both SRME are against DFT with NAC, or both without

    @property
    def kappa_deviation(self) -> float | None:
        """Ours over the published κ, less 1; None without both."""
        if self.kappa_300 is None or self.kappa_published_300 is None:
            return None
        return self.kappa_300 / self.kappa_published_300 - 1

    @property
    def srme_difference(self) -> float | None:
        """Ours less the published SRME; None without ours."""
        return None if self.srme_300 is None else self.srme_300 - self.srme_published_300


@dataclass(frozen=True)
class Agreement:
    """How well a run agrees with what is published of its potential."""

    compounds: int  # in both
    with_kappa: int  # with κ in both
    only_ours: tuple[str, ...]  # compounds with κ here and none published
    only_published: tuple[str, ...]  # the other way round
    median_kappa_deviation: float | None  # median |κ/κ_published − 1| over with_kappa
    mean_srme_difference: float | None  # mean |ΔSRME| over those compared, but for failures of both
    same_reference: bool


COLUMNS = (
    Column("compound", "VARCHAR", "compound", "Formula and prototype, e.g. LiBr-rs."),
    Column("kappa_300", "DOUBLE", "κ (300 K)", "Of the run.", "W/m/K"),
    Column("kappa_published_300", "DOUBLE", "κ (300 K), published", "As published.", "W/m/K"),
    Column("kappa_deviation", "DOUBLE", "Δκ/κ", "κ over the published one, less 1."),
    Column("srme_300", "DOUBLE", "SRME", "Of the run."),
    Column("srme_published_300", "DOUBLE", "SRME, published", "As published."),
    Column("srme_difference", "DOUBLE", "ΔSRME", "SRME less the published one."),
    Column(
        "same_reference",
        "BOOLEAN",
        "same reference",
        "Both SRME are against DFT with NAC, or both without.",
    ),
)


def beside_published(table: pa.Table) -> tuple[Beside, ...]:
    """Put the compounds of one potential beside the published ones; none if nothing is published.

    Parameters
    ----------
    table
        Of one potential under one protocol: ``compound``, ``model``, ``kappa_300``, ``srd_300``,
        ``srme_300``, and ``srme_nac_300`` where it is, for potentials published against DFT with NAC.
    """
    models = set(table["model"].to_pylist())
    published = {item.compound: item for model in models for item in published_of(model)}
    return tuple(
        _beside(row, published[row["compound"]])
        for row in table.to_pylist()
        if row["compound"] in published
    )


def agreement(found: Sequence[Beside]) -> Agreement:
    """Sum up; None where there is nothing to compare."""
    kappa = [item.kappa_deviation for item in found if item.kappa_deviation is not None]
    srme = [
        item.srme_difference
        for item in found
        if item.srme_difference is not None
        and not (item.kappa_300 is None and item.kappa_published_300 is None)
    ]
    return Agreement(
        compounds=len(found),
        with_kappa=len(kappa),
        only_ours=tuple(
            item.compound
            for item in found
            if item.kappa_300 is not None and item.kappa_published_300 is None
        ),
        only_published=tuple(
            item.compound
            for item in found
            if item.kappa_300 is None and item.kappa_published_300 is not None
        ),
        median_kappa_deviation=float(np.median(np.abs(kappa))) if kappa else None,
        mean_srme_difference=float(np.mean(np.abs(srme))) if srme else None,
        same_reference=all(item.same_reference for item in found),
    )


def beside_table(found: Sequence[Beside]) -> pa.Table:
    """One row for each compound, with ``COLUMNS``."""
    rows = [{column.name: getattr(item, column.name) for column in COLUMNS} for item in found]
    return table_of("beside_published", COLUMNS, rows)


def _beside(row: Mapping[str, Any], other: PublishedScore) -> Beside:
    """Put one compound beside the published one, with the SRME of the same reference if we have it."""
    name = SRME_NAC if other.nac and SRME_NAC in row else "srme_300"
    failed = row["srd_300"] <= WORST_SRD
    return Beside(
        compound=row["compound"],
        kappa_300=None if failed else row["kappa_300"],
        kappa_published_300=other.kappa_300,
        srme_300=WORST_SRME if failed else row[name],
        srme_published_300=other.srme,
        same_reference=other.nac == (name == SRME_NAC),
    )
