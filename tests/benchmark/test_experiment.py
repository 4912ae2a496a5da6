"""Model and DFT beside experiment: which measurements count, and the errors by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from screen.benchmark.experiment import (
    COLUMNS,
    Comparison,
    DftReference,
    MedianErrors,
    comparison_table,
    comparisons,
    dft_references,
    median_errors,
)
from screen.benchmark.published_compounds import full_table
from screen.core.published import published_of


def compound(name: str, kappa: float | None, **more: Any) -> dict[str, Any]:
    """One compound of a run."""
    formula, _, suffix = name.rpartition("-")
    prototype = {"rs": "rocksalt", "zb": "zincblende", "wz": "wurtzite"}[suffix]
    row = {"compound": name, "formula": formula, "prototype": prototype, "kappa_300": kappa}
    return row | {"srd_300": -2.0 if kappa is None else 0.1} | more


REFERENCES = {"GaAs-zb": DftReference(40.0, 30.0)}


def test_several_measurements_count_as_their_median() -> None:
    """GaAs: 55 and 45.5 W/m/K."""
    (found,) = comparisons(pa.Table.from_pylist([compound("GaAs-zb", 60.3)]), REFERENCES)
    assert (found.lowest, found.experiment, found.highest) == (45.5, 50.25, 55.0)
    assert len(found.citations) == 2
    assert found.model_to_reference == pytest.approx(60.3 / 40 - 1)
    assert found.model_error == pytest.approx(0.2)
    assert found.reference_error == pytest.approx(40 / 50.25 - 1)
    assert found.reference_nac_error == pytest.approx(30 / 50.25 - 1)


def test_elements_may_stand_in_the_order_of_pymatgen() -> None:
    table = pa.Table.from_pylist([compound("GaAs-zb", 60.3, formula="AsGa")])
    assert len(comparisons(table, REFERENCES)) == 1


def test_compound_without_kappa_keeps_reference_and_experiment() -> None:
    for row in (compound("GaAs-zb", None), compound("GaAs-zb", 60.3, srd_300=-2.0)):
        (found,) = comparisons(pa.Table.from_pylist([row]), REFERENCES)
        assert (found.model, found.model_error, found.model_to_reference) == (None, None, None)
        assert found.reference == 40.0


def test_kappa_along_an_axis_and_means_over_a_range_are_left_out() -> None:
    """GaN is measured perpendicular to c, the α of AlN is a mean from 293 to 1073 K."""
    rows = [
        compound("GaN-wz", 200.0, expansion_a_300=None, expansion_c_300=None),
        compound("AlN-wz", 300.0, expansion_a_300=4e-6, expansion_c_300=3e-6),
    ]
    found = comparisons(pa.Table.from_pylist(rows), {})
    assert {(item.compound, item.quantity) for item in found} == {
        ("GaN-wz", "alpha_a"),
        ("GaN-wz", "alpha_c"),
    }


def test_expansion_is_compared_where_the_run_has_it_and_never_with_dft() -> None:
    row = compound("GaAs-zb", 60.3, expansion_300=6.303e-6)
    kappa, alpha = comparisons(pa.Table.from_pylist([row]), REFERENCES)
    assert (kappa.quantity, alpha.quantity) == ("kappa", "alpha")
    assert (alpha.reference, alpha.reference_nac) == (None, None)
    assert alpha.model_error == pytest.approx(0.1)  # measured: 5.73e-6/K
    errors = {item.quantity: item for item in median_errors([kappa, alpha])}
    assert errors["alpha"] == MedianErrors("alpha", 1, model_error=pytest.approx(0.1))


def test_expansion_is_compared_although_there_is_no_kappa() -> None:
    row = compound("GaAs-zb", None, expansion_300=5.73e-6)
    _, alpha = comparisons(pa.Table.from_pylist([row]), REFERENCES)
    assert alpha.model_error == pytest.approx(0)


def test_median_errors_are_over_compounds_that_have_all_values() -> None:
    full = Comparison("a", "kappa", 11.0, 8.0, 9.0, 10.0, 10.0, 10.0, ("one (2000)",))
    rows = [
        full,  # +10 %, −20 %, −10 %; to DFT +37.5 %
        replace(full, model=6.0),  # −40 %; to DFT −25 %
        replace(full, model=10.0, reference=20.0),  # 0, +100 %; to DFT −50 %
        replace(full, model=None, reference=1.0),  # not counted anywhere
        replace(full, reference_nac=None, model=1000.0),
    ]
    (found,) = median_errors(rows)
    assert found.compounds == 3
    assert found.model_to_reference == pytest.approx(0.375)
    assert found.model_error == pytest.approx(0.1)
    assert found.reference_error == pytest.approx(0.2)
    assert found.reference_nac_error == pytest.approx(0.1)
    (none,) = median_errors(rows[3:])
    assert none == MedianErrors("kappa", 0)


def test_references_are_those_that_potentials_were_published_against() -> None:
    """With NAC for SevenNet, without for MACE-MPA-0, to four decimals."""
    known = dft_references()
    for item in published_of("SevenNet"):
        assert known[item.compound].kappa_nac_300 == pytest.approx(
            item.kappa_reference_300, abs=6e-5
        )
    for item in published_of("MACE-MPA-0"):
        assert known[item.compound].kappa_300 == pytest.approx(item.kappa_reference_300, abs=6e-5)


def test_table_of_comparisons_has_its_columns() -> None:
    found = comparisons(full_table("SevenNet"), dft_references())
    table = comparison_table(found)
    assert table.column_names == [column.name for column in COLUMNS]
    assert len(table) == len({item.compound for item in found}) >= 10
    assert table["model_error"].to_pylist() == [item.model_error for item in found]
    assert table["citations"].to_pylist() == [list(item.citations) for item in found]
