"""The SQL page over a real run folder, without a browser."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from dashboard import answer as answers
from dashboard import downloads, querying
from screen.store.database import Writer, open_snapshot
from screen.store.described import described, headers
from screen.store.examples import examples

from .conftest import COLUMNS, RECIPES, write_run
from .reading import OpenPage, charts, checked, texts

SHORT = "SELECT formula, kappa, expansion FROM insulators ORDER BY rank"


@pytest.fixture(scope="module", autouse=True)
def no_process_left() -> Iterator[None]:
    yield
    querying.sandbox.clear()


def asked(app, sql: str):
    """Write a query and run it."""
    app.text_area(key="sql_text").set_value(sql)
    (run,) = (button for button in app.button if button.label == "Run")
    return checked(run.click().run())


def address(app, *names: str) -> dict[str, str]:
    """What the address names."""
    found = {name: app.query_params[name] for name in names}
    return {name: value[0] if isinstance(value, list) else value for name, value in found.items()}


def rows(app) -> dict[str, list]:
    """The answer's table: the last one on the page."""
    found = app.dataframe[-1].value
    return {name: found[name].tolist() for name in found.columns}


def test_every_saved_query_gives_its_rows_and_is_named_by_the_address(
    run: Path, page: OpenPage
) -> None:
    with open_snapshot(run) as snapshot:
        expected = {item.name: snapshot.query(item.sql) for item in examples()}
    app = page("sql")
    assert app.selectbox(key="saved_query").value == examples()[0].name
    for example in examples():
        checked(app.selectbox(key="saved_query").set_value(example.name).run())
        assert app.text_area(key="sql_text").value == example.sql
        assert address(app, "query") == {"query": example.name}
        assert not app.error, app.error[0].value
        assert example.description in texts(app)
        table = expected[example.name]
        if not len(table):
            assert example.name == "potentials-compared", "the run has a single potential"
            assert "No row fits the query." in texts(app)
            continue
        found = rows(app)
        assert [name.split(" [")[0] for name in found] == table.column_names
        assert next(iter(found.values())) == table[0].to_pylist()


def test_the_answer_carries_units_of_known_columns(page: OpenPage) -> None:
    app = asked(page("sql"), f"{SHORT[:-13]} WHERE formula = 'LiBr'")
    found = rows(app)
    assert found == {
        "formula": ["LiBr"],
        "kappa [W/m/K]": [pytest.approx(1.8)],
        "expansion [1/K]": [pytest.approx(3.78e-5, rel=0.01)],
    }
    assert "**1 row** in" in texts(app)
    assert "snapshot 1" in texts(app)


def test_own_sql_is_named_by_the_address_and_a_link_opens_it(page: OpenPage) -> None:
    app = asked(page("sql"), SHORT)
    assert address(app, "sql") == {"sql": SHORT}
    assert "query" not in app.query_params
    assert app.selectbox(key="saved_query").value is None
    linked = page("sql", sql=SHORT)
    assert rows(linked) == rows(app)
    named = page("sql", query="failures-by-kind")
    assert "imaginary_modes" in rows(named)["kind"]
    unknown = page("sql", query="nonsense")
    assert "There is no saved query `nonsense`" in unknown.warning[0].value
    assert unknown.text_area(key="sql_text").value == examples()[0].sql


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT kapa FROM results", "kapa"),
        ("DROP TABLE results", "read-only"),
        ("FROM read_text('/etc/passwd')", "disabled"),
        ("SELECT 1; SELECT 2", "one at a time"),
    ],
)
def test_what_is_refused_is_said_and_the_next_query_works(
    page: OpenPage, sql: str, told: str
) -> None:
    app = asked(page("sql"), sql)
    assert told in app.error[0].value.replace("\\", "")
    assert len(app.error) == 1
    assert not charts(app)
    assert "LiBr" in rows(asked(app, SHORT))["formula"]


