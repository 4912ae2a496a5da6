"""fc3 and κ from randomly displaced supercells against finite differences, and where it holds.

    python benchmarks/random_displacements.py --quick       # springs, whose fc3 is known exactly
    python benchmarks/random_displacements.py               # SevenNet-0: LiBr, MgO, CdTe
    python benchmarks/random_displacements.py --crystals LiBr-rs --dtype float64 --cache forces
    python benchmarks/random_displacements.py --model chgnet --crystals ZnSe-zb --distances 0.01 0.05

Springs: the error is against exact derivatives, in supercells that are small on purpose. SevenNet-0:
error and κ at 300 K are against finite differences in float64 of the same relaxed crystal,
supercells and fc2 (protocol ksrme-2024); forces are kept in ``--cache``, since finite differences
take 146 or 222 supercells of 64 atoms. The last line is JSON: case -> column -> value.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy and torch are imported

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from screen.core.crystal import Crystal, FloatArray, IntArray
from screen.core.digest import digest_of_json
from screen.core.protocols import ForceField
from screen.core.records import ForceConstants, SupercellForces
from screen.core.registry import find
from screen.core.settings import (
    ConductivitySettings,
    DisplacementSettings,
    ModelSettings,
    RelaxationSettings,
    model_named,
    protocol_named,
)
from screen.core.voigt import mean_diagonal
from screen.models import springs
from screen.models._pair_tensors import compute_fc3
from screen.physics.convert import from_phonopy
from screen.physics.displacements import (
    as_array,
    displace_for_fc2,
    displace_for_fc3,
    lattice_dynamics,
    restored,
)
from screen.physics.force_constants import second_order, third_order
from screen.physics.relax import relax
from screen.physics.supercells import supercell_matrices
from screen.solvers import wigner
from screen.sources import benchmark
from tests.crystals import fcc, rocksalt, wurtzite

Evaluate = Callable[[Sequence[Crystal]], FloatArray]
Line = tuple[str, dict[str, float]]

DIFFERENCES = DisplacementSettings(supercells="hints")
RANDOM = DIFFERENCES.model_copy(update={"fc3_scheme": "random"})
CRYSTALS = ("LiBr-rs", "MgO-rs", "CdTe-zb")
COLUMNS = ("cells", "unknowns", "condition", "held_out", "fc3_error", "kappa_ratio", "fit_s")


def main() -> None:
    """Print one line per case, and one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="springs, below 50 s")
    parser.add_argument("--crystals", nargs="+", default=CRYSTALS, help="ids of the benchmark")
    parser.add_argument("--model", default="sevennet-0", help="a potential installed here")
    parser.add_argument("--dtype", nargs="+", default=("float64", "float32"))
    parser.add_argument(
        "--distances", nargs="+", type=float, default=(), help="of further finite differences, Å"
    )
    parser.add_argument("--mesh", type=int, default=11, help="q-points along each axis")
    folder = Path(tempfile.gettempdir()) / "thermoscreen-forces"
    parser.add_argument("--cache", type=Path, default=folder, help="folder of forces")
    options = parser.parse_args()
    print(f"{'case':46s}" + "".join(f"{name:>13s}" for name in COLUMNS), flush=True)
    results = {}
    for case, line in springs_lines() if options.quick else network_lines(options):
        values = (f"{line[name]:.4g}" if name in line else "" for name in COLUMNS)
        print(f"{case:46s}" + "".join(f"{value:>13s}" for value in values), flush=True)
        results[case] = line
    print(json.dumps(results))


