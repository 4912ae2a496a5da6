"""Rankings that match an expansion: small runs whose order and trade-offs can be checked by hand."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from screen import cli, ranking
from screen.core.errors import SettingsError
from screen.core.records import Metadata, Outcome
from screen.core.substrates import substrates
from screen.store.database import Snapshot
from tests.test_ranking import GRID, PROPERTIES, order, published, result

SILICON = 2.57e-6  # 1/K, catalogs/substrates.csv


@dataclass(frozen=True)
class Made:
    """A material with the figures that decide."""

    name: str
    kappa: float  # W/m/K at 300 K
    expansion: float | None  # 1/K at 300 K
    gap: float | None = None  # eV


def outcome(item: Made) -> Outcome:
    """κ ∝ 1/T and α ∝ T around 300 K."""
    made = result(item.name, [item.kappa * 300 / T for T in GRID])
    rows = dict(made.rows)
    del rows["expansion"]
    if item.expansion is not None:
        curve = [item.expansion * T / 300 for T in GRID]
        rows["expansion"] = {"expansion_temperatures": GRID, "expansion": curve}
    return replace(made, rows=rows)


def run_of(folder: Path, items: Sequence[Made]) -> Snapshot:
    gaps = {item.name: Metadata("rocksalt", band_gap=item.gap) for item in items}
    return published(folder, [outcome(item) for item in items], metadata=gaps)


CARBIDE = Made("carbide", 400.0, 3.2e-6, 1.4)
ARSENIDE = Made("arsenide", 1200.0, 3.8e-6, 1.2)
PHOSPHIDE = Made("phosphide", 390.0, 3.3e-6)
SEMIMETAL = Made("semimetal", 800.0, 2.6e-6, 0.1)
NITRIDE = Made("nitride", 180.0, 2.5e-6, 4.1)
OXIDE = Made("oxide", 40.0, 10e-6, 4.5)
UNKNOWN = Made("unknown", 900.0, None, 3.0)
ITEMS = (CARBIDE, ARSENIDE, PHOSPHIDE, SEMIMETAL, NITRIDE, OXIDE, UNKNOWN)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def snapshot(folder: Path) -> Iterator[Snapshot]:
    with run_of(folder, ITEMS) as opened:
        yield opened


def matched(snapshot: Snapshot, kind: str = "heat-spreaders", **wanted: Any) -> list[str]:
    return order(ranking.rank(snapshot, kind, **{"match_expansion": "Si", **wanted}))


# ------------------------------------------------------------------------------- the rule


def test_materials_within_a_millionth_per_kelvin_are_ranked_by_conductivity(
    snapshot: Snapshot,
) -> None:
    """The arsenide is 1.23e-6/K away, the oxide 7e-6/K; the semimetal conducts electricity."""
    assert matched(snapshot) == ["carbide", "phosphide", "nitride"]
    assert matched(snapshot, "insulators") == ["nitride", "phosphide", "carbide", "semimetal"]


def test_the_tolerance_can_be_chosen(snapshot: Snapshot) -> None:
    assert matched(snapshot, max_mismatch=1.3e-6) == [
        *("arsenide", "carbide", "phosphide", "nitride")
    ]
    assert matched(snapshot, max_mismatch=0.1e-6) == ["nitride"]
    assert matched(snapshot, max_mismatch=1e-9) == []


def test_the_mismatch_is_positive_where_the_material_expands_more(snapshot: Snapshot) -> None:
    rows = ranking.rank(snapshot, "heat-spreaders", match_expansion="Si").to_pylist()
    mismatch = {row["material_id"]: row["expansion_mismatch"] for row in rows}
    assert mismatch["carbide"] == pytest.approx(3.2e-6 - SILICON, rel=1e-12)
    assert mismatch["nitride"] == pytest.approx(2.5e-6 - SILICON, rel=1e-12)
    assert all(
        row["expansion"] - row["expansion_mismatch"] == pytest.approx(SILICON) for row in rows
    )


def test_a_substrate_is_a_name_or_its_expansion(snapshot: Snapshot) -> None:
    by_name = ranking.rank(snapshot, "heat-spreaders", match_expansion="Si")
    assert ranking.rank(snapshot, "heat-spreaders", match_expansion=SILICON) == by_name
    assert ranking.rank(snapshot, "heat-spreaders", match_expansion="2.57e-6") == by_name


def test_heat_spreaders_that_match_are_insulating_as_far_as_known(snapshot: Snapshot) -> None:
    """The phosphide's gap is unknown: it stays, and the row says so."""
    rows = ranking.rank(snapshot, "heat-spreaders", match_expansion="Si").to_pylist()
    gaps = {row["material_id"]: row["band_gap"] for row in rows}
    assert gaps == {"carbide": 1.4, "phosphide": None, "nitride": 4.1}
    assert matched(snapshot, min_band_gap=2.0) == ["phosphide", "nitride"]
    assert matched(snapshot, min_band_gap=0.0)[0] == "semimetal"
    assert matched(snapshot, "insulators", min_band_gap=1.0) == ["nitride", "phosphide", "carbide"]


