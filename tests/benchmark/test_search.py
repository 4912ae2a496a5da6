"""How soon the best are found: by hand, and against all permutations of what is left open."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, permutations

import numpy as np
import pytest

from screen.benchmark.search import (
    cost_to_find,
    expected_hits,
    predicted_places,
    search,
    truly_best,
)

NONE = np.nan
REFERENCE = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
KAPPA = np.array([2.0, 5.0, 1.0, NONE, 4.0, NONE])
SECONDS = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 5.0])


def orders(places: np.ndarray) -> Iterator[list[int]]:
    """All orders of the compounds that the places allow."""
    for order in permutations(range(len(places))):
        if all(places[a] <= places[b] for a, b in pairwise(order)):
            yield list(order)


def test_compounds_without_kappa_come_last_at_either_end() -> None:
    assert predicted_places(KAPPA, "lowest").tolist() == [2, 4, 1, 5, 3, 5]
    assert predicted_places(KAPPA, "highest").tolist() == [3, 1, 4, 5, 2, 5]


def test_best_insulators_by_hand() -> None:
    """True: 0, 1. Predicted: 2, 0, 4, 1, then 3 and 5 without κ."""
    found = search(KAPPA, REFERENCE, "lowest", 2, SECONDS)
    assert found is not None
    assert (found.best, found.hits) == (2, 1.0)
    assert found.hits_by_chance == pytest.approx(4 / 6)
    assert found.enrichment == 0.0  # the first is 2, the best 0
    assert (found.tries, found.tried) == (4.0, pytest.approx(4 / 6))
    assert found.tries_by_chance == pytest.approx(2 * 7 / 3)
    assert found.cost == pytest.approx((3 + 1 + 5 + 2) / 20)
    assert found.cost_by_chance == pytest.approx((1 + 2 + 2 / 3 * 17) / 20)


def test_best_heat_spreaders_by_hand() -> None:
    """True: 5, 4. Predicted: 1, 4, 0, 2, then 3 and 5 in random order: four tries and a half more."""
    found = search(KAPPA, REFERENCE, "highest", 2)
    assert found is not None
    assert (found.hits, found.tries) == (1.0, 4 + 1.5)
    assert found.cost is None
    assert found.cost_by_chance is None


def test_exact_prediction_finds_the_best_at_once() -> None:
    reference = np.random.default_rng(0).permutation(40) + 1.0
    for end in ("lowest", "highest"):
        found = search(2 * reference, reference, end)
        assert found is not None
        assert (found.hits, found.tries, found.enrichment) == (
            10,
            10,
            10,
        )  # 4 of 4 where 0.4 is chance
        assert found.hits_by_chance == 2.5


def test_opposite_prediction_finds_the_best_last() -> None:
    reference = np.arange(1.0, 41.0)
    found = search(1 / reference, reference, "lowest")
    assert found is not None
    assert (found.hits, found.tries, found.enrichment) == (0, 40, 0)


def test_no_prediction_is_chance() -> None:
    reference = np.arange(1.0, 31.0)
    found = search(np.full(30, NONE), reference, "lowest", cpu_s=np.ones(30))
    assert found is not None
    assert found.hits == pytest.approx(found.hits_by_chance)
    assert found.tries == pytest.approx(found.tries_by_chance) == pytest.approx(10 * 31 / 11)
    assert found.cost == pytest.approx(found.cost_by_chance)
    assert found.enrichment == pytest.approx(1)


@pytest.mark.parametrize("end", ["lowest", "highest"])
def test_expectations_are_means_over_all_orders_that_the_prediction_leaves_open(end: str) -> None:
    kappa = np.array([3.0, NONE, 1.0, 3.0, NONE, 3.0, NONE])
    costs = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0])
    wanted = truly_best(np.array([5.0, 1.0, 7.0, 2.0, 6.0, 3.0, 4.0]), end, 3)
    places = predicted_places(kappa, end)
    hits, cost = [], []
    for order in orders(places):
        hits.append(sum(wanted[order[:4]]))
        until = max(order.index(index) for index in np.flatnonzero(wanted))
        cost.append(costs[order[: until + 1]].sum())
    assert len(hits) == 36
    assert expected_hits(places, wanted, 4) == pytest.approx(np.mean(hits))
    assert cost_to_find(places, wanted, costs) == pytest.approx(np.mean(cost))


def test_of_equal_references_the_earlier_counts() -> None:
    reference = np.array([2.0, 1.0, 2.0, 3.0, 3.0])
    assert truly_best(reference, "lowest", 2).tolist() == [True, True, False, False, False]
    assert truly_best(reference, "highest", 1).tolist() == [False, False, False, True, False]


def test_ten_of_ten_is_no_search() -> None:
    values = np.arange(1.0, 11.0)
    assert search(values, values, "lowest") is None


def test_one_unknown_cost_leaves_the_cost_open() -> None:
    seconds = SECONDS.copy()
    seconds[3] = NONE
    found = search(KAPPA, REFERENCE, "lowest", 2, seconds)
    assert found is not None
    assert found.cost is None