@dataclass(frozen=True)
class Problem:
    """A relaxed crystal with its fc2 and the fc3 that all others are compared with."""

    harmonic: ForceConstants
    fc3: FloatArray
    mesh: int | None = None  # of κ
    kappa: float = 0.0  # W/m/K at 300 K

    def unpaired_line(self, evaluate: Evaluate, cells: int, distance: float) -> dict[str, float]:
        """Compare phono3py's own fit of fc2 and fc3, to displacements without their opposites."""
        phono3py = restored(self.harmonic)
        phono3py.generate_displacements(distance=distance, number_of_snapshots=cells, random_seed=0)
        displaced = [from_phonopy(cell) for cell in phono3py.supercells_with_displacements]
        phono3py.forces = evaluate(displaced)
        phono3py.produce_fc3(fc_calculator="symfc")
        return {"cells": float(cells), "fc3_error": relative(phono3py.fc3, self.fc3)}

    def line(self, evaluate: Evaluate, settings: DisplacementSettings) -> dict[str, float]:
        """Displace, evaluate, fit or difference, and compare."""
        cells = displace_for_fc3(restored(self.harmonic), settings)
        forces = SupercellForces(evaluate(cells))
        started = time.perf_counter()
        found = third_order(self.harmonic, forces, settings)
        line = {"cells": float(len(cells)), "fit_s": time.perf_counter() - started}
        if found.fc3 is None:
            return line
        line["fc3_error"] = relative(found.fc3, self.fc3)
        if found.fit is not None:
            line["unknowns"] = float(found.fit.unknowns)
            line["condition"] = found.fit.condition
            line["held_out"] = found.fit.held_out_relative
        if self.mesh is not None:
            line["kappa_ratio"] = kappa_of(found, self.mesh) / self.kappa
        return line


def relative(found: FloatArray, exact: FloatArray) -> float:
    """Norm of the deviation over that of the second."""
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


def kappa_of(constants: ForceConstants, mesh: int) -> float:
    """κ_P + κ_C at 300 K, mean of xx, yy, zz, W/m/K."""
    found = wigner.solve(constants, (mesh,) * 3, (300.0,), ConductivitySettings())
    return float(mean_diagonal(found.kappa_p + found.kappa_c)[0])


def evaluated(force_field: ForceField, noise: float = 0.0) -> Evaluate:
    """Return a function for forces of a potential, with normal noise in eV/Å."""

    def evaluate(cells: Sequence[Crystal]) -> FloatArray:
        forces = as_array(force_field.evaluate(cells).forces)
        return forces + noise * np.random.default_rng(0).standard_normal(forces.shape)

    return evaluate


# ---------------------------------------------------------------- springs


DISTANCES: list[dict[str, float]] = [{}, {"distance": 0.01}, {"distance": 0.06}]


def springs_lines() -> Iterator[Line]:
    """Springs: all of it is exact but what is measured."""
    force_field = springs.load(ModelSettings(family="springs"))
    double = np.diag([2, 2, 2])
    copper = fcc(3.685, 29)
    yield from against_exact("LiBr rocksalt, 64 atoms", rocksalt(5.885), double, [{}])
    yield from against_exact("Cu fcc, 32 atoms", copper, double, DISTANCES)
    problem = exact_problem(copper, double, force_field)
    yield "Cu fcc, 32 atoms, differences", problem.line(evaluated(force_field), DIFFERENCES)
    for distance in (0.03, 0.06):
        line = problem.unpaired_line(evaluated(force_field), 8, distance)
        yield f"Cu fcc, 32 atoms, without pairs, {distance:g} Å", line
    for noise in (1e-5, 1e-4):
        line = problem.line(evaluated(force_field, noise), RANDOM)
        yield f"Cu fcc, 32 atoms, noise {noise:g} eV/Å", line
    oxide = relax(wurtzite(3.2, 5.2, 30, 8), force_field, RelaxationSettings()).crystal
    yield from against_exact("ZnO wurtzite, 16 atoms", oxide, np.diag([2, 2, 1]), DISTANCES)
    more: list[dict[str, float]] = [{}, {"oversampling": 8.0}]
    yield from against_exact("LiBr sheared to P-1, 16 atoms", sheared(), double, more)
    cutoff: list[dict[str, float]] = [{"fc3_cutoff": 6.0}]
    yield from against_exact("Cu fcc, 108 atoms", copper, np.diag([3, 3, 3]), cutoff)


def against_exact(
    name: str, crystal: Crystal, matrix: IntArray, changes: Sequence[dict[str, float]]
) -> Iterator[Line]:
    """Random displacements under some changes of the settings."""
    force_field = springs.load(ModelSettings(family="springs"))
    problem = exact_problem(crystal, matrix, force_field)
    for change in changes:
        label = ", ".join([name, *(f"{key} {value:g}" for key, value in change.items())])
        yield label, problem.line(evaluated(force_field), RANDOM.model_copy(update=change))


