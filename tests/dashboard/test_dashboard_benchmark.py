"""Conductivities against references: questions, leaderboard, charts and the page, by AppTest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from dashboard.benchmark import columns, leaderboard, questions
from dashboard.benchmark.leaderboard import coverage, same_conditions
from dashboard.benchmark.questions import PUBLISHED, Question
from dashboard.charts.leaderboard import OWN, OWN_SRME, SAME
from dashboard.charts.leaderboard import leaderboard as leaderboard_chart
from dashboard.charts.parity import NO_KAPPA, parity_bins, parity_scatter
from screen.benchmark.scoring import COLUMNS as MODE_COLUMNS
from screen.core.protocols import ModelIdentity
from screen.core.published import published_of
from screen.core.records import Outcome
from screen.core.settings import protocol_named
from screen.physics.metrics import relative_difference
from screen.store.database import Snapshot, Writer, open_snapshot
from screen.store.frames import table_of
from screen.store.schema import property_table
from tests.store.samples import candidate, failed, outcome, rows_of

from .conftest import COLUMNS, MODEL, MODEL_DIGEST, PROTOCOL
from .reading import OpenPage, charts, checked, select_row, table, texts

QUESTION = Question(MODEL_DIGEST, PROTOCOL.digest)
OTHER = "6b" * 12

# κ of the potential and of the reference, prototype; None: no conductivity
JUDGED = {
    "a-rs": (10.0, 10.0, "rocksalt"),
    "b-rs": (4.0, 10.0, "rocksalt"),
    "c-rs": (3.0, 2.0, "rocksalt"),
    "d-zb": (90.0, 40.0, "zincblende"),
    "e-zb": (None, 5.0, "zincblende"),
    "f-zb": (4.0, 3.0, "zincblende"),
}


def write_judged(
    run: Path, judged: dict = JUDGED, names: tuple[str, ...] = ("sevennet-0",)
) -> None:
    """A run with these conductivities and references; the second potential's κ are twice as large."""
    with Writer(run, COLUMNS) as writer:
        writer.add_candidates(
            candidate(name, kappa_reference_300=reference, prototype=prototype)
            for name, (_, reference, prototype) in judged.items()
        )
        writer.add_protocol(PROTOCOL)
        for index, name in enumerate(names):
            digest = (MODEL_DIGEST, OTHER)[index]
            writer.add_model(digest, ModelIdentity("sevennet", name, "w" * 24, "float32", "x", "1"))
            writer.upsert(
                [
                    replace(
                        _outcome(material, kappa and kappa * (1 + index)),
                        model_digest=digest,
                        protocol_digest=PROTOCOL.digest,
                    )
                    for material, (kappa, _, _) in judged.items()
                ]
            )
        writer.publish()


def _outcome(material: str, kappa: float | None) -> Outcome:
    if kappa is None:
        return failed(material)
    return outcome(material, rows={"conductivity": _row(kappa)})


def _row(kappa: float) -> dict:
    row = rows_of(kappa)["conductivity"]
    return {name: row[name] for name in ("temperatures", "kappa", "kappa_300")}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("judged") / "judged"
    write_judged(run, names=("sevennet-0", "of-our-own"))
    return run


@pytest.fixture(scope="module")
def opened(judged: Path) -> Iterator[Snapshot]:
    with open_snapshot(judged) as snapshot:
        yield snapshot


# ------------------------------------------------------------------------------ questions


def differences(prototype: str | None = None) -> np.ndarray:
    return np.array(
        [
            relative_difference(kappa, reference)
            for kappa, reference, group in JUDGED.values()
            if prototype in {None, group}
        ]
    )


def test_scores_are_those_of_the_metrics(opened: Snapshot) -> None:
    (found,) = opened.query(questions.scores_sql(QUESTION)).to_pylist()
    expected = differences()
    pairs = [(k, r) for k, r, _ in JUDGED.values() if k is not None]
    logs = [abs(np.log10(k / r)) for k, r in pairs]
    assert (found["compounds"], found["with_kappa"]) == (6, 5)
    assert found["mean_srd"] == pytest.approx(expected.mean())
    assert found["mean_sre"] == pytest.approx(np.abs(expected).mean())
    assert found["median_sre"] == pytest.approx(np.median(np.abs(expected)))
    assert found["within_factor"] == pytest.approx(3 / 6)  # the failed one is not right either
    assert found["log_error"] == pytest.approx(np.mean(logs))
    assert found["spearman"] == pytest.approx(spearmanr(*zip(*pairs, strict=True)).statistic)


