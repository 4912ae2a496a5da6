"""Views and macros: what SQL users see is what Thermoscreen itself says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from screen import ranking
from screen.core.records import Failure, Metadata, Outcome
from screen.core.settings import PROTOCOLS
from screen.store import queries
from screen.store.database import Snapshot, Writer, open_snapshot
from screen.store.filled import FILLED
from screen.store.schema import VIEWS, property_tables
from screen.store.views import FUNCTIONS, relations
from tests.store.samples import IDENTITY, MODEL, candidate, execution
from tests.test_ranking import GRID, OUTCOMES, PROPERTIES, QUICK, published, result

TEMPERATURES = (200.0, 250.0, 300.0, 333.0, 400.0)
TABLE_MACROS = tuple(item for item in relations((), ()) if item.parameters)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    """The run by which rankings are tested: two potentials, failures, holes in grids."""
    with published(tmp_path_factory.mktemp("run"), OUTCOMES) as opened:
        yield opened


def value(snapshot: Snapshot, sql: str) -> Any:
    (row,) = snapshot.query(f"SELECT {sql} AS found").to_pylist()
    return row["found"]


@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("kind", ranking.RANKINGS)
def test_a_ranking_in_sql_is_the_ranking(snapshot: Snapshot, kind: str, temperature: float) -> None:
    ranked = ranking.rank(snapshot, kind, temperature, limit=100).to_pylist()
    macro = f"{kind.replace('-', '_')}_at({temperature})"
    rows = snapshot.query(f"FROM {macro} ORDER BY rank").to_pylist()
    assert [row["material_id"] for row in rows] == [row["material_id"] for row in ranked]
    assert len(rows) >= 3
    shared = rows[0].keys() & ranked[0].keys()
    assert shared >= {"rank", "kappa", "kappa_c", "kappa_spread", "expansion", "models_disagree"}
    for row, expected in zip(rows, ranked, strict=True):
        for name in shared:
            if isinstance(expected[name], float):
                assert row[name] == pytest.approx(expected[name], rel=1e-12), name
            else:
                assert row[name] == expected[name], name


@pytest.mark.parametrize("view", ["insulators", "heat_spreaders"])
def test_the_views_are_the_rankings_at_300_k(snapshot: Snapshot, view: str) -> None:
    rows = snapshot.query(f"FROM {view} ORDER BY rank")
    assert rows.equals(snapshot.query(f"FROM {view}_at(300) ORDER BY rank"))
    assert set(rows["temperature"].to_pylist()) == {300.0}


@pytest.mark.parametrize("name", [item.name for item in FILLED])
def test_a_snapshot_holds_the_rows_of_a_view_as_a_table(snapshot: Snapshot, name: str) -> None:
    found = relations(property_tables(PROPERTIES), queries.models_of(snapshot))
    (view,) = (item for item in found if item.name == name)
    rows = snapshot.query(f"FROM {name} ORDER BY ALL")
    assert rows.equals(snapshot.query(f"FROM ({view.sql}) ORDER BY ALL"))
    assert len(rows) > 0
    assert rows.column_names == [column.name for column in view.columns]


def test_protocols_are_ranked_apart(tmp_path: Path) -> None:
    outcomes = [result("low", [3.0, 2.0, 1.0]), result("high", [30.0, 20.0, 10.0])]
    screen = PROTOCOLS["screen"]
    again = [replace(item, protocol_digest=screen.digest) for item in outcomes]
    with Writer(tmp_path, PROPERTIES) as writer:
        writer.add_protocol(QUICK)
        writer.add_protocol(screen)
        writer.upsert([*outcomes, *again])
        writer.publish()
    with open_snapshot(tmp_path) as opened:
        rows = opened.query(
            "SELECT protocol, rank, material_id FROM insulators ORDER BY ALL"
        ).to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        (protocol, rank, material)
        for protocol in ("quick", "screen")
        for rank, material in ((1, "low"), (2, "high"))
    ]


def test_kappa_at_a_stored_temperature_is_what_is_stored(snapshot: Snapshot) -> None:
    stored = snapshot.query(
        "SELECT material_id, model_digest, unnest(temperatures) AS T, unnest(kappa) AS kappa, "
        "unnest(kappa_p) AS kappa_p, unnest(kappa_c) AS kappa_c FROM conductivity"
    ).to_pylist()
    found = {
        (row["material_id"], row["model_digest"], temperature): row
        for temperature in GRID
        for row in snapshot.query(f"FROM kappa_at({temperature})").to_pylist()
    }
    with_value = [row for row in stored if row["kappa"] is not None]
    assert len(found) == len(with_value) < len(stored)  # one has a hole in its grid
    for row in with_value:
        at = found[row["material_id"], row["model_digest"], row["T"]]
        assert {name: at[name] for name in ranking.TRANSPORT} == {
            name: row[name] for name in ranking.TRANSPORT
        }
        assert at["coherence_share"] == row["kappa_c"] / row["kappa"]
    assert {at["stable"] for at in found.values()} == {True, False}


def test_outside_its_grid_a_material_has_no_value(snapshot: Snapshot) -> None:
    assert len(snapshot.query("FROM kappa_at(199.9)")) == 0
    assert len(snapshot.query("FROM expansion_at(400.1)")) == 0
    hot = snapshot.query("SELECT material_id FROM kappa_at(350)")["material_id"].to_pylist()
    assert "cold" not in hot
    assert "high" in hot


def test_expansion_between_two_temperatures_is_linear(snapshot: Snapshot) -> None:
    rows = snapshot.query("SELECT DISTINCT temperature, expansion FROM expansion_at(275)")
    assert rows.to_pylist() == [{"temperature": 275.0, "expansion": pytest.approx(1.75e-5)}]


@pytest.mark.parametrize(
    ("values", "kelvin", "expected"),
    [
        ("[8, 4, 2]", 100, 8.0),
        ("[8, 4, 2]", 200, 4.0),
        ("[8, 4, 2]", 400, 2.0),
        ("[8, 4, 2]", 300, 4 * (300 / 200) ** -1),  # κ ∝ 1/T
        ("[8, 2, 0.5]", 150, 8 * (150 / 100) ** -2),
        ("[0, 4, 2]", 150, 2.0),  # next to a zero: linear
        ("[8, NULL, 2]", 150, None),
        ("[8, NULL, 2]", 200, None),
        ("[8, NULL, 2]", 400, 2.0),
        ("[8, 4, 2]", 99, None),
        ("[8, 4, 2]", 401, None),
        ("[8, 4, 2]", "NULL", None),
        ("NULL::DOUBLE[]", 300, None),
        ("[]::DOUBLE[]", 300, None),
    ],
)
def test_by_powers(snapshot: Snapshot, values: str, kelvin: Any, expected: float | None) -> None:
    found = value(snapshot, f"by_powers([100, 200, 400], {values}, {kelvin})")
    assert found == (None if expected is None else pytest.approx(expected, rel=1e-14))


def test_at_temperature_is_linear_also_through_zero(snapshot: Snapshot) -> None:
    grid, values = "[0, 100, 200]", "[-1, 1, 5]"
    for kelvin, expected in ((0, -1.0), (50, 0.0), (100, 1.0), (175, 4.0), (201, None)):
        assert value(snapshot, f"at_temperature({grid}, {values}, {kelvin})") == expected
    assert value(snapshot, "at_temperature([300], [7], 300)") == 7.0


def test_names_in_the_callers_query_do_not_reach_into_the_macros(snapshot: Snapshot) -> None:
    """A macro is text: its own names must not be taken for columns of the caller."""
    found = snapshot.query(
        "SELECT by_powers(point, place, low) AS at FROM "
        "(SELECT [100, 200] AS point, [4, 2] AS place, 100 AS low, 200 AS high, 9 AS kelvin)"
    )
    assert found.to_pylist() == [{"at": 4.0}]


@pytest.mark.parametrize("declared", [{}, PROPERTIES], ids=["no properties", "no results"])
def test_every_view_and_macro_answers_in_an_empty_run(tmp_path: Path, declared: Any) -> None:
    with Writer(tmp_path, declared) as writer:
        writer.publish()
    with open_snapshot(tmp_path) as empty:
        for item in relations((), ()):
            call = f"{item.name}(300)" if item.parameters else item.name
            assert len(empty.query(f"FROM {call}")) == 0


def test_every_column_is_described_as_it_is(snapshot: Snapshot) -> None:
    """Names, order and types of ``columns`` are those that DuckDB gives."""
    for name in queries.relation_names(snapshot):
        found = snapshot.query(f"DESCRIBE {name}").to_pylist()
        declared = queries.columns_of(snapshot, name)
        assert [(column.name, column.sql_type) for column in declared] == [
            (row["column_name"], row["column_type"]) for row in found
        ], name
        assert all(column.label and column.description for column in declared), name
    for item in TABLE_MACROS:
        found = snapshot.query(f"DESCRIBE FROM {item.name}(300)").to_pylist()
        assert [(column.name, column.sql_type) for column in item.columns] == [
            (row["column_name"], row["column_type"]) for row in found
        ], item.name


def test_everything_that_sql_can_name_says_what_it_is(snapshot: Snapshot) -> None:
    rows = queries.relations(snapshot).to_pylist()
    assert all(row["description"].endswith(".") for row in rows)
    kinds = {row["name"]: row["kind"] for row in rows}
    tables = {item.name for item in FILLED}
    assert {name for name, kind in kinds.items() if kind == "view"} == set(VIEWS) - tables
    assert {kinds[name] for name in tables} == {"table"}
    assert {name for name, kind in kinds.items() if kind == "table macro"} == {
        item.name for item in TABLE_MACROS
    }
    assert {name for name, kind in kinds.items() if kind == "macro"} == {
        item.name for item in FUNCTIONS
    }
    assert set(kinds) >= set(queries.relation_names(snapshot))
    assert rows[0]["name"] == "results"


def scored(tmp_path: Path) -> dict[str, dict[str, Any]]:
    """The view ``benchmark`` over one material of each fate."""
    known = {
        "exact": Metadata(kappa_reference_300=2.0),
        "twice": Metadata(kappa_reference_300=1.0, kappa_reference_nac_300=4.0),
        "polar": Metadata(kappa_reference_300=1.0, kappa_reference_nac_300=4.0),
        "soft": Metadata(kappa_reference_300=1.0),
        "broken": Metadata(kappa_reference_300=1.0),
        "held": Metadata(kappa_reference_300=1.0),
        "unknown": Metadata(),
    }
    held = Failure("funnel", "not_selected", "not the best")
    broken = Failure("relax", "relaxation", "no minimum")
    outcomes = [
        result("exact", [3.0, 2.0, 1.0]),
        result("twice", [3.0, 2.0, 1.0]),
        result("polar", [3.0, 2.0, 1.0], nac=True),
        result("soft", [3.0, 2.0, 1.0], stable=False),
        replace(result("broken", None), rows={}, failures=(broken,)),
        replace(result("held", None), failures=(held,)),
        result("unknown", [3.0, 2.0, 1.0]),
    ]
    with published(tmp_path, outcomes, metadata=known) as opened:
        rows = opened.query("FROM benchmark").to_pylist()
    return {row["material_id"]: row for row in rows}


def test_the_benchmark_scores_what_was_asked_for_and_has_a_reference(tmp_path: Path) -> None:
    found = scored(tmp_path)
    errors = {name: row["srd_300"] for name, row in found.items()}
    assert errors == {
        "exact": 0.0,
        "twice": pytest.approx(2 * (2 - 1) / (2 + 1)),
        "polar": pytest.approx(2 * (2 - 4) / (2 + 4)),  # with NAC against the reference with NAC
        "soft": -2.0,
        "broken": -2.0,
    }
    assert all(row["sre_300"] == abs(row["srd_300"]) for row in found.values())
    assert (found["polar"]["kappa_reference_300"], found["polar"]["ratio_300"]) == (4.0, 0.5)
    assert (found["broken"]["failure_kind"], found["broken"]["ratio_300"]) == ("relaxation", None)


def test_failures_leave_out_what_was_held_back(tmp_path: Path) -> None:
    failures = [Failure("funnel", "not_selected", "no"), Failure("relax", "relaxation", "no")]
    outcomes = [
        Outcome(f"m{index}", None, MODEL, QUICK.digest, {}, (failure,), {}, (), {})
        for index, failure in enumerate(failures)
    ]
    with Writer(tmp_path, PROPERTIES) as writer:
        writer.add_model(MODEL, IDENTITY)
        writer.add_candidates([candidate("m1")])
        writer.upsert(outcomes)
        writer.publish()
    with open_snapshot(tmp_path) as opened:
        (row,) = opened.query("FROM failures").to_pylist()
        logged = opened.query("SELECT kind FROM failure_log ORDER BY kind")["kind"].to_pylist()
    assert (row["material_id"], row["formula"], row["model"]) == ("m1", "LiBr", "springs-1")
    assert logged == ["not_selected", "relaxation"]


def test_costs_hold_computations_that_nobody_owns_yet(tmp_path: Path) -> None:
    with Writer(tmp_path, PROPERTIES) as writer:
        writer.add_executions([execution("e1", "m1")])
        writer.publish()
    with open_snapshot(tmp_path) as opened:
        (row,) = opened.query("FROM costs").to_pylist()
    assert (row["wall_s"], row["model"], row["formula"]) == (10.0, None, None)
