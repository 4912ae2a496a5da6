"""Cost laws: seconds as a sum of terms with non-negative coefficients, fitted to measured stages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from scipy.optimize import nnls
from scipy.special import stdtrit

from screen.core.crystal import FloatArray
from screen.planning.features import Features

FLOOR_S = 0.02  # below it a stage is bookkeeping: no relative error counts
HUBER = 0.5  # relative residual beyond which a measurement loses weight
ROUNDS = 8  # of reweighting; the coefficients settle in three or four
LEAST_SCATTER = 0.1  # no machine repeats itself better
NINETY = 1.645  # standard deviations of a 90 % interval
FOLDS = 10  # of a cross-validation; with fewer measurements each is left out once


@dataclass(frozen=True)
class Law:
    """Seconds of one stage, the median of many, and how far measurements scatter around it."""

    coefficients: Mapping[str, float] = field(default_factory=dict)  # s per unit of each term
    scatter: float = 1.0  # standard deviation of ln(measured/predicted), cross-validated
    measured: int = 0  # stages that it was fitted to

    def seconds(self, features: Features) -> float:
        """Predicted seconds."""
        return sum(self.coefficients.get(name, 0.0) * value for name, value in features.items())

    @property
    def factor(self) -> float:
        """Half-width of the 90 % prediction interval: predicted/factor to predicted·factor."""
        return math.exp(NINETY * self.spread)

    @property
    def spread(self) -> float:
        """That of the normal distribution with the same 90 % interval: Student's t of few."""
        return self.scatter * float(stdtrit(max(self.measured - 1, 1), 0.95)) / NINETY

    @property
    def uncertainty(self) -> float:
        """Error of the law itself over the scatter, the same for all materials."""
        return math.sqrt(len(self.coefficients) / max(self.measured, 1))

    @property
    def mean_over_median(self) -> float:
        """What makes a sum of many out of the median of one (log-normal)."""
        return math.exp(min(self.scatter, 1.0) ** 2 / 2)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def fit_law(
    features: Sequence[Features],
    seconds: Sequence[float],
    occasional: bool = False,
    all_terms: bool = False,
) -> Law:
    """Fit non-negative coefficients to relative errors; outliers lose weight (Huber).

    ``occasional``: a stage that is idle for most materials gets its mean instead. ``all_terms``
    keeps also those that so few measurements cannot tell apart.

    Raises
    ------
    ValueError
        There is nothing to fit.
    """
    if not features:
        raise ValueError("no measured stage to fit a law to")
    terms = list(features[0]) if all_terms else _resolved(features)
    matrix = np.array([[row.get(name, 0.0) for name in terms] for row in features])
    measured = np.asarray(seconds, dtype=np.float64)
    if occasional:
        return _mean_law(terms, matrix, measured)
    found = _coefficients(matrix, measured)
    kept = {name: float(value) for name, value in zip(terms, found, strict=True) if value > 0}
    return Law(kept, max(_scatter(matrix, measured), LEAST_SCATTER), len(measured))


def _coefficients(matrix: FloatArray, measured: FloatArray) -> FloatArray:
    """Non-negative coefficients of least relative error."""
    scale = np.maximum(measured, FLOOR_S)
    weights = np.ones(len(measured))
    for _ in range(ROUNDS):
        rows = (weights / scale)[:, None] * matrix
        size = np.maximum(np.abs(rows).max(axis=0), 1e-300)
        found: FloatArray = nnls(rows / size, weights * measured / scale)[0] / size
        left = np.abs(matrix @ found - measured) / scale
        weights = np.sqrt(np.minimum(1.0, HUBER / np.maximum(left, 1e-12)))
    return found


def _scatter(matrix: FloatArray, measured: FloatArray) -> float:
    """Return the standard deviation of ln(measured/predicted) of what a fit has not seen.

    Nine of ten predictions by fits to the others are as near as a normal distribution's would be.
    A single measurement says nothing.
    """
    if len(measured) < 2:
        return 1.0
    fold = np.arange(len(measured)) % FOLDS
    predicted = np.empty(len(measured))
    for each in np.unique(fold):
        out = fold == each
        predicted[out] = matrix[out] @ _coefficients(matrix[~out], measured[~out])
    ratios = np.log(np.maximum(measured, FLOOR_S) / np.maximum(predicted, FLOOR_S))
    return float(np.quantile(np.abs(ratios), 0.9)) / NINETY


def _resolved(features: Sequence[Features]) -> list[str]:
    """Terms that so many measurements can tell apart: the first ones, one for each two."""
    names = [
        name for name in features[0] if name == "task" or len({row[name] for row in features}) > 1
    ]
    return names[: max(1, len(features) // 2)]


def _mean_law(terms: Sequence[str], matrix: FloatArray, measured: FloatArray) -> Law:
    """Seconds per unit of the first term, as a mean over all."""
    total = float(matrix[:, 0].sum())
    coefficient = float(measured.sum()) / total if total > 0 else 0.0
    return Law({terms[0]: coefficient}, 1.0, len(measured))
