"""The questions of status, command line and dashboard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from screen.core.errors import StoreError
from screen.core.records import Failure
from screen.core.settings import PROTOCOLS
from screen.store import queries
from screen.store.database import Snapshot, Writer, open_snapshot
from tests.store.samples import (
    IDENTITY,
    MODEL,
    PROPERTIES,
    PROTOCOL,
    candidate,
    execution,
    failed,
    outcome,
)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    """Two complete, two failed, one waiting."""
    run: Path = tmp_path_factory.mktemp("run")
    with Writer(run, PROPERTIES) as writer:
        writer.add_model(MODEL, IDENTITY)
        writer.add_protocol(PROTOCOLS["quick"])
        writer.add_candidates([candidate(f"m{n}") for n in range(1, 6)])
        work = (execution("a", "m1"), execution("b", "m1", stage="fc3", artifact="k3"))
        writer.upsert([outcome("m1", executions=work), outcome("m2")])
        writer.upsert([failed("m3"), failed("m4")])
        writer.publish()
    with open_snapshot(run) as opened:
        yield opened


def test_status_counts_include_what_waits(snapshot: Snapshot) -> None:
    rows = queries.status_counts(snapshot).to_pylist()
    assert [(row["status"], row["materials"]) for row in rows] == [
        ("complete", 2),
        ("failed", 2),
        ("pending", 1),
    ]
    assert {(row["model"], row["protocol_digest"]) for row in rows} == {("springs-1", PROTOCOL)}


def test_before_the_first_outcome_everything_waits(writer: Writer) -> None:
    writer.publish()
    with open_snapshot(writer.run) as empty:
        assert queries.status_counts(empty).to_pylist() == []
    writer.add_candidates([candidate("m1")])
    writer.publish()
    with open_snapshot(writer.run) as waiting:
        (row,) = queries.status_counts(waiting).to_pylist()
        assert (row["status"], row["materials"]) == ("pending", 1)


def test_failures_are_counted_with_an_example(snapshot: Snapshot) -> None:
    assert queries.failure_counts(snapshot).to_pylist() == [
        {
            "stage": "relax",
            "kind": "relaxation",
            "outcomes": 2,
            "materials": 2,
            "example": "m3",
            "message": "relaxation happened",
        }
    ]


def test_a_material_that_fails_with_two_potentials_is_one_material(tmp_path: Path) -> None:
    with Writer(tmp_path, PROPERTIES) as writer:
        writer.add_candidates([candidate("m1")])
        writer.upsert([failed("m1"), replace(failed("m1"), model_digest="22" * 12)])
        writer.publish()
    with open_snapshot(tmp_path) as snapshot:
        (row,) = queries.failure_counts(snapshot).to_pylist()
    assert (row["outcomes"], row["materials"]) == (2, 1)


def test_what_is_held_back_is_no_failure(tmp_path: Path) -> None:
    with Writer(tmp_path, PROPERTIES) as writer:
        writer.add_candidates([candidate("m1"), candidate("m2")])
        for material, kind in (("m1", "not_selected"), ("m2", "over_budget")):
            writer.upsert([outcome(material, failures=(Failure("funnel", kind, "why"),))])
        writer.publish()
    with open_snapshot(tmp_path) as held:
        counts = queries.status_counts(held).to_pylist()
        assert {row["status"]: row["materials"] for row in counts} == {
            "not_selected": 1,
            "over_budget": 1,
        }
        assert queries.failure_counts(held).to_pylist() == []


def test_costs_are_summed_by_stage(snapshot: Snapshot) -> None:
    relax, fc3 = queries.cost_by_stage(snapshot).to_pylist()
    assert (relax["stage"], relax["executions"], relax["wall_s"]) == ("relax", 4, 40.0)
    assert (relax["evaluations"], relax["median_wall_s"]) == (16, 10.0)
    assert (fc3["stage"], fc3["cpu_s"], fc3["peak_mb"]) == ("fc3", 9.0, 512.0)


def test_a_sheet_holds_everything_about_a_material(snapshot: Snapshot) -> None:
    sheet = queries.material_sheet(snapshot, "m1")
    assert sheet.material["formula"].to_pylist() == ["LiBr"]
    assert sheet.results["status"].to_pylist() == ["complete"]
    assert sheet.properties["conductivity"]["kappa"].to_pylist() == [[2.25, 1.5, 1.125]]
    assert sheet.costs["stage"].to_pylist() == ["relax", "fc3"]
    assert len(queries.material_sheet(snapshot, "m3").failures) == 1
    assert len(queries.material_sheet(snapshot, "m5").outcomes) == 0


def test_an_unknown_material_is_named(snapshot: Snapshot) -> None:
    with pytest.raises(StoreError, match="no material 'm77'"):
        queries.material_sheet(snapshot, "m77")


def test_the_schema_lists_results_first(snapshot: Snapshot) -> None:
    rows = queries.schema(snapshot).to_pylist()
    assert rows[0]["table_name"] == "results"
    assert {row["table_name"] for row in rows} >= {"materials", "costs", "expansion", "columns"}


def test_columns_come_back_as_declared(snapshot: Snapshot) -> None:
    assert queries.columns_of(snapshot, "expansion")[3:] == PROPERTIES["expansion"]
    assert queries.columns_of(snapshot, "nowhere") == ()
    by_name = {column.name: column for column in queries.columns_of(snapshot)}
    assert by_name["kappa_300"].header == "κ (300 K) [W/m/K]"
    assert list(by_name) == snapshot.query("FROM results LIMIT 0").column_names


def test_property_names_are_those_with_a_table(snapshot: Snapshot) -> None:
    assert queries.property_names(snapshot) == ("conductivity", "expansion", "stability")
