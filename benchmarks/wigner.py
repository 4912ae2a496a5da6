"""Thermoscreen's Wigner engine against phono3py (Rust): same force constants, run and cores.

    python benchmarks/wigner.py            # benchmark meshes, phono3py in full: half an hour
    python benchmarks/wigner.py --quick    # below 50 s; phono3py on some q, extrapolated
    python benchmarks/wigner.py --growth   # how our cost grows with the mesh and temperatures

CPU-seconds are ``time.process_time`` of this process. phono3py's time on a subset of irreducible q
is extrapolated by the number of triplets, to which it is proportional. κ is compared over the q
that both computed, with phono3py's conventions (see docs/wigner.md). DFT force constants:
phono3py's examples (BSD-3), read from ../shared/data or $THERMOSCREEN_SHARED.
"""

# ruff: noqa: E402 - threads are set before NumPy and torch are imported
from __future__ import annotations

import os

THREADS = os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["RAYON_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = THREADS

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from screen.physics.displacements import restored
from screen.solvers.phono3py import wigner_factor
from tests.shared import dft_force_constants

FULL = {"Si-PBE": (19, 19, 19), "NaCl-rd": (19, 19, 19), "AlN-LDA": (19, 19, 15)}
QUICK = {"Si-PBE": (15, 15, 15), "AlN-LDA": (11, 11, 9)}
SUBSET = 5  # irreducible q for phono3py with --quick
BOUNDARY = 1e6  # µm


@dataclass
class Clock:
    """CPU and wall seconds by name."""

    cpu: dict[str, float] = field(default_factory=dict)
    wall: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Add the time spent inside."""
        cpu, wall = time.process_time(), time.perf_counter()
        yield
        self.cpu[name] = time.process_time() - cpu
        self.wall[name] = time.perf_counter() - wall

    def total(self, *names: str) -> float:
        """CPU-seconds of these parts."""
        return sum(self.cpu[name] for name in names)


def compile_kernels(clock: Clock) -> None:
    """First call on a tiny mesh: compiles or loads the kernels."""
    import torch

    from screen.wigner.engine import run_engine

    torch.set_num_threads(int(THREADS))
    phono3py = restored(dft_force_constants("Si-PBE"))
    phono3py.mesh_numbers = (2, 2, 2)
    with clock.measure("compile"):
        run_engine(phono3py, (300.0,))


def peak_mb() -> float:
    """Peak resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def compare(name: str, mesh: tuple[int, int, int], subset: int | None) -> dict[str, Any]:
    """Time both on one material."""
    from screen.wigner.engine import PHONO3PY, run_engine
    from screen.wigner.grid import find_triplets

    clock = Clock()
    constants = dft_force_constants(name)
    with clock.measure("set-up"):
        phono3py = restored(constants)
        phono3py.mesh_numbers = mesh
    with clock.measure("engine"):
        ours = run_engine(phono3py, (300.0,), True, BOUNDARY)
    peak = peak_mb()
    same = run_engine(phono3py, (300.0,), True, BOUNDARY, PHONO3PY)
    points = ours.grid.irreducible
    chosen = np.arange(len(points))
    if subset is not None:
        chosen = np.unique(np.linspace(0, len(points) - 1, subset + 2).astype(int)[1:-1])
    with clock.measure("phono3py phonons"):
        phono3py.init_phph_interaction()
        phono3py.phph_interaction.run_phonon_solver()
    with clock.measure("phono3py"):
        run_phono3py(phono3py, None if subset is None else ours.grid.bz[points[chosen]])
    triplets = np.array([len(find_triplets(ours.grid, int(point)).first) for point in points])
    factor = triplets.sum() / triplets[chosen].sum()
    theirs = clock.total("set-up", "phono3py phonons") + factor * clock.cpu["phono3py"]
    mine = clock.total("set-up", "engine")
    return {
        "mesh": mesh,
        "triplets": int(triplets.sum()),
        "phono3py_extrapolated_from_q": None if subset is None else len(chosen),
        "cpu_s": {part: round(value, 3) for part, value in clock.cpu.items()},
        "wall_s": {part: round(value, 3) for part, value in clock.wall.items()},
        "phono3py_cpu_s": round(theirs, 1),
        "speedup_cpu_including_setup": round(theirs / mine, 2),
        "kappa_relative_error": kappa_error(phono3py.thermal_conductivity, same, chosen),
        "peak_mb": round(peak),
    }


def run_phono3py(phono3py: Any, grid_points: Any) -> None:
    """Run phono3py's relaxation-time solution, in full or at some grid points."""
    phono3py.run_thermal_conductivity(
        temperatures=[300.0],
        is_isotope=True,
        boundary_mfp=BOUNDARY,
        transport_type="SMM19",
        grid_points=grid_points,
        log_level=0,
    )


def kappa_error(theirs: Any, ours: Any, chosen: Any) -> float:
    """Relative difference of κ (trace/3) summed over the chosen q."""
    pairs = np.array(theirs.mode_kappa_matrix[0][0])
    pairs = pairs * wigner_factor(np.array(theirs.frequencies))[..., None]
    reference = pairs[..., :3].mean(axis=-1).sum()
    return float(abs(ours.transport.mode_kappa[0][chosen].sum() / reference - 1))


def growth(print_line: Callable[[str], None]) -> None:
    """Cost against mesh and number of temperatures."""
    from screen.wigner.engine import run_engine

    for name, meshes in (("Si-PBE", (7, 11, 15, 19, 25)), ("AlN-LDA", (5, 7, 9, 11))):
        for n in meshes:
            for temperatures in ((300.0,), tuple(np.linspace(100.0, 1000.0, 30))):
                phono3py = restored(dft_force_constants(name))
                phono3py.mesh_numbers = (n, n, n)
                clock = Clock()
                with clock.measure("engine"):
                    run_engine(phono3py, temperatures, True, BOUNDARY)
                print_line(f"{name} {n}³, {len(temperatures)} T: {clock.cpu['engine']:.2f} CPU-s")


def main() -> None:
    """Run the comparison that the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--materials", nargs="*", default=None)
    parser.add_argument("--subset", type=int, default=None, help="irreducible q for phono3py")
    arguments = parser.parse_args()
    clock = Clock()
    compile_kernels(clock)
    if arguments.growth:
        growth(print)
        return
    meshes = QUICK if arguments.quick else FULL
    subset = arguments.subset or (SUBSET if arguments.quick else None)
    results = {}
    for name in arguments.materials or meshes:
        results[name] = compare(name, meshes[name], subset)
        print(name, json.dumps(results[name]), flush=True)
    summary = {
        "speedup_cpu_including_setup": min(
            r["speedup_cpu_including_setup"] for r in results.values()
        ),
        "kappa_relative_error": max(r["kappa_relative_error"] for r in results.values()),
        "peak_mb": max(r["peak_mb"] for r in results.values()),
        "compile_or_load_cpu_s": round(clock.cpu["compile"], 2),
        "threads": int(THREADS),
        "materials": {name: r["speedup_cpu_including_setup"] for name, r in results.items()},
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
