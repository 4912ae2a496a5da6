"""The few numbers of a potential: by hand, against the dashboard's SQL and against publications."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from scipy.stats import spearmanr

from dashboard.benchmark import questions
from dashboard.benchmark.questions import Question
from screen.benchmark.published_compounds import full_table, scores_table
from screen.benchmark.summary import (
    COLUMNS,
    by_prototype,
    judged,
    spearman,
    summarize,
    summary_table,
)
from screen.core.errors import SettingsError
from screen.core.published import COMPOUNDS, published, published_of
from screen.physics.metrics import relative_difference
from screen.store.database import Snapshot, open_snapshot
from tests.dashboard.conftest import MODEL_DIGEST, PROTOCOL
from tests.dashboard.test_dashboard_benchmark import JUDGED, write_judged

MODELS = tuple(dict.fromkeys(item.model for item in published()))
SEVENNET = {
    item.compound: (item.kappa_300, item.kappa_reference_300, item.prototype)
    for item in published_of("sevennet-0")
}


def compound(kappa: float | None, reference: float | None, **more: Any) -> dict[str, Any]:
    """One compound that has been compared."""
    row = {"prototype": "rocksalt", "kappa_300": kappa, "kappa_reference_300": reference}
    srd = None if reference is None else relative_difference(kappa, reference)
    return row | {"srd_300": srd} | more


FIVE = pa.Table.from_pylist(
    [
        compound(1.0, 2.0, srme_300=0.75, stable=True, cpu_s=10.0),  # SRD −2/3: a factor of 2
        compound(3.0, 1.0, srme_300=1.0, stable=True, cpu_s=None),  # SRD 1
        compound(4.0, 4.0, srme_300=None, stable=True, cpu_s=30.0),  # SRD 0
        compound(None, 8.0, srme_300=2.0, stable=False, cpu_s=5.0),  # imaginary modes
        compound(None, 3.0, srme_300=2.0, stable=None, cpu_s=1.0, prototype="wurtzite"),  # failed
    ]
)


def test_summary_of_five_compounds_by_hand() -> None:
    found = summarize(FIVE)
    assert (found.compounds, found.with_kappa, found.with_srme) == (5, 3, 4)
    assert (found.imaginary_rate, found.failure_rate) == (0.2, 0.2)
    assert (found.mean_srme, found.median_srme) == (None, None)  # one was not compared
    assert found.mean_srd == pytest.approx((-2 / 3 + 1 + 0 - 2 - 2) / 5)
    assert found.mean_sre == pytest.approx((2 / 3 + 1 + 0 + 2 + 2) / 5)
    assert found.median_sre == 1.0
    assert found.within_factor == 0.4  # half of the reference still counts
    assert found.log_error == pytest.approx((np.log10(2) + np.log10(3)) / 3)
    assert found.spearman == pytest.approx(0.5)  # ranks 1 2 3 and 2 1 3: 1 − 6·2/(3·8)
    assert (found.lowest, found.highest) == (None, None)  # fewer than ten
    assert found.cpu_s == pytest.approx(46 / 4)


def test_summaries_by_prototype_keep_the_order_of_the_table() -> None:
    found = by_prototype(FIVE)
    assert list(found) == ["rocksalt", "wurtzite"]
    assert found["rocksalt"].mean_sre == pytest.approx((2 / 3 + 1 + 0 + 2) / 4)
    worst = found["wurtzite"]
    assert (worst.mean_sre, worst.within_factor, worst.failure_rate) == (2.0, 0.0, 1.0)
    assert (worst.spearman, worst.log_error) == (None, None)


def test_a_compound_without_reference_is_not_judged() -> None:
    table = pa.Table.from_pylist([compound(1.0, None), compound(1.0, 1.0)])
    assert summarize(table).compounds == 1
    with pytest.raises(SettingsError, match="no compound has a reference"):
        summarize(table.slice(0, 1))


def test_unstable_crystal_is_judged_as_one_without_kappa() -> None:
    """The store keeps the κ of a crystal that another protocol would have refused."""
    table = pa.Table.from_pylist([compound(1.0, 1.0) | {"srd_300": -2.0}, compound(1.0, 1.0)])
    found = summarize(table)
    assert (found.compounds, found.with_kappa, found.mean_sre) == (2, 1, 1.0)


def test_mean_and_median_srme_are_of_all_compounds_failures_too() -> None:
    whole = FIVE.filter(pc.is_valid(FIVE["srme_300"]))
    found = summarize(whole)
    assert found.mean_srme == pytest.approx((0.75 + 1 + 2 + 2) / 4)
    assert found.median_srme == pytest.approx(1.5)


def test_what_nobody_measured_is_none() -> None:
    found = summarize(pa.Table.from_pylist([compound(1.0, 1.0)]))
    assert (found.mean_srme, found.median_srme, found.with_srme) == (None, None, 0)
    assert (found.imaginary_rate, found.failure_rate, found.cpu_s) == (None, None, None)


def test_spearman_is_scipys_and_none_without_an_order() -> None:
    first, second = np.array([1.0, 2.0, 2.0, 5.0, 3.0]), np.array([2.0, 1.0, 4.0, 9.0, 4.0])
    assert spearman(first, second) == pytest.approx(spearmanr(first, second).statistic)
    # ranks 1, 2½, 2½, 5, 4 and 2, 1, 3½, 5, 3½, mean 3: Σ products 7.25, Σ squares 9.5 and 9.5
    assert spearman(first, second) == pytest.approx(7.25 / 9.5)
    assert spearman(first, np.ones(5)) is None
    assert spearman(first[:1], second[:1]) is None
    assert spearman(first[:0], second[:0]) is None


def test_table_of_summaries_has_its_columns_and_every_value() -> None:
    summaries = {"SevenNet": summarize(full_table("SevenNet")), "five": summarize(FIVE)}
    table = summary_table(summaries)
    assert table.column_names == [column.name for column in COLUMNS]
    first, second = table.to_pylist()
    lowest = summaries["SevenNet"].lowest
    assert lowest is not None
    assert (first["name"], first["lowest_hits"]) == ("SevenNet", lowest.hits)
    assert first["lowest_tries"] == lowest.tries
    assert second["mean_srd"] == summaries["five"].mean_srd
    assert second["highest_hits"] is None
    unknown = {name for name, value in first.items() if value is None}
    assert unknown == {
        *("imaginary_rate", "failure_rate", "cpu_s"),
        *("lowest_cost", "lowest_cost_by_chance", "highest_cost", "highest_cost_by_chance"),
    }


# ------------------------------------------------------------------------------ dashboard


@pytest.fixture(scope="module", params=["a few with ties", "published SevenNet"])
def opened(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Snapshot]:
    """A run with these conductivities and references."""
    run = tmp_path_factory.mktemp("judged") / "judged"
    write_judged(run, JUDGED if request.param == "a few with ties" else SEVENNET)
    with open_snapshot(run) as snapshot:
        yield snapshot


SHARED_WITH_SQL = {
    *("compounds", "with_kappa", "mean_sre", "median_sre", "mean_srd"),
    *("within_factor", "log_error", "spearman", "with_srme", "mean_srme"),
}


def test_summary_is_what_the_dashboard_asks_of_the_store(opened: Snapshot) -> None:
    """Two implementations: NumPy and SciPy here, DuckDB's SQL there."""
    question = Question(MODEL_DIGEST, PROTOCOL.digest)
    table = opened.query(f"FROM {questions.VIEW} WHERE {question.which}")
    (expected,) = opened.query(questions.scores_sql(question)).to_pylist()
    assert expected.keys() == SHARED_WITH_SQL
    found = summary_table({"all": summarize(table)}).to_pylist()[0]
    for name, value in expected.items():
        assert same(found[name], value), name


