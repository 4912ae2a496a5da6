"""The example queries on a small real run: springs, two potentials, one crystal they do not know."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from screen.core import catalogs
from screen.core.errors import CatalogError
from screen.pipeline.campaign import run_campaign
from screen.ranking import rank
from screen.store import examples as module
from screen.store.database import Snapshot, open_snapshot
from screen.store.examples import examples
from tests.pipeline.campaigns import TINY, tiny

Rows = list[dict[str, Any]]
GRID = [100, 300, 600]  # K
TWO = ("springs", "springs-soft")


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    """Rocksalts with their DFT references; boron is unknown to springs."""
    run: Path = tmp_path_factory.mktemp("runs") / "springs"
    smaller = {**TINY["displacements"], "fc2_minimum_image": 5.0, "fc3_minimum_image": 5.0}
    protocol = {**TINY, "temperatures": GRID, "displacements": smaller}
    soft = {"family": "springs", "name": "springs-soft"}
    asked: list[dict[str, Any]] = [
        {"names": ["LiF-rs", "MgO-rs", "BN-zb"], "model": "springs"},
        {"names": ["MgO-rs"], "model": soft, "properties": ["stability", "conductivity"]},
    ]
    for changes in asked:
        source = {"name": "benchmark", "names": changes.pop("names")}
        run_campaign(tiny(run, run, source=source, protocol=protocol, **changes))
    with open_snapshot(run) as opened:
        yield opened


def stored(snapshot: Snapshot, material: str, model: str, column: str = "kappa") -> list[float]:
    (row,) = snapshot.query(
        f"SELECT {column} FROM conductivity JOIN models USING (model_digest) "
        "WHERE material_id = $material AND name = $model",
        {"material": material, "model": model},
    ).to_pylist()
    numbers: list[float] = row[column]
    return numbers


def best_insulators(rows: Rows, snapshot: Snapshot) -> None:
    ranked = rank(snapshot, "insulators").to_pylist()
    assert [row["formula"] for row in rows] == [row["formula"] for row in ranked] == ["MgO", "LiF"]
    assert [row["kappa"] for row in rows] == pytest.approx([row["kappa"] for row in ranked])
    hard, soft = (stored(snapshot, "MgO-rs", model)[1] for model in TWO)
    assert rows[0]["kappa_spread"] == pytest.approx((hard - soft) / 2)
    assert rows[0]["models_compared"] == 2


def best_heat_spreaders(rows: Rows, snapshot: Snapshot) -> None:
    ranked = rank(snapshot, "heat-spreaders").to_pylist()
    assert [row["formula"] for row in rows] == [row["formula"] for row in ranked] == ["LiF", "MgO"]
    assert rows[0]["kappa"] > rows[1]["kappa"]


def hot_insulators(rows: Rows, snapshot: Snapshot) -> None:
    ranked = rank(snapshot, "insulators", 550.0).to_pylist()
    assert [row["temperature"] for row in rows] == [550.0, 550.0]
    for name in ("kappa", "kappa_p", "kappa_c", "coherence_share"):
        assert [row[name] for row in rows] == pytest.approx([row[name] for row in ranked])


def kappa_over_temperature(rows: Rows, snapshot: Snapshot) -> None:
    assert {row["formula"] for row in rows} == {"MgO"}
    for model in TWO:
        curve = [row for row in rows if row["model"] == model]
        assert [row["temperature"] for row in curve] == GRID
        assert [row["kappa"] for row in curve] == stored(snapshot, "MgO-rs", model)
        for row in curve:
            assert row["kappa"] == pytest.approx(row["kappa_p"] + row["kappa_c"])


def wave_like_conductors(rows: Rows, snapshot: Snapshot) -> None:
    shares = [row["coherence_share"] for row in rows]
    assert shares == sorted(shares, reverse=True)
    assert len(rows) == 3
    for row in rows:
        assert row["coherence_share"] == row["kappa_c"] / row["kappa"]


def exponent_of_temperature(rows: Rows, snapshot: Snapshot) -> None:
    """500 K lies between 300 and 600 K, so that the exponent is that of the ends."""
    assert len(rows) == 3
    for row in rows:
        _, warm, hot = stored(snapshot, row["material_id"], row["model"])
        assert row["exponent"] == pytest.approx(math.log(hot / warm) / math.log(2))
        assert -1.1 < row["exponent"] < -0.8  # three phonons, and isotopes


def potentials_compared(rows: Rows, snapshot: Snapshot) -> None:
    (row,) = rows
    hard, soft = (stored(snapshot, "MgO-rs", model)[1] for model in TWO)
    assert (row["material_id"], row["potentials"], row["stable_by_all"]) == ("MgO-rs", 2, True)
    assert (row["lowest_by"], row["highest_by"]) == ("springs-soft", "springs")
    assert (row["lowest_kappa_300"], row["highest_kappa_300"]) == (soft, hard)
    assert row["factor"] == hard / soft > 1


def error_against_dft(rows: Rows, snapshot: Snapshot) -> None:
    """Figures of the benchmark's catalog, by hand."""
    catalog = catalogs.catalog_path("phonondb_pbe_103.csv").read_text(encoding="utf-8")
    lines = (line.split(",") for line in catalog.splitlines()[1:])
    references = {line[0]: float(line[-2]) for line in lines}

    def error(material: str, model: str) -> float:
        kappa, reference = stored(snapshot, material, model)[1], references[material]
        return abs(2 * (kappa - reference) / (kappa + reference))

    found = {row["model"]: row for row in rows}
    both = [error("LiF-rs", "springs"), error("MgO-rs", "springs")]
    # the nitride that springs does not know counts 2
    assert found["springs"]["mean_sre_300"] == pytest.approx((sum(both) + 2) / 3)
    assert found["springs-soft"]["mean_sre_300"] == pytest.approx(error("MgO-rs", "springs-soft"))
    assert (found["springs"]["materials"], found["springs"]["with_kappa"]) == (3, 2)
    assert [row["mean_sre_300"] for row in rows] == sorted(row["mean_sre_300"] for row in rows)


