"""Tables of the page on the benchmark: ``python docs/make_benchmark_page.py``.

Writes what stands between the markers of ``docs/benchmark.md``, from the runs recorded in
``catalogs/benchmarks/*.parquet`` and the published figures in ``catalogs``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from screen.benchmark.beside_published import agreement, beside_published
from screen.benchmark.experiment import (
    Comparison,
    comparisons,
    dft_references,
    median_errors,
)
from screen.benchmark.published_compounds import full_table
from screen.benchmark.search import Search
from screen.benchmark.summary import Summary, by_prototype, summarize
from screen.core.published import COMPOUNDS, POTENTIALS, published, published_of
from screen.core.registry import find, names

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))  # for the script beside this one
from wave_like import wave_like_section  # noqa: E402  # after sys.path

PAGE = DOCS / "benchmark.md"
RECORDED = DOCS.parent / "catalogs" / "benchmarks"
BEGIN, END = "<!-- generated: begin -->\n", "<!-- generated: end -->"
NONE = "–"
NAC = {item.model: item.nac for item in published()}
"""Published potentials, and whether they were scored against DFT with NAC."""


@dataclass(frozen=True, eq=False)
class Run:
    """Compounds of one potential under one protocol."""

    model: str
    protocol: str
    table: pa.Table
    source: str  # file name

    @property
    def whole(self) -> bool:
        """Whether all compounds of the benchmark were tried."""
        return len(self.table) == COMPOUNDS

    @property
    def label(self) -> str:
        """Name in a table: bold, as ours."""
        return f"**{self.model}**, {self.protocol}"

    @property
    def nac(self) -> bool:
        """Whether κ, and so the reference, is with NAC."""
        return "nac" in self.table.column_names and True in self.table["nac"].to_pylist()


def main() -> None:
    """Rewrite the page."""
    text = page(PAGE.read_text(encoding="utf-8"), read_runs(RECORDED))
    PAGE.write_text(text, encoding="utf-8")


def read_runs(folder: Path) -> list[Run]:
    """Read all recorded runs; none if there is no such folder."""
    return [run for path in sorted(folder.glob("*.parquet")) for run in _runs(path)]


def page(old: str, runs: Sequence[Run]) -> str:
    """Return the page with its generated part made anew."""
    before, rest = old.split(BEGIN)
    after = rest.split(END)[1]
    lines = "\n".join(line for section in SECTIONS for line in section(runs))
    return f"{before}{BEGIN}\n{lines}\n{END}{after}"


def leaderboard(runs: Sequence[Run]) -> Iterator[str]:
    """Yield all potentials with all compounds, the best first."""
    yield "## Leaderboard\n"
    yield (
        f"All {COMPOUNDS} compounds, by mean SRME. A compound without κ scores SRE = SRME = 2. *Reference*: DFT "
        "with or without NAC; the two are not of one scale.\n"
    )
    yield from _header("potential", *SCORES, "CPU s per compound", "reference", "source")
    found = [
        (summarize(full_table(model)), _called(model), _reference(nac), "k_SRME")
        for model, nac in NAC.items()
    ]
    found += [
        (summarize(run.table), run.label, _reference(run.nac), _source(run))
        for run in runs
        if run.whole
    ]
    for summary, name, reference, source in sorted(found, key=_order):
        yield _row(name, *_scores(summary), _plain(summary.cpu_s, ".0f"), reference, source)
    yield ""
    yield from _quoted()


def _quoted() -> Iterator[str]:
    """Yield means that are published without figures per compound."""
    yield "Quoted as a mean only:\n"
    yield from _header("potential", "mean SRME", "source")
    cards = [card for family in names("models") for card in find("models", family).CARDS]
    quoted = [card for card in cards if card.kappa_srme and card.name not in POTENTIALS.values()]
    for card in sorted(quoted, key=lambda card: card.kappa_srme):
        yield _row(card.name, f"{card.kappa_srme:.3f}", card.kappa_srme_source)
    yield ""


def ours(runs: Sequence[Run]) -> Iterator[str]:
    """Yield our runs, each beside what is published of its potential on the same compounds."""
    if not runs:
        return
    yield "## Runs of this project\n"
    yield (
        "Each beside what is published of the same weights on the *same* compounds; SRME and SRE of the published "
        "rows are to the reference that they were published with.\n"
    )
    yield from _header(
        "potential", "compounds", *SCORES, "CPU s per compound", "reference", "source"
    )
    for run in runs:
        summary = summarize(run.table)
        yield _row(
            run.label,
            str(summary.compounds),
            *_scores(summary),
            _plain(summary.cpu_s, ".0f"),
            _reference(run.nac),
            _source(run),
        )
        yield from _published_on_the_same(run)
    yield ""
    for run in runs:
        yield from _by_prototype(run)
        yield from _beside(run)


def _published_on_the_same(run: Run) -> Iterator[str]:
    """Yield the row of the published potential over the run's compounds."""
    model = next((item.model for item in published_of(run.model)), None)
    if model is None:
        return
    table = full_table(model)
    same = table.filter(pc.is_in(table["compound"], run.table["compound"].combine_chunks()))
    summary = summarize(same)
    cells = (str(summary.compounds), *_scores(summary), NONE, _reference(NAC[model]), "k_SRME")
    yield _row(f"{model}, published", *cells)