def test_an_srme_of_some_compounds_is_no_mean(opened: Snapshot) -> None:
    asked = (questions.scores_sql, questions.prototypes_sql, questions.potentials_sql)
    found = [row for question in asked for row in opened.query(question(QUESTION)).to_pylist()]
    assert 1 in [row["with_srme"] for row in found]  # the failed one: 2, the worst
    assert [row["mean_srme"] for row in found] == [None] * len(found)


def test_ties_share_their_mean_rank(opened: Snapshot) -> None:
    kappa = [item[0] for item in JUDGED.values() if item[0] is not None]
    assert len(set(kappa)) < len(kappa)  # b and f: else the test above says nothing of ties


def test_scores_by_prototype_come_worst_first(opened: Snapshot) -> None:
    found = opened.query(questions.prototypes_sql(QUESTION)).to_pylist()
    assert [row["prototype"] for row in found] == ["zincblende", "rocksalt"]
    for row in found:
        errors = np.abs(differences(row["prototype"]))
        assert row["mean_sre"] == pytest.approx(errors.mean())
    assert found[0]["spearman"] == pytest.approx(1.0)  # ranked among themselves
    assert found[1]["spearman"] == pytest.approx(
        spearmanr([10.0, 4.0, 3.0], [10.0, 10.0, 2.0]).statistic
    )


def test_potentials_of_the_protocol_come_best_first(opened: Snapshot) -> None:
    found = opened.query(questions.potentials_sql(QUESTION)).to_pylist()
    assert [row["model"] for row in found] == ["sevennet-0", "of-our-own"]
    assert found[0]["mean_sre"] < found[1]["mean_sre"]
    assert [row["compounds"] for row in found] == [6, 6]


def test_a_single_compound_has_no_rank_correlation(tmp_path: Path) -> None:
    write_judged(tmp_path, {"a-rs": (10.0, 10.0, "rocksalt")})
    with open_snapshot(tmp_path) as snapshot:
        (found,) = snapshot.query(questions.scores_sql(QUESTION)).to_pylist()
    assert found["spearman"] is None
    assert found["mean_sre"] == 0


def test_compounds_come_worst_first_with_all_columns(opened: Snapshot) -> None:
    found = opened.query(questions.compounds_sql(QUESTION, None))
    assert found["material_id"].to_pylist()[0] == "e-zb"  # no κ: 2, the worst
    errors = found["sre_300"].to_pylist()
    assert errors == sorted(errors, reverse=True)
    assert set(found.column_names) == {column.name for column in columns.COMPOUNDS}
    assert len(opened.query(questions.compounds_sql(QUESTION, 2))) == 2


def test_a_factor_of_two_is_its_error_either_way() -> None:
    assert abs(relative_difference(2.0, 1.0)) == pytest.approx(questions.LARGEST_SRE)
    assert abs(relative_difference(0.5, 1.0)) == pytest.approx(questions.LARGEST_SRE)


def test_squares_count_every_compound_with_kappa(opened: Snapshot) -> None:
    found = opened.query(questions.binned_parity_sql(QUESTION))
    assert sum(found["compounds"].to_pylist()) == 5
    pairs = {(k, r) for k, r, _ in JUDGED.values() if k is not None}
    for x, y in zip(found["reference"].to_pylist(), found["kappa"].to_pylist(), strict=True):
        nearest = min(abs(np.log10(k / y)) + abs(np.log10(r / x)) for k, r in pairs)
        assert nearest < 1.001 / questions.BINS  # half a square on each axis, and rounding


# ------------------------------------------------------------------------------ leaderboard


