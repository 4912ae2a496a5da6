"""Batches keep the order and respect the budget."""

from __future__ import annotations

import pytest

from screen.models._batches import batches


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        (1, [[3], [1], [1], [5], [2]]),  # too small for any: one by one
        (4, [[3, 1], [1], [5], [2]]),
        (5, [[3, 1, 1], [5], [2]]),
        (100, [[3, 1, 1, 5, 2]]),
    ],
)
def test_batches_are_as_full_as_the_budget_allows(budget: int, expected: list[list[int]]) -> None:
    assert list(batches([3, 1, 1, 5, 2], size=lambda item: item, budget=budget)) == expected


def test_no_items_give_no_batches() -> None:
    assert list(batches([], size=len, budget=3)) == []
