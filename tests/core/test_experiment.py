"""Measured values: each belongs to a known compound, has a unit and one citation."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from screen.core import catalogs
from screen.core.errors import CatalogError
from screen.core.experiment import COLUMNS, UNITS, measured, measurements
from screen.core.substrates import substrates

HEADER = ",".join(COLUMNS)


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Read measurements from this line instead of the catalog."""

    def write(line: str) -> None:
        (tmp_path / "catalogs").mkdir()
        (tmp_path / "catalogs" / "experiment.csv").write_text(f"{HEADER}\n{line}\n", "utf-8")
        monkeypatch.setattr(catalogs, "PACKAGE", tmp_path / "screen")
        measurements.cache_clear()

    yield write
    measurements.cache_clear()


def benchmark() -> dict[str, tuple[str, str]]:
    """Formula and prototype of the 103 compounds by Materials Project id."""
    with catalogs.catalog_path("phonondb_pbe_103.csv").open(encoding="utf-8", newline="") as file:
        return {row["mp_id"]: (row["formula"], row["prototype"]) for row in csv.DictReader(file)}


def test_a_measured_compound_is_the_one_that_its_identifier_names() -> None:
    known = benchmark()
    for item in measurements():
        if item.mp_id is None:
            assert (item.formula, item.prototype) not in known.values(), item
        else:
            assert known[item.mp_id] == (item.formula, item.prototype), item


def test_a_value_is_not_given_twice_with_the_same_citation() -> None:
    keys = [(item.formula, item.prototype, item.property, item.citation) for item in measurements()]
    assert len(set(keys)) == len(keys)


def test_every_property_is_measured_somewhere() -> None:
    assert {item.property for item in measurements()} == set(UNITS)


def test_expansions_of_twelve_cubic_benchmark_compounds_are_known_near_room_temperature() -> None:
    near = {
        item.mp_id
        for item in measurements()
        if item.property == "alpha"
        and item.mp_id is not None
        and item.temperature_to is None
        and (item.temperature is None or 273 <= item.temperature <= 300)
    }
    assert len(near) >= 12


def test_substrates_and_measurements_agree() -> None:
    alpha = {(item.formula, item.citation): item.value for item in measurements()}
    for name in ("Si", "SiC", "3C-SiC", "GaAs", "InP"):
        substrate = substrates()[name]
        assert alpha[substrate.formula, substrate.citation] == substrate.expansion


def test_elements_may_stand_in_any_order() -> None:
    """pymatgen writes TePb."""
    assert measured("TePb", "rocksalt") == measured("PbTe", "rocksalt") != ()
    assert measured("Al2O3", "corundum") == measured("O3Al2", "corundum") != ()
    assert measured("Al3O2", "corundum") == measured(None, None) == ()


GOOD = "Si,diamond,,alpha,2.57e-6,,1/K,300,,Okada (1984)"


def test_an_empty_catalog_is_named(tmp_path: Path, broken: Callable[[str], None]) -> None:
    broken(GOOD)
    (tmp_path / "catalogs" / "experiment.csv").write_text("")
    with pytest.raises(CatalogError, match=r"experiment.csv has the columns \[\] instead of"):
        measurements()


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("alpha", "volume", "line 2: no property 'volume'; known: kappa"),
        ("1/K", "1e-6/K", "alpha is in '1/K', not in '1e-6/K'"),
        ("2.57e-6", "2.57", "alpha = 2.57 is not in 1/K"),
        ("2.57e-6", "", "value = '' is no finite number"),
        ("alpha,2.57e-6,,1/K", "kappa,0,,W/m/K", "kappa = 0 is not positive"),
        ("300,", "300,200", "temperature_to needs a temperature below it"),
        ("300,", ",200", "temperature_to needs a temperature below it"),
        ("300,", "-300,", "temperature and uncertainty cannot be negative"),
        ("2.57e-6,", "2.57e-6,-1e-6", "temperature and uncertainty cannot be negative"),
        ("(1984)", "", "names no year"),
    ],
)
def test_a_broken_line_is_named(
    broken: Callable[[str], None], old: str, new: str, problem: str
) -> None:
    assert GOOD.count(old) == 1
    broken(GOOD.replace(old, new))
    with pytest.raises(CatalogError, match=problem):
        measurements()
