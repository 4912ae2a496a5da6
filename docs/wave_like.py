"""Wigner against Boltzmann for a table of compounds, as Markdown for ``benchmark.md``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa

from screen.core.verdicts import MIXED_FROM, WAVE_LIKE_FROM, Verdict, coherence_share, verdict

TEMPERATURES = (100.0, 300.0, 800.0)  # K
SORTED_AT = 300.0  # K
Row = Mapping[str, Any]


def wave_like_section(table: pa.Table, temperatures: Sequence[float] = TEMPERATURES) -> str:
    """Return what coherences carry in each compound: a summary, then one row per compound.

    Parameters
    ----------
    table
        Columns ``compound``, ``prototype``, ``temperatures`` K, ``kappa_p``, ``kappa_c`` W/m/K and,
        of ``screen.benchmark.verdicts.BY_TEMPERATURE``, ``beyond_wigner_share`` and
        ``beyond_ioffe_regel_share``: lists over temperatures, null for compounds without κ.
    temperatures
        K; a dash where the table has no such temperature.
    """
    rows = [row for row in table.to_pylist() if row["kappa_p"]]
    rows.sort(key=lambda row: -(_at(row, _shares(row), SORTED_AT) or 0.0))
    return "\n".join(
        [*_words(), "", *_summary(rows, temperatures), "", *_compounds(rows, temperatures)]
    )


def _words() -> Iterator[str]:
    yield (
        f"`{Verdict.PARTICLE}`: κ_C/κ < {MIXED_FROM:g}, the Boltzmann equation is enough; "
        f"`{Verdict.WAVE_LIKE}`: κ_C/κ ≥ {WAVE_LIKE_FROM:g}, most heat tunnels; `{Verdict.MIXED}` between "
        "(Simoncelli, Marzari, Mauri, PRX 12, 041011, 2022; the numbers are ours). Modes beyond the Wigner "
        "limit live shorter than the inverse of the mean spacing of bands, those beyond the Ioffe–Regel limit "
        "shorter than 1/ω; both are shares by number. κ_P has the degenerate pairs."
    )


def _summary(rows: Sequence[Row], temperatures: Sequence[float]) -> Iterator[str]:
    yield f"| T [K] | compounds | {' | '.join(Verdict)} | median κ_C/κ [%] | largest κ_C/κ [%] |"
    yield "|---|---|---|---|---|---|---|"
    for temperature in temperatures:
        found = {row["compound"]: _at(row, _shares(row), temperature) for row in rows}
        known = {name: share for name, share in found.items() if share is not None}
        if not known:
            continue
        verdicts = [verdict(share) for share in known.values()]
        largest = max(known, key=lambda name: known[name])
        cells = [
            f"{temperature:g}",
            str(len(known)),
            *(str(verdicts.count(kind)) for kind in Verdict),
            _percent(median(known.values())),
            f"{_percent(known[largest])} ({largest})",
        ]
        yield f"| {' | '.join(cells)} |"


def _compounds(rows: Sequence[Row], temperatures: Sequence[float]) -> Iterator[str]:
    """Four groups of columns, each over the temperatures."""
    at = "/".join(f"{temperature:g}" for temperature in temperatures) + " K"
    heads = ("κ_C/κ [%]", "modes beyond Wigner [%]", "beyond Ioffe–Regel [%]", "verdict")
    yield f"| Compound | {' | '.join(f'{head}, {at}' for head in heads)} |"
    yield "|---|---|---|---|---|"
    for row in rows:
        shares = _shares(row)
        verdicts = [None if share is None else verdict(share) for share in shares]
        groups = (
            [_percent(_at(row, shares, T)) for T in temperatures],
            [_percent(_at(row, row["beyond_wigner_share"], T)) for T in temperatures],
            [_percent(_at(row, row["beyond_ioffe_regel_share"], T)) for T in temperatures],
            [_at(row, verdicts, T) or "–" for T in temperatures],
        )
        yield f"| {row['compound']} | {' | '.join(' / '.join(group) for group in groups)} |"


def _shares(row: Row) -> list[float | None]:
    """κ_C/κ at the row's temperatures; None where κ = 0."""
    shares = coherence_share(np.array(row["kappa_p"]), np.array(row["kappa_c"]))
    return [None if np.isnan(share) else float(share) for share in shares]


def _at(row: Row, values: Sequence[Any] | None, temperature: float) -> Any:
    """Value at one of the row's temperatures, None where it has none."""
    if values is None or temperature not in row["temperatures"]:
        return None
    return values[row["temperatures"].index(temperature)]


def _percent(share: float | None) -> str:
    """Percent with two digits."""
    if share is None:
        return "–"
    percent = 100 * share
    return f"{percent:.0f}" if percent >= 9.95 else f"{percent:.1f}" if percent >= 0.05 else "0"
