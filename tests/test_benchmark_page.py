"""The page on the benchmark: made from what is recorded and published, whatever runs there are."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from screen.benchmark.published_compounds import full_table
from screen.core.published import published

DOCS = Path(__file__).parents[1] / "docs"
TEXT = (DOCS / "benchmark.md").read_text(encoding="utf-8")
BEGIN, END = "<!-- generated: begin -->\n", "<!-- generated: end -->"
EMPTY = f"{BEGIN}{END}\n"
SCRIPT = runpy.run_path(str(DOCS / "make_benchmark_page.py"))


def record(
    folder: Path,
    compounds: list[str],
    factor: float = 1.0,
    model: str = "sevennet-0",
    **alpha: float,
) -> None:
    """Record a run with the published figures of SevenNet, κ times ``factor``; α by formula."""
    rows = [row for row in full_table("SevenNet").to_pylist() if row["compound"] in compounds]
    for row in rows:
        row |= {"model": model, "protocol": "ksrme-2024", "stable": True, "cpu_s": 120.0}
        row["expansion_300"] = alpha.get(row["formula"])
        row["kappa_300"] = row["kappa_300"] and factor * row["kappa_300"]
    pq.write_table(pa.Table.from_pylist(rows), folder / f"{model}.parquet")


def made(folder: Path) -> str:
    """The page with the runs recorded in a folder."""
    text: str = SCRIPT["page"](EMPTY, SCRIPT["read_runs"](folder))
    return text


def cells(text: str, start: str) -> list[list[str]]:
    """Cells of the lines that begin so."""
    lines = [line for line in text.splitlines() if line.startswith(f"| {start}")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_committed_page_is_what_the_program_makes() -> None:
    written, _, _ = TEXT.partition(BEGIN)
    runs = SCRIPT["read_runs"](SCRIPT["RECORDED"])
    page = SCRIPT["page"](f"{written}{EMPTY}", runs)
    assert page == TEXT, "run python docs/make_benchmark_page.py"


def test_published_potentials_stand_by_srme_without_any_run(tmp_path: Path) -> None:
    text = made(tmp_path / "nothing")
    leaderboard = text.split("Quoted as a mean only")[0]
    rows = [line.split("|") for line in leaderboard.splitlines() if "k_SRME" in line]
    assert len(rows) == len({item.model for item in published()})
    srme = [float(row[3]) for row in rows]
    assert srme == sorted(srme)
    ((*_, reference, source),) = cells(leaderboard, "SevenNet (`sevennet-0`)")
    assert (reference, source) == ("with NAC", "k_SRME")
    ((name, missing, mean, *_),) = cells(leaderboard, "MACE-M (")
    assert (name, missing, mean) == ("MACE-M (`mace-mp-0-medium`)", "3", "0.688")
    assert "Runs of this project" not in text


@pytest.fixture(scope="module")
def partial(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page with a run of three compounds, whose κ are 1 % larger than published."""
    folder: Path = tmp_path_factory.mktemp("recorded")
    record(folder, ["LiBr-rs", "GaAs-zb", "BeO-wz"], 1.01)
    return made(folder)


def test_run_of_some_compounds_stands_beside_the_published_on_the_same(partial: str) -> None:
    _, section = partial.split("## Runs of this project")
    ours, other = (
        cells(section, "**sevennet-0**, ksrme-2024")[0],
        cells(section, "SevenNet, pub")[0],
    )
    assert ours[1] == other[1] == "3"
    assert ours[3] == other[3]  # the SRME were recorded as published
    assert (ours[-3], ours[-1]) == ("120", "`catalogs/benchmarks/sevennet-0.parquet`")
    assert (other[-3], other[-2]) == ("–", "with NAC")
    leaderboard, _, _ = partial.partition("Quoted as a mean only")
    assert "**sevennet-0**" not in leaderboard  # for runs of all compounds


def test_every_compound_stands_beside_the_published(partial: str) -> None:
    _, section = partial.split("compound by compound")
    assert "median |Δκ|/κ 1.00 %, mean |ΔSRME| 0.0000." in section
    for name in ("LiBr-rs", "GaAs-zb", "BeO-wz"):
        row: Any = next(row for row in cells(section, name) if len(row) == 7)
        assert (row[3], row[6]) == ("+1.0 %", "+0.000")
    assert "ours against DFT without" in section


def test_run_beside_experiment_and_dft(partial: str) -> None:
    _, section = partial.split("## Against experiment")
    (beo,) = cells(section, "BeO-wz")
    assert beo[1] == "370"
    assert beo[2].endswith("%)")
    assert beo[4].startswith(f"{1.01 * 192.4233:.3g} (-")
    (medians,) = cells(section, "**sevennet-0**")
    assert medians[1] == "2"  # LiBr has not been measured


def test_expansion_stands_beside_experiment_where_the_run_has_it(tmp_path: Path) -> None:
    """GaAs: 5.73e-6 1/K measured at 300 K, see catalogs/experiment.csv."""
    record(tmp_path, ["GaAs-zb", "InP-zb"], GaAs=2 * 5.73e-6)
    _, text = made(tmp_path).split("α(300 K) in 10⁻⁶/K")
    table = text.split("Medians of")[0]
    ((_, experiment, dft, _, ours),) = cells(table, "GaAs-zb")
    assert (experiment, dft, ours) == ("5.73", "–", "11.5 (+100.0 %)")
    assert not cells(table, "InP-zb")  # nobody has computed it


def test_run_of_all_compounds_is_on_the_leaderboard(tmp_path: Path) -> None:
    record(tmp_path, full_table("SevenNet")["compound"].to_pylist(), model="of-our-own")
    leaderboard = made(tmp_path).split("Quoted as a mean only")[0]
    ((_, missing, mean, *_),) = cells(leaderboard, "**of-our-own**, ksrme-2024")
    assert (missing, mean) == ("8", "0.767")