def exact_problem(crystal: Crystal, matrix: IntArray, force_field: springs.Springs) -> Problem:
    """Compare with the derivatives of the pair potential."""
    harmonic = harmonic_of(crystal, (matrix, matrix), evaluated(force_field))
    phono3py = restored(harmonic)
    every_atom = compute_fc3(force_field.potential, from_phonopy(phono3py.supercell))
    return Problem(harmonic, every_atom[phono3py.primitive.p2s_map])


def sheared() -> Crystal:
    """Primitive rocksalt under six strains of a few per cent: only inversion is left."""
    strain = np.array([[0.01, 0.02, -0.015], [0.02, -0.01, 0.01], [-0.015, 0.01, 0.005]])
    lattice = 5.9 / 2 * (np.ones((3, 3)) - np.eye(3)) @ (np.eye(3) + strain)
    return Crystal(lattice, np.array([3, 35]), np.array([[0, 0, 0], [0.5, 0.5, 0.5]]))


# ---------------------------------------------------------------- networks


def network_lines(options: argparse.Namespace) -> Iterator[Line]:
    """One potential on crystals of the benchmark."""
    protocol, model = protocol_named("ksrme-2024"), model_named(options.model)
    for candidate in benchmark.candidates({"names": list(options.crystals)}):
        exactly = Cached(model, options.cache)
        crystal = exactly.relaxed(candidate.crystal, protocol.relaxation)
        matrices = supercell_matrices(crystal, candidate.hints, DIFFERENCES)
        harmonic = harmonic_of(crystal, matrices, exactly)
        cells = displace_for_fc3(restored(harmonic), DIFFERENCES)
        reference = third_order(harmonic, SupercellForces(exactly(cells)), DIFFERENCES)
        kappa = kappa_of(reference, options.mesh)
        yield f"{candidate.id}, finite differences", {"cells": float(len(cells)), "kappa": kappa}
        problem = Problem(harmonic, np.asarray(reference.fc3), options.mesh, kappa)
        for distance in options.distances:
            line = problem.line(exactly, DIFFERENCES.model_copy(update={"distance": distance}))
            yield f"{candidate.id}, finite differences, {distance:g} Å", line
        for dtype in options.dtype:
            changes: Sequence[dict[str, float]] = [{}]
            if candidate.id == "LiBr-rs" and dtype == "float64":
                changes = [*DISTANCES, {"oversampling": 8.0}]
            settings = model.model_copy(update={"dtype": dtype})
            for change in changes:
                label = ", ".join(f"{key} {value:g}" for key, value in change.items())
                line = problem.line(
                    Cached(settings, options.cache), RANDOM.model_copy(update=change)
                )
                yield ", ".join(filter(None, (candidate.id, dtype, label))), line


def harmonic_of(
    crystal: Crystal, matrices: tuple[IntArray, IntArray], evaluate: Evaluate
) -> ForceConstants:
    """fc2 by finite differences."""
    cells = displace_for_fc2(lattice_dynamics(crystal, *matrices), DIFFERENCES)
    return second_order(crystal, matrices, SupercellForces(evaluate(cells)), DIFFERENCES)


class Cached:
    """A potential whose forces are kept in a folder, one file for each set of cells."""

    def __init__(self, settings: ModelSettings, folder: Path) -> None:
        self.settings = settings
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def load(self) -> ForceField:
        """Load the potential."""
        loaded: ForceField = find("models", self.settings.family).load(self.settings)
        return loaded

    def path(self, crystals: Sequence[Crystal]) -> Path:
        """File of these cells."""
        parts = [self.settings.digest, *(crystal.digest for crystal in crystals)]
        return self.folder / f"{digest_of_json(parts)}.npz"

    def __call__(self, crystals: Sequence[Crystal]) -> FloatArray:
        """Return forces, (n, n_atoms, 3) eV/Å."""
        path = self.path(crystals)
        if not path.exists():
            np.savez(path, forces=as_array(self.load().evaluate(crystals).forces))
        with np.load(path) as arrays:
            return np.asarray(arrays["forces"])

    def relaxed(self, crystal: Crystal, settings: RelaxationSettings) -> Crystal:
        """Relaxed crystal."""
        path = self.path([crystal]).with_suffix(".relaxed.npz")
        if not path.exists():
            found = relax(crystal, self.load(), settings).crystal
            np.savez(path, lattice=found.lattice, fractional=found.fractional)
        with np.load(path) as arrays:
            return Crystal(arrays["lattice"], crystal.numbers, arrays["fractional"])


if __name__ == "__main__":
    main()
