"""Verdicts by κ_C/κ."""

from __future__ import annotations

import math

import numpy as np
import pytest

from screen.core.verdicts import MIXED_FROM, WAVE_LIKE_FROM, Verdict, coherence_share, verdict


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.0, "particle"),
        (MIXED_FROM - 1e-12, "particle"),
        (MIXED_FROM, "mixed"),
        (WAVE_LIKE_FROM - 1e-12, "mixed"),
        (WAVE_LIKE_FROM, "wave-like"),
        (1.0, "wave-like"),
    ],
)
def test_a_verdict_begins_at_its_threshold(share: float, expected: str) -> None:
    assert verdict(share) == Verdict(expected)


def test_without_heat_there_is_no_verdict() -> None:
    (share,) = coherence_share(np.zeros(1), np.zeros(1))
    assert math.isnan(share)
    assert verdict(share) is None


def test_coherence_share_is_that_of_the_total() -> None:
    found = coherence_share(np.array([3.0, 0.0]), np.array([1.0, 2.0]))
    assert found.tolist() == [0.25, 1.0]
