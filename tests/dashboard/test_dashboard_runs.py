"""The page of the run itself, without a browser."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from dashboard import runs
from dashboard.charts.costs import costs_by_potential
from screen.store.database import Writer, open_snapshot
from screen.store.layout import campaign_file

from .conftest import COLUMNS, RECIPES, write_run
from .reading import OpenPage, charts, checked, facts, table, texts

CAMPAIGN = """
name = "demo"
source = "benchmark"
models = ["mace-mpa-0", "sevennet-0"]
protocol = "quick"
"""


def test_run_tells_potentials_protocols_costs_and_versions(page: OpenPage) -> None:
    app = page("runs")
    assert app.title[0].value == "Run demo"
    assert table(app, "potential", "precision")["package"] == ["mace-torch"]
    assert set(charts(app)) == {"costs"}
    costs = table(app, "wall [h]", "computations")
    assert set(costs["potential"]) == {"mace-mpa-0"}
    relax = costs["stage"].index("relax")
    assert costs["computations"][relax] == 7
    assert costs["wall [h]"][relax] == pytest.approx(7 * 3 / 3600)
    versions = table(app, "outcomes", "phono3py")
    assert versions["phono3py"][1:] == ["4.10.0"]
    assert "different versions" not in texts(app)  # the unreadable entry was never computed
    assert any(item.label.startswith("quick · ") for item in app.expander)


def test_snapshots_are_listed_with_their_age(page: OpenPage, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "twice", RECIPES[:1])
    write_run(folder, RECIPES[:2])
    listed = table(page("runs", folder), "version", "age")
    assert listed["version"] == [2, 1]
    assert listed["shown"] == [True, False]
    assert all(size > 0 for size in listed["size [MB]"])


def test_campaign_file_is_shown_and_explained(page: OpenPage, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "asked", RECIPES[:1])
    campaign_file(folder).write_text(CAMPAIGN)
    app = page("runs", folder)
    known = facts(app, 0)
    assert known["potentials"] == "mace-mpa-0, sevennet-0"
    assert known["source"] == "benchmark"
    assert known["funnel"].startswith("none")
    assert 'models = ["mace-mpa-0", "sevennet-0"]' in app.code[0].value


def test_broken_campaign_file_is_shown_with_what_is_wrong(page: OpenPage, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "broken", RECIPES[:1])
    campaign_file(folder).write_text('name = "demo"\nsource = 7\n')
    app = page("runs", folder)
    assert "cannot read the campaign file" in app.warning[0].value
    assert "source = 7" in app.code[0].value


def test_run_without_campaign_file_says_so(page: OpenPage) -> None:
    assert "no readable campaign file" in texts(page("runs"))


def test_empty_run_is_no_traceback(page: OpenPage, tmp_path: Path) -> None:
    with Writer(tmp_path, COLUMNS) as writer:
        writer.publish()
    said = texts(page("runs", tmp_path))
    assert "No potential has computed anything yet." in said
    assert "Nothing has been computed yet." in said


@pytest.mark.parametrize("name", ["compare", "regimes", "runs"])
def test_pages_without_anything_to_show_explain_themselves(
    page: OpenPage, tmp_path: Path, name: str
) -> None:
    assert "No run folder was named" in texts(page(name, None))
    assert "There is no run folder" in texts(page(name, tmp_path / "nowhere"))
    assert "has published no results yet" in texts(page(name, tmp_path))
    with Writer(tmp_path) as writer:  # without any property
        writer.publish()
    assert page(name, tmp_path)


@pytest.mark.parametrize("name", ["compare", "regimes", "material"])
def test_pages_show_the_newest_snapshot(page: OpenPage, tmp_path: Path, name: str) -> None:
    folder = write_run(tmp_path / "growing", RECIPES[:1])
    query = {"compare": {"materials": "LiBr-rs,MgO-rs"}, "regimes": {"from": "0"}}
    app = page(name, folder, **query.get(name, {"id": "MgO-rs"}))
    before = set(charts(app))
    write_run(folder, RECIPES[:2])
    checked(app.run())
    if name == "material":
        assert not before & {"conductivity"}
        assert "conductivity" in charts(app)
    elif name == "compare":
        assert len(charts(app)["conductivity"]["data"]) == 2
    else:
        assert "Over 2 materials." in texts(app)


def test_outcomes_of_several_versions_are_a_warning() -> None:
    times = {"outcomes": [1, 2], "first [UTC]": [None] * 2, "last [UTC]": [None] * 2}
    assert runs.mixed(pa.table(times | {"phono3py": ["4.10", "4.9"]}))
    assert not runs.mixed(pa.table(times | {"phono3py": ["4.10", None]}))
    own = {"mace-torch": ["0.3", None], "sevenn": [None, "0.13"]}  # one potential each
    assert not runs.mixed(pa.table(times | own | {"phono3py": ["4.10", "4.10"]}))


def test_costs_add_up_to_the_ledger(run: Path) -> None:
    with open_snapshot(run) as snapshot:
        costs = runs.costs(snapshot)
        (total,) = snapshot.query("SELECT sum(wall_s) AS s FROM cost_ledger")["s"].to_pylist()
    assert sum(costs["wall_s"].to_pylist()) == pytest.approx(total)


def test_costs_are_stacked_by_potential_the_costliest_on_top() -> None:
    costs = pa.table(
        {
            "stage": ["fc3_forces", "fc3_forces", "relax"],
            "potential": ["a", "b", "a"],
            "wall_s": [7200.0, 3600.0, 1800.0],
            "executions": [3, 4, 5],
            "evaluations": [900, 800, None],
        }
    )
    fig = costs_by_potential(costs)
    assert [(item.name, item.x, item.y) for item in fig.data] == [
        ("a", (2.0, 0.5), ("fc3_forces", "relax")),
        ("b", (1.0,), ("fc3_forces",)),
    ]
    assert fig.layout.yaxis.categoryarray == ("relax", "fc3_forces")
    assert fig.layout.xaxis.title.text == "wall time [h]"
    assert fig.layout.barmode == "stack"


# ------------------------------------------------------------------------------ several runs


@pytest.fixture
def several(tmp_path: Path) -> Path:
    """A folder with two runs, one that has just begun, and something else."""
    folder = tmp_path / "runs"
    write_run(folder / "first", RECIPES[:1])
    write_run(folder / "second", RECIPES[:3])
    (folder / "new" / "snapshots").mkdir(parents=True)
    (folder / "notes").mkdir()
    (folder / "list.txt").write_text("x")
    return folder


def test_runs_are_found_in_their_folder(several: Path, run: Path) -> None:
    assert [path.name for path in runs.runs_below(several)] == ["first", "new", "second"]
    assert runs.runs_below(run) == []
    assert runs.runs_below(several / "nowhere") == []


def test_run_of_a_folder_is_chosen_once_for_all_pages(page: OpenPage, several: Path) -> None:
    app = page("runs", several)
    assert app.title[0].value == "Run first"
    app.selectbox[0].select("second")
    checked(app.run())
    assert app.title[0].value == "Run second"
    assert "second" in app.query_params["run"]
    app.switch_page("views/overview.py")
    checked(app.run())
    assert app.title[0].value == "second"


def test_address_names_the_run(page: OpenPage, several: Path) -> None:
    assert page("overview", several, run="second").title[0].value == "second"
    assert page("overview", several, run="../../etc").title[0].value == "first"
    assert "has published no results yet" in texts(page("overview", several, run="new"))


def test_single_run_offers_no_choice(page: OpenPage) -> None:
    app = page("runs")
    assert not app.selectbox
    assert "run" not in app.query_params
