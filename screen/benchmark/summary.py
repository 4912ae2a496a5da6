"""What a table of compounds says about a potential in a few numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import spearmanr

from screen.benchmark.search import BoolArray, Search, search
from screen.core.columns import Column
from screen.core.crystal import FloatArray
from screen.core.errors import SettingsError
from screen.core.records import Record
from screen.store.frames import table_of

FACTOR = 2.0
"""κ within this factor of its reference counts as right."""
LARGEST_SRE = 2 * (FACTOR - 1) / (FACTOR + 1)
"""SRE of a κ that is off by just ``FACTOR``, whichever way."""
WORST_SRD, WORST_SRME = -2.0, 2.0
"""Of a compound without κ."""


@dataclass(frozen=True, eq=False)
class Judged(Record):
    """n compounds with a reference, of one potential under one protocol, at 300 K."""

    kappa: FloatArray  # (n,) W/m/K; NaN: failed or unstable
    reference: FloatArray  # (n,) W/m/K
    srd: FloatArray  # (n,), −2 without κ
    srme: FloatArray  # (n,); NaN: nobody compared modes
    unstable: BoolArray | None = None  # (n,) imaginary modes, or the space group changed
    cpu_s: FloatArray | None = None  # (n,) s; NaN: not known


@dataclass(frozen=True)
class Summary:
    """Scores of one potential over n compounds (Póta et al., arXiv 2408.00755), all at 300 K.

    None stands where nothing can be said: no modes were compared, stability or cost is not known,
    or there are too few compounds.
    """

    compounds: int  # n, with a reference and tried
    with_kappa: int  # the others score SRD = −2, SRE = SRME = 2
    imaginary_rate: float | None  # share that is unstable: imaginary modes, or space group changed
    failure_rate: float | None  # share that is not unstable and yet without κ
    with_srme: int  # compounds whose modes were compared, and those that score 2
    mean_srme: float | None  # over n; None unless all n have one: failures alone have the worst
    median_srme: float | None
    mean_srd: float  # over n; below 0: κ is too small
    mean_sre: float  # over n
    median_sre: float
    within_factor: float  # share of n with κ from half to twice the reference
    log_error: float | None  # mean |log10 κ/κ_ref| over those with κ
    spearman: float | None  # rank correlation of κ and κ_ref over those with κ
    lowest: Search | None  # for the best insulators among the n
    highest: Search | None  # for the best heat spreaders
    cpu_s: float | None  # s, mean over compounds whose cost is known


_SEARCH = (
    Column("best", "BIGINT", "k", "Truly best compounds that are looked for."),
    Column("hits", "DOUBLE", "hits", "Of the k best, those in the first k of the order."),
    Column("hits_by_chance", "DOUBLE", "hits by chance", "The same in random order: k²/n."),
    Column(
        "enrichment",
        "DOUBLE",
        "enrichment at 10 %",
        "Hits of the best tenth in the first tenth of the order, over those of random order.",
    ),
    Column("tries", "DOUBLE", "tries", "Compounds to try in the order until all k best are found."),
    Column("tries_by_chance", "DOUBLE", "tries by chance", "The same in random order."),
    Column("tried", "DOUBLE", "tried", "Tries over compounds."),
    Column("cost", "DOUBLE", "cost", "CPU seconds of these tries over those of all compounds."),
    Column("cost_by_chance", "DOUBLE", "cost by chance", "The same in random order."),
)
_ENDS = {"lowest": "insulators", "highest": "heat spreaders"}
_SCORES = (
    Column("compounds", "BIGINT", "compounds", "Compounds with a reference that were tried."),
    Column("with_kappa", "BIGINT", "with κ", "Those that have κ; the others score SRE = SRME = 2."),
    Column(
        "imaginary_rate",
        "DOUBLE",
        "imaginary",
        "Share of compounds with imaginary modes or another space group.",
    ),
    Column(
        "failure_rate", "DOUBLE", "failed", "Share of compounds without κ that are not unstable."
    ),
    Column("with_srme", "BIGINT", "with SRME", "Compounds with an SRME."),
    Column(
        "mean_srme",
        "DOUBLE",
        "mean SRME",
        "0 is exact, 2 the worst; only where all compounds have an SRME.",
    ),
    Column("median_srme", "DOUBLE", "median SRME", "Likewise."),
    Column("mean_srd", "DOUBLE", "mean SRD", "Mean of 2 (κ − κ_ref)/(κ + κ_ref)."),
    Column("mean_sre", "DOUBLE", "mean SRE", "Mean of |SRD| over all compounds."),
    Column("median_sre", "DOUBLE", "median SRE", "Median of |SRD| over all compounds."),
    Column(
        "within_factor",
        "DOUBLE",
        "within factor 2",
        "Share of all compounds with κ between half and twice the reference.",
    ),
    Column("log_error", "DOUBLE", "log₁₀ error", "Mean |log₁₀ κ/κ_ref| over compounds with κ."),
    Column("spearman", "DOUBLE", "Spearman ρ", "Of κ and κ_ref, over compounds with κ."),
)
COLUMNS = (
    Column("name", "VARCHAR", "name", "Whose scores: a potential, a prototype."),
    *_SCORES,
    *(
        Column(f"{end}_{item.name}", item.sql_type, f"{item.label}, {label}", item.description)
        for end, label in _ENDS.items()
        for item in _SEARCH
    ),
    Column("cpu_s", "DOUBLE", "CPU time", "Mean per compound.", "s"),
)


def summarize(table: pa.Table) -> Summary:
    """Sum up a table of compounds, see ``judged``.

    Raises
    ------
    SettingsError
        No compound has a reference.
    """
    return summary_of(judged(table))


def by_prototype(table: pa.Table) -> dict[str, Summary]:
    """Sum up the compounds of each prototype, in the order of the table."""
    names = dict.fromkeys(table["prototype"].to_pylist())
    return {name: summarize(table.filter(pc.equal(table["prototype"], name))) for name in names}


def judged(table: pa.Table) -> Judged:
    """Return what is judged of a table of compounds of one potential under one protocol.

    Needs ``kappa_300``, ``kappa_reference_300`` and ``srd_300``; reads ``srme_300``, ``stable`` and
    ``cpu_s`` where they are. Compounds without a reference are left out. One that scores SRD = −2
    counts as without κ, whatever ``kappa_300`` says.
    """
    compared = table.filter(pc.is_valid(table["kappa_reference_300"]))
    srd = _numbers(compared, "srd_300")
    has = set(table.column_names)
    return Judged(
        kappa=np.where(srd > WORST_SRD, _numbers(compared, "kappa_300"), np.nan),
        reference=_numbers(compared, "kappa_reference_300"),
        srd=srd,
        srme=_numbers(compared, "srme_300") if "srme_300" in has else np.full(len(srd), np.nan),
        unstable=_unstable(compared) if "stable" in has else None,
        cpu_s=_numbers(compared, "cpu_s") if "cpu_s" in has else None,
    )


def summary_of(found: Judged) -> Summary:
    """Sum up; every number is defined beside its name in ``Summary``.

    Raises
    ------
    SettingsError
        There is no compound.
    """
    n = len(found.srd)
    if n == 0:
        raise SettingsError(
            "no compound has a reference conductivity: nothing to sum up; compare compounds of "
            "catalogs/phonondb_pbe_103.csv"
        )
    sre, has = np.abs(found.srd), np.isfinite(found.kappa)
    srme = found.srme[np.isfinite(found.srme)]
    kappa, reference, unstable = found.kappa[has], found.reference[has], found.unstable
    return Summary(
        compounds=n,
        with_kappa=int(has.sum()),
        imaginary_rate=None if unstable is None else float(unstable.mean()),
        failure_rate=None if unstable is None else float((~has & ~unstable).mean()),
        with_srme=len(srme),
        mean_srme=float(srme.mean()) if len(srme) == n else None,
        median_srme=float(np.median(srme)) if len(srme) == n else None,
        mean_srd=float(found.srd.mean()),
        mean_sre=float(sre.mean()),
        median_sre=float(np.median(sre)),
        within_factor=float((sre <= LARGEST_SRE).mean()),
        log_error=float(np.abs(np.log10(kappa / reference)).mean()) if len(kappa) else None,
        spearman=spearman(kappa, reference),
        lowest=search(found.kappa, found.reference, "lowest", cpu_s=found.cpu_s),
        highest=search(found.kappa, found.reference, "highest", cpu_s=found.cpu_s),
        cpu_s=_mean_of_known(found.cpu_s),
    )


def spearman(first: FloatArray, second: FloatArray) -> float | None:
    """Correlation of the ranks of two (n,) arrays, ties sharing their mean; None if all are equal."""
    if len(first) == 0 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(spearmanr(first, second).statistic)


def summary_table(summaries: Mapping[str, Summary]) -> pa.Table:
    """One row for each named summary, with ``COLUMNS``."""
    rows = [{"name": name, **_cells(summary)} for name, summary in summaries.items()]
    return table_of("summary", COLUMNS, rows)


def _cells(summary: Summary) -> dict[str, Any]:
    """Return a summary's values by column; None for every number of a search there was not."""
    cells: dict[str, Any] = {}
    for field in fields(summary):
        value = getattr(summary, field.name)
        if field.name in _ENDS:
            numbers = {item.name: getattr(value, item.name, None) for item in _SEARCH}
            cells |= {f"{field.name}_{name}": number for name, number in numbers.items()}
        else:
            cells[field.name] = value
    return cells


def _numbers(table: pa.Table, name: str) -> FloatArray:
    """Column as (n,) floats, NaN for null."""
    column = table[name].cast(pa.float64())
    return np.array(column.fill_null(np.nan).to_pylist(), dtype=np.float64)


def _unstable(table: pa.Table) -> BoolArray:
    """(n,) bool: found unstable; a compound that failed before was not."""
    return np.array([stable is False for stable in table["stable"].to_pylist()], dtype=np.bool_)


def _mean_of_known(values: FloatArray | None) -> float | None:
    """Mean of the finite ones; None without any."""
    known = np.empty(0) if values is None else values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None
