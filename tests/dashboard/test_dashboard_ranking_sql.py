"""The SQL of the ranked materials gives what the library ranks, and the front that is one."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from benchmarks.synthetic_run import PROTOCOL as SYNTHETIC_PROTOCOL
from benchmarks.synthetic_run import write_synthetic_run
from dashboard import data
from dashboard.data import Published, ResultSet
from dashboard.filters import TRUST, Filters
from dashboard.rankings import answers, sql
from dashboard.rankings.columns import columns_of
from dashboard.rankings.criteria import CRITERIA, criteria_of
from dashboard.rankings.facts import facts
from dashboard.rankings.question import Box, Order, Question
from screen.ranking import rank
from screen.store.database import open_snapshot

from .conftest import MODEL_DIGEST, PROTOCOL

MATERIALS = 400
KINDS = ("insulators", "heat-spreaders")


@pytest.fixture(scope="module")
def published(run: Path) -> Published:
    return Published(run, 1)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """A run of some hundred made-up materials and two potentials that mostly agree."""
    run = write_synthetic_run(tmp_path_factory.mktemp("runs") / "two", MATERIALS, potentials=2)
    found = data.newest(run)
    assert found is not None
    return found


def question(published: Published, kind: str = "insulators", **changed: object) -> Question:
    (chosen, *_) = data.result_sets(published)
    usual = Question(kind, chosen, Filters(300.0), CRITERIA["thermal expansion"], "low")
    return replace(usual, **changed)


def formulas(published: Published, filters: Filters) -> list[str]:
    return answers.everything(published, question(published, filters=filters))[
        "material_id"
    ].to_pylist()


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (Filters(300.0), ["LiBr-rs", "RbF-rs", "GaAs-zb", "MgO-rs", "SiC-zb"]),
        (Filters(300.0, contains=("F", "Rb")), ["RbF-rs"]),
        (Filters(300.0, contains=("F", "Li")), []),
        (Filters(300.0, contains=("F", "Li"), chemistry="any of"), ["LiBr-rs", "RbF-rs"]),
        (Filters(300.0, contains=("F", "Li", "Rb"), chemistry="only"), ["RbF-rs"]),
        (Filters(300.0, lacks=("F", "Li")), ["GaAs-zb", "MgO-rs", "SiC-zb"]),
        (Filters(300.0, prototypes=("zincblende",)), ["GaAs-zb", "SiC-zb"]),
        (Filters(300.0, prototypes=("it's",)), []),
        (Filters(300.0, kappa_from=1.85, kappa_to=55.5), ["RbF-rs", "GaAs-zb", "MgO-rs"]),
        (Filters(100.0, kappa_from=1.85, kappa_to=55.5), ["LiBr-rs", "RbF-rs"]),
        (Filters(300.0, trust=("complete",), kappa_from=100.0), ["SiC-zb"]),
        (Filters(300.0, gap_from=0.0), []),  # this source gives no gaps
        (Filters(300.0, hull_to=1.0), []),
        (Filters(300.0, trust=("undoubted α",)), []),  # the fixture's elastic fit is a poor one
    ],
)
def test_filters_leave_the_right_materials(
    published: Published, filters: Filters, found: list[str]
) -> None:
    assert formulas(published, filters) == found


def test_every_reason_to_trust_leaves_a_part(two: Published) -> None:
    everything = len(formulas(two, Filters(300.0)))
    left = {name: len(formulas(two, Filters(300.0, trust=(name,)))) for name in TRUST}
    assert all(0 < number < everything for number in left.values()), (left, everything)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("temperature", [100.0, 300.0, 333.0, 790.0])
def test_rows_are_those_of_the_library(two: Published, kind: str, temperature: float) -> None:
    filters = Filters(temperature)
    for chosen in data.result_sets(two):
        asked = question(two, kind, filters=filters, chosen=chosen, prefer=None)
        rows = answers.everything(two, asked)
        with open_snapshot(two.run) as snapshot:
            expected = rank(
                snapshot,
                kind,
                temperature,
                MATERIALS,
                model=chosen.model,
                protocol=chosen.protocol,
            )
        assert len(rows) == len(expected) > 200
        for name in set(rows.column_names) & set(expected.column_names):
            assert_same(rows[name], expected[name], name)


def assert_same(found: pa.ChunkedArray, expected: pa.ChunkedArray, name: str) -> None:
    values, wanted = found.to_pylist(), expected.to_pylist()
    if pa.types.is_floating(found.type):
        assert [value is None for value in values] == [value is None for value in wanted], name
        wanted = pytest.approx([value for value in wanted if value is not None], rel=1e-9)
        values = [value for value in values if value is not None]
    assert values == wanted, name


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("prefer", ["low", "high"])
@pytest.mark.parametrize("name", ["thermal expansion", "band gap", "density"])
def test_front_holds_all_that_nothing_beats(
    two: Published, kind: str, prefer: str, name: str
) -> None:
    asked = question(two, kind, criterion=CRITERIA[name], prefer=prefer)
    rows = answers.everything(two, asked).to_pylist()
    x = CRITERIA[name].column.name
    sign_x = 1 if prefer == "low" else -1
    sign_k = 1 if kind == "insulators" else -1
    points = {
        row["material_id"]: (sign_x * row[x], sign_k * row["kappa"])
        for row in rows
        if row[x] is not None
    }
    unbeaten = {
        material
        for material, (a, b) in points.items()
        if not any(c <= a and d <= b and (c, d) != (a, b) for c, d in points.values())
    }
    assert {row["material_id"] for row in rows if row["pareto_optimal"]} == unbeaten
    only = answers.everything(two, replace(asked, front_only=True))
    assert set(only["material_id"].to_pylist()) == unbeaten
    ranks = {row["material_id"]: row["rank"] for row in rows}
    assert [ranks[item] for item in only["material_id"].to_pylist()] == only["rank"].to_pylist()


def test_pages_make_up_the_whole_table_in_its_order(two: Published) -> None:
    asked = question(two, order=Order("expansion", descending=True))
    whole = answers.everything(two, asked)
    alpha = [value for value in whole["expansion"].to_pylist() if value is not None]
    assert alpha == sorted(alpha, reverse=True)
    pages = [answers.page_of(two, asked, 50, page) for page in range(1, 2 + len(whole) // 50)]
    assert pa.concat_tables(pages).equals(whole)


def test_plot_holds_the_best_the_front_the_picked_and_a_stable_sample(
    two: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "POINTS_OF_BEST", 5)
    monkeypatch.setattr(sql, "POINTS", 60)
    asked = question(two, filters=Filters(310.0))
    whole = answers.everything(two, asked)
    last = whole["material_id"][len(whole) - 1].as_py()
    points = answers.points(two, asked, (last,))
    drawn = points["material_id"].to_pylist()
    assert len(drawn) == 60
    assert set(whole["material_id"][:5].to_pylist()) | {last} <= set(drawn)
    front = whole.filter(whole["pareto_optimal"])["material_id"].to_pylist()
    assert set(front) <= set(drawn)
    (counts,) = points.select(["materials", "plotted", "listed"]).slice(0, 1).to_pylist()
    known = len(whole) - whole["expansion"].null_count
    assert counts == {"materials": len(whole), "plotted": known, "listed": len(whole)}
    assert known < len(whole)
    again = answers.points(two, replace(asked, filters=Filters(320.0)), (last,))
    assert len(set(again["material_id"].to_pylist()) & set(drawn)) > 50


@pytest.mark.parametrize("box", [None, Box((1e-5, 3e-5), (1.0, 10.0))])
def test_one_query_gives_the_plot_and_a_page_of_the_table(two: Published, box: Box | None) -> None:
    asked = question(two, filters=Filters(310.0), box=box, order=Order("expansion"))
    plot, table = answers.shown(two, asked, 20, 2)
    points, page = answers.points(two, asked), answers.page_of(two, asked, 20, 2)
    assert plot.select(points.column_names).equals(points)
    assert table.select(page.column_names).equals(page)
    assert len(points) > len(page) > 0
    assert len(answers.shown(two, asked, 500, 2)[1]) == 0


def test_box_lists_all_inside_and_keeps_ranks(two: Published) -> None:
    asked = question(two, box=Box((1e-5, 3e-5), (1.0, 10.0)))
    rows = answers.everything(two, asked)
    everything = answers.everything(two, replace(asked, box=None)).to_pylist()
    inside = [
        row["rank"]
        for row in everything
        if row["expansion"] and 1e-5 <= row["expansion"] <= 3e-5 and 1 <= row["kappa"] <= 10
    ]
    assert rows["rank"].to_pylist() == inside != []
    points = answers.points(two, asked, ())
    assert points["listed"][0].as_py() == len(inside)
    assert points["materials"][0].as_py() == len(everything)


def test_density_is_that_of_the_relaxed_cell(published: Published) -> None:
    rows = answers.everything(published, question(published, criterion=CRITERIA["density"]))
    found = dict(zip(rows["formula"].to_pylist(), rows["density"].to_pylist(), strict=True))
    masses, volume = 24.305 + 15.999, 4.25**3 / 4  # u and Å³ for each MgO
    assert found["MgO"] == pytest.approx(1.66053907 * masses / volume, rel=1e-4)


@pytest.mark.parametrize("name", sorted(CRITERIA))
@pytest.mark.parametrize("one", [True, False])
def test_every_criterion_has_a_column_with_its_unit(
    two: Published, published: Published, name: str, one: bool
) -> None:
    here = published if name == "DFT reference" else two
    assert name in criteria_of(facts(here))
    chosen = data.result_sets(here)[-1 if one else 0]
    asked = question(here, criterion=CRITERIA[name], chosen=chosen)
    rows = answers.everything(here, asked)
    assert CRITERIA[name].column in columns_of(asked, facts(here))
    values = [value for value in rows[CRITERIA[name].column.name].to_pylist() if value is not None]
    assert len(values) > len(rows) / 2
    assert all(math.isfinite(value) for value in values)


def test_axes_without_values_are_not_offered(published: Published) -> None:
    assert {"band gap", "energy above hull"} & set(criteria_of(facts(published))) == set()


def test_names_in_questions_are_quoted(published: Published) -> None:
    chosen = ResultSet("x", MODEL_DIGEST, "it's", 1)
    assert not len(answers.everything(published, question(published, chosen=chosen)))


def test_synthetic_run_has_the_protocol_of_the_fixture() -> None:
    assert SYNTHETIC_PROTOCOL.digest == PROTOCOL.digest
