"""Operations and bytes of the Wigner engine, counted, and how near to this core's rates it comes.

    python benchmarks/wigner_floor.py    # a minute; the last line is JSON

``V``: lattice sums, Fourier sums and the rotation of q', that is all products of matrices. Floors are
the operations over the rate of a large complex product, and the bytes of what is between two
products, written and read once, over the rate at which a slab is copied. Energy conservation is
the rest of the three-phonon rates: active combinations, tetrahedra, the rotation of q'' and the
sums. Every eighth irreducible q of the meshes of ``wigner.py``, without set-up.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.wigner import NAMES, Clock, constants, first_call, mesh_of, prepared
from screen.wigner.engine import Harmonic, solve_harmonic
from screen.wigner.folding import fold
from screen.wigner.grid import find_triplets
from screen.wigner.interaction import build_transform
from screen.wigner.scattering import choose_resources, phonon_rates
from screen.wigner.tables import build_tables

STEP = 8  # of the irreducible q
SLAB = 1 << 20  # bytes
PRODUCT = 1024  # rows of the matrices whose product gives the rate


def main() -> None:
    """Print a line per crystal and JSON."""
    first_call()
    flop_rate, byte_rate = product_rate(), copy_rate()
    found: dict[str, Any] = {
        "zgemm_gflop_per_s": round(flop_rate / 1e9, 1),
        "copy_gb_per_s": round(byte_rate / 1e9, 1),
    }
    for name in NAMES:
        work = Work(solve_harmonic(prepared(constants(name), mesh_of(name))))
        flop, moved = work.count()
        v = work.seconds(SimpleNamespace(add_triplets=lambda *_: None))
        whole = work.seconds(choose_resources().backend)
        found[name] = {
            "V_kflop": round(flop / 1e3, 1),
            "V_kb": round(moved / 1e3, 1),
            "V_flop_floor_us": round(flop / flop_rate * 1e6, 2),
            "V_byte_floor_us": round(moved / byte_rate * 1e6, 2),
            "V_us": round(v * 1e6, 2),
            "energy_conservation_us": round((whole - v) * 1e6, 2),
        }
        print(name, json.dumps(found[name]), flush=True)
    print(json.dumps(found))


def best(function: Callable[[], Any]) -> float:
    """Least CPU-seconds of some runs."""
    clocks = [Clock() for _ in range(5)]
    for clock in clocks:
        with clock.measure("run"):
            function()
    return min(clock.cpu["run"] for clock in clocks)


def product_rate() -> float:
    """Operations per second of a complex product on one core."""
    square = torch.randn(PRODUCT, PRODUCT, dtype=torch.complex128)
    return 8 * PRODUCT**3 / best(lambda: torch.mm(square, square))


def copy_rate() -> float:
    """Bytes read and written per second when slabs of a megabyte are copied."""
    here, there = torch.ones(2, SLAB // 8, dtype=torch.float64)

    def copy() -> None:
        for _ in range(100):
            there.copy_(here)

    return 2 * 100 * SLAB / best(copy)


class Work:
    """Three-phonon rates of some q of a crystal."""

    def __init__(self, harmonic: Harmonic) -> None:
        self.grid = harmonic.grid
        self.points = self.grid.irreducible[::STEP].tolist()
        self.triplets = sum(len(find_triplets(self.grid, point).first) for point in self.points)
        cpu = torch.device("cpu")
        self.transform = build_transform(fold(harmonic.interaction), self.grid, cpu)
        self.tables = build_tables(self.grid, harmonic.phonons, (300.0,), cpu, True)

    def seconds(self, backend: Any) -> float:
        """CPU-seconds per triplet."""
        clock, resources = Clock(), replace(choose_resources(), backend=backend)
        with clock.measure("rates"):
            phonon_rates(self.transform, self.tables, self.grid, self.points, resources)
        return clock.cpu["rates"] / self.triplets

    def count(self) -> tuple[float, float]:
        """Floating-point operations and bytes per triplet for V."""
        _, n1, n0 = self.transform.mesh
        b2, b1, b0 = self.transform.box
        nb, nd = self.transform.bands, len(self.transform.slots)
        flop = moved = 0
        for point in self.points:
            lines = np.unique(find_triplets(self.grid, point).first // n0)
            planes = len(np.unique(lines // n1))
            along_axes = b2 * b1 * b0 * planes + (b1 * b0 + b0 * n0) * len(lines)
            flop += 4 * self.transform.matrix.values().numel()  # lattice sums: real by complex
            flop += 8 * nb**3 * (nb * nd + along_axes + nb * n0 * len(lines))
            between = 2 * nd + b2 * b1 * b0 + b1 * b0 * planes + (b0 + 2 * n0) * len(lines)
            moved += 2 * 16 * nb**3 * between
        return flop / self.triplets, moved / self.triplets


if __name__ == "__main__":
    main()