def match_silicon(rows: Rows, snapshot: Snapshot) -> None:
    """Both expand more, so that the same query with their expansion says what it finds."""
    assert rows == []
    (sql,) = (example.sql for example in examples() if example.name == "match-silicon")
    (lif,) = snapshot.query("FROM heat_spreaders WHERE formula = 'LiF'").to_pylist()
    shifted = sql.replace("2.6e-6", str(lif["expansion"] - 1e-6))
    (row,) = snapshot.query(shifted).to_pylist()
    assert (row["formula"], row["rank"]) == ("LiF", 1)
    assert row["expansion_mismatch"] == pytest.approx(1e-6)


def failures_by_kind(rows: Rows, snapshot: Snapshot) -> None:
    (row,) = rows
    assert (row["stage"], row["kind"]) == ("relax", "unsupported_element")
    assert (row["outcomes"], row["materials"], row["example"]) == (1, 1, "BN-zb")
    assert "springs was not trained on B" in row["message"]


def cost_by_stage(rows: Rows, snapshot: Snapshot) -> None:
    (total,) = snapshot.query("SELECT sum(wall_s) AS s FROM cost_ledger").to_pylist()
    assert 3600 * sum(row["hours"] for row in rows) == pytest.approx(total["s"])
    counts = {(row["stage"], row["model"]): row["computations"] for row in rows}
    assert counts["conductivity", "springs"] == 2
    assert counts["conductivity", "springs-soft"] == 1
    assert ("expansion", "springs-soft") not in counts


def kappa_by_prototype(rows: Rows, snapshot: Snapshot) -> None:
    found = {row["model"]: row for row in rows}
    assert {row["prototype"] for row in rows} == {"rocksalt"}
    low, high = sorted(stored(snapshot, item, "springs")[1] for item in ("LiF-rs", "MgO-rs"))
    assert found["springs"]["kappa_300"] == pytest.approx((low + high) / 2)
    assert found["springs"]["lower_quartile"] == pytest.approx(low + (high - low) / 4)
    assert found["springs-soft"]["materials"] == 1


CHECKS: Mapping[str, Callable[[Rows, Snapshot], None]] = {
    "best-insulators": best_insulators,
    "best-heat-spreaders": best_heat_spreaders,
    "hot-insulators": hot_insulators,
    "kappa-over-temperature": kappa_over_temperature,
    "wave-like-conductors": wave_like_conductors,
    "exponent-of-temperature": exponent_of_temperature,
    "potentials-compared": potentials_compared,
    "error-against-dft": error_against_dft,
    "match-silicon": match_silicon,
    "failures-by-kind": failures_by_kind,
    "cost-by-stage": cost_by_stage,
    "kappa-by-prototype": kappa_by_prototype,
}


@pytest.mark.parametrize("name", CHECKS)
def test_an_example_query_gives_what_its_title_says(snapshot: Snapshot, name: str) -> None:
    (example,) = (example for example in examples() if example.name == name)
    CHECKS[name](snapshot.query(example.sql).to_pylist(), snapshot)


@pytest.mark.parametrize("temperature", [100.0, 240.0, 300.0, 470.0, 600.0])
def test_kappa_at_any_temperature_is_that_of_the_ranking(
    snapshot: Snapshot, temperature: float
) -> None:
    at = {
        (row["material_id"], row["model"]): row
        for row in snapshot.query(f"FROM kappa_at({temperature})").to_pylist()
    }
    assert len(at) == 3
    for model in TWO:
        for row in rank(snapshot, "insulators", temperature, model=model).to_pylist():
            found = at[row["material_id"], model]
            for name in ("kappa", "kappa_p", "kappa_c"):
                assert found[name] == pytest.approx(row[name], rel=1e-12)
            if temperature in GRID:
                kappa = stored(snapshot, row["material_id"], model)
                assert found["kappa"] == kappa[GRID.index(int(temperature))]


def test_there_are_twelve_example_queries_each_with_a_title_and_a_sentence() -> None:
    assert tuple(CHECKS) == tuple(example.name for example in examples())
    assert len(examples()) == 12
    for example in examples():
        assert example.title
        assert example.description.endswith(".")
        assert not example.sql.startswith("--")


def test_a_query_without_a_title_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "01-nameless.sql").write_text("SELECT 1")
    monkeypatch.setattr(module, "catalog_path", lambda _: tmp_path)
    with pytest.raises(CatalogError, match=r"01-nameless\.sql: the first line is no comment"):
        examples.__wrapped__()
