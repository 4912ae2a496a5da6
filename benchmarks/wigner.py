"""Thermoscreen's Wigner engine against phono3py (Rust): same force constants, run and cores.

    python benchmarks/wigner.py            # benchmark meshes, phono3py in full: 20 minutes
    python benchmarks/wigner.py --quick    # below 50 s; phono3py on some q, extrapolated
    python benchmarks/wigner.py --growth   # cost against mesh, atoms, supercell, temperatures

The last line is JSON. CPU-seconds are ``time.process_time``. phono3py's time on some irreducible q is
extrapolated by the number of triplets, to which it is proportional; κ is compared over these q,
with phono3py's conventions (docs/wigner.md). DFT force constants: phono3py's examples (BSD-3), below
$THERMOSCREEN_SHARED; without them crystals of the bundled potential ``springs``.
"""

# ruff: noqa: E402 - threads are set before NumPy and torch are imported
from __future__ import annotations

import os

THREADS = os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["RAYON_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = THREADS

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from screen.core.records import ForceConstants
from screen.physics.displacements import restored
from screen.solvers.phono3py import wigner_factor
from screen.wigner.engine import PHONO3PY, run_engine
from screen.wigner.grid import Grid, find_triplets
from screen.wigner.scattering import choose_resources
from tests.crystals import rocksalt, wurtzite
from tests.physics.analytic import exact_force_constants
from tests.shared import SHARED, dft_force_constants
from tests.wigner.cases import relabelled

DFT = (SHARED / "data" / "dft").is_dir()
SPRINGS = {
    "MgO-springs": (rocksalt(4.2, 12, 8), (2, 2, 2)),  # unit cell, multiples
    "AlN-springs": (wurtzite(3.11, 4.98, 13, 7), (3, 3, 2)),
}
NAMES = ["Si-PBE", "MgO-rd", "AlN-LDA"] if DFT else list(SPRINGS)
SUBSET = 5  # irreducible q for phono3py with --quick
BOUNDARY = 1e6  # µm
Mesh = tuple[int, int, int]


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


def mesh_of(name: str, quick: bool = False) -> Mesh:
    """Mesh of a crystal."""
    fcc, wurtzite_ = ((15, 15, 15), (11, 11, 9)) if quick else ((19, 19, 19), (19, 19, 15))
    return wurtzite_ if "AlN" in name else fcc


def constants(name: str) -> ForceConstants:
    """Force constants of DFT, or of springs."""
    return springs(*SPRINGS[name]) if name in SPRINGS else dft_force_constants(name)


def springs(unitcell: Any, multiples: Sequence[int]) -> ForceConstants:
    """Force constants of springs, with 1e-9 eV/Å³ on every triple of atoms.

    Springs join pairs of atoms only, which phono3py would make use of; with DFT nothing is zero.
    """
    given = exact_force_constants(unitcell, multiples)
    assert given.fc3 is not None
    noise = np.random.default_rng(0).normal(size=given.fc3.shape)
    return replace(given, fc3=given.fc3 + 1e-9 * noise)


def prepared(given: ForceConstants, mesh: Mesh) -> Any:
    """Return a ``Phono3py`` ready to run."""
    phono3py = restored(given)
    phono3py.mesh_numbers = mesh
    return phono3py


def first_call() -> float:
    """CPU-seconds that the first call costs more than the second: compiling or loading kernels."""
    torch.set_num_threads(int(THREADS))
    phono3py, clock = prepared(springs(rocksalt(), (1, 1, 1)), (2, 2, 2)), Clock()
    for call in ("zeroth", "first", "second"):
        backend = "eager" if call == "zeroth" else "auto"  # everything but the kernels is warm
        with clock.measure(call):
            run_engine(phono3py, (300.0,), resources=choose_resources(backend=backend))
    return clock.cpu["first"] - clock.cpu["second"]


def compile_seconds() -> dict[str, float]:
    """CPU-seconds of compilation, once a machine, and of loading, once a process."""
    with tempfile.TemporaryDirectory() as folder:
        command, environment = [sys.executable, __file__, "--first-call"], dict(os.environ)
        environment["NUMBA_CACHE_DIR"] = folder
        calls = [float(subprocess.check_output(command, env=environment)) for _ in range(2)]
    return {"compile_cpu_s": round(calls[0], 2), "load_cpu_s": round(calls[1], 2)}


def peak_mb() -> float:
    """Peak of the resident memory since the last call (Linux)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return peak


def count_triplets(grid: Grid) -> np.ndarray:
    """Triplets of each irreducible q."""
    return np.array([len(find_triplets(grid, int(point)).first) for point in grid.irreducible])


def compare(given: ForceConstants, mesh: Mesh, subset: int | None) -> dict[str, Any]:
    """Time both on one material; phono3py in full or at ``subset`` irreducible q."""
    clock = Clock()
    with clock.measure("set-up"):
        phono3py = prepared(given, mesh)
    peak_mb()
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
        phono3py.run_thermal_conductivity(
            temperatures=[300.0],
            is_isotope=True,
            boundary_mfp=BOUNDARY,
            transport_type="SMM19",
            grid_points=None if subset is None else ours.grid.bz[points[chosen]],
            log_level=0,
        )
    triplets, both = count_triplets(ours.grid), clock.cpu["set-up"]
    factor = triplets.sum() / triplets[chosen].sum()
    theirs = both + clock.cpu["phono3py phonons"] + factor * clock.cpu["phono3py"]
    return {
        "mesh": mesh,
        "triplets": int(triplets.sum()),
        "phono3py_extrapolated_from_q": None if subset is None else len(chosen),
        "cpu_s": {part: round(value, 3) for part, value in clock.cpu.items()},
        "wall_s": {part: round(value, 3) for part, value in clock.wall.items()},
        "phono3py_cpu_s": round(theirs, 1),
        "speedup_cpu_including_setup": round(theirs / (both + clock.cpu["engine"]), 2),
        "kappa_relative_error": kappa_error(phono3py.thermal_conductivity, same, chosen),
        "peak_mb": round(peak),
    }


def kappa_error(theirs: Any, ours: Any, chosen: Any) -> float:
    """Relative difference of κ (trace/3) summed over the chosen q."""
    pairs = np.array(theirs.mode_kappa_matrix[0][0])
    pairs = pairs * wigner_factor(np.array(theirs.frequencies))[..., None]
    reference = pairs[..., :3].mean(axis=-1).sum()
    return float(abs(ours.transport.mode_kappa[0][chosen].sum() / reference - 1))


def growth() -> dict[str, Any]:
    """CPU-µs per triplet; of phono3py, at two q, where the crystal differs."""
    two, four = constants(NAMES[0]), constants(NAMES[-1])
    to_cube = np.linalg.inv(two.primitive_matrix)  # the conventional cell as a primitive one
    eight = relabelled(two, np.arange(len(two.unitcell)), to_cube)
    rows = {}
    for n, many in ((7, 1), (11, 1), (15, 1), (19, 1), (25, 1), (15, 10), (15, 30)):
        clock, phono3py = Clock(), prepared(two, (n, n, n))
        with clock.measure("engine"):
            found = run_engine(phono3py, np.linspace(300.0, 900.0, many), True, BOUNDARY)
        triplets = int(count_triplets(found.grid).sum())
        per_triplet = round(clock.cpu["engine"] * 1e6 / triplets, 1)
        rows[f"mesh {n}×{n}×{n}, {many} T"] = {"triplets": triplets, "engine_us": per_triplet}
    crystals = [(two, (11, 11, 11)), (four, (11, 11, 9)), (eight, (9, 9, 9))]
    rocksalt_cell = SPRINGS["MgO-springs"][0]
    crystals += [(springs(rocksalt_cell, (n, n, n)), (11, 11, 11)) for n in (1, 2, 3)]
    for given, mesh in crystals:
        n_atoms, n_supercell = given.fc3.shape[:2]
        found = compare(given, mesh, 2)
        rows[f"{n_atoms} atoms, supercell of {n_supercell}, mesh {mesh[0]}"] = {
            "triplets": found["triplets"],
            "engine_us": round(found["cpu_s"]["engine"] * 1e6 / found["triplets"], 1),
            "phono3py_us": round(found["phono3py_cpu_s"] * 1e6 / found["triplets"], 1),
            "peak_mb": found["peak_mb"],
        }
    for name, row in rows.items():
        print(f"{name:>40}:", json.dumps(row), flush=True)
    return rows


def main() -> None:
    """Run what the arguments ask for; the last line is JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    for flag in ("--quick", "--growth", "--first-call"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("--materials", nargs="*", choices=NAMES, default=None)
    parser.add_argument("--subset", type=int, default=None, help="irreducible q for phono3py")
    arguments = parser.parse_args()
    if arguments.first_call:
        print(first_call())
        return
    if not DFT:
        print(f"no DFT data below {SHARED}: crystals of the potential springs")
    first_call()
    if arguments.growth:
        print(json.dumps(growth()))
        return
    results = {}
    # MgO takes 13 s before anything starts: phono3py fits its force constants
    for name in arguments.materials or NAMES[:: 2 if arguments.quick and DFT else 1]:
        subset = arguments.subset or (SUBSET if arguments.quick else None)
        results[name] = compare(constants(name), mesh_of(name, arguments.quick), subset)
        print(name, json.dumps(results[name]), flush=True)
    speedups = {name: found["speedup_cpu_including_setup"] for name, found in results.items()}
    summary = {
        "speedup_cpu_including_setup": min(speedups.values()),
        "kappa_relative_error": max(found["kappa_relative_error"] for found in results.values()),
        "peak_mb": max(found["peak_mb"] for found in results.values()),
        **compile_seconds(),
        "threads": int(THREADS),
        "materials": speedups,
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
