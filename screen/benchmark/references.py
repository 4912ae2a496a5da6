"""Mode-resolved DFT conductivities of the 103 phononDB-PBE compounds at 300 K."""

from __future__ import annotations

from dataclasses import dataclass

from screen.core.crystal import FloatArray, IntArray

TEMPERATURE = 300.0  # K


@dataclass(frozen=True, eq=False)
class ModeReference:
    """Conductivity of one compound, mode by mode, at 300 K."""

    compound: str  # identifier in the catalog, e.g. LiBr-rs
    q: FloatArray  # (nq, 3) fractional, irreducible points of the primitive reciprocal cell
    weights: IntArray  # (nq,) multiplicities, sum = number of mesh points
    frequencies: FloatArray  # (nq, nb) THz
    mode_kappa: FloatArray  # (nq, nb) W/m/K, trace/3 incl. coherences; the sum is κ

    @property
    def kappa_300(self) -> float:
        """κ_P + κ_C, mean of xx, yy, zz, W/m/K."""
        return float(self.mode_kappa.sum())