def score(
    model: str, sre: float, compounds: int, digest: str = "ab" * 12, srme: float | None = None
) -> dict:
    return {
        "model": model,
        "model_digest": digest,
        "mean_sre": sre,
        "mean_srme": srme,
        "with_srme": 0 if srme is None else compounds,
        "compounds": compounds,
    }


def test_run_stands_among_published_potentials() -> None:
    found = leaderboard.places(
        leaderboard.cards(), [score("sevennet-0", 0.5, 4), score("of-our-own", 0.3, 4)]
    )
    by_name = {place.potential: place for place in found}
    known = by_name["sevennet-0"]
    assert (known.srme, known.sre, known.coverage) == (0.767, 0.5, "4 of 103")
    assert by_name["of-our-own"].srme is None
    assert found[-1].potential == "of-our-own"  # nothing published: no place among them
    published = [place.srme for place in found if place.srme is not None]
    assert published == sorted(published)
    assert all(place.srme or place.sre for place in found)
    assert sum(place.potential == "sevennet-0" for place in found) == 1


def test_potentials_of_one_name_are_told_apart() -> None:
    rows = [score("sevennet-0", 0.5, 4, "aa" * 12), score("sevennet-0", 0.6, 4, "bb" * 12)]
    found = leaderboard.places(leaderboard.cards(), rows)
    names = [place.potential for place in found if place.sre is not None]
    assert names == ["sevennet-0 (aaaaaa)", "sevennet-0 (bbbbbb)"]
    assert [place.srme for place in found if place.sre is not None] == [0.767, 0.767]


def test_published_errors_over_the_compounds_of_a_run_are_means_of_those() -> None:
    """MgO and GaAs of SevenNet in k_SRME's metrics.txt; all 103 give the published 0.767."""
    names = ["MgO-rs", "GaAs-zb"]
    listed = {item.compound: item for item in published_of("sevennet-0")}
    for by_modes, quantity in ((True, "srme"), (False, "sre")):
        expected = np.mean([getattr(listed[name], quantity) for name in names])
        assert leaderboard.over(names, by_modes)["sevennet-0"] == pytest.approx(expected)
    everything = leaderboard.over(list(listed), True)
    assert everything["sevennet-0"] == pytest.approx(0.767, abs=1e-3)
    assert leaderboard.over([*names, "Si-dc"], True) == {}  # nobody has published it
    assert leaderboard.over([], True) == {}


def test_every_published_figure_has_its_source() -> None:
    published = [card for card in leaderboard.cards() if card.kappa_srme is not None]
    assert len(published) >= 10
    assert all(card.kappa_srme_source for card in published)


def test_few_compounds_or_other_settings_are_other_conditions() -> None:
    digest = protocol_named("ksrme-2024").digest
    assert same_conditions(PUBLISHED, digest)
    assert not same_conditions(4, digest)
    assert not same_conditions(PUBLISHED, PROTOCOL.digest)
    assert coverage(4) == "4 of 103"


def test_table_of_places_has_its_columns() -> None:
    found = leaderboard.table(leaderboard.places([], [score("x", 0.5, 4)]))
    assert found.column_names == [column.name for column in columns.LEADERBOARD]
    assert (
        found.to_pylist()[0] | {"potential": "x", "sre": 0.5, "coverage": "4 of 103"}
        == (found.to_pylist()[0])
    )


# ------------------------------------------------------------------------------ charts


@pytest.mark.parametrize("scale", ["log", "linear"])
def test_parity_has_equal_axes_and_all_compounds(opened: Snapshot, scale: str) -> None:
    fig = parity_scatter(opened.query(questions.parity_sql(QUESTION)), 2.0, scale)
    names = [item.name for item in fig.data]
    assert names == ["within a factor of 2", "agreement", "rocksalt", "zincblende", NO_KAPPA]
    assert fig.layout.xaxis.range == fig.layout.yaxis.range
    assert fig.layout.xaxis.title.text.endswith("[W/m/K]")
    points = {item[0] for trace in fig.data[2:] for item in trace.customdata}
    assert points == set(JUDGED)
    low, high = fig.layout.xaxis.range
    for trace in fig.data[2:]:
        for value in (*trace.x, *trace.y):
            shown = np.log10(value) if scale == "log" else value
            assert low <= shown <= high