def test_a_band_gap_can_be_asked_for_without_a_substrate(snapshot: Snapshot) -> None:
    table = ranking.rank(snapshot, "heat-spreaders", min_band_gap=1.3)
    assert order(table) == ["unknown", "carbide", "phosphide", "nitride", "oxide"]
    assert table.column_names == [column.name for column in ranking.COLUMNS]


def test_a_matched_row_holds_what_is_declared(snapshot: Snapshot) -> None:
    table = ranking.rank(snapshot, "heat-spreaders", match_expansion="Si")
    declared = ranking.COLUMNS + ranking.MATCH_COLUMNS
    assert table.column_names == [column.name for column in declared]
    kinds = {"DOUBLE": "double", "VARCHAR": "string", "BIGINT": "int64", "BOOLEAN": "bool"}
    assert [str(kind) for kind in table.schema.types] == [kinds[c.sql_type] for c in declared]


def test_a_number_is_matched_at_the_temperature_of_the_ranking(snapshot: Snapshot) -> None:
    """At 400 K the nitride has α = 2.5e-6 · 4/3 = 3.33e-6/K."""
    rows = ranking.rank(
        snapshot, "insulators", 400.0, match_expansion=3.3e-6, max_mismatch=0.05e-6
    ).to_pylist()
    assert [row["material_id"] for row in rows] == ["nitride"]
    assert rows[0]["expansion_mismatch"] == pytest.approx(2.5e-6 * 4 / 3 - 3.3e-6, rel=1e-9)


# -------------------------------------------------------------------------------- trade-offs


def test_what_is_worse_in_both_is_not_pareto_optimal(snapshot: Snapshot) -> None:
    """The phosphide conducts less than the carbide and fits worse."""
    rows = ranking.rank(
        snapshot, "heat-spreaders", match_expansion="Si", max_mismatch=1e-5
    ).to_pylist()
    optimal = {row["material_id"]: row["pareto_optimal"] for row in rows}
    assert optimal == {
        **{"arsenide": True, "carbide": True, "nitride": True},
        **{"phosphide": False, "oxide": False},
    }


def dominates(sign: int, one: Any, other: Any) -> bool:
    """One is at least as good in κ and in |α − α_sub|, and better in one of them."""
    better_kappa = sign * (one["kappa"] - other["kappa"])
    closer = abs(other["expansion_mismatch"]) - abs(one["expansion_mismatch"])
    return bool(better_kappa >= 0 and closer >= 0 and (better_kappa > 0 or closer > 0))


@pytest.mark.parametrize(("kind", "sign"), [("heat-spreaders", 1), ("insulators", -1)])
def test_a_material_is_pareto_optimal_where_none_dominates_it(
    tmp_path: Path, kind: str, sign: int
) -> None:
    """120 materials on a coarse grid, the better ones farther off: many equal another in κ,
    in mismatch, or in both."""
    generator = np.random.default_rng(7)
    steps = generator.integers(-8, 9, 120)
    kappas = 30 + 3 * sign * abs(steps) + generator.integers(-4, 5, 120)
    items = [
        Made(f"m{index:03}", float(kappa), 4e-6 + 0.3e-6 * step)
        for index, (kappa, step) in enumerate(zip(kappas, steps, strict=True))
    ]
    with run_of(tmp_path, items) as snapshot:
        everything = ranking.rank(
            snapshot, kind, limit=200, match_expansion=4e-6, max_mismatch=1e-5
        )
        nearest = ranking.rank(snapshot, kind, limit=200, match_expansion=4e-6, max_mismatch=1e-6)
        first = ranking.rank(snapshot, kind, limit=1, match_expansion=4e-6, max_mismatch=1e-5)
    rows = everything.to_pylist()
    assert len(rows) == 120
    for row in rows:
        dominated = any(dominates(sign, other, row) for other in rows)
        assert row["pareto_optimal"] is not dominated, row
    assert 5 < sum(row["pareto_optimal"] for row in rows) < 40
    assert first["pareto_optimal"].to_pylist() == [True], "of the best κ the closest comes first"
    marks = {row["material_id"]: row["pareto_optimal"] for row in rows}
    assert {row["material_id"]: row["pareto_optimal"] for row in nearest.to_pylist()} == {
        row["material_id"]: marks[row["material_id"]]
        for row in rows
        if abs(row["expansion_mismatch"]) <= 1e-6
    }, "who dominates is at least as close: the tolerance changes no mark"


# ------------------------------------------------------------------------------------ errors