def _by_prototype(run: Run) -> Iterator[str]:
    """Yield the scores of a run by prototype."""
    yield f"### {run.model}, {run.protocol}: by prototype\n"
    yield from _header("prototype", "compounds", "imaginary", "failed", *SCORES)
    for name, summary in by_prototype(run.table).items():
        rates = (_percent(summary.imaginary_rate), _percent(summary.failure_rate))
        yield _row(name, str(summary.compounds), *rates, *_scores(summary))
    yield ""


def _beside(run: Run) -> Iterator[str]:
    """Yield every compound of a run beside the published figures of the same potential."""
    found = beside_published(run.table)
    if not found:
        return
    summed = agreement(found)
    yield f"### {run.model}, {run.protocol}: compound by compound\n"
    difference = summed.mean_srme_difference
    yield (
        f"{summed.compounds} compounds, {summed.with_kappa} with κ in both: median |Δκ|/κ "
        f"{_percent(summed.median_kappa_deviation, 2)}"
        + ("." if difference is None else f", mean |ΔSRME| {difference:.4f}.")
    )
    compared = [item for item in found if item.kappa_deviation is not None]
    if compared:
        largest = max(compared, key=lambda item: abs(item.kappa_deviation or 0.0))
        yield f"Largest: {_signed_percent(largest.kappa_deviation)} ({largest.compound})."
    neither = [
        item.compound
        for item in found
        if item.kappa_300 is None and item.kappa_published_300 is None
    ]
    if neither:
        yield f"Without κ in both: {', '.join(neither)}."
    if difference is not None and summed.same_reference and not run.nac and _published_nac(run):
        yield (
            "SRME in this table are against DFT with NAC, as published; in the tables above and in the output of "
            "the command ours are against DFT without (`srme_nac`: with)."
        )
    if not summed.same_reference:
        yield (
            "The published SRME are against DFT with NAC, ours against DFT without: ΔSRME holds that "
            "difference too."
        )
    for label, only in (("here", summed.only_ours), ("published", summed.only_published)):
        if only:
            yield f"Only {label}: κ of {', '.join(only)}."
    yield ""
    yield from _header("compound", "κ", "published", "Δκ/κ", "SRME", "published", "ΔSRME")
    for item in found:
        yield _row(
            item.compound,
            _plain(item.kappa_300, ".4g"),
            _plain(item.kappa_published_300, ".4g"),
            _signed_percent(item.kappa_deviation),
            _plain(item.srme_300, ".3f"),
            f"{item.srme_published_300:.3f}",
            _plain(item.srme_difference, "+.3f"),
        )
    yield ""


def _published_nac(run: Run) -> bool:
    """Say whether the potential was published against DFT with NAC."""
    return any(item.nac for item in published_of(run.model))


def experiment(runs: Sequence[Run]) -> Iterator[str]:
    """Yield what has been measured beside DFT and the potentials, then median errors."""
    tables = {_called(model): full_table(model) for model in NAC}
    tables |= {run.label: run.table for run in runs}
    found = {name: comparisons(table, dft_references()) for name, table in tables.items()}
    shown = [run.label for run in runs] or [_called("SevenNet")]
    yield "## Against experiment\n"
    yield from _measured("κ(300 K) in W/m/K", "kappa", shown, found, 1.0)
    if any(item.quantity != "kappa" and item.model for name in shown for item in found[name]):
        yield from _measured("α(300 K) in 10⁻⁶/K", "alpha", shown, found, 1e6)
    yield (
        "Medians of |value/other − 1| of κ; each row over the compounds of which the potential has κ, so that "
        "its three errors are of the same compounds.\n"
    )
    yield from _header(
        "potential", "compounds", "to DFT", "to experiment", "DFT to experiment", "DFT with NAC"
    )
    for name, items in found.items():
        for errors in median_errors(item for item in items if item.quantity == "kappa"):
            yield _row(
                name,
                str(errors.compounds),
                _percent(errors.model_to_reference),
                _percent(errors.model_error),
                _percent(errors.reference_error),
                _percent(errors.reference_nac_error),
            )
    yield ""