def test_band_is_a_factor_of_two_about_agreement(opened: Snapshot) -> None:
    fig = parity_scatter(opened.query(questions.parity_sql(QUESTION)), 2.0)
    band = fig.data[0]
    ratios = np.array(band.y) / np.array(band.x)
    assert sorted(ratios) == pytest.approx([0.5, 0.5, 2, 2])


def test_compounds_outside_the_band_are_named(opened: Snapshot) -> None:
    fig = parity_scatter(opened.query(questions.parity_sql(QUESTION)), 2.0)
    assert len(fig.layout.annotations) == 2  # b and d; all are LiBr here
    assert fig.layout.annotations[0].x == pytest.approx(np.log10(10.0))


def test_parity_of_failures_alone_is_drawn(tmp_path: Path) -> None:
    write_judged(tmp_path, {"a-rs": (None, 10.0, "rocksalt")})
    with open_snapshot(tmp_path) as snapshot:
        fig = parity_scatter(snapshot.query(questions.parity_sql(QUESTION)), 2.0)
    assert [item.name for item in fig.data][-1] == NO_KAPPA


def test_many_compounds_are_counted(opened: Snapshot) -> None:
    fig = parity_bins(opened.query(questions.binned_parity_sql(QUESTION)), 2.0)
    assert sum(fig.data[-1].customdata) == 5
    assert fig.data[-1].marker.colorbar.title.text == "compounds"


def test_own_numbers_are_marked_with_their_compounds() -> None:
    found = leaderboard.places(leaderboard.cards(), [score("sevennet-0", 0.5, 4)])
    published, own, beside = leaderboard_chart(found).data
    assert [text.strip() for text in beside.text] == ["4 of 103"]
    assert (list(beside.x), list(beside.textposition)) == ([0.767], ["middle right"])
    assert own.name == OWN
    assert own.marker.symbol != published.marker.symbol
    assert len(published.x) == len(found)


def test_published_numbers_over_the_same_compounds_are_hollow() -> None:
    rows = [score("sevennet-0", 0.5, 4, srme=0.7)]
    found = leaderboard.places(leaderboard.cards(), rows, {"sevennet-0": 0.6, "mace-mpa-0": 0.3})
    alike = next(trace for trace in leaderboard_chart(found).data if trace.name == SAME)
    assert dict(zip(alike.y, alike.x, strict=True)) == {"sevennet-0": 0.6, "mace-mpa-0": 0.3}
    assert alike.marker.symbol.endswith("-open")


def test_a_run_whose_modes_were_compared_is_shown_by_its_srme() -> None:
    rows = [score("sevennet-0", 0.5, 4, srme=0.7), score("of-our-own", 0.3, 4)]
    fig = leaderboard_chart(leaderboard.places(leaderboard.cards(), rows))
    by_modes, by_total = (next(fig.select_traces({"name": name})) for name in (OWN_SRME, OWN))
    assert (by_modes.name, list(by_modes.x), list(by_modes.y)) == (OWN_SRME, [0.7], ["sevennet-0"])
    assert (by_total.name, list(by_total.x)) == (OWN, [0.3])


def test_the_number_of_compounds_stands_where_there_is_room() -> None:
    (place,) = leaderboard.places([], [score("x", 1.9, 4)], {"x": 1.7})
    beside = leaderboard_chart([place]).data[-1]
    assert (list(beside.x), list(beside.textposition)) == ([1.7], ["middle left"])


# ------------------------------------------------------------------------------ page