def test_an_unknown_substrate_lists_the_known_ones(snapshot: Snapshot) -> None:
    with pytest.raises(
        SettingsError, match=r"no substrate 'Unobtainium'; known: Si, .*GaN.*2.6e-6"
    ):
        matched(snapshot, match_expansion="Unobtainium")


@pytest.mark.parametrize("value", [2.6, "2.6", -1.0, float("nan"), "inf"])
def test_an_expansion_in_another_unit_is_refused(snapshot: Snapshot, value: Any) -> None:
    with pytest.raises(SettingsError, match="no linear expansion in 1/K"):
        matched(snapshot, match_expansion=value)


@pytest.mark.parametrize("value", [0.0, -1e-6, float("nan"), float("inf")])
def test_a_tolerance_is_positive(snapshot: Snapshot, value: float) -> None:
    with pytest.raises(SettingsError, match="positive number in 1/K"):
        matched(snapshot, max_mismatch=value)


def test_a_tolerance_without_a_substrate_is_refused(snapshot: Snapshot) -> None:
    with pytest.raises(SettingsError, match="max_mismatch needs match_expansion"):
        ranking.rank(snapshot, "insulators", max_mismatch=1e-6)


@pytest.mark.parametrize("value", [-0.1, float("nan")])
def test_a_band_gap_is_not_negative(snapshot: Snapshot, value: float) -> None:
    with pytest.raises(SettingsError, match="band gap in eV"):
        ranking.rank(snapshot, "insulators", min_band_gap=value)


def test_a_substrate_is_not_used_far_from_room_temperature(snapshot: Snapshot) -> None:
    near = ranking.rank(snapshot, "insulators", 298.15, match_expansion="Si")
    assert len(near) == 4
    with pytest.raises(SettingsError, match=r"Si is known at 300 K only, not at 400 K; give"):
        ranking.rank(snapshot, "insulators", 400.0, match_expansion="Si")


def test_a_run_without_expansions_cannot_be_matched(tmp_path: Path) -> None:
    alone = {"conductivity": PROPERTIES["conductivity"]}
    item = outcome(Made("one", 1.0, None))
    item = replace(item, rows={"conductivity": item.rows["conductivity"]})
    with (
        published(tmp_path, [item], alone) as snapshot,
        pytest.raises(SettingsError, match="add 'expansion'"),
    ):
        matched(snapshot)


# ------------------------------------------------------------------------------ command line


Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ask(
    snapshot: Snapshot,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Ask:
    """Call ``thermoscreen rank`` on the run: exit code, output, messages."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["thermoscreen", "rank", *arguments, "--run", str(folder)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


def test_the_command_gives_the_same_rows_as_python(snapshot: Snapshot, ask: Ask) -> None:
    options = ("--match-expansion", "Si", "--max-mismatch", "1.3e-6", "--min-band-gap", "1.3")
    table = ranking.rank(
        snapshot, "heat-spreaders", match_expansion="Si", max_mismatch=1.3e-6, min_band_gap=1.3
    )
    code, out, _ = ask("heat-spreaders", *options, "--format", "json")
    assert (code, json.loads(out)) == (0, table.to_pylist())
    _, out, _ = ask("heat-spreaders", *options, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["material_id"] for row in rows] == order(table)
    assert float(rows[0]["expansion_mismatch"]) == table["expansion_mismatch"][0].as_py()


def test_a_matched_ranking_for_people_says_its_rule(ask: Ask) -> None:
    code, out, _ = ask("heat-spreaders", "--match-expansion", "Si")
    assert code == 0
    assert "α within 1e-06/K of Si (2.57e-06/K)" in out
    assert "band gap at least 1 eV, or unknown" in out
    header, row = out.split("band gap\n")[0], next(x for x in out.splitlines() if "phosphide" in x)
    assert "α − α_sub" in header
    assert row.rstrip(" │").endswith("–"), "an unknown gap is a dash"
    _, out, _ = ask("insulators", "--match-expansion", "3e-6")
    assert "α within 1e-06/K of 3e-6 (3e-06/K)" in out
    assert "eV, or unknown" not in out
    _, out, _ = ask("insulators", "--match-expansion", "3e-4")
    assert "α within 1e-06/K of 3e-4 (0.0003/K): none; raise --max-mismatch" in out


def test_the_command_ends_with_one_clear_line(ask: Ask) -> None:
    for options, message in (
        (("--match-expansion", "Ge"), f"no substrate 'Ge'; known: {', '.join(substrates())}"),
        (("--match-expansion", "Si", "--temperature", "400"), "known at 300 K only"),
        (("--max-mismatch", "1e-6"), "needs match_expansion"),
    ):
        code, out, err = ask("heat-spreaders", *options)
        assert (code, out) == (2, "")
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        assert message in err
