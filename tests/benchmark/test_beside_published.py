"""A run beside the published figures of its potential."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from screen.benchmark.beside_published import COLUMNS, agreement, beside_published, beside_table
from screen.core.published import published_of

PUBLISHED = {item.compound: item for item in published_of("sevennet-0")}
STABLE = [name for name, item in PUBLISHED.items() if item.kappa_300 is not None]
UNSTABLE = next(name for name, item in PUBLISHED.items() if item.kappa_300 is None)


def row(name: str, factor: float | None, shift: float = 0.0, **more: Any) -> dict[str, Any]:
    """Our figures of a compound: κ by a factor, SRME by a shift from the published ones."""
    other = PUBLISHED[name]
    kappa = None if factor is None else factor * (other.kappa_300 or 1.0)
    return {
        **{"compound": name, "model": "sevennet-0", "kappa_300": kappa},
        **{"srd_300": -2.0 if kappa is None else 0.5, "srme_300": other.srme + shift},
        **more,
    }


def test_deviations_by_hand() -> None:
    rows = [row(STABLE[0], 1.01, 0.02), row(STABLE[1], 0.98, -0.04), row(STABLE[2], 1.05)]
    found = beside_published(pa.Table.from_pylist(rows))
    deviations = [item.kappa_deviation for item in found]
    assert deviations == [pytest.approx(0.01), pytest.approx(-0.02), pytest.approx(0.05)]
    summed = agreement(found)
    assert (summed.compounds, summed.with_kappa) == (3, 3)
    assert summed.median_kappa_deviation == pytest.approx(0.02)
    assert summed.mean_srme_difference == pytest.approx(0.02)


def test_compounds_with_kappa_on_one_side_only_are_named() -> None:
    rows = [row(STABLE[0], None, srme_300=None), row(UNSTABLE, 1.0, -1.5)]
    found = beside_published(pa.Table.from_pylist(rows))
    summed = agreement(found)
    assert (summed.only_published, summed.only_ours) == ((STABLE[0],), (UNSTABLE,))
    assert (summed.with_kappa, summed.median_kappa_deviation) == (0, None)
    expected = (2 - PUBLISHED[STABLE[0]].srme + 1.5) / 2  # a failure counts as 2 on either side
    assert summed.mean_srme_difference == pytest.approx(expected)


def test_a_failure_on_both_sides_is_no_agreement_of_srme() -> None:
    found = beside_published(pa.Table.from_pylist([row(UNSTABLE, None), row(STABLE[0], 1.0, 0.04)]))
    assert agreement(found).mean_srme_difference == pytest.approx(0.04)


def test_srme_of_the_reference_that_was_published_with_is_taken_where_there_is_one() -> None:
    """SevenNet was published against DFT with NAC."""
    (other,) = beside_published(pa.Table.from_pylist([row(STABLE[0], 1.0, 0.06)]))
    assert not other.same_reference
    both = row(STABLE[0], 1.0, 0.06, srme_nac_300=PUBLISHED[STABLE[0]].srme)
    (same,) = beside_published(pa.Table.from_pylist([both]))
    assert same.same_reference
    assert same.srme_difference == 0
    mpa = {**both, "model": "mace-mpa-0"}  # published against DFT without NAC
    (without,) = beside_published(pa.Table.from_pylist([mpa]))
    assert without.same_reference
    assert without.srme_300 == both["srme_300"]


def test_modes_that_nobody_compared_have_no_difference() -> None:
    found = beside_published(
        pa.Table.from_pylist([row(STABLE[0], 1.0, srme_300=None), row(STABLE[1], 1.0, 0.01)])
    )
    assert [item.srme_difference for item in found] == [None, pytest.approx(0.01)]
    assert agreement(found).mean_srme_difference == pytest.approx(0.01)


def test_potential_or_compound_that_is_not_published_is_left_out() -> None:
    rows = [row(STABLE[0], 1.0) | {"model": "of-our-own"}]
    assert beside_published(pa.Table.from_pylist(rows)) == ()
    rows = [row(STABLE[0], 1.0) | {"compound": "XY-rs"}, row(STABLE[1], 1.0)]
    assert [item.compound for item in beside_published(pa.Table.from_pylist(rows))] == [STABLE[1]]
    assert agreement(()).median_kappa_deviation is None


def test_table_has_its_columns() -> None:
    found = beside_published(pa.Table.from_pylist([row(STABLE[0], 1.25)]))
    table = beside_table(found)
    assert table.column_names == [column.name for column in COLUMNS]
    assert table["kappa_deviation"].to_pylist() == [pytest.approx(0.25)]