def test_page_shows_parity_scores_leaderboard_and_compounds(page: OpenPage) -> None:
    app = page("benchmark")
    assert set(charts(app)) == {"parity", "leaderboard"}
    values = {item.label: item.value for item in app.metric}
    errors = [abs(relative_difference(1.0, 1.15))] * 5 + [2.0] * 2
    assert values["compounds"] == "7"
    assert values["mean SRE"] == f"{np.mean(errors):.3f}"
    assert values["within factor 2"] == "71.4 %"
    assert values["Spearman ρ"] == "1.000"
    shown = table(app, "κ_ref (300 K) [W/m/K]")
    assert len(shown["formula"]) == 7
    assert shown["SRE"][:2] == [2.0, 2.0]
    assert "never larger than the SRME" in texts(app)
    assert "means over 103 compounds under the protocol" in texts(app)
    assert {item.proto.label for item in app.get("download_button")} == {"CSV", "Parquet", "SQL"}


def test_leaderboard_has_the_run_beside_published_figures(page: OpenPage) -> None:
    listed = table(page("benchmark"), "published κ_SRME")
    row = listed["potential"].index(MODEL.name)
    assert listed["published κ_SRME"][row] == 0.412
    assert listed["compounds"][row] == "7 of 103"
    assert listed["source of κ_SRME"][row] == "k_SRME"


def test_address_chooses_potential_and_axes(page: OpenPage, judged: Path) -> None:
    app = page("benchmark", judged, results="of-our-own · quick", axes="linear")
    assert app.selectbox(key="results").value == "of-our-own · quick"
    assert charts(app)["parity"]["layout"]["xaxis"].get("type") != "log"
    shown = table(app, "κ_ref (300 K) [W/m/K]")
    assert 180.0 in shown["κ (300 K) [W/m/K]"]  # twice the other potential's
    app.selectbox(key="results").set_value("sevennet-0 · quick")
    assert 90.0 in table(checked(app.run()), "κ_ref (300 K) [W/m/K]")["κ (300 K) [W/m/K]"]


def test_point_and_row_open_the_material(page: OpenPage) -> None:
    app = page("benchmark")
    app.session_state["parity"] = {
        "selection": {"points": [{"customdata": ["MgO-rs"]}], "box": [], "lasso": []}
    }
    assert "MgO" in checked(app.run()).title[0].value
    app = page("benchmark")
    first = table(app, "κ_ref (300 K) [W/m/K]")["formula"][0]
    app.session_state["compounds"] = select_row(0)
    assert first in checked(app.run()).title[0].value


def test_compared_modes_are_on_the_page(page: OpenPage, tmp_path: Path) -> None:
    """As `thermoscreen benchmark` writes them; the mean of 0.5 four times, 0.2 and of a failure, 2."""
    write_judged(tmp_path)
    key = {"model_digest": MODEL_DIGEST, "protocol_digest": PROTOCOL.digest}
    rows = [
        {"material_id": name, "srme_300": 0.2 if name == "a-rs" else 0.5, **key}
        for name, (kappa, _, _) in JUDGED.items()
        if kappa is not None
    ]
    with Writer(tmp_path, {"mode_summary": MODE_COLUMNS}) as writer:
        declared = property_table("mode_summary", MODE_COLUMNS).columns
        writer.restore({"mode_summary": table_of("mode_summary", declared, rows)})
        writer.publish()
    app = page("benchmark", tmp_path)
    values = {item.label: item.value for item in app.metric}
    assert values["mean SRME"] == f"{(4 * 0.5 + 0.2 + 2.0) / 6:.3f}"
    assert sorted(table(app, "κ_ref (300 K) [W/m/K]")["SRME"]) == [0.2, 0.5, 0.5, 0.5, 0.5, 2.0]
    assert "never larger than the SRME" not in texts(app)


def test_run_without_references_says_where_they_are(page: OpenPage, tmp_path: Path) -> None:
    with Writer(tmp_path, COLUMNS) as writer:
        writer.add_candidates([candidate("m1")])
        writer.upsert([outcome("m1", rows={"conductivity": _row(1.0)})])
        writer.publish()
    assert "No material of this run has a reference" in texts(page("benchmark", tmp_path))


def test_references_without_results_are_counted(page: OpenPage, tmp_path: Path) -> None:
    with Writer(tmp_path, COLUMNS) as writer:
        writer.add_candidates([candidate("m1", kappa_reference_300=2.0)])
        writer.publish()
    assert "Materials of this run with a reference: 1." in texts(page("benchmark", tmp_path))
