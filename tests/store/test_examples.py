"""What the example queries count, where that is more than what a view says already."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from screen.core.records import Failure, Metadata
from screen.store.examples import examples
from tests.test_ranking import published, result


def test_the_share_within_a_factor_counts_failures_as_misses(tmp_path: Path) -> None:
    reference = Metadata(kappa_reference_300=2.0)
    outcomes = [
        result("near", [3.0, 2.0, 1.0]),
        result("far", [9.0, 6.0, 3.0]),
        result("soft", [3.0, 2.0, 1.0], stable=False),
        replace(
            result("broken", None),
            rows={},
            failures=(Failure("relax", "relaxation", "no minimum"),),
        ),
    ]
    (example,) = (item for item in examples() if item.name == "error-against-dft")
    known = {outcome.material_id: reference for outcome in outcomes}
    with published(tmp_path, outcomes, metadata=known) as opened:
        (row,) = opened.query(example.sql).to_pylist()
    assert (row["materials"], row["share_within_factor_1_5"]) == (4, pytest.approx(1 / 4))
    assert row["mean_sre_300"] == pytest.approx((0 + 2 * (6 - 2) / (6 + 2) + 2 + 2) / 4)