def test_prototypes_are_what_the_dashboard_asks_of_the_store(opened: Snapshot) -> None:
    question = Question(MODEL_DIGEST, PROTOCOL.digest)
    table = opened.query(f"FROM {questions.VIEW} WHERE {question.which}")
    expected = opened.query(questions.prototypes_sql(question)).to_pylist()
    found = {row["name"]: row for row in summary_table(by_prototype(table)).to_pylist()}
    assert found.keys() == {row["prototype"] for row in expected}
    for row in expected:
        for name in SHARED_WITH_SQL:
            assert same(found[row["prototype"]][name], row[name]), name


def same(found: float | None, expected: float | None) -> bool:
    """To 1e-12; None, where modes of a compound were not compared, is None."""
    return found is expected is None or found == pytest.approx(expected, rel=1e-12)


# ------------------------------------------------------------------------------ publications


@pytest.mark.parametrize("model", MODELS)
def test_published_conductivities_give_the_published_sre(model: str) -> None:
    """Of each compound and on average, to 1e-3."""
    scores = published_of(model)
    table = scores_table(scores)
    expected = np.array([item.sre for item in scores])
    np.testing.assert_allclose(np.abs(judged(table).srd), expected, atol=1e-3)
    found = summarize(table)
    assert found.mean_sre == pytest.approx(expected.mean(), abs=1e-4)
    assert found.mean_srme == pytest.approx(np.mean([item.srme for item in scores]))
    assert found.with_kappa == sum(item.kappa_300 is not None for item in scores)


@pytest.mark.parametrize(
    ("model", "srme"),
    [("SevenNet", 0.767), ("MACE-M", 0.688), ("CHGNet", 1.717), ("MACE-MPA-0", 0.412)],
)
def test_published_mean_over_103_compounds(model: str, srme: float) -> None:
    """k_SRME's table, three decimals; MACE-M lacks three compounds, which count as 2."""
    found = summarize(full_table(model))
    assert found.compounds == found.with_srme == COMPOUNDS
    assert found.mean_srme == pytest.approx(srme, abs=5e-4)


def test_compounds_that_the_source_lacks_have_their_reference() -> None:
    rows = {row["compound"]: row for row in full_table("MACE-M").to_pylist()}
    reference = {item.compound: item.kappa_reference_300 for item in published_of("SevenNet")}
    for name in ("CaS-rs", "CdO-rs", "GaAs-wz"):
        assert rows[name]["kappa_reference_300"] == reference[name]
        assert (rows[name]["kappa_300"], rows[name]["srd_300"]) == (None, -2.0)