def _measured(
    title: str,
    wanted: str,
    shown: Sequence[str],
    found: Mapping[str, Sequence[Comparison]],
    factor: float,
) -> Iterator[str]:
    """Yield one line for each compound that has been measured: experiment, DFT, potentials."""
    by_name = {
        name: {
            (item.compound, item.quantity): item
            for item in found[name]
            if item.quantity.startswith(wanted)
        }
        for name in shown
    }
    columns = [f"{name} (to experiment)" for name in shown]
    yield f"{title}:\n"
    yield from _header("compound", "experiment", "DFT (to experiment)", "DFT with NAC", *columns)
    keys = dict.fromkeys(
        key
        for items in by_name.values()
        for key, item in items.items()
        if wanted == "kappa" or item.model is not None  # κ that is none has failed
    )
    for compound, name in keys:
        items = [by_name[run].get((compound, name)) for run in shown]
        first = next(item for item in items if item is not None)
        axis = name.removeprefix(wanted).replace("_", ", ")
        yield _row(
            f"{compound}{axis}",
            _range(first, factor),
            _with_error(first.reference, first.reference_error, factor),
            _with_error(first.reference_nac, first.reference_nac_error, factor),
            *(
                NONE if item is None else _with_error(item.model, item.model_error, factor)
                for item in items
            ),
        )
    yield ""


def coherences(runs: Sequence[Run]) -> Iterator[str]:
    """Yield what coherences carry in each run that has κ at several temperatures."""
    told = [run for run in runs if _has_modes(run.table)]
    if not told:
        return
    yield "## Wigner against Boltzmann\n"
    yield "![κ_C/κ of all compounds, 100 to 800 K](pictures/wave_like.png)\n"
    for run in told:
        yield f"### {run.model}, {run.protocol}\n"
        yield wave_like_section(run.table)
        yield ""


def _has_modes(table: pa.Table) -> bool:
    """Say whether modes were compared with the limits: in runs that `thermoscreen benchmark` judged."""
    name = "beyond_wigner_share"
    return name in table.column_names and table[name].null_count < len(table)


SECTIONS: tuple[Callable[[Sequence[Run]], Iterator[str]], ...] = (
    leaderboard,
    ours,
    coherences,
    experiment,
)
"""The generated part, in this order: each takes the recorded runs and yields lines."""

SCORES = (
    *("without κ", "mean SRME", "mean SRE", "within factor 2", "mean abs log₁₀", "Spearman ρ"),
    *("lowest 10", "highest 10", "tries for lowest 10", "tries for highest 10"),
)


def _scores(summary: Summary) -> tuple[str, ...]:
    """Write the columns ``SCORES``."""
    return (
        str(summary.compounds - summary.with_kappa),
        _plain(summary.mean_srme, ".3f"),
        f"{summary.mean_sre:.3f}",
        _percent(summary.within_factor),
        _plain(summary.log_error, ".3f"),
        _plain(summary.spearman, ".3f"),
        *(_hits(end) for end in (summary.lowest, summary.highest)),
        *(_tries(end) for end in (summary.lowest, summary.highest)),
    )


def _hits(found: Search | None) -> str:
    """Write hits, e.g. ``7 of 10``."""
    return NONE if found is None else f"{found.hits:.3g} of {found.best}"


def _tries(found: Search | None) -> str:
    """Write tries and those by chance, e.g. ``21 (95)``."""
    return NONE if found is None else f"{found.tries:.3g} ({found.tries_by_chance:.3g})"


def _order(row: tuple[Summary, str, str, str]) -> tuple[bool, float, str]:
    """Sort by mean SRME, who has none last."""
    srme = row[0].mean_srme
    return (srme is None, srme or 0.0, row[1])


def _runs(path: Path) -> Iterator[Run]:
    """Yield what one file holds, by potential and protocol."""
    table = pq.read_table(path)
    keys = zip(table["model"].to_pylist(), table["protocol"].to_pylist(), strict=True)
    for model, protocol in dict.fromkeys(keys):
        same = pc.and_(pc.equal(table["model"], model), pc.equal(table["protocol"], protocol))
        yield Run(model, protocol, table.filter(same), path.name)


def _called(model: str) -> str:
    """Name a published potential, with our name of the same weights."""
    return f"{model} (`{POTENTIALS[model]}`)" if model in POTENTIALS else model


def _reference(nac: bool) -> str:
    return "with NAC" if nac else "without NAC"


def _source(run: Run) -> str:
    return f"`catalogs/benchmarks/{run.source}`"


def _header(*labels: str) -> Iterator[str]:
    yield _row(*labels)
    yield "|---" * len(labels) + "|"


def _row(*cells: str | None) -> str:
    return f"| {' | '.join(cell or NONE for cell in cells)} |"


def _plain(value: float | None, form: str) -> str:
    return NONE if value is None else format(value, form)


def _percent(value: float | None, digits: int = 0) -> str:
    return NONE if value is None else f"{100 * value:.{digits}f} %"


def _signed_percent(value: float | None) -> str:
    return NONE if value is None else f"{100 * value:+.1f} %"


def _with_error(value: float | None, error: float | None, factor: float) -> str:
    """Write a value with its relative error, e.g. ``45.1 (-18.0 %)``."""
    return NONE if value is None else f"{factor * value:.3g} ({_signed_percent(error)})"


def _range(item: Comparison, factor: float) -> str:
    """Write the median of the measurements, and their range if there are several."""
    median = f"{factor * item.experiment:.4g}"
    if item.lowest == item.highest:
        return median
    return f"{median} ({factor * item.lowest:.4g}–{factor * item.highest:.4g})"


if __name__ == "__main__":
    main()
