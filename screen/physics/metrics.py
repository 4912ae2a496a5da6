"""Accuracy of a conductivity against a reference (Póta et al., arXiv 2408.00755, eqs. 5–7)."""

from __future__ import annotations

import numpy as np

from screen.core.crystal import FloatArray, IntArray


def relative_difference(kappa: float | None, reference: float) -> float:
    """SRD = 2 (κ − κ_ref) / (κ + κ_ref), from −2 to 2; no κ counts as κ = 0, which is −2."""
    if kappa is None:
        return -2.0
    return 2 * (kappa - reference) / (kappa + reference)


def relative_error(kappa: float | None, reference: float) -> float:
    """SRE = |SRD|, from 0 to 2."""
    return abs(relative_difference(kappa, reference))


def microscopic_error(
    mode_kappa: FloatArray, reference_mode_kappa: FloatArray, weights: IntArray
) -> float:
    """SRME = 2 Σ |κ(qs) − κ_ref(qs)| / Σ_q w / (κ + κ_ref), from 0 to 2.

    ``mode_kappa`` (nq, nb) W/m/K are summed over the star of each irreducible q, so that
    κ = Σ κ(qs) / Σ_q w. A material without κ scores 2: that is the caller's decision.
    """
    number_of_points = weights.sum()
    difference = np.abs(mode_kappa - reference_mode_kappa).sum() / number_of_points
    total = (mode_kappa.sum() + reference_mode_kappa.sum()) / number_of_points
    return float(2 * difference / total)