def test_a_query_that_takes_too_long_is_stopped(
    page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(querying, "LIMITS", querying.Limits(seconds=0.5))
    querying.sandbox.clear()
    app = asked(page("sql"), "SELECT sleep_ms(600000)")
    assert "was stopped after 0.5 s" in app.error[0].value.replace("\\", "")
    querying.sandbox.clear()


def test_an_empty_answer_and_an_empty_editor_say_so(page: OpenPage) -> None:
    app = asked(page("sql"), "FROM results WHERE kappa_300 < 0")
    assert "No row fits the query." in texts(app)
    assert "Write a query, or choose a saved one." in texts(asked(app, " "))


def test_rows_beyond_the_limit_are_told(page: OpenPage) -> None:
    app = asked(page("sql"), "SELECT range AS n FROM range(20000)")
    assert "These are the first 10,000" in texts(app)
    assert len(rows(app)["n"]) == 10_000
    assert "No chart" in texts(app)


def test_the_schema_names_columns_with_unit_and_meaning(page: OpenPage) -> None:
    app = page("sql")
    for name, column, unit in (
        ("results", "kappa_300", "W/m/K"),
        ("kappa_at", "kappa_c", "W/m/K"),
        ("cost_ledger", "peak_mb", "MB"),
    ):
        checked(app.selectbox(key="relation").set_value(name).run())
        found = app.dataframe[0].value.set_index("column")
        assert found.loc[column, "unit"] == unit
        assert found.loc[column, "meaning"]
    checked(app.selectbox(key="relation").set_value("by_powers").run())
    assert "its logarithm linear in" in texts(app)


def test_curves_over_temperature_are_drawn_as_lines(page: OpenPage) -> None:
    app = page("sql", query="kappa-over-temperature")
    figure = charts(app)["chart"]
    (trace,) = figure["data"]
    assert trace["mode"] == "lines+markers"
    assert figure["layout"]["xaxis"]["title"]["text"] == "temperature [K]"
    assert figure["layout"]["yaxis"]["title"]["text"] == "kappa [W/m/K]"
    grid = np.frombuffer(base64.b64decode(trace["x"]["bdata"]), dtype=trace["x"]["dtype"])
    assert grid.tolist() == [*range(100, 900, 100)]


def test_the_chart_is_chosen_and_named_by_the_address(page: OpenPage) -> None:
    app = asked(page("sql"), SHORT)
    (bars,) = charts(app)["chart"]["data"]
    assert (bars["type"], bars["x"][:2]) == ("bar", ["LiBr", "RbF"])
    (kind,) = (item for item in app.button_group if item.label == "Draw")
    checked(kind.set_value("points").run())
    (x,) = (item for item in app.selectbox if item.label == "x")
    checked(x.set_value("expansion").run())
    (log,) = (item for item in app.button_group if item.label == "Logarithmic")
    checked(log.set_value(["x", "y"]).run())
    figure = charts(app)["chart"]
    assert figure["data"][0]["type"] == "scatter"
    assert (figure["layout"]["xaxis"]["type"], figure["layout"]["yaxis"]["type"]) == ("log", "log")
    named = address(app, "chart", "x", "y", "log")
    assert named == {"chart": "points", "x": "expansion", "y": "kappa", "log": "xy"}
    linked = charts(page("sql", sql=SHORT, **named))["chart"]
    assert linked["data"][0]["x"] == figure["data"][0]["x"]
    assert linked["layout"]["xaxis"]["type"] == "log"


def test_files_hold_what_is_shown(run: Path) -> None:
    published = querying.Published(run, 1)
    table = querying.ask(published, "SELECT formula, kappa, [1, 2] AS pair FROM insulators").table
    assert table is not None
    known = described(table, querying.columns(published))
    assert [column.unit for column in known] == ["", "W/m/K", ""]
    named = table.rename_columns(headers(known))
    first, second = answers.written(named, "csv").decode().splitlines()[:2]
    assert first == '"formula","kappa [W/m/K]","pair"'
    assert second.endswith('"[1, 2]"')
    parquet = downloads.parquet(table, known, {"sql": "SELECT 1", "run": "demo"})
    found = pyarrow.parquet.read_table(io.BytesIO(parquet))
    assert found.to_pylist() == table.to_pylist()
    assert found.schema.field("kappa").metadata[b"unit"] == b"W/m/K"
    assert found.schema.metadata[b"sql"] == b"SELECT 1"


def test_units_are_given_to_numbers_only_and_where_all_tables_agree(run: Path) -> None:
    published = querying.Published(run, 1)
    columns = querying.columns(published)
    assert columns["kappa"].unit == "W/m/K"
    counted = pa.table({"kappa": ["a text"], "wall_s": [1.5], "mine": [2.0]})
    assert [item.unit for item in described(counted, columns)] == ["", "s", ""]


def test_a_newer_snapshot_is_asked_at_the_next_click(page: OpenPage, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "growing", RECIPES[:2])
    app = asked(page("sql", folder), "SELECT count(*) AS n FROM outcomes")
    assert rows(app) == {"n": [3]}
    write_run(folder, RECIPES[:4])
    checked(app.run())
    assert rows(app) == {"n": [5]}
    assert "snapshot 2" in texts(app)


def test_pages_without_anything_to_ask_explain_themselves(page: OpenPage, tmp_path: Path) -> None:
    assert "No run folder was named" in texts(page("sql", None))
    assert "has published no results yet" in texts(page("sql", tmp_path))
    with Writer(tmp_path, COLUMNS) as writer:
        writer.publish()
    assert "No row fits the query." in texts(page("sql", tmp_path))
