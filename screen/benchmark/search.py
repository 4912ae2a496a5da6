"""How soon the truly best compounds are found in the predicted order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from screen.core.crystal import FloatArray

End = Literal["lowest", "highest"]
"""``lowest``: the best insulators, least κ; ``highest``: the best heat spreaders, largest κ."""
BEST = 10
"""How many best compounds are looked for unless told otherwise."""

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Search:
    """The search for the k truly best of n compounds, tried one by one in the predicted order."""

    best: int  # k
    hits: float  # of the k best, how many stand among the first k of the predicted order
    hits_by_chance: float  # k²/n
    enrichment: (
        float  # hits of the best tenth in the first tenth, over those by chance; 1 is chance
    )
    tries: float  # compounds that must be tried until all k best are found
    tries_by_chance: float  # k (n + 1)/(k + 1)
    tried: float  # tries over n
    cost: float | None  # seconds of the tries over seconds of all; None: a cost is not known
    cost_by_chance: float | None


def search(
    kappa: FloatArray,
    reference: FloatArray,
    end: End,
    best: int = BEST,
    cpu_s: FloatArray | None = None,
) -> Search | None:
    """Follow the predicted order of n compounds; None unless there are more than ``best``.

    Whatever order the prediction leaves open (compounds of one κ, and those without κ, which come
    last at either end) is taken by chance: all numbers are expectations.

    Parameters
    ----------
    kappa
        (n,) W/m/K, predicted; NaN where there is none.
    reference
        (n,) W/m/K, true; of equal ones at the edge of the best the earlier counts.
    cpu_s
        (n,) s, of each compound; NaN where it is not known.
    """
    n = len(kappa)
    if n <= best:
        return None
    places = predicted_places(kappa, end)
    wanted = truly_best(reference, end, best)
    tenth = -(-n // 10)  # rounded up
    found = expected_hits(places, truly_best(reference, end, tenth), tenth)
    anywhere, each = np.ones(n), np.ones(n)
    tries = cost_to_find(places, wanted, each)
    known = cpu_s is not None and bool(np.isfinite(cpu_s).all()) and float(np.sum(cpu_s)) > 0
    shares = cpu_s / np.sum(cpu_s) if cpu_s is not None and known else None
    return Search(
        best=best,
        hits=expected_hits(places, wanted, best),
        hits_by_chance=best**2 / n,
        enrichment=found / (tenth**2 / n),
        tries=tries,
        tries_by_chance=cost_to_find(anywhere, wanted, each),
        tried=tries / n,
        cost=None if shares is None else cost_to_find(places, wanted, shares),
        cost_by_chance=None if shares is None else cost_to_find(anywhere, wanted, shares),
    )


def predicted_places(kappa: FloatArray, end: End) -> FloatArray:
    """Place of each compound in the predicted order, (n,), from 1; equal ones share the first.

    ``kappa`` (n,) W/m/K; NaN, no prediction, comes last at either end.
    """
    keys = np.where(np.isnan(kappa), np.inf, kappa if end == "lowest" else -kappa)
    return np.asarray(rankdata(keys, method="min"), dtype=np.float64)


def truly_best(reference: FloatArray, end: End, best: int) -> BoolArray:
    """Mark the ``best`` compounds of lowest or highest reference, (n,) bool."""
    order = np.argsort(reference if end == "lowest" else -reference, kind="stable")
    marked = np.zeros(len(reference), dtype=np.bool_)
    marked[order[:best]] = True
    return marked


def expected_hits(places: FloatArray, wanted: BoolArray, tries: int) -> float:
    """How many of the wanted are among the first ``tries``; those of one place in random order.

    Parameters
    ----------
    places
        (n,), as ``predicted_places`` gives them.
    wanted
        (n,) bool.
    """
    sharing = (places[:, None] == places[None, :]).sum(axis=1)
    reached = np.clip((tries - (places - 1)) / sharing, 0, 1)  # chance to be tried
    return float(reached[wanted].sum())


def cost_to_find(places: FloatArray, wanted: BoolArray, costs: FloatArray) -> float:
    """Cost of trying compounds in order of their places until all wanted ones are found.

    Compounds that share a place come in random order: of the last place that holds wanted ones, r
    in number, each other compound is tried before the last of these with probability r/(r + 1).

    Parameters
    ----------
    places
        (n,), as ``predicted_places`` gives them.
    wanted
        (n,) bool, at least one.
    costs
        (n,), in any unit; ones count compounds.
    """
    last = places[wanted].max()
    inside = places == last
    needed = int((inside & wanted).sum())
    sure = (places < last) | (inside & wanted)
    return float(costs[sure].sum() + needed / (needed + 1) * costs[inside & ~wanted].sum())
