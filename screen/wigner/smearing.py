"""Gaussian smearing of energy conservation, the alternative to tetrahedra."""

from __future__ import annotations

import math
from dataclasses import dataclass

VANISHING = 39.0  # widths from which on a Gaussian is 0 in double precision


@dataclass(frozen=True)
class Smearing:
    """δ(x) as a Gaussian, phono3py's ``sigmas`` and ``sigma_cutoff_width``.

    Raises
    ------
    ValueError
        A width that is not positive.
    """

    sigma: float  # THz
    cutoff: float | None = None  # widths; farther from all three conservation laws nothing counts

    def __post_init__(self) -> None:
        if self.sigma <= 0 or (self.cutoff is not None and self.cutoff <= 0):
            raise ValueError(f"the widths of {self} must be positive")

    @property
    def horizon(self) -> float:
        """Distance beyond which a combination of modes counts nothing, THz."""
        return self.sigma * min(self.cutoff or VANISHING, VANISHING)

    @property
    def peak(self) -> float:
        """δ(0), 1/THz."""
        return 1 / (math.sqrt(2 * math.pi) * self.sigma)
