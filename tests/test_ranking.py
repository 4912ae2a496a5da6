"""Rankings: small runs whose order can be checked by hand."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from screen import ranking
from screen.core.columns import Column
from screen.core.crystal import Crystal
from screen.core.errors import SettingsError, StoreError
from screen.core.protocols import ModelCard, ModelIdentity
from screen.core.records import Candidate, Failure, Metadata, Outcome
from screen.core.settings import PROTOCOLS
from screen.store.database import Snapshot, Writer, open_snapshot

MODELS = {"a" * 24: "alpha", "b" * 24: "beta"}
ALPHA, BETA = MODELS
QUICK = PROTOCOLS["quick"]


def columns(*names: str, sql_type: Any = "DOUBLE") -> tuple[Column, ...]:
    return tuple(Column(name, sql_type, name, name) for name in names)


PROPERTIES = {
    "stability": columns("stable", sql_type="BOOLEAN"),
    "conductivity": (
        *columns("temperatures", "kappa", "kappa_p", "kappa_c", sql_type="DOUBLE[]"),
        *columns("kappa_300"),
        *columns("nac", "fc3_fit_poor", sql_type="BOOLEAN"),
    ),
    "expansion": (
        *columns("expansion_temperatures", "expansion", sql_type="DOUBLE[]"),
        *columns("expansion_300"),
    ),
}
GRID = [200.0, 300.0, 400.0]


def result(
    material: str,
    kappa: Sequence[float] | None,
    *,
    stable: bool = True,
    model: str = ALPHA,
    nac: bool = False,
    poor: bool = False,
    expansion: bool = True,
    grid: Sequence[float] = GRID,
) -> Outcome:
    """An outcome whose coherences are a tenth of κ."""
    rows: dict[str, dict[str, Any]] = {"stability": {"stable": stable}}
    failures = () if stable else (Failure("stability", "imaginary_modes", "soft"),)
    if kappa is not None:
        at_300 = float(np.interp(300.0, grid, kappa))
        rows["conductivity"] = {
            "temperatures": grid,
            "kappa": kappa,
            "kappa_p": np.multiply(kappa, 0.9),
            "kappa_c": np.multiply(kappa, 0.1),
            "kappa_300": at_300,
            "nac": nac,
            "fc3_fit_poor": poor,
        }
    if expansion:
        curve = [1e-5, 2e-5, 3e-5]
        rows["expansion"] = {
            "expansion_temperatures": GRID,
            "expansion": curve,
            "expansion_300": 2e-5,
        }
    else:
        failures = (*failures, Failure("expansion", "expansion", "no bulk modulus"))
    return Outcome(material, None, model, QUICK.digest, rows, failures, {}, (), {})


OUTCOMES = [
    result("low", [3.0, 2.0, 1.0]),
    result("high", [300.0, 200.0, 100.0], nac=True, poor=True),
    result("middle", [30.0, 20.0, 10.0], expansion=False),
    result("middle", [33.0, 22.0, 11.0], model=BETA),
    result("soft", [0.1, 0.1, 0.1], stable=False),
    result("nameless", None),
    result("cold", [9.0, 8.0], grid=[200.0, 300.0]),
    result("holed", [5.0, math.nan, 4.0]),
]
REFERENCES = {
    "low": Metadata("rocksalt", kappa_reference_300=4.0),
    "high": Metadata("zincblende", kappa_reference_300=160.0, kappa_reference_nac_300=100.0),
}


def card(name: str, kappa_srme: float) -> ModelCard:
    about = dict.fromkeys(("family", "description", "training_set", "functional"), "none")
    return ModelCard(
        name=name,
        licence="none",
        citation="none",
        bundled=True,
        cutoff=5.0,
        elements=frozenset({"Li", "Br"}),
        kappa_srme=kappa_srme,
        **about,
    )


def published(
    run: Any,
    outcomes: Sequence[Outcome],
    properties: Any = PROPERTIES,
    metadata: Mapping[str, Metadata] = REFERENCES,
    unfit: Collection[str] = (),
) -> Snapshot:
    cell = Crystal(np.eye(3) * 5.5, np.array([3, 35]), np.array([[0, 0, 0], [0.5, 0.5, 0.5]]))
    with Writer(run, properties) as writer:
        for digest, name in MODELS.items():
            identity = ModelIdentity("springs", name, "w", "float64", "none", "1")
            writer.add_model(digest, identity, card(name, 1.7) if name in unfit else None)
        writer.add_protocol(QUICK)
        writer.add_candidates(
            [
                Candidate(item.material_id, "test", cell, metadata=metadata[item.material_id])
                for item in outcomes
                if item.material_id in metadata
            ]
        )
        writer.upsert(outcomes)
        writer.publish()
    return open_snapshot(run)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    """Everything in ``OUTCOMES``."""
    with published(tmp_path_factory.mktemp("run"), OUTCOMES) as opened:
        yield opened


def order(table: Any) -> list[str]:
    names: list[str] = table["material_id"].to_pylist()
    return names


def test_insulators_rise_and_heat_spreaders_fall(snapshot: Snapshot) -> None:
    rising = ranking.rank(snapshot, "insulators", 400.0)
    assert rising["kappa"].to_pylist() == [1.0, 4.0, 10.5, 100.0]
    assert rising["rank"].to_pylist() == [1, 2, 3, 4]
    falling = ranking.rank(snapshot, "heat-spreaders", 400.0)
    assert order(falling) == order(rising)[::-1]
    assert falling["rank"].to_pylist() == [1, 2, 3, 4]


def test_a_poor_fit_of_the_third_order_force_constants_is_told(snapshot: Snapshot) -> None:
    rows = ranking.rank(snapshot, "insulators", 400.0).to_pylist()
    assert [row["material_id"] for row in rows if row["fc3_fit_poor"]] == ["high"]


def test_several_potentials_give_their_median_and_half_their_range(snapshot: Snapshot) -> None:
    (row,) = ranking.rank(snapshot, "insulators", where="material_id = 'middle'").to_pylist()
    assert (row["model"], row["kappa"], row["kappa_spread"]) == ("median of 2", 21.0, 1.0)
    assert (row["status"], row["models_disagree"]) == ("partial", False)
    assert row["expansion_spread"] is None, "one of them has no expansion"
    (alone,) = ranking.rank(snapshot, "insulators", limit=1).to_pylist()
    assert (alone["model"], alone["kappa_spread"], alone["models_disagree"]) == (
        "alpha",
        None,
        None,
    )


def test_potentials_not_fit_for_kappa_count_only_when_asked_for_or_alone(tmp_path: Any) -> None:
    outcomes = [result("m", [3.0, 2.0, 1.0]), result("m", [30.0, 20.0, 10.0], model=BETA)]
    for unfit, expected in (({"beta"}, [2.0]), ({"alpha"}, [20.0]), ({"alpha", "beta"}, [11.0])):
        with published(tmp_path / "".join(unfit), outcomes, unfit=unfit) as snapshot:
            assert ranking.rank(snapshot, "insulators")["kappa"].to_pylist() == expected
            asked = ranking.rank(snapshot, "insulators", model="beta")
            assert asked["kappa"].to_pylist() == [20.0]


def test_unstable_and_unfinished_materials_are_not_ranked(snapshot: Snapshot) -> None:
    assert not {"soft", "nameless"} & set(order(ranking.rank(snapshot, "insulators")))


def test_a_material_with_another_failed_property_is_ranked_and_marked(snapshot: Snapshot) -> None:
    (row,) = ranking.rank(
        snapshot, "insulators", where="material_id = 'middle'", model="alpha"
    ).to_pylist()
    assert (row["status"], row["kappa"], row["expansion"]) == ("partial", 20.0, None)


def test_a_row_holds_what_is_declared(snapshot: Snapshot) -> None:
    table = ranking.rank(snapshot, "insulators", 300.0, limit=1)
    assert table.column_names == [column.name for column in ranking.COLUMNS]
    (row,) = table.to_pylist()
    assert (row["formula"], row["prototype"], row["model"]) == ("LiBr", "rocksalt", "alpha")
    assert (row["protocol"], row["temperature"]) == ("quick", 300.0)
    assert (row["kappa"], row["kappa_p"], row["kappa_c"]) == (2.0, 1.8, 0.2)
    assert row["coherence_share"] == 0.1
    assert row["expansion"] == 2e-5
    assert (row["kappa_reference_300"], row["ratio_300"]) == (4.0, 0.5)


def test_the_reference_has_nac_where_the_conductivity_has(snapshot: Snapshot) -> None:
    (row,) = ranking.rank(snapshot, "heat-spreaders", 300.0, limit=1).to_pylist()
    assert (row["kappa_reference_300"], row["ratio_300"]) == (100.0, 2.0)


def test_between_grid_points_kappa_is_a_power_of_temperature_and_alpha_linear(
    snapshot: Snapshot,
) -> None:
    (row,) = ranking.rank(snapshot, "insulators", 325.0, limit=1).to_pylist()
    power = math.log(1 / 2) / math.log(400 / 300)  # κ falls from 2 at 300 K to 1 at 400 K
    assert row["kappa"] == pytest.approx(2 * (325 / 300) ** power, rel=1e-14)
    assert row["expansion"] == pytest.approx(2.25e-5, rel=1e-14)
    assert row["ratio_300"] == 0.5, "the reference is known at 300 K only"


def test_a_material_is_left_out_where_its_grid_or_number_ends(snapshot: Snapshot) -> None:
    at_300 = order(ranking.rank(snapshot, "insulators", 300.0))
    at_350 = order(ranking.rank(snapshot, "insulators", 350.0))
    at_400 = order(ranking.rank(snapshot, "insulators", 400.0))
    assert ("cold" in at_300, "cold" in at_350) == (True, False)
    assert ("holed" in at_300, "holed" in at_350, "holed" in at_400) == (False, False, True)


@pytest.mark.parametrize("temperature", [199.9, 400.1, math.nan])
def test_a_temperature_that_nobody_computed_is_an_error(
    snapshot: Snapshot, temperature: float
) -> None:
    with pytest.raises(SettingsError, match="computed temperatures: 200 to 400 K"):
        ranking.rank(snapshot, "insulators", temperature)


def test_model_and_protocol_are_names_or_digests(snapshot: Snapshot) -> None:
    by_name = ranking.rank(snapshot, "insulators", model="beta")
    assert by_name["kappa"].to_pylist() == [22.0]
    assert ranking.rank(snapshot, "insulators", model=BETA) == by_name
    both = ranking.rank(snapshot, "insulators", model=BETA, protocol=QUICK.digest)
    assert both == by_name


def test_an_unknown_model_or_protocol_lists_those_of_the_run(snapshot: Snapshot) -> None:
    with pytest.raises(SettingsError, match=r"no results of protocol 'screen'.*quick"):
        ranking.rank(snapshot, "insulators", protocol="screen")
    with pytest.raises(SettingsError, match=r"no results of model 'gamma'.*beta"):
        ranking.rank(snapshot, "insulators", model="gamma")


def test_a_condition_filters_on_results(snapshot: Snapshot) -> None:
    table = ranking.rank(snapshot, "insulators", where="kappa_300 > 5 AND status = 'complete'")
    assert order(table) == ["cold", "middle", "high"]
    commented = ranking.rank(snapshot, "insulators", where="prototype = 'rocksalt' -- only")
    assert order(commented) == ["low"]
    either = ranking.rank(snapshot, "insulators", model="beta", where="TRUE OR TRUE")
    assert order(either) == ["middle"], "the condition cannot widen the other filters"


def test_a_wrong_condition_keeps_the_message_of_the_database(snapshot: Snapshot) -> None:
    with pytest.raises(StoreError, match="kapa_300"):
        ranking.rank(snapshot, "insulators", where="kapa_300 > 5")
    with pytest.raises(StoreError, match="disabled"):
        ranking.rank(snapshot, "insulators", where="(SELECT count(*) FROM '/etc/passwd.csv') > 0")


def test_the_limit_cuts_after_ranking(snapshot: Snapshot) -> None:
    assert order(ranking.rank(snapshot, "heat-spreaders", limit=2)) == ["high", "middle"]
    with pytest.raises(SettingsError, match="limit=0"):
        ranking.rank(snapshot, "insulators", limit=0)


def test_an_unknown_ranking_lists_the_known_ones(snapshot: Snapshot) -> None:
    with pytest.raises(SettingsError, match="no ranking 'best'; known: insulators, heat-spreaders"):
        ranking.rank(snapshot, "best")


def test_equal_conductivities_are_ordered_by_name(tmp_path: Any) -> None:
    same = [result(name, [2.0, 2.0, 2.0]) for name in ("c", "a", "b")]
    with published(tmp_path, same) as snapshot:
        for kind in ranking.RANKINGS:
            assert order(ranking.rank(snapshot, kind)) == ["a", "b", "c"]


def test_a_run_without_expansion_can_be_ranked(tmp_path: Any) -> None:
    alone = {"conductivity": PROPERTIES["conductivity"]}
    low = result("low", [3.0, 2.0, 1.0])
    low = replace(low, rows={"conductivity": low.rows["conductivity"]})
    with published(tmp_path, [low], alone) as snapshot:
        (row,) = ranking.rank(snapshot, "insulators").to_pylist()
        assert (row["kappa"], row["expansion"]) == (2.0, None)


def test_a_run_without_conductivity_says_so(tmp_path: Any) -> None:
    with (
        published(tmp_path, [], {"stability": PROPERTIES["stability"]}) as snapshot,
        pytest.raises(SettingsError, match="add 'conductivity'"),
    ):
        ranking.rank(snapshot, "insulators")


def test_a_run_without_results_gives_an_empty_ranking(tmp_path: Any) -> None:
    with published(tmp_path, []) as snapshot:
        table = ranking.rank(snapshot, "insulators")
    assert len(table) == 0
    assert table.column_names == [column.name for column in ranking.COLUMNS]
