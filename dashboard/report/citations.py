"""What a reader of the report has to cite, each once and with a number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

METHODS = {
    "Wigner transport equation": (
        "M. Simoncelli, N. Marzari, F. Mauri, Unified theory of thermal transport in crystals and "
        "glasses, Nat. Phys. 15, 809 (2019); Wigner formulation of thermal transport in solids, "
        "Phys. Rev. X 12, 041011 (2022)"
    ),
    "phonons and third-order force constants": (
        "A. Togo, L. Chaput, T. Tadano, I. Tanaka, Implementation strategies in phonopy and "
        "phono3py, J. Phys.: Condens. Matter 35, 353001 (2023)"
    ),
}
"""What every result rests on."""


class Citations:
    """Numbers texts in the order in which they are first cited."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def cite(self, text: object) -> int | None:
        """Return the number of a citation; None if there is nothing to cite."""
        words = " ".join(str(text or "").split())
        return self._numbers.setdefault(words, len(self._numbers) + 1) if words else None

    def of(self, *rows: Mapping[str, Any] | None) -> list[int]:
        """Cite what entries of catalogs and cards of potentials ask for; return the numbers."""
        texts = [row.get(name) for row in rows if row for name in ("citation", "reference")]
        numbers = [self.cite(text) for text in texts]
        return sorted({number for number in numbers if number is not None})

    @property
    def listed(self) -> list[tuple[int, str]]:
        """All citations with their numbers."""
        return [(number, text) for text, number in self._numbers.items()]
