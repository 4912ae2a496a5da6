"""Elements that published training sets cover."""

from __future__ import annotations

from ase.data import chemical_symbols

_ABSENT = {"Po", "At", "Rn", "Fr", "Ra"}

MPTRJ = frozenset(chemical_symbols[1:95]) - _ABSENT
"""MPtrj (Deng et al., Nat. Mach. Intell. 5, 1031, 2023): 89 elements, H to Pu without the five
whose isotopes are all short-lived (Po, At, Rn, Fr, Ra)."""
