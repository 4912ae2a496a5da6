"""Several potentials on one material, as SQL users see them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from screen.core.protocols import ModelCard, ModelIdentity
from screen.core.records import Failure, Outcome
from screen.store.database import Writer, open_snapshot
from screen.store.queries import columns_of
from tests.store.samples import PROPERTIES, PROTOCOL, candidate, rows_of

DIGESTS = {"SevenNet-0": "5" * 24, "mace.mpa": "3" * 24, "chgnet": "c" * 24}


def card(name: str, kappa_srme: float | None) -> ModelCard:
    about = dict.fromkeys(("family", "description", "training_set", "functional"), "none")
    return ModelCard(
        name=name,
        licence="MIT",
        citation="someone",
        bundled=True,
        cutoff=5.0,
        elements=frozenset({"Li", "Br"}),
        kappa_srme=kappa_srme,
        **about,
    )


def outcome(material: str, model: str, kappa: float | None) -> Outcome:
    """κ at 300 K; None: imaginary modes."""
    found = rows_of(kappa or 1.0)
    if kappa is None:
        found = {"stability": {**found["stability"], "stable": False}}
    failures = () if kappa else (Failure("stability", "imaginary_modes", "soft"),)
    return Outcome(material, "c", DIGESTS[model], PROTOCOL, found, failures, {}, (), {})


def results(run: Path, outcomes: Sequence[Outcome], names: Sequence[str]) -> list[dict[str, Any]]:
    with Writer(run, PROPERTIES) as writer:
        for name in names:
            identity = ModelIdentity("any", name, name, "float64", "none", "1")
            srme = {"chgnet": 1.717, "SevenNet-0": 0.767}.get(name)
            writer.add_model(DIGESTS[name], identity, card(name, srme))
        writer.add_candidates([candidate("m"), candidate("n")])
        writer.upsert(outcomes)
        writer.publish()
    with open_snapshot(run) as snapshot:
        named = {column.name for column in columns_of(snapshot)}
        rows = snapshot.query("SELECT * FROM results ORDER BY material_id, model").to_pylist()
    assert all(set(row) == named for row in rows), "every column is described"
    return rows


def test_each_row_has_the_median_the_spread_and_every_potential_s_number(tmp_path: Path) -> None:
    outcomes = [
        outcome("m", "SevenNet-0", 10.0),
        outcome("m", "mace.mpa", 14.0),
        outcome("m", "chgnet", 0.5),
        outcome("n", "mace.mpa", 3.0),
    ]
    rows = results(tmp_path, outcomes, list(DIGESTS))
    assert [row["kappa_300"] for row in rows] == [10.0, 0.5, 14.0, 3.0]
    for row in rows[:3]:
        assert (row["kappa_300_median"], row["kappa_300_spread"]) == (12.0, 2.0)
        assert row["models_compared"] == 2, "CHGNet is not fit for κ"
        assert row["models_disagree"] is False
        assert row["kappa_300_sevennet_0"] == 10.0
        assert (row["kappa_300_mace_mpa"], row["kappa_300_chgnet"]) == (14.0, 0.5)
        assert row["expansion_300_median"] == row["expansion_300"]
    alone = rows[3]
    assert (alone["kappa_300_median"], alone["kappa_300_spread"]) == (3.0, None)
    assert (alone["models_compared"], alone["models_disagree"]) == (1, None)


@pytest.mark.parametrize(
    ("second", "expected"), [(14.9, False), (15.1, True), (6.6, True), (None, True)]
)
def test_potentials_disagree_beyond_a_factor_or_about_stability(
    tmp_path: Path, second: float | None, expected: bool
) -> None:
    outcomes = [outcome("m", "SevenNet-0", 10.0), outcome("m", "mace.mpa", second)]
    for row in results(tmp_path, outcomes, ["SevenNet-0", "mace.mpa"]):
        assert row["models_disagree"] is expected


def test_a_single_potential_has_no_columns_of_its_own(tmp_path: Path) -> None:
    (row,) = results(tmp_path, [outcome("m", "chgnet", 2.0)], ["chgnet"])
    assert (row["kappa_300_median"], row["models_compared"]) == (2.0, 1)
    assert not any(name.startswith("kappa_300_chgnet") for name in row)


def test_two_potentials_of_one_name_are_told_apart(tmp_path: Path) -> None:
    with Writer(tmp_path, PROPERTIES) as writer:
        for digest in ("1" * 24, "2" * 24):
            identity = ModelIdentity("any", "mine", digest, "float64", "none", "1")
            writer.add_model(digest, identity)
        writer.publish()
    with open_snapshot(tmp_path) as snapshot:
        names = [column.name for column in columns_of(snapshot)]
    assert {"kappa_300_mine_111111", "kappa_300_mine_222222"} <= set(names)
