"""Errors of one conductivity, mode by mode."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from screen.benchmark.accuracy import accuracy
from screen.benchmark.references import ModeReference
from screen.core.errors import CatalogError

from .scored import conductivity

REFERENCE = ModeReference(
    compound="LiBr-rs",
    q=np.array([[0.0, 0, 0], [0.5, 0, 0]]),
    weights=np.array([1, 3]),
    frequencies=np.array([[1.0, 2.0], [3.0, 4.0]]),
    mode_kappa=np.array([[0.0, 1.0], [2.0, 3.0]]),
)


def test_the_reference_itself_is_exact() -> None:
    found = accuracy(conductivity(REFERENCE), REFERENCE)
    assert (found.srme_300, found.frequency_error, found.frequency_ratio) == (0, 0, 1)


def test_twice_the_reference_errs_by_two_thirds() -> None:
    """2 |2 − 1| / (2 + 1), by hand."""
    assert accuracy(conductivity(REFERENCE, 2.0), REFERENCE).srme_300 == pytest.approx(2 / 3)


def test_errors_of_modes_that_cancel_in_the_total_count() -> None:
    """Σ κ(qs) = 6 twice; modes differ by 0, 1, 1, 0: 2 · 2/(6 + 6) = 1/3, by hand."""
    exchanged = np.array([[[0.0, 2.0], [1.0, 3.0]]])
    record = replace(conductivity(REFERENCE), mode_kappa=exchanged)
    assert accuracy(record, REFERENCE).srme_300 == pytest.approx(1 / 3)


def test_frequencies_count_as_often_as_their_points_occur() -> None:
    """Softer by 10 % at the second point alone: Σ w |Δf| = 3 · (0.3 + 0.4) over 8 modes, by hand."""
    softer = np.array([[1.0, 2.0], [2.7, 3.6]])
    found = accuracy(replace(conductivity(REFERENCE), frequencies=softer), REFERENCE)
    assert found.frequency_error == pytest.approx(2.1 / 8)
    assert found.frequency_ratio == pytest.approx((24 - 2.1) / 24)


def test_points_are_found_in_any_order_and_in_any_cell() -> None:
    record = conductivity(REFERENCE)
    turned = replace(
        record,
        q=record.q[::-1] + np.array([[-1.0, 0, 0], [0, 2, 0]]),
        weights=record.weights[::-1],
        frequencies=record.frequencies[::-1],
        mode_kappa=record.mode_kappa[:, ::-1],
    )
    assert accuracy(turned, REFERENCE).srme_300 == 0


def test_other_points_temperatures_and_meshes_are_refused() -> None:
    record = conductivity(REFERENCE)
    cases = {
        "the temperatures .200.0. leave out": {"temperatures": np.array([200.0])},
        "irreducible q-points of the conductivity": {"q": record.q + 0.1},
        "weights of the q-points": {"weights": np.array([2, 2])},
        "mesh or number of atoms": {"frequencies": np.ones((3, 2))},
    }
    for message, change in cases.items():
        with pytest.raises(CatalogError, match=f"LiBr-rs.*{message}|{message}.*LiBr-rs|{message}"):
            accuracy(replace(record, **change), REFERENCE)
